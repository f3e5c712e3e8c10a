"""Traces: what is kept of a run's draws, within which bound, and what is told of one number."""

from __future__ import annotations

import numpy as np
import pytest

from quivers.backends.torch.module import ProgramModule
from quivers.check.analysis import check_source
from quivers.inference import MCMC
from quivers.inference.kernels import NUTSKernel
from quivers.inference.mcmc import Underway
from quivers.worker.messages import NoDrawsError
from quivers.worker.traces import MOST_POINTS, Traces, trace

SCHOOLS = """object School : FinSet 3

program schools : School -> School
    sample mu <- Normal(0.0, 1.0)
    sample theta : School <- Normal(mu, 1.0)
    let twice = 2.0 * theta
    return twice
"""
RANDOM = np.random.default_rng(3)


def kept(traces: Traces, key: str, *, draws: int = 1000, size: int = 3) -> np.ndarray:
    values = RANDOM.normal(size=(4, draws, size))
    diverged = np.zeros((4, draws), dtype=bool)
    diverged[1, [5, 7]] = True
    traces.keep(key, {"theta": values}, diverged)
    return values


def test_a_trace_is_thinned_and_its_histograms_are_of_all_draws() -> None:
    traces = Traces()
    values = kept(traces, "a")
    found = traces.trace("a", "theta", (2,))
    assert [len(chain) for chain in found["chains"]] == [MOST_POINTS] * 4
    assert (found["draws"], found["every"]) == (1000, 4)
    np.testing.assert_allclose(found["chains"][3], values[3, ::4, 2], rtol=1e-4)
    assert found["divergences"] == [[], [5, 7], [], []]
    # Half a per cent at each end is left out.
    assert 3900 <= sum(map(sum, found["histogram"]["counts"])) <= 4000


def test_kept_draws_have_a_bound_and_the_oldest_run_goes_first() -> None:
    traces = Traces(limit=16 * 100_000)  # a sixteenth of it: two runs of 48 kB
    for key in ("a", "b", "c"):
        kept(traces, key)
    assert traces.bytes <= 100_000
    assert len(traces.trace("c", "theta", (0,))["chains"]) == 4
    with pytest.raises(NoDrawsError, match="run the model again"):
        traces.trace("a", "theta", (0,))


def test_a_run_beyond_the_bound_is_thinned_to_fit_and_a_far_larger_one_is_not_kept() -> None:
    traces = Traces(limit=16 * 100_000)
    kept(traces, "wide", size=20)  # 320 kB
    found = traces.trace("wide", "theta", (19,))
    assert found["every"] == 4
    assert len(found["chains"][0]) == 250
    assert traces.bytes <= 100_000
    kept(traces, "vast", size=2000)
    with pytest.raises(NoDrawsError, match="too many numbers"):
        traces.trace("vast", "theta", (0,))


@pytest.mark.parametrize(("site", "index"), [("eta", ()), ("theta", ()), ("theta", (3,)), ("theta", (-1,))])
def test_a_number_that_the_run_has_not_is_refused_in_a_sentence(site: str, index: tuple[int, ...]) -> None:
    traces = Traces()
    kept(traces, "a")
    with pytest.raises(NoDrawsError, match=f"no {site} with these subscripts"):
        traces.trace("a", site, index)


def test_draws_that_are_not_finite_leave_a_gap() -> None:
    found = trace([np.array([1.0, np.nan, np.inf])], [np.array([], dtype=np.intp)], 1)
    assert found["chains"] == [[1.0, None, None]]


def test_a_run_under_way_is_looked_at_as_its_result_will_be() -> None:
    checked = check_source(SCHOOLS.encode())
    seen: list[Underway] = []
    mcmc = MCMC(NUTSKernel(), num_warmup=50, num_samples=30, num_chains=2, seed=1, thin=2)
    module = ProgramModule(checked, checked.programs["schools"])
    result = mcmc.run(module, None, {}, watch=seen.append)
    draws, diverged, every = seen[0].draws_of("twice", (1,), 250)
    assert every == 1
    np.testing.assert_allclose(np.stack(draws), result.samples["twice"][..., 1].numpy(), rtol=1e-12)
    expected = [np.flatnonzero(chain) for chain in result.divergences.numpy()]
    assert all((one == other).all() for one, other in zip(diverged, expected, strict=True))
    with pytest.raises(LookupError):
        seen[0].draws_of("twice", (3,), 250)
