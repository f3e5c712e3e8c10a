"""Indices that latents decide, for compiled code: whole numbers inside their axis whatever the latent is."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any


def place(x: float, n: int) -> int:
    """The index that `x` stands for: its whole part, the nearest of the axis where outside, 0 for NaN."""
    if not x > 0.0:
        return 0
    return int(x) if x < n else n - 1


def comes_before(x: Any, start: int, step: int, i: int, j: int) -> bool:
    """Whether element i stands before element j: the lesser first, NaN last, equal ones as they stood."""
    left, right = x[start + i * step], x[start + j * step]
    if left < right:
        return True
    if left > right:
        return False
    if math.isnan(left) != math.isnan(right):
        return math.isnan(right)
    return i < j


def argsort(x: Any, start: int, step: int, n: int, out: Any, out_start: int, out_step: int) -> float:
    """The places of the elements of a row in increasing order, by heapsort (Williams 1964)."""
    for i in range(n):
        out[out_start + i * out_step] = float(i)
    # The heap's greatest element is at its root; `end` elements are in it.
    for turn in range(n // 2 + max(n - 1, 0)):
        if turn < n // 2:
            root, end = n // 2 - 1 - turn, n
        else:
            end = n - 1 - (turn - n // 2)
            last = out[out_start + end * out_step]
            out[out_start + end * out_step] = out[out_start]
            out[out_start] = last
            root = 0
        moved = out[out_start + root * out_step]
        child = 2 * root + 1
        while child < end:
            at = out_start + child * out_step
            if child + 1 < end and comes_before(x, start, step, int(out[at]), int(out[at + out_step])):
                child += 1
                at += out_step
            if not comes_before(x, start, step, int(moved), int(out[at])):
                break
            out[out_start + root * out_step] = out[at]
            root = child
            child = 2 * root + 1
        out[out_start + root * out_step] = moved
    return 0.0


PLACES: Mapping[str, Callable[..., Any]] = {function.__name__: function for function in (place, argsort)}
