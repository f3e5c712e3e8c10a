"""`qvr.trace` through the server: the draws of one number, thinned, and the sentence where they are gone."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from in_process import Answered, Client

EXAMPLE = Path(__file__).resolve().parents[2] / "examples/eight_schools/noncentred.qvr"
DATA = """{"y": [28, 8, -3, 7, -1, 1, 18, 12], "sigma_j": [15, 10, 16, 11, 9, 11, 10, 18],
"School": ["Choate", "Deerfield", "Phillips Andover", "Phillips Exeter", "Hotchkiss", "Lawrenceville",
"St. Paul, NH", "Mt. Hermon"]}"""
CHAINS, DRAWS = 2, 600
SETTINGS = {"chains": CHAINS, "warmup": 150, "draws": DRAWS, "seed": 3}

pytestmark = pytest.mark.slow


class Session:
    """The eight schools in an editor."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.client = Client(options=options)
        model = folder / "schools.qvr"
        model.write_bytes(EXAMPLE.read_bytes())
        model.with_suffix(".data.json").write_text(DATA, "utf-8")
        self.uri = model.as_uri()
        self.client.open(self.uri, model.read_text("utf-8"))

    def ask(self, command: str, **arguments: Any) -> Any:
        given = {"command": f"qvr.{command}", "arguments": [{"uri": self.uri, **arguments}]}
        return self.client.request("workspace/executeCommand", given, seconds=120)

    def refusal(self, **arguments: Any) -> Answered:
        with pytest.raises(Answered) as refused:
            self.ask("trace", **arguments)
        return refused.value

    def kill_worker(self) -> None:
        process = self.client.server.worker.process_id
        assert process is not None
        os.kill(process, signal.SIGKILL)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Session, dict[str, Any]]]:
    """A session after a run, and the run's answer."""
    session = Session(tmp_path_factory.mktemp("traced"))
    assert session.refusal(site="tau").data == {"kind": "no_result"}
    yield session, session.ask("run", **SETTINGS)
    session.client.close()


def test_the_draws_of_a_number_come_thinned_by_chain_with_histograms_of_all(
    ran: tuple[Session, dict[str, Any]],
) -> None:
    session, result = ran
    traced = session.ask("trace", site="tau")
    assert (traced["program"], traced["site"], traced["index"]) == (result["program"], "tau", [])
    assert (traced["name"], traced["running"]) == ("tau", False)
    assert traced["finished"] == session.ask("showResult")["finished"]
    assert (traced["draws"], traced["every"]) == (DRAWS, 3)  # at most 250 of 600
    assert [len(chain) for chain in traced["chains"]] == [DRAWS // 3] * CHAINS
    assert len(traced["divergences"]) == len(traced["divergent"]) == CHAINS
    assert sum(traced["divergent"]) == result["divergences"]
    # Tails are left out.
    assert all(0.95 * DRAWS < sum(counts) <= DRAWS for counts in traced["histogram"]["counts"])
    assert 0 < min(map(min, traced["chains"])) < traced["histogram"]["low"] < traced["histogram"]["high"]


def test_the_draws_of_a_sites_elements_are_their_own(ran: tuple[Session, dict[str, Any]]) -> None:
    session, result = ran
    site = result["sites"]["eta"]
    for number in (0, 6):
        traced = session.ask("trace", site="eta", index=[number])
        drawn = [value for chain in traced["chains"] for value in chain]
        # A third of the draws has the mean of all to within five of its standard errors.
        error = 5 * site["sd"][number] / (len(drawn) / 3) ** 0.5
        assert abs(sum(drawn) / len(drawn) - site["mean"][number]) < error
    assert session.ask("trace", site="eta", index=[6])["name"] == 'eta["St. Paul, NH"]'


def test_a_number_that_is_not_there_is_refused_in_a_sentence(ran: tuple[Session, dict[str, Any]]) -> None:
    session, _ = ran
    for place in ({"site": "eta", "index": [8]}, {"site": "eta"}, {"site": "nought"}):
        refused = session.refusal(**place)
        assert str(refused) == f"The run has no {place['site']} with these subscripts."
        assert refused.data == {"kind": "no_draws"}
    assert "needs the name of a site" in str(session.refusal())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_the_draws_of_a_saved_run_outlive_their_worker(ran: tuple[Session, dict[str, Any]]) -> None:
    session, _ = ran
    before = session.ask("trace", site="eta", index=[6])
    session.kill_worker()
    assert session.ask("trace", site="eta", index=[6]) == before
    assert str(session.refusal(site="nought")) == "The run has no nought with these subscripts."


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_draws_of_an_unsaved_run_go_with_their_worker_and_the_result_stays(tmp_path: Path) -> None:
    session = Session(tmp_path, saveRuns=False)
    assert session.ask("run", **SETTINGS)["saved"] is None
    worker = session.client.server.worker
    ended = worker.process_id
    session.kill_worker()
    refused = session.refusal(site="tau")  # at once, in whatever state the server finds it
    assert refused.data == {"kind": "no_draws"}
    assert str(refused).endswith("has ended: run the model again to see the trace.")
    session.client.wait_until(lambda: worker.process_id not in (None, ended))
    refused = session.refusal(site="tau")  # of the next worker, which never had them
    assert refused.data == {"kind": "no_draws"}
    assert str(refused).endswith("are no longer kept: run the model again to see the trace.")
    assert session.ask("showResult")["stale"] is False
    session.ask("run", **SETTINGS)
    assert session.ask("trace", site="tau")["draws"] == DRAWS
    session.client.close()
