"""Which latents and lets a run keeps draws of: a let over many rows is worked out when it is asked for."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from quivers.check.spelling import nearest
from quivers.errors import QvrError
from quivers.inference.site_axes import named_axes
from quivers.ir.graph import Density, axis_size, object_of
from quivers.ir.simplify import depends_on

# Of a let with more numbers than this the draws are not kept: 4,000 draws of 50,000 rows take 1.6 GB.
MOST_NUMBERS_OF_A_LET = 1_000


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A site whose draws are not kept: its objects, how many numbers it has, and whether that was asked."""

    site: str
    axes: tuple[str, ...]
    numbers: int
    asked: bool


@dataclass(frozen=True, slots=True)
class KeptSites:
    """The sites whose draws a run keeps, in the program's order, and those that it leaves out."""

    names: tuple[str, ...]
    left_out: tuple[LeftOut, ...] = ()


def kept_sites(
    density: Density, sizes: Mapping[str, int], keep: Collection[str] = (), drop: Collection[str] = ()
) -> KeptSites:
    """All latents, and the lets that depend on them and have few numbers or are in `keep`; none of `drop`.

    Raises:
        QvrError: `keep` or `drop` names what is no latent and no such let, or both name the same.
    """
    moves = depends_on(density.nodes, frozenset({"site"}))
    latents = {latent.name for latent in density.latents}
    axes = {
        name: own
        for name, own in named_axes(density).items()
        if name in latents or moves[density.deterministic[name]]
    }
    for wanted in (*keep, *drop):
        if wanted not in axes:
            raise QvrError(_unknown(wanted, density, list(axes)))
    if both := [name for name in keep if name in drop]:
        raise QvrError(f"`{both[0]}` is to be kept and to be dropped: ask for one of them.")
    names, left_out = [], []
    for name in density.order:
        if name not in axes:
            continue
        numbers = math.prod(axis_size(axis, sizes) for axis in axes[name])
        wide = name not in latents and numbers > MOST_NUMBERS_OF_A_LET
        if name in drop or (wide and name not in keep):
            objects = tuple(object_of(axis) for axis in axes[name])
            left_out.append(LeftOut(name, objects, numbers, name in drop))
        else:
            names.append(name)
    return KeptSites(tuple(names), tuple(left_out))


def _unknown(name: str, density: Density, known: list[str]) -> str:
    if name in density.deterministic:
        return f"`{name}` depends on no latent, so it has no draws: leave it out."
    near = nearest(name, known)
    there = ", ".join(f"`{each}`" for each in known)
    meant = f"It has {there}." if near is None else f"Did you mean `{near}`?"
    return f"`{density.program}` has no latent or let `{name}`. {meant}"
