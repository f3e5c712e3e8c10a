"""One declaration checked on its own, against the signatures of the names that it uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from quivers.check.names import unknown_program, unsupported, wrong_kind
from quivers.check.objects import (
    BrokenSignature,
    DataSignature,
    DefineSignature,
    Names,
    ProgramSignature,
    Signature,
    data_type,
    listed,
    resolve,
    signature_of,
)
from quivers.check.program import Occurrence, Role
from quivers.check.programs import ProgramFacts, check_program
from quivers.check.scope import Scope
from quivers.check.shapes import bad_space
from quivers.check.spaces import check_space
from quivers.syntax import ast
from quivers.syntax.problems import Diagnostic, Severity


@dataclass(frozen=True, slots=True)
class Unit:
    """What the check of one declaration found, with spans relative to it, and what that rests on.

    `asked` has the signatures of the names it looked up, `listed` the names among which it sought near ones.
    `incomplete` says that something it uses is wrong elsewhere, so that it can't be run.
    """

    declaration: ast.Declaration
    asked: Mapping[str, Signature | None]
    listed: Mapping[type, tuple[str, ...]]
    problems: tuple[Diagnostic, ...] = ()
    occurrences: tuple[Occurrence, ...] = ()
    facts: ProgramFacts | None = None
    incomplete: bool = False

    def holds(self, signatures: Mapping[str, Signature]) -> bool:
        """Whether a check against these signatures would find the same again."""
        for name, signature in self.asked.items():
            found = signatures.get(name)
            if found is not signature and found != signature:
                return False
        return all(listed(signatures, kind) == names for kind, names in self.listed.items())

    @property
    def has_errors(self) -> bool:
        return self.incomplete or any(problem.severity is Severity.ERROR for problem in self.problems)


def check_declaration(declaration: ast.Declaration, signatures: Mapping[str, Signature]) -> Unit:
    """Check one declaration."""
    names = Names(signatures)
    facts: ProgramFacts | None = None
    if isinstance(declaration, ast.ProgramDeclaration):
        facts, scope = check_program(declaration, names)
    else:
        scope = Scope(names, "", {}, {}, speaking=True)
        if not isinstance(declaration, ast.Hole):
            _check(declaration, scope)
    return Unit(
        declaration,
        names.asked,
        names.listed,
        tuple(scope.problems),
        tuple(sorted(scope.occurrences, key=lambda occurrence: occurrence.span.start)),
        facts,
        scope.incomplete,
    )


def _check(
    declaration: ast.ObjectDeclaration | ast.DataDeclaration | ast.DefineDeclaration | ast.ExportDeclaration,
    scope: Scope,
) -> None:
    name = declaration.name
    if isinstance(declaration, ast.ObjectDeclaration):
        scope.mention(name.text, name.span, Role.OBJECT, definition=name.span, binds=True)
        _check_object(declaration, scope)
    elif isinstance(declaration, ast.DataDeclaration):
        _check_data(declaration, scope)
    elif isinstance(declaration, ast.DefineDeclaration):
        scope.mention(name.text, name.span, Role.PROGRAM, definition=name.span, binds=True)
        scope.report(unsupported(ast.Span(0, len("define")), "`define`"))
    elif name.text:
        _check_export(name, scope)


def _check_object(declaration: ast.ObjectDeclaration, scope: Scope) -> None:
    sound = check_space(declaration.space, scope, new_set=True)
    name = declaration.name
    signature = signature_of(declaration)
    if sound and scope.names.find(name.text) == signature and resolve((name.text,), scope.names) is None:
        scope.incomplete = True
        if _names_itself(name.text, declaration.space):
            scope.report(bad_space(declaration.space.span, f"`{name.text}` can't be a part of itself."))


def _names_itself(name: str, space: ast.Space) -> bool:
    return any(isinstance(part, ast.SpaceName) and part.name.text == name for part in ast.walk(space))


def _check_data(declaration: ast.DataDeclaration, scope: Scope) -> None:
    name = declaration.name
    sound = check_space(declaration.space, scope)
    signature = signature_of(declaration)
    found = data_type(signature, scope.names) if isinstance(signature, DataSignature) else None
    scope.mention(name.text, name.span, Role.DATA, found, definition=name.span, binds=True)
    if not sound or found is not None:
        return
    if isinstance(declaration.space, ast.SpaceMap) and isinstance(signature, DataSignature):
        source, target = resolve(signature.source, scope.names), resolve(signature.target, scope.names)
        if source is None or target is None:
            scope.incomplete = True
        elif source.element is not None:
            scope.report(bad_space(declaration.space.source.span, "A map starts from a finite set."))
        else:
            message = "A map goes to one finite set, or to numbers."
            scope.report(bad_space(declaration.space.target.span, message))
    else:
        scope.incomplete = True


def _check_export(name: ast.Name, scope: Scope) -> None:
    found = scope.names.find(name.text)
    if isinstance(found, ProgramSignature | DefineSignature):
        scope.mention(name.text, name.span, Role.PROGRAM, owner=name.text)
    elif found is None:
        programs = (*scope.names.all(ProgramSignature), *scope.names.all(DefineSignature))
        scope.report(unknown_program(name, programs))
    elif not isinstance(found, BrokenSignature):
        scope.report(wrong_kind(name.span, f"`{name.text}` is no program; only a program can be exported."))
