"""A statement that does not fit on its line, or has comments inside its brackets, laid out over several.

Lines break inside brackets alone, since a statement ends with its line. Of the brackets of a line
the first break that must, as in Wadler's "A prettier printer" (2003); each of their elements then
has its own lines, four columns further in and with a comma behind it, and one that is still too
long breaks before its loosest operators.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from quivers.records import field, record
from quivers.syntax.format_spacing import Comment, columns

LONGEST_LINE = 100
INDENTATION = 4

# Deeper brackets are not laid out anew: the functions below call one another once for each.
MOST_BRACKETS = 60

# The operators that a line inside brackets may break before, the loosest first.
_LOOSENESS = {
    operator: level
    for level, operators in enumerate(
        (
            ("else", "->", "→", ">>"),
            ("then",),
            ("or",),
            ("and",),
            ("==", "!=", "≠", "<", "<=", "≤", ">", ">=", "≥"),
            ("+", "-"),
            ("*", "⊗", "/", "@"),
        )
    )
    for operator in operators
}
_UNBREAKABLE = 7
_OPERAND_FOLLOWS = frozenset((*_LOOSENESS, "^", "not", "if", "in", "=", ":", "<-", "←", ","))


@record(frozen=False)
class _Token:
    """`width` counts the blank before it; lines may break before an operator of less than 7 `looseness`."""

    text: str
    gap: str
    width: int
    looseness: int = _UNBREAKABLE


@record(frozen=False)
class _Remark:
    """A comment inside an element, with a line of its own or at the end of one."""

    text: str
    own_line: bool


@record(frozen=False)
class _Element:
    """What stands between two commas, with the comments above it and the one behind its comma."""

    parts: list[_Part] = field(default_factory=list)
    above: list[str] = field(default_factory=list)
    behind: str = ""


@record(frozen=False)
class _Brackets:
    """`flat` is all of it on one line, or None where a comment forbids that."""

    opening: str
    gap: str
    takes_comma: bool
    elements: list[_Element] = field(default_factory=list)
    first_comment: str = ""
    last_comments: list[str] = field(default_factory=list)
    flat: str | None = None
    flat_width: int = 0

    @property
    def closing(self) -> str:
        return ")" if self.opening == "(" else "]"

    @property
    def is_options(self) -> bool:
        return self.opening == "[" and self.gap == " "


_Part = _Token | _Remark | _Brackets


def broken(
    tokens: Sequence[str], gaps: Sequence[str], comments: dict[int, list[Comment]], indentation: int
) -> list[str]:
    """The lines of a statement, `indentation` columns in, each at most 100 columns wide where it can be.

    `gaps[i]` are the blanks before `tokens[i]`, and `comments[i]` the comments there. The brackets
    must close and nest no deeper than `MOST_BRACKETS`.
    """
    lines = _Lines(indentation)
    lines.place(_read(tokens, gaps, comments), indentation, 0)
    return lines.finished


def bracket_depth(tokens: Sequence[str]) -> int:
    """How deep the brackets of a statement nest."""
    depth = deepest = 0
    for token in tokens:
        if token in ("(", "["):
            depth += 1
            deepest = max(deepest, depth)
        elif token in (")", "]"):
            depth -= 1
    return deepest


# ------------------------------------------------------------------------------------------ reading


def _read(tokens: Sequence[str], gaps: Sequence[str], comments: dict[int, list[Comment]]) -> list[_Part]:
    """The parts of a statement, with what is in brackets inside them."""
    root = _Element()
    element = root
    around: list[tuple[_Brackets, _Element, int]] = []
    unbound = 0
    previous = ""
    for place, (token, gap) in enumerate(zip(tokens, gaps, strict=True)):
        found = comments.get(place, [])
        if token in (")", "]") and around:
            brackets, outer, unbound = around.pop()
            _close(brackets, element, found)
            element = outer
            element.parts.append(brackets)
        elif token == "," and around and not unbound:
            brackets = around[-1][0]
            following = _Element()
            _put_behind(element, following.above, found)
            brackets.elements.append(element)
            element = following
        else:
            if around:
                _put_inside(around[-1][0], element, found, is_first=not around[-1][0].elements)
            if token in ("(", "["):
                is_call = gap == "" and bool(element.parts) and previous not in _OPERAND_FOLLOWS
                brackets = _Brackets(token, gap, takes_comma=token == "[" or is_call)
                around.append((brackets, element, unbound))
                element, unbound = _Element(), 0
            else:
                unbound += token in ("factor", "scan")
                unbound -= token == "in" and unbound > 0
                is_sign = token in ("+", "-") and (previous in _OPERAND_FOLLOWS or not element.parts)
                looseness = _UNBREAKABLE if is_sign else _LOOSENESS.get(token, _UNBREAKABLE)
                element.parts.append(_Token(token, gap, len(gap) + columns(token), looseness))
        previous = token
    return root.parts


def _close(brackets: _Brackets, last: _Element, found: list[Comment]) -> None:
    if last.parts:
        _put_behind(last, brackets.last_comments, found)
        brackets.elements.append(last)
    else:  # nothing, or a comma, stands before the closing bracket
        texts = list(found)
        if texts and not texts[0][0]:
            if not brackets.elements:
                brackets.first_comment = texts.pop(0)[1]
            elif not brackets.elements[-1].behind and not last.above:
                brackets.elements[-1].behind = texts.pop(0)[1]
        brackets.last_comments = last.above + [text for _, text in texts]
    brackets.takes_comma = brackets.takes_comma or len(brackets.elements) > 1
    brackets.flat = _brackets_on_one_line(brackets)
    brackets.flat_width = columns(brackets.flat or "")


def _put_behind(element: _Element, after: list[str], found: list[Comment]) -> None:
    """The comments after an element and before its comma: one behind the comma, the others after it."""
    for own_line, text in found:
        if own_line or element.behind or after:
            after.append(text)
        else:
            element.behind = text


def _put_inside(brackets: _Brackets, element: _Element, found: list[Comment], *, is_first: bool) -> None:
    """The comments before a token that is neither a comma nor a closing bracket."""
    for own_line, text in found:
        if element.parts:
            element.parts.append(_Remark(text, own_line))
        elif own_line or element.above:
            element.above.append(text)
        elif is_first and not brackets.first_comment:
            brackets.first_comment = text
        elif not is_first and not brackets.elements[-1].behind:
            brackets.elements[-1].behind = text
        else:
            element.above.append(text)


def _brackets_on_one_line(brackets: _Brackets) -> str | None:
    if brackets.first_comment or brackets.last_comments:
        return None
    texts: list[str] = []
    for element in brackets.elements:
        text = None if element.above or element.behind else _on_one_line(element.parts)
        if text is None:
            return None
        texts.append(text)
    return f"{brackets.opening}{', '.join(texts)}{brackets.closing}"


def _on_one_line(parts: Sequence[_Part]) -> str | None:
    """The parts on one line, or None where a comment forbids that."""
    texts: list[str] = []
    for part in parts:
        text = part.text if isinstance(part, _Token) else None if isinstance(part, _Remark) else part.flat
        if text is None or isinstance(part, _Remark):
            return None
        texts += [part.gap, text] if texts else [text]
    return "".join(texts)


# ------------------------------------------------------------------------------------------ writing


class _Lines:
    """Lines being written; `column` is where the last one ends."""

    def __init__(self, indentation: int) -> None:
        self.finished: list[str] = []
        self.column = 0
        self._is_new = True  # nothing but indentation stands on the last line
        self._is_over = False  # a comment stands at its end
        self._new_line(indentation)

    def place(self, parts: Sequence[_Part], indentation: int, after: int) -> None:
        """Write `parts`, breaking the brackets that must; `after` more columns follow on the last line."""
        for part, following in zip(parts, _widths_to_next_break(parts, after), strict=True):
            if isinstance(part, _Remark):
                self._remark(part.text, indentation, own_line=part.own_line)
            elif isinstance(part, _Token):
                self._write(part.gap, part.text, indentation)
            elif part.flat is not None and (
                not part.elements or self.column + len(part.gap) + part.flat_width + following <= LONGEST_LINE
            ):
                self._write(part.gap, part.flat, indentation)
            else:
                self._break(part, indentation)

    def _break(self, brackets: _Brackets, indentation: int) -> None:
        """Write each element of `brackets` on lines of its own."""
        inside = indentation + INDENTATION
        self._write(brackets.gap, brackets.opening, indentation)
        if brackets.first_comment:
            self._remark(brackets.first_comment, inside)
        for element in brackets.elements:
            self._new_line(inside)
            for comment in element.above:
                self._remark(comment, inside, own_line=True)
            comma = "" if element is brackets.elements[-1] and not brackets.takes_comma else ","
            self._place_element(element.parts, inside, len(comma))
            self._write("", comma, inside)
            if element.behind:
                self._remark(element.behind, inside)
        for comment in brackets.last_comments:
            self._remark(comment, inside, own_line=True)
        self._new_line(indentation)
        self._write("", brackets.closing, indentation)

    def _place_element(self, parts: Sequence[_Part], indentation: int, after: int) -> None:
        """Write what stands at the start of a line inside brackets, on one line or broken at operators."""
        text = _on_one_line(parts)
        chunks, further = _chunks(parts)
        if len(chunks) == 1 or (text is not None and self.column + columns(text) + after <= LONGEST_LINE):
            self.place(parts, indentation, after)
            return
        self._place_element(chunks[0], indentation, 0)
        for chunk in chunks[1:]:
            self._new_line(indentation + further)
            self._place_element(chunk, indentation + further, after if chunk is chunks[-1] else 0)

    def _write(self, gap: str, text: str, indentation: int) -> None:
        if not text:
            return
        if self._is_over:
            self._new_line(indentation)
        if not self._is_new:
            self.finished[-1] += gap
            self.column += len(gap)
        self.finished[-1] += text
        self.column += columns(text)
        self._is_new = False

    def _remark(self, text: str, indentation: int, *, own_line: bool = False) -> None:
        if self._is_over or (own_line and not self._is_new):
            self._new_line(indentation)
        self.finished[-1] += text if self._is_new else f"  {text}"
        self._is_new, self._is_over = False, True
        self.column = indentation  # where what follows will start

    def _new_line(self, indentation: int) -> None:
        self.finished.append(" " * indentation)
        self.column = indentation
        self._is_new, self._is_over = True, False


def _widths_to_next_break(parts: Sequence[_Part], after: int) -> list[int]:
    """For each part, how many columns must follow it on its line before the line may break.

    Options count in full, so that the brackets of a call break before those of its options do.
    """
    found: list[int] = []
    for part in reversed(parts):
        found.append(after)
        if isinstance(part, _Remark):
            after = 0
        elif isinstance(part, _Token):
            after += part.width
        elif part.flat is not None and (part.is_options or not part.elements):
            after += len(part.gap) + part.flat_width
        else:
            after = len(part.gap) + 1
    return found[::-1]


def _chunks(parts: Sequence[_Part]) -> tuple[list[Sequence[_Part]], int]:
    """The parts divided before their loosest operators, and how much further in all but the first stand.

    `factor … in` and `scan … in` are divided after the `in`.
    """
    body = _body_of_binding(parts)
    if body:
        return [parts[:body], parts[body:]], INDENTATION
    levels = [part.looseness if isinstance(part, _Token) else _UNBREAKABLE for part in parts]
    loosest = min(levels[1:], default=_UNBREAKABLE)
    if loosest == _UNBREAKABLE:
        return [parts], 0
    starts = [0, *(place for place, level in enumerate(levels) if place and level == loosest), len(parts)]
    further = INDENTATION if levels[0] < _UNBREAKABLE else 0
    return [parts[start:end] for start, end in pairwise(starts)], further


def _body_of_binding(parts: Sequence[_Part]) -> int:
    """Where the body of a `factor` or `scan` starts that `parts` are, or 0."""
    unbound = 0
    is_bound = False
    for place, part in enumerate(parts):
        text = part.text if isinstance(part, _Token) else ""
        if text in ("factor", "scan"):
            unbound += 1
            is_bound = True
        elif not is_bound and place >= 2:
            return 0  # only `else`, `then`, `keyword=` or `label:` may stand before
        elif text == "in" and is_bound:
            unbound -= 1
            if unbound == 0:
                place += 1
                while place < len(parts) and _ends_line(parts[place]):
                    place += 1
                return place if place < len(parts) else 0
    return 0


def _ends_line(part: _Part) -> bool:
    return isinstance(part, _Remark) and not part.own_line
