"""Long work in steps, so that an event loop can act on other things in between, or give the work up."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

Value = TypeVar("Value")

# Gives, before each step, how many bytes of text the step is about, or `LONG`; returns the result.
Steps = Generator[int, None, Value]

# In the place of the bytes of a step that takes long for another reason, such as what it has to load.
LONG = 1 << 40


def finished(steps: Steps[Value]) -> Value:
    """All steps at once."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: Value = end.value
            return result
