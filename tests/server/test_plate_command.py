"""`qvr.plate`: which program is drawn, from which text, and where its nodes stand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from in_process import Answered, Client

URI = "untitled:drawn.qvr"
TEXT = """\
object School : FinSet 8
object Item : FinSet 3

## ⊗ 𝒩
program first : School -> School
    sample theta : School <- Normal(0.0, 5.0)
    observe y : School <- Normal(theta, 10.0)
    return theta

program second : Item -> Item
    sample beta : Item <- Normal(0.0, 5.0)
    observe y : Item <- Normal(beta, 10.0)
    return beta
"""


@pytest.fixture
def client() -> Iterator[Client]:
    started = Client()
    started.open(URI, TEXT)
    yield started
    started.close()


def plate(client: Client, **arguments: Any) -> Any:
    given = {"uri": URI, **arguments}
    return client.request("workspace/executeCommand", {"command": "qvr.plate", "arguments": [given]})


def test_the_program_around_the_position_is_drawn(client: Client) -> None:
    assert plate(client, position={"line": 5, "character": 12})["program"] == "first"
    assert plate(client, position={"line": 11, "character": 0})["program"] == "second"
    assert plate(client, position={"line": 0, "character": 0})["program"] == "second"
    assert plate(client, program="first", position={"line": 11, "character": 0})["program"] == "first"


def test_each_node_has_its_place_in_the_model_and_in_the_text(client: Client) -> None:
    answer = plate(client, program="first")
    shown = answer["text"].splitlines()
    lines = TEXT.splitlines()
    for node in answer["nodes"]:
        assert f" {node['name']} " in shown[node["line"]]
        place = node["range"]
        written = lines[place["start"]["line"]][place["start"]["character"] : place["end"]["character"]]
        assert written == node["name"]


@pytest.mark.parametrize("form", ["svg", "dot", "mermaid"])
def test_every_form_is_to_be_had(client: Client, form: str) -> None:
    answer = plate(client, form=form)
    begins = {"svg": "<svg", "dot": "digraph", "mermaid": "flowchart"}[form]
    assert answer["form"] == form
    assert answer["text"].startswith(begins)


def test_the_text_being_edited_is_drawn_and_an_error_elsewhere_does_not_matter(client: Client) -> None:
    client.change(
        URI, {"text": TEXT.replace("Normal(beta, 10.0)", "Nrmal(beta, 10.0)").replace("theta", "effect")}
    )
    names = [node["name"] for node in plate(client, program="first")["nodes"]]
    assert names == ["effect", "y"]
    with pytest.raises(Answered, match="second has 1 error, so it can't be drawn") as refused:
        plate(client, program="second")
    assert refused.value.data == {"kind": "program"}


def test_an_unknown_program_and_an_unknown_form_are_refused_in_a_sentence(client: Client) -> None:
    with pytest.raises(Answered, match="has no program third"):
        plate(client, program="third")
    with pytest.raises(Answered, match="`form` must be svg, dot, mermaid or text"):
        plate(client, form="png")


def test_a_file_without_programs_is_refused(client: Client) -> None:
    client.change(URI, {"text": "object School : FinSet 8\n"})
    with pytest.raises(Answered, match="has no program to draw"):
        plate(client)
