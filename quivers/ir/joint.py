"""The joint log density of a program as one node: every term summed, equal parts gathered, data set apart.

Sums are split at their additive parts, so that what depends on data alone ends in one constant and a part
that is constant along an axis is counted, not added again and again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from quivers.ir.graph import Builder, Centring, Density
from quivers.ir.matrices import in_order
from quivers.ir.simplify import apply, depends_on, substitute, total


def joint(builder: Builder, terms: Iterable[tuple[int, tuple[str, ...]]]) -> int:
    """The sum over every element of every term; each comes with the axes it counts for.

    What depends on no `position` and no `site` is gathered in one node of its own.
    """
    weights: dict[int, float] = {}
    for number, axes in terms:
        for part, weight in _parts(builder, number, 1.0):
            summed = total(builder, part, axes)
            while builder.nodes[summed].op in {"neg", "mul"}:
                factor, rest = _scaled(builder, summed)
                if rest == summed:
                    break
                weight, summed = weight * factor, rest
            weights[summed] = weights.get(summed, 0.0) + weight
    drawn = depends_on(builder.nodes, frozenset({"position", "site"}))
    moving = [item for item in weights.items() if drawn[item[0]]]
    fixed = [item for item in weights.items() if not drawn[item[0]]]
    return apply(builder, "add", _weighted(builder, fixed), _weighted(builder, moving))


def specialise(density: Density, sizes: Mapping[str, int]) -> Density:
    """The same density with every axis's number of elements put in as a constant.

    `sizes` goes by object; the axis `School′` has the size of `School`. Lets and returned values keep their
    axes, and the order of them.
    """
    builder = Builder(sizes=sizes)
    placed = substitute(builder, density.nodes, roots(density), {})

    def kept(number: int) -> int:
        return in_order(builder, placed[number], density.nodes[number].axes)

    deterministic = {name: kept(number) for name, number in density.deterministic.items()}
    returned = tuple((name, kept(number)) for name, number in density.returned)
    return replace(renumbered(density, builder, placed), deterministic=deterministic, returned=returned)


def roots(density: Density) -> list[int]:
    """Every node that a density names: what a pass over it must keep."""
    return [
        *(term.node for term in density.terms),
        *(term.guard for term in density.terms if term.guard is not None),
        *(term.counted for term in density.terms if term.counted is not None),
        *(latent.value for latent in density.latents),
        *(end for latent in density.latents for end in (latent.low, latent.high) if end is not None),
        *(number for latent in density.latents for number in named(latent.centring)),
        *density.deterministic.values(),
        *(number for _, number in density.returned),
        *(number for draw in density.draws for number in draw.parameters.values()),
        *(draw.value for draw in density.draws if draw.value is not None),
        *(end for draw in density.draws for end in (draw.low, draw.high) if end is not None),
        *(marginal.weights for marginal in density.marginals),
        *(each.last for each in density.ranges),
        *(requirement.node for requirement in density.requirements),
        *(each.value for each in density.requirements if each.value is not None),
        *(each.end for each in density.requirements if each.end is not None),
    ]


def renumbered(density: Density, builder: Builder, placed: Mapping[int, int]) -> Density:
    """`density` over the nodes of `builder`, each number looked up in `placed`."""
    return replace(
        density,
        nodes=tuple(builder.nodes),
        latents=tuple(
            replace(
                latent,
                value=placed[latent.value],
                low=None if latent.low is None else placed[latent.low],
                high=None if latent.high is None else placed[latent.high],
                centring=None if latent.centring is None else _renumbered(latent.centring, placed),
            )
            for latent in density.latents
        ),
        terms=tuple(
            replace(
                term,
                node=placed[term.node],
                guard=None if term.guard is None else placed[term.guard],
                counted=None if term.counted is None else placed[term.counted],
            )
            for term in density.terms
        ),
        draws=tuple(
            replace(
                draw,
                parameters={name: placed[number] for name, number in draw.parameters.items()},
                value=None if draw.value is None else placed[draw.value],
                low=None if draw.low is None else placed[draw.low],
                high=None if draw.high is None else placed[draw.high],
            )
            for draw in density.draws
        ),
        deterministic={name: placed[number] for name, number in density.deterministic.items()},
        returned=tuple((name, placed[number]) for name, number in density.returned),
        marginals=tuple(
            replace(marginal, weights=placed[marginal.weights]) for marginal in density.marginals
        ),
        ranges=tuple(replace(each, last=placed[each.last]) for each in density.ranges),
        requirements=tuple(
            replace(
                requirement,
                node=placed[requirement.node],
                value=None if requirement.value is None else placed[requirement.value],
                end=None if requirement.end is None else placed[requirement.end],
            )
            for requirement in density.requirements
        ),
    )


def named(centring: Centring | None) -> list[int]:
    """The nodes that a centring names."""
    if centring is None:
        return []
    found = [*centring.parameters.values(), centring.loc_share, centring.scale_share]
    return found if centring.condition is None else [*found, centring.condition]


def _renumbered(centring: Centring, placed: Mapping[int, int]) -> Centring:
    return replace(
        centring,
        parameters={name: placed[number] for name, number in centring.parameters.items()},
        loc_share=placed[centring.loc_share],
        scale_share=placed[centring.scale_share],
        condition=None if centring.condition is None else placed[centring.condition],
    )


def _parts(builder: Builder, number: int, weight: float) -> list[tuple[int, float]]:
    """The additive parts of a node with their weights, without recursion: sums can be long."""
    found: list[tuple[int, float]] = []
    stack = [(number, weight)]
    while stack:
        number, weight = stack.pop()
        node = builder.nodes[number]
        if node.op == "add":
            stack.extend((arg, weight) for arg in reversed(node.args))
        elif node.op == "sub":
            stack.extend(((node.args[1], -weight), (node.args[0], weight)))
        elif node.op == "spread":
            stack.append((node.args[0], weight))
        else:
            factor, rest = _scaled(builder, number)
            if rest != number:
                stack.append((rest, weight * factor))
            else:
                found.append((number, weight))
    return found


def _scaled(builder: Builder, number: int) -> tuple[float, int]:
    """A node as a constant times another; 1 times itself if it is no such product."""
    node = builder.nodes[number]
    if node.op == "neg":
        return -1.0, node.args[0]
    if node.op == "mul":
        for factor, rest in (node.args, node.args[::-1]):
            value = builder.nodes[factor].value
            if builder.nodes[factor].op == "constant" and value is not None:
                return value, rest
    return 1.0, number


def _weighted(builder: Builder, items: Iterable[tuple[int, float]]) -> int:
    result = builder.constant(0.0)
    for number, weight in items:
        part = apply(builder, "mul", builder.constant(weight), number)
        result = apply(builder, "add", result, part)
    return result
