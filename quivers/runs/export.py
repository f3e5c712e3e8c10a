"""A saved run as netCDF, the file in which ArviZ keeps its InferenceData."""

from __future__ import annotations

import contextlib
import json
import os
import warnings
from collections.abc import Sequence
from pathlib import Path

from quivers.runs.saved import SavedRun


def write_netcdf(run: SavedRun, place: Path) -> Sequence[str]:
    """Writes the run's groups as `MCMCResult.to_arviz` gives them, whole or not at all.

    Each group's attributes name the run, program, seed, settings, versions and the fingerprint of the data,
    and have the program's text. The answer says what could not be given, a sentence each.

    Raises:
        QvrError: ArviZ is not installed, or the run has no draws.
        OSError: the file can't be written.
    """
    from quivers.inference.criticism.arviz_groups import arviz

    arviz()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", UserWarning)
        data = run.result().to_arviz()
    about = run.about
    told = {
        "run": run.folder.name,
        "began": about.began,
        "state": about.state,
        "settings": json.dumps(dict(about.identity.settings)),
        "versions": json.dumps(dict(about.identity.versions)),
        "data": about.data_name or "",
        "data_fingerprint": about.identity.data,
        "program_source": run.source.decode(errors="replace"),
    }
    for group in data.groups() if callable(data.groups) else data.groups:
        data[group].attrs.update(told)
    new = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        data.to_netcdf(str(new))
        os.replace(new, place)
    finally:
        with contextlib.suppress(OSError):
            new.unlink()
    return [str(each.message) for each in caught if each.category is UserWarning]
