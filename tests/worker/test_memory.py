"""How much memory the worker may have, from its environment and from what the machine has free."""

import sys

import pytest

from quivers.worker import memory


def test_the_variable_sets_the_limit_and_0_lifts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(memory.VARIABLE, "1000000")
    assert memory.limit() == 1_000_000
    monkeypatch.setenv(memory.VARIABLE, "0")
    assert memory.limit() is None


def test_a_limit_that_is_no_number_of_bytes_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(memory.VARIABLE, "4G")
    with pytest.raises(ValueError, match="QVR_WORKER_MEMORY must be a number of bytes, not '4G'"):
        memory.limit()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_without_the_variable_the_limit_is_a_share_of_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(memory.VARIABLE, raising=False)
    held, limit = memory.resident(), memory.limit()
    assert held is not None
    assert limit is not None
    assert held < limit


def test_where_the_memory_is_not_known_there_is_no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(memory.VARIABLE, raising=False)
    monkeypatch.setattr(memory, "resident", lambda: None)
    assert memory.limit() is None
