"""Parts in machine code do what Python does with the same source, and the sampler is kept on the disk."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quivers.backends.kernel import cache
from quivers.backends.kernel.translate import Untranslatable
from quivers.inference import machine_code
from quivers.inference.compiled import Counts, Table, Vector, Words, kept_apart
from quivers.inference.machine_code import compiled_chain, machine_function
from quivers.inference.trajectory import log_add

LIMIT = 7
MASK = np.uint64(0xFFFFFFFFFFFFFFFF)


def lesser_and_greater(a: float, b: float, c: float, out: Vector) -> None:
    out[0] = min(a, b, c)
    out[1] = max(a, b)
    out[2] = abs(c)
    out[3] = a ** (-0.75) if a > 0.0 else b


def what_numbers_are(a: float, b: float) -> int:
    found = 0
    if math.isfinite(a):
        found += 1
    if math.isinf(a) or math.isnan(b):
        found += 2
    if -1.0 < a < b:
        found += 4
    if not a > b:
        found += 8
    return found


def whole_numbers(a: int, b: int, out: Counts) -> None:
    out[0] = a // b
    out[1] = a % b
    out[2] = (a << 2) | (b & 5)
    out[3] = a >> 1
    out[4] = a ^ b
    out[5] = min(a, LIMIT)


def words(state: Words) -> float:
    state[0] = (state[0] >> np.uint64(11)) ^ (state[1] & MASK)
    return float(state[0])


def sums(table: Table, out: Table) -> int:
    for i in range(table.shape[0]):
        out[i, 0] = row_sum(table, i)
    for j in range(table.shape[1] - 1, -1, -2):
        out[0, 1] += table[0, j]
    taken = 0
    while taken < 100:
        taken += 3
        if taken > LIMIT:
            break
    return taken


def row_sum(table: Table, row: int) -> float:
    kept_apart()
    total = 0.0
    for j in range(0, table.shape[1], 2):
        total += table[row, j]
    return total


def two_kinds(a: float) -> int:
    return a


@pytest.fixture(scope="module")
def numbers():
    return machine_function(lesser_and_greater), machine_function(what_numbers_are)


@pytest.fixture(scope="module")
def wholes():
    return machine_function(whole_numbers)


REALS = st.floats(allow_subnormal=False)


@given(a=REALS, b=REALS, c=REALS)
def test_numbers_are_compared_as_python_compares_them(numbers, a, b, c):
    in_python, in_machine = np.zeros(4), np.zeros(4)
    lesser_and_greater(a, b, c, in_python)
    numbers[0](a, b, c, in_machine)
    np.testing.assert_array_equal(in_machine[:3], in_python[:3])
    np.testing.assert_allclose(in_machine[3], in_python[3], rtol=1e-14)
    assert numbers[1](a, b) == what_numbers_are(a, b)


@given(a=st.integers(0, 2**40), b=st.integers(1, 2**40))
def test_whole_numbers_are_pythons(wholes, a, b):
    in_python, in_machine = np.zeros(6, dtype=np.int64), np.zeros(6, dtype=np.int64)
    whole_numbers(a, b, in_python)
    wholes(a, b, in_machine)
    np.testing.assert_array_equal(in_machine, in_python)


def test_words_have_no_sign():
    state = np.array([2**64 - 1, 2**63], dtype=np.uint64)
    assert machine_function(words)(state) == float((2**64 - 1 >> 11) ^ 2**63)


def test_tables_are_read_and_written_by_row_and_column():
    table = np.arange(15.0).reshape(3, 5)
    in_python, in_machine = np.zeros((3, 2)), np.zeros((3, 2))
    assert machine_function(sums)(table, in_machine) == sums(table, in_python) == 9
    np.testing.assert_array_equal(in_machine, in_python)


def test_a_part_of_the_sampler_can_be_called():
    assert machine_function(log_add)(1.0, 2.0) == log_add(1.0, 2.0)


def test_arrays_of_another_type_or_with_gaps_are_refused():
    add = machine_function(row_sum)
    for array in (np.zeros((2, 3), dtype=np.float32), np.zeros((2, 6))[:, ::2]):
        with pytest.raises(ValueError, match="table must be an array of float64 without gaps"):
            add(array, 0)


def test_a_result_of_another_type_than_was_said_is_refused():
    with pytest.raises(Untranslatable):
        machine_function(two_kinds)


def test_the_sampler_is_compiled_once_and_then_read_from_the_disk(tmp_path, monkeypatch):
    monkeypatch.setenv("QVR_CACHE_DIR", str(tmp_path))
    made = []
    compile_it = machine_code.machine_code.object_code
    monkeypatch.setattr(
        machine_code.machine_code, "object_code", lambda text: made.append(1) or compile_it(text)
    )
    compiled_chain.__wrapped__()
    assert cache.load(machine_code._key()) is not None
    compiled_chain.__wrapped__()
    assert made == [1]


def test_another_processor_has_a_sampler_of_its_own(monkeypatch):
    here = machine_code._key()
    monkeypatch.setattr(machine_code.machine_code, "processor", lambda: "another")
    assert machine_code._key() != here
