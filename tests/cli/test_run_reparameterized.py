"""`qvr run --reparameterize`: chosen by default, as written, or by name, and what can't be asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from quivers.cli import main

SOURCE = """
object School : FinSet 8

program schools : School -> School
    sample mu <- Normal(0.0, 5.0)
    sample tau <- HalfNormal(5.0)
    sample theta : School <- Normal(mu, tau)
    observe y : School <- Normal(theta, sigma)
    return theta

export schools
"""
DATA = {"y": [28, 8, -3, 7, -1, 1, 18, 12], "sigma": [15, 10, 16, 11, 9, 11, 10, 18]}


@pytest.fixture
def model(tmp_path: Path) -> str:
    (tmp_path / "schools.qvr").write_text(SOURCE)
    (tmp_path / "schools.data.json").write_text(json.dumps(DATA))
    return str(tmp_path / "schools.qvr")


def posterior(capsys: pytest.CaptureFixture[str], model: str, *options: str) -> dict[str, Any]:
    status = main(["run", model, "--output-format", "json", "--target-accept", "0.8", *options])
    out, _ = capsys.readouterr()
    assert status == 0
    found: dict[str, Any] = json.loads(out)
    return found


def test_the_form_is_chosen_unless_it_is_given(capsys: pytest.CaptureFixture[str], model: str) -> None:
    chosen = posterior(capsys, model)
    assert chosen["divergences"] <= 5
    assert posterior(capsys, model, "--reparameterize", "auto")["summary"] == chosen["summary"]
    written = posterior(capsys, model, "--reparameterize", "centred")
    assert written["divergences"] >= 10
    named = posterior(capsys, model, "--reparameterize", "theta=0")
    apart = posterior(capsys, model, "--reparameterize", "noncentred")
    assert named["summary"] == apart["summary"]


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ("sometimes", "`--reparameterize` is auto, centred, noncentred, or from 0"),
        ("tau=0.5", "`tau` can't be reparameterised"),
        ("theta=2", "as theta=0.3, not `theta=2`."),
    ],
)
def test_what_cannot_be_is_refused(
    capsys: pytest.CaptureFixture[str], model: str, asked: str, sentence: str
) -> None:
    assert main(["run", model, "--reparameterize", asked]) != 0
    assert sentence in capsys.readouterr().err
