"""Going from a name to other places, in every encoding, with wide characters and strange line ends about."""

from collections.abc import Iterator
from typing import Any

import pytest
from in_process import Client, marked, place, position

URI = "file:///models/places.qvr"
LINKS = {"linkSupport": True}
CAPABILITIES = {"textDocument": {"definition": LINKS, "typeDefinition": LINKS, "declaration": LINKS}}

# Every place of `𝜏` is marked, then its object, and wide characters stand left of most of them.
MODEL = """\
## ⊗ 𝒩 😀 \f \v \x85 \u2028
object ⟦𝒮⟧ : FinSet 8
program p : 𝒮 -> 𝒮 # ⊗ 𝒩 😀 \f \v \x85 \u2028
    sample ⟦𝜏⟧ : 𝒮 <- Normal(0.0, 1.0)
    let 𝒩 = factor ⟦ı⟧ : 𝒮 in ⟦𝜏⟧[⟦ı⟧] + sum(⟦𝜏⟧)
    observe ⟦𝓎⟧ : 𝒮 <- Normal(𝒩 + 0.0 * ⟦𝓎⟧, 1.0)
    return ⟦𝜏⟧
"""


@pytest.fixture(params=["utf-8", "utf-16", "utf-32"], scope="module")
def client(request: Any) -> Iterator[Client]:
    started = Client(request.param, CAPABILITIES)
    yield started
    started.close()


@pytest.fixture(params=["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def opened(request: Any, client: Client) -> tuple[str, list[dict[str, Any]]]:
    """The open model's text, and its marked places."""
    text, spans = marked(MODEL.replace("\n", request.param))
    client.open(URI, text)
    return text, [place(text, span, client.encoding) for span in spans]


def test_a_definition_is_a_link_to_the_name_in_its_step(
    client: Client, opened: tuple[str, list[dict[str, Any]]]
) -> None:
    text, places = opened
    for method in ("definition", "declaration"):
        [link] = client.at(method, URI, places[8]["start"])
        start = text.index("sample")
        step = place(text, (start, text.index("Normal(0.0, 1.0)") + 16), client.encoding)
        assert link == {
            "targetUri": URI,
            "targetRange": step,
            "targetSelectionRange": places[1],
            "originSelectionRange": places[8],
        }


def test_a_type_definition_is_the_object(client: Client, opened: tuple[str, list[dict[str, Any]]]) -> None:
    _, places = opened
    [link] = client.at("typeDefinition", URI, places[5]["end"])
    assert link["targetSelectionRange"] == places[0]


def test_references_are_all_places_or_all_but_the_binding_one(
    client: Client, opened: tuple[str, list[dict[str, Any]]]
) -> None:
    _, places = opened
    wanted = [places[number] for number in (1, 3, 5, 8)]
    found = client.at("references", URI, places[3]["start"], context={"includeDeclaration": True})
    assert [each["range"] for each in found] == wanted
    assert {each["uri"] for each in found} == {URI}
    found = client.at("references", URI, places[3]["start"], context={"includeDeclaration": False})
    assert [each["range"] for each in found] == wanted[1:]


def test_highlights_tell_writing_from_reading(
    client: Client, opened: tuple[str, list[dict[str, Any]]]
) -> None:
    _, places = opened
    write, read = 3, 2
    found = client.at("documentHighlight", URI, places[8]["end"])
    assert [(each["range"], each["kind"]) for each in found] == [
        (places[1], write),
        (places[3], read),
        (places[5], read),
        (places[8], read),
    ]
    found = client.at("documentHighlight", URI, places[7]["end"])
    assert [(each["range"], each["kind"]) for each in found] == [(places[6], write), (places[7], read)]


def test_linked_editing_has_the_places_of_an_index(
    client: Client, opened: tuple[str, list[dict[str, Any]]]
) -> None:
    _, places = opened
    found = client.at("linkedEditingRange", URI, places[4]["end"])
    assert found["ranges"] == [places[2], places[4]]
    assert found["wordPattern"]
    assert client.at("linkedEditingRange", URI, places[5]["end"]) is None


def test_the_call_hierarchy_goes_both_ways(client: Client, opened: tuple[str, list[dict[str, Any]]]) -> None:
    _, places = opened
    [item] = client.at("prepareCallHierarchy", URI, places[3]["start"])
    assert (item["name"], item["detail"], item["selectionRange"]) == ("τ", "S ⊗ Real", places[1])
    incoming = client.request("callHierarchy/incomingCalls", {"item": item})
    assert [(each["from"]["name"], each["fromRanges"]) for each in incoming] == [
        ("N", [places[3], places[5]]),
        ("p", [places[8]]),
    ]
    outgoing = client.request("callHierarchy/outgoingCalls", {"item": incoming[0]["from"]})
    assert [(each["to"]["name"], each["fromRanges"][-1]) for each in outgoing][1] == ("τ", places[5])
    assert outgoing[0]["to"]["selectionRange"] == places[0]


def test_an_item_of_the_hierarchy_that_an_edit_removed_has_no_answer(client: Client) -> None:
    text, [span] = marked("object A : FinSet 2\nprogram p : A -> A\n    let ⟦x⟧ = index(A)\n    return x\n")
    client.open(URI, text)
    [item] = client.at("prepareCallHierarchy", URI, position(text, span[0], client.encoding))
    assert client.request("callHierarchy/incomingCalls", {"item": item})
    client.change(URI, {"text": "\n" + text})
    assert client.request("callHierarchy/incomingCalls", {"item": item}) is None
    assert client.request("callHierarchy/outgoingCalls", {"item": {**item, "uri": "file:///other"}}) is None


@pytest.mark.parametrize("method", ["definition", "declaration", "typeDefinition", "prepareCallHierarchy"])
def test_where_no_name_stands_the_answer_is_null(client: Client, method: str) -> None:
    client.open(URI, "object A : FinSet 2 # A\n\n")
    for line, character in ((0, 12), (0, 22), (1, 0), (9, 9)):
        assert client.at(method, URI, {"line": line, "character": character}) is None


def test_a_client_without_links_is_given_locations() -> None:
    client = Client("utf-16", {"textDocument": {}})
    text, [bound, used] = marked(
        "object A : FinSet 2\nprogram p : A -> A\n    let ⟦x⟧ = index(A)\n    return ⟦x⟧\n"
    )
    client.open(URI, text)
    [found] = client.at("definition", URI, position(text, used[0], "utf-16"))
    assert found == {"uri": URI, "range": place(text, bound, "utf-16")}
    [found] = client.at("typeDefinition", URI, position(text, used[0], "utf-16"))
    assert found == {"uri": URI, "range": place(text, (7, 8), "utf-16")}
    client.close()


def test_the_kinds_of_items_follow_what_the_names_are(client: Client) -> None:
    text = """\
object A : FinSet 2
data d : A * Real
program f(G : FinSet, s : Real) : G -> G
    let z = s * index(G)
    return z
program p : A -> A
    sample x : A <- Normal(d, k)
    sample t <- f(A, 1.0)
    return x + t
"""
    client.open(URI, text)
    kinds = {}
    for name in ("A :", "d :", "f(", "G :", "s :", "z =", "p :", "x :", "k)"):
        [item] = client.at(
            "prepareCallHierarchy", URI, position(text, text.index(f"{name}"), client.encoding)
        )
        kinds[name] = item["kind"]
    enum, field, function, constant, variable, parameter = 10, 8, 12, 14, 13, 26
    assert kinds == {
        "A :": enum,
        "d :": field,
        "f(": function,
        "G :": parameter,
        "s :": variable,
        "z =": constant,
        "p :": function,
        "x :": variable,
        "k)": field,
    }
