"""The diagrams of the examples and of one model of each kind, as text and as DOT, beside what is expected.

`QVR_REWRITE_FIXTURES` writes what is found in the place of what is expected.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from quivers.check.analysis import check_source
from quivers.plate.diagram import Diagram, Kind, Link
from quivers.plate.forms import written
from quivers.plate.reading import diagram

HERE = Path(__file__).parent
EXAMPLES = HERE.parent.parent / "examples"
MODELS = sorted([*EXAMPLES.glob("*/[!.]*.qvr"), *(HERE / "models").glob("*.qvr")])


def read(path: Path) -> Diagram:
    source = path.read_bytes()
    checked = check_source(source)
    program = checked.program_to_run()
    assert program is not None
    assert not program.has_errors
    return diagram(checked, program, source)


@pytest.mark.parametrize("form", ["text", "dot"])
@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_the_diagram_is_the_expected_one(path: Path, form: str) -> None:
    expected = HERE / "expected" / f"{path.stem}.{'txt' if form == 'text' else form}"
    found = written(read(path), form)
    if "QVR_REWRITE_FIXTURES" in os.environ:
        expected.write_text(found, encoding="utf-8", newline="\n")
    assert found == expected.read_text(encoding="utf-8")


def edges(path: Path) -> set[tuple[str, str, Link]]:
    return {(edge.source, edge.target, edge.link) for edge in read(path).edges}


def test_a_called_programs_steps_stand_under_the_draws_name_and_rest_on_its_arguments() -> None:
    found = edges(HERE / "models/called.qvr")
    assert ("spread", "theta.mu", Link.VALUE) in found
    assert ("theta.z", "theta", Link.VALUE) in found
    assert ("theta", "y", Link.VALUE) in found
    assert not [edge for edge in found if edge[:2] == ("spread", "beta.mu")]


def test_a_scan_and_a_lag_read_earlier_places() -> None:
    assert ("level", "level", Link.EARLIER) in edges(HERE / "models/series.qvr")
    assert ("y", "earlier", Link.EARLIER) in edges(EXAMPLES / "ar_k/ar_k.qvr")


def test_a_summed_out_latent_stands_in_the_plates_of_what_it_is_drawn_for() -> None:
    found = read(HERE / "models/grouped_mixture.qvr")
    [latent] = [node for node in found.nodes if node.marginalised]
    assert (latent.name, latent.discrete, [str(axis) for axis in latent.axes]) == ("z", True, ["Group"])
    [score] = [node for node in found.nodes if node.kind is Kind.SCORE]
    assert score.name == "gently"


def test_an_input_that_maps_elements_puts_one_plate_within_another() -> None:
    found = read(HERE / "models/nested.qvr")
    assert {str(axis) for axis in found.around["age"]} == {"Student", "Term", "School", "District"}


def test_two_maps_into_one_object_put_nothing_within_it() -> None:
    source = (
        b"object Team : FinSet 6\nobject Game : FinSet\ndata home : Game -> Team\ndata away : Game -> Team\n"
        b"program p : Game -> Team\n    sample skill : Team <- Normal(0.0, 1.0)\n"
        b"    observe goals : Game <- Normal(skill[home] - skill[away], 1.0)\n    return skill\n"
    )
    checked = check_source(source)
    found = diagram(checked, checked.programs["p"], source)
    assert [str(axis) for axis in found.around["goals"]] == ["Game"]
