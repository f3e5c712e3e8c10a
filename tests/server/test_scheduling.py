"""What waits for what: edits at once, one check of the newest text, requests that an edit overtakes."""

import asyncio
import itertools
import time
from collections.abc import Iterator
from typing import Any

import pytest
from in_process import Answered, Client

from quivers.errors import QvrError
from qvr_server import analyses
from qvr_server.session import OpenDocument

URI = "file:///models/many.qvr"
START = {"line": 0, "character": 0}
TYPED = {"range": {"start": START, "end": START}, "text": "# x\n"}


def model(programs: int) -> str:
    """A file of as many programs, six lines each."""
    body = "".join(
        f"program p{n} : School -> School\n"
        "    sample mu : School <- Normal(0.0, 5.0)\n"
        "    sample tau <- HalfNormal(5.0)\n"
        "    observe y : School <- Normal(mu, tau)\n"
        "    return mu\n\n"
        for n in range(programs)
    )
    return f"object School : FinSet 8\n\n{body}"


@pytest.fixture
def client() -> Iterator[Client]:
    started = Client()
    yield started
    started.close()


@pytest.fixture
def puller() -> Iterator[Client]:
    started = Client(capabilities={"textDocument": {"diagnostic": {}}, "workspace": {}})
    yield started
    started.close()


def opening(client: Client, text: str) -> None:
    """Send a text without waiting for its problems."""
    document = {"uri": URI, "languageId": "qvr", "version": 1, "text": text}
    client.versions[URI] = 1
    client.send({"method": "textDocument/didOpen", "params": {"textDocument": document}})


def typing(client: Client, *changes: dict[str, Any]) -> None:
    """Send an edit without waiting for what comes of it."""
    client.versions[URI] += 1
    document = {"uri": URI, "version": client.versions[URI]}
    params = {"textDocument": document, "contentChanges": list(changes or (TYPED,))}
    client.send({"method": "textDocument/didChange", "params": params})


def asking(client: Client, identity: int, method: str, **params: Any) -> None:
    client.send({"id": identity, "method": method, "params": {"textDocument": {"uri": URI}, **params}})


def published(client: Client) -> list[int | None]:
    """The versions whose problems were published, in order."""
    return [
        message["params"].get("version")
        for message in client.sent
        if message.get("method") == "textDocument/publishDiagnostics"
    ]


def answer_to(client: Client, identity: int) -> dict[str, Any]:
    return client.wait(lambda message: message.get("id") == identity and "method" not in message)


def test_a_burst_of_edits_is_checked_once_with_its_newest_text(client: Client) -> None:
    opening(client, model(3))
    for _ in range(20):
        typing(client)
    client.wait(lambda message: message.get("params", {}).get("version") == 21)
    assert published(client) == [21]


def test_the_loop_turns_while_a_large_file_is_checked(client: Client) -> None:
    opening(client, model(300))
    client.wait(lambda message: message.get("method") == "textDocument/publishDiagnostics")
    turns = itertools.count()
    client.change(URI, {"text": ""})
    opening(client, model(300) + " ")

    async def count() -> None:
        while True:
            next(turns)
            await asyncio.sleep(0)

    counting = client.loop.create_task(count())
    client.wait(lambda message: message.get("params", {}).get("version") == 1)
    counting.cancel()
    assert next(turns) > 30


def test_a_check_that_is_given_up_is_taken_up_where_it_stopped(client: Client) -> None:
    opening(client, model(300))
    for _ in range(5):
        client.turn()
    typing(client)
    client.wait(lambda message: message.get("params", {}).get("version") == 2)
    counters = client.server.session.documents[URI].analysis.counters
    assert counters.checked < 2 * 301
    assert published(client) == [2]


def test_a_large_declaration_is_checked_on_another_thread_with_the_same_result(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = model(4).replace("Normal(mu, tau)", "Normal(mu, tao)")
    expected = client.open(URI, text)
    assert len(expected) > 0
    monkeypatch.setattr(analyses, "LARGE_BYTES", 10)
    other = "file:///models/other.qvr"
    assert client.open(other, text) == expected
    assert not client.server.session.documents[other].is_busy


def test_a_request_that_an_edit_overtakes_is_refused_as_out_of_date(client: Client) -> None:
    opening(client, model(300))
    asking(client, 900, "textDocument/hover", position=START)
    typing(client)
    refused = answer_to(client, 900)
    assert refused["error"]["code"] == -32801
    assert client.at("hover", URI, {"line": 1, "character": 8})["contents"]["value"].startswith("```qvr")


def test_a_pull_that_an_edit_overtakes_asks_to_be_made_again(puller: Client) -> None:
    opening(puller, model(300))
    asking(puller, 900, "textDocument/diagnostic")
    typing(puller)
    refused = answer_to(puller, 900)
    assert refused["error"]["code"] == -32802
    assert refused["error"]["data"] == {"retriggerRequest": True}


def test_a_cancelled_request_is_answered_so_and_not_computed(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening(client, model(300))
    asking(client, 900, "textDocument/codeLens")
    for _ in range(3):
        client.turn()
    client.send({"method": "$/cancelRequest", "params": {"id": 900}})
    assert answer_to(client, 900)["error"]["code"] == -32800


def test_a_check_at_fault_answers_that_request_with_an_error_and_the_next_edit_is_served(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: OpenDocument) -> Any:
        raise ZeroDivisionError("nothing by nothing")
        yield

    client.open(URI, model(2))
    with monkeypatch.context() as patched:
        patched.setattr(OpenDocument, "checking", broken)
        typing(client)
        told = client.wait(lambda message: message.get("method") == "window/showMessage")
        assert "an error inside QVR: ZeroDivisionError" in told["params"]["message"]
        with pytest.raises(Answered, match="an error inside QVR") as refused:
            client.at("hover", URI, START)
        assert refused.value.code == -32603
        typing(client)
        client.turn()
    shown = [each for each in client.sent if each.get("method") == "window/showMessage"]
    assert len(shown) == 1
    assert client.change(URI, TYPED) == []
    assert client.at("hover", URI, {"line": 3, "character": 8}) is not None


def test_an_answer_at_fault_is_an_error_with_a_sentence_and_no_traceback(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.open(URI, model(1))
    monkeypatch.setattr(
        "qvr_server.features.hover.hover_at", lambda *_, **__: (_ for _ in ()).throw(QvrError("odd"))
    )
    with pytest.raises(Answered) as refused:
        client.at("hover", URI, START)
    assert refused.value.code == -32603
    assert "\n" not in str(refused.value)


def test_a_document_closed_while_it_is_checked_is_forgotten(client: Client) -> None:
    opening(client, model(300))
    asking(client, 900, "textDocument/hover", position=START)
    client.send({"method": "textDocument/didClose", "params": {"textDocument": {"uri": URI}}})
    assert answer_to(client, 900)["error"]["code"] == -32801
    for _ in range(20):
        client.turn()
    assert published(client) == [None]
    assert URI not in client.server.session.documents


def test_closing_waits_for_all_that_goes_on_in_the_background() -> None:
    client = Client()
    opening(client, model(40))
    client.loop.call_soon(client.server.spawn_thread, lambda: time.sleep(0.02))
    client.loop.call_soon(client.server.spawn, asyncio.sleep(60))
    client.turn()
    client.loop.run_until_complete(client.server.close())
    assert asyncio.all_tasks(client.loop) == set()
    client.loop.close()


def test_a_client_that_sends_no_settings_is_asked_for_them() -> None:
    client = Client(capabilities={"workspace": {"configuration": True}}, options={"lens": {"enable": False}})
    client.turn()
    asked = [each.get("method") for each in client.sent].count("workspace/configuration")
    client.notify("workspace/didChangeConfiguration", {"settings": None})
    for _ in range(3):
        client.turn()
    assert [each.get("method") for each in client.sent].count("workspace/configuration") == asked + 1
    assert not client.server.options.lens.enable
    client.close()
