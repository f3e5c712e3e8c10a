"""Problems for clients that ask for them: of one document, and of the whole workspace."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from in_process import Client, marked, place

URI = "file:///models/pulled.qvr"
PULLS: dict[str, Any] = {
    "textDocument": {"diagnostic": {"relatedInformation": True, "tagSupport": {"valueSet": [1, 2]}}},
    "workspace": {"diagnostics": {"refreshSupport": True}},
}
WRONG = """\
object School : FinSet 8
program p : School -> School
    sample mu : School <- ⟦Normol⟧(0.0, 1.0)
    return mu
"""
RIGHT = WRONG.replace("⟦Normol⟧", "Normal")


@pytest.fixture(params=["utf-8", "utf-16", "utf-32"])
def client(request: Any) -> Iterator[Client]:
    started = Client(request.param, PULLS)
    yield started
    started.close()


def opened(client: Client, text: str, uri: str = URI) -> None:
    document = {"uri": uri, "languageId": "qvr", "version": 1, "text": text}
    client.versions[uri] = 1
    client.notify("textDocument/didOpen", {"textDocument": document})


def pull(client: Client, previous: str | None = None, uri: str = URI) -> dict[str, Any]:
    params: dict[str, Any] = {"textDocument": {"uri": uri}}
    if previous is not None:
        params["previousResultId"] = previous
    answer: dict[str, Any] = client.request("textDocument/diagnostic", params)
    return answer


def test_a_pull_has_the_problems_of_the_newest_text_and_nothing_is_pushed(client: Client) -> None:
    text, [span] = marked(WRONG.replace("School", "𝒮⊗𝒮".replace("⊗", "")).replace("mu <-", "𝜇 <-"))
    text = text.replace("return mu", "return 𝜇")
    opened(client, text)
    report = pull(client)
    assert report["kind"] == "full"
    assert [item["code"] for item in report["items"]] == ["QVR202"]
    assert report["items"][0]["range"] == place(text, span, client.encoding)
    assert not [each for each in client.sent if each.get("method") == "textDocument/publishDiagnostics"]


def test_a_report_that_the_client_has_already_is_unchanged_until_it_is_not(client: Client) -> None:
    text, _ = marked(WRONG)
    opened(client, text)
    first = pull(client)
    again = pull(client, first["resultId"])
    assert again == {"kind": "unchanged", "resultId": first["resultId"]}
    change = {"textDocument": {"uri": URI, "version": 2}, "contentChanges": [{"text": "\n" + text}]}
    client.notify("textDocument/didChange", change)
    moved = pull(client, first["resultId"])
    assert moved["kind"] == "full"
    assert moved["items"][0]["range"]["start"]["line"] == 3


def test_a_pull_for_a_text_that_is_not_open_or_not_ours_is_empty(client: Client) -> None:
    assert pull(client)["items"] == []
    opened(client, "object A :", "git:/models/pulled.qvr?HEAD")
    assert pull(client, uri="git:/models/pulled.qvr?HEAD")["items"] == []


def test_what_nothing_needs_is_greyed_out_where_the_client_can(client: Client) -> None:
    opened(
        client, WRONG.replace("⟦Normol⟧", "Normal").replace("object S", "object Unused : FinSet 3\nobject S")
    )
    unused = [item for item in pull(client)["items"] if item["code"] == "QVR709"]
    assert [item["tags"] for item in unused] == [[1]]


def test_news_that_come_without_an_edit_ask_the_client_to_pull_again(client: Client) -> None:
    opened(client, marked(WRONG)[0])
    pull(client)
    changes = {"changes": [{"uri": "file:///models/qvr.toml", "type": 2}]}
    client.notify("workspace/didChangeWatchedFiles", changes)
    assert client.sent[-1]["method"] == "workspace/diagnostic/refresh"


def test_a_client_that_can_not_be_asked_to_pull_again_is_pushed_to_instead() -> None:
    """As Neovim 0.11: what a run or the data bring would else not be shown before the next edit."""
    client = Client(capabilities={"textDocument": PULLS["textDocument"]})
    assert "diagnosticProvider" not in client.initialized["capabilities"]
    assert [item["code"] for item in client.open(URI, marked(WRONG)[0])] == ["QVR202"]
    client.notify(
        "workspace/didChangeWatchedFiles", {"changes": [{"uri": "file:///models/qvr.toml", "type": 2}]}
    )
    pushed = [each for each in client.sent if each.get("method") == "textDocument/publishDiagnostics"]
    assert len(pushed) == 2
    client.close()


# ------------------------------------------------------------------- the workspace


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    (tmp_path / ".venv").mkdir()
    text, _ = marked(WRONG)
    for name in ("wrong.qvr", "sub/wrong.qvr", ".venv/wrong.qvr"):
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "right.qvr").write_text(text.replace("Normol", "Normal"), encoding="utf-8")
    (tmp_path / "binary.qvr").write_bytes(b"\x00\xff\xfe")
    (tmp_path / "other.txt").write_text("object", encoding="utf-8")
    return tmp_path


def of_workspace(client: Client, known: dict[str, str] | None = None) -> dict[str, dict[str, Any]]:
    ids = [{"uri": uri, "value": value} for uri, value in (known or {}).items()]
    answer = client.request("workspace/diagnostic", {"previousResultIds": ids})
    return {item["uri"]: item for item in answer["items"]}


def test_the_workspace_s_models_are_reported_open_or_not(folder: Path) -> None:
    client = Client(capabilities=PULLS, root=folder.as_uri())
    report = of_workspace(client)
    found = {Path(uri.removeprefix("file://")).relative_to(folder).as_posix() for uri in report}
    assert found == {"wrong.qvr", "sub/wrong.qvr", "right.qvr"}
    wrong = (folder / "wrong.qvr").as_uri()
    assert [item["code"] for item in report[wrong]["items"]] == ["QVR202"]
    assert report[(folder / "right.qvr").as_uri()]["kind"] == "full"

    known = {uri: item["resultId"] for uri, item in report.items()}
    assert {item["kind"] for item in of_workspace(client, known).values()} == {"unchanged"}

    opened(client, "object A : FinSet 3\n", wrong)
    (folder / "sub/wrong.qvr").unlink()
    again = of_workspace(client, known)
    assert again[wrong]["version"] == 1
    assert again[wrong]["kind"] == "full"
    assert "QVR202" not in [item["code"] for item in again[wrong]["items"]]
    assert again[(folder / "sub/wrong.qvr").as_uri()]["items"] == []
    client.close()


@pytest.mark.parametrize("root", [None, "wrong.qvr", "missing", "untitled:somewhere"])
def test_roots_may_be_missing_files_or_no_places_at_all(folder: Path, root: str | None) -> None:
    uri = root if root is None or ":" in root else (folder / root).as_uri()
    client = Client(capabilities=PULLS, root=uri)
    assert list(of_workspace(client)) == ([(folder / "wrong.qvr").as_uri()] if root == "wrong.qvr" else [])
    client.close()


def test_folders_come_and_go(folder: Path) -> None:
    client = Client(capabilities=PULLS)
    assert of_workspace(client) == {}
    added = {"uri": folder.as_uri(), "name": "models"}
    client.notify("workspace/didChangeWorkspaceFolders", {"event": {"added": [added], "removed": []}})
    assert len(of_workspace(client)) == 3
    client.notify("workspace/didChangeWorkspaceFolders", {"event": {"added": [], "removed": [added]}})
    assert of_workspace(client) == {}
    client.close()


MANY_WRONG = "object School : FinSet 8\n" + "".join(
    f"program p{n} : School -> School\n    sample mu : School <- Normol(0.0, 1.0)\n    return mu\n"
    for n in range(100)
)


def test_many_problems_are_pulled_as_few_are(client: Client) -> None:
    opened(client, MANY_WRONG)
    first = pull(client)
    assert [item["range"]["start"]["line"] for item in first["items"]] == [2 + 3 * n for n in range(100)]
    assert pull(client, first["resultId"])["kind"] == "unchanged"


def test_many_problems_are_pushed_as_few_are() -> None:
    client = Client()
    found = client.open(URI, MANY_WRONG)
    assert [item["range"]["start"]["line"] for item in found] == [2 + 3 * n for n in range(100)]
    mended = client.change(URI, {"text": MANY_WRONG.replace("Normol", "Normal")})
    assert [item["code"] for item in mended if item["severity"] == 1] == []
    client.close()
