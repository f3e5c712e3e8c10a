"""From a kernel's source to a C function in memory, and to object code for other processes."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path

from quivers.backends import machine_code
from quivers.backends.kernel.translate import translated


@dataclass(frozen=True, slots=True)
class MachineCode:
    """A C function at `address`, valid to the end of the process, and the object code that has it."""

    address: int
    code: bytes


def compile_source(source: str, name: str) -> MachineCode:
    """The machine code of the function that `source` defines, under its `key` as name.

    The name goes into its symbol: kernels that two processes compiled must differ in a third that loads both.
    """
    return from_bytes(machine_code.object_code(translated(source, _symbol(name))), name)


def from_bytes(code: bytes, name: str) -> MachineCode:
    """The function of that name in object code from this machine and these versions only (see `key`)."""
    return MachineCode(machine_code.load(code, _symbol(name)), code)


def key(source: str) -> str:
    """A digest of all that the machine code depends on: source, special functions, compiler and processor."""
    digest = hashlib.blake2b(digest_size=16)
    for part in (source, *_surroundings()):
        digest.update(part.encode())
        digest.update(b"\0")
    return digest.hexdigest()


def _symbol(name: str) -> str:
    return f"quivers_kernel_{name}"


# What compiled code is made of besides its own source.
_MODULES = ("elementary", "special", "factors", "places", "translate", "compile")


@functools.cache
def _surroundings() -> tuple[str, ...]:
    here = Path(__file__).parent
    sources = [here / f"{module}.py" for module in _MODULES] + [Path(machine_code.__file__)]
    return (*(source.read_text(encoding="utf-8") for source in sources), machine_code.processor())
