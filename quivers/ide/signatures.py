"""What a file's declarations show of themselves, for working out a type outside of the check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from quivers.check.objects import Signature, signature_of
from quivers.check.program import Checked
from quivers.syntax import ast


class Signatures(Mapping[str, Signature]):
    """The signatures of a file's names, each worked out when it is asked for."""

    def __init__(self, checked: Checked) -> None:
        self._declarations: dict[str, ast.Declaration] = {}
        for placed in checked.module.declarations:
            declaration = placed.declaration
            if not isinstance(declaration, ast.Hole | ast.ExportDeclaration) and declaration.name.text:
                self._declarations.setdefault(declaration.name.text, declaration)

    def __getitem__(self, name: str) -> Signature:
        found = signature_of(self._declarations[name])
        assert found is not None, "every declaration here declares a name"
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._declarations)

    def __len__(self) -> int:
        return len(self._declarations)
