"""The counter-based generator: known answers, moments, and streams that do not depend on one another."""

import numba
import numpy as np
import pytest

from quivers.inference import random


@numba.njit
def philox(c0, c1, c2, c3, k0, k1):
    return random.philox(c0, c1, c2, c3, k0, k1)


@numba.njit
def draw_normals(state, draw, purpose, out):
    random.open_stream(state, draw, purpose)
    random.normals(state, out, 0)


@numba.njit
def draw_uniforms(state, draw, out):
    random.open_stream(state, draw, 0)
    for i in range(out.shape[0]):
        out[i] = random.uniform(state)


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
    assert list(philox(*(np.uint64(word) for word in counter + key))) == answer


def normals(seed, chain, draw, purpose=0, size=7):
    out = np.zeros((1, size))
    draw_normals(random.stream(seed, chain), draw, purpose, out)
    return out[0]


def test_a_stream_depends_on_its_name_only():
    state = random.stream(9, 2)
    out = np.zeros((1, 7))
    draw_normals(state, 4, 0, out)
    draw_normals(state, 5, 0, out)
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
    out = np.zeros(100_000)
    draw_uniforms(random.stream(3, 0), 1, out)
    assert out.min() >= 0
    assert out.max() < 1
    counts = np.histogram(out, bins=100, range=(0, 1))[0]
    # χ² with 99 degrees of freedom: its 1 − 10⁻⁶ quantile.
    assert ((counts - 1000) ** 2 / 1000).sum() < 180
