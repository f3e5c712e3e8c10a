"""A density and its data as a kernel: written, compiled or read from the disk, and given its memory."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quivers.backends.given import settled_sizes
from quivers.backends.kernel import cache
from quivers.backends.kernel.block import new_block
from quivers.backends.kernel.compile import MachineCode, compile_source, from_bytes, key
from quivers.backends.kernel.fixed import aligned, checked_index, evaluate, shape_of
from quivers.backends.kernel.objective import Objective, decisions, settled
from quivers.backends.kernel.source import Array, NotExpressible, Written, write
from quivers.backends.kernel.translate import Untranslatable
from quivers.ir.constrain import constrain
from quivers.ir.graph import Density, Node, axis_size

# Above this many operations a kernel takes longer to compile than most runs take with torch.
LARGEST = 4000


@dataclass(frozen=True, slots=True)
class NotCompiled:
    """Why a density has no kernel, as a sentence without its full stop."""

    reason: str


@dataclass(frozen=True, slots=True)
class Kernel:
    """A log density and its gradient as the C function at `address`.

    Each thread passes a block of its own as `data`. `compiled` says whether machine code was made now, not
    read from the disk.
    """

    address: int
    dimension: int
    source: str
    compiled: bool
    code: MachineCode
    shared: NDArray[np.float64]
    scratch: int

    def block(self) -> NDArray[np.float64]:
        """Memory for one thread; it must not outlive the kernel."""
        return new_block(self.shared, self.scratch)


def kernel(
    density: Density, inputs: Mapping[str, np.ndarray[Any, Any]], sizes: Mapping[str, int]
) -> Kernel | NotCompiled:
    """The kernel of a density in the constrained space, over inputs that have the axes of the program's.

    Raises:
        QvrError: a latent is discrete, or an input that the density needs is not given.
        DataError: the data do not meet a demand of the program's.
    """
    return Kernels(density)(inputs, sizes)


class Kernels:
    """The kernels of one density for one data set after another, in whichever threads.

    What is written and compiled for one serves all whose sizes are the same and that decide the same guards.
    """

    def __init__(self, density: Density) -> None:
        """Raises QvrError where a latent is discrete."""
        self._density = density
        self._free = constrain(density)
        self._made: dict[tuple[object, ...], _Made | NotCompiled] = {}
        self._lock = threading.Lock()

    def __call__(
        self, inputs: Mapping[str, np.ndarray[Any, Any]], sizes: Mapping[str, int]
    ) -> Kernel | NotCompiled:
        """The kernel over inputs that have the axes of the program's; raises as `kernel` does."""
        sizes = settled_sizes(self._density, inputs, sizes)
        try:
            decided = decisions(self._free, inputs, sizes)
            same = (*decided.items(), *sorted(sizes.items()))
            with self._lock:
                compiled = same not in self._made
                if compiled:
                    self._made[same] = _make(settled(self._free, decided, sizes))
                made = self._made[same]
            if isinstance(made, NotCompiled):
                return made
            shared = _shared(made.objective, made.written, inputs, sizes)
        except IndexError as problem:
            return NotCompiled(f"The program can't be compiled for these data: {problem}")
        dimension = sum(math.prod(shape_of(latent.free_axes, sizes)) for latent in made.objective.latents)
        scratch = sum(math.prod(shape_of(room.axes, sizes)) for room in made.written.scratch)
        source = made.written.source
        return Kernel(
            made.code.address, dimension, source, compiled and made.compiled, made.code, shared, scratch
        )


@dataclass(frozen=True, slots=True)
class _Made:
    objective: Objective
    written: Written
    code: MachineCode
    compiled: bool


def _make(found: Objective) -> _Made | NotCompiled:
    """An objective's machine code, read from the disk or compiled."""
    written = writing(found)
    if isinstance(written, NotCompiled):
        return written
    name = key(written.source)
    code = _read(name)
    if code is not None:
        return _Made(found, written, code, compiled=False)
    try:
        code = compile_source(written.source, name)
    except (Untranslatable, RuntimeError, RecursionError) as problem:
        first = str(problem).strip().splitlines() or [type(problem).__name__]
        return NotCompiled(f"The compiler refused the program: {first[0]}")
    cache.store(name, written.source, code.code)
    return _Made(found, written, code, compiled=True)


def writing(found: Objective) -> Written | NotCompiled:
    """The source of an objective's kernel."""
    count = _operations(found.nodes)
    if count > LARGEST:
        return NotCompiled(f"The program takes {count} operations, more than the {LARGEST} that are compiled")
    try:
        return write(found)
    except NotExpressible as problem:
        return NotCompiled(f"The program can't be compiled: {problem}")


def _operations(nodes: Sequence[Node]) -> int:
    """The number of nodes, those of the bodies of scans included."""
    return len(nodes) + sum(_operations(node.body.nodes) for node in nodes if node.body is not None)


def _read(name: str) -> MachineCode | None:
    data = cache.load(name)
    if data is None:
        return None
    try:
        code: MachineCode = from_bytes(data, name)
    except Exception:  # whatever another version wrote under our name: it is made anew
        cache.remove(name)
        return None
    return code


def _shared(
    found: Objective,
    written: Written,
    inputs: Mapping[str, np.ndarray[Any, Any]],
    sizes: Mapping[str, int],
) -> NDArray[np.float64]:
    """The numbers that all calls share: sizes, then what depends on data alone."""
    values = evaluate(found.nodes, [array.node for array in written.shared], inputs, sizes)
    for number, axis in written.indices:
        checked_index(values[number], axis, sizes)
    parts = [np.array([float(axis_size(axis, sizes)) for axis in written.sizes])]
    parts += [_laid_out(found, array, values, sizes) for array in written.shared]
    return np.ascontiguousarray(np.concatenate(parts), dtype=np.float64)


def _laid_out(
    found: Objective,
    array: Array,
    values: Mapping[int, np.ndarray[Any, Any]],
    sizes: Mapping[str, int],
) -> NDArray[np.float64]:
    value = aligned(values[array.node], found.nodes[array.node].axes, array.axes)
    return np.broadcast_to(value, shape_of(array.axes, sizes)).ravel()
