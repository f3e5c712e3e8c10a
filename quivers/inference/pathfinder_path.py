"""One path of Pathfinder: L-BFGS up the log density, and along it the normal with the greatest ELBO.

Zhang, Carpenter, Gelman and Vehtari 2022, "Pathfinder: parallel quasi-Newton variational inference", JMLR 23.
Plain NumPy; the log density is a function of a point that also gives the gradient.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quivers.errors import Cancelled

Array = NDArray[np.float64]
# The log density and its gradient at a point; the gradient is the caller's to keep.
Evaluate = Callable[[Array], tuple[float, Array]]

HISTORY = 6
ITERATIONS = 1000
ELBO_DRAWS = 25

# A step must gain this share of what the slope promises, and leave at most that share of the slope.
GAIN, SLOPE_LEFT = 1e-4, 0.9
TRIES = 60
# A path that is as far out as this is not coming back.
FARTHEST = 1e10
# Pairs of moves whose curvature is this small against the change of the gradient say nothing.
SMALLEST_CURVATURE = 1e-12


@dataclass(frozen=True, slots=True)
class Normal:
    """A normal whose covariance is diag(√α)·(1 + Q(LLᵀ − 1)Qᵀ)·diag(√α), with few orthonormal columns Q."""

    mean: Array
    root: Array
    directions: Array
    factor: Array

    def draw(self, noise: Array) -> tuple[Array, Array]:
        """Points (draw, coordinate) from standard normals of that shape, and their log densities (draw)."""
        along = noise @ self.directions
        points = self.mean + self.root * (noise + (along @ self.factor.T - along) @ self.directions.T)
        half = float(np.log(self.root).sum() + np.log(np.diag(self.factor)).sum())
        log_densities = -0.5 * (noise * noise).sum(axis=1) - half
        return points, log_densities - 0.5 * noise.shape[1] * math.log(2.0 * math.pi)

    @property
    def variances(self) -> Array:
        """The variance of each coordinate, (coordinate)."""
        scaled = self.directions @ self.factor
        shares = 1.0 + (scaled * scaled - self.directions * self.directions).sum(axis=1)
        return np.asarray(self.root * self.root * shares)


@dataclass(frozen=True, slots=True)
class Path:
    """What a path found: its best normal with its ELBO, and how often the log density was evaluated."""

    normal: Normal
    elbo: float
    evaluations: int


@dataclass(frozen=True, slots=True)
class NoPath:
    """Why a path found nothing, as a clause."""

    reason: str


def find_path(
    evaluate: Evaluate,
    start: Array,
    generator: np.random.Generator,
    *,
    history: int = HISTORY,
    iterations: int = ITERATIONS,
    elbo_draws: int = ELBO_DRAWS,
    cancel: threading.Event | None = None,
) -> Path | NoPath:
    """The normal of greatest ELBO along an L-BFGS path from `start`, where all must be finite.

    Raises `Cancelled` where `cancel` is set.
    """
    position = start
    value, gradient = evaluate(position)
    curvature = _Curvature(history, len(start))
    evaluations = 1
    best: tuple[float, Normal] | None = None
    last_is_best = away = False
    if not gradient.any():
        return NoPath("the log density is flat where it starts")
    for _ in range(iterations):
        if cancel is not None and cancel.is_set():
            raise Cancelled("Pathfinder was cancelled.")
        found = _step(evaluate, position, value, gradient, curvature.times(gradient))
        if found is None:
            break
        evaluations += found.tries
        curvature.learn(found.position - position, gradient - found.gradient)
        still = found.value == value
        position, value, gradient = found.position, found.value, found.gradient
        normal = curvature.normal(position, gradient)
        last_is_best = False
        if normal is not None:
            elbo = _elbo(evaluate, normal, generator, elbo_draws)
            evaluations += elbo_draws
            if math.isfinite(elbo) and (best is None or elbo > best[0]):
                best, last_is_best = (elbo, normal), True
        away = bool(np.abs(position).max() > FARTHEST)
        # Not before: the last of the log density to be gained is along what has the greatest scales.
        if away or still or curvature.exhausted:
            break
    if away and (best is None or last_is_best):
        return NoPath("the log density keeps rising, so that the posterior may have no finite mass")
    if best is None:
        return NoPath("no normal distribution along its way had a finite ELBO")
    return Path(best[1], best[0], evaluations)


@dataclass(frozen=True, slots=True)
class _Step:
    position: Array
    value: float
    gradient: Array
    tries: int


def _step(
    evaluate: Evaluate, position: Array, value: float, gradient: Array, direction: Array
) -> _Step | None:
    """A step by the weak Wolfe conditions, found by bisection (Lewis and Overton 2013); None without one.

    What is not finite counts as no gain. Where the slope never falls enough, the farthest gain is taken.
    """
    slope = float(gradient @ direction)
    if not (math.isfinite(slope) and slope > 0.0):
        return None
    least, most, length = 0.0, math.inf, 1.0
    best: _Step | None = None
    for tries in range(1, TRIES + 1):
        point = position + length * direction
        found, there = evaluate(point)
        gained = math.isfinite(found) and np.isfinite(there).all() and found >= value + GAIN * length * slope
        if not gained:
            most = length
        else:
            best = _Step(point, found, there, tries)
            if float(there @ direction) <= SLOPE_LEFT * slope or np.abs(point).max() > FARTHEST:
                return best
            least = length
        length = 0.5 * (least + most) if math.isfinite(most) else 2.0 * length
    return best


class _Curvature:
    """The inverse Hessian of the negative log density, in L-BFGS's compact form: diag(α) + βγβᵀ."""

    def __init__(self, history: int, dimension: int) -> None:
        self._history = history
        self._moves: list[Array] = []
        self._changes: list[Array] = []
        self._diagonal = np.ones(dimension)
        self._wide, self._core = np.zeros((dimension, 0)), np.zeros((0, 0))
        self.exhausted = False  # the moves are so short that they tell of rounding alone

    def learn(self, move: Array, change: Array) -> None:
        """Takes up a move and how the slope of the negative log density changed by it."""
        product = float(move @ change)
        size = float(change @ change)
        if not (math.isfinite(size) and product > SMALLEST_CURVATURE * size):
            return
        self._diagonal = _updated(self._diagonal, move, change, product)
        self._moves = [*self._moves[1 - self._history :], move] if self._history > 1 else [move]
        self._changes = [*self._changes[1 - self._history :], change] if self._history > 1 else [change]
        moves, changes = np.column_stack(self._moves), np.column_stack(self._changes)
        products = moves.T @ changes
        scaled = self._diagonal[:, None] * changes
        middle = np.diag(np.diag(products)) + changes.T @ scaled
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                inverse = np.linalg.inv(np.triu(products))
                nothing = np.zeros_like(inverse)
                core = np.block([[nothing, -inverse], [-inverse.T, inverse.T @ middle @ inverse]])
        except np.linalg.LinAlgError:
            core = np.full((1, 1), np.nan)
        if not np.isfinite(core).all():
            self.exhausted = True
            return
        self._wide, self._core = np.column_stack([scaled, moves]), core

    def times(self, vector: Array) -> Array:
        """The inverse Hessian times a vector; before there is any, a step no longer than one."""
        if not self._moves:
            return vector / max(1.0, float(np.linalg.norm(vector)))
        return self._diagonal * vector + self._wide @ (self._core @ (self._wide.T @ vector))

    def normal(self, position: Array, gradient: Array) -> Normal | None:
        """The normal that has this curvature and, at a point, this gradient; None where that is none."""
        root = np.sqrt(self._diagonal)
        directions, upper = np.linalg.qr(self._wide / root[:, None])
        inner = np.eye(len(upper)) + upper @ self._core @ upper.T
        try:
            factor = np.linalg.cholesky(0.5 * (inner + inner.T))
        except np.linalg.LinAlgError:
            return None
        mean = position + self._diagonal * gradient + self._wide @ (self._core @ (self._wide.T @ gradient))
        normal = Normal(mean, root, directions, factor)
        return normal if np.isfinite(mean).all() and (normal.variances > 0.0).all() else None


def _updated(diagonal: Array, move: Array, change: Array, product: float) -> Array:
    """The diagonal of the inverse Hessian after a move (Gilbert and Lemaréchal 1989; algorithm 3)."""
    by_change = float(change @ (diagonal * change)) / product
    by_move = float(move @ (move / diagonal))
    updated = by_change / diagonal + change * change / product
    updated -= by_change * (move / diagonal) ** 2 / by_move
    with np.errstate(divide="ignore", invalid="ignore"):
        updated = 1.0 / updated
    return updated if np.isfinite(updated).all() and (updated > 0.0).all() else diagonal


def _elbo(evaluate: Evaluate, normal: Normal, generator: np.random.Generator, draws: int) -> float:
    points, log_densities = normal.draw(generator.standard_normal((draws, len(normal.mean))))
    with np.errstate(invalid="ignore"):
        found = np.array([evaluate(point)[0] for point in points])
        elbo = float((found - log_densities).mean())
    return elbo if not math.isnan(elbo) else -math.inf
