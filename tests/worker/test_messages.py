"""The worker's side of its protocol, with the sampling itself replaced by something quick."""

import json
import os
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import pytest

from quivers.errors import Cancelled, DataError, DataProblem, ProgramError, SamplingError
from quivers.worker import process
from quivers.worker.messages import PriorRequest, RunRequest
from quivers.worker.process import Worker


@dataclass(frozen=True)
class Report:
    chain: int
    chains: int
    phase: str
    done: int
    total: int
    divergences: int


class Client:
    """The other end of a worker that serves on a thread."""

    def __init__(self) -> None:
        inward, outward = os.pipe(), os.pipe()
        self._to: IO[bytes] = os.fdopen(inward[1], "wb")
        self._from: IO[bytes] = os.fdopen(outward[0], "rb")
        served = Worker(os.fdopen(inward[0], "rb"), os.fdopen(outward[1], "wb"))
        self.thread = threading.Thread(target=served.serve, daemon=True)
        self.thread.start()
        ready = {"pid": os.getpid(), "memory_limit": None}
        assert self.read() == {"jsonrpc": "2.0", "method": "ready", "params": ready}

    def send(self, **message: Any) -> None:
        self.send_line(json.dumps({"jsonrpc": "2.0", **message}).encode())

    def send_line(self, line: bytes) -> None:
        self._to.write(line + b"\n")
        self._to.flush()

    def read(self, pulses: bool = False) -> dict[str, Any]:
        """The next message, leaving pulses out unless they are wanted."""
        while True:
            answer: dict[str, Any] = json.loads(self._from.readline(), parse_constant=pytest.fail)
            if pulses or answer.get("method") != "pulse":
                return answer

    def run(self, identity: int = 1, **params: Any) -> None:
        self.send(id=identity, method="run", params={"source": "", "name": "model.qvr", **params})

    def end(self) -> None:
        self._to.close()
        self.thread.join(10)
        assert not self.thread.is_alive()


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setattr(process, "load_runtime", lambda: None)
    started = Client()
    yield started
    started.end()


def answering(monkeypatch: pytest.MonkeyPatch, outcome: Any) -> None:
    """Make every run give `outcome`, or raise it."""

    def run(request: RunRequest, on_progress: Any, cancel: threading.Event, on_start: Any, *_: Any) -> Any:
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    monkeypatch.setattr(process, "run", run)


def test_a_run_is_answered_with_its_summary(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, {"program": "eight_schools"})
    client.run(7)
    assert client.read() == {"jsonrpc": "2.0", "id": 7, "result": {"program": "eight_schools"}}


def test_what_is_not_a_number_is_sent_as_null(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, {"r_hat": float("nan"), "rows": [float("inf"), 1.5]})
    client.run()
    assert client.read()["result"] == {"r_hat": None, "rows": [None, 1.5]}


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (ProgramError("mu is not declared"), "program", "mu is not declared"),
        (SamplingError("no starting point"), "sampling", "no starting point"),
        (Cancelled("stop"), "cancelled", "The run was cancelled."),
        (
            MemoryError("Unable to allocate 3.2 TiB"),
            "memory",
            "The run needs more memory than there is: ask for fewer draws.",
        ),
        (KeyError("x"), "internal", "The run failed inside QVR: KeyError: 'x'"),
    ],
)
def test_a_failed_run_is_answered_with_its_kind_and_a_sentence(
    client: Client, monkeypatch: pytest.MonkeyPatch, error: Exception, kind: str, message: str
) -> None:
    answering(monkeypatch, error)
    client.run()
    answer = client.read()["error"]
    assert (answer["data"]["kind"], answer["message"]) == (kind, message)


def test_bad_data_come_back_problem_by_problem(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, DataError([DataProblem("QVR601", "y is missing", "y")]))
    client.run()
    answer = client.read()["error"]
    assert answer["data"] == {
        "kind": "data",
        "problems": [{"code": "QVR601", "message": "y is missing", "input": "y"}],
    }


def test_a_worker_goes_on_after_a_failed_run(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, RuntimeError("a defect"))
    client.run(1)
    assert client.read()["id"] == 1
    answering(monkeypatch, {"program": "p"})
    client.run(2)
    assert client.read()["result"] == {"program": "p"}


def test_a_cancel_reaches_the_run_and_those_that_wait(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = threading.Event()

    def run(request: RunRequest, on_progress: Any, cancel: threading.Event, on_start: Any, *_: Any) -> Any:
        begun.set()
        assert cancel.wait(30)
        raise Cancelled("stop")

    monkeypatch.setattr(process, "run", run)
    client.run(1)
    client.run(2)
    assert begun.wait(30)
    client.send(method="cancel", params={"id": 2})
    client.send(method="cancel", params={"id": 1})
    answers = [client.read(), client.read()]
    assert [answer["id"] for answer in answers] == [1, 2]
    assert {answer["error"]["data"]["kind"] for answer in answers} == {"cancelled"}


def test_reports_name_the_run_and_come_before_its_answer(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(request: RunRequest, on_progress: Any, cancel: threading.Event, on_start: Any, *_: Any) -> Any:
        for done in (50, 100):
            on_progress(Report(chain=1, chains=4, phase="sampling", done=done, total=100, divergences=2))
        return {}

    monkeypatch.setattr(process, "run", run)
    client.run(3)
    reports = []
    while "method" in (message := client.read()):
        assert message["method"] == "progress"
        reports.append(message["params"])
    assert reports[-1] == {
        "id": 3,
        "chain": 1,
        "chains": 4,
        "phase": "sampling",
        "done": 100,
        "total": 100,
        "divergences": 2,
        "draws_per_second": None,
        "seconds_left": 0.0,
    }
    assert len(reports) == 2


def test_draws_from_a_prior_are_asked_for_beside_runs(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prior(request: PriorRequest, _: threading.Event) -> Any:
        return {"name": request.name, "draws": request.settings.draws, "seed": request.settings.seed}

    monkeypatch.setattr(process, "prior_predictive", prior)
    params = {"source": "", "name": "m.qvr", "settings": {"draws": 20, "seed": 4}}
    client.send(id=1, method="prior_predictive", params=params)
    assert client.read()["result"] == {"name": "m.qvr", "draws": 20, "seed": 4}
    client.send(id=2, method="prior_predictive", params={**params, "settings": {"chains": 4}})
    sentence = "This run can't start: there is no setting called chains."
    assert client.read()["error"]["message"] == sentence
    client.send(id=3, method="prior_predictive", params={**params, "settings": {"draws": 0}})
    sentence = "This run can't start: draws must be a whole number of at least 1, not 0."
    assert client.read()["error"]["message"] == sentence


def test_a_pulse_is_felt_idle_and_during_a_run(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "SECONDS_BETWEEN_PULSES", 0.0)
    ended = threading.Event()

    class Chains:
        leapfrogs = 17

    def run(request: RunRequest, on_progress: Any, cancel: threading.Event, on_start: Any, *_: Any) -> Any:
        on_start(Chains())
        assert ended.wait(30)
        return {}

    def pulse(running: int | None) -> dict[str, Any]:
        while True:
            message = client.read(pulses=True)
            if message.get("method") == "pulse" and message["params"]["running"] == running:
                params: dict[str, Any] = message["params"]
                return params

    idle = pulse(None)
    assert idle["steps"] is None
    if sys.platform == "linux":
        assert idle["rss"] > 2**20
    monkeypatch.setattr(process, "run", run)
    client.run(5)
    while pulse(5)["steps"] is None:
        pass
    assert pulse(5)["steps"] == 17
    ended.set()
    assert pulse(None)["steps"] is None


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"source": 3}, "This run can't start: a run needs `source` and `name`, both text."),
        ({"program": 3}, "This run can't start: `program` is a program's name."),
        (
            {"data": [1]},
            "This run can't start: `data` is a file's path, a list of paths, or the values by name.",
        ),
        (
            {"settings": {"chains": 0}},
            "This run can't start: chains must be a whole number of at least 1, not 0.",
        ),
        (
            {"settings": {"draws": "many"}},
            "This run can't start: draws must be a whole number of at least 1, not 'many'.",
        ),
        (
            {"settings": {"target_accept": 1}},
            "This run can't start: target_accept must lie between 0 and 1, not 1.",
        ),
        (
            {"settings": {"seed": -1}},
            "This run can't start: seed must be a whole number of at least 0, not -1.",
        ),
        (
            {"settings": {"thin": 0}},
            "This run can't start: thin must be a whole number of at least 1, not 0.",
        ),
        (
            {"settings": {"mass_matrix": ["dense"]}},
            "This run can't start: mass_matrix must be one of diagonal, dense, identity, low_rank,"
            " not ['dense'].",
        ),
        (
            {"settings": {"init": "value"}},
            "This run can't start: init must be one of uniform, prior, pathfinder, not 'value'.",
        ),
        (
            {"settings": {"max_tree_depth": 0}},
            "This run can't start: max_tree_depth must be a whole number from 1 to 20, not 0.",
        ),
        (
            {"settings": {"algorithm": "hmc", "max_tree_depth": 5}},
            "This run can't start: max_tree_depth is of nuts alone.",
        ),
        ({"settings": {"step": 1}}, "This run can't start: there is no setting called step."),
    ],
)
def test_a_run_with_bad_parameters_is_refused_in_a_sentence(
    client: Client, params: dict[str, Any], sentence: str
) -> None:
    client.run(**params)
    assert client.read()["error"]["message"] == sentence


def test_lines_that_are_no_messages_are_answered_and_survived(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for line in (b"{", b"\xff\xfe", b"[1]", b"[" * 100_000):
        client.send_line(line)
        assert client.read()["error"]["code"] == -32700
    client.send(id=1, method="fly")
    assert client.read()["error"]["code"] == -32601
    answering(monkeypatch, {})
    client.run(2)
    assert client.read()["result"] == {}


def test_shutdown_is_answered_and_ends_the_worker(client: Client) -> None:
    client.send(id=9, method="shutdown")
    assert client.read() == {"jsonrpc": "2.0", "id": 9, "result": None}
    client.thread.join(10)
    assert not client.thread.is_alive()
