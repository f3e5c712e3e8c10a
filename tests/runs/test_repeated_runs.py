"""A seed gives a run's draws again to the bit, by whatever way it is asked for; and each result names it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quivers.cli import main
from quivers.runs.folders import found
from quivers.runs.saved import read_run

ROOT = Path(__file__).resolve().parents[2]
OPTIONS = ["--chains", "3", "--warmup", "250", "--draws", "60", "--seed", "11"]


@pytest.fixture
def centred(schools: Path) -> Path:
    """A program whose form is chosen in warm-up."""
    return schools.with_name("centred.qvr")


def drawn() -> dict[str, Any]:
    run = read_run(found("latest")).compiled_run()
    return {name: run.samples[name] for name in run.latents}


def same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert set(one) == set(other)
    for name, values in one.items():
        assert np.array_equal(values, np.asarray(other[name])), name


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main([*arguments]) == 0
    values: dict[str, Any] = json.loads(capsys.readouterr().out)
    return {name: value for name, value in values.items() if name not in ("seconds", "saved")}


def test_the_command_repeats_a_run_saved_or_not_quiet_or_not_and_on_one_core(
    centred: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = told(capsys, "run", str(centred), *OPTIONS, "--output-format", "json")
    before = drawn()
    for more in (["--no-save"], ["--quiet"], ["--engine", "kernel"]):
        again = told(capsys, "run", str(centred), *OPTIONS, "--output-format", "json", *more)
        assert again == first, more
    same(drawn(), before)
    if hasattr(os, "sched_setaffinity"):
        one_core = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})"
        script = f"{one_core}\nimport sys; from quivers.cli import main; sys.exit(main(sys.argv[1:]))"
        done = subprocess.run(
            [sys.executable, "-c", script, "run", str(centred), *OPTIONS, "--output-format", "json"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert json.loads(done.stdout)["summary"] == first["summary"]
        same(drawn(), before)
    assert told(capsys, "run", str(centred), *OPTIONS[:-1], "12", "--output-format", "json") != first


def test_python_and_the_worker_of_editors_draw_what_the_command_draws(centred: Path) -> None:
    from quivers import fit
    from quivers.worker.messages import RunRequest, Settings
    from quivers.worker.runs import run

    assert main(["run", str(centred), *OPTIONS, "--quiet"]) == 0
    saved = drawn()
    fitted = fit(centred, chains=3, warmup=250, draws=60, seed=11)
    same(saved, {name: fitted.samples[name] for name in fitted.latents})
    results: list[Any] = []
    request = RunRequest(
        centred.read_text(),
        str(centred),
        None,
        None,
        settings=Settings(chains=3, warmup=250, draws=60, seed=11),
    )
    run(request, on_result=results.append)
    same(saved, {name: results[0].samples[name] for name in results[0].latents})


def test_each_result_names_its_seed(centred: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["run", str(centred), *OPTIONS]) == 0
    assert capsys.readouterr().out.count("seed 11") == 2
    assert main(["run", str(centred), *OPTIONS, "--quiet"]) == 0
    assert "180 draws of seed 11;" in capsys.readouterr().out
    assert told(capsys, "run", str(centred), *OPTIONS, "--output-format", "json")["seed"] == 11
    assert main(["runs"]) == 0
    head, row = capsys.readouterr().out.splitlines()
    assert row[: head.index("seed") + 4].endswith(" 11")
    assert main(["runs", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["seed"] == 11
    assert main(["runs", "show", "latest"]) == 0
    assert "seed 11" in capsys.readouterr().out
    assert told(capsys, "runs", "show", "latest", "--json")["seed"] == 11
    assert main(["compare", "latest", "latest"]) == 0
    assert capsys.readouterr().out.count("seed 11") == 2
    result = read_run(found("latest")).result()
    assert result.seed == 11
    assert "seed 11" in repr(result)
    assert result.to_arviz(prior=0).posterior.attrs["seed"] == "11"
    page = centred.with_suffix(".html")
    assert main(["report", "latest", "-o", str(page)]) == 0
    assert "--seed 11 " in page.read_text()


def test_ctrl_c_while_the_summary_is_worked_out_leaves_a_run_that_is_shown(
    schools: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from quivers.inference.compiled_run import CompiledRun

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(CompiledRun, "summary", interrupted)
        assert main(["run", str(schools), *OPTIONS, "--quiet"]) == 130
    name = found("latest").name
    assert capsys.readouterr().err.splitlines() == [
        f"The run is saved: `qvr runs show {name}` shows it.",
        "error: Interrupted.",
    ]
    assert main(["runs"]) == 0
    assert f"{name}  finished" in capsys.readouterr().out
    assert main(["runs", "show", name]) == 0
    assert "\ntau " in capsys.readouterr().out
