"""A saved run as netCDF, the file in which ArviZ keeps its InferenceData."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from quivers.runs.saved import SavedRun


def write_netcdf(run: SavedRun, place: Path) -> None:
    """Writes the run's groups as `MCMCResult.to_arviz` gives them, whole or not at all.

    Raises:
        QvrError: ArviZ is not installed, or the run has no draws.
        OSError: the file can't be written.
    """
    from quivers.inference.criticism.arviz_groups import arviz

    arviz()
    data = run.result().to_arviz()
    new = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        data.to_netcdf(str(new))
        os.replace(new, place)
    finally:
        with contextlib.suppress(OSError):
            new.unlink()
