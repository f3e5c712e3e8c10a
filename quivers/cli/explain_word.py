"""What the words of programs mean: distributions, functions, and those of declarations and steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from quivers.check.spelling import nearest
from quivers.families.elsewhere import family_elsewhere
from quivers.families.functions import FUNCTIONS
from quivers.families.table import FAMILIES
from quivers.ide.about import about_family, about_function, family_signature
from quivers.ide.vocabulary import DECLARATIONS, EFFECTS, IN_EXPRESSIONS, OPTIONS, SIGNS, SPACES, STEPS

LISTS = ("distributions", "functions", "language")

_WORDS: Mapping[str, Mapping[str, str]] = {
    "declarations": DECLARATIONS,
    "spaces": SPACES,
    "steps": STEPS,
    "options in brackets": OPTIONS,
    "in expressions": IN_EXPRESSIONS,
    "signs": SIGNS,
    "effects": EFFECTS,
}


def word_page(name: str) -> str | None:
    """The Markdown of what a word or sign means; None for one that is none of the language's.

    A distribution may have the name that Stan, PyMC or JAGS has for it.
    """
    if name in FAMILIES:
        family = FAMILIES[name]
        return _page(family_signature(family), about_family(family))
    if name in FUNCTIONS:
        return _page(FUNCTIONS[name].signature, about_function(FUNCTIONS[name]))
    meanings = [meanings[name] for meanings in _WORDS.values() if name in meanings]
    if meanings:
        return _page(name, meanings)
    ours = _family_meant(name)
    return None if ours is None else f"`{name}` is `{ours}` here.\n\n{word_page(ours)}"


def near_word(name: str) -> str | None:
    """The word that somebody who wrote `name` may have meant."""
    letters = [word for meanings in _WORDS.values() for word in meanings if word[0].isalpha()]
    return nearest(name, [*FAMILIES, *FUNCTIONS, *letters, *LISTS])


def word_list(name: str) -> str:
    """All distributions, all functions, or all other words, a line or two each; `name` is one of `LISTS`."""
    if name == "distributions":
        return _described((family_signature(family), family.summary) for family in FAMILIES.values())
    if name == "functions":
        return _described((function.signature, function.summary) for function in FUNCTIONS.values())
    parts = []
    for title, meanings in _WORDS.items():
        width = max(map(len, meanings))
        lines = [f"  {word:<{width}}  {meaning}" for word, meaning in meanings.items()]
        parts.append("\n".join([title, *lines]))
    return "\n\n".join(parts)


def _family_meant(name: str) -> str | None:
    """Our name of a distribution that another language has, as `student_t` and `lkj_corr_cholesky`."""
    spelling = family_elsewhere(name)
    if spelling is not None:
        return spelling.family
    bare = name.replace("_", "").casefold()
    return next((family for family in FAMILIES if family.casefold() == bare), None)


def _page(signature: str, notes: Iterable[str]) -> str:
    return "\n\n".join([f"```qvr\n{signature}\n```", *notes])


def _described(entries: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f"{signature}\n    {summary}" for signature, summary in entries)
