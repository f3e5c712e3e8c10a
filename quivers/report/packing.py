"""Draws as text, two characters a number: what a page can hold many of."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

ALPHABET = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", dtype=np.uint8)
STEPS = 4094  # the numbers of two characters but one, which stands for what is not finite


def packed(values: ArrayLike, low: float, high: float) -> str:
    """Numbers between `low` and `high`, (point), each rounded to a 4,094th of their distance.

    The page's script reads them: twice six bits, as base64 has them, from 0 for `low` to 4,094 for `high`;
    4,095 is no finite number.
    """
    numbers = np.asarray(values, dtype=np.float64)
    finite = np.isfinite(numbers)
    wide = high - low if high > low else 1.0
    steps = np.full(numbers.shape, STEPS + 1, dtype=np.int64)
    steps[finite] = np.rint((numbers[finite] - low) / wide * STEPS).astype(np.int64)
    pairs = np.stack([steps >> 6, steps & 63], axis=-1)
    return ALPHABET[pairs].tobytes().decode("ascii")
