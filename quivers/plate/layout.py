"""The drawing of a plate diagram in numbers: each node's box, each plate's rectangle, each edge's path.

Lengths are in CSS pixels, y grows downwards, and boxes are given by their middle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import hypot

from quivers.check.types import Axis
from quivers.plate.diagram import Diagram, Edge, Kind, Link, Node
from quivers.plate.placing import PAD, placed
from quivers.plate.regions import Arrangement, Region, arranged
from quivers.plate.rows import without_cycles
from quivers.records import record

MARGIN = 16.0
ROW_GAP = 34.0
TOP = 12.0  # from a plate's upper border to what is within
LABEL = 22.0  # from what is within to the lower border, the label between them
NAME_SIZE, FAMILY_SIZE, LABEL_SIZE = 13.0, 10.5, 11.5
MARK = 9.0  # the side of an input's square
LOOP = 24.0  # how far a loop reaches out
_CLEAR = 3.0

Point = tuple[float, float]


@record
class Box:
    """A node's place and size."""

    x: float
    y: float
    width: float
    height: float

    def covers(self, point: Point, margin: float = 0.0) -> bool:
        return (
            abs(point[0] - self.x) < self.width / 2 + margin
            and abs(point[1] - self.y) < self.height / 2 + margin
        )


@record
class Rectangle:
    """A plate's rectangle; a plate that can't be drawn as one has several, each with its own members."""

    axis: Axis
    label: str
    members: tuple[str, ...]
    left: float
    top: float
    right: float
    bottom: float


@record
class Path:
    """An edge as a start and cubic pieces, each two control points and an end; an arrow ends the last."""

    edge: Edge
    start: Point
    pieces: tuple[tuple[Point, Point, Point], ...]

    def points(self, each: int = 12) -> list[Point]:
        """Points along the path, its ends among them."""
        found = [self.start]
        at = self.start
        for first, second, end in self.pieces:
            for step in range(1, each + 1):
                t = step / each
                u = 1 - t
                weights = (u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t)
                corners = (at, first, second, end)
                found.append(
                    (
                        sum(w * corner[0] for w, corner in zip(weights, corners, strict=True)),
                        sum(w * corner[1] for w, corner in zip(weights, corners, strict=True)),
                    )
                )
            at = end
        return found


@record
class Layout:
    """A whole drawing. Rectangles are in the order to paint them, the outer before the inner."""

    width: float
    height: float
    boxes: Mapping[str, Box]
    rectangles: tuple[Rectangle, ...]
    paths: tuple[Path, ...]


def layout(diagram: Diagram) -> Layout:
    """The drawing of a diagram, the same for the same diagram."""
    keys = [node.key for node in diagram.nodes]
    arrows = without_cycles(
        keys, [(e.source, e.target) for e in diagram.edges if e.link is Link.VALUE and e.source != e.target]
    )
    arrangement = arranged(diagram, arrows)
    labels = {plate.axis: plate.label for plate in diagram.plates}
    sizes = {node.key: size_of(node) for node in diagram.nodes}
    loops = {edge.source for edge in diagram.edges if edge.source == edge.target}
    widths = _room(diagram, arrangement, sizes, labels, loops)
    places = placed(arrangement, keys, arrows, widths)
    heights = _heights(arrangement, sizes)
    boxes = {key: Box(places.x[key], heights.middle[arrangement.rows[key]], *sizes[key]) for key in keys}
    rectangles = [
        Rectangle(
            region.axis,
            labels[region.axis],
            region.members,
            min(places.x[key] - widths[key] / 2 - PAD * places.levels[number, key] for key in region.members),
            heights.top[number],
            max(places.x[key] + widths[key] / 2 + PAD * places.levels[number, key] for key in region.members),
            heights.bottom[number],
        )
        for number, region in enumerate(arrangement.regions)
    ]
    router = _Router(boxes, {node.key: node.kind for node in diagram.nodes}, arrangement.rows, heights)
    kept = set(arrows)
    paths = [
        router.down(edge, [places.x[bend] for bend in places.bends[edge.source, edge.target]])
        if (edge.source, edge.target) in kept
        else router.around(edge)
        for edge in diagram.edges
    ]
    rectangles.sort(key=lambda each: -len(each.members))
    return _framed(boxes, rectangles, paths)


# ---------------------------------------------------------------------- sizes


def text_width(text: str, size: float) -> float:
    """About how wide a text is in a sans-serif face, rather more than less."""
    narrow, wide = "iljtfrI.,:;'|![]() ", "mwMW@%⊗"
    units = sum(
        0.36 if letter in narrow else 0.95 if letter in wide else 0.72 if letter.isupper() else 0.6
        for letter in text
    )
    return units * size


def family_text(node: Node) -> str:
    """What stands under a node's name: its family, with the axis that a draw runs along."""
    if node.family is None or node.kind is Kind.INPUT:
        return ""
    return node.family + (f" · {' ⊗ '.join(str(axis) for axis in node.event)}" if node.event else "")


def size_of(node: Node) -> tuple[float, float]:
    """The width and height of a node's shape, or of a mark and its name."""
    name = text_width(node.name, NAME_SIZE)
    if node.kind in (Kind.INPUT, Kind.SCORE):
        return max(name + 4, MARK), MARK + 4 + NAME_SIZE
    inner = max(name, text_width(family_text(node), FAMILY_SIZE))
    return (max(56.0, inner + 22.0) if node.discrete else max(60.0, inner * 1.16 + 24.0)), 48.0


def _room(
    diagram: Diagram,
    arrangement: Arrangement,
    sizes: Mapping[str, tuple[float, float]],
    labels: Mapping[Axis, str],
    loops: set[str],
) -> dict[str, float]:
    """The width that is kept free for each node, so that loops and the labels of plates have room."""
    room = {key: width + (2 * LOOP if key in loops else 0) for key, (width, _) in sizes.items()}
    for region in arrangement.regions:
        widest = max(region.members, key=lambda key: room[key])
        room[widest] = max(room[widest], text_width(labels[region.axis], LABEL_SIZE) - PAD)
    return room


@record
class _Heights:
    """The middle of each row and half its height; the upper and the lower border of each region."""

    middle: Mapping[int, float]
    half: Mapping[int, float]
    top: Mapping[int, float]
    bottom: Mapping[int, float]


def _heights(arrangement: Arrangement, sizes: Mapping[str, tuple[float, float]]) -> _Heights:
    rows = arrangement.rows
    half: dict[int, float] = {}
    for key, row in rows.items():
        half[row] = max(half.get(row, 0.0), sizes[key][1] / 2)
    regions = arrangement.regions
    first = [min(rows[key] for key in region.members) for region in regions]
    last = [max(rows[key] for key in region.members) for region in regions]
    above, below = _borders(regions, first), _borders(regions, last)
    middle: dict[int, float] = {}
    top: dict[int, float] = {}
    bottom: dict[int, float] = {}
    at = 0.0
    for row in sorted(half):
        begin = [number for number, each in enumerate(first) if each == row]
        end = [number for number, each in enumerate(last) if each == row]
        at += TOP * max((above[number] for number in begin), default=0)
        for number in begin:
            top[number] = at - TOP * above[number]
        middle[row] = at + half[row]
        at += 2 * half[row]
        for number in end:
            bottom[number] = at + LABEL * below[number]
        at += LABEL * max((below[number] for number in end), default=0) + ROW_GAP
    return _Heights(middle, half, top, bottom)


def _borders(regions: Sequence[Region], row: Sequence[int]) -> dict[int, int]:
    """Which border of a row each region's is, counted from the nodes, so that no two that meet coincide."""
    found: dict[int, int] = {}
    for number in sorted(range(len(regions)), key=lambda each: (len(regions[each].members), -each)):
        mine = set(regions[number].members)
        met = [
            level
            for other, level in found.items()
            if row[other] == row[number] and not mine.isdisjoint(regions[other].members)
        ]
        found[number] = 1 + max(met, default=0)
    return found


# ---------------------------------------------------------------------- edges


@record
class _Router:
    """Draws edges from border to border, past the nodes between them."""

    boxes: Mapping[str, Box]
    kinds: Mapping[str, Kind]
    rows: Mapping[str, int]
    heights: _Heights

    def down(self, edge: Edge, bends: Sequence[float]) -> Path:
        """An edge to a lower row: straight where nothing is in the way, else through the gaps kept for it."""
        source, target = self.boxes[edge.source], self.boxes[edge.target]
        start, end = (
            self._border(edge.source, (target.x, target.y)),
            self._border(edge.target, (source.x, source.y)),
        )
        straight = Path(edge, start, (_line(start, end),))
        if self.hits(straight) == 0:
            return straight
        for pull in (1.0, 1.5, 2.0) if bends else ():
            swing = self._swing(edge, bends, pull)
            if self.hits(swing) == 0:
                return swing
        row = self.rows[edge.source]
        gates: list[tuple[Point, Point]] = []
        for number, x in enumerate(bends, start=row + 1):
            middle, half = self.heights.middle[number], self.heights.half[number]
            gates.append(((x, middle - half), (x, middle + half)))
        # Straight out of the row and into it, so that what stands beside the ends is not met.
        start, out = self._gate(edge.source, bends[0] if bends else target.x, 1)
        end, into = self._gate(edge.target, bends[-1] if bends else source.x, -1)
        pieces = [_line(start, out)]
        for upper, lower in gates:
            pieces += [_swung(out, upper), _line(upper, lower)]
            out = lower
        pieces += [_swung(out, into), _line(into, end)]
        return Path(edge, start, tuple(pieces))

    def _gate(self, key: str, towards: float, side: int) -> tuple[Point, Point]:
        """Where an edge meets a node from below (1) or above (-1), and where it leaves the node's row."""
        box, row = self.boxes[key], self.rows[key]
        across = min(max((towards - box.x) / 6, -box.width / 4), box.width / 4)
        point = self._border(key, (box.x + across, box.y + side * box.height))
        return point, (point[0], self.heights.middle[row] + side * self.heights.half[row])

    def _swing(self, edge: Edge, bends: Sequence[float], pull: float) -> Path:
        """One curve towards the gaps that are kept for an edge; the larger the pull, the wider."""
        source, target = self.boxes[edge.source], self.boxes[edge.target]
        controls: list[Point] = []
        for share, bend in ((1 / 3, bends[0]), (2 / 3, bends[-1])):
            x = source.x + share * (target.x - source.x)
            controls.append((x + pull * (bend - x), source.y + share * (target.y - source.y)))
        start, end = self._border(edge.source, controls[0]), self._border(edge.target, controls[1])
        return Path(edge, start, ((controls[0], controls[1], end),))

    def around(self, edge: Edge) -> Path:
        """A loop, or an edge that leads up or along a row, at the side where it meets the fewest nodes."""
        source, target = self.boxes[edge.source], self.boxes[edge.target]
        if edge.source == edge.target:
            side, up = source.x + source.width / 2, source.height / 4
            start, end = (
                self._border(edge.source, (side, source.y - up)),
                self._border(edge.source, (side, source.y + up)),
            )
            far = side + LOOP * 1.2
            return Path(edge, start, (((far, source.y - 1.6 * up), (far, source.y + 1.6 * up), end),))
        tried = []
        for reach in (28.0, 56.0, 96.0, 150.0, 220.0):
            for sign in (1, -1):
                edges = [box.x + sign * box.width / 2 for box in (source, target)]
                x = (max(edges) if sign > 0 else min(edges)) + sign * reach
                start = self._border(edge.source, (x, (3 * source.y + target.y) / 4))
                end = self._border(edge.target, (x, (source.y + 3 * target.y) / 4))
                tried.append(Path(edge, start, (((x, start[1]), (x, end[1]), end),)))
        return min(tried, key=self.hits)

    def hits(self, path: Path) -> int:
        """How many nodes, its own aside, a path runs through."""
        points = path.points()
        # Points lie close enough: no node is smaller than a third of the longest straight piece of 36 parts.
        if len(points) < 25:
            points = path.points(48)
        ends = (path.edge.source, path.edge.target)
        return sum(
            any(box.covers(point, _CLEAR) for point in points)
            for key, box in self.boxes.items()
            if key not in ends
        )

    def _border(self, key: str, towards: Point) -> Point:
        """Where the line from a node's middle to a point leaves its shape."""
        box, kind = self.boxes[key], self.kinds[key]
        x, y = box.x, box.y
        half_width, half_height = box.width / 2, box.height / 2
        if kind in (Kind.INPUT, Kind.SCORE):  # the mark, below an input's name and above a score's
            y += (1 if kind is Kind.INPUT else -1) * (half_height - MARK / 2)
            half_width = half_height = MARK / 2 + 1
        across, along = towards[0] - x, towards[1] - y
        if across == along == 0:
            return x, y - half_height
        reach = 1 / hypot(across / half_width, along / half_height)
        return x + across * reach, y + along * reach


def _line(start: Point, end: Point) -> tuple[Point, Point, Point]:
    across, along = (end[0] - start[0]) / 3, (end[1] - start[1]) / 3
    return (start[0] + across, start[1] + along), (end[0] - across, end[1] - along), end


def _swung(start: Point, end: Point) -> tuple[Point, Point, Point]:
    """A piece that leaves and arrives upright."""
    along = (end[1] - start[1]) / 2
    return (start[0], start[1] + along), (end[0], end[1] - along), end


# ---------------------------------------------------------------------- frame


def _framed(boxes: Mapping[str, Box], rectangles: Sequence[Rectangle], paths: Sequence[Path]) -> Layout:
    """The drawing moved so that all of it lies within its margins; numbers to a tenth of a pixel."""
    across = [x for box in boxes.values() for x in (box.x - box.width / 2, box.x + box.width / 2)]
    along = [y for box in boxes.values() for y in (box.y - box.height / 2, box.y + box.height / 2)]
    for each in rectangles:
        across += [each.left, each.right]
        along += [each.top, each.bottom]
    for path in paths:
        points = path.points(6)
        across += [x for x, _ in points]
        along += [y for _, y in points]
    left, top = min(across, default=0.0) - MARGIN, min(along, default=0.0) - MARGIN

    def moved(point: Point) -> Point:
        return round(point[0] - left, 1), round(point[1] - top, 1)

    return Layout(
        round(max(across, default=0.0) - left + MARGIN, 1),
        round(max(along, default=0.0) - top + MARGIN, 1),
        {
            key: Box(*moved((box.x, box.y)), round(box.width, 1), round(box.height, 1))
            for key, box in boxes.items()
        },
        tuple(
            Rectangle(
                each.axis,
                each.label,
                each.members,
                *moved((each.left, each.top)),
                *moved((each.right, each.bottom)),
            )
            for each in rectangles
        ),
        tuple(
            Path(
                path.edge,
                moved(path.start),
                tuple((moved(a), moved(b), moved(c)) for a, b, c in path.pieces),
            )
            for path in paths
        ),
    )
