"""In which order programs are checked: one that is drawn from or composed comes before those that use it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from quivers.families.table import FAMILIES
from quivers.syntax import ast


def called_names(declaration: ast.Declaration) -> tuple[str, ...]:
    """The names that a declaration draws from or composes and that may be programs, each once."""
    names: dict[str, None] = {}
    if isinstance(declaration, ast.DefineDeclaration):
        for part in ast.walk(declaration.composition):
            if isinstance(part, ast.Name):
                names[part.text] = None
    elif isinstance(declaration, ast.ProgramDeclaration):
        _drawn_from(declaration.steps, names)
    elif isinstance(declaration, ast.ExportDeclaration):
        names[declaration.name.text] = None
    return tuple(names)


def _drawn_from(steps: Sequence[ast.Step], names: dict[str, None]) -> None:
    for step in steps:
        if isinstance(step, ast.Marginalize):
            _drawn_from(step.body, names)
        if isinstance(step, ast.Sample | ast.Observe | ast.Marginalize) and isinstance(step.draw, ast.Call):
            name = step.draw.function.text
            if name not in FAMILIES:
                names[name] = None


def groups(calls: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    """The names in an order in which each comes after those it calls; names that call each other together.

    The strongly connected components (Tarjan, 1972), without recursion so that a long chain is no problem.
    """
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    found: list[tuple[str, ...]] = []
    for root in calls:
        if root in number:
            continue
        work: list[tuple[str, int]] = [(root, 0)]
        while work:
            name, place = work.pop()
            if name not in number:
                number[name] = lowest[name] = len(number)
                stack.append(name)
                on_stack.add(name)
            called = calls[name]
            advanced = False
            for index in range(place, len(called)):
                other = called[index]
                if other not in calls:
                    continue
                if other not in number:
                    work.append((name, index))
                    work.append((other, 0))
                    advanced = True
                    break
                if other in on_stack:
                    lowest[name] = min(lowest[name], lowest[other])
            if advanced:
                continue
            if lowest[name] == number[name]:
                group: list[str] = []
                while True:
                    member = stack.pop()
                    on_stack.discard(member)
                    group.append(member)
                    if member == name:
                        break
                found.append(tuple(reversed(group)))
    return found
