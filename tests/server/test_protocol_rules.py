"""What is malformed, unknown, too early or too late is answered as the protocol says, whatever the method."""

import asyncio
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from in_process import Client
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from qvr_server.protocol import read_frames

JUNK: list[Any] = [
    None,
    3,
    "text",
    [],
    [1, 2],
    {},
    {"textDocument": 3},
    {"textDocument": {"uri": 7}},
    {"textDocument": {"uri": "file:///no.qvr"}, "position": {"line": -1, "character": "x"}},
    {"textDocument": {"uri": "file:///no.qvr"}, "range": [], "position": None, "positions": 3, "context": 1},
    {"command": 3, "arguments": "x"},
    {"item": {"name": 3}, "label": 5, "data": []},
]
REQUESTS = sorted(
    method for method, (request, response, *_) in types.METHOD_TO_TYPES.items() if response is not None
)


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    started = Client()
    yield started
    started.close()


def answers(client: Client, message: dict[str, Any]) -> dict[str, Any]:
    """The answer to a raw message with an id."""
    client.send(message)
    return client.wait(lambda each: each.get("id") == message["id"] and "method" not in each)


def complaints(client: Client) -> list[str]:
    """What the user was told of errors inside QVR."""
    return [
        message["params"]["message"]
        for message in client.sent
        if message.get("method") == "window/showMessage" and "inside QVR" in message["params"]["message"]
    ]


@pytest.mark.parametrize("method", [each for each in REQUESTS if each not in {"initialize", "shutdown"}])
def test_wrong_parameters_are_answered_and_never_an_internal_error(client: Client, method: str) -> None:
    for number, junk in enumerate(JUNK):
        answer = answers(client, {"id": f"{method}#{number}", "method": method, "params": junk})
        if "error" in answer:
            assert answer["error"]["code"] in {-32601, -32602, -32803}, answer
            assert "Traceback" not in answer["error"]["message"]
    answer = answers(client, {"id": f"{method}#none", "method": method})
    assert answer.get("error", {}).get("code") in {None, -32601, -32602, -32803}
    assert complaints(client) == []


@pytest.mark.parametrize("identity", [[1], {"of": 1}])
def test_an_id_that_is_none_is_answered_without_one(client: Client, identity: Any) -> None:
    client.send({"id": identity, "method": "textDocument/hover", "params": {}})
    refused = client.wait(lambda each: each.get("id", 0) is None)
    assert refused["error"]["code"] == -32600


def test_wrong_notifications_are_ignored(client: Client) -> None:
    notifications = [
        method
        for method, (_, response, *_) in types.METHOD_TO_TYPES.items()
        if response is None and method != "exit"
    ]
    for method in (*notifications, "$/unknown", "qvr/unknown"):
        for junk in JUNK:
            client.notify(method, junk)
    assert complaints(client) == []
    assert client.open("file:///alive.qvr", "object A : FinSet 2\n") == []


def test_a_request_with_the_prefix_of_optional_ones_is_unknown_like_any_other(client: Client) -> None:
    assert answers(client, {"id": 1, "method": "$/optional"})["error"]["code"] == -32601


def test_every_request_is_refused_before_initialize_and_after_shutdown() -> None:
    client = Client()
    early = client.server.protocol
    early._initialized = False
    for number, method in enumerate(each for each in REQUESTS if each != "initialize"):
        assert answers(client, {"id": f"early{number}", "method": method})["error"]["code"] == -32002
    early._initialized = True
    assert client.request("shutdown") is None
    for number, method in enumerate(REQUESTS):
        assert answers(client, {"id": f"late{number}", "method": method})["error"]["code"] == -32600
    client.close()


def test_an_answer_nobody_asked_for_is_ignored(client: Client) -> None:
    client.send({"id": 4711, "result": None})
    client.send({"id": 4712, "error": {"code": 1, "message": "no"}})
    client.turn()
    assert client.open("file:///alive.qvr", "object A : FinSet 2\n") == []


def test_an_answer_that_does_not_fit_ends_the_wait_for_it() -> None:
    client = Client()
    server = client.server

    async def ask() -> str:
        try:
            await server.window_show_document_async(types.ShowDocumentParams("file:///page.html"))
        except JsonRpcException as error:
            return str(error.message)
        return "answered"

    asked = client.loop.create_task(ask())
    client.turn()  # which answers with null, where an object belongs
    client.loop.run_until_complete(asyncio.wait([asked], timeout=10))
    assert asked.result() == "The client's answer does not fit what it was asked."
    client.close()


def framed(*parts: bytes) -> list[bytes]:
    found: list[bytes] = []
    read_frames(io.BytesIO(b"".join(parts)), found.append)
    return found


def frame(body: bytes, *headers: bytes) -> bytes:
    return b"".join((*headers, b"Content-Length: %d\r\n\r\n" % len(body), body))


def test_frames_are_read_by_their_length_whatever_stands_in_them() -> None:
    bodies = [b"{}", "⊗ 😀".encode(), b"a\r\n\r\nb", b""]
    assert framed(*map(frame, bodies)) == bodies
    assert framed(frame(b"x", b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\n")) == [b"x"]
    assert framed(b"content-length:1\r\n\r\ny") == [b"y"]


def test_a_header_without_a_length_is_skipped() -> None:
    assert framed(b"Content-Length: many\r\n\r\n", frame(b"1")) == [b"1"]
    assert framed(b"Nonsense\r\n\r\n", frame(b"2")) == [b"2"]


def test_a_frame_that_breaks_off_ends_the_input() -> None:
    assert framed(frame(b"1"), b"Content-Length: 10\r\n\r\nabc") == [b"1"]
    assert framed(b"Content-Length: 99999999999999999999999\r\n\r\nabc") == []


def test_json_that_nests_without_end_is_refused(client: Client) -> None:
    deep = b"[" * 100_000
    arrived = client.server.protocol.arrived(deep)
    client.loop.call_soon(client.server.protocol.receive, arrived)
    refused = client.wait(lambda message: "error" in message and message.get("id") is None)
    assert refused["error"]["code"] == -32700
    json.dumps(refused)
