"""Draws from programs: a program's summary with a caller's objects and values put in for its parameters.

The called program's own names go under the draw's name in the caller, `theta.z`, and its undeclared inputs
with them; a name that the file declares with `data` is the file's, and stays as it is everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping

from quivers.check.arguments import bind_arguments
from quivers.check.bounds import argument_problem
from quivers.check.calls import axes_of_object
from quivers.check.expressions import type_of
from quivers.check.names import recursive, wrong_kind
from quivers.check.objects import ObjectSignature, size_of_object
from quivers.check.program import ProgramCall, Role
from quivers.check.scope import UNKNOWN, Inherited, Scope
from quivers.check.shapes import listing, missing_argument, wrong_value
from quivers.check.summary import ParameterSummary, Recursion, Summary, substituted
from quivers.check.types import AnyType, Type
from quivers.families.support import Interval
from quivers.records import record
from quivers.syntax import ast
from quivers.syntax.problems import Diagnostic, Severity


@record
class Arguments:
    """A draw's arguments by parameter, and the objects among them. `complete` is false after a report."""

    values: Mapping[str, ast.Expression]
    objects: Mapping[str, str]
    complete: bool


def type_of_program_draw(step: ast.Sample, call: ast.Call, scope: Scope) -> AnyType:
    """The type of what `sample name <- program(…)` draws, after checking its arguments.

    Notes in `scope` the call, the names and the inputs that it brings, and its effects.
    """
    name = call.function
    scope.mention(name.text, name.span, Role.PROGRAM, owner=name.text)
    if step.plate:
        place = ast.Span(step.plate[0].span.start, step.plate[-1].span.end)
        message = f"`{name.text}` is a program, and a program runs once for a draw."
        hint = "Give it the object as a parameter, `G : FinSet`, and draw over `G` inside."
        scope.report(wrong_value(place, message, hint))
    summary = scope.names.summary(name.text)
    if not isinstance(summary, Summary) or not summary.sound:
        _mention_arguments(call, scope)
        if isinstance(summary, Recursion):
            return scope.report(recursive(name))
        if isinstance(summary, Summary):
            scope.call_effects[step.span] = summary.effects
        scope.incomplete = True
        return UNKNOWN
    bound = bind_program(call, summary, scope)
    sound = bound.complete
    for parameter in summary.parameters:
        node = bound.values.get(parameter.name)
        if parameter.type is not None and node is not None:
            wanted = substituted(parameter.type, bound.objects)
            sound = _check_value(name.text, parameter, wanted, node, scope) and sound
    scope.call_effects[step.span] = summary.effects
    if not sound or step.plate or not step.name.text:
        return UNKNOWN
    return _instantiated(step, name, summary, bound, scope)


def _mention_arguments(call: ast.Call, scope: Scope) -> None:
    """Look at the arguments of a program whose parameters are not known."""
    for argument in call.arguments:
        node, keyword = argument.value, argument.keyword
        if keyword is not None and keyword.text:
            scope.mention(keyword.text, keyword.span, Role.PARAMETER)
        if isinstance(node, ast.Variable) and _is_object(node.name, scope):
            scope.mention_object(node.name, node.span)
        else:
            type_of(node, scope)


def _is_object(name: str, scope: Scope) -> bool:
    return name not in scope.bindings and isinstance(scope.names.find(name), ObjectSignature)


def bind_program(call: ast.Call, summary: Summary, scope: Scope) -> Arguments:
    """Which argument goes to which parameter, and which objects stand for the object parameters."""
    names = tuple(parameter.name for parameter in summary.parameters)
    values, sound = bind_arguments(call, call.arguments, names, (names,), scope)
    missing = [name for name in names if name not in values]
    if missing and sound:
        scope.report(missing_argument(call.function, missing, ()))
    objects: dict[str, str] = {}
    complete = sound and not missing
    for parameter in summary.parameters:
        node = values.get(parameter.name)
        if parameter.type is None and node is not None:
            found = _object(call.function.text, parameter, node, scope)
            if found is None:
                complete = False
                continue
            problem = _clash(call.function.text, parameter, node, found, objects, summary)
            if problem is not None:
                scope.report(problem)
                complete = False
            objects[parameter.name] = found
    return Arguments(values, objects, complete)


def _object(called: str, parameter: ParameterSummary, node: ast.Expression, scope: Scope) -> str | None:
    """The finite set that an argument names; None, and a report, when it names none."""
    if isinstance(node, ast.Hole):
        return None
    if not isinstance(node, ast.Variable):
        message = f"`{parameter.name}` of `{called}` stands for a finite set, and this is a value."
        scope.report(_unfit(node.span, message, "Name an object here."))
        return None
    if node.name in scope.bindings:
        binding = scope.bindings[node.name]
        scope.mention_binding(binding, node.span)
        message = f"`{parameter.name}` of `{called}` stands for a finite set, and `{node.name}` is a value."
        scope.report(_unfit(node.span, message, "Name an object here."))
        return None
    axes = axes_of_object(ast.Name(node.name, node.span), scope)
    if axes is None:
        return None
    signature = scope.names.find(node.name)
    if len(axes) != 1 or not (isinstance(signature, ObjectSignature) and signature.is_set):
        message = f"`{parameter.name}` of `{called}` stands for one finite set, not for {listing(axes)}."
        scope.report(_unfit(node.span, message))
        return None
    size = size_of_object(node.name, scope.names)
    if parameter.size is not None and size is not None and size != parameter.size:
        message = (
            f"`{parameter.name}` of `{called}` has {parameter.size} elements, but `{node.name}` has {size}."
        )
        scope.report(_unfit(node.span, message))
        return None
    return node.name


def _clash(
    called: str,
    parameter: ParameterSummary,
    node: ast.Expression,
    found: str,
    objects: Mapping[str, str],
    summary: Summary,
) -> Diagnostic | None:
    """Two objects of the called program that would become one: values over each would run together."""
    other = next((name for name, given in objects.items() if given == found), None)
    hint = f"Declare a second object of the same size, and give that for `{parameter.name}`."
    if other is not None:
        two = f"`{parameter.name}` and `{other}` are two objects in `{called}`"
        message = f"{two}, so they can't both be `{found}`."
        return _unfit(node.span, message, hint)
    if found in summary.objects:
        message = f"`{called}` runs over `{found}` beside `{parameter.name}`, so that can't be `{found}` too."
        return _unfit(node.span, message, hint)
    return None


def _check_value(
    called: str, parameter: ParameterSummary, wanted: AnyType, node: ast.Expression, scope: Scope
) -> bool:
    """Whether an argument fits a value parameter, in axes and elements."""
    found = type_of(node, scope)
    if not isinstance(found, Type) or not isinstance(wanted, Type):
        return True
    subject = f"`{node.name}`" if isinstance(node, ast.Variable) else "this"
    extra = [axis for axis in found.axes if axis not in wanted.axes]
    if extra:
        message = f"`{parameter.name}` of `{called}` is `{wanted}`, but {subject} runs over {listing(extra)}."
        scope.report(_unfit(node.span, message, "Reduce or index it, or widen the parameter."))
        return False
    if not isinstance(found.element, Interval) or not isinstance(wanted.element, Interval):
        if found.element == wanted.element:
            return True
        message = f"`{parameter.name}` of `{called}` is `{wanted}`, but {subject} is `{found}`."
        scope.report(_unfit(node.span, message))
        return False
    text = node.name if isinstance(node, ast.Variable) else None
    problem = argument_problem(
        called, parameter.name, found.element, wanted.element, span=node.span, text=text
    )
    if problem is not None:
        scope.report(problem)
        return problem.severity is not Severity.ERROR
    return True


def _instantiated(
    step: ast.Sample, name: ast.Name, summary: Summary, bound: Arguments, scope: Scope
) -> AnyType:
    draw, objects = step.name.text, bound.objects
    for own, type in summary.types:
        scope.instance_types[f"{draw}.{own}"] = substituted(type, objects)
    inputs: dict[str, str] = {}
    for entry in summary.inputs:
        inputs[entry.name] = entry.name if entry.declared else f"{draw}.{entry.name}"
        type = substituted(entry.type, objects)
        if isinstance(type, Type):
            here = Inherited(type, entry.observed, entry.declared, name.span)
            scope.inherited.setdefault(inputs[entry.name], here)
    returned = tuple((label, substituted(type, objects)) for label, type in summary.returned)
    values = {
        parameter.name: bound.values[parameter.name]
        for parameter in summary.parameters
        if parameter.type is not None
    }
    scope.calls[step.span] = ProgramCall(draw, name.text, objects, values, inputs, returned, step.name.span)
    if not returned:
        message = f"`{name.text}` returns nothing, so that `{draw}` has no value."
        return scope.report(wrong_kind(name.span, message, f"End `{name.text}` with a `return`."))
    return returned[0][1] if len(returned) == 1 else UNKNOWN


def _unfit(span: ast.Span, message: str, hint: str | None = None) -> Diagnostic:
    """A program's argument that its parameter does not take."""
    return Diagnostic("QVR318", Severity.ERROR, span, message, hint=hint)
