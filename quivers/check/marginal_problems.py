"""What can be wrong with a `marginalize` block: its latent, its groups, the steps inside it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from quivers.check.scope import Block
from quivers.check.shapes import listing
from quivers.check.types import Axis, Type
from quivers.families.family import Family, Parameter
from quivers.families.support import Member
from quivers.syntax import ast
from quivers.syntax.problems import Diagnostic, Edit, Fix, Label, Severity


def _block_label(block: ast.Marginalize, message: str) -> Label:
    return Label(block.name.span, message)


def _unsummable(span: ast.Span, message: str, hint: str | None, fixes: tuple[Fix, ...] = ()) -> Diagnostic:
    return Diagnostic("QVR319", Severity.ERROR, span, message, fixes=fixes, hint=hint)


def _unlinked(span: ast.Span, message: str, hint: str | None = None, *labels: Label) -> Diagnostic:
    return Diagnostic("QVR320", Severity.ERROR, span, message, labels=labels, hint=hint)


def not_discrete(draw: ast.Call, family: Family) -> Diagnostic:
    """A latent that does not take whole numbers."""
    message = f"A draw from `{family.name}` is not discrete, so it can't be summed out."
    if family.event_rank and family.discrete:
        message = f"A draw from `{family.name}` is several numbers at once, and only one can be summed out."
    return _unsummable(draw.function.span, message, "Draw it with `sample` instead, above the block.")


def unnamed_range(step: ast.Marginalize, family: Family, vector: Parameter) -> Diagnostic:
    """An object named for a count whose end is the length of a vector: it ranges over that and 0."""
    message = (
        f"A draw from `{family.name}` is a whole number from 0 to the length of `{vector.name}`, "
        "and no index into an object."
    )
    span = ast.Span(step.plate[0].span.start, step.plate[-1].span.end)
    return _unsummable(span, message, f"Leave the object out: `marginalize {step.name.text} <- …`.")


def infinitely_many(draw: ast.Call, family: Family, *, bounded: bool, low: float) -> Diagnostic:
    """A count without an upper end."""
    if math.isinf(low):
        message = f"A draw from `{family.name}` has no least value, so that infinitely many would be summed."
        return _unsummable(draw.function.span, message, "Bound it from below with `[low=…]`.")
    message = (
        f"A draw from `{family.name}` can be any whole number from {low:g}: there are infinitely many to sum."
    )
    if bounded:
        hint = "Give `[high=…]` a number that has an upper end itself."
    else:
        hint = "Cut it off above, where nothing is lost, with `[high=…]`, as in `[high=50]`."
    return _unsummable(draw.function.span, message, hint)


def wrong_count(step: ast.Marginalize, family: Family, count: int, size: int) -> Diagnostic:
    """An object with more or fewer elements than the latent has values."""
    name = step.plate[0]
    message = f"A draw from `{family.name}` here has {count} values, but `{name.text}` has {size} elements."
    return _unsummable(name.span, message, f"Name an object with {count} elements, or none.")


def ranges_over_several(step: ast.Marginalize) -> Diagnostic:
    """`marginalize z : Group * K`, which means one z for each Group."""
    first, last = step.plate[0], step.plate[-1]
    groups = [name.text for name in step.plate[:-1]]
    fixes: tuple[Fix, ...] = ()
    if len(groups) == 1 and not step.options and isinstance(step.draw, ast.Call):
        at = step.draw.span.end
        edits = (
            Edit(ast.Span(first.span.start, last.span.start), ""),
            Edit(ast.Span(at, at), f" [over={groups[0]}]"),
        )
        fixes = (Fix(f"Write `{step.name.text} : {last.text} <- … [over={groups[0]}]`", edits),)
    message = f"`{step.name.text}` ranges over one object; those that it is drawn for stand in `[over=…]`."
    return _unlinked_fix(ast.Span(first.span.start, last.span.end), message, fixes)


def _unlinked_fix(span: ast.Span, message: str, fixes: tuple[Fix, ...], *labels: Label) -> Diagnostic:
    return Diagnostic("QVR320", Severity.ERROR, span, message, labels=labels, fixes=fixes)


def ranges_over_product(name: ast.Name, axes: Sequence[Axis]) -> Diagnostic:
    """`marginalize z : Cell` where Cell is a product."""
    message = f"`{name.text}` is {listing(axes)}, and a latent that is summed out ranges over one object."
    return _unsummable(name.span, message, "Put one `marginalize` inside another, one for each.")


def outside_over(
    step: ast.Marginalize, node: ast.Expression, extra: Sequence[Axis], over: Sequence[Axis]
) -> Diagnostic:
    """A latent's parameter that varies with more than the latent is drawn for."""
    subject = f"`{node.name}`" if isinstance(node, ast.Variable) else "This"
    message = (
        f"{subject} runs over {listing(extra)}, but `{step.name.text}` is drawn for each {listing(over)}."
    )
    return Diagnostic(
        "QVR301",
        Severity.ERROR,
        node.span,
        message,
        hint="Index it, or name the object in `[over=…]`.",
    )


def outside_the_blocks_plates(
    step: ast.Observe, plates: Sequence[Axis], missing: Sequence[Axis], block: ast.Marginalize
) -> Diagnostic:
    """An observe whose plate lacks an axis along which the latent's probabilities vary."""
    z = block.name.text
    over = f"over {listing(plates)}" if plates else "once"
    message = (
        f"`{step.name.text}` is observed {over}, but the probabilities of `{z}` run over {listing(missing)}."
    )
    label = _block_label(block, f"`{z}` is drawn anew for each element of the plate")
    hint = f"Draw `{z}` for each with `[over={missing[0].object}]`, and map the plate into it with `[via=…]`."
    return Diagnostic("QVR301", Severity.ERROR, step.name.span, message, labels=(label,), hint=hint)


def via_without_over(option: ast.Option, block: ast.Marginalize) -> Diagnostic:
    """`[via=group]` where each element of the plate has a latent of its own."""
    z = block.name.text
    message = f"`{z}` is drawn anew for each element of this plate, so there are no groups to map into."
    label = _block_label(block, f"`{z}` has no `[over=…]`")
    return _unlinked(
        option.span, message, f"Say for what `{z}` is drawn with `[over=Group]`, or drop the map.", label
    )


def no_map(
    step: ast.Observe, plates: Sequence[Axis], axis: Axis, block: ast.Marginalize, near: str | None
) -> Diagnostic:
    """An observe in a grouped block that does not say which group each element belongs to."""
    z = block.name.text
    each = " and ".join(f"`{plate}`" for plate in plates)
    belongs = f"each {each} belongs" if plates else f"`{step.name.text}` belongs"
    message = f"`{z}` is drawn for each `{axis}`, but nothing says to which `{axis}` {belongs}."
    label = _block_label(block, f"`{z}` is drawn for each `{axis}`")
    fixes: tuple[Fix, ...] = ()
    if near is not None and not step.options and isinstance(step.draw, ast.Call):
        at = step.draw.span.end
        fixes = (Fix(f"Write `[via={near}]`", (Edit(ast.Span(at, at), f" [via={near}]"),)),)
    source = plates[0] if plates else "…"
    hint = f"Name the map with `[via=…]`, such as an input `{source} -> {axis}`."
    return Diagnostic(
        "QVR320", Severity.ERROR, step.name.span, message, labels=(label,), fixes=fixes, hint=hint
    )


def no_map_value(node: ast.Expression, found: Type, needed: Sequence[Axis]) -> Diagnostic:
    """`[via=x]` where x holds numbers."""
    wanted = f"an index into `{needed[0]}`" if needed else "an index into an object"
    return _unlinked(node.span, f"A map gives {wanted} for each element of the plate, but this is `{found}`.")


def map_elsewhere(
    node: ast.Expression, found: Type, needed: Sequence[Axis], blocks: Sequence[Block]
) -> Diagnostic:
    """`[via=m]` where m goes into an object that no block around is drawn over, or that the plate has."""
    into = found.element.object if isinstance(found.element, Member) else "?"
    drawn = [axis for block in blocks for axis in block.over or ()]
    if any(axis.object == into for axis in drawn):
        return _unlinked(
            node.span,
            f"The plate runs over `{into}` itself, so that no map into it is needed.",
            "Drop the map.",
        )
    label = next((block for block in reversed(blocks) if block.over is not None), blocks[-1])
    z = label.step.name.text
    message = f"This maps into `{into}`, but `{z}` is drawn for each {listing(drawn)}."
    return _unlinked(node.span, message, None, _block_label(label.step, f"`{z}` is bound here"))


def map_from_elsewhere(
    node: ast.Expression, found: Type, extra: Sequence[Axis], plates: Sequence[Axis]
) -> Diagnostic:
    """`[via=m]` where m runs over something besides the plate."""
    over = listing(plates)
    message = f"This map runs over {listing(extra)}, but the plate is {over}; it is `{found}`."
    return _unlinked(node.span, message, "Index it down to the plate.")


_REASONS = {
    "sample": (
        "A latent can't be drawn inside a block: the block is a sum, and a term of a sum has no draws.",
        "Draw it above the `marginalize`; with a plate, it can have a value for each value of the latent.",
    ),
    "score": (
        "A score can't stand inside a block: it adds to the log density of the whole program.",
        "Move it out of the block, or write it as an `observe` under a distribution.",
    ),
    "return": (
        "A `return` can't stand inside a block: what is bound there is summed out.",
        "Move it below the block, to the program's own indentation.",
    ),
}


def not_in_a_block(word: str, span: ast.Span, block: ast.Marginalize) -> Diagnostic:
    """A `sample`, a `score` or a `return` in a block."""
    message, hint = _REASONS[word]
    label = _block_label(block, f"`{block.name.text}` is summed out here")
    return Diagnostic("QVR321", Severity.ERROR, span, message, labels=(label,), hint=hint)
