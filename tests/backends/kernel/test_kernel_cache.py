"""Kernels on disk: the second process compiles nothing, damage is repaired, and the folder stays bounded."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from kernels_against_torch import agree, built
from test_kernel_source import DATA, SCHOOLS

from quivers.backends.kernel import cache
from quivers.dsl import loads

# Prints whether a kernel was compiled, and the log density at a point.
SCRIPT = """
import pickle, sys
import numpy as np
from quivers.backends.kernel.kernel import kernel
from quivers.inference.compiled import python_function
made = kernel(*pickle.load(sys.stdin.buffer))
point, gradient = np.linspace(-1, 1, made.dimension), np.empty(made.dimension)
print(made.compiled, python_function(made.address)(point, gradient, made.block()))
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("QVR_CACHE_DIR", str(tmp_path))
    return tmp_path / "kernels"


def start(source=SCHOOLS):
    """A process that makes a program's kernel."""
    model = loads(source).morphism
    bound = model.bind(DATA)
    inputs = {name: value.numpy() for name, value in bound.inputs.items()}
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, "-c", SCRIPT], stdin=pipe, stdout=pipe, env=os.environ)
    process.stdin.write(pickle.dumps((model.density, inputs, bound.sizes)))
    process.stdin.close()
    return process


def finished(process):
    """What it said: whether the kernel was compiled, and its value."""
    with process:
        compiled, value = process.stdout.read().split()
    assert process.returncode == 0
    return compiled == b"True", float(value)


def assert_value(found, source=SCHOOLS):
    bound, _ = built(source, DATA)
    point = np.linspace(-1, 1, bound.dimension)
    assert found == pytest.approx(bound.log_density_and_gradient(point, np.empty_like(point)), rel=1e-12)


def test_another_process_reads_what_one_compiled(folder):
    compiled, value = finished(start())
    assert compiled
    assert_value(value)
    (entry,) = folder.iterdir()
    assert sorted(path.name for path in entry.iterdir()) == ["kernel.o", "kernel.py"]
    assert "def log_density" in (entry / "kernel.py").read_text(encoding="utf-8")
    written = (entry / "kernel.o").stat().st_mtime_ns
    assert finished(start()) == (False, value)
    assert (entry / "kernel.o").stat().st_mtime_ns == written


def test_kernels_that_two_processes_compiled_do_not_mix_in_a_third(folder):
    other = SCHOOLS.replace("Normal(mu, tau)", "Normal(0.0, 1.0)").replace("mu + tau * eta", "mu - tau * eta")
    for process, source in [(start(), SCHOOLS), (start(other), other)]:
        compiled, value = finished(process)
        assert compiled
        assert_value(value, source)
    assert len(list(folder.iterdir())) == 2
    addresses = set()
    for source in (SCHOOLS, other, SCHOOLS):
        bound, made = built(source, DATA)
        assert not made.compiled
        agree(bound, made, np.linspace(-1, 1, 5))
        addresses.add(made.code.address)
    assert len(addresses) == 2


def test_processes_that_compile_the_same_at_once_leave_one_entry(folder):
    processes = [start(), start()]
    (_, one), (_, other) = (finished(process) for process in processes)
    assert one == other
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize("damage", ["flipped", "short", "empty", "missing"])
def test_a_damaged_entry_is_made_anew(folder, damage):
    built(SCHOOLS, DATA)
    (entry,) = folder.iterdir()
    code = entry / "kernel.o"
    data = bytearray(code.read_bytes())
    if damage == "missing":
        code.unlink()
    else:
        data[len(data) // 2] ^= 1
        code.write_bytes({"flipped": bytes(data), "short": bytes(data[:1000]), "empty": b""}[damage])
    bound, made = built(SCHOOLS, DATA)
    assert made.compiled
    agree(bound, made, np.linspace(-1, 1, 5))
    assert not built(SCHOOLS, DATA)[1].compiled


def test_what_can_be_read_but_not_loaded_is_made_anew(folder):
    built(SCHOOLS, DATA)
    (entry,) = folder.iterdir()
    cache.remove(entry.name)
    cache.store(entry.name, "", b"no machine code")
    assert built(SCHOOLS, DATA)[1].compiled
    assert not built(SCHOOLS, DATA)[1].compiled


def test_without_a_folder_that_can_be_written_kernels_work_all_the_same(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("QVR_CACHE_DIR", str(tmp_path / "file"))
    bound, made = built(SCHOOLS, DATA)
    assert made.compiled
    agree(bound, made, np.linspace(-1, 1, 5))


def test_the_kernels_used_longest_ago_go_first(folder, monkeypatch):
    for age, name in enumerate(["old", "older", "oldest"]):
        cache.store(name, "", b"code")
        os.utime(folder / name, (1e9 - age, 1e9 - age))
    assert cache.load("older") == b"code"  # used now
    monkeypatch.setattr(cache, "LIMIT", 2)
    cache.store("new", "", b"code")
    assert sorted(entry.name for entry in folder.iterdir()) == ["new", "older"]


def test_the_folder_is_that_of_the_environment_or_the_users(monkeypatch, tmp_path):
    monkeypatch.setenv("QVR_CACHE_DIR", str(tmp_path))
    assert cache.folder() == tmp_path / "kernels"
    monkeypatch.delenv("QVR_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    assert cache.folder() == tmp_path / "user" / "qvr" / "kernels"
