"""Guides by the posterior's mode: the mode alone (MAP), and the normal of its curvature (Laplace)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from quivers.errors import QvrError
from quivers.inference.arguments import check_model
from quivers.inference.guides import Guide, standard_normal
from quivers.inference.modes import curvature, find_mode, sites_at

if TYPE_CHECKING:
    from quivers.backends.torch.bound import BoundModel
    from quivers.backends.torch.module import ProgramModule
    from quivers.inference.svi_density import LogDensity

# Less curvature than this share of a coordinate's own, against its others, is none.
FLATTEST = 1e-8
# A site is named where a direction has at least this share of its largest part there.
LARGEST_PARTS = 0.3


class _PointGuide(Guide):
    """A single point of the unconstrained space, `loc`, which starts at 0."""

    loc: nn.Parameter

    def __init__(
        self,
        model: ProgramModule,
        observed_names: Iterable[str] | None = None,
        *,
        observations: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(model, observed_names, observations, ("loc",))
        self.settle()

    def initial(self, dimension: int) -> dict[str, Tensor]:
        return {"loc": torch.zeros(dimension, dtype=torch.float64)}

    def particles(self, count: int) -> tuple[Tensor, Tensor | None]:
        """The point, once: more would add nothing."""
        return self.loc[None], None

    def log_weights(self, density: LogDensity, q: Tensor, *, frozen: bool = True) -> Tensor:
        """The log density at q (*batch, coordinate), which is what a point makes large: (*batch)."""
        return density.log_density(q)

    def find_mode(self, model: ProgramModule, observations: Mapping[str, Any] | None = None) -> None:
        """Puts `loc` at the mode, by L-BFGS and Newton's method from where it is.

        Raises:
            DataError: the observations do not fit.
            QvrError: there is no mode, or the search does not find one.
        """
        check_model(model)
        bound = model.bind({} if observations is None else observations)
        self.check(bound)
        self._move(bound)
        self.finish(bound)
        self.fitted_to = bound

    def _move(self, bound: BoundModel) -> None:
        function = bound.own_log_density if self.own_scale else bound.log_density
        mode = find_mode(function, bound, self.loc)
        with torch.no_grad():
            self.loc.copy_(mode)


class AutoDeltaGuide(_PointGuide):
    """The posterior's mode (maximum a posteriori, MAP), one point without any spread.

    The mode is that of the density of the latents on their own scales, without the Jacobians of the
    bijections, as Stan's optimiser and NumPyro's `AutoDelta` find it. It does not depend on how a latent is
    moved to the real line, but on the scale it is written on: the mode of `tau` is not that of `log(tau)`.
    (`AutoLaplaceApproximation` has the mode on the unconstrained space.) `find_mode` finds it directly; `SVI`
    moves there by its steps. In a hierarchical model in its centred form there may be none.
    """

    has_spread = False
    own_scale = True

    def rsample(self, shape: tuple[int, ...] = ()) -> Tensor:
        return self.loc.expand(*shape, self.dimension)

    def log_density(self, q: Tensor, *, frozen: bool = True) -> Tensor:
        raise QvrError("AutoDeltaGuide is a single point, which has no density.")


class AutoLaplaceApproximation(_PointGuide):
    """The normal with the mode and the curvature of the log density on the unconstrained space.

    Its covariance is −H⁻¹, H being the second derivatives at the mode, Jacobians included (Tierney and Kadane
    1986). `find_mode` finds both directly. `SVI` moves towards the mode as for `AutoDeltaGuide`; `SVI.run`
    then ends at it and takes the curvature, and so do `pareto_k` and `check` after steps.

    Raises:
        QvrError: (where the curvature is taken) the log density does not fall in every direction; the
            sentence names the sites.
    """

    def __init__(
        self,
        model: ProgramModule,
        observed_names: Iterable[str] | None = None,
        *,
        observations: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(model, observed_names, observations=observations)
        self._root: Tensor | None = None
        self._mode: Tensor | None = None
        self._of: BoundModel | None = None

    def rsample(self, shape: tuple[int, ...] = ()) -> Tensor:
        noise = torch.randn(*shape, self.dimension, dtype=self.loc.dtype)
        return self.loc + noise @ self._factor().T

    def log_density(self, q: Tensor, *, frozen: bool = True) -> Tensor:
        loc = self.loc.detach() if frozen else self.loc
        root = self._factor()
        offsets = (q - loc).reshape(-1, self.dimension).T
        noise = torch.linalg.solve_triangular(root, offsets, upper=False)
        return standard_normal(noise.T.reshape(q.shape)) - root.diagonal().log().sum()

    def covariance(self) -> Tensor:
        """The covariance of the unconstrained coordinates, (coordinate, coordinate)."""
        root = self._factor()
        return root @ root.T

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_of": None}

    def finish(self, bound: BoundModel) -> None:
        """Goes to the mode, and takes the curvature there."""
        if self._of is bound and self._mode is not None and torch.equal(self._mode, self.loc.detach()):
            return
        self._move(bound)
        mode = self.loc.detach().clone()
        self._root = _normal_root(curvature(bound.log_density, mode), bound)
        self._mode, self._of = mode, bound

    def _factor(self) -> Tensor:
        if self._root is None or self._mode is None or not torch.equal(self._mode, self.loc.detach()):
            raise QvrError(
                "AutoLaplaceApproximation has no curvature at its place yet: call its find_mode(model,"
                " observations), or end with SVI's run or check."
            )
        return self._root


def _normal_root(hessian: Tensor, bound: BoundModel) -> Tensor:
    """The Cholesky factor of −hessian⁻¹, lower triangular."""
    scales = hessian.diagonal().abs().clamp_min(1e-300).sqrt()
    precision = -hessian / torch.outer(scales, scales)
    curvatures, directions = torch.linalg.eigh(precision)
    flat = curvatures <= FLATTEST
    if flat.any():
        parts = (directions[:, flat] / scales[:, None]).abs()
        large = (parts >= LARGEST_PARTS * parts.amax(0)).any(1)
        raise QvrError(
            "The log density does not fall in every direction from where the search ended, so no normal fits"
            f" it there: look at {sites_at(bound, large.nonzero().flatten().tolist())}. Give"
            " proper priors, write the model non-centred, or take AutoMultivariateNormalGuide."
        )
    covariance = torch.linalg.inv(precision)
    root: Tensor = torch.linalg.cholesky(0.5 * (covariance + covariance.T))
    return root / scales[:, None]
