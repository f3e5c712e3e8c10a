"""A posterior's draws for data whose objects have other elements than those of the fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor

from quivers.backends.torch.bound import BoundModel
from quivers.check.spelling import nearest
from quivers.errors import QvrError
from quivers.families.table import FAMILIES
from quivers.ir.graph import Draw, Latent, axis_size, object_of

Elements = Literal["new", "further"]
"""Which elements of an object are new to the fit: those of names that it lacks, all where there are no names;
or those after the fit's."""


def matched_latents(
    draws: Mapping[str, Tensor], bound: BoundModel, known: Mapping[str, Tensor | None]
) -> dict[str, Tensor]:
    """Draws of each latent of `bound`, (draw, *axes), from those of the fit; `known` is of `known_places`.

    Elements that both have keep their draws; new ones are drawn from the program, given the latents before
    them, with torch's global generator.

    Raises:
        QvrError: one draw of a latent spans old and new elements.
    """
    changed = {name for name, places in known.items() if places is not None}
    if not changed:
        for latent in bound.density.latents:
            _same_shape(draws[latent.name], latent, bound)
        return dict(draws)
    batch = next(iter(draws.values())).shape[0] if draws else 0
    forward = bound.forward((batch,))
    latents = {latent.name: latent for latent in bound.density.latents}
    found: dict[str, Tensor] = {}
    with torch.no_grad():
        for step in bound.density.draws:
            if step.site not in latents:
                continue
            latent = latents[step.site]
            values = draws[step.site]
            new = [axis for axis in step.axes if object_of(axis) in changed]
            if not new:
                _same_shape(values, latent, bound)
            else:
                _refuse_part_of_a_draw(step, new, known)
                anew = forward.drawn(step, torch.default_generator)
                values = _merged(values, anew, step, known)
            forward.put(latent.value, values)
            found[step.site] = values
    return {latent.name: found[latent.name] for latent in bound.density.latents}


def known_places(
    fitted: BoundModel, bound: BoundModel, elements: Mapping[str, Elements]
) -> dict[str, Tensor | None]:
    """For each object that latents run over, where its elements stand in the fit, as `places_in_fit` has it.

    Raises:
        QvrError: it is not known which elements are new.
    """
    axes = [axis for latent in bound.density.latents for axis in latent.axes]
    names = [name for name in dict.fromkeys(object_of(axis) for axis in axes) if name in fitted.sizes]
    return {name: places_in_fit(name, fitted, bound, elements) for name in names}


def places_in_fit(
    name: str, fitted: BoundModel, bound: BoundModel, elements: Mapping[str, Elements]
) -> Tensor | None:
    """For each element of an object its place in the fit, −1 for a new one; None where they are the same."""
    before, now = fitted.sizes[name], bound.sizes[name]
    named_before, named_now = fitted.levels.get(name), bound.levels.get(name)
    asked = elements.get(name)
    if asked == "further":
        places = torch.arange(now)
        return None if now == before else torch.where(places < before, places, -1)
    if named_before is not None and named_now is not None:
        place = {level: number for number, level in enumerate(named_before)}
        if asked is None and (unseen := [level for level in named_now if level not in place]):
            raise QvrError(_unseen(name, unseen, named_before))
        found = torch.tensor([place.get(level, -1) for level in named_now])
        return None if before == now and torch.equal(found, torch.arange(now)) else found
    if asked == "new":
        return torch.full((now,), -1)
    if before == now:
        return None
    raise QvrError(
        f"{name} has {now} elements in these data, {before} in the fit's, and nothing tells which are new:"
        f' give their names in both, or say elements={{"{name}": "new"}} where all are, or "further" where'
        " those after the fit's are."
    )


def _unseen(name: str, unseen: Sequence[str], known: Sequence[str]) -> str:
    """The elements that the fit has not, what they may have been meant to be, and how to have them drawn."""
    shown = ", ".join(f"`{each}`" for each in unseen[:5]) + (", …" if len(unseen) > 5 else "")
    near = nearest(unseen[0], known) if len(unseen) == 1 else None
    meant = "" if near is None else f" Did you mean `{near}`?"
    are = "an element" if len(unseen) == 1 else f"{len(unseen)} elements"
    return (
        f"{name} has {are} in these data that the fit never saw: {shown}.{meant} To draw what is new from the"
        f' program, as more of its kind, say elements={{"{name}": "new"}}.'
    )


def _refuse_part_of_a_draw(step: Draw, new: list[str], known: Mapping[str, Tensor | None]) -> None:
    """A vector is drawn at once: of one that the fit has, further elements can't be drawn."""
    rank = FAMILIES[step.family].event_rank
    event = list(step.axes[len(step.axes) - rank :]) if rank else []
    event += [step.ordered] if step.ordered is not None else []
    for axis in new:
        places = known[object_of(axis)]
        if axis in event and places is not None and bool((places >= 0).any()):
            raise QvrError(
                f"One draw of {step.site} spans all of {object_of(axis)}, so it has none for the elements"
                f" that are new to the fit. Predict for the fit's own {object_of(axis)}."
            )


def _merged(before: Tensor, anew: Tensor, step: Draw, known: Mapping[str, Tensor | None]) -> Tensor:
    """The fit's draws where it has the element, else those drawn anew, (draw, *axes)."""
    kept = torch.ones(anew.shape[1:], dtype=torch.bool)
    gathered = before
    for place, axis in enumerate(step.axes):
        places = known.get(object_of(axis))
        if places is None:
            continue
        if gathered.shape[place + 1] == 0:
            return anew
        gathered = gathered.index_select(place + 1, places.clamp(min=0))
        shape = [1] * len(step.axes)
        shape[place] = -1
        kept = kept & (places >= 0).reshape(shape)
    return torch.where(kept, gathered, anew)


def _same_shape(values: Tensor, latent: Latent, bound: BoundModel) -> None:
    shape = tuple(axis_size(axis, bound.sizes) for axis in latent.axes)
    if tuple(values.shape[1:]) != shape:
        raise QvrError(
            f"The posterior's {latent.name} has shape {tuple(values.shape[1:])}, but with these data the"
            f" program's has {shape}."
        )
