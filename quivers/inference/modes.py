"""The greatest point of a log density, by L-BFGS and Newton's method, and its curvature there."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from quivers.errors import QvrError

if TYPE_CHECKING:
    from quivers.backends.torch.bound import BoundModel

Function = Callable[[Tensor], Tensor]

# L-BFGS begins anew so often, with so many steps each time.
ROUNDS = 20
STEPS = 100
# Newton's steps, which take a gradient for each coordinate twice, are left out above so many coordinates.
LARGEST_NEWTON = 500
NEWTON_STEPS = 8
# How far the log density may still rise by Newton's step at what is called a mode.
RISE = 1e-10
# A slope above this is no mode's.
STILL_RISING = 1e-2
# A coordinate so far out has left for infinity.
FAR = 1e4
# Differences are taken over this share of a coordinate's own scale: both rounding and the fourth derivative
# then change a curvature by about 10⁻⁶ of it or less.
STEP_SHARE = 1e-3


def find_mode(log_density: Function, bound: BoundModel, first: Tensor) -> Tensor:
    """The point (coordinate) where `log_density` is greatest, searched for from `first`.

    Raises:
        QvrError: the density is not finite on the way, or grows without end, or no mode is found.
    """
    q = first.detach().clone()
    for _ in range(ROUNDS):
        before = q.clone()
        q = _climbed(log_density, q)
        if not q.isfinite().all() or not bool(log_density(q).isfinite()):
            farthest = torch.where(before.isfinite(), (q - before).abs().nan_to_num(math.inf), math.inf)
            gone = (farthest >= farthest.max()).nonzero().flatten().tolist()
            raise QvrError(
                "The search for the mode reached a point where the log density is not finite, far along"
                f" {sites_at(bound, gone)}. There may be none, as in a hierarchical model in its centred"
                " form: write the model non-centred, or take a guide with a spread, such as AutoNormalGuide."
                " Else start the search elsewhere, by setting the guide's loc."
            )
        if (q.abs() > FAR).any():
            break
        if (q - before).abs().max() <= 1e-9 * (1.0 + q.abs().max()):
            break
    if len(q) <= LARGEST_NEWTON:
        q = _polished(log_density, q)
    rising = slope(log_density, q).abs() > STILL_RISING
    far = torch.logical_or(q.abs() > FAR, rising).nonzero().flatten().tolist()
    if far:
        raise QvrError(
            f"No mode is found: the log density still rises along {sites_at(bound, far)}, perhaps without"
            " end."
            " Write the model non-centred, or take a guide with a spread, such as AutoNormalGuide."
        )
    return q


def slope(log_density: Function, q: Tensor) -> Tensor:
    """The gradient of `log_density` at q (*batch, coordinate), each point by itself."""
    q = q.detach().requires_grad_()
    with torch.enable_grad():
        (gradient,) = torch.autograd.grad(log_density(q).sum(), q)
    return gradient


def curvature(log_density: Function, q: Tensor) -> Tensor:
    """The second derivatives of `log_density` at q, (coordinate, coordinate), symmetric.

    They are differences of gradients, over a step in proportion to each coordinate's own scale; of a
    quadratic function they are exact up to rounding.
    """
    steps = 1e-4 * (1.0 + q.abs())
    for _ in range(2):  # once to find the scales, once with them
        offsets = torch.diag(steps)
        rows = torch.cat(
            [slope(log_density, q + part) - slope(log_density, q - part) for part in torch.split(offsets, 64)]
        )
        hessian = rows / (2.0 * steps[:, None])
        diagonal = hessian.diagonal().abs()
        steps = torch.where(diagonal > 1e-12, STEP_SHARE * diagonal.rsqrt(), steps)
    return 0.5 * (hessian + hessian.T)


def sites_at(bound: BoundModel, places: list[int]) -> str:
    """The names of the latents that have coordinates at these places, as a sentence wants them."""
    names = [
        coordinates.name
        for coordinates in bound.coordinates
        if any(coordinates.start <= place < coordinates.stop for place in places)
    ]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _climbed(log_density: Function, first: Tensor) -> Tensor:
    q = first.clone().requires_grad_()
    optimizer = torch.optim.LBFGS(
        [q], max_iter=STEPS, tolerance_grad=1e-10, tolerance_change=1e-14, line_search_fn="strong_wolfe"
    )

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = -log_density(q)
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    return q.detach()


def _polished(log_density: Function, q: Tensor) -> Tensor:
    """Newton's steps from a point that is nearly a mode, as long as they rise."""
    for _ in range(NEWTON_STEPS):
        gradient = slope(log_density, q)
        factor, failed = torch.linalg.cholesky_ex(-curvature(log_density, q))
        if failed:
            return q  # flat in some direction: where L-BFGS ended is as good
        step = torch.cholesky_solve(gradient[:, None], factor)[:, 0]
        if float(gradient @ step) <= RISE**2 or not bool(log_density(q + step) >= log_density(q) - RISE):
            return q
        q = q + step
    return q
