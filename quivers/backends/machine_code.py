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


def processor() -> str:
    """All that object code depends on besides its text: compiler, system and processor."""
    features = llvm.get_host_cpu_features().flatten()
    return " ".join((llvmlite.__version__, llvm.get_process_triple(), llvm.get_host_cpu_name(), features))


def object_code(text: str) -> bytes:
    """The object code of a module, optimised for this processor."""
    with _LOCK:
        machine = _machine()
        module = llvm.parse_assembly(text)
        module.triple = llvm.get_process_triple()
        module.data_layout = str(machine.target_data)
        module.verify()
        tuning = llvm.create_pipeline_tuning_options(speed_level=3)
        tuning.loop_vectorization = True
        builder = llvm.create_pass_builder(machine, tuning)
        builder.getModulePassManager().run(module, builder)
        return bytes(machine.emit_object(module))


def load(code: bytes, symbol: str) -> int:
    """The address of a function in object code of this machine, valid to the end of the process.

    Raises:
        RuntimeError: the code does not have that function.
    """
    with _LOCK:
        engine = _engine()
        engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        engine.finalize_object()
        address = int(engine.get_function_address(symbol))
    if not address:
        raise RuntimeError(f"The object code has no function {symbol}")
    return address


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
