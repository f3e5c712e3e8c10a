"""A server's memory does not grow with the edits, and no process outlives a client that is killed."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parent.parent.parent / "benchmarks"))

from commands import qvr_source
from language_server import Client
from server_memory import LINES, URI, after_edits, greet, left_over, show, slope

COMMAND = [sys.executable, "-m", "qvr_server"]
unix = pytest.mark.skipif(sys.platform == "win32", reason="asks ps for processes and kills with a signal")
EDITS, FILLING = 1_000, 200


@pytest.fixture
def client() -> Iterator[Client]:
    started = Client(COMMAND)
    yield started
    started.end()


@unix
def test_memory_does_not_grow_with_the_edits(client: Client) -> None:
    """After the first 200 edits, which fill what is kept, the slope of the memory over the edits is small.

    An edit changes one of about 140 programs. The tree, the names and the types of a program take tens of
    times its text, so that keeping them for each edit would cost at least a tenth of the whole text an edit.
    """
    text = qvr_source(LINES)
    greet(client)
    show(client, URI, text)
    samples = list(after_edits(client, text, EDITS, every=20))
    late = [(each.after, each.server) for each in samples if each.after > FILLING]
    kibibytes = len(text.encode()) / 1024
    assert slope(late) < kibibytes / 10


@unix
def test_neither_server_nor_worker_outlives_a_client_that_is_killed_in_the_middle_of_a_run() -> None:
    assert left_over(COMMAND, "killed") == []
