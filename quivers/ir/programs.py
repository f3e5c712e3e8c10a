"""A draw from a program: its steps in the caller's place, under names and over objects of the caller's.

A site `z` of the program drawn as `theta` is `theta.z`; its scores and its observations count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from quivers import records
from quivers.syntax import ast

if TYPE_CHECKING:
    from quivers.ir.build import Building

Syntax = TypeVar("Syntax")


def draw_from_program(site: Building, step: ast.Sample) -> None:
    """Add the steps of the program that a step draws from, and bind what it returns."""
    draw = step.name.text
    call = next(each for each in site.program.calls if each.span == step.name.span)
    called = site.checked.programs[call.program]
    objects = {own: site.objects.get(given, given) for own, given in call.objects.items()}
    inner = replace(
        site,
        program=called,
        names={own: site.names[name] for own, name in call.inputs.items()},
        returned=[],
        marginals={block.span: block for block in called.marginals},
        prefix=f"{site.prefix}{draw}.",
        objects=objects,
    )
    for name, expression in call.arguments.items():
        inner.names[name] = site.value(with_objects(expression, site.objects))
    for inner_step in called.declaration.steps:
        inner.step(with_objects(inner_step, objects))
    shown = {*inner.deterministic.values(), *(latent.value for latent in inner.latents)}
    alone = len(inner.returned) == 1
    for label, value in inner.returned:
        name = draw if alone else f"{draw}.{label}"
        site.names[name] = value
        # A value that has a name inside is reported under that.
        if value.node not in shown:
            site.deterministic[site.prefix + name] = value.node
            site.order.append(site.prefix + name)


def with_objects(node: Syntax, objects: Mapping[str, str]) -> Syntax:
    """A step or an expression with other objects in the place of a program's parameters."""
    return _with_objects(node, objects) if objects else node


def _with_objects(node: Any, objects: Mapping[str, str]) -> Any:
    if isinstance(node, tuple):
        return tuple(_with_objects(part, objects) for part in node)
    if isinstance(node, ast.Variable):
        return records.replace(node, name=objects.get(node.name, node.name))
    if not hasattr(node, "__match_args__") or isinstance(node, ast.Span | ast.Name):
        return node
    changes: dict[str, Any] = {}
    for field, value in records.values_of(node):
        if field == "plate" or (field == "object" and isinstance(node, ast.Binder)):
            changes[field] = _named(value, objects)
        elif isinstance(value, tuple) or hasattr(value, "__match_args__"):
            changes[field] = _with_objects(value, objects)
    return records.replace(node, **changes)


def _named(names: Any, objects: Mapping[str, str]) -> Any:
    if isinstance(names, tuple):
        return tuple(_named(name, objects) for name in names)
    return records.replace(names, text=objects.get(names.text, names.text))
