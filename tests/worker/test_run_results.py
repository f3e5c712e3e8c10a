"""The result of a run and of draws from a prior, as an editor gets them."""

import json
from pathlib import Path
from typing import Any

import pytest

from quivers.worker.messages import PriorRequest, PriorSettings, RunRequest, Settings, finite
from quivers.worker.runs import prior_predictive, run

EXAMPLES = Path(__file__).parents[2] / "examples/eight_schools"
NONCENTRED = EXAMPLES / "noncentred.qvr"
CENTRED = EXAMPLES / "centred.qvr"


def result(model: Path = NONCENTRED, data: dict[str, Any] | None = None, **settings: Any) -> dict[str, Any]:
    chosen = Settings(**{"warmup": 200, "draws": 250, "seed": 1, **settings})
    return run(RunRequest(model.read_text(encoding="utf-8"), str(model), None, data, settings=chosen))


def data_of(model: Path = NONCENTRED) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(model.with_suffix(".data.json").read_text(encoding="utf-8"))
    return values


@pytest.fixture(scope="module")
def noncentred() -> dict[str, Any]:
    return result()


def test_each_site_has_its_role_objects_and_figures_by_element(noncentred: dict[str, Any]) -> None:
    sites = noncentred["sites"]
    assert {name: site["role"] for name, site in sites.items()} == {
        "mu": "latent", "tau": "latent", "eta": "latent", "theta": "let",
    }  # fmt: skip
    theta = sites["theta"]
    assert (theta["axes"], theta["shape"]) == (["School"], [8])
    for figure in ("mean", "sd", "q5", "q95"):
        assert theta[figure] == [noncentred["summary"][f"theta[{i}]"][figure] for i in range(1, 9)]
    rows = [noncentred["summary"][f"theta[{i}]"] for i in range(1, 9)]
    assert theta["r_hat"] == max(row["r_hat"] for row in rows)
    assert theta["ess"] == min(min(row["ess_bulk"], row["ess_tail"]) for row in rows)
    assert sites["mu"]["shape"] == []
    assert len(sites["mu"]["mean"]) == 1


def test_a_histogram_holds_nearly_all_draws_of_all_elements(noncentred: dict[str, Any]) -> None:
    for name, elements in (("tau", 1), ("theta", 8)):
        histogram = noncentred["sites"][name]["histogram"]
        assert len(histogram["counts"]) == 24
        assert 0.98 * elements * 1000 <= sum(histogram["counts"]) <= elements * 1000
    low = noncentred["sites"]["tau"]["histogram"]["low"]
    assert 0.0 <= low <= noncentred["sites"]["tau"]["q5"][0]


def test_the_settings_are_those_used_with_the_seed_that_was_drawn() -> None:
    drawn = result(seed=None, draws=50, warmup=50, chains=2)
    assert isinstance(drawn["settings"]["seed"], int)
    assert drawn["settings"]["seed"] == drawn["seed"]
    assert (drawn["settings"]["chains"], drawn["settings"]["max_tree_depth"]) == (2, 10)
    again = result(**{**drawn["settings"]})
    assert again["summary"] == drawn["summary"]


def test_each_chain_has_its_fraction_of_missing_information_and_its_divergences() -> None:
    found = result(CENTRED, draws=1000, warmup=1000, reparameterize="centred")
    assert len(found["e_bfmi"]) == 4
    assert all(fraction > 0.0 for fraction in found["e_bfmi"])
    assert sum(found["divergences_by_chain"]) == found["divergences"] > 0


def test_troubles_say_the_problems_and_name_the_site() -> None:
    found = result(CENTRED, draws=1000, warmup=1000, reparameterize="centred")
    assert [trouble["message"] for trouble in found["troubles"]] == found["problems"]
    by_kind = {trouble["kind"]: trouble for trouble in found["troubles"]}
    assert by_kind["divergences"]["site"] == "tau"
    assert by_kind["divergences"]["element"] is None
    assert by_kind["divergences"]["count"] == found["divergences"]
    few = {trouble["kind"]: trouble for trouble in result(CENTRED, draws=20)["troubles"]}["ess"]
    least = min(
        result(CENTRED, draws=20)["summary"].items(),
        key=lambda row: min(row[1]["ess_bulk"], row[1]["ess_tail"]),
    )[0]
    assert least.partition("[")[0] == few["site"]
    assert few["element"] == (least if "[" in least else None)


def test_the_fingerprint_is_of_the_data_however_they_are_given(noncentred: dict[str, Any]) -> None:
    values = data_of()
    same = result(data={name: values[name] for name in reversed(values)}, draws=10, warmup=10)
    assert same["data_fingerprint"] == noncentred["data_fingerprint"]
    name = next(name for name, value in values.items() if isinstance(value, list))
    values[name] = [values[name][0] + 1, *values[name][1:]]
    other = result(data=values, draws=10, warmup=10)
    assert other["data_fingerprint"] != noncentred["data_fingerprint"]


def test_all_of_it_is_json() -> None:
    one = result(chains=1, draws=1, warmup=5)
    json.dumps(finite(one), allow_nan=False)
    assert one["sites"]["mu"]["r_hat"] is None


def test_draws_from_the_prior_have_figures_for_each_element_and_the_data_s_beside_them() -> None:
    request = PriorRequest(
        NONCENTRED.read_text(encoding="utf-8"), str(NONCENTRED), settings=PriorSettings(3, 4000)
    )
    found = prior_predictive(request)
    assert (found["seed"], found["draws"], found["problems"]) == (3, 4000, [])
    sites = found["sites"]
    assert sites["mu"]["mean"][0] == pytest.approx(0.0, abs=5 * 5.0 / 4000**0.5)
    assert sites["mu"]["sd"][0] == pytest.approx(5.0, abs=5 * 5.0 / 8000**0.5)
    assert sites["mu"]["q5"][0] < sites["mu"]["q50"][0] < sites["mu"]["q95"][0]
    y = sites["y"]
    assert (y["role"], y["axes"], y["shape"], len(y["q50"])) == ("observed", ["School"], [8], 8)
    assert y["observed"]["mean"] == pytest.approx(8.75)
    assert y["observed"]["q50"] == pytest.approx(7.5)
    assert "observed" not in sites["mu"]
    assert sites["theta"]["role"] == "let"
    json.dumps(finite(found), allow_nan=False)
