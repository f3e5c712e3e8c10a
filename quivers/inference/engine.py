"""What evaluates the log density of a run: the compiled kernel, held against torch, or torch itself.

Torch computes the same graph by other means, so the two agree to rounding or one of them is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from quivers.backends.pointer import DensityPointer, kernel_pointer, torch_pointer
from quivers.errors import QvrError, SamplingError
from quivers.inference.compiled import python_function

if TYPE_CHECKING:
    from quivers.backends.kernel.kernel import Kernels
    from quivers.backends.torch.bound import BoundModel
    from quivers.ir.graph import Density

Array = NDArray[np.float64]
Name = Literal["kernel", "torch"]

# How far kernel and torch may lie apart: relative to the value, and to the greatest slope.
TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Engine:
    """A log density to sample from. `reason` says why it is not the kernel where one was looked for."""

    name: Name
    density: DensityPointer
    reason: str | None = None
    kernels: Kernels | None = None


def engine_for(choice: str, density: Density, bound: BoundModel) -> Engine:
    """The engine of a run by `choice`: "kernel", "torch", or "auto" for the kernel where it can be built.

    `density` is in the constrained space; `bound` is the same with its data.

    Raises:
        QvrError: "kernel" was asked for and can't be built, or the density can't be computed at all.
    """
    if choice == "torch":
        return Engine("torch", torch_pointer(bound))
    from quivers.backends.kernel.kernel import Kernels, NotCompiled

    inputs = {name: value.numpy() for name, value in bound.known.items()}
    kernels = Kernels(density)
    built = kernels(inputs, bound.sizes)
    if not isinstance(built, NotCompiled):
        return Engine("kernel", kernel_pointer(built), None, kernels)
    if choice == "kernel":
        raise QvrError(f'{built.reason}. With engine="auto" or engine="torch" the program runs by torch.')
    return Engine("torch", torch_pointer(bound), built.reason)


def moved_engine(engine: Engine, bound: BoundModel) -> Engine:
    """The engine for the same program over other inputs, `bound` to the same sizes; nothing is compiled."""
    if engine.kernels is None:
        return replace(engine, density=torch_pointer(bound))
    from quivers.backends.kernel.kernel import NotCompiled

    built = engine.kernels({name: value.numpy() for name, value in bound.known.items()}, bound.sizes)
    assert not isinstance(built, NotCompiled), "what was compiled for these sizes serves them"
    return replace(engine, density=kernel_pointer(built))


def held_against_torch(engine: Engine, choice: str, bound: BoundModel, points: Array) -> Engine:
    """`engine`, or torch where a kernel's value or gradient differs from torch's at one of `points`.

    Raises:
        SamplingError: they differ, and "kernel" was asked for.
    """
    if engine.name == "torch":
        return engine
    evaluate, block = python_function(engine.density.address), engine.density.block()
    expected, found = np.zeros(bound.dimension), np.zeros(bound.dimension)
    for point in points:
        value = bound.log_density_and_gradient(point, expected)
        computed = evaluate(point, found, block)
        if not _near(computed, value, abs(value)):
            difference = f"the log density is {computed:.12g} by the kernel and {value:.12g} by torch"
        elif not _near(found, expected, np.max(np.abs(expected), initial=0.0)):
            place = int(np.argmax(~(np.abs(found - expected) <= TOLERANCE)))
            difference = (
                f"a slope of the log density is {found[place]:.12g} by the kernel"
                f" and {expected[place]:.12g} by torch"
            )
        else:
            continue
        reason = f"The kernel disagrees with torch at a starting point: {difference}"
        if choice == "kernel":
            raise SamplingError(f"{reason}. This is a fault in QVR; please report it with the program.")
        return Engine("torch", torch_pointer(bound), reason)
    return engine


def _near(found: Array | float, expected: Array | float, scale: float) -> bool:
    return bool(np.all(np.abs(np.subtract(found, expected)) <= TOLERANCE * max(1.0, float(scale))))
