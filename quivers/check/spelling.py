"""Near names: which known name a misspelt one was probably meant to be."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name closest to `name`, None when none is close.

    Spelling that differs only in case or underscores always counts; otherwise a third of the
    letters may differ. Ties go to the name that sorts first.
    """
    folded = _folded(name)
    limit = max(1, len(name) // 3)
    best: tuple[int, str] | None = None
    for candidate in known:
        if candidate == name:
            continue
        if _folded(candidate) == folded:
            found = (0, candidate)
        elif abs(len(candidate) - len(name)) > limit:
            continue
        else:
            found = (distance(folded, _folded(candidate)), candidate)
        if found[0] <= limit and (best is None or found < best):
            best = found
    if best is None or (len(name) < 2 and look_alikes(name, best[1]) is None):
        return None
    return best[1]


def _folded(name: str) -> str:
    return _drawn(name).replace("_", "").casefold()


# Cyrillic and Greek letters that most fonts draw just like a Latin one.
_LOOK_ALIKES = {
    **dict(zip("АВЕЅІЈКМНОРСТХУаеѕіјорсухһԁԛԝ", "ABESIJKMHOPCTXYaesijopcyxhdqw", strict=True)),
    **dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧο", "ABEZHIKMNOPTYXo", strict=True)),
}
_AS_LATIN = str.maketrans(_LOOK_ALIKES)


def _drawn(name: str) -> str:
    """A name with each letter that looks like a Latin one put as that."""
    return name if name.isascii() else name.translate(_AS_LATIN)


def look_alikes(name: str, near: str) -> tuple[str, str] | None:
    """The first letter of each in which two names differ that can't be told apart by sight; else None."""
    if name == near or _drawn(name) != _drawn(near):
        return None
    return next((mine, other) for mine, other in zip(name, near, strict=True) if mine != other)


def distance(left: str, right: str) -> int:
    """How many insertions, deletions, changes and swaps of neighbours turn one into the other.

    The restricted Damerau-Levenshtein distance (Damerau, 1964; optimal string alignment).
    """
    before: list[int] = []
    last = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        row = [i]
        for j, b in enumerate(right, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]


def looks_misspelt(name: str, bound: Iterable[str]) -> str | None:
    """The bound name that `name` can't be told from by sight, else the one that is one edit away from it.

    The second only when `name` has three letters or more. Names that differ in digits alone, as `x1` and
    `x2` or `beta` and `beta2` do, are no slips.
    """
    for candidate in sorted(bound):
        if look_alikes(name, candidate) is not None:
            return candidate
    if sum(character.isalpha() for character in name) < 3:
        return None
    letters = "".join(character for character in name if not character.isdigit())
    for candidate in sorted(bound):
        if candidate == name or abs(len(candidate) - len(name)) > 1:
            continue
        if "".join(character for character in candidate if not character.isdigit()) == letters:
            continue
        if distance(name, candidate) == 1:
            return candidate
    return None
