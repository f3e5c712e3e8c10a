"""What decides the draws of a run, and what has changed of it since the run began."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from quivers import __version__
from quivers.backends.machine_code import compiler
from quivers.check.fingerprint import fingerprint
from quivers.check.program import Checked, CheckedProgram
from quivers.data import Bound
from quivers.inference.machine_code import sampler_key
from quivers.runs.about import Identity

_SHOWN = {"qvr": "QVR", "python": "Python", "numpy": "NumPy", "llvmlite": "llvmlite", "torch": "torch"}


def identity_of(
    checked: Checked, program: CheckedProgram, bound: Bound, settings: Mapping[str, Any]
) -> Identity:
    """The identity of a run of a program with its data and the sampler's settings."""
    own = fingerprint(checked, program)
    return Identity([own.key, *own.names, *own.objects], data_fingerprint(bound), dict(settings), versions())


def data_fingerprint(bound: Bound) -> str:
    """A digest of the values, sizes and names that a program is bound to: equal however they are given."""
    digest = hashlib.blake2b(digest_size=16)
    for name, value in sorted(bound.values.items()):
        digest.update(f"{name} {value.shape}\n".encode())
        digest.update(np.ascontiguousarray(value, dtype=np.float64).tobytes())
    digest.update(json.dumps([sorted(bound.sizes.items()), sorted(bound.levels.items())]).encode())
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """Those of all that computes a run. `sampler` stands for the sampler's own code and this processor."""
    return {
        "qvr": __version__,
        "python": ".".join(str(part) for part in sys.version_info[:3]),
        "numpy": np.__version__,
        "llvmlite": compiler(),
        "torch": _torch_version(),
        "sampler": sampler_key(),
    }


def changes(saved: Identity, now: Identity, engine: str | None) -> Iterator[str]:
    """What of a program, its data and versions is not as it was, as words for a sentence.

    `engine` is what sampled the saved run, None where it had not begun to.
    """
    if list(saved.program) != list(now.program):
        yield "the program has changed"
    if saved.data != now.data:
        yield "the data have changed"
    named = [
        f"{shown} was {saved.versions.get(name)} and is {now.versions[name]}"
        for name, shown in _SHOWN.items()
        if saved.versions.get(name) != now.versions[name] and (name, engine) != ("torch", "kernel")
    ]
    yield from named
    if not named and saved.versions.get("sampler") != now.versions["sampler"]:
        yield "the sampler's code or the processor is another"


def _torch_version() -> str:
    """Torch's version, without the seconds that loading it takes; empty where there is none."""
    found = importlib.util.find_spec("torch")
    if found is None or found.origin is None:
        return ""
    try:
        text = (Path(found.origin).parent / "version.py").read_text(encoding="utf-8")
    except OSError:
        return ""
    told = re.search(r"__version__ *= *'([^']*)'", text)
    return told[1] if told else ""
