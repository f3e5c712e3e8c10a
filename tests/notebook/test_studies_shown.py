"""What a notebook shows of calibrations and of two runs side by side: what the commands print."""

from __future__ import annotations

import base64
import copy
import math
import pickle
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from quivers.calibration import Calibration, Study, calibrate, verdicts
from quivers.notebook.rows import Rows
from quivers.runs.comparison import Comparison, LeaveOneOut, Shift

ROOT = Path(__file__).resolve().parents[2]
SOURCE = b"""\
object Item : FinSet
program items : Item -> Item
    sample mu <- Normal(0.0, 1.0)
    sample theta : Item <- Normal(mu, 1.0)
    observe y : Item <- Normal(theta, 1.0)
    return theta
"""


@pytest.fixture(scope="module")
def calibration() -> Calibration:
    return calibrate(Study(SOURCE, {"Item": ["<b>", "two"]}, seed=1, draws=9, thin=2, warmup=150), 12)


def rendered(page: str) -> ElementTree.Element:
    """A page's elements; one that isn't closed, or a name that isn't escaped, is an error."""
    return ElementTree.fromstring(page)


def test_a_calibration_shows_verdicts_and_what_they_mean(calibration: Calibration) -> None:
    lines = repr(calibration).splitlines()
    assert lines[0] == "calibration: 12 replicates, each ranked by 9 draws, seed 1"
    assert lines[2].split() == ["elements", "verdict", "p", "beyond", "ranks"]
    assert [line.split()[0] for line in lines[3:6]] == ["mu", "theta", "log"]
    assert lines[-1].startswith("Posteriors of this program, sampled so, are right on average")
    assert "b'" not in repr(calibration.study)  # the program's text


def ranks(calibration: Calibration) -> list[str]:
    """The bars of the table's lines."""
    header, *lines = repr(calibration).splitlines()[2:6]
    return [line[header.index("ranks") :] for line in lines]


def test_a_calibration_in_a_notebook_has_its_picture_too(calibration: Calibration) -> None:
    page = rendered(calibration._repr_html_())
    assert [row.findtext("th") for row in page.iter("tr")][1:] == ["mu", "theta", "log likelihood"]
    assert page.findtext("table/caption") == repr(calibration).splitlines()[0]
    bars = [row.findall("td")[-1] for row in page.iter("tr") if row.find("td") is not None]
    assert [(cell.text or "").rstrip() for cell in bars] == ranks(calibration)
    assert all("white-space:pre" in cell.attrib["style"] for cell in bars)  # an empty bin is a blank
    [image] = page.iter("img")
    kind, _, data = image.attrib["src"].partition(",")
    assert kind == "data:image/svg+xml;base64"
    assert rendered(base64.b64decode(data).decode()).attrib["aria-label"].startswith("ECDF of ranks")


def test_a_study_with_failures_or_cut_short_says_so(calibration: Calibration) -> None:
    lost = [replace(each, ranks={}, problem="No start <was> found.") for each in calibration.made[:2]]
    worse = replace(calibration, made=(*lost, *calibration.made[2:]), asked=20)
    assert repr(worse).startswith("calibration: 12 of 20 replicates")
    assert "warning: 2 of 12 replicates could not be fitted. No start <was> found." in repr(worse)
    assert "No start <was> found." in "".join(rendered(worse._repr_html_()).itertext())
    nothing = replace(calibration, made=())
    assert "Nothing was calibrated" in repr(nothing)
    assert "Nothing was calibrated" in "".join(rendered(nothing._repr_html_()).itertext())
    assert not list(rendered(nothing._repr_html_()).iter("img"))


def test_verdicts_show_themselves_and_travel(calibration: Calibration) -> None:
    found = verdicts(calibration)
    assert repr(found) == "\n".join(repr(calibration).splitlines()[2:6])
    assert len(list(rendered(found._repr_html_()).iter("tr"))) == 4
    for other in (copy.copy(found), pickle.loads(pickle.dumps(found))):
        assert repr(other) == repr(found)
        np.testing.assert_array_equal(other[0].ranks, found[0].ranks)
    assert repr(verdicts(replace(calibration, made=()))) == "no verdict"


LOO = LeaveOneOut(-30.7, 1.4, -32.0, math.nan, -1.3, 0.2, 8, 0, 1)
SHIFTS = Rows(
    [
        Shift("mu", "mu", 4.4, 3.3, 8.1, 3.2, 1.1, 0.03),
        Shift("theta[<b>]", "theta", 6.2, 5.5, 6.3, 5.4, 0.02, 0.04),
    ]
)


def test_two_runs_side_by_side_show_what_the_command_prints() -> None:
    found = Comparison(SHIFTS, ("eta",), (), LOO, None)
    assert repr(found).splitlines() == [
        "            mean A  mean B  sd A  sd B  shift  ± mcse",
        "mu             4.4     8.1   3.3   3.2  +1.10    0.03  *",
        "theta[<b>]     6.2     6.3   5.5   5.4  +0.02    0.04",
        "shift: mean B - mean A in sds; *: more than four Monte Carlo errors",
        "only in A: eta",
        "",
        "LOO of 8 observations: A -30.7 ± 1.4, B -32.0 ± –; B - A -1.30 ± 0.20: A predicts better",
        "warning: 1 of 8 observations of B has a Pareto k above 0.7, so its LOO is not to be relied on:"
        " the model is surprised by it.",
    ]
    page = rendered(found._repr_html_())
    assert [row.findtext("th") for row in page.iter("tr")][1:] == ["mu", "theta[<b>]"]
    below = repr(found).splitlines()
    assert [each.text for each in page.iter("p")] == [below[3], below[4], below[6]]
    assert found.shifts.to_pandas()["shift"].tolist() == [1.1, 0.02]


def test_runs_with_nothing_in_common_say_so() -> None:
    found = Comparison(Rows(), ("a",), ("b",), None, "A observes `y` and B nothing.")
    lines = "The runs have no quantity in common.", "only in A: a", "only in B: b", ""
    text = "\n".join([*lines, "No LOO: A observes `y` and B nothing."])
    assert repr(found) == text
    assert "".join(rendered(found._repr_html_()).itertext()) == text.replace("\n", "")
