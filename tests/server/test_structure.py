"""Outline, colours, folds, selections, hints, links and layout as clients get them, in every encoding."""

import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from in_process import Answered, Client, character, marked, place, position

from qvr_server.features import formatting, symbols

URI = "file:///models/structure.qvr"
LINE_ENDS = ("\n", "\r\n", "\r")
CAPABILITIES: dict[str, Any] = {
    "textDocument": {
        "hover": {"contentFormat": ["markdown"]},
        "documentSymbol": {"hierarchicalDocumentSymbolSupport": True},
        "documentLink": {"tooltipSupport": True},
    }
}

MODEL = """\
## ⊗ 𝒩 😀 \f \v \x85 \u2028 https://mc-stan.org/😀
## doi:10.1/x
object 𝒮 : FinSet 8 # 😀
program 𝒫 : 𝒮 -> 𝒮
    sample 𝒩 <- Normal(0.0, 5.0) # \u2028 😀
    sample 𝜏 : 𝒮 <- Normal(
        𝒩, 1.0) # 😀
    let 𝜃 = 𝜏 + 𝒩 * exp(𝜏)
    observe y : 𝒮 <- Normal(𝜃, 1.0)
    return 𝜃
"""


@pytest.fixture(params=("utf-8", "utf-16", "utf-32"), scope="module")
def client(request: Any) -> Iterator[Client]:
    started = Client(request.param, CAPABILITIES)
    yield started
    started.close()


@pytest.fixture
def plain() -> Iterator[Callable[..., Client]]:
    started: list[Client] = []

    def start(capabilities: dict[str, Any] | None = None, **others: Any) -> Client:
        started.append(Client(capabilities=capabilities or {"general": {}}, **others))
        return started[-1]

    yield start
    for each in started:
        each.close()


def ask(client: Client, method: str, uri: str = URI, **others: Any) -> Any:
    return client.request(f"textDocument/{method}", {"textDocument": {"uri": uri}, **others})


def words(text: str, ranges: list[dict[str, Any]], encoding: str) -> list[str]:
    """The text of some ranges."""
    return [
        text[character(text, each["start"], encoding) : character(text, each["end"], encoding)]
        for each in ranges
    ]


def all_of(text: str, encoding: str) -> dict[str, Any]:
    return place(text, (0, len(text)), encoding)


def applied(text: str, edits: list[dict[str, Any]], encoding: str) -> str:
    for edit in sorted(edits, key=lambda edit: (edit["range"]["start"]["line"],), reverse=True):
        start = character(text, edit["range"]["start"], encoding)
        text = text[:start] + edit["newText"] + text[character(text, edit["range"]["end"], encoding) :]
    return text


@pytest.mark.parametrize("line_end", LINE_ENDS)
def test_the_outline_covers_declarations_and_names_its_steps(client: Client, line_end: str) -> None:
    text = MODEL.replace("\n", line_end)
    client.open(URI, text)
    found = ask(client, "documentSymbol")
    assert words(text, [each["selectionRange"] for each in found], client.encoding) == ["𝒮", "𝒫"]
    steps = found[1]["children"]
    assert words(text, [each["selectionRange"] for each in steps], client.encoding) == ["𝒩", "𝜏", "𝜃", "y"]
    assert words(text, [steps[2]["range"]], client.encoding) == ["let 𝜃 = 𝜏 + 𝒩 * exp(𝜏)"]
    assert [each["detail"] for each in steps] == ["Real", "S ⊗ Real", "S ⊗ Real", "S ⊗ Real"]


@pytest.mark.parametrize("line_end", LINE_ENDS)
def test_each_token_covers_its_word(client: Client, line_end: str) -> None:
    text = MODEL.replace("\n", line_end)
    client.open(URI, text)
    data = ask(client, "semanticTokens/full")["data"]
    found, line, column = [], 0, 0
    for at in range(0, len(data), 5):
        down, right, length = data[at : at + 3]
        line, column = line + down, right if down else column + right
        ends = [{"line": line, "character": at} for at in (column, column + length)]
        found.append({"start": ends[0], "end": ends[1]})
    shown = words(text, found, client.encoding)
    assert shown[:6] == [*MODEL.split("\n")[:2], "object", "𝒮", "FinSet", "8"]
    assert "𝜃 = 𝜏 + 𝒩 * exp 𝜏" in " ".join(shown)


@pytest.mark.parametrize("line_end", LINE_ENDS)
def test_folds_hide_what_they_say(client: Client, line_end: str) -> None:
    text = MODEL.replace("\n", line_end)
    client.open(URI, text)
    found = ask(client, "foldingRange")
    hidden = [
        text[
            character(
                text, {"line": each["startLine"], "character": each["startCharacter"]}, client.encoding
            ) : character(text, {"line": each["endLine"], "character": each["endCharacter"]}, client.encoding)
        ]
        for each in found
    ]
    assert hidden[0] == f"{line_end}## doi:10.1/x"
    assert hidden[1].startswith(f"{line_end}    sample 𝒩")
    assert hidden[1].endswith("return 𝜃")
    assert hidden[2] == f"{line_end}        𝒩, 1.0"
    assert [each.get("kind") for each in found] == ["comment", None, None]


@pytest.mark.parametrize("line_end", LINE_ENDS)
def test_selections_grow_at_each_of_several_places(client: Client, line_end: str) -> None:
    text, spans = marked(
        MODEL.replace("exp(𝜏)", "exp(⟦𝜏⟧)").replace("Normal(𝜃", "⟦Normal⟧(𝜃").replace("\n", line_end)
    )
    client.open(URI, text)
    places = [position(text, start, client.encoding) for start, _ in spans]
    found = ask(client, "selectionRange", positions=places)
    grown: list[list[str]] = []
    for here in found:
        ranges = []
        while here is not None:
            ranges.append(here["range"])
            here = here.get("parent")
        grown.append(words(text, ranges, client.encoding))
    assert grown[0][:4] == ["𝜏", "exp(𝜏)", "𝒩 * exp(𝜏)", "𝜏 + 𝒩 * exp(𝜏)"]
    assert grown[1][:2] == ["Normal", "Normal(𝜃, 1.0)"]
    assert grown[0][-1] == grown[1][-1] == text


@pytest.mark.parametrize("line_end", LINE_ENDS)
def test_hints_stand_behind_their_names(client: Client, line_end: str) -> None:
    text = MODEL.replace("\n", line_end)
    client.open(URI, text)
    found = ask(client, "inlayHint", range=all_of(text, client.encoding))
    before = {
        label(hint): text[: character(text, hint["position"], client.encoding)].rsplit(maxsplit=1)[-1]
        for hint in found
    }
    assert before == {"inputs y : S ⊗ Real": "𝒮", ": Real": "𝒩", ": S ⊗ Real": "𝜃"}
    (hint,) = [hint for hint in found if label(hint) == ": S ⊗ Real"]
    (lead,) = [part["location"] for part in hint["label"] if "location" in part]
    assert words(text, [lead["range"]], client.encoding) == ["𝒮"]
    resolved = client.request("inlayHint/resolve", hint)
    assert resolved["tooltip"]["kind"] == "markdown"
    assert "let" in resolved["tooltip"]["value"]


def label(hint: dict[str, Any]) -> str:
    given = hint["label"]
    return given if isinstance(given, str) else "".join(part["value"] for part in given)


def test_a_hint_of_an_older_text_is_given_back_as_it_is(client: Client) -> None:
    client.open(URI, MODEL)
    hint = ask(client, "inlayHint", range=all_of(MODEL, client.encoding))[0]
    client.change(URI, {"text": MODEL + "\n"})
    assert client.request("inlayHint/resolve", hint) == hint


@pytest.mark.parametrize("line_end", LINE_ENDS)
def test_links_cover_what_they_lead_to(client: Client, line_end: str) -> None:
    text = MODEL.replace("\n", line_end)
    client.open(URI, text)
    found = ask(client, "documentLink")
    covered = words(text, [each["range"] for each in found], client.encoding)
    assert covered == ["https://mc-stan.org/😀", "doi:10.1/x"]
    assert [each["target"] for each in found] == ["https://mc-stan.org/😀", "https://doi.org/10.1/x"]
    assert found[1]["tooltip"] == "Open the article, DOI 10.1/x"
    assert client.request("documentLink/resolve", found[0]) == found[0]


OPTIONS = {"tabSize": 2, "insertSpaces": False}


@pytest.mark.parametrize("line_end", LINE_ENDS)
def test_layout_changes_only_what_is_asked_for(client: Client, line_end: str) -> None:
    untidy = (
        MODEL.replace("let 𝜃 = 𝜏 +", "let 𝜃=𝜏+").replace("object 𝒮 :", "object 𝒮:").replace("\n", line_end)
    )
    client.open(URI, untidy)
    at = untidy.index("𝜃=")
    here = place(untidy, (at, at + 1), client.encoding)
    found = ask(client, "rangeFormatting", range=here, options=OPTIONS)
    assert applied(untidy, found, client.encoding).replace(line_end, "\n").replace("\r\n", "\n") == (
        MODEL.replace("object 𝒮 :", "object 𝒮:")
    )
    ranges = [here, place(untidy, (untidy.index("𝒮:"),) * 2, client.encoding)]
    both = ask(client, "rangesFormatting", ranges=ranges, options=OPTIONS)
    assert applied(untidy, both, client.encoding).replace("\r\n", "\n").replace("\r", "\n") == (
        MODEL.replace("8 #", "8  #")
    )
    whole = applied(untidy, ask(client, "formatting", options=OPTIONS), client.encoding)
    assert "let 𝜃 = 𝜏 + 𝒩 * exp(𝜏)" in whole
    client.open(URI, whole)
    assert ask(client, "formatting", options=OPTIONS) == []


@pytest.mark.parametrize("line_end", LINE_ENDS)
def test_enter_indents_the_new_line(client: Client, line_end: str) -> None:
    text, [span] = marked(MODEL.replace("    sample 𝒩", "⟦⟧\n    sample 𝒩").replace("\n", line_end))
    client.open(URI, text)
    here = position(text, span[0], client.encoding)
    (edit,) = ask(client, "onTypeFormatting", position=here, ch="\n", options=OPTIONS)
    assert edit == {"range": {"start": here, "end": here}, "newText": "    "}


# ------------------------------------------------------------------------ what clients can and can't


def test_a_client_without_hierarchy_gets_a_flat_outline(plain: Callable[..., Client]) -> None:
    client = plain()
    client.open(URI, MODEL)
    found = ask(client, "documentSymbol")
    assert [(each["name"], each.get("containerName")) for each in found][:3] == [
        ("S", None),
        ("P", None),
        ("N", "P"),
    ]
    assert all(each["location"]["uri"] == URI for each in found)


def test_folds_are_of_whole_lines_and_no_more_than_wanted(plain: Callable[..., Client]) -> None:
    folding = {"lineFoldingOnly": True, "rangeLimit": 2}
    client = plain({"textDocument": {"foldingRange": folding}})
    brackets = MODEL.replace("𝒩, 1.0) #", "𝒩, 1.0\n    ) #")
    client.open(URI, brackets)
    found = ask(client, "foldingRange")
    assert found == [{"startLine": 0, "endLine": 1, "kind": "comment"}, {"startLine": 3, "endLine": 10}]


def test_a_delta_makes_the_new_tokens_of_the_old(client: Client) -> None:
    client.open(URI, MODEL)
    answer = ask(client, "semanticTokens/full")
    data, identity = answer["data"], answer["resultId"]
    for old, new in [
        ("exp(𝜏)", "exp(𝜏) - 1"),
        ("object 𝒮", "# 😀\nobject 𝒮"),
        ("    return 𝜃\n", ""),
        ("x", "x"),
    ]:
        text = MODEL.replace(old, new)
        client.change(URI, {"text": text})
        answer = ask(client, "semanticTokens/full/delta", previousResultId=identity)
        for edit in answer["edits"]:
            data[edit["start"] : edit["start"] + edit["deleteCount"]] = edit.get("data", [])
        assert len(answer["edits"]) <= 1
        identity = answer["resultId"]
        start = {"line": 0, "character": 0}
        whole = {"start": start, "end": {"line": 99, "character": 0}}
        assert data == ask(client, "semanticTokens/range", range=whole)["data"]


def test_a_delta_may_be_to_the_answer_before_one_that_was_given_up(client: Client) -> None:
    client.open(URI, MODEL)
    first = ask(client, "semanticTokens/full")["resultId"]
    ask(client, "semanticTokens/full/delta", previousResultId=first)
    assert ask(client, "semanticTokens/full/delta", previousResultId=first)["edits"] == []


def test_hints_of_a_large_file_are_those_of_its_parts(client: Client) -> None:
    text = MODEL + "".join(
        MODEL[MODEL.index("program") :].replace("𝒫", f"p{number}") for number in range(200)
    )
    client.open(URI, text)
    whole = ask(client, "inlayHint", range=all_of(text, client.encoding))
    assert len(whole) == 3 * 201
    part = place(text, (text.index("p50"), text.index("p51")), client.encoding)
    found = ask(client, "inlayHint", range=part)
    assert found
    assert found == [hint for hint in whole if hint in found]


def test_what_takes_long_is_worked_out_on_another_thread(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []
    for module, name in [(symbols, "outline"), (formatting, "format_document")]:
        true = getattr(module, name)

        def noted(*given: Any, true: Any = true, **others: Any) -> Any:
            threads.append(threading.current_thread())
            return true(*given, **others)

        monkeypatch.setattr(module, name, noted)
    text = "\n\n".join(MODEL.replace("𝒫", f"p{number}").replace("𝒮", f"s{number}") for number in range(40))
    for source in (MODEL, text):
        client.open(URI, source)
        ask(client, "documentSymbol")
        ask(client, "formatting", options=OPTIONS)
    assert [each is threading.main_thread() for each in threads] == [True, True, False, False]


def test_a_delta_to_an_answer_that_is_gone_is_all_tokens(client: Client) -> None:
    client.open(URI, MODEL)
    first = ask(client, "semanticTokens/full")
    ask(client, "semanticTokens/full")
    answer = ask(client, "semanticTokens/full/delta", previousResultId=first["resultId"])
    assert answer["data"] == first["data"]


def test_switches_turn_hints_off(plain: Callable[..., Client]) -> None:
    client = plain(options={"inlayHints": {"types": False}})
    client.open(URI, MODEL)
    found = ask(client, "inlayHint", range=all_of(MODEL, client.encoding))
    assert [label(hint).split()[0] for hint in found] == ["inputs"]


def test_the_data_file_beside_a_model_is_linked(plain: Callable[..., Client], tmp_path: Path) -> None:
    model = tmp_path / "m.qvr"
    uri = model.as_uri()
    client = plain()
    client.open(uri, MODEL)
    assert [each for each in ask(client, "documentLink", uri) if "target" not in each] == []
    (tmp_path / "m.data.json").write_text('{"y": [1, 2, 3, 4, 5, 6, 7, 8]}', encoding="utf-8")
    (link,) = [each for each in ask(client, "documentLink", uri) if "target" not in each]
    assert words(MODEL, [link["range"]], client.encoding) == ["observe"]
    assert client.request("documentLink/resolve", link)["target"] == (tmp_path / "m.data.json").as_uri()


@pytest.mark.parametrize(
    "method",
    ["documentSymbol", "foldingRange", "documentLink", "semanticTokens/full", "formatting"],
)
def test_an_empty_text_and_one_of_no_model_have_answers(client: Client, method: str) -> None:
    options = {"options": OPTIONS} if method == "formatting" else {}
    for text in ("", "\r\n", "\f", "😀", "program", "object a : FinSet 2\n) ] (" * 3):
        client.open(URI, text)
        assert ask(client, method, **options) is not None


def test_no_answer_fails_at_any_prefix(client: Client) -> None:
    for end in range(0, len(MODEL) + 1, 17):
        text = MODEL[:end]
        client.open(URI, text)
        here = position(text, end, client.encoding)
        whole = all_of(text, client.encoding)
        for method, others in [
            ("documentSymbol", {}),
            ("foldingRange", {}),
            ("documentLink", {}),
            ("semanticTokens/full", {}),
            ("semanticTokens/range", {"range": whole}),
            ("selectionRange", {"positions": [here]}),
            ("inlayHint", {"range": whole}),
            ("rangeFormatting", {"range": whole, "options": OPTIONS}),
            ("onTypeFormatting", {"position": here, "ch": "\n", "options": OPTIONS}),
        ]:
            try:
                ask(client, method, **others)
            except Answered as error:
                pytest.fail(f"{method} at {end}: {error}")


# --------------------------------------------------------------------------------------- workspace


def test_workspace_symbols_are_those_of_open_and_closed_models(
    plain: Callable[..., Client], tmp_path: Path
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "node_modules").mkdir()
    closed, shadowed = tmp_path / "sub" / "closed.qvr", tmp_path / "open.qvr"
    for path in (closed, tmp_path / ".hidden" / "a.qvr", tmp_path / "node_modules" / "b.qvr"):
        path.write_text("# 😀 ⊗\nobject ⊗ : FinSet 2\nobject Colour : FinSet 2\n", encoding="utf-8")
    shadowed.write_text("object Colours : FinSet 2\n", encoding="utf-8")
    (tmp_path / "broken.qvr").write_bytes(b"\xff\xfe\x00")
    client = plain(root=tmp_path.as_uri())
    client.open(shadowed.as_uri(), "object Colander : FinSet 2\n")

    def named(query: str) -> list[tuple[str, str]]:
        found = client.request("workspace/symbol", {"query": query})
        return [(each["name"], each["location"]["uri"]) for each in found]

    assert named("col") == [("Colour", closed.as_uri()), ("Colander", shadowed.as_uri())]
    assert named("clr") == [("Colour", closed.as_uri()), ("Colander", shadowed.as_uri())]
    assert named("xyz") == []
    closed.write_text("object Colouring : FinSet 2\n", encoding="utf-8")
    assert named("colou") == [("Colouring", closed.as_uri())]
    closed.unlink()
    assert named("colou") == []


def test_a_root_that_is_a_file_or_missing_or_none_is_fine(
    plain: Callable[..., Client], tmp_path: Path
) -> None:
    model = tmp_path / "one.qvr"
    model.write_text("object Colour : FinSet 2\n", encoding="utf-8")
    for root, count in [(model.as_uri(), 1), ((tmp_path / "gone").as_uri(), 0), (None, 0)]:
        client = plain(root=root)
        assert len(client.request("workspace/symbol", {"query": ""})) == count


def test_legend_names_standard_kinds_first(client: Client) -> None:
    legend = client.initialized["capabilities"]["semanticTokensProvider"]["legend"]
    assert all(re.fullmatch("[a-zA-Z]+", name) for name in legend["tokenTypes"] + legend["tokenModifiers"])
    assert legend["tokenModifiers"][-4:] == ["latent", "observed", "data", "discrete"]
