"""Gives values of the data the names that a program has for them, as in `--map y=score`."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from quivers.data.codes import MISSING
from quivers.errors import DataError, DataProblem


def renamed(values: Mapping[str, Any], renames: Mapping[str, str], *, strict: bool = True) -> dict[str, Any]:
    """The values, where `renames` has for a program's name that of the data.

    All are renamed at once, so that two can change places; one value may get several names. What had a name
    that another value gets is left out. Without `strict`, a name that the data don't have is passed over.

    Raises:
        DataError: the data have no such name.
    """
    problems = [_unknown(name, values) for name in renames.values() if name not in values] if strict else []
    if problems:
        raise DataError(problems)
    taken = {new: old for new, old in renames.items() if old in values}
    gone = set(taken.values())
    kept = {name: value for name, value in values.items() if name not in taken and name not in gone}
    return kept | {new: values[old] for new, old in taken.items()}


def _unknown(name: str, values: Mapping[str, Any]) -> DataProblem:
    spare = {known.casefold(): known for known in values}
    close = difflib.get_close_matches(name.casefold(), spare, n=1, cutoff=0.6)
    meant = f"; did you mean `{spare[close[0]]}`?" if close else "."
    return DataProblem(MISSING, f"The data have no `{name}` that could be renamed{meant}")
