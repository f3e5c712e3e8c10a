"""The latent that is named for a trouble of the sampler: the one that goes along with it, or none."""

from dataclasses import dataclass

import numpy as np

from quivers.backends.torch.module import ProgramModule
from quivers.check.analysis import check_source
from quivers.inference import MCMC
from quivers.inference.blame import apart_in, moving_with
from quivers.inference.kernels import NUTSKernel

FUNNEL = """object School : FinSet 8

program funnel : School -> School
    sample scale <- LogNormal(0.0, 3.0)
    sample theta : School <- Normal(0.0, scale)
    return theta
"""


@dataclass(frozen=True)
class At:
    """A latent's place."""

    name: str
    shape: tuple[int, ...]
    free_shape: tuple[int, ...]
    start: int
    stop: int


LATENTS = (At("mu", (), (), 0, 1), At("theta", (4,), (4,), 1, 5), At("p", (3,), (2,), 5, 7))


def chance(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Normal draws (chain, draw, coordinate), and a few of them marked by chance."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(4, 500, 7)), rng.random((4, 500)) < 0.03


def test_the_latent_that_stands_apart_is_named_with_its_element() -> None:
    positions, marked = chance()
    positions[..., 3] += 2.0 * marked
    assert apart_in(marked, positions, LATENTS) == ("theta", (2,))


def test_a_scalar_and_coordinates_that_are_no_elements_have_no_element() -> None:
    positions, marked = chance()
    positions[..., 6] -= 2.0 * marked
    assert apart_in(marked, positions, LATENTS) == ("p", None)
    positions[..., 0] -= 4.0 * marked
    assert apart_in(marked, positions, LATENTS) == ("mu", None)


def test_marks_by_chance_name_hardly_ever_a_latent() -> None:
    named = sum(
        apart_in(marked, positions, LATENTS)[0] is not None for positions, marked in map(chance, range(50))
    )
    assert named < 25


def test_nothing_is_named_where_all_or_none_are_marked() -> None:
    positions, marked = chance()
    assert apart_in(marked & False, positions, LATENTS) == (None, None)
    assert apart_in(marked | True, positions, LATENTS) == (None, None)


def test_energies_name_what_they_go_up_with_or_how_far_out_it_is() -> None:
    positions, _ = chance()
    noise = np.random.default_rng(1).normal(size=positions.shape[:2])
    assert moving_with(positions[..., 0] + noise, positions, LATENTS) == ("mu", None)
    assert moving_with(np.abs(positions[..., 2]) + 0.1 * noise, positions, LATENTS) == ("theta", (1,))
    constant = positions * np.array([0.0, *[1.0] * 6])
    assert moving_with(noise + constant[..., 5], constant, LATENTS) == ("p", None)


def test_a_funnel_s_divergences_and_energies_are_laid_to_its_scale() -> None:
    checked = check_source(FUNNEL.encode())
    program = checked.program_to_run()
    assert program is not None
    module = ProgramModule(checked, program)
    for seed in (1, 2, 3):
        result = MCMC(NUTSKernel(), num_warmup=500, num_samples=500, seed=seed).run(module, None, {})
        blamed = {trouble.kind: trouble.site for trouble in result.troubles}
        assert blamed["divergences"] == "scale"
        assert blamed.get("e_bfmi", "scale") == "scale"
        worst = max(result.summary(), key=lambda row: row.r_hat)
        assert blamed["r_hat"] == worst.site
        assert result.check() == tuple(trouble.message for trouble in result.troubles)
