"""What a completion offers, as plain data."""

from __future__ import annotations

from enum import Enum

from quivers.check.types import AnyType
from quivers.records import record
from quivers.syntax.ast import Span


class Kind(Enum):
    """What an entry is. VALUE is a name bound in the program, and INPUT one that the data give."""

    VALUE = "value"
    INPUT = "input"
    PARAMETER = "parameter"
    OBJECT = "object"
    SPACE = "space"
    FAMILY = "family"
    FUNCTION = "function"
    PROGRAM = "program"
    ARGUMENT = "argument"
    OPTION = "option"
    EFFECT = "effect"
    KEYWORD = "keyword"
    SNIPPET = "snippet"
    SYMBOL = "symbol"


@record
class Entry:
    """One entry. `text` is put in the place of the word, or `snippet` by a client that knows tab stops.

    An entry with an empty `text` is for such clients alone. `rank` orders the entries, least first. `detail`
    is its type or signature, `aside` what is shown directly after the label. `filter` is what the typed word
    is compared with where that is not the label. `commits` are the characters that take the entry and go on.
    """

    label: str
    kind: Kind
    rank: tuple[int, int]
    text: str
    snippet: str | None = None
    detail: str = ""
    aside: str = ""
    filter: str = ""
    commits: str = ""


@record
class Completions:
    """Entries for the word that `replaced` covers, of which `inserted` is what stands before the place.

    They were offered in the steps of `program`, if in one's.

    `whole` is false where more may come: a list cut short, or keywords while the grammar is still loading.
    """

    entries: tuple[Entry, ...]
    inserted: Span
    replaced: Span
    whole: bool = True
    program: str | None = None


@record
class Column:
    """A column of the data, a name that the model may take as an input; `detail` says what it holds."""

    name: str
    detail: str = ""


@record
class Known:
    """A name in scope, with its type, None for an object; `order` counts from the nearest one."""

    name: str
    kind: Kind
    type: AnyType | None
    order: int
    word: str = ""
