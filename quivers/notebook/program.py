"""A program as a notebook shows it: its type, what it needs, and the type of every name in it."""

from __future__ import annotations

from html import escape

from quivers.check.program import Checked, CheckedProgram, Role

_PLURALS = {"input": "inputs", "observed": "observed", "latent": "latents", "let": "lets"}


def program_text(checked: Checked, program: CheckedProgram) -> str:
    """The signature, then a line for each kind of name."""
    lines = [f"{program.name} : {program.signature}"]
    lines += [
        f"{_PLURALS[kind]:<8} " + ", ".join(f"{name} : {type_}" for name, type_ in names)
        for kind, names in _kinds(checked, program).items()
        if names
    ]
    return "\n".join(lines)


def program_html(checked: Checked, program: CheckedProgram) -> str:
    """The signature, and a table of names, kinds and types."""
    rows = "".join(
        f'<tr><th scope="row" style="text-align:left"><code>{escape(name)}</code></th>'
        f'<td style="text-align:left">{kind}</td>'
        f'<td style="text-align:left"><code>{escape(type_)}</code></td></tr>'
        for kind, names in _kinds(checked, program).items()
        for name, type_ in names
    )
    head = "".join(
        f'<th scope="col" style="text-align:left">{title}</th>' for title in ("name", "kind", "type")
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    title = f"{program.name} : {program.signature}"
    return f'<div class="qvr-program"><p><code>{escape(title)}</code></p>{table if rows else ""}</div>'


def _kinds(checked: Checked, program: CheckedProgram) -> dict[str, list[tuple[str, str]]]:
    """Names with their types, by kind and in the program's order."""
    kinds: dict[str, list[tuple[str, str]]] = {
        "input": [(each.name, str(each.type)) for each in program.inputs if not each.observed],
        "observed": [(each.name, str(each.type)) for each in program.inputs if each.observed],
        "latent": [],
        "let": [],
    }
    roles = {
        each.name: each.role
        for each in checked.occurrences
        if each.binds and each.program == program.name and each.role in (Role.LATENT, Role.LET)
    }
    for name, role in roles.items():
        if name in program.types:
            kinds["latent" if role is Role.LATENT else "let"].append((name, str(program.types[name])))
    return kinds
