"""A plate diagram as SVG: one file without scripts or fonts, readable in light and in dark.

Continuous nodes are round and discrete ones square, observed ones shaded; a double border is worked out, a
dashed one summed out, and a small square is given or, filled, a score.
"""

from __future__ import annotations

from html import escape

from quivers.plate.diagram import Diagram, Kind, Link, Node, described
from quivers.plate.layout import (
    FAMILY_SIZE,
    LABEL_SIZE,
    MARGIN,
    MARK,
    NAME_SIZE,
    Box,
    Path,
    Rectangle,
    family_text,
    layout,
    text_width,
)

STYLE = """
.qvr-plate { --ink: #1d2430; --dim: #5b6678; --page: #ffffff; --line: #4a5567; --border: #8b97a9;
  --shade: #d3dae5; --tint: #2f6fb5;
  font-family: system-ui, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; }
@media (prefers-color-scheme: dark) {
  .qvr-plate { --ink: #e8ecf2; --dim: #a3adbd; --page: #14181f; --line: #aab4c4; --border: #6c788a;
    --shade: #414c5e; --tint: #7db3ee; }
}
.qvr-plate .page { fill: var(--page); }
.qvr-plate .plate rect { fill: var(--tint); fill-opacity: .05; stroke: var(--border); stroke-width: 1.2; }
.qvr-plate .plate text { fill: var(--dim); font-size: SIZE_LABELpx; text-anchor: end;
  paint-order: stroke; stroke: var(--page); stroke-width: 3px; stroke-linejoin: round; }
.qvr-plate .shape { fill: var(--page); stroke: var(--ink); stroke-width: 1.4; }
.qvr-plate .observed .shape { fill: var(--shade); }
.qvr-plate .marginalised .shape { stroke-dasharray: 4 3; }
.qvr-plate .inner { fill: none; stroke: var(--ink); stroke-width: 1; }
.qvr-plate .input .shape { fill: var(--line); stroke: none; }
.qvr-plate .score .shape { fill: var(--ink); stroke: none; }
.qvr-plate .node text { fill: var(--ink); font-size: SIZE_NAMEpx; text-anchor: middle; }
.qvr-plate .node .family { fill: var(--dim); font-size: SIZE_FAMILYpx; }
.qvr-plate .observed .family { fill: var(--ink); }
.qvr-plate .edge path { fill: none; stroke: var(--line); stroke-width: 1.3; }
.qvr-plate .edge .head { fill: var(--line); stroke: none; }
.qvr-plate .legend text { fill: var(--dim); font-size: SIZE_LABELpx; }
.qvr-plate .earlier path { stroke-dasharray: 5 3; }
""".replace("SIZE_LABEL", f"{LABEL_SIZE:g}").replace("SIZE_NAME", f"{NAME_SIZE:g}").replace(
    "SIZE_FAMILY", f"{FAMILY_SIZE:g}"
)  # fmt: skip
_SIGN, _LEGEND_ROW, _LEGEND_WIDTH = 18.0, 20.0, 340.0
_ARROW, _HALF = 8.0, 3.2  # the length of an arrow's head and half its width


def svg(diagram: Diagram) -> str:
    """The text of the SVG file."""
    drawn = layout(diagram)
    nodes = {node.key: node for node in diagram.nodes}
    title = escape(f"Plate diagram of {diagram.program}")
    told = escape(description(diagram))
    legend, width, deep = _legend(diagram, drawn.width, drawn.height)
    size = f'viewBox="0 0 {width:g} {deep:g}" width="{width:g}" height="{deep:g}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="qvr-plate" {size} role="img" '
        'aria-labelledby="qvr-plate-title qvr-plate-desc">',
        f'<title id="qvr-plate-title">{title}</title>',
        f'<desc id="qvr-plate-desc">{told}</desc>',
        f"<style>{STYLE}</style>",
        f'<rect class="page" width="{width:g}" height="{deep:g}" rx="8"/>',
        *[_plate(each) for each in drawn.rectangles],
        *[_edge(each, nodes) for each in drawn.paths],
        *[_labelled(each) for each in drawn.rectangles],
        *[_node(nodes[key], box) for key, box in drawn.boxes.items()],
        legend,
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _legend(diagram: Diagram, width: float, height: float) -> tuple[str, float, float]:
    """What the signs in use mean, in rows below the drawing; the width and height of it all.

    The words for screen readers say as much of each node, so that these are hidden from them.
    """
    x, y, widest = MARGIN, height + _LEGEND_ROW / 2, width
    parts = ['<g class="legend" aria-hidden="true">']
    for name, sign, word in _meanings(diagram):
        needs = _SIGN + 6 + text_width(word, LABEL_SIZE) + 14
        if x > MARGIN and x + needs > max(width, _LEGEND_WIDTH):
            x, y = MARGIN, y + _LEGEND_ROW
        parts.append(
            f'<g class="{name}" transform="translate({x + _SIGN / 2:.5g} {y:.5g})">{sign}</g>'
            f'<text x="{x + _SIGN + 5:.5g}" y="{y + 4:.5g}">{word}</text>'
        )
        x += needs
        widest = max(widest, x)
    if len(parts) == 1:
        return "", width, height
    return "".join([*parts, "</g>"]), round(widest, 1), round(y + _LEGEND_ROW / 2 + 6, 1)


def _meanings(diagram: Diagram) -> list[tuple[str, str, str]]:
    """Of each sign in use its classes, its drawing around the origin, and its meaning."""
    kinds = {node.kind for node in diagram.nodes if not node.marginalised}
    marks = (Kind.INPUT, Kind.SCORE)  # which look the same whatever they hold
    circle = '<ellipse class="shape" rx="8" ry="6"/>'
    square = '<rect class="shape" x="-4.5" y="-4.5" width="9" height="9"/>'
    box = '<rect class="shape" x="-8" y="-6" width="16" height="12" rx="2"/>'
    arrow = '<path d="M-9 0H4"/><polygon class="head" points="9,0 2,3 2,-3"/>'
    signs = [
        (Kind.LATENT in kinds, "latent", circle, "drawn"),
        (Kind.OBSERVED in kinds, "observed", circle, "observed"),
        (
            Kind.DETERMINISTIC in kinds, "deterministic",
            f'{circle}<ellipse class="inner" rx="5.5" ry="3.5"/>', "worked out",
        ),
        (any(n.marginalised for n in diagram.nodes), "marginalised", circle, "summed out"),
        (any(n.discrete for n in diagram.nodes if n.kind not in marks), "discrete", box, "discrete"),
        (Kind.INPUT in kinds, "input", square, "given"),
        (Kind.SCORE in kinds, "score", square, "score"),
        (any(e.link is Link.EARLIER for e in diagram.edges), "edge earlier", arrow, "from an earlier place"),
    ]  # fmt: skip
    return [(name, sign, word) for used, name, sign, word in signs if used]


def description(diagram: Diagram) -> str:
    """The diagram in sentences, for those who don't see it."""
    names = {node.key: node.name for node in diagram.nodes}
    sentences = [f"{diagram.program} has the type {diagram.signature}."]
    for plate in diagram.plates:
        sentences += [
            f"Each {plate.axis} lies within one {within.axis}, told by {within.input}."
            for within in plate.within
        ]
    for node in diagram.nodes:
        read = [names[edge.source] for edge in diagram.edges if edge.target == node.key]
        rests = f"; it rests on {', '.join(read)}" if read else ""
        sentences.append(f"{described(node)}{rests}.")
    return " ".join(sentences)


def _plate(each: Rectangle) -> str:
    width, height = each.right - each.left, each.bottom - each.top
    return (
        f'<g class="plate"><rect x="{each.left:g}" y="{each.top:g}" width="{width:.5g}" '
        f'height="{height:.5g}" rx="9"/></g>'
    )


def _labelled(each: Rectangle) -> str:
    return (
        f'<g class="plate"><text x="{each.right - 9:.5g}" y="{each.bottom - 7:.5g}">'
        f"{escape(each.label)}</text></g>"
    )


def _edge(path: Path, nodes: dict[str, Node]) -> str:
    start = path.start
    *whole, (first, second, end) = path.pieces
    # The line ends where the arrow's head begins, so that its point is sharp.
    back = second if second != end else first if first != end else start
    across, along = end[0] - back[0], end[1] - back[1]
    length = (across**2 + along**2) ** 0.5 or 1.0
    across, along = across / length, along / length
    foot = (end[0] - _ARROW * across, end[1] - _ARROW * along)
    commands = [f"M{start[0]:g} {start[1]:g}"]
    commands += [
        f"C{a[0]:g} {a[1]:g} {b[0]:g} {b[1]:g} {c[0]:g} {c[1]:g}"
        for a, b, c in [*whole, (first, second, foot)]
    ]
    left = (foot[0] - _HALF * along, foot[1] + _HALF * across)
    right = (foot[0] + _HALF * along, foot[1] - _HALF * across)
    corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in (end, left, right))
    line = " ".join(_short(command) for command in commands)
    kind = " earlier" if path.edge.link is Link.EARLIER else ""
    names = f"{nodes[path.edge.source].name} → {nodes[path.edge.target].name}"
    if kind:
        names += ", at an earlier place"
    return (
        f'<g class="edge{kind}"><title>{escape(names)}</title><path d="{line}"/>'
        f'<polygon class="head" points="{corners}"/></g>'
    )


def _short(command: str) -> str:
    """A path's command with numbers to a tenth."""
    words = command[1:].split()
    return command[0] + " ".join(f"{float(word):.1f}".removesuffix(".0") for word in words)


def _node(node: Node, box: Box) -> str:
    classes = " ".join(
        [
            "node",
            node.kind.value,
            *(["discrete"] if node.discrete else []),
            *(["marginalised"] if node.marginalised else []),
        ]
    )
    note = described(node) + (f"\n{node.documentation}" if node.documentation else "")
    head = f'<g class="{classes}" data-key="{escape(node.key, quote=True)}"><title>{escape(note)}</title>'
    return head + (_mark(node, box) if node.kind in (Kind.INPUT, Kind.SCORE) else _shape(node, box)) + "</g>"


def _mark(node: Node, box: Box) -> str:
    above = node.kind is Kind.INPUT
    y = box.y + (1 if above else -1) * (box.height / 2 - MARK / 2)
    text = box.y - box.height / 2 + NAME_SIZE - 3 if above else box.y + box.height / 2 - 2
    return (
        f'<rect class="shape" x="{box.x - MARK / 2:.5g}" y="{y - MARK / 2:.5g}" width="{MARK:g}" '
        f'height="{MARK:g}"/>'
        f'<text x="{box.x:g}" y="{text:.5g}">{escape(node.name)}</text>'
    )


def _shape(node: Node, box: Box) -> str:
    family = family_text(node)
    drawn = _outline(node, box, 0, "shape")
    if node.kind is Kind.DETERMINISTIC:
        drawn += _outline(node, box, 3.5, "inner")
    base = box.y + (-1 if family else 4.5)
    text = f'<text x="{box.x:g}" y="{base:.5g}">{escape(node.name)}</text>'
    if family:
        text += f'<text class="family" x="{box.x:g}" y="{box.y + 13:.5g}">{escape(family)}</text>'
    return drawn + text


def _outline(node: Node, box: Box, inset: float, name: str) -> str:
    width, height = box.width / 2 - inset, box.height / 2 - inset
    if node.discrete:
        return (
            f'<rect class="{name}" x="{box.x - width:.5g}" y="{box.y - height:.5g}" width="{2 * width:.5g}" '
            f'height="{2 * height:.5g}" rx="{max(1.5, 5 - inset):g}"/>'
        )
    return f'<ellipse class="{name}" cx="{box.x:g}" cy="{box.y:g}" rx="{width:.5g}" ry="{height:.5g}"/>'
