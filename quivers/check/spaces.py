"""Checking spaces where they are written: in object and data declarations, and in a program's header."""

from __future__ import annotations

from quivers.check.names import undeclared_object, unknown_option, wrong_kind
from quivers.check.objects import (
    CONSTRUCTORS,
    MATRICES,
    SCALARS,
    SETS,
    VECTORS,
    BrokenSignature,
    ObjectSignature,
    constant,
    constructed_of,
    data_type,
    resolve,
    space_signature,
)
from quivers.check.scope import Scope
from quivers.check.shapes import bad_space, no_index_set
from quivers.check.types import Type
from quivers.syntax import ast


def check_space(space: ast.Space, scope: Scope, *, new_set: bool = False) -> bool:
    """Report what is wrong in a space; whether it is sound.

    `new_set` allows `FinSet 3` and `Real 3`, whose axis is named by the object that they are declared as.
    """
    if isinstance(space, ast.SpaceProduct):
        # Every factor is looked at, also after an unsound one.
        sound = [check_space(factor, scope) for factor in space.factors]
        return all(sound)
    if isinstance(space, ast.SpaceMap):
        for side in (space.source, space.target):
            if isinstance(side, ast.SpaceMap):
                scope.report(bad_space(side.span, "A map starts from a finite set and goes to one."))
                return False
        return all([check_space(space.source, scope), check_space(space.target, scope)])
    if not isinstance(space, ast.SpaceName):
        scope.incomplete = True
        return False
    if space.name.text in CONSTRUCTORS:
        return _check_constructor(space, scope, new_set=new_set)
    return _check_reference(space, scope)


def type_of_space(space: ast.Space, scope: Scope) -> Type | None:
    """The type of a value of a space, or of a map; None when a part of it is unknown or makes no sense."""
    sound = check_space(space, scope)
    signature = space_signature(space)
    found = data_type(signature, scope.names)
    if not sound or found is not None:
        return found
    if isinstance(space, ast.SpaceMap):
        source, target = resolve(signature.source, scope.names), resolve(signature.target, scope.names)
        if source is not None and target is not None:
            if source.element is not None:
                scope.report(bad_space(space.source.span, "A map starts from a finite set."))
            else:
                message = "A map goes to one finite set, or to numbers."
                scope.report(bad_space(space.target.span, message))
            return None
    scope.incomplete = True
    return None


def _check_reference(space: ast.SpaceName, scope: Scope) -> bool:
    name = space.name
    if not name.text:
        scope.incomplete = True
        return False
    signature = scope.names.find(name.text)
    if isinstance(signature, BrokenSignature):
        scope.incomplete = True
        return False
    if signature is None:
        known = (*scope.names.all(ObjectSignature), *sorted(CONSTRUCTORS))
        scope.report(undeclared_object(name, known, None))
        return False
    if not isinstance(signature, ObjectSignature):
        scope.report(wrong_kind(name.span, f"`{name.text}` is no object."))
        return False
    scope.mention_object(name.text, name.span)
    for argument in space.arguments:
        scope.report(bad_space(argument.span, f"`{name.text}` is an object; it takes no size."))
        return False
    for option in space.options:
        scope.report(unknown_option(option.name, (), f"`{name.text}`"))
        return False
    return True


def _check_constructor(space: ast.SpaceName, scope: Scope, *, new_set: bool) -> bool:
    name = space.name.text
    if name in SETS and not new_set:
        message = "A finite set needs a name to be run over."
        scope.report(bad_space(space.span, message, "Declare it first: `object K : FinSet 3`."))
        return False
    if space.arguments and name in SCALARS and not new_set:
        message = "The coordinates of a space need a name to be run over."
        size = constant(space.arguments[0])
        example = f"object V : {name} {3 if size is None else format(size, 'g')}"
        scope.report(bad_space(space.span, message, f"Declare it first: `{example}`."))
        return False
    if len(space.arguments) > 1:
        scope.report(bad_space(space.arguments[1].span, f"`{name}` takes no more than one argument."))
        return False
    arguments = [_check_argument(space, argument, scope) for argument in space.arguments]
    sound = all(arguments)
    if not space.arguments and (name in VECTORS or name in MATRICES):
        message = f"`{name}` needs the object that it runs along."
        scope.report(bad_space(space.name.span, message, f"As in `{name} K`."))
        return False
    return all([sound, _check_bounds(space, scope)])


def _check_argument(space: ast.SpaceName, argument: ast.Expression, scope: Scope) -> bool:
    name = space.name.text
    if isinstance(argument, ast.Hole):
        scope.incomplete = True
        return False
    if name not in VECTORS and name not in MATRICES:
        value = constant(argument)
        if isinstance(argument, ast.Number) and argument.is_integer and argument.value >= 1:
            return True
        shown = "this" if value is None else f"{value:g}"
        what = "A set's size" if name in SETS else f"The size of `{name}`"
        scope.report(bad_space(argument.span, f"{what} is a whole number from 1; {shown} is none."))
        return False
    if not isinstance(argument, ast.Variable):
        scope.report(bad_space(argument.span, f"`{name}` takes the object that it runs along."))
        return False
    index = ast.Name(argument.name, argument.span)
    signature = scope.names.find(index.text)
    if signature is None:
        scope.report(undeclared_object(index, scope.names.all(ObjectSignature), None))
        return False
    if not isinstance(signature, ObjectSignature):
        scope.incomplete = True
        return False
    scope.mention_object(index.text, index.span)
    if not signature.is_set:
        scope.report(no_index_set(index))
        return False
    return True


def _check_bounds(space: ast.SpaceName, scope: Scope) -> bool:
    name = space.name.text
    known = ("low", "high") if name in SCALARS else ()
    sound = True
    for option in space.options:
        if option.name.text not in known:
            scope.report(unknown_option(option.name, known, f"`{name}`"))
            sound = False
        elif len(option.values) != 1 or constant(option.values[0]) is None:
            scope.report(bad_space(option.span, f"`{option.name.text}` takes a number."))
            sound = False
    if sound and space.options and constructed_of(space) is None and space.arguments == ():
        span = ast.Span(space.options[0].span.start, space.options[-1].span.end)
        scope.report(bad_space(span, f"No value of `{name}` lies between these bounds."))
        return False
    return sound
