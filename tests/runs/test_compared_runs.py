"""Two saved runs side by side: shifts with their errors, and leave-one-out, held against ArviZ's."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quivers.cli import main
from quivers.runs.about import write_about
from quivers.runs.comparison import compared, leave_one_out
from quivers.runs.folders import found
from quivers.runs.saved import SavedRun, read_run

LONG = ["--chains", "4", "--warmup", "500", "--draws", "500", "--quiet"]
SHORT = ["--chains", "2", "--warmup", "100", "--draws", "50", "--quiet"]

MEASURED = """\
object Item : FinSet
program measured : Item -> Item
    sample mu <- Normal(0.0, 10.0)
    observe y : Item <- Normal(mu, 1.0)
    return y
export measured
"""


def ran(file: Path, *options: str) -> SavedRun:
    assert main(["run", str(file), *options]) == 0
    return read_run(found("latest"))


def written(folder: Path, name: str, program: str, values: dict[str, Any]) -> Path:
    file = folder / f"{name}.qvr"
    file.write_text(program.replace("measured", name))
    file.with_suffix(".data.json").write_text(json.dumps(values))
    return file


def test_one_posterior_in_two_forms_moves_by_no_more_than_its_monte_carlo_error(
    schools: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [
        ran(schools, *LONG).folder.name,
        ran(schools.with_name("centred.qvr"), *LONG, "--seed", "1").folder.name,
    ]
    capsys.readouterr()
    assert main(["compare", *names, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    shifts = {each["name"]: each for each in told["shifts"]}
    assert set(shifts) == {"mu", "tau", *(f"theta[{i}]" for i in range(1, 9))}
    assert all(abs(each["shift"]) < 4.5 * each["mcse"] for each in shifts.values())
    assert told["only_a"] == [f"eta[{i}]" for i in range(1, 9)]
    loo = told["loo"]
    assert loo["observations"] == 8
    assert loo["difference"] == pytest.approx(loo["elpd_b"] - loo["elpd_a"])
    assert abs(loo["difference"]) < 0.3


def test_the_difference_of_leave_one_out_and_its_error_are_those_of_arviz(schools: Path) -> None:
    import arviz

    values = {"y": [0.3, -1.2, 0.8, 2.5, -0.1, 0.9, 1.7, -2.0, 0.2, 4.0]}
    wide = MEASURED.replace("1.0)\n    return", "3.0)\n    return")
    a = ran(written(schools.parent, "narrow", MEASURED, values), *LONG)
    b = ran(written(schools.parent, "wide", wide, values), *LONG)
    ours = leave_one_out(a, b)
    loos = {
        name: arviz.loo(run.result().to_arviz(prior=0, predictive=False), pointwise=True, reff=1.0)
        for name, run in (("A", a), ("B", b))
    }
    table = arviz.compare(loos)
    second = str(table.index[1])
    sign = 1.0 if second == "A" else -1.0  # ArviZ gives best − other
    assert ours.difference == pytest.approx(sign * float(table.loc[second, "elpd_diff"]), abs=1e-6)
    assert ours.se == pytest.approx(float(table.loc[second, "dse"]), abs=1e-6)
    assert (ours.elpd_a, ours.se_a) == pytest.approx((loos["A"].elpd_loo, loos["A"].se), abs=1e-6)
    assert (ours.elpd_b, ours.se_b) == pytest.approx((loos["B"].elpd_loo, loos["B"].se), abs=1e-6)
    assert abs(ours.difference) > 1.0, "the models differ enough for a wrong sign to show"


def test_different_data_counts_and_sites_have_shifts_but_no_leave_one_out(schools: Path) -> None:
    folder = schools.parent
    first = ran(written(folder, "first", MEASURED, {"y": [0.3, -1.2, 0.8]}), *SHORT)

    def why(program: str, values: dict[str, Any]) -> str:
        found_ = compared(first, ran(written(folder, "second", program, values), *SHORT))
        assert found_.loo is None
        assert found_.no_loo is not None
        return found_.no_loo

    assert "1 of 3 values of `y` are not the same" in why(MEASURED, {"y": [0.3, -1.2, 9.8]})
    assert "A has 3 observations of `y` and B has 4" in why(MEASURED, {"y": [0.3, -1.2, 0.8, 1.0]})
    two = MEASURED.replace("    return", "    observe z : Item <- Normal(mu, 2.0)\n    return")
    assert "A observes `y` and B `y`, `z`" in why(two, {"y": [0.3, -1.2, 0.8], "z": [1.0, 2.0, 3.0]})
    nothing = MEASURED.replace("    observe y : Item <-", "    sample y : Item <-")
    assert "A observes `y` and B nothing" in why(nothing, {"Item": 3})


def test_a_site_of_another_name_with_the_same_values_is_the_same_observation(schools: Path) -> None:
    a = ran(written(schools.parent, "first", MEASURED, {"y": [0.3, -1.2, 0.8]}), *SHORT)
    other = MEASURED.replace("observe y", "observe mark").replace("return y", "return mark")
    b = ran(written(schools.parent, "second", other, {"mark": [0.3, -1.2, 0.8]}), *SHORT)
    assert leave_one_out(a, b).difference == pytest.approx(0.0, abs=1e-12)


def test_elements_are_matched_by_the_names_that_the_data_give_them(schools: Path) -> None:
    grouped = """\
object Row : FinSet
object Group : FinSet
data group : Row -> Group
program measured : Row -> Row
    sample m : Group <- Normal(0.0, 5.0)
    observe y : Row <- Normal(m[group], 1.0)
    return y
export measured
"""
    runs = [
        ran(written(schools.parent, name, grouped, {"group": list(groups), "y": [1.0, 2.0, 3.0]}), *SHORT)
        for name, groups in (("one", "abb"), ("other", "bcc"))
    ]
    comparison = compared(*runs)
    assert [shift.name for shift in comparison.shifts] == ["m[b]"]
    assert (comparison.only_a, comparison.only_b) == (("m[a]",), ("m[c]",))


def test_an_interrupted_run_is_compared_as_far_as_it_went(
    schools: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = ran(schools, *SHORT)
    assert main(["run", "--resume", "--draws", "80", "--quiet"]) == 0
    folder = found("latest")
    write_about(folder, read_run(folder).about.ended("running", {}))
    log = folder / "draws.log"
    log.write_bytes(log.read_bytes()[:-7])
    capsys.readouterr()
    assert main(["compare", whole.folder.name, folder.name]) == 0
    out = capsys.readouterr().out
    assert "2 × 50 of 80 draws" in out
    assert all(np.isclose(each.shift, 0.0) for each in compared(whole, read_run(folder)).shifts)
    log.write_bytes(log.read_bytes()[: read_run(folder).end // 20])
    assert main(["compare", whole.folder.name, folder.name]) == 1
    assert "ended before every chain had drawn" in capsys.readouterr().err


def test_too_few_draws_and_a_single_observation_are_told(
    schools: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = ran(schools, "--chains", "2", "--warmup", "50", "--draws", "10", "--quiet")
    assert "needs at least 25 draws, there are 20" in str(compared(few, few).no_loo)
    one = written(schools.parent, "single", MEASURED, {"y": [0.3]})
    run = ran(one, *SHORT)
    capsys.readouterr()
    assert main(["compare", "latest", run.folder.name]) == 0
    assert "LOO of 1 observation: " in capsys.readouterr().out
    assert main(["compare", "latest", "latest", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["loo"]["se"] is None


def test_comparing_needs_no_arviz(schools: Path) -> None:
    name = ran(schools, *SHORT).folder.name
    script = (
        "import sys; sys.modules['arviz'] = None; from quivers.cli import main;"
        f" sys.exit(main(['compare', {name!r}, {name!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "LOO of 8 observations" in done.stdout
