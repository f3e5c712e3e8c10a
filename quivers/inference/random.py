"""Random numbers by counter: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2,
3").

A stream is named by (seed, chain, draw, purpose), so a draw's numbers do not depend on what was drawn
before it, on the number of threads, or on where a run was resumed.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from quivers.inference.compiled import Table, Words, kept_apart

# What a stream is used for.
TRANSITION = 0
STEP_SIZE_SEARCH = 1
GUIDE = 2

# Places in a stream's state.
_SEED, _CHAIN, _DRAW, _PURPOSE, _INDEX, _SPARE, _HAS_SPARE = range(7)
STATE_SIZE = 7

_WORD = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_ELEVEN = np.uint64(11)
_ONE = np.uint64(1)
_ZERO = np.uint64(0)
_MULTIPLIER_0 = np.uint64(0xD2511F53)
_MULTIPLIER_1 = np.uint64(0xCD9E8D57)
_WEYL_0 = np.uint64(0x9E3779B9)
_WEYL_1 = np.uint64(0xBB67AE85)
_TO_UNIT = 2.0**-53


def philox(
    c0: np.uint64, c1: np.uint64, c2: np.uint64, c3: np.uint64, k0: np.uint64, k1: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    """Ten rounds of Philox4x32 on a counter of four and a key of two 32-bit words, each held in a uint64."""
    for _ in range(10):
        product_0 = _MULTIPLIER_0 * c0
        product_1 = _MULTIPLIER_1 * c2
        c0, c1, c2, c3 = (
            (product_1 >> _HALF) ^ c1 ^ k0,
            product_1 & _WORD,
            (product_0 >> _HALF) ^ c3 ^ k1,
            product_0 & _WORD,
        )
        k0 = (k0 + _WEYL_0) & _WORD
        k1 = (k1 + _WEYL_1) & _WORD
    return c0, c1, c2, c3


def stream(seed: int, chain: int) -> NDArray[np.uint64]:
    """The state of a chain's generator, before `open_stream` names a draw. `seed` is in [0, 2⁶⁴)."""
    state = np.zeros(STATE_SIZE, dtype=np.uint64)
    state[_SEED] = seed
    state[_CHAIN] = chain
    return state


def open_stream(state: Words, draw: int, purpose: int) -> None:
    """Places the generator at the beginning of the stream for `draw` and `purpose`."""
    state[_DRAW] = np.uint64(draw)
    state[_PURPOSE] = np.uint64(purpose)
    state[_INDEX] = _ZERO
    state[_HAS_SPARE] = _ZERO


def open_particle(state: Words, particle: int, step: int) -> None:
    """Places the generator at the beginning of the stream for a step's particle of a guide."""
    state[_CHAIN] = np.uint64(particle)
    open_stream(state, step, GUIDE)


def bits(state: Words) -> np.uint64:
    """The next 64 random bits."""
    kept_apart()
    if state[_HAS_SPARE] != _ZERO:
        state[_HAS_SPARE] = _ZERO
        return np.uint64(state[_SPARE])
    w0, w1, w2, w3 = philox(
        state[_INDEX] & _WORD,
        state[_DRAW] & _WORD,
        state[_CHAIN] & _WORD,
        state[_PURPOSE] & _WORD,
        state[_SEED] & _WORD,
        state[_SEED] >> _HALF,
    )
    state[_INDEX] += _ONE
    state[_SPARE] = (w3 << _HALF) | w2
    state[_HAS_SPARE] = _ONE
    return np.uint64((w1 << _HALF) | w0)


def uniform(state: Words) -> float:
    """A number in [0, 1) with 53 random bits."""
    return float(bits(state) >> _ELEVEN) * _TO_UNIT


def normals(state: Words, memory: Table, row: int) -> None:
    """Fills a row of `memory` with independent standard normal numbers (Box and Muller 1958)."""
    kept_apart()
    n = memory.shape[1]
    for i in range(0, n, 2):
        # The logarithm's argument lies in (0, 1].
        radius = math.sqrt(-2.0 * math.log((float(bits(state) >> _ELEVEN) + 1.0) * _TO_UNIT))
        angle = 2.0 * math.pi * uniform(state)
        memory[row, i] = radius * math.cos(angle)
        if i + 1 < n:
            memory[row, i + 1] = radius * math.sin(angle)
