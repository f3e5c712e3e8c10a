"""The draws of a run by site, of which those that were not kept are worked out when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

Array = TypeVar("Array")


class Samples(dict[str, Array]):
    """Draws by site, each (chain, draw, *axes).

    It holds the sites that the run keeps, and these are what it iterates over. Another let or latent of the
    program can be had by its name too; it is worked out anew each time. An unknown name is a KeyError.
    """

    def __init__(self, kept: Mapping[str, Array], work_out: Callable[[str], Array]) -> None:
        super().__init__(kept)
        self._work_out = work_out

    def __missing__(self, name: str) -> Array:
        return self._work_out(name)
