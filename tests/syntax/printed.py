"""Syntax back to text, every operation in brackets, for the tests of lowering."""

from __future__ import annotations

from quivers.syntax import ast


def expression(node: ast.Expression) -> str:
    match node:
        case ast.Number(value, is_integer):
            return str(int(value)) if is_integer else repr(value)
        case ast.Variable(name):
            return name
        case ast.Call(function, arguments):
            return f"{function.text}({', '.join(map(_argument, arguments))})"
        case ast.Unary(operator, operand):
            return f"({operator} {expression(operand)})"
        case ast.Binary(operator, left, right):
            return f"({expression(left)} {operator} {expression(right)})"
        case ast.If(condition, consequence, alternative):
            parts = map(expression, (condition, consequence, alternative))
            return "(if {} then {} else {})".format(*parts)
        case ast.Index(value, indices):
            return f"{expression(value)}[{', '.join(map(expression, indices))}]"
        case ast.Tuple(elements):
            return f"({', '.join(map(expression, elements))})"
        case ast.Factor(binders, body):
            return f"(factor {', '.join(map(_binder, binders))} in {expression(body)})"
        case ast.Scan(binder, state, initial, body):
            return f"(scan {_binder(binder)}, {state.text} = {expression(initial)} in {expression(body)})"
    return "?"


def _argument(node: ast.Argument) -> str:
    return f"{node.keyword.text}={expression(node.value)}" if node.keyword else expression(node.value)


def _binder(node: ast.Binder) -> str:
    return f"{node.name.text} : {node.object.text}"


def options(nodes: tuple[ast.Option, ...]) -> str:
    return f" [{', '.join(map(_option, nodes))}]" if nodes else ""


def _option(node: ast.Option) -> str:
    values = ", ".join(map(expression, node.values))
    if node.is_list:
        return f"{node.name.text}=[{values}]"
    return f"{node.name.text}={values}" if values else node.name.text


def space(node: ast.Space) -> str:
    match node:
        case ast.SpaceName(name, arguments, given):
            return " ".join((name.text, *map(expression, arguments))) + options(given)
        case ast.SpaceProduct(factors):
            return " * ".join(map(space, factors))
        case ast.SpaceMap(source, target):
            return f"{space(source)} -> {space(target)}"
    return "?"


def composition(node: ast.Composition) -> str:
    match node:
        case ast.Name(text):
            return text
        case ast.Compose(operator, left, right):
            return f"({composition(left)} {operator} {composition(right)})"
    return "?"


def step(node: ast.Step, indentation: str = "    ") -> str:
    match node:
        case ast.Sample() | ast.Observe() | ast.Marginalize():
            keyword = type(node).__name__.lower()
            plate = f" : {' * '.join(name.text for name in node.plate)}" if node.plate else ""
            draw = expression(node.draw)
            text = f"{indentation}{keyword} {node.name.text}{plate} <- {draw}{options(node.options)}\n"
            if isinstance(node, ast.Marginalize):
                text += "".join(step(inner, indentation + "    ") for inner in node.body)
        case ast.Let() | ast.Score():
            bound = f"{type(node).__name__.lower()} {node.name.text} = {expression(node.value)}"
            return f"{_documented(node, indentation)}{indentation}{bound}\n"
        case ast.Return(values):
            return f"{indentation}return {_returned(values)}\n"
        case _:
            return f"{indentation}?\n"
    return _documented(node, indentation) + text


def _returned(values: tuple[ast.Returned, ...]) -> str:
    if len(values) == 1 and values[0].label is None:
        return expression(values[0].value)
    labelled = (f"{v.label.text}: " if v.label else "" for v in values)
    return f"({', '.join(label + expression(v.value) for label, v in zip(labelled, values, strict=True))})"


def _documented(node: ast.Step | ast.Declaration, indentation: str = "") -> str:
    lines = (getattr(node, "documentation", None) or "").split("\n")
    return "".join(f"{indentation}## {line}\n" for line in lines) if lines != [""] else ""


def declaration(node: ast.Declaration) -> str:
    match node:
        case ast.ObjectDeclaration():
            text = f"object {node.name.text} : {space(node.space)}\n"
        case ast.DataDeclaration():
            text = f"data {node.name.text} : {space(node.space)}\n"
        case ast.DefineDeclaration():
            text = f"define {node.name.text} = {composition(node.composition)}\n"
        case ast.ExportDeclaration():
            return f"export {node.name.text}\n"
        case ast.ProgramDeclaration():
            given = ", ".join(f"{p.name.text} : {space(p.space)}" for p in node.parameters)
            header = f"{space(node.domain)} -> {space(node.codomain)}{options(node.options)}"
            text = f"program {node.name.text}{f'({given})' if given else ''} : {header}\n"
            text += "".join(map(step, node.steps))
        case _:
            return "?\n"
    return _documented(node) + text


def module(node: ast.Module) -> str:
    return "".join(declaration(placed.declaration) for placed in node.declarations)
