"""Completion, its resolve and signature help, as clients of several kinds get them."""

from collections.abc import Iterator
from typing import Any

import pytest
from in_process import Client, marked, place, position

URI = "file:///models/completion.qvr"
ENCODINGS = ("utf-8", "utf-16", "utf-32")

ITEM: dict[str, Any] = {
    "snippetSupport": True,
    "commitCharactersSupport": True,
    "documentationFormat": ["markdown", "plaintext"],
    "insertReplaceSupport": True,
    "labelDetailsSupport": True,
    "insertTextModeSupport": {"valueSet": [1, 2]},
}
EVERYTHING: dict[str, Any] = {
    "textDocument": {
        "completion": {
            "completionItem": ITEM,
            "completionItemKind": {"valueSet": list(range(1, 26))},
            "contextSupport": True,
        },
        "signatureHelp": {
            "signatureInformation": {
                "documentationFormat": ["markdown"],
                "parameterInformation": {"labelOffsetSupport": True},
                "activeParameterSupport": True,
            }
        },
    }
}
NOTHING: dict[str, Any] = {"textDocument": {"completion": {}}}

# Wide characters and line ends that are none above the place, and wide characters left of it.
HEAD = """\
## ⊗ 𝒩 😀 \f \v \x85 \u2028
object 𝒮 : FinSet 8
## The mean of all. \u2028 \f 😀
program p : 𝒮 -> 𝒮
    sample 𝒩 <- Normal(0.0, 5.0)
    sample spread <- HalfNormal(1.0)
    sample 𝜏 : 𝒮 <- Normal(𝒩, 1.0)
"""
TAIL = """
    return 𝜏
"""


@pytest.fixture(params=ENCODINGS, scope="module")
def client(request: Any) -> Iterator[Client]:
    started = Client(request.param, EVERYTHING)
    yield started
    started.close()


@pytest.fixture(scope="module")
def plain() -> Iterator[Client]:
    started = Client("utf-16", NOTHING)
    yield started
    started.close()


def asked(client: Client, line: str, line_end: str = "\n", **others: Any) -> tuple[Any, Any]:
    """The completions at the end of the first mark of a line, and the range of the mark."""
    text, [span, *_] = marked((HEAD + line + TAIL).replace("\n", line_end))
    client.open(URI, text)
    found = client.at("completion", URI, position(text, span[1], client.encoding), **others)
    return found, place(text, span, client.encoding)


def item(found: Any, label: str) -> Any:
    return next(each for each in found["items"] if each["label"] == label)


def by_rank(found: Any) -> list[str]:
    return [each["label"] for each in sorted(found["items"], key=lambda each: each["sortText"])]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a_name_replaces_the_word_left_of_the_cursor(client: Client, line_end: str) -> None:
    found, place = asked(client, "    observe 𝓎 : 𝒮 <- Normal(𝜏 + ⟦spr⟧, 1.0)", line_end)
    entry = item(found, "spread")
    assert entry["textEdit"] == {"newText": "spread", "insert": place, "replace": place}
    assert entry["kind"] == 6
    assert entry["detail"] == "latent : Real⁺"
    assert entry["labelDetails"] == {"detail": " : Real⁺"}
    assert "documentation" not in entry


def test_a_family_comes_with_places_for_its_arguments_and_is_documented_when_asked(client: Client) -> None:
    found, place = asked(client, "    observe 𝓎 : 𝒮 <- ⟦Nor⟧ # 😀")
    entry = item(found, "Normal")
    assert entry["insertTextFormat"] == 2
    assert entry["textEdit"] == {
        "newText": "Normal(${1:loc}, ${2:scale})$0",
        "insert": place,
        "replace": place,
    }
    assert not found["isIncomplete"]
    resolved = client.request("completionItem/resolve", entry)
    assert resolved["documentation"]["kind"] == "markdown"
    assert "log density" in resolved["documentation"]["value"]
    assert {**resolved, "documentation": None} == {**entry, "documentation": None}


def test_a_names_documentation_says_where_it_is_drawn(client: Client) -> None:
    found, _ = asked(client, "    let 𝒶 = ⟦spr⟧")
    resolved = client.request("completionItem/resolve", item(found, "spread"))
    assert "drawn from `HalfNormal(1.0)`" in resolved["documentation"]["value"]


def test_a_sign_replaces_its_name_with_the_backslash(client: Client) -> None:
    found, place = asked(client, "    let 𝒶 = 𝜏 + ⟦\\the⟧")
    assert item(found, "\\theta")["textEdit"] == {"newText": "θ", "insert": place, "replace": place}
    assert item(found, "\\theta")["kind"] == 1


def test_a_word_that_is_begun_is_filtered_by_what_the_entries_say_of_themselves(client: Client) -> None:
    """Neovim filters nothing that comes with an edit and without a text to filter by."""
    found, _ = asked(client, "    let 𝒶 = 𝜏 + ⟦sp⟧")
    assert item(found, "spread")["filterText"] == "spread"
    assert all("filterText" in each for each in found["items"])
    assert "filterText" not in item(asked(client, "    let 𝒶 = 𝜏 + ⟦⟧")[0], "spread")


def test_the_order_of_labels_is_that_of_the_sort_text(client: Client) -> None:
    found, _ = asked(client, "    observe 𝓎 : 𝒮 <- Normal(𝜏, ⟦⟧)")
    order = by_rank(found)
    assert order.index("spread") < order.index("exp") < order.index("scale=")


def test_a_trigger_character_asks_only_where_something_is_wanted(client: Client) -> None:
    space = {"context": {"triggerKind": 2, "triggerCharacter": " "}}
    assert asked(client, "    let 𝒶 = 𝜏 ⟦⟧", **space)[0] is None
    assert asked(client, "    let ⟦⟧", **space)[0] is None
    assert item(asked(client, "    sample 𝓍 <- ⟦⟧", **space)[0], "Normal")


def test_a_client_without_snippets_gets_plain_texts(plain: Client) -> None:
    found, place = asked(plain, "    observe 𝓎 : 𝒮 <- ⟦Nor⟧")
    entry = item(found, "Normal")
    assert entry["textEdit"] == {"newText": "Normal", "range": place}
    assert "insertTextFormat" not in entry
    assert "labelDetails" not in entry
    assert "commitCharacters" not in entry
    found, _ = asked(plain, "    ⟦⟧")
    assert [each["label"] for each in found["items"]] == ["sample", "observe", "let", "marginalize", "score"]
    assert all(each["kind"] <= 18 for each in asked(plain, "    let a = ⟦⟧")[0]["items"])
    resolved = plain.request("completionItem/resolve", entry)
    assert resolved["documentation"]["kind"] == "plaintext"
    assert "`" not in resolved["documentation"]["value"]


def test_a_client_with_snippets_gets_whole_steps(client: Client) -> None:
    found, _ = asked(client, "    ⟦mar⟧")
    block = item(found, "marginalize … block")
    assert block["insertTextFormat"] == 2
    assert block["insertTextMode"] == 2
    assert block["filterText"] == "marginalize"
    assert "\n    observe" in block["textEdit"]["newText"]


def test_a_client_that_shares_one_range_gets_it_once() -> None:
    capabilities = {
        "textDocument": {
            "completion": {"completionItem": ITEM, "completionList": {"itemDefaults": ["editRange", "data"]}}
        }
    }
    client = Client("utf-16", capabilities)
    try:
        found, place = asked(client, "    let a = ⟦spr⟧")
        assert found["itemDefaults"]["editRange"] == {"insert": place, "replace": place}
        assert item(found, "spread")["textEditText"] == "spread"
        assert all("textEdit" not in each for each in found["items"])
    finally:
        client.close()


def test_effects_are_taken_with_the_comma_after_them(client: Client) -> None:
    text, [span] = marked(HEAD.replace("program p : 𝒮 -> 𝒮", "program p : 𝒮 -> 𝒮 [effects=[⟦⟧]]") + TAIL)
    client.open(URI, text)
    found = client.at("completion", URI, position(text, span[0], client.encoding))
    assert item(found, "Sample")["commitCharacters"] == [",", "]"]


def test_nothing_in_a_comment(client: Client) -> None:
    assert asked(client, "    # let 𝒶 = ⟦spr⟧")[0] is None


def test_an_entry_of_a_closed_document_is_resolved_to_itself(client: Client) -> None:
    entry = {"label": "Normal", "data": {"uri": "file:///no.qvr", "kind": "family", "program": None}}
    assert client.request("completionItem/resolve", entry)["label"] == "Normal"
    assert client.request("completionItem/resolve", {"label": "x"})["label"] == "x"


def test_initialize_tells_of_both(client: Client) -> None:
    capabilities = client.initialized["capabilities"]
    assert capabilities["completionProvider"]["resolveProvider"] is True
    assert capabilities["completionProvider"]["completionItem"] == {"labelDetailsSupport": True}
    assert set(capabilities["completionProvider"]["triggerCharacters"]) == {" ", "(", "[", "=", "\\"}
    assert capabilities["signatureHelpProvider"]["triggerCharacters"] == ["(", ","]
    assert capabilities["signatureHelpProvider"]["retriggerCharacters"] == [")"]


# ------------------------------------------------------------------------------------- signature help


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_the_active_parameter_is_marked_in_the_label(client: Client, line_end: str) -> None:
    text, [span] = marked((HEAD + "    observe 𝓎 : 𝒮 <- Normal(𝜏, ⟦⟧" + TAIL).replace("\n", line_end))
    client.open(URI, text)
    found = client.at("signatureHelp", URI, position(text, span[0], client.encoding))
    signature = found["signatures"][found["activeSignature"]]
    start, end = signature["parameters"][found["activeParameter"]]["label"]
    assert signature["label"][start:end] == "scale : Real⁺"
    assert signature["activeParameter"] == 1
    assert "how far values spread" in signature["parameters"][1]["documentation"]["value"]


def test_label_offsets_count_utf16_units(client: Client) -> None:
    text, [span] = marked(
        "program 𝓅(𝓈 : Real, 𝒢 : FinSet) : 𝒢 -> 𝒢\n    return 0\n" + HEAD + "    sample x <- 𝓅(⟦⟧" + TAIL
    )
    client.open(URI, text)
    found = client.at("signatureHelp", URI, position(text, span[0], client.encoding))
    label = found["signatures"][0]["label"].encode("utf-16-le")
    shown = [label[2 * start : 2 * end].decode("utf-16-le") for start, end in _offsets(found)]
    assert shown == ["s : Real", "G : FinSet"]


def _offsets(found: Any) -> list[tuple[int, int]]:
    return [tuple(each["label"]) for each in found["signatures"][0]["parameters"]]


def test_a_client_without_offsets_gets_the_parameters_texts(plain: Client) -> None:
    text, [span] = marked(HEAD + "    sample x <- Normal(0.0, 1.0, ⟦⟧" + TAIL)
    plain.open(URI, text)
    found = plain.at("signatureHelp", URI, position(text, span[0], plain.encoding))
    signature = found["signatures"][0]
    assert [each["label"] for each in signature["parameters"]] == ["loc : Real", "scale : Real⁺"]
    # A third argument is none of the two.
    assert found["activeParameter"] == 2
    assert signature["documentation"]["kind"] == "plaintext"


def test_no_help_outside_of_a_call(client: Client) -> None:
    text, [span] = marked(HEAD + "    sample x <- Normal⟦⟧" + TAIL)
    client.open(URI, text)
    assert client.at("signatureHelp", URI, position(text, span[0], client.encoding)) is None
