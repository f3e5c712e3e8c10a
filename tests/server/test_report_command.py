"""`qvr.openReport` through the server: all charts from the worker's draws, a sentence where they are gone."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from in_process import Client

from quivers.worker.messages import NoDrawsError
from quivers.worker.reports import GONE, Reports, report_request

MODEL = """\
object School : FinSet

program schools : School -> School
    sample mu <- Normal(0.0, 5.0)
    sample theta : School <- Normal(mu, 5.0)
    observe y : School <- Normal(theta, 10.0)
    return theta
"""
DATA = '{"y": [28.0, 8.0, -3.0, 7.0], "School": ["A & B", "<i>", "שלום", "D"]}'
SETTINGS = {"chains": 2, "warmup": 100, "draws": 200, "seed": 3}
ASKED: dict[str, Any] = {
    "path": "/x.html", "key": "k", "folder": None, "source": "", "answer": "{}", "file": "m.qvr",
    "data": None, "finished": 0.0, "stale": False,
}  # fmt: skip


class Session:
    """A model in an editor, whose runs are saved or not."""

    def __init__(self, folder: Path, *, saved: bool) -> None:
        self.client = Client(options={"saveRuns": saved})
        model = folder / "schools.qvr"
        model.write_text(MODEL)
        model.with_suffix(".data.json").write_text(DATA, "utf-8")
        self.uri = model.as_uri()
        self.client.open(self.uri, MODEL)
        self.ask("run", **SETTINGS)

    def ask(self, command: str, **arguments: Any) -> Any:
        given = {"command": f"qvr.{command}", "arguments": [{"uri": self.uri, **arguments}]}
        return self.client.request("workspace/executeCommand", given, seconds=120)

    def report(self) -> str:
        return Path(self.ask("openReport")["uri"].removeprefix("file://")).read_text("utf-8")

    def kill_worker(self) -> None:
        process = self.client.server.worker.process_id
        assert process is not None
        os.kill(process, signal.SIGKILL)


@pytest.fixture
def session(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Session]:
    made = Session(tmp_path, saved=request.param)
    yield made
    made.client.close()


def drawn(page: str, key: str) -> int:
    return len(re.findall(rf'clip-{key}[^"]*"><rect', page))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals")
@pytest.mark.parametrize("session", [False], indirect=True)
def test_the_page_has_all_charts_while_the_worker_lives_and_says_what_it_lacks_after(
    session: Session,
) -> None:
    page = session.report()
    assert drawn(page, "trace-") == drawn(page, "ranks-") == 2
    assert drawn(page, "pair-") >= 3
    assert "left out" not in page
    assert "theta[&lt;i&gt;]" in page
    session.kill_worker()
    page = session.report()
    assert drawn(page, "trace-") == 0
    assert drawn(page, "histogram-") == 2
    assert "Traces, ranks, pairs and predictions are left out. The worker that had the draws" in page


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals")
@pytest.mark.parametrize("session", [True], indirect=True)
def test_a_run_that_is_saved_keeps_its_charts_when_its_worker_is_gone(session: Session) -> None:
    before = session.report()
    session.kill_worker()
    after = session.report()
    charts = [re.findall(r'<script type="application/json".*?</script>', each) for each in (before, after)]
    assert charts[0] == charts[1]
    assert drawn(after, "trace-") == 2


@pytest.mark.parametrize("name", ["path", "answer", "finished", "stale"])
def test_a_request_that_lacks_a_part_is_refused_by_its_name(name: str) -> None:
    assert json.loads(report_request(ASKED).answer) == {}
    with pytest.raises(ValueError, match=f"`{name}`"):
        report_request({part: value for part, value in ASKED.items() if part != name})


def test_a_run_that_is_neither_kept_nor_saved_has_no_charts() -> None:
    with pytest.raises(NoDrawsError, match=re.escape(GONE)):
        Reports().write(report_request(ASKED))
