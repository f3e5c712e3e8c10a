"""Runs that outlive the session: saved by the worker, and shown again when their model is opened."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from in_process import Answered, Client

from quivers.runs.about import read_about
from quivers.runs.answers import answer
from quivers.runs.folders import Listed, listed
from quivers.runs.saved import read_run

SCHOOLS = """\
object School : FinSet 8

program schools : School -> School
    sample mu  <- Normal(0.0, 5.0)
    sample tau <- HalfNormal(5.0)
    sample theta : School <- Normal(mu, tau)
    observe y : School <- Normal(theta, sigma_j)
    return theta
"""
DATA = '{"y": [28, 8, -3, 7, -1, 1, 18, 12], "sigma_j": [15, 10, 16, 11, 9, 11, 10, 18]}'
QUICK = {"chains": 2, "warmup": 100, "draws": 50, "seed": 5}
LONG = {"chains": 2, "warmup": 200, "draws": 10_000_000, "seed": 5}
CAPABILITIES = {
    "textDocument": {"hover": {"contentFormat": ["markdown"]}},
    "workspace": {"inlayHint": {"refreshSupport": True}},
}

pytestmark = pytest.mark.slow


class Project:
    """A folder with the eight schools, and editors that open it one after another."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.model = folder / "schools.qvr"
        self.model.write_text(SCHOOLS)
        self.data = folder / "schools.data.json"
        self.data.write_text(DATA)
        self.uri = self.model.as_uri()
        self.clients: list[Client] = []

    def session(self, **options: Any) -> Client:
        """A new session with the model open."""
        client = Client(capabilities=CAPABILITIES, options=options, root=self.folder.as_uri())
        self.clients.append(client)
        client.open(self.uri, self.model.read_text())
        return client

    def ask(self, command: str, **arguments: Any) -> Any:
        """What the newest session answers."""
        given = {"command": f"qvr.{command}", "arguments": [{"uri": self.uri, **arguments}]}
        return self.clients[-1].request("workspace/executeCommand", given, seconds=120)

    def shown(self) -> dict[str, Any]:
        """The restored result, once it is there."""
        client = self.clients[-1]
        client.wait_until(lambda: any(True for _ in client.server.runs.results.of(self.uri)))
        client.turn(0.05)
        return self.ask("showResult")

    def nothing_is_shown(self) -> None:
        """No result comes, though there was time for it."""
        client = self.clients[-1]
        end = time.monotonic() + 1.0
        while time.monotonic() < end:
            client.turn(0.05)
        with pytest.raises(Answered) as refused:
            self.ask("showResult")
        assert refused.value.data == {"kind": "no_result"}

    def hints(self) -> str:
        whole = {"start": {"line": 0, "character": 0}, "end": {"line": 99, "character": 0}}
        params = {"textDocument": {"uri": self.uri}, "range": whole}
        return json.dumps(self.clients[-1].request("textDocument/inlayHint", params), ensure_ascii=False)

    def lens(self) -> str:
        params = {"textDocument": {"uri": self.uri}}
        return str(self.clients[-1].request("textDocument/codeLens", params)[0]["command"]["title"])

    def runs(self, monkeypatch: pytest.MonkeyPatch) -> list[Listed]:
        """As `qvr runs` in the project's folder lists them."""
        monkeypatch.chdir(self.folder)
        return listed()


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path)
    yield made
    for client in made.clients:
        client.close()


def qvr_run(project: Project, *arguments: str) -> None:
    settings = ["--chains", "2", "--warmup", "100", "--draws", "50", "--quiet"]
    subprocess.run(
        [sys.executable, "-m", "quivers.cli", "run", "schools.qvr", *settings, *arguments],
        cwd=project.folder, check=True, capture_output=True, timeout=120,
    )  # fmt: skip


def test_a_run_of_the_editor_is_one_of_the_command_s_runs(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.session()
    told = project.ask("run", **QUICK)
    (run,) = project.runs(monkeypatch)
    assert run.state == "finished"
    assert run.folder.resolve() == Path(told["saved"]).resolve()
    assert read_run(run.folder).kept == 50
    shown = answer(read_about(run.folder), Path(told["saved"]))
    assert json.loads(json.dumps(shown)) == told
    digest = run.about.identity.digest() if run.about is not None else ""
    qvr_run(project, "--seed", "5")
    (again,) = project.runs(monkeypatch)
    assert again.about is not None
    assert again.about.identity.digest() == digest, "one identity, one run"


def test_a_posterior_is_there_again_in_the_next_session(project: Project) -> None:
    project.session()
    told = project.ask("run", **QUICK)
    before = project.hints()
    project.session()
    shown = project.shown()
    assert (shown["stale"], shown["changed"], shown["data"]) == (False, [], str(project.data))
    assert shown["result"] == told
    assert project.hints() == before
    assert project.lens().startswith("▶ Run · last (")
    position = {"line": 4, "character": 12}
    hover = project.clients[-1].request(
        "textDocument/hover", {"textDocument": {"uri": project.uri}, "position": position}
    )
    assert "run just now, seed 5" in hover["contents"]["value"]
    assert project.clients[-1].server.worker.process_id is None, "no worker is needed for it"
    trace = project.ask("trace", site="theta", index=[2])
    assert (trace["draws"], len(trace["chains"]), trace["name"]) == (50, 2, "theta[3]")
    assert sum(trace["divergent"]) == told["divergences"]


def test_a_run_of_the_command_is_shown_in_the_editor(project: Project) -> None:
    qvr_run(project, "--seed", "0")
    project.session()
    shown = project.shown()
    assert (shown["result"]["seed"], shown["stale"]) == (0, False)
    assert set(shown["result"]["sites"]) == {"mu", "tau", "theta"}


def test_of_several_runs_the_last_that_fits_is_shown(project: Project) -> None:
    qvr_run(project, "--seed", "1")
    project.model.write_text(SCHOOLS.replace("5.0", "6.0"))
    qvr_run(project, "--seed", "2")
    project.session()
    assert project.shown()["result"]["seed"] == 2
    project.model.write_text(SCHOOLS)
    project.session()
    assert project.shown()["result"]["seed"] == 1


@pytest.mark.parametrize("changed", ["model", "data"])
def test_what_was_changed_between_the_sessions_makes_it_stale(project: Project, changed: str) -> None:
    qvr_run(project, "--seed", "1")
    if changed == "model":
        project.model.write_text(SCHOOLS.replace("5.0", "6.0"))
    else:
        project.data.write_text(DATA.replace("28", "29"))
    client = project.session()
    shown = project.shown()
    assert (shown["stale"], shown["changed"]) == (True, [changed])
    assert project.lens().endswith("· stale")
    if changed == "model":  # what was changed is changed back
        client.change(project.uri, {"text": SCHOOLS})
        assert project.ask("showResult")["stale"] is False


def test_a_comment_and_a_new_name_keep_it_fresh(project: Project) -> None:
    qvr_run(project, "--seed", "1")
    project.model.write_text("# Rubin (1981)\n" + SCHOOLS.replace("tau", "spread"))
    project.session()
    shown = project.shown()
    assert not shown["stale"]
    assert "spread" in shown["result"]["sites"]


def test_a_run_with_data_that_were_named_is_shown_where_there_are_no_others(project: Project) -> None:
    other = project.folder / "other.json"
    other.write_text(DATA.replace("28", "29"))
    qvr_run(project, "--seed", "1", "--data", "other.json")
    project.session()
    assert project.shown()["changed"] == ["data"], "the model has data of its own, which are others"
    project.data.unlink()
    project.session()
    shown = project.shown()
    assert (shown["stale"], shown["data"]) == (False, str(other))


def test_an_unfinished_a_damaged_and_another_s_run_are_passed_over(project: Project) -> None:
    for seed in ("1", "2"):
        qvr_run(project, "--seed", seed)
    runs = sorted((project.folder / ".qvr" / "runs").glob("schools-*"))
    (runs[0] / "run.json").write_text("{")
    told = json.loads((runs[1] / "run.json").read_text())
    (runs[1] / "run.json").write_text(json.dumps({**told, "state": "running"}))
    project.session()
    project.nothing_is_shown()


def test_a_workspace_that_is_not_trusted_shows_no_run_that_came_with_it(project: Project) -> None:
    qvr_run(project, "--seed", "1")
    project.session(trusted=False)
    project.nothing_is_shown()


class Pretended:
    """A worker that makes no run, and answers as one that has saved it; `asked` has where."""

    process_id = None

    def __init__(self) -> None:
        self.asked: list[dict[str, Any] | None] = []

    async def run(self, params: dict[str, Any], *_: Any, remark: Any, saving: Any, **__: Any) -> Any:
        self.asked.append(params["place"])
        remark("The run can't be saved in there: no such luck. It runs unsaved.")
        folder = f"/runs/schools-{len(self.asked)}"
        saving(folder)
        rows = {"summary": {}, "sites": {}, "labels": {}, "troubles": [], "problems": []}
        return {**rows, "divergences": 0, "seed": 1, "seconds": {"total": 0.1}, "saved": folder}


def pretending(project: Project, **options: Any) -> tuple[Client, Pretended]:
    client = project.session(**options)
    worker = Pretended()
    client.server.runs._worker = worker  # type: ignore[assignment]
    return client, worker


@pytest.mark.parametrize("way", ["option", "qvr.toml", "untrusted", "untitled"])
def test_nothing_is_saved_where_that_is_not_wanted(project: Project, way: str) -> None:
    if way == "qvr.toml":
        (project.folder / "qvr.toml").write_text("save_runs = false\n")
    options = {"option": {"saveRuns": False}, "untrusted": {"trusted": False}}
    client, worker = pretending(project, **options.get(way, {}))
    uri = "untitled:Untitled-1" if way == "untitled" else project.uri
    if way == "untitled":
        client.open(uri, SCHOOLS)
    given = {"command": "qvr.run", "arguments": [{"uri": uri, "data": json.loads(DATA)}]}
    if way == "untrusted":
        with pytest.raises(Answered, match="not trusted"):
            client.request("workspace/executeCommand", given)
        assert worker.asked == []
    else:
        client.request("workspace/executeCommand", given)
        assert worker.asked == [None]


def test_what_cannot_be_saved_is_told_of_once(project: Project) -> None:
    client, _ = pretending(project)
    for _ in range(2):
        project.ask("run")
    told = [each["params"]["message"] for each in client.sent if each.get("method") == "window/showMessage"]
    assert told == ["The run can't be saved in there: no such luck. It runs unsaved."]


def test_a_run_is_saved_in_the_innermost_folder_of_the_workspace(project: Project) -> None:
    _, worker = pretending(project)
    project.ask("run")
    project.ask("run", data=str(project.data))
    project.ask("run", data=json.loads(DATA))
    runs, file = str(project.folder / ".qvr" / "runs"), str(project.model)
    beside, named, given = worker.asked
    assert beside is not None
    assert named is not None
    assert given is not None
    assert (beside["runs"], beside["file"], beside["data_files"]) == (runs, file, None)
    assert named == beside, "it is the file that the model has anyway"
    assert (given["file"], given["data_key"], given["data_name"]) == (None, None, "values given with the run")


def test_a_live_run_takes_the_place_of_the_last_one_alone(project: Project) -> None:
    client, worker = pretending(project, liveInference=True)
    project.ask("run")
    for count in (2, 3):
        client.notify("textDocument/didSave", {"textDocument": {"uri": project.uri}})
        client.wait_until(lambda: len(worker.asked) == count)  # noqa: B023
        client.turn(0.05)
    told = [(place["keep_interrupted"], place["instead"]) for place in worker.asked if place is not None]
    assert told == [(True, None), (False, None), (False, "/runs/schools-2")]


def under_way(project: Project, client: Client, identity: int) -> None:
    """Starts a long run, and waits until some of its draws are saved."""
    given = {"command": "qvr.run", "arguments": [{"uri": project.uri, **LONG}]}
    runs = project.folder / ".qvr" / "runs"
    before = set(runs.glob("*/draws.log"))
    client.send({"id": identity, "method": "workspace/executeCommand", "params": given})
    client.wait_until(
        lambda: any(log.stat().st_size > 2**16 for log in set(runs.glob("*/draws.log")) - before), 120
    )


def drawn(run: Listed) -> int:
    """The draws of all chains that the run's folder has."""
    return sum(len(part.positions) for part in read_run(run.folder).parts if part is not None)


def failed(client: Client, identity: int) -> str:
    """The sentence that a long run ends with."""

    def wanted(each: dict[str, Any]) -> bool:
        return each.get("id") == identity and "error" in each

    message = next(filter(wanted, client.sent), None) or client.wait(wanted, 120)
    return str(message["error"]["message"])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_run_that_is_cancelled_or_killed_keeps_its_draws_and_a_kill_is_told_with_how_to_go_on(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = project.session()
    under_way(project, client, 1001)
    project.ask("cancelRun")
    assert failed(client, 1001) == "The run was cancelled."
    client.wait_until(lambda: project.runs(monkeypatch)[0].state == "interrupted")
    (cancelled,) = project.runs(monkeypatch)
    assert drawn(cancelled) > 0
    under_way(project, client, 1002)
    client.wait_until(lambda: len(project.runs(monkeypatch)) == 2)
    process = client.server.worker.process_id
    assert process is not None
    os.kill(process, 9)
    sentence = failed(client, 1002)
    killed = next(run for run in project.runs(monkeypatch) if run.folder.name != cancelled.folder.name)
    assert killed.state == "interrupted"
    assert drawn(killed) > 0
    resume = f"What it drew is saved: `qvr run --resume {killed.folder.name}` in a terminal goes on with it."
    assert sentence.endswith(resume)
