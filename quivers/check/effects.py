"""Effects (QVR5xx): what a program does besides working out values, and whether its header owns up to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from quivers.check.objects import DefineSignature, ProgramSignature
from quivers.check.program import Effect, Role, StepEffects
from quivers.check.scope import Scope
from quivers.check.spelling import nearest
from quivers.families.table import FAMILIES
from quivers.syntax import ast
from quivers.syntax.problems import Diagnostic, Edit, Fix, Label, Severity

PURE = "Pure"
_BY_NAME = {effect.value: effect for effect in Effect}
_STEP_WORDS: Mapping[type, tuple[str, Effect, str]] = {
    ast.Sample: ("sample", Effect.SAMPLE, "draws a latent"),
    ast.Observe: ("observe", Effect.SCORE, "scores data"),
    ast.Score: ("score", Effect.SCORE, "adds to the log density"),
    ast.Marginalize: ("marginalize", Effect.MARGINAL, "sums a latent out"),
}
_OF_A_PROGRAM: Mapping[Effect, str] = {
    Effect.SAMPLE: "draws a latent",
    Effect.SCORE: "scores data",
    Effect.MARGINAL: "sums a latent out",
}


def steps_with_effects(steps: Iterable[ast.Step], scope: Scope) -> list[tuple[Effect, ast.Span, str]]:
    """Each effect, the word that causes it (a name where a draw has no keyword) and what that step does.

    A draw from a program has that program's effects, as far as they are known.
    """
    found: list[tuple[Effect, ast.Span, str]] = []
    for step in steps:
        entry = _STEP_WORDS.get(type(step))
        if entry is None or isinstance(step, ast.Hole | ast.Let | ast.Return):
            continue
        word, effect, doing = entry
        span = keyword_span(step, word)
        called = _called(step, scope)
        if called is None:
            found.append((effect, span, doing))
        else:
            effects = scope.call_effects.get(step.span, frozenset())
            found += [
                (each, span, f"draws from `{called}`, which {_OF_A_PROGRAM[each]}")
                for each in Effect
                if each in effects
            ]
        if isinstance(step, ast.Marginalize):
            found.extend(steps_with_effects(step.body, scope))
    return found


def _called(step: ast.Step, scope: Scope) -> str | None:
    """The program that a step draws from."""
    if not isinstance(step, ast.Sample) or isinstance(step.draw, ast.Hole):
        return None
    name = step.draw.function.text
    program = isinstance(scope.names.find(name), ProgramSignature | DefineSignature)
    return name if program and name not in FAMILIES else None


def effects_of_steps(steps: Iterable[ast.Step], scope: Scope) -> tuple[StepEffects, ...]:
    """The effects of each step that has any; a block's are its own and those of its steps."""
    found = []
    for step in steps:
        effects = steps_with_effects((step,), scope)
        if effects:
            found.append(StepEffects(effects[0][1], frozenset(effect for effect, _, _ in effects)))
    return tuple(found)


def keyword_span(step: ast.Sample | ast.Observe | ast.Score | ast.Marginalize, word: str) -> ast.Span:
    """The step's keyword; the name in `theta : School <- …`, which has none."""
    start = step.span.start
    return step.name.span if step.name.span.start == start else ast.Span(start, start + len(word))


def check_effects(declaration: ast.ProgramDeclaration, scope: Scope, *, readable: bool) -> frozenset[Effect]:
    """The effects of a program's steps, after comparing them with `[effects=[…]]` where that is written.

    `readable` is false when a step could not be read: what looks unused may then be used there.
    """
    steps = steps_with_effects(declaration.steps, scope)
    inferred = frozenset(effect for effect, _, _ in steps)
    for option in declaration.options:
        if option.name.text == "effects":
            _compare(option, steps, inferred, scope, readable=readable)
    return inferred


def _compare(
    option: ast.Option,
    steps: Sequence[tuple[Effect, ast.Span, str]],
    inferred: frozenset[Effect],
    scope: Scope,
    *,
    readable: bool,
) -> None:
    declared: dict[str, ast.Variable] = {}
    sound = True
    for value in option.values:
        if not isinstance(value, ast.Variable):
            sound = False
            if not isinstance(value, ast.Hole):
                scope.report(_unknown_effect("this", value.span))
        elif value.name not in _BY_NAME and value.name != PURE:
            sound = False
            scope.report(_unknown_effect(value.name, value.span))
        else:
            scope.mention(value.name, value.span, Role.EFFECT)
            declared.setdefault(value.name, value)
    if not sound:
        return
    if PURE in declared and len(declared) > 1:
        rest = [name for name in declared if name != PURE]
        scope.report(_pure_with_others(declared[PURE].span, _rewritten(option, rest)))
        declared.pop(PURE)
    allowed = {_BY_NAME[name] for name in declared if name != PURE}
    for effect, span, doing in steps:
        if effect not in allowed:
            more = [*(other.value for other in Effect if other in allowed), effect.value]
            scope.report(_undeclared(effect, span, doing, option, more))
    if not readable:
        return
    for name, value in declared.items():
        if name != PURE and _BY_NAME[name] not in inferred:
            rest = [other for other in declared if other != name]
            scope.report(_unused(name, value.span, _rewritten(option, rest or [PURE])))


def _rewritten(option: ast.Option, names: Sequence[str]) -> Fix:
    text = f"effects=[{', '.join(names)}]"
    return Fix(f"Write `{text}`", (Edit(option.span, text),))


def _undeclared(
    effect: Effect, span: ast.Span, doing: str, option: ast.Option, effects: Sequence[str]
) -> Diagnostic:
    return Diagnostic(
        "QVR501",
        Severity.ERROR,
        span,
        f"This step {doing}, but the program does not declare the effect `{effect.value}`.",
        labels=(Label(option.span, "the effects are declared here"),),
        fixes=(_rewritten(option, effects),),
    )


def _unused(name: str, span: ast.Span, fix: Fix) -> Diagnostic:
    return Diagnostic(
        "QVR502", Severity.HINT, span, f"The effect `{name}` is declared, but no step has it.", fixes=(fix,)
    )


def _pure_with_others(span: ast.Span, fix: Fix) -> Diagnostic:
    return Diagnostic(
        "QVR503",
        Severity.ERROR,
        span,
        "`Pure` says that there are no effects, so it stands alone.",
        fixes=(fix,),
    )


def _unknown_effect(name: str, span: ast.Span) -> Diagnostic:
    near = nearest(name, (*_BY_NAME, PURE))
    fixes = () if near is None else (Fix(f"Replace `{name}` by `{near}`", (Edit(span, near),)),)
    return Diagnostic(
        "QVR504",
        Severity.ERROR,
        span,
        f"No effect is called `{name}`." if name != "this" else "This is no effect.",
        fixes=fixes,
        hint="The effects are `Sample`, `Score`, `Marginal` and `Pure`.",
    )
