"""Renaming through the protocol: edits in every encoding, refusals in words, what the data must follow."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from in_process import Answered, Client, character, marked, place, position

URI = "file:///models/named.qvr"
REQUEST_FAILED, CONTENT_MODIFIED = -32803, -32801
MODEL = """\
## ⊗ 𝒩 😀 \f \v \x85 \u2028
object 𝒮 : FinSet 8
program p : 𝒮 -> 𝒮 # ⊗ 𝒩 😀 \f \v \x85 \u2028
    sample ⟦𝜏⟧ : 𝒮 <- Normal(0.0, 1.0)
    let 𝒩 = 1.0 + ⟦𝜏⟧ + sum(⟦𝜏⟧)
    observe 𝓎 : 𝒮 <- Normal(𝒩, ⟦τ⟧ ^ 2 + 0.5)
    return ⟦𝜏⟧
"""
SHOWS_NOTES = {
    "textDocument": {"rename": {"prepareSupport": True, "honorsChangeAnnotations": True}},
    "workspace": {
        "workspaceEdit": {"documentChanges": True, "changeAnnotationSupport": {"groupsOnLabel": True}}
    },
}


@pytest.fixture(params=["utf-8", "utf-16", "utf-32"], scope="module")
def client(request: Any) -> Iterator[Client]:
    started = Client(request.param)
    yield started
    started.close()


def _applied(text: str, edits: list[dict[str, Any]], encoding: str) -> str:
    for edit in sorted(edits, key=lambda edit: -character(text, edit["range"]["start"], encoding)):
        start, end = (character(text, edit["range"][end], encoding) for end in ("start", "end"))
        text = text[:start] + edit["newText"] + text[end:]
    return text


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_all_places_of_a_name_are_renamed(client: Client, line_end: str) -> None:
    source = MODEL.replace("\n", line_end)
    text, spans = marked(source)
    client.open(URI, text)
    for span in spans:
        for index in span:
            at = position(text, index, client.encoding)
            prepared = client.at("prepareRename", URI, at)
            wanted = {"range": place(text, span, client.encoding), "placeholder": text[span[0] : span[1]]}
            assert prepared == wanted
            edit = client.at("rename", URI, at, newName="𝒩eu")
            assert list(edit) == ["changes"]
            renamed = _applied(text, edit["changes"][URI], client.encoding)
            assert renamed == source.replace("⟦𝜏⟧", "𝒩eu").replace("⟦τ⟧", "𝒩eu")


@pytest.mark.parametrize(
    ("word", "new", "sentence"),
    [
        ("Normal", "x", "`Normal` is a distribution that the language brings, so it can't be renamed."),
        ("observe", "x", "`observe` is a word of the language, so it can't be renamed."),
        ("FinSet", "x", "`FinSet` is a space that the language brings, so it can't be renamed."),
        ("𝜏", "N", "`τ` can't be called `N`: `N` is bound already in `p`, in line 5."),
        ("𝜏", "in", "`in` is a word of the language, so nothing can be called that."),
    ],
)
def test_a_refusal_is_an_error_with_a_sentence(client: Client, word: str, new: str, sentence: str) -> None:
    text, _ = marked(MODEL)
    client.open(URI, text)
    at = position(text, text.index(word), client.encoding)
    with pytest.raises(Answered) as refused:
        client.at("rename", URI, at, newName=new)
    assert (refused.value.code, str(refused.value)) == (REQUEST_FAILED, sentence)
    if new == "x":
        with pytest.raises(Answered) as refused:
            client.at("prepareRename", URI, at)
        assert (refused.value.code, str(refused.value)) == (REQUEST_FAILED, sentence)


def test_where_no_word_stands_nothing_can_be_prepared(client: Client) -> None:
    client.open(URI, "object A : FinSet 2 # A\n\n")
    for line, column in ((0, 22), (1, 0), (9, 9)):
        assert client.at("prepareRename", URI, {"line": line, "character": column}) is None


def test_the_renaming_of_an_input_says_that_the_data_must_follow() -> None:
    client = Client("utf-16", SHOWS_NOTES)
    text, _ = marked(MODEL)
    client.open(URI, text)
    assert client.initialized["capabilities"]["renameProvider"] == {"prepareProvider": True}
    edit = client.at("rename", URI, position(text, text.index("𝓎"), "utf-16"), newName="w")
    [(identity, annotation)] = edit["changeAnnotations"].items()
    assert annotation["description"] == "`y` is an input: the data must call it `w` as well."
    assert annotation["needsConfirmation"] is True
    [change] = edit["documentChanges"]
    assert change["textDocument"] == {"uri": URI, "version": 1}
    assert [each["annotationId"] for each in change["edits"]] == [identity]
    edit = client.at("rename", URI, position(text, text.index("𝜏"), "utf-16"), newName="w")
    assert "changeAnnotations" not in edit
    assert not [each for each in client.sent if each.get("method") == "window/showMessage"]
    client.close()


def test_a_client_that_shows_no_notes_is_told_in_a_message(client: Client) -> None:
    text, _ = marked(MODEL)
    client.open(URI, text)
    assert client.initialized["capabilities"]["renameProvider"] is True
    edit = client.at("rename", URI, position(text, text.index("𝓎"), client.encoding), newName="w")
    assert len(edit["changes"][URI]) == 1
    message = client.sent[-1] if client.sent[-1].get("method") == "window/showMessage" else client.sent[-2]
    assert message["params"]["message"] == "`y` is an input: the data must call it `w` as well."


def test_a_renaming_that_an_edit_overtakes_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client("utf-16")
    text, spans = marked(MODEL)
    client.open(URI, text)

    async def overtaken(work: Any, *arguments: Any) -> Any:
        client.server.session.documents[URI].version += 1
        await asyncio.sleep(0)
        return work(*arguments)

    monkeypatch.setattr("qvr_server.features.rename.asyncio.to_thread", overtaken)
    with pytest.raises(Answered) as refused:
        client.at("rename", URI, position(text, spans[0][0], "utf-16"), newName="w")
    assert refused.value.code == CONTENT_MODIFIED
    client.close()
