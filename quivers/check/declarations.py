"""One declaration checked on its own, against the signatures of the names that it uses."""

from __future__ import annotations

from collections.abc import Mapping

from quivers.check.advice import advise
from quivers.check.composition import check_define
from quivers.check.names import unknown_program, wrong_kind
from quivers.check.objects import (
    BrokenSignature,
    DefineSignature,
    Names,
    ProgramSignature,
    Signature,
    listed,
    resolve,
    signature_of,
)
from quivers.check.program import Effect, Occurrence, Role
from quivers.check.programs import ProgramFacts, check_program
from quivers.check.scope import Scope
from quivers.check.shapes import bad_space
from quivers.check.spaces import check_space, type_of_space
from quivers.check.summary import Recursion, Summary
from quivers.records import field, record
from quivers.syntax import ast
from quivers.syntax.problems import Diagnostic, Severity


@record
class Unit:
    """What the check of one declaration found, with spans relative to it, and what that rests on.

    `asked` has the signatures of the names it looked up, `listed` the names among which it sought near ones,
    `summarised` what it was told of programs.
    `incomplete` says that something it uses is wrong elsewhere, so that it can't be run; `uses` has the names
    declared elsewhere that it uses. `draws_only` says of a program without parameters that it draws latents
    and scores nothing.
    """

    declaration: ast.Declaration
    asked: Mapping[str, Signature | None]
    listed: Mapping[type, tuple[str, ...]]
    problems: tuple[Diagnostic, ...] = ()
    occurrences: tuple[Occurrence, ...] = ()
    facts: ProgramFacts | None = None
    incomplete: bool = False
    summarised: Mapping[str, Summary | Recursion | None] = field(default_factory=dict)
    uses: frozenset[str] = frozenset()
    draws_only: bool = False

    @property
    def summary(self) -> Summary | None:
        """What the program or the composition is to others; None for any other declaration."""
        return None if self.facts is None else self.facts.summary(sound=not self.has_errors)

    def agrees(self, summaries: Mapping[str, Summary | Recursion]) -> bool:
        """Whether the programs that it draws from or composes are still what they were."""
        return all(summaries.get(name) == summary for name, summary in self.summarised.items())

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


def check_declaration(
    declaration: ast.Declaration,
    signatures: Mapping[str, Signature],
    summaries: Mapping[str, Summary | Recursion] | None = None,
    text: bytes = b"",
) -> Unit:
    """Check one declaration. `text` is its text, to the end of its last line."""
    names = Names(signatures, summaries)
    facts: ProgramFacts | None = None
    if isinstance(declaration, ast.ProgramDeclaration):
        facts, scope = check_program(declaration, names)
    elif isinstance(declaration, ast.DefineDeclaration):
        facts, scope = check_define(declaration, names)
    else:
        scope = Scope(names, "", {}, {}, speaking=True)
        if not isinstance(declaration, ast.Hole):
            _check(declaration, scope)
    occurrences = tuple(sorted(scope.occurrences, key=lambda occurrence: occurrence.span.start))
    uses = frozenset(occurrence.owner for occurrence in occurrences if occurrence.owner is not None)
    wrong = scope.incomplete or any(problem.severity is Severity.ERROR for problem in scope.problems)
    if isinstance(declaration, ast.ProgramDeclaration) and facts is not None and not wrong:
        scope.problems += advise(declaration, facts.types, scope, text)
    return Unit(
        declaration,
        names.asked,
        names.listed,
        tuple(scope.problems),
        occurrences,
        facts,
        scope.incomplete,
        names.summarised,
        uses,
        _draws_only(declaration, facts),
    )


def _draws_only(declaration: ast.Declaration, facts: ProgramFacts | None) -> bool:
    if not isinstance(declaration, ast.ProgramDeclaration) or facts is None or declaration.parameters:
        return False
    return Effect.SAMPLE in facts.effects and Effect.SCORE not in facts.effects


def _check(
    declaration: ast.ObjectDeclaration | ast.DataDeclaration | ast.ExportDeclaration, scope: Scope
) -> None:
    name = declaration.name
    if isinstance(declaration, ast.ObjectDeclaration):
        scope.mention(name.text, name.span, Role.OBJECT, definition=name.span, binds=True)
        _check_object(declaration, scope)
    elif isinstance(declaration, ast.DataDeclaration):
        _check_data(declaration, scope)
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
    found = type_of_space(declaration.space, scope)
    scope.mention(name.text, name.span, Role.DATA, found, definition=name.span, binds=True)


def _check_export(name: ast.Name, scope: Scope) -> None:
    found = scope.names.find(name.text)
    if isinstance(found, ProgramSignature | DefineSignature):
        scope.mention(name.text, name.span, Role.PROGRAM, owner=name.text)
        summary = scope.names.summary(name.text)
        if isinstance(summary, Summary) and summary.parameters:
            scope.report(_takes_parameters(name, summary))
    elif found is None:
        programs = (*scope.names.all(ProgramSignature), *scope.names.all(DefineSignature))
        scope.report(unknown_program(name, programs))
    elif not isinstance(found, BrokenSignature):
        scope.report(wrong_kind(name.span, f"`{name.text}` is no program; only a program can be exported."))


def _takes_parameters(name: ast.Name, summary: Summary) -> Diagnostic:
    listed = ", ".join(f"`{parameter.name}`" for parameter in summary.parameters)
    message = f"`{name.text}` takes {listed}, so it can't be run by itself."
    return wrong_kind(name.span, message, "Export a program that draws from it.")
