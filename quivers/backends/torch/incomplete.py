"""Logs of the distribution functions of gamma, beta and Student's t, with their slopes, for torch.

torch has no incomplete beta function, and its incomplete gamma functions underflow in their tails. The values
are those of `quivers.backends.kernel.special`, computed element by element.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from quivers.backends.kernel import special


def _gamma_density(a: Tensor, x: Tensor) -> Tensor:
    return torch.xlogy(a - 1.0, x) - x - torch.lgamma(a)


def _odds_density(a: Tensor, b: Tensor, odds: Tensor) -> Tensor:
    complete = torch.lgamma(a) + torch.lgamma(b) - torch.lgamma(a + b)
    return torch.xlogy(a - 1.0, odds) - (a + b) * torch.log1p(odds) - complete


def _student_density(df: Tensor, t: Tensor) -> Tensor:
    half = 0.5 * df
    constant = torch.lgamma(half + 0.5) - torch.lgamma(half) - 0.5 * torch.log(math.pi * df)
    return constant - (half + 0.5) * torch.log1p(t * t / df)


_FUNCTIONS: Mapping[str, tuple[Callable[..., float], Callable[..., Tensor], float]] = {
    "log_gamma_below": (special.log_gamma_below, _gamma_density, 1.0),
    "log_gamma_above": (special.log_gamma_above, _gamma_density, -1.0),
    "log_beta_below": (special.log_beta_below, _odds_density, 1.0),
    "log_student_below": (special.log_student_below, _student_density, 1.0),
}
"""For each operation its value, the log of its density, and which way it goes."""


class _LogProbability(torch.autograd.Function):
    """The log of a probability; its slope along the last argument is the density over it."""

    @staticmethod
    def forward(ctx: Any, name: str, *args: Tensor) -> Tensor:
        wide = torch.broadcast_tensors(*args)  # type: ignore[no-untyped-call]
        groups = zip(*(part.reshape(-1).tolist() for part in wide), strict=True)
        function = _FUNCTIONS[name][0]
        found = torch.tensor([function(*group) for group in groups], dtype=torch.float64)
        result = found.reshape(wide[0].shape).to(args[0].device)
        ctx.name = name
        ctx.save_for_backward(*args, result)
        return result

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        *args, result = ctx.saved_tensors
        _, log_density, sign = _FUNCTIONS[ctx.name]
        slope = sign * slopes[0] * torch.exp(log_density(*args) - result)
        return (*[None] * len(args), slope.sum_to_size(args[-1].shape))


def _operation(name: str) -> Callable[..., Tensor]:
    def apply(*args: Tensor) -> Tensor:
        result: Tensor = _LogProbability.apply(name, *args)  # type: ignore[no-untyped-call]
        return result

    return apply


INCOMPLETE: Mapping[str, Callable[..., Tensor]] = {name: _operation(name) for name in _FUNCTIONS}
