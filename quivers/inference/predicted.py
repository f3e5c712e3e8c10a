"""Works out what a posterior predicts, a block of draws at a time, and only the sites that are asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from quivers.backends.blocks import points_at_once
from quivers.backends.torch.bound import BoundModel
from quivers.backends.torch.forward import Forward
from quivers.backends.torch.series import NotASeriesError, counted, drawn_in_order, used_before_drawn
from quivers.errors import QvrError
from quivers.inference.new_elements import Elements, known_places, matched_latents, places_in_fit
from quivers.ir.graph import Density, Draw, object_of
from quivers.ir.simplify import needed

_DRAWN = frozenset({"site", "input"})  # nodes whose values may differ from draw to draw


def predictable(density: Density) -> list[str]:
    """The sites that a posterior has draws of: latents, what is observed, and lets."""
    latents = [latent.name for latent in density.latents]
    observed = [step.site for step in density.draws if step.observed]
    return list(dict.fromkeys([*latents, *observed, *density.deterministic]))


def worked_out(
    draws: Mapping[str, Tensor],
    fitted: BoundModel,
    bound: BoundModel,
    elements: Mapping[str, Elements],
    names: Sequence[str],
    count: int,
    generator: torch.Generator | None = None,
) -> dict[str, Tensor]:
    """`count` draws of `names`, (draw, *axes) each, from as many of the latents of `fitted`.

    The randomness is that of `generator`, that of new elements torch's global one.

    No more memory is taken than that of the answer and of a block of draws. An observed series that is
    regressed on its own past is forecast where `bound` does not have its values: its past is what is given,
    else the fit's.

    Raises:
        QvrError: it is not known which elements are new, or a series can't be forecast.
    """
    known = known_places(fitted, bound, elements)
    given = _given(fitted, bound, elements)
    steps = _steps_for(bound.density, names)
    latents = {latent.name for latent in bound.density.latents}
    block = _draws_at_once(bound, steps, [name for name in names if name not in latents])
    result: dict[str, Tensor] = {}
    with torch.no_grad():
        for start in range(0, count, block):
            part = {name: values[start : start + block] for name, values in draws.items()}
            matched = matched_latents(part, bound, known)
            batch = (min(block, count - start),)
            forward = Forward(bound.density, bound.sizes, given.inputs, batch, torch.device("cpu"))
            for latent in bound.density.latents:
                forward.put(latent.value, matched[latent.name])
            found = _drawn(forward, matched, steps, given, generator)
            for name in names:
                values = found[name] if name in found else _let(forward, name)
                if name not in result:
                    result[name] = torch.empty((count, *values.shape[1:]), dtype=torch.float64)
                result[name][start : start + block] = values
    return result


def _steps_for(density: Density, names: Collection[str]) -> list[Draw]:
    """The draws that `names` need, latents apart: their own, and of what is drawn before them and used."""
    used = set(needed(density.nodes, [density.deterministic[n] for n in names if n in density.deterministic]))
    found: list[Draw] = []
    for step in reversed(density.draws):
        if not (step.observed or step.summed):
            continue
        if step.site in names or step.value in used:
            found.insert(0, step)
            used.update(needed(density.nodes, _nodes_of(step)))
    return found


def _nodes_of(step: Draw) -> list[int]:
    return [*step.parameters.values(), *(end for end in (step.low, step.high) if end is not None)]


def _draws_at_once(bound: BoundModel, steps: Sequence[Draw], lets: Sequence[str]) -> int:
    """How many draws are worked out together; a step's own draws are counted as its value."""
    density = bound.density
    wanted = [number for step in steps for number in _nodes_of(step)]
    wanted += [step.value for step in steps if step.value is not None]
    wanted += [density.deterministic[name] for name in lets if name in density.deterministic]
    return points_at_once(density.nodes, wanted, bound.sizes, _DRAWN)


def _drawn(
    forward: Forward,
    latents: Mapping[str, Tensor],
    steps: Sequence[Draw],
    given: _Given,
    generator: torch.Generator | None,
) -> dict[str, Tensor]:
    if not given.past:
        return {**latents, **{step.site: forward.drawn(step, generator) for step in steps}}
    try:
        return drawn_in_order(forward, given.past, given.starts, generator, latents)
    except NotASeriesError as error:
        raise QvrError(
            f"`{error.site}` can't be forecast, since its unknown values are used before they are drawn. Give"
            f" `{error.site}` for all elements of the new data: then each is predicted given the others."
        ) from None


def _let(forward: Forward, name: str) -> Tensor:
    number = forward.density.deterministic[name]
    return forward.filled(number, forward.density.nodes[number].axes)


# ------------------------------------------------------------ the past of a series


@dataclass(frozen=True, slots=True)
class _Given:
    """Inputs, (*axes), without those to forecast; of each of these its past, NaN where it is not known, and a
    value that it may have."""

    inputs: Mapping[str, Tensor]
    past: Mapping[str, Tensor]
    starts: Mapping[str, float]


def _given(fitted: BoundModel, bound: BoundModel, elements: Mapping[str, Elements]) -> _Given:
    density = bound.density
    inputs = dict(bound.inputs)
    early = used_before_drawn(density)
    partly: set[str] = set()
    for step in density.draws:
        node = density.nodes[step.value] if step.value is not None else None
        if not step.observed or node is None or node.op != "input" or node.name != step.site:
            continue
        given = inputs.get(step.site)
        if step.site in early and (given is None or bool(torch.isnan(given).all())):
            given = inputs[step.site] = _past(step, fitted, bound, elements)
        if given is not None and _misses(step, given, bound):
            partly.add(step.site)
    # A series whose values are all known is predicted place by place, each given those before it.
    past = {name: inputs[name] for name in early} if partly & set(early) else {}
    starts = {}
    for name, values in past.items():
        there = [every[torch.isfinite(every)] for every in (values, fitted.inputs[name])]
        starts[name] = next((float(each[-1]) for each in there if len(each)), 0.0)
    kept = {name: values for name, values in inputs.items() if name not in partly and name not in past}
    return _Given(kept, past, starts)


def _misses(step: Draw, given: Tensor, bound: BoundModel) -> bool:
    """Whether a value is missing where `[where=…]` has it count."""
    missing = torch.isnan(given)
    counts = counted(bound.density, step)
    if not bool(missing.any()) or counts is None:
        return bool(missing.any())
    try:
        there = bound.forward().filled(counts, step.axes)
    except QvrError:  # it hangs on a latent or on what is yet to be drawn
        return True
    return bool((missing & there.bool()).any())


def _past(step: Draw, fitted: BoundModel, bound: BoundModel, elements: Mapping[str, Elements]) -> Tensor:
    """The fit's values of a series at the elements that it shares with the new data, NaN at the others."""
    past = fitted.inputs[step.site]
    for dimension, axis in enumerate(step.axes):
        name = object_of(axis)
        places = places_in_fit(name, fitted, bound, elements)
        if places is None:
            continue
        if elements.get(name) == "further" and len(places) < fitted.sizes[name]:
            raise QvrError(
                f"The data have {len(places)} elements of {name} and the fit {fitted.sizes[name]}, so none is"
                f" further. `{step.site}` hangs on its own past: give all {name} of the fit, then the others."
            )
        past = past.index_select(dimension, places.clamp(min=0))
        shape = [1] * len(step.axes)
        shape[dimension] = -1
        past = past.masked_fill((places < 0).reshape(shape), torch.nan)
    return past
