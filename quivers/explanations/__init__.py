"""The page of every code: what it means, a program that raises it, why it matters, how to mend it."""

from __future__ import annotations

from importlib.resources import files


def page(code: str) -> str:
    """The Markdown of a code's page.

    Raises:
        KeyError: no page has this name.
    """
    try:
        return files(__name__).joinpath(f"{code}.md").read_text("utf-8")
    except FileNotFoundError:
        raise KeyError(code) from None
