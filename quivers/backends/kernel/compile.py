"""From a kernel's source to a C function in memory, and to bytes that give the same function elsewhere."""

from __future__ import annotations

import functools
import hashlib
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding as llvm
import numba
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target

from quivers.backends.kernel.translate import translated


@dataclass(frozen=True, slots=True)
class MachineCode:
    """A C function: `address` is valid as long as `library` is referred to."""

    address: int
    library: Any
    symbol: str


@global_compiler_lock  # type: ignore[untyped-decorator]
def compile_source(source: str, name: str) -> MachineCode:
    """The machine code of the function that `source` defines, under its `key` as name.

    The name goes into its symbol: kernels that two processes compiled must differ in a third that loads both.
    """
    symbol = f"quivers_kernel_{name}"
    library = cpu_target.target_context.codegen().create_library(symbol)
    library.enable_object_caching()
    module = llvm.parse_assembly(translated(source, symbol))
    module.name = symbol
    library.add_llvm_module(module)
    library.finalize()
    return MachineCode(library.get_pointer_to_function(symbol), library, symbol)


@global_compiler_lock  # type: ignore[untyped-decorator]
def to_bytes(code: MachineCode) -> bytes:
    """The function's object code with what it takes to load it again."""
    return pickle.dumps((code.symbol, code.library.serialize_using_object_code()))


@global_compiler_lock  # type: ignore[untyped-decorator]
def from_bytes(data: bytes) -> MachineCode:
    """The function that `to_bytes` was given, from this machine and these versions only (see `key`)."""
    symbol, serialized = pickle.loads(data)
    library = cpu_target.target_context.codegen().unserialize_library(serialized)
    return MachineCode(library.get_pointer_to_function(symbol), library, symbol)


def key(source: str) -> str:
    """A digest of all that the machine code depends on: source, special functions, compiler and processor."""
    digest = hashlib.blake2b(digest_size=16)
    for part in (source, *_surroundings()):
        digest.update(part.encode())
        digest.update(b"\0")
    return digest.hexdigest()


# What compiled code is made of besides its own source.
_MODULES = ("elementary", "special", "factors", "places", "translate", "compile")


@functools.cache
def _surroundings() -> tuple[str, ...]:
    here = Path(__file__).parent
    sources = [(here / f"{module}.py").read_text(encoding="utf-8") for module in _MODULES]
    processor = cpu_target.target_context.codegen().magic_tuple()
    return (*sources, numba.__version__, llvmlite.__version__, repr(processor))
