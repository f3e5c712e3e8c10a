"""A saved run as netCDF, the file in which ArviZ keeps its InferenceData."""

from __future__ import annotations

import contextlib
import json
import os
import re
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
    new = place.with_name(f".{place.name}.{os.getpid()}")
    new.open("wb").close()  # where that can't be, it is better known before the draws are read
    try:
        return _written(run, place, new)
    except OSError as error:
        number = re.search(r"errno = (\d+)", str(error))  # HDF5 tells it in a text of its own
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1]))) from None
    finally:
        with contextlib.suppress(OSError):
            new.unlink()


def _written(run: SavedRun, place: Path, new: Path) -> Sequence[str]:
    """Writes the file at `new`, and puts it in place."""
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
    data.to_netcdf(str(new))
    os.replace(new, place)
    return [str(each.message) for each in caught if each.category is UserWarning]
