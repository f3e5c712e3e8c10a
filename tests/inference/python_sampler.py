"""The sampler's own source run as plain Python, whole or with a line of it changed.

A changed copy shows that a check can fail; compiling one would take as long as compiling the sampler.
"""

import sys
import types
from pathlib import Path

import numpy as np

import quivers.inference
from quivers.inference.mass_matrix import identity_metric
from quivers.inference.random import stream
from quivers.inference.step_size import SEARCHING, STATE_SIZE, STEP
from quivers.inference.trajectory import DRAW, STATISTICS, workspace

FOLDER = Path(quivers.inference.__file__).parent
MODULES = ("random", "mass_matrix", "leapfrog", "step_size", "trajectory")


def python_sampler(**changes):
    """The modules by name; `trajectory=(before, after)` replaces that text, which must be there once."""
    names = {f"quivers.inference.{name}" for name in MODULES}
    kept = {name: sys.modules.pop(name) for name in names if name in sys.modules}
    attributes = {name: getattr(quivers.inference, name, None) for name in MODULES}
    try:
        made = {}
        for name in MODULES:
            source = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
            before, after = changes.pop(name, ("", ""))
            if before:
                assert source.count(before) == 1, f"{name}.py has {before!r} {source.count(before)} times"
                source = source.replace(before, after)
            module = types.ModuleType(f"quivers.inference.{name}")
            sys.modules[module.__name__] = module
            exec(compile(source, f"{name} as Python", "exec"), module.__dict__)
            made[name] = module
        assert not changes
        return types.SimpleNamespace(**made)
    finally:
        for name in names:
            sys.modules.pop(name, None)
        sys.modules.update(kept)
        for name, value in attributes.items():
            if value is not None:
                setattr(quivers.inference, name, value)


def python_draws(sampler, density, start, *, step, count, seed=0, max_depth=10, kind=0):
    """Draws of one chain with a step size that stays: positions (draw, n) and `STATISTICS` of each.

    `density` takes position and gradient, which it fills.
    """
    n = len(start)
    memory, weights = workspace(n, max_depth)
    memory[DRAW] = start
    metric = identity_metric(kind, n)
    generator, cancel = stream(seed, 0), np.zeros(1, dtype=np.int64)
    positions, statistics = np.zeros((count, n)), np.zeros((count, len(STATISTICS)))

    def call(q, gradient, data):
        return density(q, gradient)

    value = call(memory[DRAW], memory[DRAW + 1], None)
    for i in range(count):
        sampler.random.open_stream(generator, i, 0)
        sampler.trajectory.transition(
            call, None, kind, metric, memory, weights, value, step, max_depth, generator, statistics, i,
            cancel,
        )  # fmt: skip
        value = statistics[i, 0]
        positions[i] = memory[DRAW]
    return positions, statistics


def compiled_draws(run, address, data, start, *, step, count, seed=0, max_depth=10):
    """The same by the compiled chain, `run`."""
    from quivers.inference import chain

    n = len(start)
    memory, weights = workspace(n, max_depth)
    memory[DRAW] = start
    settings, state = np.zeros(6), np.zeros(STATE_SIZE)
    settings[chain.MAX_DEPTH], settings[chain.FIXED_STEP] = max_depth, step
    state[STEP], state[SEARCHING] = step, 0.0
    positions, statistics = np.zeros((count, n)), np.zeros((count, len(STATISTICS)))
    counts, cancel = np.zeros(chain.COUNTS_SIZE, dtype=np.int64), np.zeros(1, dtype=np.int64)
    run(
        address, data.ctypes.data, settings, 0, identity_metric(0, n), memory, weights, state,
        stream(seed, 0), np.zeros(0, dtype=np.int64), 0, 0, count, 0, 1, positions, statistics,
        np.zeros((0, n)), counts, cancel,
    )  # fmt: skip
    return positions, statistics
