"""The last result of a program: what keeps it, what makes it stale, and where it is shown."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from in_process import Answered, Client, marked, place, position

from quivers.check.fingerprint import Fingerprint
from qvr_server.results import DataUsed, Result, Results, data_used

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
HISTOGRAM = {"low": -5.0, "high": 12.0, "counts": [0, 1, 2, 5, 9, 12, 9, 5, 2, 1, 0, 0] * 2}
DIVERGED = {
    "kind": "divergences",
    "site": "theta",
    "element": "theta[1]",
    "count": 12,
    "message": "12 transitions of 4000 diverged.",
}
CAPABILITIES = {
    "textDocument": {
        "hover": {"contentFormat": ["markdown"]},
        "codeAction": {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["quickfix"]}}},
        "publishDiagnostics": {"relatedInformation": True},
    },
    "workspace": {"codeLens": {"refreshSupport": True}, "inlayHint": {"refreshSupport": True}},
    "window": {"showDocument": {"support": True}},
}


def figures(size: int, mean: float) -> dict[str, Any]:
    return {
        **{"mean": [mean] * size, "sd": [2.5] * size, "q5": [mean - 4] * size, "q95": [mean + 4] * size},
        **{"r_hat": 1.001, "ess": 1500.0, "histogram": HISTOGRAM},
    }


def answer(params: dict[str, Any], troubles: list[dict[str, Any]]) -> dict[str, Any]:
    row = {"mean": 3.3, "sd": 2.5, "q5": -1.0, "q50": 3.0, "q95": 7.0, "ess_bulk": 900.0, "ess_tail": 800.0}
    row |= {"mcse_mean": 0.08, "r_hat": 1.001}
    names = ["mu", "tau", *(f"theta[{number}]" for number in range(1, 9))]
    return {
        **{"program": params["program"], "seed": 1, "chains": 4, "warmup": 1000, "draws": 1000},
        **{"seconds": {"total": 0.5}, "divergences": 0, "engine": "kernel", "engine_reason": None},
        "problems": [each["message"] for each in troubles],
        "summary": dict.fromkeys(names, row),
        "sites": {
            "mu": {"role": "latent", "axes": [], "shape": [], **figures(1, 3.31)},
            "tau": {"role": "latent", "axes": [], "shape": [], **figures(1, 3.0)},
            "theta": {"role": "latent", "axes": ["School"], "shape": [8], **figures(8, 5.0)},
        },
        "labels": {},
        "troubles": troubles,
        "settings": params["settings"],
        "data_fingerprint": "",
    }


class Worker:
    """Answers runs without running anything, when it is let."""

    process_id = None

    def __init__(self) -> None:
        self.troubles: list[dict[str, Any]] = []
        self.asked: list[dict[str, Any]] = []
        self.gate: asyncio.Event | None = None
        self.partial: Callable[[dict[str, Any]], None] | None = None
        self.report: Callable[[dict[str, Any]], None] | None = None

    async def run(self, params: dict[str, Any], report: Any, *, partial: Any, **_: Any) -> dict[str, Any]:
        self.asked.append(params)
        self.report, self.partial = report, partial
        if self.gate is not None:
            await self.gate.wait()
        return answer(params, self.troubles)


class Model:
    """The eight schools in a folder of their own, open in an editor whose worker is `worker`."""

    def __init__(self, folder: Path, capabilities: dict[str, Any] = CAPABILITIES, **options: Any) -> None:
        self.client = Client(capabilities=capabilities, options=options)
        self.worker = Worker()
        self.client.server.runs._worker = self.worker  # type: ignore[assignment]
        self.path = folder / "schools.qvr"
        self.data = folder / "schools.data.json"
        self.data.write_text(DATA)
        self.uri = self.path.as_uri()
        self.text = SCHOOLS
        self.open()

    def open(self) -> list[dict[str, Any]]:
        return self.client.open(self.uri, self.text)

    def change(self, text: str) -> list[dict[str, Any]]:
        self.text = text
        return self.client.change(self.uri, {"text": text})

    def execute(self, command: str, **arguments: Any) -> Any:
        params = {"command": command, "arguments": [{"uri": self.uri, **arguments}]}
        found = self.client.request("workspace/executeCommand", params)
        for _ in range(20):
            self.client.turn()
        return found

    def ask_in_background(self) -> None:
        """A run that waits for the worker's gate."""
        self.worker.gate, self.worker.partial = asyncio.Event(), None
        params = {"command": "qvr.run", "arguments": [{"uri": self.uri}]}
        self.client.send({"id": "background", "method": "workspace/executeCommand", "params": params})
        self.until(lambda: self.worker.partial is not None)

    def tell(self, report: Callable[[dict[str, Any]], None] | None, params: dict[str, Any]) -> None:
        """Have the worker say something of its run."""
        assert report is not None
        self.client.loop.call_soon(report, params)
        for _ in range(3):
            self.client.turn()

    def until(self, condition: Callable[[], Any]) -> None:
        for _ in range(20000):
            if condition():
                return
            self.client.turn()
        raise AssertionError("it did not happen")

    def lens(self) -> str:
        lenses = self.client.request("textDocument/codeLens", {"textDocument": {"uri": self.uri}})
        title: str = lenses[0]["command"]["title"]
        return title

    def hints(self) -> dict[int, str]:
        """The posteriors at the ends of lines."""
        whole = {"start": {"line": 0, "character": 0}, "end": {"line": 99, "character": 0}}
        found = self.client.request(
            "textDocument/inlayHint", {"textDocument": {"uri": self.uri}, "range": whole}
        )
        shown = {}
        for hint in found:
            label = hint["label"]
            text = label if isinstance(label, str) else "".join(part["value"] for part in label)
            if "±" in text or "×" in text:
                shown[hint["position"]["line"]] = text
        return shown

    def result(self) -> dict[str, Any]:
        found: dict[str, Any] = self.execute("qvr.showResult")
        return found


@pytest.fixture
def model(tmp_path: Path) -> Iterator[Model]:
    made = Model(tmp_path)
    yield made
    made.client.close()


# ------------------------------------------------------------------------- staleness


def test_a_result_shows_in_the_lens_the_hints_and_the_hover(model: Model) -> None:
    assert model.lens() == "▶ Run schools"
    assert model.hints() == {}
    model.execute("qvr.run")
    assert model.lens() == "▶ Run · last: R̂ 1.00, 0 divergences"
    hints = model.hints()
    assert hints[3].startswith("3.31 ± 2.50 ")
    assert hints[5].startswith("8 × 5.0")
    shown = model.client.at("hover", model.uri, {"line": 5, "character": 12})["contents"]["value"]
    assert "| theta[8] | 5.00 | 2.50 | 1.00 | 9.00 |" in shown


def test_comments_formatting_and_new_names_keep_a_result_and_a_real_edit_makes_it_stale(model: Model) -> None:
    model.execute("qvr.run")
    fresh = "▶ Run · last: R̂ 1.00, 0 divergences"
    model.change("# said\n" + SCHOOLS.replace("mu  <-", "mu <-"))
    assert model.lens() == fresh
    renamed = SCHOOLS.replace("tau", "spread").replace("School", "Place").replace("schools", "places")
    model.change(renamed.replace("theta", "effect"))
    assert model.lens() == fresh
    result = model.result()
    assert (result["program"], result["stale"], result["result"]["program"]) == ("places", False, "places")
    assert list(result["result"]["sites"]) == ["mu", "spread", "effect"]
    assert result["result"]["sites"]["effect"]["axes"] == ["Place"]
    assert "effect[3]" in result["result"]["summary"]
    assert model.hints()[5].startswith("8 × 5.0")
    model.change(SCHOOLS.replace("HalfNormal(5.0)", "HalfNormal(6.0)"))
    assert model.lens() == f"{fresh} · stale"
    assert model.result()["changed"] == ["model"]
    assert all(hint.endswith(" · stale") for hint in model.hints().values())
    model.change(SCHOOLS)
    assert model.lens() == fresh


def test_a_result_outlives_the_document_s_closing(model: Model) -> None:
    model.execute("qvr.run")
    model.client.notify("textDocument/didClose", {"textDocument": {"uri": model.uri}})
    model.open()
    assert model.lens() == "▶ Run · last: R̂ 1.00, 0 divergences"


def test_other_data_make_a_result_stale_and_the_same_data_fresh_again(model: Model) -> None:
    model.execute("qvr.run")
    model.data.write_text(DATA.replace("28", "29"))
    saved = {"textDocument": {"uri": model.uri}}
    model.client.notify("textDocument/didSave", saved)
    model.until(lambda: model.lens().endswith(" · stale"))
    assert model.result()["changed"] == ["data"]
    model.data.write_text(DATA)
    model.client.notify("textDocument/didSave", saved)
    model.until(lambda: not model.lens().endswith(" · stale"))


def test_a_failed_and_a_cancelled_run_keep_the_last_result(model: Model) -> None:
    model.execute("qvr.run")
    model.ask_in_background()
    assert model.execute("qvr.cancelRun") == {"cancelled": 1}
    assert model.lens() == "▶ Run · last: R̂ 1.00, 0 divergences"
    model.change(SCHOOLS.replace("Normal(mu", "Normol(mu"))
    with pytest.raises(Answered):
        model.execute("qvr.run")
    model.change(SCHOOLS)
    assert model.result()["result"]["seed"] == 1


def test_while_a_run_goes_on_the_lens_stops_it_and_the_hints_show_what_is_known(model: Model) -> None:
    model.ask_in_background()
    progress = {"chain": 0, "chains": 1, "phase": "sampling", "done": 63, "total": 100, "divergences": 0}
    model.tell(model.worker.report, {**progress, "draws_per_second": 900.0, "seconds_left": 1.0})
    mu = {"shape": [], "mean": [3.3], "sd": [2.5], "histogram": None}
    model.tell(model.worker.partial, {"id": 1, "done": 40, "total": 100, "labels": {}, "sites": {"mu": mu}})
    assert model.lens() == "■ Stop · 63 %"
    assert model.hints() == {3: "3.3 ± 2.5 · 40 %"}
    methods = [each.get("method") for each in [*model.client.sent, *model.client.turn()]]
    assert {"workspace/inlayHint/refresh", "workspace/codeLens/refresh"} <= set(methods)
    assert model.worker.gate is not None
    model.worker.gate.set()
    model.until(lambda: model.lens().startswith("▶ Run · last"))


def test_partial_results_come_on_the_token_that_the_command_names(model: Model) -> None:
    model.worker.gate = asyncio.Event()
    about = {"uri": model.uri, "partialResultToken": "mine"}
    model.client.send(
        {
            **{"id": "background", "method": "workspace/executeCommand"},
            "params": {"command": "qvr.run", "arguments": [about]},
        }
    )
    model.until(lambda: model.worker.partial is not None)
    mu = {"shape": [], "mean": [3.3], "sd": [2.5], "histogram": None}
    before = len(model.client.sent)
    model.tell(model.worker.partial, {"id": 1, "done": 40, "total": 100, "labels": {}, "sites": {"mu": mu}})
    sent = [each for each in model.client.sent[before:] if each.get("method") == "$/progress"]
    assert sent[0]["params"]["token"] == "mine"
    told = {"done": 40, "total": 100, "labels": {}, "sites": {"mu": mu}}
    assert sent[0]["params"]["value"] == {"kind": "partial", **told}
    model.worker.gate.set()


def test_another_file_in_the_settings_counts_unless_a_command_has_named_one(
    model: Model, tmp_path: Path
) -> None:
    for name in ("set.json", "named.json"):
        (tmp_path / name).write_text(DATA)

    def data_of_a_run(**arguments: Any) -> str:
        model.execute("qvr.run", **arguments)
        return Path(model.worker.asked[-1]["data"]).name

    assert data_of_a_run() == "schools.data.json"
    settings = {"qvr": {"data": {"file": "set.json"}, "worker": {"warm": False}}}
    model.client.notify("workspace/didChangeConfiguration", {"settings": settings})
    assert data_of_a_run() == "set.json"
    assert data_of_a_run(data="named.json") == "named.json"
    assert data_of_a_run() == "named.json"


# ------------------------------------------------------------------------- troubles


def sampling(problems: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [problem for problem in problems if problem["code"].startswith("QVR8")]


def published(model: Model) -> list[dict[str, Any]]:
    [*_, last] = [
        each for each in model.client.sent if each.get("method") == "textDocument/publishDiagnostics"
    ]
    found: list[dict[str, Any]] = last["params"]["diagnostics"]
    return sampling(found)


def test_sentences_call_a_renamed_site_by_its_name_of_now(model: Model) -> None:
    few = "The draws of theta[1] are worth only 12 independent ones: run more draws."
    model.worker.troubles = [{**DIVERGED, "kind": "ess", "message": few}]
    model.execute("qvr.run")
    model.change(SCHOOLS.replace("theta", "effect"))
    now = few.replace("theta[1]", "effect[1]")
    [problem] = published(model)
    assert problem["message"] == f"Last run: t{now[1:]}"
    result = model.result()["result"]
    assert [each["message"] for each in result["troubles"]] == result["problems"] == [now]


def test_divergences_are_a_warning_on_the_site_with_its_scale_beside_it(model: Model) -> None:
    model.worker.troubles = [DIVERGED]
    model.execute("qvr.run")
    [problem] = published(model)
    assert (problem["code"], problem["severity"]) == ("QVR801", 2)
    assert problem["message"] == "Last run: 12 transitions of 4000 diverged."
    assert problem["range"]["start"] == {"line": 5, "character": 11}
    [related] = problem["relatedInformation"]
    assert related["location"]["range"]["start"] == {"line": 4, "character": 11}


def test_a_real_edit_drops_the_warnings_and_a_new_name_moves_them(model: Model) -> None:
    model.worker.troubles = [DIVERGED]
    model.execute("qvr.run")
    assert len(sampling(model.change(SCHOOLS.replace("theta", "effect")))) == 1
    assert sampling(model.change(SCHOOLS.replace("5.0", "6.0"))) == []


def test_an_ignore_comment_silences_them(model: Model) -> None:
    model.worker.troubles = [DIVERGED]
    model.execute("qvr.run")
    ignored = SCHOOLS.replace("Normal(mu, tau)", "Normal(mu, tau)  # qvr: ignore[QVR801, QVR701]")
    assert model.change(ignored) == []


def actions(model: Model, line: int, character: int) -> list[dict[str, Any]]:
    at = {"line": line, "character": character}
    params = {
        "textDocument": {"uri": model.uri},
        "range": {"start": at, "end": at},
        "context": {"diagnostics": [], "only": ["quickfix"]},
    }
    found: list[dict[str, Any]] = model.client.request("textDocument/codeAction", params)
    return found


def test_divergences_offer_the_rewrite_and_a_run_with_more_patience(model: Model) -> None:
    model.worker.troubles = [DIVERGED]
    model.execute("qvr.run")
    offered = {each["title"]: each for each in actions(model, 5, 12)}
    rewrite = offered["Draw `theta` non-centred"]["edit"]
    assert "theta_raw" in json.dumps(rewrite)
    again = offered["Run again with a target acceptance of 0.99"]["command"]
    assert again["command"] == "qvr.run"
    model.client.request("workspace/executeCommand", again)
    assert model.worker.asked[-1]["settings"]["target_accept"] == 0.99


def test_few_effective_draws_offer_a_longer_run(model: Model) -> None:
    few = {"kind": "ess", "site": "mu", "element": None, "count": 1, "message": "Few."}
    model.worker.troubles = [few]
    model.execute("qvr.run")
    titles = [each["title"] for each in actions(model, 3, 12)]
    assert "Run again with 4,000 draws of each chain, after a warm-up of 2,000" in titles
    assert "Draw `mu` non-centred" not in titles


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_places_are_right_beside_wide_characters(tmp_path: Path, encoding: str, line_end: str) -> None:
    text, [first, _] = marked(
        "# ⊗ 𝒩 😀 \f \v \x85 \u2028\nobject 𝒮 : FinSet 8\nprogram ⟦schools⟧ : 𝒮 -> 𝒮\n"
        "    sample 𝒩 <- Normal(0.0, 5.0)\n    sample ⟦theta⟧ : 𝒮 <- Normal(𝒩, 1.0)\n"
        "    observe y : 𝒮 <- Normal(theta, 1.0)\n    return theta\n".replace("\n", line_end)
    )
    client = Client(encoding, capabilities=CAPABILITIES)
    worker = Worker()
    worker.troubles = [DIVERGED, {**DIVERGED, "kind": "tree_depth", "site": None}]
    client.server.runs._worker = worker  # type: ignore[assignment]
    uri = (tmp_path / "wide.qvr").as_uri()
    client.open(uri, text)
    client.request("workspace/executeCommand", {"command": "qvr.run", "arguments": [uri]})
    for _ in range(10):
        client.turn()
    [*_, last] = [each for each in client.sent if each.get("method") == "textDocument/publishDiagnostics"]
    found = {each["code"]: each for each in sampling(last["params"]["diagnostics"])}
    start = text.index("theta")
    assert found["QVR801"]["range"] == place(text, (start, start + 5), encoding)
    assert found["QVR805"]["range"] == place(text, first, encoding)
    [lens] = client.request("textDocument/codeLens", {"textDocument": {"uri": uri}})
    assert lens["range"] == place(text, first, encoding)
    assert position(text, first[0], encoding) == lens["range"]["start"]
    client.close()


# ------------------------------------------------------------------- commands and options


def test_the_report_is_a_page_that_asks_for_nothing(model: Model) -> None:
    model.worker.troubles = [{**DIVERGED, "message": "12 <b>diverged</b>."}]
    model.execute("qvr.run")
    uri = model.execute("qvr.openReport")["uri"]
    page = Path(uri.removeprefix("file://")).read_text("utf-8")
    assert page.startswith("<!doctype html>")
    assert "default-src 'none'" in page
    assert not any(
        word in page for word in ("src=", "https://", "@import", "url(http", 'href="http', "<link")
    )
    assert page.count('class="marks"') == 4
    assert "prefers-color-scheme: dark" in page
    assert "12 &lt;b&gt;diverged" in page
    assert "3.31 ± 2.50" in page
    assert model.path.parent not in Path(uri.removeprefix("file://")).parents
    shown = [each for each in model.client.sent if each.get("method") == "window/showDocument"]
    assert [each["params"]["uri"] for each in shown] == [uri]


def test_a_lens_is_resolved_where_the_client_asks_for_its_command_later(tmp_path: Path) -> None:
    lazy = {"textDocument": {"codeLens": {"resolveSupport": {"properties": ["command"]}}}}
    model = Model(tmp_path, lazy)
    [lens] = model.client.request("textDocument/codeLens", {"textDocument": {"uri": model.uri}})
    assert lens.get("command") is None
    assert model.client.request("codeLens/resolve", lens)["command"]["title"] == "▶ Run schools"
    model.client.close()


def test_a_saved_model_runs_where_live_inference_is_wanted_and_the_workspace_trusted(tmp_path: Path) -> None:
    saved = "textDocument/didSave"
    for options, runs in (
        ({"liveInference": True}, 1),
        ({}, 0),
        ({"liveInference": True, "trusted": False}, 0),
    ):
        model = Model(tmp_path, **options)
        model.client.notify(saved, {"textDocument": {"uri": model.uri}})
        if runs:
            model.until(lambda: len(model.worker.asked) == 1)  # noqa: B023
        for _ in range(20):
            model.client.turn()
        assert len(model.worker.asked) == runs
        model.client.close()


def test_a_second_save_cancels_the_live_run_of_the_first(tmp_path: Path) -> None:
    model = Model(tmp_path, liveInference=True)
    model.worker.gate = asyncio.Event()
    for number in (1, 2):
        model.client.notify("textDocument/didSave", {"textDocument": {"uri": model.uri}})
        model.until(lambda: len(model.worker.asked) == number)  # noqa: B023
    assert len(model.client.server.runs.running(model.uri)) == 1
    model.worker.gate.set()
    model.until(lambda: model.lens().startswith("▶ Run · last"))
    model.client.close()


# ---------------------------------------------------------------------------- the store


def result(program: str, rows: int) -> Result:
    summary = {str(number): {} for number in range(rows)}
    said = Fingerprint("key", (), ())
    return Result("u", program, said, b"", DataUsed(None, "none"), {"summary": summary}, 0.0)


def test_the_store_is_bounded_in_results_and_in_rows() -> None:
    store = Results(most=3, most_rows=10)
    for name in "abcd":
        store.keep(result(name, 1))
    assert [each.program for each in store.of("u")] == ["b", "c", "d"]
    store.keep(result("e", 9))
    assert [each.program for each in store.of("u")] == ["d", "e"]
    store.keep(result("f", 50))
    assert [each.program for each in store.of("u")] == ["f"]


def test_data_have_a_key_by_what_they_say_wherever_they_are(tmp_path: Path) -> None:
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    one.write_text(DATA)
    two.write_text(DATA)
    assert data_used(str(one)).key == data_used(str(two)).key
    assert data_used({"y": [1], "x": 2}) == data_used({"x": 2, "y": [1]})
    assert data_used({"y": [1]}).key != data_used({"y": [2]}).key
    assert data_used(str(tmp_path / "none")).key == "unreadable"
