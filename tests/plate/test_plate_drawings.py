"""Drawings of generated programs: nodes in their plates alone, nothing over anything, whole files."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest
from drawn_programs import programs
from hypothesis import given, settings

from quivers.check.analysis import check_source
from quivers.plate.clusters import Cluster, clustered
from quivers.plate.diagram import Diagram, Kind, Link
from quivers.plate.dot import dot
from quivers.plate.layout import Box, Layout, Rectangle, layout
from quivers.plate.mermaid import mermaid
from quivers.plate.reading import diagram
from quivers.plate.svg import svg
from quivers.plate.text import columns, lines

EXAMPLES = sorted((Path(__file__).parent.parent.parent / "examples").glob("*/[!.]*.qvr"))


def read(text: str) -> Diagram:
    checked = check_source(text)
    program = checked.program_to_run()
    assert program is not None
    assert not program.has_errors, [problem.message for problem in checked.diagnostics]
    return diagram(checked, program, text.encode())


def inside(box: Box, rectangle: Rectangle) -> bool:
    return (
        rectangle.left <= box.x - box.width / 2
        and box.x + box.width / 2 <= rectangle.right
        and rectangle.top <= box.y - box.height / 2
        and box.y + box.height / 2 <= rectangle.bottom
    )


def apart(box: Box, rectangle: Rectangle) -> bool:
    return (
        rectangle.left >= box.x + box.width / 2
        or box.x - box.width / 2 >= rectangle.right
        or rectangle.top >= box.y + box.height / 2
        or box.y - box.height / 2 >= rectangle.bottom
    )


def check_plates(found: Diagram, drawn: Layout) -> None:
    for rectangle in drawn.rectangles:
        for key, box in drawn.boxes.items():
            if key in rectangle.members:
                assert inside(box, rectangle), (key, rectangle)
            else:
                assert apart(box, rectangle), (key, rectangle)
    for node in found.nodes:
        around = {each.axis for each in drawn.rectangles if node.key in each.members}
        # What is within a plate by an input alone may be drawn beside it where plates cross.
        assert set(node.axes) <= around <= set(found.around[node.key])


def check_nodes(drawn: Layout) -> None:
    for (one, first), (other, second) in combinations(drawn.boxes.items(), 2):
        beside = abs(first.x - second.x) >= (first.width + second.width) / 2
        above = abs(first.y - second.y) >= (first.height + second.height) / 2
        assert beside or above, (one, other)
    for box in drawn.boxes.values():
        assert box.x - box.width / 2 > 0
        assert box.x + box.width / 2 < drawn.width
        assert box.y - box.height / 2 > 0
        assert box.y + box.height / 2 < drawn.height


@settings(max_examples=80, deadline=None)
@given(programs())
def test_every_node_stands_in_its_plates_and_in_no_other_and_on_no_other_node(text: str) -> None:
    found = read(text)
    drawn = layout(found)
    check_plates(found, drawn)
    check_nodes(drawn)
    keys = {node.key for node in found.nodes}
    assert len(keys) == len(found.nodes)
    assert all({edge.source, edge.target} <= keys for edge in found.edges)
    borders = {(each.left, each.right, each.top, each.bottom) for each in drawn.rectangles}
    assert len(borders) == len(drawn.rectangles)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_are_drawn_with_every_edge_around_the_nodes_that_it_does_not_join(path: Path) -> None:
    found = read(path.read_text(encoding="utf-8"))
    drawn = layout(found)
    check_plates(found, drawn)
    check_nodes(drawn)
    for edge in drawn.paths:
        ends = (edge.edge.source, edge.edge.target)
        for key, box in drawn.boxes.items():
            if key not in ends:
                assert not any(box.covers(point) for point in edge.points(40)), (ends, key)


@settings(max_examples=40, deadline=None)
@given(programs())
def test_every_form_is_whole_and_the_same_each_time(text: str) -> None:
    found = read(text)
    tree = ElementTree.fromstring(svg(found))
    drawn = [each.get("data-key") for each in tree.iter() if each.get("data-key")]
    assert sorted(filter(None, drawn)) == sorted(node.key for node in found.nodes)
    graph = dot(found)
    assert graph.count("{") == graph.count("}")
    assert len(re.findall(r'^ *".*" -> ".*?"(?: \[.*\])?;$', graph, re.MULTILINE)) == len(found.edges)
    flow = mermaid(found)
    assert flow.count("subgraph ") == len(re.findall(r"^ *end$", flow, re.MULTILINE))
    again = read(text)
    assert (svg(again), dot(again), mermaid(again)) == (svg(found), graph, flow)


@settings(max_examples=40, deadline=None)
@given(programs())
def test_clusters_hold_each_node_once_within_its_axes_and_the_boxes_of_the_text_are_even(text: str) -> None:
    found = read(text)
    seen: dict[str, set[str]] = {}

    def walk(cluster: Cluster, around: set[str]) -> None:
        around = around | {str(plate.axis) for plate in cluster.plates}
        for node in cluster.nodes:
            assert node.key not in seen
            seen[node.key] = around
        for inner in cluster.clusters:
            walk(inner, around)

    walk(clustered(found), set())
    assert seen.keys() == {node.key for node in found.nodes}
    for node in found.nodes:
        own, allowed = {str(axis) for axis in node.axes}, {str(axis) for axis in found.around[node.key]}
        assert own <= seen[node.key] <= allowed
    shown = lines(found)
    assert [line.node.key for line in shown if line.node] == list(seen)
    starts = [number for number, line in enumerate(shown) if line.text.startswith("╭")]
    ends = [number for number, line in enumerate(shown) if line.text.startswith("╰")]
    for start, end in zip(starts, ends, strict=True):
        assert len({columns(line.text) for line in shown[start : end + 1]}) == 1


def test_names_of_any_alphabet_and_signs_of_markup_are_escaped() -> None:
    text = (
        'object 学校 : FinSet 8\nprogram p : 学校 -> 学校\n    ## a < b & "c"\n'
        "    sample θ : 学校 <- Normal(if 1 < 2 then 0.0 else 1.0, 1.0)\n    return θ\n"
    )
    found = read(text)
    assert ElementTree.fromstring(svg(found)).find(".//{*}desc") is not None
    assert 'a < b & "c"' in "".join(ElementTree.fromstring(svg(found)).itertext())
    assert '"学校 (8)"' in dot(found)


def test_three_plates_that_no_rectangles_hold_are_still_drawn_soundly() -> None:
    objects = "".join(f"object {name} : FinSet 3\n" for name in "ABCDE")
    pairs = "".join(
        f"    sample {a.lower()}{b.lower()} : {a} * {b} <- Normal(0.0, 1.0)\n"
        for a, b in combinations("ABCDE", 2)
    )
    alone = "".join(f"    sample {a.lower()} : {a} <- Normal(0.0, 1.0)\n" for a in "ABCDE")
    found = read(f"{objects}program p : A -> A\n{alone}{pairs}    return a\n")
    drawn = layout(found)
    check_plates(found, drawn)
    check_nodes(drawn)
    assert len(drawn.rectangles) > len(found.plates)


def test_an_empty_program_has_a_drawing_too() -> None:
    found = read("object A : FinSet 2\nprogram p : A -> A\n    let a = 0.5 * index(A)\n    return a\n")
    assert [node.name for node in found.nodes] == ["a"]
    assert ElementTree.fromstring(svg(found)).tag.endswith("svg")


def test_the_legend_tells_of_the_signs_in_use_alone_and_lies_within_the_picture() -> None:
    space = "{http://www.w3.org/2000/svg}"
    for path in EXAMPLES:
        found = read(path.read_text("utf-8"))
        root = ElementTree.fromstring(svg(found))
        [legend] = root.findall(f"{space}g[@class='legend']")
        words = [each.text for each in legend.findall(f"{space}text")]
        told = {
            "drawn": any(node.kind is Kind.LATENT and not node.marginalised for node in found.nodes),
            "observed": any(node.kind is Kind.OBSERVED for node in found.nodes),
            "worked out": any(node.kind is Kind.DETERMINISTIC for node in found.nodes),
            "summed out": any(node.marginalised for node in found.nodes),
            "discrete": any(
                node.discrete and node.kind not in (Kind.INPUT, Kind.SCORE) for node in found.nodes
            ),
            "given": any(node.kind is Kind.INPUT for node in found.nodes),
            "score": any(node.kind is Kind.SCORE for node in found.nodes),
            "from an earlier place": any(edge.link is Link.EARLIER for edge in found.edges),
        }
        assert words == [word for word, used in told.items() if used], path
        width, height = float(root.get("width", "")), float(root.get("height", ""))
        below = layout(found).height
        for text in legend.findall(f"{space}text"):
            assert below < float(text.get("y", "")) < height
            assert 0 < float(text.get("x", "")) < width
