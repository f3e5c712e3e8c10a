"""How one tool's fits are timed: two in a fresh process, the first cold, the second warm.

Each tool's script hands `timed` a function that goes from the data to draws in memory. What it reports goes
into a file, and the draws of the warm fit beside it, so that one estimator judges all tools.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Fit:
    """Draws, each (chain, draw, *axes); `gradients` counts those that they took, warm-up included."""

    draws: dict[str, np.ndarray]
    gradients: Callable[[], int]
    divergences: int


@dataclass(frozen=True)
class Settings:
    """What every tool is told alike."""

    problem: str
    data: dict[str, np.ndarray]
    chains: int
    warmup: int
    samples: int
    target_accept: float
    cores: int


def timed(fit: Callable[[Settings, int], Fit]) -> None:
    """Time two fits with the seeds 1 and 2 as the driver asks for on the command line.

    "ready" is when the first posterior was there, on the clock of `time.monotonic`, which all processes of a
    machine share, so that the driver can count from the start of the process. The processor's seconds, of all
    threads together, are what a busy machine leaves as they are.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("problem")
    parser.add_argument("data", type=Path)
    parser.add_argument("report", type=Path)
    parser.add_argument("--chains", type=int, default=4)
    parser.add_argument("--warmup", type=int, default=1000)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--target-accept", type=float, default=0.8)
    parser.add_argument("--cores", type=int, default=2)
    options = parser.parse_args()
    with np.load(options.data) as file:
        data = {name: file[name] for name in file.files}
    settings = Settings(
        options.problem,
        data,
        options.chains,
        options.warmup,
        options.samples,
        options.target_accept,
        options.cores,
    )
    fit(settings, 1)
    ready, cold_processor = time.monotonic(), time.process_time()
    found = fit(settings, 2)
    warm, warm_processor = time.monotonic() - ready, time.process_time() - cold_processor
    np.savez(options.report.with_suffix(".npz"), **found.draws)
    report = {
        "ready": ready,
        "warm": warm,
        "cold_processor": cold_processor,
        "warm_processor": warm_processor,
        "gradients": found.gradients(),
        "divergences": found.divergences,
    }
    options.report.write_text(json.dumps(report), encoding="utf-8")
