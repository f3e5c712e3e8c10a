"""A saved run as netCDF: whole groups, and what is needed to tell where it comes from."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest

from quivers.cli import main
from quivers.runs.folders import found, listed
from quivers.runs.saved import read_run

SHORT = ["--chains", "2", "--warmup", "100", "--draws", "30", "--quiet"]
GROUPS = {
    "posterior", "sample_stats", "log_likelihood", "posterior_predictive", "prior", "prior_predictive",
    "observed_data", "constant_data",
}  # fmt: skip


def test_arviz_and_xarray_open_all_groups_and_each_names_program_seed_versions_and_data(
    schools: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import arviz
    import xarray

    assert main(["run", str(schools), *SHORT, "--seed", "6"]) == 0
    assert main(["runs", "export", "latest"]) == 0
    folder = found("latest")
    place = folder / "posterior.nc"
    assert capsys.readouterr().out.splitlines()[-1] == f"wrote {place}"
    run = read_run(folder)
    data = arviz.from_netcdf(str(place))
    assert set(data.groups()) == GROUPS
    assert np.allclose(data.posterior["tau"], run.compiled_run().samples["tau"], rtol=1e-12)
    assert data.log_likelihood["y"].dims == ("chain", "draw", "School")
    for group in GROUPS:
        with xarray.open_dataset(place, group=group) as opened:
            told = opened.attrs
            assert told["program"] == "eight_schools_noncentred", group
            assert told["seed"] == "6"
            assert told["run"] == folder.name
            assert told["data_fingerprint"] == run.about.identity.data
            assert json.loads(told["versions"]) == run.about.identity.versions
            assert json.loads(told["settings"]) == run.about.identity.settings
            assert told["program_source"] == schools.read_text()


def test_several_runs_go_into_a_folder_each_under_its_name(schools: Path) -> None:
    for seed in ("1", "2"):
        assert main(["run", str(schools), *SHORT, "--seed", seed]) == 0
    out = schools.parent / "out"
    assert main(["runs", "export", "--all", "-o", str(out)]) == 0
    assert sorted(os.listdir(out)) == sorted(f"{run.folder.name}.nc" for run in listed())
    before = (out / f"{found('latest').name}.nc").stat().st_ino
    assert main(["runs", "export", "latest", "-o", str(out)]) == 0
    assert (out / f"{found('latest').name}.nc").stat().st_ino != before
    program = schools.read_text()
    assert main(["runs", "export", "--all", "-o", str(schools)]) == 1
    assert schools.read_text() == program


def test_what_cannot_be_drawn_from_the_prior_is_a_sentence_and_the_rest_is_written(
    schools: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flat = schools.with_name("flat.qvr")
    flat.write_text(
        "object Item : FinSet\nprogram flat : Item -> Item\n    sample mu <- Flat()\n"
        "    observe y : Item <- Normal(mu, 1.0)\n    return y\nexport flat\n"
    )
    flat.with_suffix(".data.json").write_text('{"y": [1.0, 2.0]}')
    assert main(["run", str(flat), *SHORT]) == 0
    capsys.readouterr()
    assert main(["runs", "export", "latest"]) == 0
    out, err = capsys.readouterr()
    assert err.startswith("warning: No draws from the prior are given. ")
    assert "UserWarning" not in err
    assert out.startswith("wrote ")


def test_a_place_that_cannot_be_written_is_a_sentence_and_leaves_nothing(
    schools: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["run", str(schools), *SHORT]) == 0
    capsys.readouterr()
    nowhere = schools.parent / "nowhere" / "x.nc"
    assert main(["runs", "export", "latest", "-o", str(nowhere)]) == 1
    assert capsys.readouterr().err == f"error: {nowhere} can't be written: no such file or directory.\n"

    def full(self: object, *_: object, **__: object) -> None:
        raise OSError(f"Unable to write (file write failed: errno = {errno.ENOSPC}, error message = 'full')")

    from arviz import InferenceData

    monkeypatch.setattr(InferenceData, "to_netcdf", full)
    place = schools.parent / "x.nc"
    assert main(["runs", "export", "latest", "-o", str(place)]) == 1
    assert capsys.readouterr().err == f"error: {place} can't be written: no space left on device.\n"
    assert not [name for name in os.listdir(schools.parent) if "x.nc" in name]
    assert main(["runs", "show", "latest", "-o", str(place)]) == 2
