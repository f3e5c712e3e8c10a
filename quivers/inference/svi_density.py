"""What computes the log density in SVI: a kernel, given to torch with its gradient, or torch itself."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from torch import Tensor

from quivers.backends.pointer import DensityPointer, torch_pointer
from quivers.errors import SamplingError
from quivers.inference.compiled import python_function
from quivers.inference.engine import Engine, engine_for, held_against_torch

if TYPE_CHECKING:
    from quivers.backends.torch.bound import BoundModel
    from quivers.inference.guides import Guide
    from quivers.ir.graph import Density

# Draws of the guide at which a kernel is held against torch.
POINTS = 3

_PROTOTYPE = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)


class LogDensity(Protocol):
    """What an objective needs of a program with its data."""

    def log_density(self, q: Tensor) -> Tensor:
        """The joint log density at q (*batch, coordinate), log Jacobians included: (*batch)."""


class OwnScale:
    """The density of the latents on their own scales, without Jacobians, as a function of q."""

    def __init__(self, bound: BoundModel) -> None:
        self._bound = bound

    def log_density(self, q: Tensor) -> Tensor:
        """The joint log density at q (*batch, coordinate), log Jacobians left out: (*batch)."""
        return self._bound.own_log_density(q)


class KernelDensity:
    """A kernel as a function of torch's: its value and gradient take one pass, which autograd takes up."""

    def __init__(self, pointer: DensityPointer) -> None:
        self._pointer, self._block = pointer, pointer.block()
        self._function = _PROTOTYPE(pointer.address)

    def log_density(self, q: Tensor) -> Tensor:
        """The joint log density at q (*batch, coordinate), log Jacobians included: (*batch)."""
        value: Tensor = _Evaluation.apply(q, self)  # type: ignore[no-untyped-call]
        return value

    def evaluate(self, q: Tensor) -> tuple[Tensor, Tensor]:
        """The log density at points (point, coordinate), and the gradients there."""
        # The kernel reads and writes doubles, whatever the guide has.
        points = q.to(torch.float64).contiguous()
        gradients = torch.empty_like(points)
        first, slope, width = points.data_ptr(), gradients.data_ptr(), points.shape[1] * points.itemsize
        block = self._block.ctypes.data
        values = [
            self._function(first + row * width, slope + row * width, block) for row in range(len(points))
        ]
        return torch.tensor(values, dtype=q.dtype), gradients.to(q.dtype)


class _Evaluation(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, q: Tensor, density: KernelDensity) -> Tensor:
        values, gradients = density.evaluate(q.detach().reshape(-1, q.shape[-1]))
        ctx.save_for_backward(gradients.reshape(q.shape))
        return values.reshape(q.shape[:-1])

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None]:
        (gradients,) = ctx.saved_tensors
        return slope.unsqueeze(-1) * gradients, None


def checked_engine(choice: str, density: Density, bound: BoundModel, guide: Guide) -> Engine:
    """The engine of `choice`, a kernel having been held against torch at draws of the guide.

    Torch's global generator is left as it was. A kernel that is finite at none of the draws gives way to
    torch, which says what is wrong or goes on.

    Raises:
        QvrError: "kernel" was asked for and can't be built, or the density can't be computed at all.
        SamplingError: it differs from torch.
    """
    engine = engine_for(choice, density, bound)
    if engine.name == "torch":
        return engine
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        points = np.ascontiguousarray(guide.particles(POINTS)[0].double().numpy())
    evaluate, block = python_function(engine.density.address), engine.density.block()
    gradient = np.zeros(bound.dimension)
    finite = [
        point
        for point in points
        if np.isfinite(evaluate(point, gradient, block)) and np.isfinite(gradient).all()
    ]
    if not finite and choice == "auto":
        return Engine(
            "torch", torch_pointer(bound), "The kernel's log density is not finite where the guide begins"
        )
    return held_against_torch(engine, choice, bound, np.array(finite).reshape(-1, bound.dimension))


def loss_not_finite(loss: float) -> SamplingError:
    """The error of a step whose loss is not a finite number."""
    return SamplingError(
        f"The loss is {loss:g}: the guide reached a point where the log density is not finite.{_ADVICE}"
    )


def slope_not_finite() -> SamplingError:
    """The error of a step whose loss is finite, and whose gradient is not."""
    return SamplingError(
        "A slope of the loss is not finite: the guide reached a point where the log density has no gradient."
        f"{_ADVICE}"
    )


_ADVICE = " A lower learning rate, or more particles, may keep it away."
