"""Data in the editor: problems with their row, facts on hover, columns to complete, files that change."""

from __future__ import annotations

import importlib
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from in_process import EVERYTHING, Client, marked, place, position

from quivers.check.analysis import check_source
from qvr_server import data_checks, data_files
from qvr_server.data_files import DataFiles

MODEL = """\
## ⊗ 𝒩 😀 \f \v \x85 \u2028
object 𝒮 : FinSet
program p : 𝒮 -> 𝒮
    sample 𝜏 : 𝒮 <- Normal(0.0, 5.0)
    observe 𝓎 : 𝒮 <- Normal(𝜏, ⟦𝜎⟧)
    return 𝜏
"""
GOOD = {"y": [28, 8, -3], "σ": [15, 10, 16]}
RADON = """\
object Item : FinSet
object County : FinSet
data county : Item -> County
program p : Item -> Item
    sample a : County <- Normal(0.0, 1.0)
    observe y : Item <- Normal(a[county], 1.0)
    return y
"""


class Desk:
    """A model in a folder with its client."""

    def __init__(self, client: Client, folder: Path, text: str = RADON) -> None:
        self.client, self.folder = client, folder
        self.model = folder / "m.qvr"
        self.uri = self.model.as_uri()
        self.text = text
        self.client.open(self.uri, text)

    def put(self, name: str, content: str | bytes | dict[str, Any]) -> Path:
        path = self.folder / name
        data = json.dumps(content) if isinstance(content, dict) else content
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    def tell(self, *paths: Path) -> None:
        changes = [{"uri": path.as_uri(), "type": 2} for path in paths]
        self.client.notify("workspace/didChangeWatchedFiles", {"changes": changes})

    @property
    def opened(self) -> Any:
        return self.client.server.session.documents[self.uri]

    def problems(self) -> list[Any]:
        return [found for found in self.opened.diagnostics() if found.code.startswith("QVR6")]

    def wait(self, wanted: Callable[[], Any]) -> Any:
        """What `wanted` gives once it gives something."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            if found := wanted():
                return found
            self.client.turn()
            time.sleep(0.001)
        raise AssertionError(f"it did not come; problems are {self.problems()}, facts {self.opened.facts}")

    def wait_for(self, part: str) -> Any:
        return self.wait(lambda: next((found for found in self.problems() if part in found.message), None))

    def wait_until_sound(self) -> Any:
        return self.wait(lambda: self.opened.verdict is not None and not self.problems())


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_checks, "SECONDS_BETWEEN_LOOKS", 0.02)
    monkeypatch.setattr(data_files, "SECONDS_BEFORE_SECOND_TRY", 0.01)


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    started = Client()
    yield started
    started.close()


@pytest.fixture(params=["utf-8", "utf-16", "utf-32"], scope="module")
def any_client(request: Any) -> Iterator[Client]:
    started = Client(request.param)
    yield started
    started.close()


# ------------------------------------------------------------------ problems in their place


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a_value_outside_the_support_is_told_with_its_row_on_the_name(
    any_client: Client, tmp_path: Path, line_end: str
) -> None:
    text, [span] = marked(MODEL.replace("\n", line_end))
    (tmp_path / "m.data.json").write_text(json.dumps({**GOOD, "σ": [15, -10, 16]}))
    desk = Desk(any_client, tmp_path, text)
    desk.wait_for("`σ` must be positive: row 2 of `S` is -10.")
    published = [
        found
        for message in any_client.sent
        if message.get("method") == "textDocument/publishDiagnostics" and message["params"]["uri"] == desk.uri
        for found in message["params"]["diagnostics"]
    ]
    assert published[-1]["range"] == place(text, span, any_client.encoding)
    assert published[-1]["code"] == "QVR608"
    assert published[-1]["message"].startswith("m.data.json: ")


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_hover_says_how_many_values_there_are_and_from_where_to_where(
    any_client: Client, tmp_path: Path, line_end: str
) -> None:
    text, [span] = marked(MODEL.replace("\n", line_end))
    (tmp_path / "m.data.json").write_text(json.dumps(GOOD))
    desk = Desk(any_client, tmp_path, text)
    desk.wait(lambda: desk.opened.facts)
    shown = any_client.at("hover", desk.uri, position(text, span[0], any_client.encoding))
    assert "S ⊗ Real⁺" in shown["contents"]["value"]
    assert "3 values, 10…16" in shown["contents"]["value"]


def test_names_of_elements_are_on_hover_and_in_the_facts(client: Client, tmp_path: Path) -> None:
    (tmp_path / "m.data.csv").write_text("y,county,floor\n1,B,0\n2,A,1\n3,B,1\n4,C,0\n5,D,NA\n")
    desk = Desk(client, tmp_path)
    facts = desk.wait(lambda: desk.opened.facts)
    assert facts.sizes == {"Item": 5, "County": 4}
    assert facts.levels == {"County": ("A", "B", "C", "D")}
    assert facts.sentences["county"] == "5 values, 4 levels: A, B, C, …"
    assert facts.sentences["County"] == "4 elements in the data: A, B, C, …"
    assert facts.sentences["floor"] == "5 values, 1 missing, 0…1"
    assert facts.columns == (("floor", "Item ⊗ Nat · 5 values, 1 missing, 0…1"),)
    text, [span] = marked(RADON.replace("a[county]", "a[⟦county⟧]"))
    shown = client.at("hover", desk.uri, position(text, span[0], client.encoding))
    assert "5 values, 4 levels: A, B, C, …" in shown["contents"]["value"]


def test_a_near_column_is_a_quick_fix(tmp_path: Path) -> None:
    literal = {"codeActionKind": {"valueSet": ["quickfix"]}}
    able = {**EVERYTHING, "textDocument": {"codeAction": {"codeActionLiteralSupport": literal}}}
    client = Client(capabilities=able)
    (tmp_path / "m.data.csv").write_text("Y,county\n1,A\n")
    desk = Desk(client, tmp_path)
    desk.wait_for("The data have no `y`, which is `Item ⊗ Real`; `Y` is in the data: did you mean it?")
    text, [span] = marked(RADON.replace("observe y", "observe ⟦y⟧"))
    answers = client.request(
        "textDocument/codeAction",
        {
            "textDocument": {"uri": desk.uri},
            "range": place(text, span, client.encoding),
            "context": {"diagnostics": []},
        },
    )
    assert "Rename `y` to `Y`, as in the data" in [answer["title"] for answer in answers]
    client.close()


def test_completion_offers_the_columns_that_nothing_uses(client: Client, tmp_path: Path) -> None:
    (tmp_path / "m.data.csv").write_text("y,county,floor\n1,B,0\n2,A,1\n")
    desk = Desk(client, tmp_path)
    desk.wait(lambda: desk.opened.facts)
    text, [span] = marked(RADON.replace("a[county]", "a[county] + ⟦⟧"))
    client.change(desk.uri, {"text": text})
    answer = client.at("completion", desk.uri, position(text, span[0], client.encoding))
    labels = [item["label"] for item in answer["items"]]
    assert "floor" in labels


# ----------------------------------------------------------------------- which file


def test_several_files_beside_a_model_are_a_warning(client: Client, tmp_path: Path) -> None:
    (tmp_path / "m.data.json").write_text('{"y": [1], "county": ["A"]}')
    (tmp_path / "m.data.csv").write_text("y,county\n1,A\n")
    desk = Desk(client, tmp_path)
    found = desk.wait_for("The data are those of `m.data.json`; `m.data.csv` beside it is not read.")
    assert (found.code, found.severity.value) == ("QVR614", "warning")


def test_the_editor_s_setting_counts_before_the_project_s(tmp_path: Path) -> None:
    client = Client(options={"data": {"file": "set.csv"}})
    (tmp_path / "set.csv").write_text("y,county\n1,A\n")
    (tmp_path / "project.csv").write_text("y,county\n1,A\n2,B\n")
    (tmp_path / "qvr.toml").write_text('data = "project.csv"\n')
    desk = Desk(client, tmp_path)
    assert desk.wait(lambda: desk.opened.facts).file == "set.csv"
    client.notify("workspace/didChangeConfiguration", {"settings": {"qvr": {"data": {"file": None}}}})
    desk.wait(lambda: desk.opened.facts.file == "project.csv")
    client.close()


def test_a_named_file_that_is_not_there_is_told_and_an_unnamed_one_is_not(
    client: Client, tmp_path: Path
) -> None:
    desk = Desk(client, tmp_path)
    desk.wait(lambda: desk.opened.verdict)
    assert desk.problems() == []
    desk.put("qvr.toml", 'data = "gone.csv"\n')
    desk.tell(tmp_path / "qvr.toml")
    desk.wait_for("gone.csv does not exist.")


# ----------------------------------------------------------------- files that come and go

DYNAMIC = {"workspace": {"didChangeWatchedFiles": {"dynamicRegistration": True}}}


@pytest.mark.parametrize("watches", [True, False], ids=["client watches", "server looks"])
@pytest.mark.parametrize("ending", ["json", "csv", "tsv"])
def test_a_file_that_comes_changes_and_goes_is_followed(tmp_path: Path, ending: str, watches: bool) -> None:
    client = Client(capabilities={**EVERYTHING, **(DYNAMIC if watches else {})})
    desk = Desk(client, tmp_path)
    desk.wait(lambda: desk.opened.verdict)

    def write(values: list[Any], counties: list[Any]) -> None:
        if ending == "json":
            path = desk.put("m.data.json", {"y": values, "county": counties})
        else:
            separator = "," if ending == "csv" else "\t"
            lines = [f"{value}{separator}{county}" for value, county in zip(values, counties, strict=True)]
            path = desk.put(f"m.data.{ending}", "\n".join([f"y{separator}county", *lines, ""]))
        if watches:
            desk.tell(path)

    write(["x", 2], ["A", "B"])
    desk.wait_for('`y` must be numbers: row 1 of `Item` is the text "x".')
    write([1, 2], ["A", "B"])
    desk.wait_until_sound()
    desk.wait(lambda: desk.opened.facts is not None and desk.opened.facts.sizes["Item"] == 2)
    path = desk.folder / f"m.data.{ending}"
    path.unlink()
    path.mkdir()
    if watches:
        desk.tell(path)
    desk.wait_for(f"m.data.{ending} is a directory, not a data file.")
    path.rmdir()
    if watches:
        desk.tell(path)
    desk.wait_until_sound()
    assert desk.opened.facts is None
    client.close()


def test_a_client_that_can_is_asked_to_watch_every_kind_of_file(tmp_path: Path) -> None:
    client = Client(capabilities={**EVERYTHING, **DYNAMIC})
    asked = next(each for each in client.sent if each.get("method") == "client/registerCapability")
    watchers = asked["params"]["registrations"][0]["registerOptions"]["watchers"]
    patterns = {watcher["globPattern"] for watcher in watchers}
    assert {"**/*.data.json", "**/*.csv", "**/*.tsv", "**/*.parquet", "**/qvr.toml"} <= patterns
    client.close()


def test_the_problems_of_data_do_not_outlive_the_option(tmp_path: Path) -> None:
    client = Client()
    (tmp_path / "m.data.csv").write_text("y,county\nx,A\n")
    desk = Desk(client, tmp_path)
    desk.wait_for("must be numbers")
    client.notify("workspace/didChangeConfiguration", {"settings": {"qvr": {"data": {"check": False}}}})
    desk.wait(lambda: not desk.problems())
    assert desk.opened.facts is None
    client.close()


# -------------------------------------------------------------------- reading, by itself


@pytest.fixture
def checked() -> Any:
    return check_source(RADON)


def test_a_file_that_is_being_written_is_read_a_second_time(
    checked: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.data.json"
    path.write_text('{"y": [1, 2], "cou')
    pauses = []

    def finish(seconds: float) -> None:
        pauses.append(seconds)
        path.write_text('{"y": [1, 2], "county": ["A", "B"]}')

    monkeypatch.setattr(data_files.time, "sleep", finish)
    answer = DataFiles().answer(tmp_path / "m.qvr", checked, checked.programs["p"])
    assert answer.problems == ()
    assert len(pauses) == 1


def test_a_file_that_was_broken_long_ago_is_not_waited_for(
    checked: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.data.json"
    path.write_text('{"y": [1, 2], "cou')
    os.utime(path, (1_000_000_000, 1_000_000_000))
    monkeypatch.setattr(data_files.time, "sleep", lambda _: pytest.fail("it waited"))
    [problem] = DataFiles().answer(tmp_path / "m.qvr", checked, checked.programs["p"]).problems
    assert "is not valid JSON" in problem.message


def test_a_file_is_read_once_for_every_time_it_was_written(
    checked: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module("quivers.data.read")
    read, count = module.read, []

    def counted(path: Path) -> dict[str, Any]:
        count.append(path)
        return read(path)

    monkeypatch.setattr(module, "read", counted)
    path = tmp_path / "m.data.csv"
    path.write_text("y,county\n1,A\n")
    files = DataFiles()
    for _ in range(3):
        files.answer(tmp_path / "m.qvr", checked, checked.programs["p"])
    assert len(count) == 1
    path.write_text("y,county\n1,A\n2,B\n")
    assert files.answer(tmp_path / "m.qvr", checked, checked.programs["p"]).facts.sizes["Item"] == 2
    assert len(count) == 2


def test_a_large_file_is_left_to_the_run_with_a_sentence(checked: Any, tmp_path: Path) -> None:
    path = tmp_path / "m.data.csv"
    with path.open("wb") as file:
        file.truncate(2**30)
    answer = DataFiles().answer(tmp_path / "m.qvr", checked, checked.programs["p"])
    assert answer.problems == ()
    assert answer.facts.notes == (
        "m.data.csv takes 1,024 MB, and data of up to 32 MB are checked while a model is edited; "
        "a run reads all.",
    )
    assert answer.facts.sentences["y"] == f"in the data: {answer.facts.notes[0]}"


def test_a_small_parquet_file_of_many_rows_counts_as_large(checked: Any, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet

    path = tmp_path / "m.data.parquet"
    pyarrow.parquet.write_table(pa.table({"y": pa.array([1.0] * 200_000)}), path)
    assert path.stat().st_size < 100_000
    answer = DataFiles(largest=1_000_000).answer(tmp_path / "m.qvr", checked, checked.programs["p"])
    assert re.search("takes 2 MB, and data of up to 1 MB", answer.facts.notes[0])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_a_pipe_is_refused_and_not_waited_for(checked: Any, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "m.data.csv")
    [problem] = DataFiles().answer(tmp_path / "m.qvr", checked, checked.programs["p"]).problems
    assert problem.message.endswith(
        "m.data.csv is a device or a pipe, not a data file: write what it gives to a file."
    )


def test_a_program_with_errors_still_tells_what_the_data_hold(tmp_path: Path) -> None:
    (tmp_path / "m.data.csv").write_text("y,county,floor\n1,A,0\n2,B,1\n")
    broken = check_source(RADON.replace("a[county]", "a[county] + "))
    answer = DataFiles().answer(tmp_path / "m.qvr", broken, broken.programs["p"])
    assert answer.problems == ()
    assert "floor" in answer.facts.unused
    nothing = check_source("")
    assert set(DataFiles().answer(tmp_path / "m.qvr", nothing, None).facts.values) == {"y", "county", "floor"}


def test_files_that_were_read_long_ago_are_let_go(checked: Any, tmp_path: Path) -> None:
    files = DataFiles()
    for number in range(data_files.FILES_KEPT + 5):
        (tmp_path / f"m{number}.data.csv").write_text("y,county\n1,A\n")
        files.answer(tmp_path / f"m{number}.qvr", checked, checked.programs["p"])
    assert len(files._kept) == data_files.FILES_KEPT


EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "examples").glob("*/[!.]*.qvr"))


@pytest.mark.parametrize("model", EXAMPLES, ids=lambda path: path.stem)
def test_half_of_an_example_beside_its_whole_data_is_answered(model: Path) -> None:
    source = model.read_bytes()
    files = DataFiles()
    for end in range(0, len(source) + 1, max(1, len(source) // 40)):
        checked = check_source(source[:end].decode(errors="ignore"))
        program = checked.program_to_run()
        answer = files.answer(model, checked, program)
        assert answer.facts.values
        if program is not None:
            from quivers.data import diagnostics

            for found in diagnostics(answer.problems, program, checked):
                assert found.message.endswith((".", "?"))
    whole = check_source(source)
    assert files.answer(model, whole, whole.program_to_run()).problems == ()
