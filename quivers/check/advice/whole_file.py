"""QVR706, QVR709 and QVR710: what only shows when a file is seen as a whole.

That is a program that conditions on nothing, and objects and `data` declarations that no program uses.
Spans are absolute here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from quivers.check.rewrites.lines import line_end
from quivers.syntax import ast
from quivers.syntax.ast import Span
from quivers.syntax.layout import documentation_above
from quivers.syntax.problems import Diagnostic, Edit, Fix, Severity

if TYPE_CHECKING:
    from quivers.check.declarations import Unit

_LEAVES = (ast.ObjectDeclaration, ast.DataDeclaration)


def advise_file(
    placed: Sequence[ast.Placed], units: Sequence[Unit], first: Mapping[str, int], source: bytes
) -> list[Diagnostic]:
    """Advice on a file without errors, given what each of its declarations uses."""
    if not any(isinstance(unit.declaration, ast.ProgramDeclaration) for unit in units):
        return []
    return [*_unconditioned(placed, units), *_unused(placed, units, first, source)]


def _unconditioned(placed: Sequence[ast.Placed], units: Sequence[Unit]) -> Iterator[Diagnostic]:
    """Programs that draw latents and score nothing, parts of other programs aside."""
    found = [number for number, unit in enumerate(units) if unit.draws_only]
    if not found:
        return
    parts = set[str]().union(
        *(unit.uses for unit in units if not isinstance(unit.declaration, ast.ExportDeclaration))
    )
    for number in found:
        item = placed[number]
        assert isinstance(item.declaration, ast.ProgramDeclaration), "it alone draws"
        name = item.declaration.name
        if name.text not in parts:
            yield Diagnostic(
                "QVR706",
                Severity.HINT,
                name.span.shifted(item.offset),
                f"`{name.text}` observes nothing, so its posterior is its prior.",
                hint="To learn from data, `observe` an input, or `score` what should be likely.",
            )


def _unused(
    placed: Sequence[ast.Placed],
    units: Sequence[Unit],
    first: Mapping[str, int],
    source: bytes,
) -> Iterator[Diagnostic]:
    """Objects and `data` declarations that no program uses, be it through others."""
    own = {unit.declaration.name.text: unit for unit in units if isinstance(unit.declaration, _LEAVES)}
    if not own:
        return
    needed = set[str]().union(*(unit.uses for unit in units if not isinstance(unit.declaration, _LEAVES)))
    waiting = list(needed)
    while waiting:
        used = own.get(waiting.pop())
        if used is not None:
            waiting += used.uses - needed
            needed |= used.uses
    if own.keys() <= needed:
        return
    kept_by = {name for unit in own.values() for name in unit.uses}
    for number, item in enumerate(placed):
        declaration = item.declaration
        if not isinstance(declaration, _LEAVES):
            continue
        name = declaration.name
        if not name.text or name.text in needed or first.get(name.text) != number:
            continue
        removable = name.text not in kept_by
        fix = Fix(f"Remove `{name.text}`", (_removal(item, source),))
        data = isinstance(declaration, ast.DataDeclaration)
        yield Diagnostic(
            "QVR710" if data else "QVR709",
            Severity.HINT,
            name.span.shifted(item.offset),
            f"No program uses the {'input' if data else 'object'} `{name.text}`.",
            fixes=(fix,) if removable else (),
        )


def _removal(item: ast.Placed, source: bytes) -> Edit:
    """A declaration's lines, its documentation among them, and the blank line that would be left over."""
    start = documentation_above(source, item.offset)[1]
    end = line_end(source, item.offset + item.declaration.span.end).end
    above = source[:start].rstrip(b" \t")
    if not above or above.endswith((b"\n\n", b"\r\n\r\n", b"\r\r")):
        following = line_end(source, end)
        if following.end > end and not source[end : following.start].strip():
            end = following.end
    return Edit(Span(start, end), "")
