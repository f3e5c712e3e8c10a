"""From LLVM's text to object code, and from object code to functions in memory, by LLVM itself.

Nothing else is loaded: object code that is kept on the disk is ready to run within a few hundredths of a
second.
"""

from __future__ import annotations

import functools
import threading
from typing import Any

import llvmlite
import llvmlite.binding as llvm

# One engine holds all functions, and LLVM's engines are not for several threads at a time.
_LOCK = threading.Lock()
_loaded: dict[str, int] = {}

# How object code begins on Linux, macOS and Windows (64 bits); LLVM dies of a file that is none.
_BEGINNINGS = (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\x64\x86", b"\x64\xaa")


def processor() -> str:
    """All that object code depends on besides its text: compiler, system and processor."""
    features = llvm.get_host_cpu_features().flatten()
    return " ".join((llvmlite.__version__, llvm.get_process_triple(), llvm.get_host_cpu_name(), features))


def compiler() -> str:
    """The version of what compiles."""
    return str(llvmlite.__version__)


def object_code(text: str) -> bytes:
    """The object code of a module, optimised for this processor."""
    with _LOCK:
        return bytes(_machine().emit_object(_optimised(text)))


def assembly(text: str) -> str:
    """The processor's instructions that `object_code` of the same text holds."""
    with _LOCK:
        return str(_machine().emit_assembly(_optimised(text)))


def load(code: bytes, symbol: str) -> int:
    """The address of a function in object code of this machine, valid to the end of the process.

    A name stands for one function: code that comes again under it is not loaded again.

    Raises:
        RuntimeError: it is no object code, or does not have that function.
    """
    if not code.startswith(_BEGINNINGS):
        raise RuntimeError(f"What is kept for {symbol} is no object code")
    with _LOCK:
        if symbol in _loaded:
            return _loaded[symbol]
        engine = _engine()
        engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        engine.finalize_object()
        address = int(engine.get_function_address(symbol))
        if not address:
            raise RuntimeError(f"The object code has no function {symbol}")
        _loaded[symbol] = address
    return address


def _optimised(text: str) -> Any:
    machine = _machine()
    module = llvm.parse_assembly(text)
    module.triple = llvm.get_process_triple()
    module.data_layout = str(machine.target_data)
    module.verify()
    tuning = llvm.create_pipeline_tuning_options(speed_level=3)
    tuning.loop_vectorization = True
    builder = llvm.create_pass_builder(machine, tuning)
    builder.getModulePassManager().run(module, builder)
    return module


@functools.cache
def _machine() -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=3, jit=True
    )


@functools.cache
def _engine() -> Any:
    machine = _machine()
    module = llvm.parse_assembly("")
    module.triple = llvm.get_process_triple()
    return llvm.create_mcjit_compiler(module, machine)
