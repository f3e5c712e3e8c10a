"""The form that each latent is sampled in: as asked for, or chosen from the first draws of warm-up.

With "auto" the chains begin non-centred. Two stretches of warm-up each end in a choice of all shares, from
the draws of all chains together; then warm-up goes on in the form that was chosen, with a mass matrix and a
step size that know nothing of another. The mathematics is in `quivers.ir.centring` and `centring_rule`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quivers.backends.kernel.draws import Moving
from quivers.backends.kernel.fixed import shape_of
from quivers.errors import Cancelled, QvrError
from quivers.inference.centring_rule import least_dependent
from quivers.inference.chains import ChainProgress, Draws, run_chains
from quivers.inference.kernels import Kernel
from quivers.inference.one_chain import DensityFunction
from quivers.ir.centring import SHARES, Movable, movable, with_centring
from quivers.ir.graph import Density
from quivers.sampling_defaults import REPARAMETERIZATIONS

Array = NDArray[np.float64]
Shares = Mapping[str, Array]
Asked = str | Mapping[str, Any] | None
"""What `reparameterize` may be: one of `REPARAMETERIZATIONS`, λ by latent, or None."""

# The stretches of warm-up that end in a choice, as parts of it; of each the latter half of draws counts.
STRETCHES = (0.1, 0.15)
SHORTEST = 50  # transitions of a stretch
FEWEST = 200  # a warm-up of fewer transitions has no draws to choose by
AS_WRITTEN = "centred, as it is written"
HEAVY = frozenset({"StudentT", "Cauchy"})


@dataclass(frozen=True, eq=False, slots=True)
class Form:
    """How a latent was sampled: λ of each element, (*axes), from 0, non-centred, to 1, centred.

    `centred` is λ, None for a latent that is left as it is written; `reason` says why it is what it is.
    """

    centred: Array | None
    reason: str


@dataclass(frozen=True, eq=False, slots=True)
class Forms:
    """The latents of a program that are moved. `density` has a centring for each, `shares` says how far it
    is centred, `left` why others stay as written; `automatic` where the shares are still to be chosen."""

    density: Density
    shares: Shares
    moved: Mapping[str, Movable]
    left: Mapping[str, str]
    reason: str
    automatic: bool = False

    @property
    def reparameterized(self) -> dict[str, Form]:
        """By latent, in the program's order, how it is sampled."""
        result = {}
        for latent in self.density.latents:
            if latent.name in self.moved:
                share = SHARES[1] if self.moved[latent.name].scale else SHARES[0]
                result[latent.name] = Form(self.shares[latent.name + share], self.reason)
            else:
                result[latent.name] = Form(None, self.left[latent.name])
        return result


def asked_for(text: str) -> Asked:
    """What a command line says: a word of `REPARAMETERIZATIONS`, or `theta=0.3`, several with commas between.

    Raises:
        QvrError: it is neither.
    """
    if text in REPARAMETERIZATIONS:
        return text
    result: dict[str, float] = {}
    for part in text.split(","):
        name, equals, number = (piece.strip() for piece in part.partition("="))
        try:
            result[name] = float(number)
        except ValueError:
            equals = ""
        if not (equals and name):
            raise _not_a_choice(text)
    return result


def check_asked(asked: object) -> None:
    """Refuses what `reparameterize` can't be; names and shapes are looked at when there is a program."""
    named = isinstance(asked, Mapping) and all(isinstance(name, str) for name in asked)
    if not (asked is None or named or (isinstance(asked, str) and asked in REPARAMETERIZATIONS)):
        raise _not_a_choice(asked)


def _not_a_choice(asked: object) -> QvrError:
    return QvrError(
        'reparameterize is "auto", "centred", "noncentred", or a number from 0 (non-centred) to 1 (centred)'
        f" for each latent to be moved, such as theta=0.3 or {{'theta': 0.3}}; it is {asked!r}."
    )


def forms_of(asked: Asked, density: Density, sizes: Mapping[str, int], num_warmup: int) -> Forms | None:
    """What is to be moved of a density in the constrained space; None where nothing was asked for.

    Raises:
        QvrError: a latent that was named is not there or can't be moved, or its λ doesn't fit.
    """
    if asked is None:
        return None
    found = movable(density)
    left = {name: why for name, why in found.items() if isinstance(why, str)}
    moved = {name: how for name, how in found.items() if isinstance(how, Movable)}
    axes = {latent.name: latent.axes for latent in density.latents}
    if isinstance(asked, str):
        if asked == "auto" and num_warmup < FEWEST:
            why = f"a warm-up of fewer than {FEWEST} draws is too short to choose by"
            return Forms(density, {}, {}, {**dict.fromkeys(moved, why), **left}, why)
        if asked == "centred":
            # The centred form is what is written; moving it by nothing would cost time.
            left.update(dict.fromkeys(moved, AS_WRITTEN))
            return Forms(density, {}, {}, left, AS_WRITTEN)
        values: dict[str, Any] = dict.fromkeys(moved, 0.0)
    else:
        values = dict(asked)
        for name in values:
            if name not in found:
                known = ", ".join(f"`{each}`" for each in moved) or "none"
                raise QvrError(
                    f"reparameterize names `{name}`, which the program does not sample; it can move {known}."
                )
            if name in left:
                raise QvrError(f"`{name}` can't be reparameterised: {left[name]}.")
        left.update({name: AS_WRITTEN for name in moved if name not in values})
        moved = {name: moved[name] for name in values}
    shares: dict[str, Array] = {}
    for name, value in values.items():
        share = _share(name, value, shape_of(axes[name], sizes))
        shares.update({name + kind: share for kind in SHARES})
    automatic = asked == "auto" and bool(moved)
    reason = "chosen in warm-up" if asked == "auto" else "as asked for"
    return Forms(with_centring(density, moved), shares, moved, left, reason, automatic)


def settled_forms(forms: Forms | None, shares: Shares) -> Forms | None:
    """Forms with the shares that an earlier part of the run came to; there is nothing left to choose."""
    return None if forms is None else replace(forms, shares=shares, automatic=False)


def _share(name: str, value: Any, shape: tuple[int, ...]) -> Array:
    try:
        numbers = np.asarray(value.detach() if hasattr(value, "detach") else value, dtype=np.float64)
    except (TypeError, ValueError, RuntimeError):
        raise QvrError(f"λ of `{name}` must be a number or an array of them, it is {value!r}.") from None
    if numbers.shape not in ((), shape):
        raise QvrError(
            f"λ of `{name}` must be one number or have the shape {shape}, it has the shape {numbers.shape}."
        )
    if not ((numbers >= 0.0) & (numbers <= 1.0)).all():
        raise QvrError(
            f"λ of `{name}` must lie between 0, non-centred, and 1, centred; it is {numbers.tolist()!r}."
        )
    return np.broadcast_to(numbers, shape).copy()


def centred_ones(how: Mapping[str, Form], density: Density | None = None) -> tuple[str, ...]:
    """The latents that were sampled centred and could have been moved; `how` is empty where nothing was
    asked for, and then `density` tells."""
    if not how and density is not None:
        return tuple(name for name, found in movable(density).items() if isinstance(found, Movable))
    return tuple(name for name, form in how.items() if form.reason == AS_WRITTEN)


# ------------------------------------------------------------- chosen in warm-up


@dataclass(frozen=True, eq=False, slots=True)
class Chosen:
    """Forms whose shares are chosen, where each chain stands in their coordinates (chain, coordinate), and
    the statistics (chain, transition, `STATISTICS`) of the part of warm-up that it took."""

    forms: Forms
    starts: Array
    warmup: Array

    @property
    def transitions(self) -> int:
        return int(self.warmup.shape[1])


def choose(
    forms: Forms,
    inputs: Mapping[str, np.ndarray[Any, Any]],
    sizes: Mapping[str, int],
    at: Callable[[Forms], tuple[DensityFunction, Sequence[Array]]],
    starts: Array,
    kernel: Kernel,
    *,
    num_warmup: int,
    total: int,
    seed: int,
    threads: int | None = None,
    progress: Callable[[ChainProgress], None] | None = None,
    cancel: Any = None,
) -> Chosen:
    """Runs the first part of warm-up from `starts` (chain, coordinate) and chooses the shares.

    `at` gives the log density of forms and a block of data for each chain; `total` is the number of
    transitions of the whole run. The choice depends on the seed alone.

    Raises as `run_chains` does.
    """
    moving = Moving(forms.density)
    statistics: list[Array] = []
    done = 0
    seeds = np.random.SeedSequence([seed, len(STRETCHES)]).generate_state(len(STRETCHES), np.uint64)
    for part, own_seed in zip(STRETCHES, seeds, strict=True):
        length = max(SHORTEST, int(part * num_warmup))
        density, blocks = at(forms)
        draws = run_chains(
            density,
            starts,
            kernel,
            num_warmup=length // 2,
            num_samples=length - length // 2,
            seed=int(own_seed),
            data=blocks,
            threads=threads,
            progress=shifted(progress, done, total, warming=True),
            cancel=cancel,
        )
        if draws.cancelled:
            raise Cancelled("The run was cancelled before every chain had drawn.")
        statistics += [draws.warmup, draws.statistics]
        done += length
        flat = draws.positions.reshape(-1, draws.positions.shape[-1])
        given = {**inputs, **forms.shares}
        old = forms
        forms = replace(forms, shares=_rechosen(forms, moving(given, sizes, flat)))
        starts = _carried(old, forms, moving, given, sizes, draws.positions[:, -1])
    return Chosen(forms, starts, np.concatenate(statistics, axis=1))


def _rechosen(forms: Forms, drawn: Mapping[str, tuple[slice, tuple[Array, ...]]]) -> Shares:
    families = {latent.name: latent.centring.family for latent in forms.density.latents if latent.centring}
    shares = dict(forms.shares)
    for name, (_, (coordinates, loc, scale)) in drawn.items():
        how = forms.moved[name]
        y = _value(forms.shares, name, coordinates, loc, scale)
        chosen = least_dependent(
            y, loc, scale, loc_moves=how.loc, scale_moves=how.scale, heavy=families[name] in HEAVY
        )
        shares.update(zip((name + kind for kind in SHARES), chosen, strict=True))
    return shares


def _carried(
    old: Forms,
    new: Forms,
    moving: Moving,
    inputs: Mapping[str, np.ndarray[Any, Any]],
    sizes: Mapping[str, int],
    positions: Array,
) -> Array:
    """Positions (chain, coordinate) of the old forms as those of the new."""
    result = positions.copy()
    for name, (place, (coordinates, loc, scale)) in moving(inputs, sizes, positions).items():
        y = _value(old.shares, name, coordinates, loc, scale)
        a, b = (new.shares[name + kind] for kind in SHARES)
        result[:, place] = (a * loc + scale ** (b - 1.0) * (y - loc)).reshape(len(positions), -1)
    return result


def _value(shares: Shares, name: str, coordinates: Array, loc: Array, scale: Array) -> Array:
    a, b = (shares[name + kind] for kind in SHARES)
    return np.asarray(loc + scale ** (1.0 - b) * (coordinates - a * loc))


def shifted(
    progress: Callable[[ChainProgress], None] | None, before: int, total: int, *, warming: bool = False
) -> Callable[[ChainProgress], None] | None:
    """`progress` of a part of a run, told as that of the whole: `before` transitions went ahead."""
    if progress is None:
        return None

    def told(part: ChainProgress) -> None:
        phase = "warm-up" if warming else part.phase
        divergences = 0 if warming else part.divergences
        progress(replace(part, phase=phase, done=part.done + before, total=total, divergences=divergences))

    return told


def with_first_part(draws: Draws, chosen: Chosen) -> Draws:
    """The draws of the rest of a run, its warm-up's statistics with those of the first part in front."""
    return replace(draws, warmup=np.concatenate([chosen.warmup, draws.warmup], axis=1))
