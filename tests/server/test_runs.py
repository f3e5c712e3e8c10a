"""Programs run from an editor: a real server, a real worker, a real sampler."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

DATA = '{"y": [28, 8, -3, 7, -1, 1, 18, 12], "sigma_j": [15, 10, 16, 11, 9, 11, 10, 18]}'
QUICK = {"chains": 2, "warmup": 60, "draws": 40, "seed": 1}
LONG = {"chains": 2, "warmup": 100, "draws": 5_000_000, "seed": 1}

pytestmark = pytest.mark.slow


class Model:
    """The eight schools in a folder of their own, open in an editor."""

    def __init__(self, editor: Any, folder: Path, text: str, data: str | None = DATA) -> None:
        self.editor = editor
        self.path = folder / "schools.qvr"
        self.path.write_text(text, encoding="utf-8")
        self.data = folder / "schools.data.json"
        if data is not None:
            self.data.write_text(data, encoding="utf-8")
        self.uri = self.path.as_uri()
        self.text = text
        editor.open(self.uri, text)

    def close(self) -> None:
        self.editor.notify("textDocument/didClose", {"textDocument": {"uri": self.uri}})

    def ask(self, token: str | None = None, **arguments: Any) -> int:
        params = {"command": "qvr.run", "arguments": [{"uri": self.uri, **arguments}]}
        if token is not None:
            params["workDoneToken"] = token
        identity: int = self.editor.ask("workspace/executeCommand", params)
        return identity

    def run(self, **arguments: Any) -> Any:
        return self.editor.answer(self.ask(**arguments))

    def refusal(self, **arguments: Any) -> dict[str, Any]:
        return self.error(self.ask(**arguments))

    def error(self, identity: int) -> dict[str, Any]:
        message = self.editor.wait(lambda each: each.get("id") == identity and "method" not in each)
        assert "error" in message, message
        error: dict[str, Any] = message["error"]
        return error

    def progress(self, token: str, kind: str) -> dict[str, Any]:
        def wanted(message: dict[str, Any]) -> bool:
            params = message.get("params") or {}
            return (
                message.get("method") == "$/progress"
                and params["token"] == token
                and params["value"]["kind"] == kind
            )

        value: dict[str, Any] = self.editor.wait(wanted)["params"]["value"]
        return value

    def data_problems(self, count: int) -> list[dict[str, Any]]:
        """The problems of the data, once there are `count` of them."""

        def published(message: dict[str, Any]) -> bool:
            if message.get("method") != "textDocument/publishDiagnostics":
                return False
            if message["params"]["uri"] != self.uri:
                return False
            codes = [problem["code"] for problem in message["params"]["diagnostics"]]
            return sum(code.startswith("QVR6") for code in codes) == count

        found: list[dict[str, Any]] = self.editor.wait(published)["params"]["diagnostics"]
        return [problem for problem in found if problem["code"].startswith("QVR6")]

    def token(self, problem: dict[str, Any]) -> str:
        start, end = problem["range"]["start"], problem["range"]["end"]
        return self.text.split("\n")[start["line"]][start["character"] : end["character"]]


@pytest.fixture
def model(lasting_editor: Any, eight_schools: str, tmp_path: Path) -> Iterator[Model]:
    lasting_editor.kept.clear()
    opened = Model(lasting_editor, tmp_path, eight_schools)
    yield opened
    opened.close()


@pytest.fixture
def own_model(editors: Callable[..., Any], eight_schools: str, tmp_path: Path) -> Model:
    """A model in an editor of its own, which the test may end."""
    editor = editors()
    editor.initialize()
    return Model(editor, tmp_path, eight_schools)


def workers_of(process: int) -> list[int]:
    """The processes that `process` started."""
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True, check=False)
    return [int(each) for each in listed.stdout.split()]


def gone(process: int) -> bool:
    state = Path(f"/proc/{process}/stat")
    try:
        return state.read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


unix = pytest.mark.skipif(not Path("/proc").exists(), reason="needs the process table of Linux")


# --------------------------------------------------------------------- results


def test_a_run_answers_with_its_summary_and_tells_its_progress(model: Model) -> None:
    result = model.run(program="eight_schools_centred", **QUICK)
    assert set(result) == {
        *("program", "seed", "chains", "warmup", "draws", "seconds", "divergences", "engine"),
        *("engine_reason", "summary", "problems", "sites", "labels", "troubles", "settings"),
        *("data_fingerprint", "saved", "left_out"),
        *("divergences_by_chain", "e_bfmi"),
    }
    assert result["program"] == "eight_schools_centred"
    assert (result["seed"], result["chains"], result["warmup"], result["draws"]) == (1, 2, 60, 40)
    assert set(result["summary"]) == {"mu", "tau", *(f"theta[{index}]" for index in range(1, 9))}
    assert set(result["summary"]["tau"]) == {
        *("mean", "sd", "q5", "q50", "q95", "ess_bulk", "ess_tail", "mcse_mean", "r_hat"),
    }
    assert -5 < result["summary"]["mu"]["mean"] < 15
    created = model.editor.wait(lambda each: each.get("method") == "window/workDoneProgress/create")
    token = created["params"]["token"]
    begun = model.progress(token, "begin")
    assert (begun["title"], begun["cancellable"]) == ("Sampling eight_schools_centred", True)
    assert "R̂" in model.progress(token, "end")["message"]


def test_a_run_reports_on_the_request_s_own_token(model: Model) -> None:
    identity = model.ask(token="mine", **QUICK)
    assert model.progress("mine", "begin")["percentage"] == 0
    model.editor.answer(identity)
    model.progress("mine", "end")


def test_a_client_without_progress_gets_the_result_alone(own_model: Model) -> None:
    assert own_model.run(**QUICK)["program"] == "eight_schools_centred"
    assert not [each for each in own_model.editor.kept if "rogress" in each.get("method", "")]


def test_the_same_seed_gives_the_same_draws(model: Model) -> None:
    assert model.run(**QUICK)["summary"] == model.run(**QUICK)["summary"]


def test_the_newest_text_is_run_though_it_is_not_saved(model: Model) -> None:
    model.editor.change(model.uri, {"text": model.text.replace("mu ", "centre ").replace("(mu,", "(centre,")})
    assert "centre" in model.run(**QUICK)["summary"]


def test_a_file_that_is_not_open_can_be_run_by_its_uri_alone_as_the_settings_say(model: Model) -> None:
    settings = {"qvr": {"run": {"chains": 1, "warmup": 30, "draws": 20}}}
    model.editor.notify("workspace/didChangeConfiguration", {"settings": settings})
    model.close()
    result = model.editor.command("qvr.run", model.uri)
    model.editor.notify("workspace/didChangeConfiguration", {"settings": {"qvr": {}}})
    assert (result["chains"], result["warmup"], result["draws"]) == (1, 30, 20)


def test_data_can_be_another_file_or_the_values_themselves(model: Model, tmp_path: Path) -> None:
    model.data.unlink()
    (tmp_path / "other.json").write_text(DATA)
    assert model.run(data="other.json", **QUICK)["program"] == "eight_schools_centred"
    values = {"y": [1] * 8, "sigma_j": 0.1}
    assert abs(model.run(data=values, **QUICK)["summary"]["theta[1]"]["mean"] - 1) < 0.2


# -------------------------------------------------------------------- refusals


def test_a_data_file_that_is_not_there_is_not_looked_for_by_the_next_run(model: Model) -> None:
    assert "nowhere.json does not exist" in model.refusal(data="nowhere.json")["message"]
    assert model.run(**QUICK)["program"] == model.run(data=str(model.data), **QUICK)["program"]


def test_a_program_with_errors_is_refused_with_those_errors(model: Model) -> None:
    model.editor.change(model.uri, {"text": model.text.replace("HalfNormal", "HalfNormol")})
    error = model.refusal(program="eight_schools_centred", **QUICK)
    assert error["code"] == -32803
    assert error["message"].startswith(
        "eight_schools_centred can't run until its errors are mended.\nline 8: "
    )
    assert "HalfNormol" in error["message"]


def test_a_program_or_a_file_that_is_not_there_is_refused(model: Model) -> None:
    assert "has no program other." in model.refusal(program="other")["message"]
    nowhere = model.editor.ask(
        "workspace/executeCommand", {"command": "qvr.run", "arguments": ["file:///no.qvr"]}
    )
    assert model.error(nowhere)["message"] == "/no.qvr can't be read: No such file or directory."
    assert model.refusal(chains=0)["message"] == (
        "qvr.run: `chains` must be a whole number from 1 to 1000, not 0."
    )


BAD_DATA = {
    "a missing input": ('{"y": [28, 8, -3, 7, -1, 1, 18, 12]}', "sigma_j"),
    "a ninth school": (DATA.replace("18, 12]", "18, 12, 3]"), "y"),
    "a negative scale": (DATA.replace("[15, 10", "[15, -10"), "sigma_j"),
    "a NaN": (DATA.replace("-3", "NaN"), "y"),
    "a string": (DATA.replace("-3", '"three"'), "y"),
}


@pytest.mark.parametrize("name", BAD_DATA)
def test_bad_data_are_told_in_the_answer_and_on_the_input(model: Model, name: str) -> None:
    data, token = BAD_DATA[name]
    model.data.write_text(data)
    error = model.refusal(**QUICK)
    assert error["data"]["kind"] == "data"
    assert token in error["message"]
    assert error["message"].startswith("schools.data.json: ")
    [problem] = model.data_problems(1)
    assert model.token(problem) == token
    assert problem["message"] == error["message"]
    model.data.write_text(DATA)
    model.editor.notify("textDocument/didSave", {"textDocument": {"uri": model.uri}})
    assert model.data_problems(0) == []


@pytest.mark.parametrize("name", BAD_DATA)
def test_a_bad_data_file_is_seen_when_the_model_is_opened(
    editor: Any, eight_schools: str, tmp_path: Path, name: str
) -> None:
    data, token = BAD_DATA[name]
    model = Model(editor, tmp_path, eight_schools, data)
    [problem] = model.data_problems(1)
    assert model.token(problem) == token


def test_a_missing_data_file_is_told_by_the_run_and_not_before(model: Model) -> None:
    model.data.unlink()
    error = model.refusal(**QUICK)
    assert "schools.data.json" in error["message"]


def test_a_data_file_that_is_no_json_is_told_on_the_program(model: Model) -> None:
    model.data.write_text("{")
    model.editor.notify("textDocument/didSave", {"textDocument": {"uri": model.uri}})
    [problem] = model.data_problems(1)
    assert model.token(problem) == "eight_schools_centred"


# ------------------------------------------------------------------- stopping


def test_cancelling_the_progress_stops_the_run(model: Model) -> None:
    identity = model.ask(token="mine", **LONG)
    model.progress("mine", "report")
    model.editor.notify("window/workDoneProgress/cancel", {"token": "mine"})
    error = model.error(identity)
    assert (error["code"], error["message"]) == (-32800, "The run was cancelled.")
    assert model.progress("mine", "end")["message"] == "cancelled"
    assert "tau" in model.run(**QUICK)["summary"]


def test_cancelling_the_request_stops_the_run(model: Model) -> None:
    identity = model.ask(token="mine", **LONG)
    model.progress("mine", "report")
    model.editor.notify("$/cancelRequest", {"id": identity})
    assert model.error(identity)["code"] == -32800


def test_the_command_stops_the_runs_of_a_model(model: Model) -> None:
    first, second = model.ask(token="first", **LONG), model.ask(token="second", **LONG)
    model.progress("first", "report")
    assert model.editor.command("qvr.cancelRun", {"uri": "file:///other.qvr"}) == {"cancelled": 0}
    assert model.editor.command("qvr.cancelRun", {"uri": model.uri}) == {"cancelled": 2}
    assert [model.error(identity)["code"] for identity in (first, second)] == [-32800, -32800]
    assert model.editor.command("qvr.cancelRun") == {"cancelled": 0}


def test_the_editor_is_answered_while_a_run_goes_on(model: Model) -> None:
    identity = model.ask(token="mine", **LONG)
    model.progress("mine", "report")
    assert model.editor.hover(model.uri, 9, 11) is not None
    assert len(model.editor.change(model.uri, {"text": model.text.replace("HalfNormal", "HalfNormol")})) == 1
    model.editor.notify("$/cancelRequest", {"id": identity})
    model.error(identity)


@unix
def test_a_worker_killed_in_the_middle_of_a_run_fails_it_and_the_next_run_works(model: Model) -> None:
    identity = model.ask(token="mine", **LONG)
    model.progress("mine", "report")
    [worker] = workers_of(model.editor.process.pid)
    os.kill(worker, signal.SIGKILL)
    assert model.error(identity)["message"].startswith("The worker was killed (signal 9, SIGKILL)")
    assert model.progress("mine", "end")["message"] == "failed"
    assert "tau" in model.run(**QUICK)["summary"]


@unix
@pytest.mark.parametrize("ending", ["exit", "closed", "killed"])
def test_no_worker_outlives_the_server(own_model: Model, ending: str) -> None:
    own_model.ask(token="mine", **LONG)
    own_model.progress("mine", "report")
    server = own_model.editor.process
    [worker] = workers_of(server.pid)
    match ending:
        case "exit":
            own_model.editor.request("shutdown")
            own_model.editor.notify("exit")
        case "closed":
            server.stdin.close()
        case "killed":
            server.kill()
    server.wait(30)
    until(lambda: gone(worker))


@unix
def test_the_worker_starts_with_the_first_document_unless_the_option_is_off(
    editors: Callable[..., Any], eight_schools: str
) -> None:
    cold, warm = editors(), editors()
    cold.initialize()
    warm.request("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
    warm.notify("initialized", {})
    assert workers_of(warm.process.pid) == []
    for editor in (cold, warm):
        editor.open("untitled:one", eight_schools)
    until(lambda: len(workers_of(warm.process.pid)) == 1)
    assert workers_of(cold.process.pid) == []


@unix
def test_the_server_ends_when_the_client_dies_though_its_pipe_lives_on(tmp_path: Path) -> None:
    """A client that dies while another process still holds the server's input open."""
    client = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    server = subprocess.Popen(
        [sys.executable, "-m", "qvr_server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    body = (
        b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{},"processId":%d}}'
        % client.pid
    )
    server.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    server.stdin.flush()
    server.stdout.readline()
    time.sleep(2.5)
    client.kill()
    client.wait()
    assert server.wait(30) == 1


# ---------------------------------------------------------------- the other commands


def test_divergences_of_a_real_run_are_warned_of_on_a_name_of_the_program(model: Model) -> None:
    result = model.run(chains=2, warmup=300, draws=300, seed=3, targetAccept=0.6)
    assert result["divergences"] > 0

    def warned(message: dict[str, Any]) -> bool:
        if message.get("method") != "textDocument/publishDiagnostics":
            return False
        return any(each["code"] == "QVR801" for each in message["params"]["diagnostics"])

    problems = model.editor.wait(warned)["params"]["diagnostics"]
    [problem] = [each for each in problems if each["code"] == "QVR801"]
    assert model.token(problem) in ("mu", "tau", "theta", "eight_schools_centred")
    assert problem["message"].startswith(f"Last run: {result['divergences']} transition")


def test_the_prior_says_what_the_program_would_observe(model: Model) -> None:
    drawn = model.editor.command("qvr.priorPredictive", {"uri": model.uri, "seed": 1, "draws": 200})
    assert (drawn["seed"], drawn["draws"]) == (1, 200)
    assert drawn["sites"]["y"]["role"] == "observed"
    assert len(drawn["sites"]["theta"]["mean"]) == 8


def test_the_last_result_can_be_read_and_reported_without_a_window(model: Model) -> None:
    model.run(**QUICK)
    shown = model.editor.command("qvr.showResult", model.uri)
    assert (shown["program"], shown["stale"], shown["data"]) == (
        *("eight_schools_centred", False),
        str(model.data),
    )
    assert shown["result"]["sites"]["theta"]["shape"] == [8]
    report = model.editor.command("qvr.openReport", model.uri)
    assert "theta[8]" in Path(report["uri"].removeprefix("file://")).read_text("utf-8")


@unix
def test_a_restart_gives_another_worker_that_runs(model: Model) -> None:
    model.run(**QUICK)
    [before] = workers_of(model.editor.process.pid)
    after = model.editor.command("qvr.restartWorker")["processId"]
    assert after != before
    assert "tau" in model.run(**QUICK)["summary"]
    info = model.editor.command("qvr.debugInfo")
    assert info["worker"]["state"] == "idle"
    assert info["worker"]["pid"] == after
    assert info["worker"]["memory"] > 2**20


def test_partial_results_are_streamed_on_the_token_of_the_command(model: Model) -> None:
    identity = model.ask(partialResultToken="parts", **LONG)
    value = model.progress("parts", "partial")
    assert value["total"] == 10_000_000
    assert len(value["sites"]["theta"]["mean"]) == 8
    model.editor.notify("$/cancelRequest", {"id": identity})
    model.error(identity)


def test_the_data_of_a_run_may_be_several_files_of_the_project(
    lasting_editor: Any, eight_schools: str, tmp_path: Path
) -> None:
    folder = tmp_path / "several"
    folder.mkdir()
    (folder / "y.json").write_text('{"y": [28, 8, -3, 7, -1, 1, 18, 12]}', encoding="utf-8")
    (folder / "sigma.csv").write_text("sigma_j\n15\n10\n16\n11\n9\n11\n10\n18\n", encoding="utf-8")
    (folder / "qvr.toml").write_text('data = ["y.json", "sigma.csv"]\n', encoding="utf-8")
    model = Model(lasting_editor, folder, eight_schools, data=None)
    assert "mu" in model.run(**QUICK)["sites"]
    (folder / "sigma.csv").write_text("sigma_j\n15\n10\n", encoding="utf-8")
    message = model.refusal(**QUICK)["message"]
    assert message.startswith("y.json, sigma.csv: `sigma_j` has 2 values")
