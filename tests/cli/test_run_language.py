"""`qvr run` takes every construct of the language through binding, the kernel and the sampler."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from quivers.cli import main

PROGRAMS = {
    "mixture": (
        """object Item : FinSet
object K : FinSet 2
program p : Item -> K [effects=[Sample, Score, Marginal]]
    sample mu : K <- Normal(0.0, 5.0) [ordered]
    sample share <- Beta(2.0, 2.0)
    marginalize z : K <- Bernoulli(share)
        observe y : Item <- Normal(mu[z], 1.0)
    return mu
""",
        {"y": [-3.1, -2.8, -3.3, -2.9, 2.9, 3.1, 3.0, 2.7, 3.3, 3.2]},
        {"mu[1]": -3.0, "mu[2]": 3.0},
    ),
    "masked and truncated": (
        """object Item : FinSet
program level(spread : Real [low=0]) : Item -> Item
    sample mu <- Normal(0.0, spread) [low=0]
    let a = mu + 0.0 * index(Item)
    return a

program p : Item -> Item
    sample theta <- level(5.0)
    observe y : Item <- Normal(theta, 0.5) [where=kept]
    return theta
export p
""",
        {"y": [1.0, None, 1.2, 0.8, 1.0], "kept": [1, 0, 1, 1, 1]},
        {"theta.mu": 1.0},
    ),
}


@pytest.mark.parametrize(
    ("name", "engine"),
    [("mixture", "kernel"), ("masked and truncated", "kernel"), ("masked and truncated", "torch")],
)
def test_a_program_is_sampled(name, engine, tmp_path: Path, capsys) -> None:
    source, data, means = PROGRAMS[name]
    (tmp_path / "m.qvr").write_text(source, "utf-8")
    (tmp_path / "m.data.json").write_text(json.dumps(data), "utf-8")
    arguments = ["--warmup", "300", "--draws", "300", "--chains", "2", "--engine", engine]
    assert main(["run", str(tmp_path / "m.qvr"), *arguments, "--output-format", "json"]) == 0
    outcome = json.loads(capsys.readouterr().out)
    assert outcome["engine"] == engine
    assert means.keys() <= outcome["summary"].keys()
    for row, mean in means.items():
        assert abs(outcome["summary"][row]["mean"] - mean) < 0.6
