"""Which argument goes to which parameter, in a call of a function or a family."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from quivers.check.program import Role
from quivers.check.scope import Scope
from quivers.check.shapes import (
    exclusive_arguments,
    given_twice,
    missing_argument,
    positional_after_keyword,
    too_many,
    unknown_argument,
)
from quivers.families.family import Family, Form, Parameter
from quivers.families.function import Function
from quivers.records import record
from quivers.syntax import ast


@record
class Bound:
    """The arguments of a call by parameter. `complete` is false when one is missing or wrong, as reported."""

    values: Mapping[str, ast.Expression]
    complete: bool


@record
class BoundForm:
    """A draw's arguments, and the family's form that takes them."""

    form: Form
    values: Mapping[str, ast.Expression]
    complete: bool

    @property
    def parameters(self) -> tuple[tuple[Parameter, ast.Expression], ...]:
        return tuple(
            (parameter, self.values[parameter.name])
            for parameter in self.form.parameters
            if parameter.name in self.values
        )


def bind_function(call: ast.Call, function: Function, scope: Scope) -> Bound:
    """The arguments of a function, without `over`."""
    arguments = [
        argument
        for argument in call.arguments
        if not (function.takes_over and argument.keyword is not None and argument.keyword.text == "over")
    ]
    known = (*function.parameters, *(("over",) if function.takes_over else ()))
    values, sound = bind_arguments(call, arguments, function.parameters, (known,), scope)
    required = function.parameters[: len(function.parameters) - len(function.defaults)]
    missing = [name for name in required if name not in values]
    if missing and sound:
        scope.report(missing_argument(call.function, missing, ()))
    return Bound(values, sound and not missing)


def bind_family(call: ast.Call, family: Family, scope: Scope) -> BoundForm:
    """The arguments of a family, with the form that its keywords choose; the first one when they fit none.

    Positional arguments follow the first form, or another whose first parameters are the same.
    """
    form = _chosen(call.arguments, family)
    names = tuple(parameter.name for parameter in form.parameters)
    forms = [tuple(parameter.name for parameter in other.parameters) for other in family.forms]
    values, sound = bind_arguments(call, call.arguments, names, forms, scope)
    missing = [
        parameter
        for parameter in form.parameters
        if parameter.default is None and parameter.name not in values
    ]
    if missing and sound:
        choice = _alternatives(values, family) if len(missing) == 1 else ()
        asked = choice if len(choice) > 1 else missing
        scope.report(
            missing_argument(
                call.function,
                [parameter.name for parameter in asked],
                [parameter.meaning for parameter in asked],
                is_choice=asked is choice,
            )
        )
    return BoundForm(form, values, sound and not missing)


def _alternatives(values: Mapping[str, ast.Expression], family: Family) -> tuple[Parameter, ...]:
    """The parameters of which any one would complete the arguments given."""
    found: dict[str, Parameter] = {}
    for form in family.forms:
        left = [each for each in form.parameters if each.default is None and each.name not in values]
        if len(left) == 1 and all(name in {each.name for each in form.parameters} for name in values):
            found[left[0].name] = left[0]
    return tuple(found.values())


def _chosen(arguments: Sequence[ast.Argument], family: Family) -> Form:
    """The first form that has every keyword and whose first parameters are the first form's."""
    if len(family.forms) == 1:
        return family.forms[0]
    keywords = {argument.keyword.text for argument in arguments if argument.keyword is not None}
    positional = sum(argument.keyword is None for argument in arguments if not _is_hole(argument))
    first = family.forms[0]
    leading = [parameter.name for parameter in first.parameters[:positional]]

    def fit(form: Form) -> int:
        names = [parameter.name for parameter in form.parameters]
        if names[: len(leading)] != leading:
            return -1
        return sum(name in keywords for name in names)

    return max(family.forms, key=fit)


def _is_hole(argument: ast.Argument) -> bool:
    return isinstance(argument.value, ast.Hole)


def bind_arguments(
    call: ast.Call,
    arguments: Sequence[ast.Argument],
    parameters: Sequence[str],
    forms: Sequence[Sequence[str]],
    scope: Scope,
) -> tuple[dict[str, ast.Expression], bool]:
    """The argument of each parameter, and whether all could be told apart.

    `forms` has the names of each form of what is called, of which `parameters` is one.
    """
    called = call.function.text
    known = [name for form in forms for name in form]
    values: dict[str, ast.Expression] = {}
    sound = True
    named = False
    positional = 0
    for argument in arguments:
        # What could not be read may be any argument, so nothing is said of too many or too few.
        if isinstance(argument.value, ast.Hole):
            sound = False
        if argument.keyword is None:
            if isinstance(argument.value, ast.Hole) and (named or positional >= len(parameters)):
                continue
            if named:
                scope.report(positional_after_keyword(argument.span))
                sound = False
                continue
            if positional >= len(parameters):
                if positional == len(parameters):
                    given = sum(other.keyword is None for other in arguments)
                    scope.report(too_many(called, parameters, given, argument.span))
                positional += 1
                sound = False
                continue
            values[parameters[positional]] = argument.value
            positional += 1
            continue
        named = True
        name = argument.keyword.text
        if not name:
            sound = False
        elif name not in known:
            scope.report(unknown_argument(called, argument.keyword, known))
            sound = False
        elif name not in parameters:
            own = next(form for form in forms if name in form)
            keywords = [other.keyword.text for other in arguments if other.keyword is not None]
            beside = [each for each in (*values, *keywords) if each in parameters and each not in own]
            scope.report(exclusive_arguments(called, argument.keyword, beside))
            sound = False
        elif name in values:
            scope.report(given_twice(called, name, argument.keyword.span))
            sound = False
        else:
            scope.mention(name, argument.keyword.span, Role.PARAMETER)
            values[name] = argument.value
    return values, sound
