"""A program's parameters, `(scale : Real, G : FinSet)`: values of a type, and objects of its own."""

from __future__ import annotations

from quivers.check.names import bound_twice, parameter_taken
from quivers.check.objects import SETS, Constructed, DataSignature, ObjectSignature, space_signature
from quivers.check.program import Role
from quivers.check.scope import UNKNOWN, Binding, Scope
from quivers.check.spaces import check_space, type_of_space
from quivers.check.summary import ParameterSummary
from quivers.syntax import ast


def bind_parameters(declaration: ast.ProgramDeclaration, scope: Scope) -> tuple[ParameterSummary, ...]:
    """Check a program's parameters and put them in scope: objects among its names, values as bindings.

    Each has a summary, in the order of the header; one without a name has none.
    """
    spans: dict[str, ast.Span] = {}
    for parameter in declaration.parameters:
        name = parameter.name
        if not name.text:
            scope.incomplete = True
        elif name.text in spans:
            scope.report(bound_twice(name, spans[name.text]))
        else:
            spans[name.text] = name.span
            if scope.names.declared(name.text) is not None:
                scope.report(parameter_taken(name))
    objects = {
        parameter.name.text: parameter for parameter in declaration.parameters if _is_object(parameter)
    }
    scope.parameters = {name: spans[name] for name in objects if name in spans}
    scope.names.local = {name: _signature(parameter) for name, parameter in objects.items() if name}
    found: dict[str, ParameterSummary] = {}
    for parameter in declaration.parameters:
        if parameter.name.text not in found:
            found[parameter.name.text] = _summary(parameter, scope)
    found.pop("", None)
    return tuple(found.values())


def _is_object(parameter: ast.Parameter) -> bool:
    return isinstance(parameter.space, ast.SpaceName) and parameter.space.name.text in SETS


def _signature(parameter: ast.Parameter) -> ObjectSignature:
    signature = space_signature(parameter.space)
    if signature.source is None:
        return ObjectSignature((Constructed("FinSet"),))
    return ObjectSignature(signature.source)


def _summary(parameter: ast.Parameter, scope: Scope) -> ParameterSummary:
    name = parameter.name
    if _is_object(parameter):
        check_space(parameter.space, scope, new_set=True)
        scope.mention(name.text, name.span, Role.PARAMETER, definition=name.span, binds=True)
        return ParameterSummary(name.text, None, _size(parameter), space_signature(parameter.space))
    found = type_of_space(parameter.space, scope)
    type = UNKNOWN if found is None else found
    scope.mention(name.text, name.span, Role.PARAMETER, type, definition=name.span, binds=True)
    scope.bindings.setdefault(name.text, Binding(name.text, Role.PARAMETER, type, name.span))
    return ParameterSummary(name.text, type, None, space_signature(parameter.space))


def _size(parameter: ast.Parameter) -> int | None:
    signature: DataSignature = space_signature(parameter.space)
    factor = signature.source[0] if signature.source else None
    return factor.size if isinstance(factor, Constructed) else None
