"""`qvr sbc` and `qvr prior`: what is printed, the status, the JSON, a planted fault, Ctrl-C, the picture."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from quivers.calibration import fit
from quivers.calibration.verdicts import KINDS
from quivers.cli import main

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"
SCHOOLS = EXAMPLES / "eight_schools" / "noncentred.qvr"

CONJUGATE = """object Item : FinSet 5

program conjugate : Item -> Item
    sample mu <- Normal(1.0, 2.0)
    observe y : Item <- Normal(mu, 3.0)
    return y
"""


@pytest.fixture
def model(tmp_path: Path) -> str:
    path = tmp_path / "conjugate.qvr"
    path.write_text(CONJUGATE)
    return str(path)


def as_json(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_calibrated_program_passes_and_says_so(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sbc", model]) == 0
    told = capsys.readouterr()
    assert "simulated  y\n" in told.out
    assert "\nmu " in told.out
    assert "\nlog likelihood" in told.out
    assert "calibrated: Posteriors of this program, sampled so, are right on average" in told.out
    assert all(" of 200 replicates" in line for line in told.err.splitlines())


def test_the_json_says_all_of_it(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["sbc", model, "--json", "--quiet", "--replicates", "30", "--draws", "19", "--seed", "4"]) == 0
    )
    found = as_json(capsys)
    assert {name: type(value).__name__ for name, value in found.items()} == {
        "program": "str", "seed": "int", "replicates": "int", "made": "int", "draws": "int",
        "interrupted": "bool", "quantities": "list", "failed": "list", "divergences": "int",
        "diverged": "int", "slow": "int", "engine_reason": "NoneType", "calibrated": "bool", "meaning": "str",
        "seconds": "float",
    }  # fmt: skip
    assert [each["name"] for each in found["quantities"]] == ["mu", "log likelihood"]
    mu, likelihood = found["quantities"]
    assert mu["range"] == {"start": {"line": 3, "character": 11}, "end": {"line": 3, "character": 13}}
    assert likelihood["range"] is None
    assert len(mu["ranks"]) == found["made"] == 30
    assert set(mu["ranks"]) <= set(range(20))
    assert mu["verdict"] in KINDS
    assert 0.0 <= mu["p"] <= 1.0
    assert (mu["site"], mu["element"]) == ("mu", [])


@pytest.mark.parametrize("seed", ["0", "7"])
def test_the_same_seed_gives_the_same_ranks_whatever_the_threads(
    model: str, seed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["sbc", model, "--json", "--quiet", "--replicates", "25", "--seed", seed]
    ranks = []
    for threads in ("1", "2", "3"):
        main([*given, "--threads", threads])
        ranks.append([each["ranks"] for each in as_json(capsys)["quantities"]])
    assert ranks[0] == ranks[1] == ranks[2]


def test_a_wrong_posterior_is_found_and_said(
    model: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # The data are simulated with the deviation 3, and fitted as if it were 1.5: a fault of the fit alone.
    def halved(self: fit.Fitting, inputs: Any, *given: Any, **settings: Any) -> fit.Fit:
        return real(self, {**inputs, "s": inputs["s"] / 2.0}, *given, **settings)

    path = Path(model)
    path.write_text(CONJUGATE.replace("3.0", "s"))
    (path.parent / "conjugate.data.json").write_text('{"s": 3.0}')
    assert main(["sbc", model, "--quiet"]) == 0
    capsys.readouterr()
    real = fit.Fitting.fit
    monkeypatch.setattr(fit.Fitting, "fit", halved)
    assert main(["sbc", model, "--quiet"]) == 1
    told = capsys.readouterr().out
    [row] = [line for line in told.splitlines() if line.startswith("mu ")]
    assert "too narrow" in row
    assert "Posteriors of mu are too narrow: its intervals hold the truth less often than they say." in told


def test_a_wrong_jacobian_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from dataclasses import replace

    from quivers.backends.kernel import kernel

    path = tmp_path / "scale.qvr"
    path.write_text(
        "object Item : FinSet 1\n\nprogram scale : Item -> Item\n    sample s <- LogNormal(0.0, 1.0)\n"
        "    observe y : Item <- Normal(0.0, s)\n    return y\n"
    )
    given = ["sbc", str(path), "--json", "--quiet"]
    assert main(given) == 0
    assert as_json(capsys)["calibrated"]
    real = kernel.constrain

    def without_jacobian(density: Any) -> Any:
        free = real(density)
        return replace(free, terms=tuple(term for term in free.terms if term.kind != "jacobian"))

    monkeypatch.setattr(kernel, "constrain", without_jacobian)
    assert main(given) == 1
    found = as_json(capsys)["quantities"][0]
    assert (found["site"], found["verdict"]) == ("s", "shifted low")


def test_replicates_that_can_not_be_fitted_are_counted_and_fail(
    model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(model).write_text(CONJUGATE.replace("program", "data y : Item * Real [low=-8.0]\n\nprogram", 1))
    assert main(["sbc", model, "--quiet", "--replicates", "60"]) == 1
    told = capsys.readouterr().out
    # The replicates fail at other rows and values, for one reason.
    assert told.count("of 60 replicates could not be fitted. The simulated data do not fit: `y` must be") == 1
    assert "for other reasons" not in told


def test_a_program_that_can_not_be_calibrated_is_refused_at_its_line(
    model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(model).write_text(CONJUGATE.replace("Normal(1.0, 2.0)", "Flat()"))
    assert main(["sbc", model]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("error[QVR901]: `mu` has the improper prior Flat")
    assert ":4:12\n" in told.err
    assert main(["sbc", model, "--json"]) == 1
    [problem] = as_json(capsys)["diagnostics"]
    assert (problem["code"], problem["range"]["start"]["line"]) == ("QVR901", 3)


def test_only_what_is_not_simulated_must_be_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "schools.qvr"
    path.write_bytes(SCHOOLS.read_bytes())
    assert main(["sbc", str(path)]) == 1
    assert "schools.data.json does not exist: put `sigma_j` there, or name a file" in capsys.readouterr().err
    data = tmp_path / "spread.json"
    data.write_text('{"sigma_j": [15, 10, 16, 11, 9, 11, 10]}')
    assert main(["sbc", str(path), "--data", str(data)]) == 1
    assert "QVR602" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "status", "sentence"),
    [
        (["--program", "other"], 2, "has no program `other`, only `conjugate`."),
        (["--data", "nowhere.json"], 1, "nowhere.json"),
        (["--output", "nowhere/ecdf.svg"], 1, "there is no folder nowhere."),
        (["--output", "."], 1, "it is a folder; name a file, such as ecdf.svg."),
        (["--replicates", "1"], 2, "`--replicates` is a whole number from 2 to 1000000, not `1`."),
        (["--draws", "many"], 2, "`--draws` is a whole number from 9 to 100000, not `many`."),
        (["--threads", "0"], 2, "`--threads` is a whole number from 1 to 256, not `0`."),
    ],
)
def test_misuse_ends_in_a_sentence(
    given: list[str], status: int, sentence: str, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sbc", model, *given]) == status
    assert sentence in capsys.readouterr().err


def test_ctrl_c_keeps_what_was_done() -> None:
    given = [
        sys.executable,
        "-m",
        "quivers.cli",
        "sbc",
        str(SCHOOLS),
        "--replicates",
        "1000000",
        "--threads",
        "1",
    ]
    process = subprocess.Popen(given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    while not process.stdout.readline().startswith("study"):
        assert process.poll() is None
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Interrupted after " in out
    assert "\nmu " in out
    assert "Traceback" not in err


def test_the_picture_has_a_panel_for_each_site_and_stands_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "ecdf.svg"
    main(["sbc", str(SCHOOLS), "--quiet", "--replicates", "20", "--output", str(picture)])
    assert f"picture in {picture}" in capsys.readouterr().out
    root = ElementTree.fromstring(picture.read_text(encoding="utf-8"))
    space = "{http://www.w3.org/2000/svg}"
    panels = root.findall(f"{space}g")
    assert [panel.findtext(f"{space}text") for panel in panels] == ["mu", "tau", "eta", "log likelihood"]
    assert [len(panel.findall(f"{space}polyline")) - 1 for panel in panels] == [1, 1, 8, 1]
    assert "http" not in picture.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")


def test_the_help_fits_a_screen_and_has_an_example(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("sbc", "prior"):
        assert main([name, "--help"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) <= 24
        assert max(map(len, lines)) <= 80
        assert lines[-1].startswith(f"example: qvr {name} model.qvr")


# ---------------------------------------------------------------------- qvr prior


def test_the_prior_is_shown_with_what_it_would_observe(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prior", str(SCHOOLS), "--draws", "400", "--seed", "3"]) == 0
    told = capsys.readouterr().out
    rows = [line.split() for line in told.splitlines()]
    assert [row[:2] for row in rows if row[:1] == ["mu"]] == [["mu", "latent"]]
    assert ["y[1]", "observed"] in [row[:2] for row in rows]
    assert ["y", "data"] in [row[:2] for row in rows]


def test_the_prior_as_json_is_that_of_its_seed(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = []
    for seed in ("1", "1", "2"):
        assert main(["prior", model, "--json", "--seed", seed, "--draws", "50"]) == 0
        found.append(as_json(capsys))
    assert found[0] == found[1]
    assert found[0]["sites"]["mu"]["mean"] != found[2]["sites"]["mu"]["mean"]
    assert found[0]["sites"]["y"]["shape"] == [5]


def test_an_improper_prior_can_not_be_drawn_from(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(model).write_text(CONJUGATE.replace("Normal(1.0, 2.0)", "Flat()"))
    assert main(["prior", model]) == 1
    assert "`mu` has the improper prior Flat" in capsys.readouterr().err
