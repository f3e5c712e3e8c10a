"""`define`: programs one after the other, `first >> second`, or side by side, `first * second`.

A composition stands for a program that draws from each of its parts. In `f >> g` the codomain of f must be
the domain of g, and what f returns goes to g's value parameters: by name where f labels its values so,
else in order. An object parameter of g stands for the object that f's codomain has in its place.
"""

from __future__ import annotations

from collections.abc import Mapping

from quivers.check.names import recursive, unknown_program, wrong_kind
from quivers.check.objects import (
    SCALARS,
    BrokenSignature,
    Constructed,
    DataSignature,
    DefineSignature,
    Names,
    ProgramSignature,
)
from quivers.check.program import Role
from quivers.check.programs import ProgramFacts, check_program
from quivers.check.scope import Scope
from quivers.check.summary import ParameterSummary, Recursion, Summary, substituted
from quivers.check.types import AnyType
from quivers.records import field, record, replace
from quivers.syntax import ast
from quivers.syntax.problems import Diagnostic, Label, Severity

Values = tuple[tuple[str, ast.Expression, AnyType], ...]


@record
class Part:
    """What a composition, or a part of it, takes and gives. `left` is its first program, `right` its last."""

    domain: tuple[str, ...]
    codomain: tuple[str, ...]
    returned: Values
    left: ast.Name
    right: ast.Name


@record(frozen=False)
class _Composing:
    """The draws and the parameters gathered so far."""

    scope: Scope
    taken: set[str]
    steps: list[ast.Step] = field(default_factory=list)
    parameters: dict[str, ast.Parameter] = field(default_factory=dict)
    owners: dict[str, ast.Name] = field(default_factory=dict)


def check_define(declaration: ast.DefineDeclaration, names: Names) -> tuple[ProgramFacts | None, Scope]:
    """The facts about the program that a composition stands for; None where it stands for none."""
    name = declaration.name
    scope = Scope(names, "", {}, {}, speaking=True)
    scope.mention(name.text, name.span, Role.PROGRAM, definition=name.span, binds=True)
    programs = [part for part in ast.walk(declaration.composition) if isinstance(part, ast.Name)]
    known = [_summary(part, scope) for part in programs]
    if isinstance(declaration.composition, ast.Hole) or any(summary is None for summary in known):
        scope.incomplete = True
        return None, scope
    if any(isinstance(part, ast.Hole) for part in ast.walk(declaration.composition)):
        scope.incomplete = True
        return None, scope
    taken = {parameter.name for summary in known if summary is not None for parameter in summary.parameters}
    composing = _Composing(scope, taken)
    part = _compose(declaration.composition, composing, None)
    if part is None:
        return None, scope
    program = _program(declaration, part, composing)
    # The parts have been mentioned where they stand, so what this check finds there is not said again.
    facts, inner = check_program(program, names, composed=True)
    scope.incomplete = scope.incomplete or inner.incomplete
    scope.problems.extend(replace(problem, fixes=()) for problem in inner.problems if _concerns(problem))
    return facts, scope


def _concerns(problem: Diagnostic) -> bool:
    """Whether a problem of the program that a composition stands for is one of the composition.

    Labels are made here and not written, and what else can be warned of is said in the parts.
    """
    return problem.code != "QVR205" and (
        problem.severity is Severity.ERROR or problem.code.startswith("QVR4")
    )


def _summary(name: ast.Name, scope: Scope) -> Summary | None:
    """What a composed program is; None, and a report, when it can't be composed."""
    if not name.text:
        return None
    found = scope.names.find(name.text)
    if isinstance(found, BrokenSignature):
        return None
    if found is None:
        programs = (*scope.names.all(ProgramSignature), *scope.names.all(DefineSignature))
        scope.report(unknown_program(name, programs))
        return None
    if not isinstance(found, ProgramSignature | DefineSignature):
        scope.report(wrong_kind(name.span, f"`{name.text}` is no program; only programs are composed."))
        return None
    scope.mention(name.text, name.span, Role.PROGRAM, owner=name.text)
    summary = scope.names.summary(name.text)
    if isinstance(summary, Recursion):
        scope.report(recursive(name))
        return None
    return summary if isinstance(summary, Summary) and summary.sound else None


# -------------------------------------------------------------------------- composing


def _compose(node: ast.Composition, composing: _Composing, feed: Part | None) -> Part | None:
    """Put a part in; `feed` is what comes before it and returns what it takes."""
    if isinstance(node, ast.Name):
        return _one(node, composing, feed)
    if isinstance(node, ast.Hole):
        return None
    if node.operator == ">>":
        left = _compose(node.left, composing, feed)
        right = None if left is None else _compose(node.right, composing, left)
        if left is None or right is None:
            return None
        return Part(left.domain, right.codomain, right.returned, left.left, right.right)
    return _side_by_side(node, composing, feed)


def _side_by_side(node: ast.Compose, composing: _Composing, feed: Part | None) -> Part | None:
    """`f * g`: what is fed is split between the two, by the factors of f's domain and by its parameters."""
    feeds: tuple[Part | None, Part | None] = (None, None)
    if feed is not None:
        factors, values = _takes(node.left, composing.scope.names)
        first = Part(feed.domain, feed.codomain[:factors], feed.returned[:values], feed.left, feed.right)
        rest = Part(feed.domain, feed.codomain[factors:], feed.returned[values:], feed.left, feed.right)
        feeds = (first, rest)
    left = _compose(node.left, composing, feeds[0])
    right = None if left is None else _compose(node.right, composing, feeds[1])
    if left is None or right is None:
        return None
    return Part(
        left.domain + right.domain,
        left.codomain + right.codomain,
        _told_apart(left, right),
        left.left,
        right.right,
    )


def _told_apart(left: Part, right: Part) -> Values:
    """The values of both; labels that both have get the program's name before them."""
    mine = {label for label, _, _ in left.returned}
    theirs = {label for label, _, _ in right.returned}
    both = mine & theirs

    def renamed(part: Part, prefix: str) -> Values:
        return tuple(
            (f"{prefix}.{label}" if label in both else label, value, type)
            for label, value, type in part.returned
        )

    again = "_2" if left.right.text == right.right.text else ""
    return renamed(left, left.right.text) + renamed(right, right.right.text + again)


def _takes(node: ast.Composition, names: Names) -> tuple[int, int]:
    """How many factors the domain of a part has, and how many values are fed to it."""
    if isinstance(node, ast.Hole):
        return 0, 0
    if isinstance(node, ast.Name):
        summary = names.summary(node.text)
        if not isinstance(summary, Summary):
            return 0, 0
        return len(summary.domain), sum(parameter.type is not None for parameter in summary.parameters)
    left = _takes(node.left, names)
    if node.operator == ">>":
        return left
    right = _takes(node.right, names)
    return left[0] + right[0], left[1] + right[1]


def _one(name: ast.Name, composing: _Composing, feed: Part | None) -> Part | None:
    summary = composing.scope.names.summary(name.text)
    if not isinstance(summary, Summary):
        return None
    objects: dict[str, str] = {}
    arguments: dict[str, ast.Expression] = {}
    if feed is not None:
        matched = _matched(name, summary, feed, composing.scope)
        if matched is None:
            return None
        objects = matched
        values = _fed(name, summary, feed, composing.scope)
        if values is None:
            return None
        arguments.update(values)
    for parameter in summary.parameters:
        if parameter.type is None and parameter.name in objects:
            arguments[parameter.name] = ast.Variable(objects[parameter.name], name.span)
        elif parameter.name not in arguments:
            if not _lifted(name, parameter, composing):
                return None
            arguments[parameter.name] = ast.Variable(parameter.name, name.span)
    return _drawn(name, summary, objects, arguments, composing)


def _matched(name: ast.Name, summary: Summary, feed: Part, scope: Scope) -> dict[str, str] | None:
    """The objects that g's object parameters stand for, from f's codomain; None where the two differ."""
    own = {parameter.name for parameter in summary.parameters if parameter.type is None}
    objects: dict[str, str] = {}
    equal = len(summary.domain) == len(feed.codomain)
    for wanted, given in zip(summary.domain, feed.codomain, strict=False):
        if wanted in own:
            equal = equal and objects.setdefault(wanted, given) == given
        else:
            equal = equal and wanted == given
    if equal:
        return objects
    gives, takes = " * ".join(feed.codomain), " * ".join(summary.domain)
    message = f"`{feed.right.text}` gives `{gives}`, but `{name.text}` takes `{takes}`."
    scope.report(_unfit(name.span, message, Label(feed.right.span, f"this gives `{gives}`")))
    return None


def _fed(name: ast.Name, summary: Summary, feed: Part, scope: Scope) -> Mapping[str, ast.Expression] | None:
    """What f returns by g's value parameters: by name where the labels are theirs, else in order."""
    parameters = [parameter.name for parameter in summary.parameters if parameter.type is not None]
    values = {label: value for label, value, _ in feed.returned}
    if len(parameters) == len(values) and set(parameters) == set(values):
        return values
    if not parameters:
        message = f"Nothing that `{feed.right.text}` returns reaches `{name.text}`, which takes no value."
        hint = f"Give `{name.text}` a parameter for it, or compose the two with `*`."
        label = Label(feed.right.span, f"what `{feed.right.text}` returns is dropped")
        scope.report(Diagnostic("QVR323", Severity.WARNING, name.span, message, labels=(label,), hint=hint))
        return {}
    if len(parameters) != len(feed.returned):
        count = len(feed.returned)
        listed = ", ".join(f"`{parameter}`" for parameter in parameters)
        returns = f"{count} values" if count != 1 else "one value"
        message = f"`{feed.right.text}` returns {returns}, but `{name.text}` takes {listed}."
        scope.report(_unfit(name.span, message, Label(feed.right.span, f"this returns {returns}")))
        return None
    return {parameter: value for parameter, (_, value, _) in zip(parameters, feed.returned, strict=True)}


def _lifted(name: ast.Name, parameter: ParameterSummary, composing: _Composing) -> bool:
    """Make a parameter that nothing feeds a parameter of the composition."""
    earlier = composing.owners.get(parameter.name)
    if earlier is not None:
        message = f"`{earlier.text}` and `{name.text}` both take a parameter `{parameter.name}`."
        composing.scope.report(_unfit(name.span, message, Label(earlier.span, "the other one")))
        return False
    composing.owners[parameter.name] = name
    space = None if parameter.space is None else _space(parameter.space, name.span)
    if space is None:
        return False
    composing.parameters[parameter.name] = ast.Parameter(
        ast.Name(parameter.name, name.span), space, name.span
    )
    return True


def _drawn(
    name: ast.Name,
    summary: Summary,
    objects: Mapping[str, str],
    arguments: Mapping[str, ast.Expression],
    composing: _Composing,
) -> Part:
    """Add the draw from one program, under its own name, or with a number where that is taken."""
    draw, number = name.text, 2
    while draw in composing.taken:
        draw, number = f"{name.text}_{number}", number + 1
    composing.taken.add(draw)
    span = name.span
    given = tuple(
        ast.Argument(ast.Name(parameter.name, span), arguments[parameter.name], span)
        for parameter in summary.parameters
    )
    call = ast.Call(ast.Name(name.text, span), given, span)
    composing.steps.append(ast.Sample(ast.Name(draw, span), (), call, (), None, span))
    alone = len(summary.returned) == 1
    returned = tuple(
        (label, ast.Variable(draw if alone else f"{draw}.{label}", span), substituted(type, objects))
        for label, type in summary.returned
    )
    domain = tuple(objects.get(factor, factor) for factor in summary.domain)
    codomain = tuple(objects.get(factor, factor) for factor in summary.codomain)
    return Part(domain, codomain, returned, name, name)


# --------------------------------------------------------- the program that it stands for


def _program(declaration: ast.DefineDeclaration, part: Part, composing: _Composing) -> ast.ProgramDeclaration:
    span = declaration.name.span
    values = tuple(
        ast.Returned(ast.Name(label, value.span), value, value.span) for label, value, _ in part.returned
    )
    steps = (*composing.steps, ast.Return(values, span)) if values else tuple(composing.steps)
    return ast.ProgramDeclaration(
        name=declaration.name,
        parameters=tuple(composing.parameters.values()),
        domain=_product(part.domain, span),
        codomain=_product(part.codomain, span),
        options=(),
        steps=steps,
        documentation=declaration.documentation,
        header_span=declaration.span,
        span=declaration.span,
    )


def _product(names: tuple[str, ...], span: ast.Span) -> ast.Space:
    factors = tuple(ast.SpaceName(ast.Name(name, span), (), (), span) for name in names)
    return factors[0] if len(factors) == 1 else ast.SpaceProduct(factors, span)


def _space(signature: DataSignature, span: ast.Span) -> ast.Space | None:
    """The syntax of a parameter's space, from what is known of it."""
    source = _side(signature.source, span)
    if source is None or not signature.is_map:
        return source
    target = _side(signature.target, span)
    return None if target is None else ast.SpaceMap(source, target, span)


def _side(factors: tuple[str | Constructed, ...] | None, span: ast.Span) -> ast.Space | None:
    if not factors:
        return None
    parts = tuple(_factor(factor, span) for factor in factors)
    return parts[0] if len(parts) == 1 else ast.SpaceProduct(parts, span)


def _factor(factor: str | Constructed, span: ast.Span) -> ast.SpaceName:
    if isinstance(factor, str):
        return ast.SpaceName(ast.Name(factor, span), (), (), span)
    arguments: tuple[ast.Expression, ...] = ()
    if factor.size is not None:
        arguments = (ast.Number(float(factor.size), True, span),)
    elif factor.index is not None:
        arguments = (ast.Variable(factor.index, span),)
    return ast.SpaceName(ast.Name(factor.constructor, span), arguments, _bounds(factor, span), span)


def _bounds(factor: Constructed, span: ast.Span) -> tuple[ast.Option, ...]:
    plain = Constructed(factor.constructor).support
    base = SCALARS.get(factor.constructor, plain)
    ends = (("low", factor.support.low, base.low), ("high", factor.support.high, base.high))
    return tuple(
        ast.Option(ast.Name(name, span), (ast.Number(end, end.is_integer(), span),), False, span)
        for name, end, own in ends
        if factor.constructor in SCALARS and end != own
    )


def _unfit(span: ast.Span, message: str, label: Label) -> Diagnostic:
    """Two programs that can't stand one after the other, or side by side."""
    return Diagnostic("QVR322", Severity.ERROR, span, message, labels=(label,))
