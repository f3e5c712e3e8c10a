"""Reads a saved run: its program, data and draws, as far as they are whole, as a result like a new run's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from quivers.check.analysis import check_source
from quivers.check.program import Checked, CheckedProgram
from quivers.data import Bound
from quivers.errors import QvrError
from quivers.inference.chains import ChainStates, Draws
from quivers.inference.checkpoint import Begun, ChainPart, Checkpoint
from quivers.inference.kernels import kernel_of
from quivers.inference.mass_matrix import SCALE
from quivers.inference.reparameterize import asked_for
from quivers.inference.trajectory import STATISTICS
from quivers.runs.about import LOG, PROGRAM, About, read_about, reason
from quivers.runs.log import Entry, Kind, entries
from quivers.syntax.problems import Severity

if TYPE_CHECKING:
    from quivers.inference import MCMCResult
    from quivers.inference.compiled_run import CompiledRun

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SavedRun:
    """A run as its folder has it.

    `source` is the program's text, `data` what was bound to it. `parts` has each chain's draws, None for one
    that had made none; `begun` is None where the chains had not started. `end` is the length of the log that
    is whole, and `seconds` how long the chains had sampled.
    """

    folder: Path
    about: About
    source: bytes
    data: Bound
    begun: Begun | None
    parts: tuple[ChainPart | None, ...]
    end: int
    seconds: float

    @property
    def kept(self) -> int:
        """Draws that all chains have."""
        return min((0 if part is None else len(part.positions) for part in self.parts), default=0)

    @property
    def checkpoint(self) -> Checkpoint | None:
        """What the run can go on from; None where it must begin anew."""
        return None if self.begun is None else Checkpoint(self.begun, self.parts)

    @cached_property
    def program(self) -> tuple[Checked, CheckedProgram]:
        """The file as the checker reads it, and the program in it that was run.

        Raises:
            QvrError: it has no such program, or this version of QVR finds errors in it.
        """
        checked = check_source(self.source)
        program = checked.programs.get(self.about.program)
        place = self.folder / PROGRAM
        if program is None:
            raise QvrError(f"{place} has no program `{self.about.program}` any more.")
        if any(found.severity is Severity.ERROR for found in checked.diagnostics):
            raise QvrError(f"{place} has errors, so the run can't be read: `qvr check {place}` shows them.")
        return checked, program

    def draws(self) -> Draws:
        """The draws that all chains have, on the unconstrained space.

        Raises:
            QvrError: there are none.
        """
        parts = [part for part in self.parts if part is not None]
        if self.begun is None or self.kept == 0:
            raise QvrError(f"The run {self.folder.name} ended before every chain had drawn.")
        settings = self.about.identity.settings
        kept, thin = self.kept, int(settings["thin"])
        warmup = np.stack([part.warmup for part in parts])
        positions = np.stack([part.positions[:kept] for part in parts])
        states = ChainStates(
            positions=positions[:, -1].copy(),
            metrics=np.stack([part.metric for part in parts]),
            step_sizes=np.array([part.step_size for part in parts]),
            transitions=warmup.shape[1] + kept * thin,
            num_warmup=warmup.shape[1],
            thin=thin,
            seed=self.about.seed,
            kernel=kernel_of(
                settings["algorithm"],
                target_accept=settings["target_accept"],
                mass_matrix=settings["mass_matrix"],
                max_tree_depth=settings["max_tree_depth"],
            ),
        )
        first = self.begun.first
        return Draws(
            positions=positions,
            statistics=np.stack([part.statistics[: kept * thin] for part in parts]),
            warmup=warmup if first is None else np.concatenate([first, warmup], axis=1),
            inverse_mass=states.metrics[:, SCALE],
            cancelled=kept < self.about.wanted,
            states=states,
        )

    def compiled_run(self) -> CompiledRun:
        """The result as `run_compiled` gives it, without torch. Raises QvrError where there are no draws."""
        from quivers.inference.compiled_run import result_of
        from quivers.ir.build import build

        draws = self.draws()
        assert self.begun is not None
        return result_of(
            build(*self.program),
            self.data.values,
            self.data.sizes,
            draws,
            wanted=self.about.wanted,
            seconds=self.timing(),
            levels=self.data.levels,
            reparameterize=asked_for(self.about.identity.settings["reparameterize"]),
            shares=self.begun.shares,
            engine=self.begun.engine,
            engine_reason=self.about.outcome.get("engine_reason"),
        )

    def result(self) -> MCMCResult:
        """The result as `MCMC.run` gives it, so that it can be criticised, predicted from and resumed.

        Raises:
            QvrError: no chain has drawn, or the program can't be run by this version of QVR.
        """
        from quivers.backends.torch.module import ProgramModule
        from quivers.inference.restored import restored

        draws = self.draws()
        assert self.begun is not None
        checked, program = self.program
        return restored(
            ProgramModule(checked, program),
            observations(checked, self.data),
            draws,
            self.begun,
            wanted=self.about.wanted,
            reparameterize=asked_for(self.about.identity.settings["reparameterize"]),
            seconds=self.timing(),
        )

    def timing(self) -> dict[str, float]:
        """Seconds that "compile" and "sample" took."""
        told: Mapping[str, float] = self.about.outcome.get("seconds", {})
        return {"compile": told.get("compile", 0.0), "sample": told.get("sample", self.seconds)}

    def spent(self) -> dict[str, float]:
        """Seconds that went into the draws that are there: "compile", "sample" and "total".

        Of a run that was killed, only the time that it sampled is known.
        """
        told: Mapping[str, float] = self.about.outcome.get("seconds", {})
        known = told.get("compile", 0.0) + self.seconds
        return {
            "compile": told.get("compile", 0.0),
            "sample": self.seconds,
            "total": max(told.get("total", 0.0), known),
        }


def read_run(folder: Path) -> SavedRun:
    """A saved run with all of its draws that are whole.

    Raises:
        QvrError: the folder is no saved run, or what tells about the run is damaged.
    """
    about = read_about(folder)
    log = folder / LOG
    try:
        source = (folder / PROGRAM).read_bytes()
        return _read(folder, about, source)
    except OSError as error:
        place = error.filename or log
        raise QvrError(f"{place} can't be read: {reason(error)}.") from None
    except (KeyError, ValueError, TypeError, IndexError, AttributeError, OverflowError):
        raise QvrError(f"{log} does not fit the run: its records contradict it.") from None


def observations(checked: Checked, data: Bound) -> dict[str, Any]:
    """Data that bind to a program as `data` did: its values, and the sizes and names of its objects."""
    told: dict[str, Any] = {
        name: size for name, size in data.sizes.items() if name in checked.objects and name not in data.values
    }
    return {**told, **{name: list(names) for name, names in data.levels.items()}, **data.values}


def kept_of(folder: Path) -> int:
    """How many draws all chains of an interrupted run have, by its log; raises QvrError."""
    chains = read_about(folder).chains
    made = [0] * chains
    try:
        for entry, _ in entries(folder / LOG):
            if entry.kind == Kind.DRAWS:
                made[entry.values["chain"]] = int(entry.values["last"])
    except OSError as error:
        raise QvrError(f"{folder / LOG} can't be read: {reason(error)}.") from None
    except (KeyError, IndexError, TypeError, ValueError, OverflowError):
        raise QvrError(f"{folder / LOG} does not fit the run: its records contradict it.") from None
    return min(made)


def _read(folder: Path, about: About, source: bytes) -> SavedRun:
    data: Bound | None = None
    begun: Begun | None = None
    seconds, end = 0.0, 0
    warmed: dict[int, Entry] = {}
    draws: list[list[Entry]] = [[] for _ in range(about.chains)]
    for entry, place in entries(folder / LOG):
        end = place
        if entry.kind == Kind.DATA:
            data = _data(entry)
        elif entry.kind == Kind.BEGUN:
            begun = _begun(entry)
        elif entry.kind == Kind.WARMED:
            warmed[entry.values["chain"]] = entry
        else:
            chain = draws[entry.values["chain"]]
            if entry.values["first"] != (chain[-1].values["last"] if chain else 0):
                raise ValueError
            chain.append(entry)
            seconds = max(seconds, float(entry.values["seconds"]))
    if data is None:
        raise QvrError(f"{folder / LOG} is damaged at its beginning, so nothing of the run can be read.")
    parts = tuple(_part(warmed[number], own) if own else None for number, own in enumerate(draws))
    _require_fitting(about, begun, parts)
    return SavedRun(folder, about, source, data, begun, parts, end, seconds)


def _require_fitting(about: About, begun: Begun | None, parts: tuple[ChainPart | None, ...]) -> None:
    """Raises ValueError where chains have other shapes than the run's."""
    made = [part for part in parts if part is not None]
    if not made:
        return
    if begun is None:
        raise ValueError
    chains, coordinates = begun.starts.shape
    thin, warmup = int(about.identity.settings["thin"]), made[0].warmup.shape
    for part in made:
        draws = len(part.positions)
        sound = (
            part.positions.shape == (draws, coordinates)
            and part.statistics.shape == (draws * thin, len(STATISTICS))
            and part.warmup.shape == warmup == (warmup[0], len(STATISTICS))
            and part.metric.shape == (len(part.metric), coordinates)
        )
        if not sound or chains != about.chains:
            raise ValueError


def _data(entry: Entry) -> Bound:
    values = {name: entry.array(name) for name in entry.shapes}
    levels = {name: tuple(names) for name, names in entry.values["levels"].items()}
    return Bound(values, entry.values["sizes"], (), levels)


def _begun(entry: Entry) -> Begun:
    shares = {
        name.removeprefix("share "): entry.array(name) for name in entry.shapes if name.startswith("share ")
    }
    return Begun(
        entry.values["engine"],
        entry.array("starts"),
        entry.array("variances") if "variances" in entry.shapes else None,
        shares,
        entry.array("first") if "first" in entry.shapes else None,
    )


def _part(warmed: Entry, draws: list[Entry]) -> ChainPart:
    statistics = np.concatenate([entry.array("statistics") for entry in draws])
    if statistics.shape[1] != len(STATISTICS):
        raise ValueError
    return ChainPart(
        np.concatenate([entry.array("positions") for entry in draws]),
        statistics,
        warmed.array("warmup"),
        warmed.array("metric"),
        float(warmed.values["step_size"]),
    )
