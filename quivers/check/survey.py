"""All declarations of a file seen together: who declares which name, and in which order to check them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set

from quivers.check.dependencies import called_names, groups
from quivers.check.objects import (
    BrokenSignature,
    DefineSignature,
    ProgramSignature,
    Signature,
    signature_of,
)
from quivers.records import record
from quivers.syntax import ast
from quivers.syntax.reading import identifier

_WORD = re.compile(rb"[\w\x80-\xff]+")


@record
class Face:
    """What a declaration is to the others: its name, its signature, and the programs that it uses.

    `name` is None where it could not be read.
    """

    kind: type
    name: str | None
    signature: Signature | None
    called: tuple[str, ...]


@record
class Survey:
    """The faces of a file's declarations, and what follows from them alone. Declarations go by their number.

    `first` has the first declaration of each name; `repeated` each that declares a name anew, or exports
    again, with the first that did. `exported` is the program that the file stands for: the exported one, or
    the last; None when the export is wrong. `order` has every declaration after those that it draws from,
    each with the programs that it can't draw from, as they draw, in the end, from it; `linked` those that
    draw from others or are drawn from.
    """

    faces: Sequence[Face]
    signatures: Mapping[str, Signature]
    first: Mapping[str, int]
    repeated: Sequence[tuple[int, int]]
    exported: str | None
    order: Sequence[tuple[int, frozenset[str]]]
    linked: Set[int]

    def holds(self, faces: Sequence[Face]) -> bool:
        """Whether a survey of these faces would find the same; never where a declaration is unreadable."""
        mine = self.faces
        return len(faces) == len(mine) and all(
            new is old or (new == old and new.kind is not ast.Hole)
            for new, old in zip(faces, mine, strict=True)
        )


def face_of(declaration: ast.Declaration) -> Face:
    """A declaration as the others see it."""
    name = None if isinstance(declaration, ast.Hole) else declaration.name.text
    return Face(type(declaration), name, signature_of(declaration), called_names(declaration))


def survey(faces: Sequence[Face], placed: Sequence[ast.Placed], source: bytes) -> Survey:
    """The survey of a file. Any word of an unreadable declaration may be the name that it declares."""
    last: str | None = None
    signatures: dict[str, Signature] = {}
    first: dict[str, int] = {}
    repeated: list[tuple[int, int]] = []
    holes: list[ast.Placed] = []
    export: int | None = None
    for number, face in enumerate(faces):
        name = face.name
        if name and face.signature is not None:
            if name in first:
                repeated.append((number, first[name]))
            else:
                first[name] = number
                signatures[name] = face.signature
                if isinstance(face.signature, ProgramSignature | DefineSignature):
                    last = name if _stands_alone(face.signature) or last is None else last
        elif name is None:
            holes.append(placed[number])
        elif face.kind is ast.ExportDeclaration:
            if export is None:
                export = number
            else:
                repeated.append((number, export))
    for hole in holes:
        span = hole.declaration.span.shifted(hole.offset)
        for word in _WORD.findall(source[span.start : span.end]):
            signatures.setdefault(identifier(word.decode(errors="replace")), BrokenSignature())
    if export is not None:
        last = faces[export].name
        if last is None or not isinstance(signatures.get(last), ProgramSignature | DefineSignature):
            last = None
    return Survey(faces, signatures, first, repeated, last, _order(faces, first), _linked(faces, first))


def _stands_alone(signature: ProgramSignature | DefineSignature) -> bool:
    """Whether a program may stand for its file: one with parameters needs another that draws from it."""
    return isinstance(signature, DefineSignature) or not signature.parameters


def _order(faces: Sequence[Face], first: Mapping[str, int]) -> list[tuple[int, frozenset[str]]]:
    nothing: frozenset[str] = frozenset()
    calls: dict[str, Sequence[str]] = {}
    ordered: list[tuple[int, frozenset[str]]] = []
    again: list[tuple[int, frozenset[str]]] = []
    for number, face in enumerate(faces):
        if not face.called:
            ordered.append((number, nothing))
        elif face.name and first.get(face.name) == number:
            calls[face.name] = face.called
        else:
            again.append((number, nothing))
    for group in groups(calls):
        circular = frozenset(group) if len(group) > 1 or group[0] in calls[group[0]] else nothing
        ordered += [(first[name], circular) for name in group]
    return ordered + again


def _linked(faces: Sequence[Face], first: Mapping[str, int]) -> set[int]:
    callers = [number for number, face in enumerate(faces) if face.called]
    called = {first[name] for number in callers for name in faces[number].called if name in first}
    return {*callers, *called}
