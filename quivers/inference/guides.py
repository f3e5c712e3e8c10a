"""Guides: families of distributions over a program's latents, to be fitted to its posterior."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from quivers.backends.torch.minibatch import Minibatch
from quivers.errors import QvrError
from quivers.inference.arguments import a_kind, check_bound, check_model, check_positive
from quivers.ir.graph import object_of

if TYPE_CHECKING:
    from quivers.backends.torch.bound import BoundModel
    from quivers.backends.torch.module import ProgramModule
    from quivers.inference.svi_density import LogDensity


class Guide(nn.Module, ABC):
    """A distribution on the unconstrained space, with parameters to fit.

    `shapes` has each latent's shape on its own scale, in program order, and `dimension` counts the
    unconstrained coordinates; a simplex has one fewer than numbers, a symmetric matrix those of a triangle.
    Where the file declares every size, a guide has them before any data are seen. Where a size comes with the
    data, it takes them from `observations`, or else from the first data that it meets; an optimiser may be
    given its parameters before that. `observed_names` are the names that the data give; they are checked
    against the program's.

    A subclass names its `parameters` to this constructor, sets what `initial` needs, and calls `settle`.

    Raises:
        QvrError: the program samples nothing, or a name is wrong.
        DataError: the observations do not fit.
    """

    # The program with the data that the guide was last fitted to, which its draws are of.
    fitted_to: BoundModel | None = None

    # Whether draws stand for a distribution; a single point has no spread, and no density to compare.
    has_spread = True
    # Whether the density that it is fitted to is that of the latents on their own scales.
    own_scale = False

    def __init__(
        self,
        model: ProgramModule,
        observed_names: Iterable[str] | None,
        observations: Mapping[str, Any] | None,
        parameters: Sequence[str],
    ) -> None:
        super().__init__()
        check_model(model)
        latents = model.density.latents
        _check_observed(model, [latent.name for latent in latents], observed_names)
        if not latents:
            raise QvrError("The program samples nothing, so there is no posterior for a guide to hold.")
        self._names = tuple(parameters)
        for name in parameters:
            self.register_parameter(name, UninitializedParameter(dtype=torch.float64))  # type: ignore[call-arg, arg-type]
        self.shapes: dict[str, tuple[int, ...]] = {}
        self._dimension = 0
        self._unsized = ""
        sizes = model.density.sizes
        unsized = [
            object_of(axis)
            for latent in latents
            for axis in latent.axes
            if sizes.get(object_of(axis)) is None
        ]
        if observations is not None:
            self._take_sizes(model.bind(observations, require_observed=False))
        elif unsized:
            self._unsized = unsized[0]
        else:
            self.shapes = {name: tuple(shape) for name, shape in model.latent_shapes().items()}
            self._dimension = sum(model.coordinates_of_latents().values())

    @abstractmethod
    def initial(self, dimension: int) -> dict[str, Tensor]:
        """The parameters to start from, by name, for so many unconstrained coordinates."""

    @abstractmethod
    def rsample(self, shape: tuple[int, ...] = ()) -> Tensor:
        """Points of the unconstrained space, (*shape, coordinate), differentiable in the parameters.

        The randomness is torch's global generator's.
        """

    @abstractmethod
    def log_density(self, q: Tensor, *, frozen: bool = True) -> Tensor:
        """The guide's log density at q (*batch, coordinate): (*batch).

        It is differentiable in q alone; unless `frozen`, in the parameters too.
        """

    @property
    def dimension(self) -> int:
        """How many unconstrained coordinates there are. Raises `QvrError` where that is not known yet."""
        if not self._dimension:
            raise QvrError(
                f"The size of {self._unsized} comes with the data, so the guide does not know its latents"
                " yet: fit it first, or give it `observations=`."
            )
        return self._dimension

    def particles(self, count: int) -> tuple[Tensor, Tensor | None]:
        """Points (particle, coordinate) to estimate expectations from, and the log share of each (particle).

        The shares add up to one, and may depend on the parameters; None where all are equal and the points
        are draws of the guide.
        """
        return self.rsample((count,)), None

    def log_weights(self, density: LogDensity, q: Tensor, *, frozen: bool = True) -> Tensor:
        """The log of the density over the guide's at q (*batch, coordinate): (*batch)."""
        return density.log_density(q) - self.log_density(q, frozen=frozen)

    def sample(self, bound: BoundModel, shape: tuple[int, ...] = ()) -> dict[str, Tensor]:
        """Draws of the latents and of the lets that depend on them, on their own scales, (*shape, *axes)."""
        check_bound(bound)
        if not (isinstance(shape, tuple) and all(isinstance(size, int) and size >= 0 for size in shape)):
            raise QvrError(f"shape must be a tuple of whole numbers, such as (1000,), it is {shape!r}.")
        self.check(bound)
        with torch.no_grad():
            return bound.constrain(self.rsample(shape).detach())

    def check(self, bound: BoundModel) -> None:
        """Takes the sizes of these data where it has none; refuses latents that it was not made for."""
        if not self._dimension:
            self._take_sizes(bound)
            self.settle()
        theirs = {coordinates.name: tuple(coordinates.shape) for coordinates in bound.coordinates}
        if theirs != self.shapes or bound.dimension != self._dimension:
            raise QvrError(
                f"The guide was made for latents {_described(self.shapes)}, but with these data the program"
                f" has {_described(theirs)}."
            )

    def load_state_dict(self, *args: Any, **options: Any) -> Any:
        """As torch's; the guide must know its sizes. Raises `QvrError` where it does not."""
        _ = self.dimension
        return super().load_state_dict(*args, **options)

    def __getstate__(self) -> dict[str, Any]:
        # A copy, or a guide that is read from a file, is fitted to no data.
        return {**self.__dict__, "fitted_to": None}

    def _apply(self, move: Any, recurse: bool = True) -> Guide:
        """Refuses devices other than the processor and other numbers, before anything is changed."""
        try:
            changed = move(torch.zeros(1, dtype=torch.float64))
        except (AssertionError, NotImplementedError, RuntimeError) as error:
            raise QvrError(f"The guide can't be moved there: {error}.") from error
        if changed.device.type != "cpu" or changed.dtype != torch.float64:
            raise QvrError(
                "Guides compute in float64 on the processor, so this one can't be moved to"
                f" {changed.dtype} on {changed.device}."
            )
        return super()._apply(move, recurse)  # type: ignore[no-any-return, no-untyped-call]

    def finish(self, bound: BoundModel) -> None:
        """Works out what a fitted guide needs beyond its parameters; most need nothing."""

    def settle(self) -> None:
        """Gives the parameters their shapes and first values, once the sizes are known."""
        if not self._dimension:
            return
        for name, value in self.initial(self._dimension).items():
            parameter = self.get_parameter(name)
            assert isinstance(parameter, UninitializedParameter), f"{name} has been given its values"
            parameter.materialize(value.shape)
            with torch.no_grad():
                parameter.copy_(value)

    def _take_sizes(self, bound: BoundModel) -> None:
        self.shapes = {coordinates.name: tuple(coordinates.shape) for coordinates in bound.coordinates}
        self._dimension = bound.dimension


class AutoNormalGuide(Guide):
    """Independent normals on the unconstrained space (mean-field; Kucukelbir et al. 2017, ADVI).

    `loc` and `log_scale` have one element for each unconstrained coordinate, sites in program order; they
    start at 0 and at the logarithm of `initial_scale`.
    """

    loc: nn.Parameter
    log_scale: nn.Parameter

    def __init__(
        self,
        model: ProgramModule,
        observed_names: Iterable[str] | None = None,
        initial_scale: float = 0.1,
        *,
        observations: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(model, observed_names, observations, ("loc", "log_scale"))
        self.initial_scale = checked_scale(initial_scale)
        self.settle()

    def initial(self, dimension: int) -> dict[str, Tensor]:
        return start(dimension, self.initial_scale)

    def rsample(self, shape: tuple[int, ...] = ()) -> Tensor:
        noise = torch.randn(*shape, self.dimension, dtype=self.loc.dtype)
        return self.loc + torch.exp(self.log_scale) * noise

    def log_density(self, q: Tensor, *, frozen: bool = True) -> Tensor:
        loc, log_scale = held((self.loc, self.log_scale), frozen)
        return standard_normal((q - loc) * torch.exp(-log_scale)) - log_scale.sum()

    def log_weights(self, density: LogDensity, q: Tensor, *, frozen: bool = True) -> Tensor:
        """The log of the density over the guide's at q (*batch, coordinate): (*batch).

        Of a minibatch, the guide's density too counts the chosen elements for all: the noise of the two
        cancels, and nothing moves the parameters of the others.
        """
        if not isinstance(density, Minibatch):
            return super().log_weights(density, q, frozen=frozen)
        chosen, shares = density.chosen, density.shares
        loc, log_scale = held((self.loc[chosen], self.log_scale[chosen]), frozen)
        noise = (q[..., chosen] - loc) * torch.exp(-log_scale)
        each = -0.5 * (noise.square() + math.log(2.0 * math.pi)) - log_scale
        return density.log_density(q) - (shares * each).sum(-1)


def start(dimension: int, initial_scale: float) -> dict[str, Tensor]:
    """`loc` and `log_scale` (coordinate) to start from: 0, and the logarithm of `initial_scale`."""
    return {
        "loc": torch.zeros(dimension, dtype=torch.float64),
        "log_scale": torch.full((dimension,), math.log(initial_scale), dtype=torch.float64),
    }


def checked_scale(initial_scale: float) -> float:
    """`initial_scale`, or a `QvrError` where it is no positive number."""
    check_positive("initial_scale", initial_scale)
    return initial_scale


def held(parameters: tuple[Tensor, ...], frozen: bool) -> tuple[Tensor, ...]:
    """The parameters, as constants where they are to be `frozen`."""
    return tuple(parameter.detach() for parameter in parameters) if frozen else parameters


def standard_normal(noise: Tensor) -> Tensor:
    """The log density of independent standard normals at noise (*batch, coordinate): (*batch)."""
    return -0.5 * (noise.square().sum(-1) + noise.shape[-1] * math.log(2.0 * math.pi))


def _check_observed(
    model: ProgramModule, latents: Sequence[str], observed_names: Iterable[str] | None
) -> None:
    if observed_names is None:
        return
    given = {observed_names} if isinstance(observed_names, str) else observed_names
    if not (isinstance(given, Iterable) and all(isinstance(name, str) for name in given)):
        raise QvrError(f"observed_names must be names, such as {{'y', 'x'}}, not {a_kind(observed_names)}.")
    given = set(given)
    inputs = [entry.name for entry in model.program.inputs]
    sampled = sorted(given & set(latents))
    if sampled:
        raise QvrError(
            f"observed_names has {', '.join(sampled)}, which the program samples; write observe there."
        )
    unknown = sorted(given - set(inputs))
    if unknown:
        raise QvrError(
            f"observed_names has {', '.join(unknown)}, which is not an input of the program;"
            f" its inputs are {', '.join(inputs) or 'none'}."
        )


def _described(shapes: dict[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{name} {shape}" if shape else name for name, shape in shapes.items()) or "none"
