"""The counter-based generator: known answers, moments, and streams that do not depend on one another."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from quivers.inference.compiled import Table, Words
from quivers.inference.machine_code import machine_function
from quivers.inference.random import normals as fill_normals
from quivers.inference.random import open_stream, philox, stream, uniform


def write_philox(words: Words) -> None:
    w0, w1, w2, w3 = philox(words[0], words[1], words[2], words[3], words[4], words[5])
    words[0] = w0
    words[1] = w1
    words[2] = w2
    words[3] = w3


def some_normals(state: Words, draw: int, purpose: int, out: Table) -> None:
    open_stream(state, draw, purpose)
    fill_normals(state, out, 0)


def some_uniforms(state: Words, draw: int, out: Table) -> None:
    open_stream(state, draw, 0)
    for i in range(out.shape[1]):
        out[0, i] = uniform(state)


draw_philox = functools.cache(lambda: machine_function(write_philox))
draw_normals = functools.cache(lambda: machine_function(some_normals))
draw_uniforms = functools.cache(lambda: machine_function(some_uniforms))


# Of the authors' Random123, kat_vectors, philox4x32 with 10 rounds.
KNOWN = [
    ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    (
        [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
        [0xA4093822, 0x299F31D0],
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ),
]


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN)
def test_philox_gives_the_published_answers(counter, key, answer):
    words = np.array(counter + key, dtype=np.uint64)
    assert list(philox(*words)) == answer
    draw_philox()(words)
    assert list(words[:4]) == answer


def normals(seed, chain, draw, purpose=0, size=7):
    out = np.zeros((1, size))
    draw_normals()(stream(seed, chain), draw, purpose, out)
    return out[0]


def test_a_stream_depends_on_its_name_only():
    state = stream(9, 2)
    out = np.zeros((1, 7))
    draw_normals()(state, 4, 0, out)
    draw_normals()(state, 5, 0, out)
    np.testing.assert_array_equal(out[0], normals(9, 2, 5))


@pytest.mark.parametrize(
    "other", [(8, 2, 5, 0), (9, 1, 5, 0), (9, 2, 4, 0), (9, 2, 5, 1), (9 + 2**32, 2, 5, 0)]
)
def test_every_part_of_a_streams_name_counts(other):
    assert not np.isin(normals(9, 2, 5), normals(*other)).any()


def test_normals_have_the_moments_of_the_standard_normal():
    values = normals(3, 0, 0, size=100_001)
    standard_error = 1 / np.sqrt(len(values))
    assert abs(values.mean()) < 4.5 * standard_error
    assert abs((values**2).mean() - 1) < 4.5 * np.sqrt(2) * standard_error
    assert abs((values**4).mean() - 3) < 4.5 * np.sqrt(96) * standard_error
    assert abs((values[:-1] * values[1:]).mean()) < 4.5 * standard_error


def test_uniforms_fill_the_unit_interval_evenly():
    out = np.zeros((1, 100_000))
    draw_uniforms()(stream(3, 0), 1, out)
    assert out.min() >= 0
    assert out.max() < 1
    counts = np.histogram(out, bins=100, range=(0, 1))[0]
    # χ² with 99 degrees of freedom: its 1 − 10⁻⁶ quantile.
    assert ((counts - 1000) ** 2 / 1000).sum() < 180
