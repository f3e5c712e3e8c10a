"""Rename: every place of a name at once, if the file means the same under the new one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from quivers.check.analysis import check_source
from quivers.check.objects import CONSTRUCTORS
from quivers.check.program import Checked, Occurrence, Role
from quivers.families.functions import FUNCTIONS
from quivers.families.table import FAMILIES
from quivers.ide.cursor import cursor
from quivers.ide.definition import Symbol, symbol_at
from quivers.ide.references import places
from quivers.ide.same_meaning import Change, input_names, renamed_wrongly
from quivers.records import record
from quivers.syntax import ast
from quivers.syntax.ast import Span
from quivers.syntax.lines import LineIndex
from quivers.syntax.problems import Edit, Severity
from quivers.syntax.reading import KEYWORDS, identifier

_WORD = re.compile(r"\w+")
_COMMENT = re.compile(r"#[^\r\n]*")
_SUBSCRIPT = re.compile("[₀-₉]")
_INPUTS = (Role.INPUT, Role.OBSERVED, Role.DATA)
_LINE_BREAK = re.compile(rb"[\r\n]")
_BROUGHT = {
    Role.FAMILY: "a distribution",
    Role.FUNCTION: "a function",
    Role.EFFECT: "an effect",
    Role.PARAMETER: "a parameter",
}


@record
class Renamable:
    """A name that can be renamed, as it is written at `span`."""

    span: Span
    text: str


@record
class Renaming:
    """The edits of a renaming; `note` says what has to change outside of the file."""

    edits: tuple[Edit, ...]
    note: str | None = None


@record
class Refused:
    """Why a name can't be renamed, or not so, in a sentence."""

    reason: str


def renamable(checked: Checked, source: bytes, offset: int) -> Renamable | Refused | None:
    """What a renaming at a byte offset would begin with; None where no word stands."""
    found = _symbol(checked, source, offset)
    return Renamable(found.here, _text(source, found.here)) if isinstance(found, Symbol) else found


def rename(
    checked: Checked,
    source: bytes,
    offset: int,
    new: str,
    check: Callable[[bytes], Checked] = check_source,
) -> Renaming | Refused:
    """The renaming of the name at a byte offset, refused where the file would not mean the same after it.

    `check` says what the checker makes of a text: the text after the edits is checked, and compared.
    """
    symbol = _symbol(checked, source, offset)
    if symbol is None:
        return Refused("There is no name to rename here.")
    if isinstance(symbol, Refused):
        return symbol
    if (reason := _no_name(new)) is not None:
        return Refused(reason)
    spans = [reference.span for reference in places(checked, symbol)]
    if (reason := _unreadable(checked, source, symbol, spans)) is not None:
        return Refused(reason)
    edits = tuple(Edit(span, new) for span in spans if _text(source, span) != new)
    name = identifier(new)
    if not edits or name == symbol.name:
        return Renaming(edits)
    change = Change(checked, check(_edited(source, edits)), edits, symbol, name, source)
    wrong = _in_use(checked, source, symbol, name, spans) or renamed_wrongly(change)
    if wrong is not None:
        reason = _taken(checked, source, symbol, name) or wrong
        return Refused(f"`{symbol.name}` can't be called `{name}`: {reason}")
    return Renaming(edits, _note(change))


# ---------------------------------------------------------------- what can't be renamed


def _symbol(checked: Checked, source: bytes, offset: int) -> Symbol | Refused | None:
    symbol = symbol_at(checked, offset)
    if symbol is not None and symbol.definition is not None:
        return symbol
    word = _word_at(source, offset)
    if not word or word[0].isdecimal():
        return None
    name = identifier(word)
    occurrence = checked.occurrence_at(offset)
    if name in KEYWORDS:
        return Refused(f"`{name}` is a word of the language, so it can't be renamed.")
    if occurrence is not None and occurrence.name == name and occurrence.role in _BROUGHT:
        what = _BROUGHT[occurrence.role]
        return Refused(f"`{name}` is {what} that the language brings, so it can't be renamed.")
    if name in CONSTRUCTORS:
        return Refused(f"`{name}` is a space that the language brings, so it can't be renamed.")
    if _is_option(checked, offset):
        return Refused(f"`{name}` is an option of the language, so it can't be renamed.")
    return Refused(f"Nothing in this file declares or binds `{name}` here, so it can't be renamed.")


def _word_at(source: bytes, offset: int) -> str:
    """The word that touches a byte offset, outside of comments; empty where there is none."""
    start = max(source.rfind(b"\n", 0, offset), source.rfind(b"\r", 0, offset)) + 1
    match = _LINE_BREAK.search(source, offset)
    line = source[start : len(source) if match is None else match.start()].decode(errors="replace")
    place = len(source[start:offset].decode(errors="replace"))
    if "#" in line[:place]:
        return ""
    found = [match[0] for match in _WORD.finditer(line) if match.start() <= place <= match.end()]
    return found[-1] if found else ""


def _is_option(checked: Checked, offset: int) -> bool:
    place = cursor(checked, offset)
    return place is not None and any(
        isinstance(node, ast.Option) and node.name.span.covers(place.here) for node in place.nodes
    )


def _no_name(new: str) -> str | None:
    """Why a text is no name."""
    if not _SUBSCRIPT.sub("0", new).isidentifier():
        shown = f"`{new}`" if new.strip() else "An empty text"
        return f"{shown} is no name: a name is a letter or `_`, and then letters, digits and `_`."
    if identifier(new) in KEYWORDS:
        return f"`{identifier(new)}` is a word of the language, so nothing can be called that."
    return None


def _unreadable(checked: Checked, source: bytes, symbol: Symbol, spans: list[Span]) -> str | None:
    """Why it can't be told what has the name: it stands where the text can't be read."""
    problems = [
        problem
        for problem in checked.diagnostics
        if problem.severity is Severity.ERROR and problem.code.startswith("QVR1")
    ]
    if not problems:
        return None
    known = set(spans)
    for line in {_line_span(source, problem.span) for problem in problems} | set(_holes(checked)):
        text = source[line.start : line.end].decode(errors="replace")
        bare = _COMMENT.sub(lambda comment: " " * len(comment[0]), text)
        for match in _WORD.finditer(bare):
            start = line.start + len(bare[: match.start()].encode())
            span = Span(start, start + len(match[0].encode()))
            if identifier(match[0]) != symbol.name or span in known:
                continue
            other = symbol_at(checked, start)
            if other is None or other.here != span:
                number = _line(source, start)
                return f"Line {number} can't be read and has `{symbol.name}` in it; correct that first."
    return None


def _line_span(source: bytes, span: Span) -> Span:
    """The lines that a span touches."""
    start = max(source.rfind(b"\n", 0, span.start), source.rfind(b"\r", 0, span.start)) + 1
    match = _LINE_BREAK.search(source, span.end)
    return Span(start, len(source) if match is None else match.start())


def _holes(checked: Checked) -> Iterator[Span]:
    for item in checked.module.declarations:
        for node in ast.walk(item.declaration):
            if isinstance(node, ast.Hole):
                yield node.span.shifted(item.offset)


# ------------------------------------------------------------------------ the new name


def _taken(checked: Checked, source: bytes, symbol: Symbol, name: str) -> str | None:
    """What has the new name already, where the old one is known."""
    if symbol.role is Role.OBJECT and name in CONSTRUCTORS:
        return f"`{name}` is a space that the language brings."
    if symbol.role is Role.PROGRAM and name in FAMILIES:
        return f"`{name}` is a distribution, and a draw from it would mean that."
    if symbol.role is Role.PROGRAM and name in FUNCTIONS:
        return f"`{name}` is a function that the language brings."
    assert symbol.definition is not None, "what has no definition is not renamed"
    home = cursor(checked, symbol.definition.start)
    for number, item in enumerate(checked.module.declarations):
        declaration = item.declaration
        is_home = home is not None and home.placed is item
        if not isinstance(declaration, ast.Hole | ast.ExportDeclaration) and declaration.name.text == name:
            line = _line(source, item.offset + declaration.name.span.start)
            return f"the file declares `{name}` in line {line}."
        if is_home and isinstance(declaration, ast.ProgramDeclaration):
            binding = next((each for each in checked.within[number] if _binds(each, name)), None)
            if binding is not None:
                line = _line(source, item.offset + binding.span.start)
                what = "an input" if binding.role in _INPUTS else "bound already"
                return f"`{name}` is {what} in `{declaration.name.text}`, in line {line}."
    return None


def _binds(occurrence: Occurrence, name: str) -> bool:
    """Whether a place makes a name known all over its program."""
    if occurrence.name != name or occurrence.role in (Role.INDEX, Role.STATE, Role.FAMILY, Role.FUNCTION):
        return False
    return occurrence.binds or (occurrence.owner is None and occurrence.role in _INPUTS)


def _in_use(checked: Checked, source: bytes, symbol: Symbol, name: str, spans: list[Span]) -> str | None:
    """Where a value and an object or a program would get one name in a declaration.

    The checker tells them apart by where they stand, and a reader does not.
    """
    if symbol.role in (None, Role.INDEX, Role.STATE):
        return None
    for number, item in enumerate(checked.module.declarations):
        occurrences = checked.within[number]
        other = next(
            (each for each in occurrences if each.name == name and _is_value(each) is not None), None
        )
        if other is None:
            continue
        own = {span.shifted(-item.offset) for span in spans}
        kinds = {_is_value(each) for each in occurrences if each.span in own}
        if (not _is_value(other)) in kinds:
            line = _line(source, item.offset + other.span.start)
            return f"`{name}` stands for something else in line {line}."
    return None


def _is_value(occurrence: Occurrence) -> bool | None:
    """Whether a place has a value, or else an object or a program; None for what an expression binds."""
    if occurrence.definition is None and occurrence.owner is None:
        return None
    if occurrence.role in (Role.INDEX, Role.STATE):
        return None
    return occurrence.type is not None


def _note(change: Change) -> str | None:
    """Which inputs the data must call otherwise: one that is renamed, or those under a draw that is."""
    symbol = change.symbol
    if symbol.role in _INPUTS:
        return f"`{symbol.name}` is an input: the data must call it `{change.name}` as well."
    before, after = input_names(change)
    if not before:
        return None
    old, new = (", ".join(f"`{name}`" for name in names) for names in (before, after))
    return f"The data have to follow: what they call {old} is now {new}."


# -------------------------------------------------------------------------------- text


def _text(source: bytes, span: Span) -> str:
    return source[span.start : span.end].decode(errors="replace")


def _edited(source: bytes, edits: tuple[Edit, ...]) -> bytes:
    parts: list[bytes] = []
    end = 0
    for edit in edits:
        parts += [source[end : edit.span.start], edit.text.encode()]
        end = edit.span.end
    return b"".join([*parts, source[end:]])


def _line(source: bytes, offset: int) -> int:
    """The line of a byte as people count, from 1."""
    return LineIndex(source).line_at(offset) + 1
