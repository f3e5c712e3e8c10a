"""Why a line could not be read: one sentence on the exact token, and a fix where a small one mends it.

The reference grammar is asked what could have stood where reading stopped. A fix is offered only
after the mended line has been read.
"""

from __future__ import annotations

import re
from difflib import get_close_matches

from tree_sitter import Node

from quivers.records import record
from quivers.syntax.ast import Span
from quivers.syntax.parse import tree
from quivers.syntax.problems import Diagnostic, Edit, Fix, Severity
from quivers.syntax.reading import DECLARATION_KEYWORDS, KEYWORDS, STEP_KEYWORDS, contents
from quivers.syntax.reference import Stop, first_stop

_TOKEN = re.compile(r"#[^\r\n]*|[()\[\]]")
_CLOSING = {"(": ")", "[": "]"}

# What people write, and what may stand there in its place.
_SPELLINGS = {
    "~": ("<-",),
    "=": ("<-", "==", ":"),
    ":=": ("=", "<-"),
    ":": ("=", "<-"),
    "->": ("<-",),
    "=>": ("->",),
    "<-": ("=",),
    "==": ("=",),
    "**": ("^",),
    "&&": ("and",),
    "&": ("and",),
    "||": ("or",),
    "|": ("or",),
    "!": ("not ",),
    "%*%": ("@",),
    "−": ("-",),
    "–": ("-",),
    "×": ("*",),
    "·": ("*",),
    "÷": ("/",),
    "{": ("[", "("),
    "}": ("]", ")"),
}
_LONGEST_FIRST = sorted(_SPELLINGS, key=len, reverse=True)

_WHY = {
    "<-": "A draw is written with `<-`, not `{found}`.",
    "==": "A comparison is written with `==`, not `{found}`.",
    "=": "A value is given with `=`, not `{found}`.",
    ":": "What something is follows a `:`, not `{found}`.",
    "^": "A power is written with `^`, not `{found}`.",
    "@": "A matrix product is written with `@`, not `{found}`.",
    "->": "An arrow is written `->`, not `{found}`.",
}

# Tokens that may be put in where one of them is all that is missing, and tokens that may be left out.
_INSERTED = {
    ":": "COLON",
    "<-": "ASSIGN",
    ",": "COMMA",  # before `=`: `Normal(a b)` has lost a comma
    "=": "IS",
    "->": "ARROW",
    "then": "THEN",
    "else": "ELSE",
    "in": "IN",
}
_DROPPED = (":", ",", ";")

_BEFORE_STEP = b"program p : A -> A\n "

# Larger lines are explained without trying any fix, since each try reads the line again.
_LONGEST_MENDED = 2000


@record
class _Slip:
    """A problem in the text of a line, in characters."""

    code: str
    start: int
    end: int
    message: str
    title: str = ""
    edit: tuple[int, int, str] | None = None
    hint: str | None = None


def explain(text: bytes, kind: str, root: Node, before: int = 0) -> Diagnostic:
    """The problem of one line.

    `kind` is `step` or `declaration`. `root` is the line's tree, in a text with `before` bytes above it.
    """
    line = text.decode(errors="surrogateescape")
    stop = first_stop(line, kind)
    slip = _brackets(line, kind, stop) or (_slip(line, kind, stop) if stop is not None else None)
    if slip is None:
        return _unread(text, root, before)

    def place(start: int, end: int) -> Span:
        first = len(line[:start].encode(errors="surrogateescape"))
        return Span(first, first + len(line[start:end].encode(errors="surrogateescape")))

    fixes: tuple[Fix, ...] = ()
    if slip.edit is not None:
        start, end, new = slip.edit
        fixes = (Fix(slip.title, (Edit(place(start, end), new),)),)
    span = place(slip.start, slip.end)
    return Diagnostic(slip.code, Severity.ERROR, span, slip.message, fixes=fixes, hint=slip.hint)


def _unread(text: bytes, root: Node, before: int) -> Diagnostic:
    """The problem where tree-sitter found one, for a line that the reference grammar reads."""
    node = root
    while not (node.is_error or node.is_missing):
        inner = next((child for child in node.children if child.has_error or child.is_missing), None)
        if inner is None:
            break
        node = inner
    start = min(max(node.start_byte - before, 0), len(text))
    end = min(max(node.end_byte - before, start), len(text))
    return Diagnostic("QVR101", Severity.ERROR, Span(start, end), "This could not be read.")


# ---------------------------------------------------------------------------------------- brackets


def _brackets(line: str, kind: str, stop: Stop | None) -> _Slip | None:
    """The first bracket without a partner, unless reading stopped before it."""
    open_brackets: list[tuple[int, str]] = []
    for match in _TOKEN.finditer(line):
        bracket, at = match[0], match.start()
        if bracket in _CLOSING:
            open_brackets.append((at, bracket))
        elif bracket in _CLOSING.values():
            if not open_brackets:
                return None if stop is not None and stop.start < at else _stray(line, kind, at, bracket)
            opened_at, opened = open_brackets.pop()
            if _CLOSING[opened] != bracket:
                return _mismatched(line, kind, (opened_at, opened), (at, bracket))
    if not open_brackets or (stop is not None and stop.start < open_brackets[-1][0]):
        return None
    at, bracket = open_brackets[-1]
    slip = _Slip("QVR102", at, at + 1, f"This `{bracket}` is never closed.")
    closing = _CLOSING[bracket]
    for place in _ends_of_words(line, at):
        if _reads(line[:place] + closing + line[place:], kind):
            return _with_fix(slip, f"Close it with `{closing}`", (place, place, closing))
    return slip


def _stray(line: str, kind: str, at: int, bracket: str) -> _Slip:
    slip = _Slip("QVR103", at, at + 1, f"This `{bracket}` closes nothing.")
    if _reads(line[:at] + line[at + 1 :], kind):
        return _with_fix(slip, f"Remove the `{bracket}`", (at, at + 1, ""))
    return slip


def _mismatched(line: str, kind: str, opened: tuple[int, str], closed: tuple[int, str]) -> _Slip:
    (opened_at, opening), (at, closing) = opened, closed
    right = _CLOSING[opening]
    message = f"This `{closing}` stands where the `{opening}` before it needs a `{right}`."
    slip = _Slip("QVR103", at, at + 1, message)
    if _reads(line[:at] + right + line[at + 1 :], kind):
        return _with_fix(slip, f"Write `{right}`", (at, at + 1, right))
    if _reads(line[:at] + right + line[at:], kind):
        never = _Slip("QVR102", opened_at, opened_at + 1, f"This `{opening}` is never closed.")
        return _with_fix(never, f"Close it with `{right}`", (at, at, right))
    return slip


def _ends_of_words(line: str, start: int) -> list[int]:
    """The few places after `start`, from the end backwards, where a closing bracket could go."""
    if len(line) > _LONGEST_MENDED:
        return []
    code = re.sub(r"#[^\r\n]*", lambda comment: " " * len(comment[0]), line)
    ends = [match.end() for match in re.finditer(r"[\w)\].,(\[]+", code) if match.end() > start]
    return [*reversed(ends[-8:])]


# ------------------------------------------------------------------------------------ other slips


def _slip(line: str, kind: str, stop: Stop) -> _Slip:
    found = line[stop.start : stop.end]
    return (
        _misspelt_keyword(line, kind, stop)
        or _missing_keyword(line, kind, stop)
        or _keyword_as_name(found, stop)
        or _other_spelling(line, kind, stop)
        or _size_alone(line, kind, stop)
        or _one_token_off(line, kind, stop)
        or _Slip("QVR101", stop.start, stop.end, _sentence(stop, kind, found))
    )


def _with_fix(slip: _Slip, title: str, edit: tuple[int, int, str]) -> _Slip:
    return _Slip(slip.code, slip.start, slip.end, slip.message, title, edit, slip.hint)


def _reads(line: str, kind: str) -> bool:
    """Whether `line` is one line of its kind.

    tree-sitter is asked, which tells it in no time; the two grammars agree on every text.
    """
    before = _BEFORE_STEP if kind == "step" else b""
    root = tree(before + line.encode(errors="surrogateescape")).root_node
    found = list(contents(root))
    if root.has_error or len(found) != 1:
        return False
    if kind == "declaration":
        return True
    blocks = [node for node in contents(found[0]) if node.type == "block"]
    return len(blocks) == 1 and len(list(contents(blocks[0]))) == 1


def _mended(line: str, kind: str, edit: tuple[int, int, str]) -> bool:
    start, end, new = edit
    return len(line) <= _LONGEST_MENDED and _reads(line[:start] + new + line[end:], kind)


def _misspelt_keyword(line: str, kind: str, stop: Stop) -> _Slip | None:
    """`smaple x <- …`: the line's first word is nearly a keyword, and as that keyword it reads."""
    first = re.match(r"\w+", line)
    if first is None or first[0] in KEYWORDS or stop.start == 0:
        return None
    keywords = STEP_KEYWORDS if kind == "step" else DECLARATION_KEYWORDS
    near = get_close_matches(first[0], keywords, 1, 0.7)
    if not near:
        return None
    stop_as_keyword = first_stop(near[0] + line[first.end() :], kind)
    if stop_as_keyword is not None and stop_as_keyword.start <= stop.start + len(near[0]) - first.end():
        return None
    message = f"`{first[0]}` starts no step; did you mean `{near[0]}`?"
    return _Slip("QVR101", 0, first.end(), message, f"Write `{near[0]}`", (0, first.end(), near[0]))


def _missing_keyword(line: str, kind: str, stop: Stop) -> _Slip | None:
    """`theta = mu + tau` without its `let`, and `let x <- F(…)` for `sample`."""
    found = line[stop.start : stop.end]
    if kind != "step":
        return None
    bound = re.match(r"\w+", line)
    is_bare = bound is not None and bound[0] not in KEYWORDS and not line[bound.end() : stop.start].strip()
    drawn = is_bare and found == "=" and re.match(r"\s*[A-Z]\w*\(", line[stop.end :])
    if drawn and _mended(line, kind, (stop.start, stop.end, "<-")):
        message = "A draw is written with `<-`, not `=`."
        return _Slip("QVR111", stop.start, stop.end, message, "Write `<-`", (stop.start, stop.end, "<-"))
    if bound is not None and is_bare and found == "=" and _mended(line, kind, (0, 0, "let ")):
        message = f"A value computed from others is bound with `let`: `let {bound[0]} = …`."
        return _Slip("QVR112", 0, bound.end(), message, "Write `let`", (0, 0, "let "))
    if found in ("<-", "←", "~", ":") and bound is not None and bound[0] == "let":
        edit = (0, len("let"), "sample")
        if _mended(line, kind, edit):
            message = "A draw is written with `sample`; `let` binds a value with `=`."
            return _Slip("QVR112", 0, len("let"), message, "Write `sample`", edit)
    return None


def _keyword_as_name(found: str, stop: Stop) -> _Slip | None:
    if found in KEYWORDS and "NAME" in stop.expected and "NUMBER" not in stop.expected:
        message = f"`{found}` is a word of the language, so it cannot be a name."
        return _Slip("QVR108", stop.start, stop.end, message)
    return None


def _other_spelling(line: str, kind: str, stop: Stop) -> _Slip | None:
    """Signs of other languages for ours: `~` for `<-`, `**` for `^`, `=` for `==`."""
    for found in _LONGEST_FIRST:
        # `**` stops at its second star, `&&` at its first sign.
        start = stop.start - 1 if found == "**" else stop.start
        if start < 0 or not line.startswith(found, start):
            continue
        for right in _SPELLINGS[found]:
            edit = (start, start + len(found), right)
            stop_after = first_stop(line[:start] + right + line[start + len(found) :], kind)
            if stop_after is not None and stop_after.start <= start + len(right):
                continue
            sign = right.strip()
            why = _WHY.get(sign, "This is written `{sign}`, not `{found}`.")
            message = why.format(found=found, sign=sign)
            slip = _Slip("QVR111", start, start + len(found), message)
            return slip if stop_after is not None else _with_fix(slip, f"Write `{sign}`", edit)
    return None


def _size_alone(line: str, kind: str, stop: Stop) -> _Slip | None:
    """`object School : 8` for `object School : FinSet 8`."""
    found = line[stop.start : stop.end]
    edit = (stop.start, stop.start, "FinSet ")
    if kind == "declaration" and found.isdigit() and line.startswith("object") and _mended(line, kind, edit):
        message = f"A finite set with {found} elements is written `FinSet {found}`."
        return _Slip("QVR101", stop.start, stop.end, message, f"Write `FinSet {found}`", edit)
    return None


def _one_token_off(line: str, kind: str, stop: Stop) -> _Slip | None:
    """A token too many or too few, where leaving it out or putting it in makes the line readable."""
    found = line[stop.start : stop.end]
    if found in _DROPPED and _mended(line, kind, (stop.start, stop.end, "")):
        edit = (stop.start, stop.end, "")
        if found == ":" and not line[stop.end :].strip():
            message = "Nothing stands after a header, not even `:`."
        else:
            message = f"This `{found}` is one too many."
        return _Slip("QVR112", stop.start, stop.end, message, f"Remove the `{found}`", edit)
    before = line[: stop.start].rstrip()
    for sign, token in _INSERTED.items():
        edit = (len(before), stop.start, ", " if sign == "," else f" {sign} ")
        if before and found and token in stop.expected and _mended(line, kind, edit):
            message = f"Expected `{sign}` before `{found}`."
            return _Slip("QVR101", stop.start, stop.end, message, f"Put in `{sign}`", edit)
    return None


# ------------------------------------------------------------------------------- what was expected

_STARTS_VALUE = frozenset(("NAME", "NUMBER", "LPAR", "MINUS", "PLUS", "NOT", "IF", "FACTOR", "SCAN"))
_OPERATORS = frozenset(
    {"PLUS", "MINUS", "STAR", "SLASH", "AT", "CIRCUMFLEX", "AND", "OR"}
    | {"EQUAL", "UNEQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL"}
)
_SIGNS = {
    "LPAR": "`(`",
    "RPAR": "`)`",
    "LSQB": "`[`",
    "RSQB": "`]`",
    "COMMA": "`,`",
    "COLON": "`:`",
    "IS": "`=`",
    "ASSIGN": "`<-`",
    "ARROW": "`->`",
    "STAR": "`*`",
    "AFTERWARDS": "`>>`",
    "NUMBER": "a number",
    "$END": "the end of the line",
}
_AFTER = {
    "ASSIGN": "a family, such as `Normal(0, 1)`",
    "ARROW": "a space",
    "TENSOR": "an object",
    "STAR": "an object",
    "SAMPLE": "the name of what is drawn",
    "OBSERVE": "the name of what is observed",
    "MARGINALIZE": "the name of what is summed out",
    "LET": "the name of a value",
    "SCORE": "the name of a score",
    "PROGRAM": "the program's name",
    "OBJECT": "the object's name",
    "DATA": "the name of an input",
    "EXPORT": "a program's name",
    "DEFINE": "the composition's name",
}
_MOST_LISTED = 4


def _sentence(stop: Stop, kind: str, found: str) -> str:
    what = "the end of the line" if not found else f"`{found}`"
    return f"Expected {_expected(stop, kind)}, found {what}."


def _expected(stop: Stop, kind: str) -> str:
    """What could have stood there, as words in order of interest."""
    expected = set(stop.expected)
    said: list[str] = []
    operators = expected & _OPERATORS
    if {"NAME", "NUMBER", "LPAR"} <= expected:
        said.append("a value")
        expected -= _STARTS_VALUE
    elif {"NAME", "NUMBER"} <= expected or len(operators) > 2:
        # What stands before is complete; to list all that could make it longer would hide what is missing.
        expected -= {"NAME", "NUMBER", "LPAR", "LSQB"} | operators
        said += ["an operator"] if len(operators) > 2 else []
    elif "NAME" in expected:
        of_space = "an object" if kind == "step" else "a space"
        said.append(_AFTER.get(stop.previous, of_space if stop.previous == "COLON" else "a name"))
        expected -= {"NAME"} | ({"LPAR"} if stop.previous in _AFTER or stop.previous == "COLON" else set())
    order = [name for name in _SIGNS if name in expected]
    words = sorted(name for name in expected if name not in _SIGNS and name.lower() in KEYWORDS)
    if len(words) > _MOST_LISTED:
        words = []
        said.append("a step" if "SAMPLE" in expected else "a declaration")
    said += [f"`{name.lower()}`" for name in words] + [_SIGNS[name] for name in order]
    said = said[: _MOST_LISTED + 1]
    return " or ".join((", ".join(said[:-1]), said[-1])) if len(said) > 1 else "".join(said) or "nothing"
