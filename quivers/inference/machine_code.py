"""The sampler and SVI's steps as machine code: made once on a machine, kept on disk, called with arrays."""

from __future__ import annotations

import ctypes
import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from quivers.backends import machine_code
from quivers.backends.kernel import cache
from quivers.backends.kernel import translate as kernel_translate
from quivers.inference import translate
from quivers.inference.chain import run_chain
from quivers.inference.compiled_svi import take_steps

# The modules that each is made of.
_SAMPLER = (
    "chain", "compiled", "hmc", "leapfrog", "mass_matrix", "random", "step_size", "trajectory", "translate",
    "warmup",
)  # fmt: skip
_STEPS = ("compiled", "compiled_svi", "random", "translate")
_ELEMENTS = {"Vector": np.float64, "Counts": np.int64, "Words": np.uint64, translate.TABLE: np.float64}
_PLAIN: dict[str, type[ctypes.c_int64] | type[ctypes.c_double] | type[ctypes.c_bool] | None] = {
    kernel_translate.REAL: ctypes.c_double,
    kernel_translate.WHOLE: ctypes.c_int64,
    kernel_translate.TRUTH: ctypes.c_bool,
    translate.NOTHING: None,
}


@functools.cache
def compiled_chain() -> Callable[..., int]:
    """`run_chain` in machine code, as `machine_function` gives it, from the cache where it is there."""
    return _kept(run_chain, "qvr_chain", _SAMPLER)


@functools.cache
def compiled_steps() -> Callable[..., int]:
    """`take_steps` of SVI in machine code, likewise."""
    return _kept(take_steps, "qvr_svi", _STEPS)


def _kept(part: Callable[..., Any], symbol: str, modules: tuple[str, ...]) -> Callable[..., Any]:
    name = _key(modules)
    code = cache.load(name)
    if code is None:
        code = machine_code.object_code(translate.translated(part, symbol))
        cache.store(name, "# A part of the package; its source is there.\n", code)
    return _callable(part, machine_code.load(code, symbol))


def machine_function(part: Callable[..., Any]) -> Callable[..., Any]:
    """A part of the sampler in machine code, without the interpreter's lock while it runs.

    It takes arrays for tables and for what has one axis; they are to be of the types that the part names and
    without gaps, or ValueError is raised. Their lengths are not looked at.
    """
    symbol = f"qvr_part_{next(_numbers)}"
    code = machine_code.object_code(translate.translated(part, symbol))
    return _callable(part, machine_code.load(code, symbol))


_numbers = iter(range(2**62))


def _callable(part: Callable[..., Any], address: int) -> Callable[..., Any]:
    listed, result = translate.parameters(part)
    types: list[Any] = []
    for parameter in listed:
        types += [_PLAIN.get(kind, ctypes.c_void_p) for _, kind in parameter.expanded]
    function = ctypes.CFUNCTYPE(_PLAIN[result], *types)(address)

    def call(*arguments: Any) -> Any:
        passed: list[Any] = []
        for parameter, argument in zip(listed, arguments, strict=True):
            element = _ELEMENTS.get(parameter.kind)
            if element is None:
                passed.append(argument)
                continue
            if argument.dtype != element or not argument.flags.c_contiguous:
                raise ValueError(f"{parameter.name} must be an array of {element.__name__} without gaps")
            passed.append(argument.ctypes.data)
            if parameter.kind == translate.TABLE:
                passed += argument.shape
        return function(*passed)

    return call


@functools.cache
def sampler_key() -> str:
    """A digest of the sampler's source and of what compiles it for which processor."""
    return _key()


def _key(modules: tuple[str, ...] = _SAMPLER) -> str:
    """A digest of all that the code made of these modules depends on."""
    here = Path(__file__).parent
    sources = [here / f"{module}.py" for module in modules]
    sources += [Path(kernel_translate.__file__), Path(machine_code.__file__)]
    digest = hashlib.blake2b(machine_code.processor().encode(), digest_size=16)
    for source in sources:
        digest.update(source.read_bytes())
    return digest.hexdigest()
