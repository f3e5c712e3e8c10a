"""What a notebook shows of programs, runs and fits: names that the data give, escaped, and no script."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, replace
from html.parser import HTMLParser

import numpy as np
import pytest

import quivers
from quivers.dsl import loads
from quivers.inference.mcmc_result import MCMCResult
from quivers.inference.prior_predictive import prior_predictive
from quivers.inference.svi import SVIResult
from quivers.notebook.progress import Bars, progress_display
from quivers.notebook.rows import Problems

SOURCE = """\
object Pupil  : FinSet
object School : FinSet
data school : Pupil -> School
program scores : Pupil -> School [effects=[Sample, Score]]
    sample mu <- Normal(0.0, 5.0)
    sample theta : School <- Normal(mu, 1.0)
    let twice = 2.0 * theta
    observe y : Pupil <- Normal(theta[school], spread)
    return theta
"""
NASTY = "<script>alert(1)</script>"
DATA = {"school": [NASTY, "Eton", "Eton", "Choate"], "y": [1.0, 2.0, 3.0, 4.0], "spread": 1.0}


class Seen(HTMLParser):
    """The tags of a page and its text; every tag must be closed in its turn."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not [name for name, _ in attrs if name.startswith("on") or name in ("href", "src")]
        self.tags.append(tag)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def result() -> MCMCResult:
    return quivers.fit(SOURCE, DATA, chains=2, warmup=150, draws=50)


def test_a_program_shows_its_type_and_the_type_of_every_name() -> None:
    program = loads(SOURCE)
    assert repr(program).splitlines() == [
        "scores : Pupil -> School ! {Sample, Score}",
        "inputs   school : Pupil ⊗ School, spread : Pupil ⊗ Real⁺",
        "observed y : Pupil ⊗ Real",
        "latents  mu : Real, theta : School ⊗ Real",
        "lets     twice : School ⊗ Real",
    ]
    seen = Seen(program._repr_html_())
    assert "scores : Pupil -> School ! {Sample, Score}" in seen.text
    assert "thetalatentSchool ⊗ Real" in seen.text
    assert seen.tags.count("tr") == 1 + 6


def test_a_run_shows_its_table_by_level_names_and_its_troubles(result: MCMCResult) -> None:
    text = repr(result)
    assert text.startswith("scores: 2 chains of 50 draws, seed 0, 0 divergences\n\n")
    assert "theta[Eton]" in text
    assert result.check()
    assert all(f"warning: {sentence}" in text for sentence in result.check())


def test_names_from_the_data_are_text_in_html(result: MCMCResult) -> None:
    page = result._repr_html_()
    seen = Seen(page)
    assert "script" not in seen.tags
    assert f"theta[{NASTY}]" in seen.text
    assert "theta[Eton]" in seen.text
    assert all(sentence in seen.text for sentence in result.check())
    assert seen.tags.count("tr") == 1 + 1 + 3 + 3


def test_a_long_site_is_cut_in_a_notebook_too() -> None:
    source = "object A : FinSet 60\nprogram p : A -> A\n    sample x : A <- Normal(0.0, 1.0)\n    return x\n"
    run = quivers.fit(source, chains=1, warmup=20, draws=20)
    assert "… 50 more of x" in Seen(run._repr_html_()).text


def test_a_guide_s_fit_shows_its_elbo() -> None:
    trace = np.concatenate([np.linspace(-90.0, -40.0, 30), np.full(10, -31.25)])
    fit = SVIResult(trace, converged=False, cancelled=False, engine="kernel")
    told = "SVI: ELBO -31.25 (mean of the last 10 of 40 steps), which has not levelled off; engine kernel"
    assert repr(fit) == told
    seen = Seen(fit._repr_html_())
    assert {"svg", "polyline"} <= set(seen.tags)
    assert repr(fit) in seen.text
    assert "no step was taken" in repr(SVIResult(np.zeros(0), converged=False, cancelled=True))


def test_many_sites_are_cut_to_a_screen_and_named(result: MCMCResult) -> None:
    steps = "".join(f"    sample x{n} <- Normal(0.0, 1.0)\n" for n in range(80))
    last = "    sample z : A <- Normal(x0, 1.0)\n    return z\n"
    source = f"object A : FinSet 2\nprogram p : A -> A\n{steps}{last}"
    run = quivers.fit(source, chains=1, warmup=20, draws=20)
    assert "… 21 more sites: x60, x61, x62, x63, x64, …" in repr(run)
    assert len(repr(run.summary()).splitlines()) == 1 + 60 + 1
    assert "… 21 more sites" in Seen(run._repr_html_()).text


def test_a_table_says_what_it_is_and_what_its_columns_mean(result: MCMCResult) -> None:
    page = result._repr_html_()
    assert page.count("<caption") == 1
    assert 'title="Monte Carlo standard error of the mean"' in page
    assert page.count('scope="col"') == 10


def test_problems_alone_show_as_a_list(result: MCMCResult) -> None:
    assert repr(result.check()) == "\n".join(f"warning: {each}" for each in result.check())
    assert Seen(result.check()._repr_html_()).tags.count("li") == len(result.check())
    assert repr(Problems()) == "no problem found"


def test_diagnostics_alone_show_their_lines() -> None:
    source = SOURCE.replace("Normal(mu, 1.0)", "Normall(mu, 1.0)  # <i>")
    found = quivers.diagnose(source)
    assert repr(found).startswith("error[QVR202]: No distribution is called `Normall`.")
    seen = Seen(found._repr_html_())
    assert {"pre", "details", "summary"} <= set(seen.tags)
    assert "i" not in seen.tags
    assert found.file == "<program>"
    assert pickle.loads(pickle.dumps(found)) == found
    sound = quivers.diagnose(SOURCE.replace("    let twice = 2.0 * theta\n", ""))
    assert (repr(sound), len(sound)) == ("no problem found", 0)
    with pytest.raises(quivers.QvrError, match=r"nowhere\.qvr can't be read"):
        quivers.diagnose("nowhere.qvr")


@dataclass
class Report:
    chain: int
    chains: int = 2
    phase: str = "sampling"
    done: int = 30
    total: int = 40
    divergences: int = 3


class Shown:
    """Stands in for IPython's `display` and what it gives back."""

    def __init__(self) -> None:
        self.pages: list[str] = []

    def __call__(self, bars: Bars, display_id: bool) -> Shown:
        assert display_id
        self.update(bars)
        return self

    def update(self, bars: Bars) -> None:
        self.pages.append(bars._repr_html_())


def test_progress_has_a_bar_for_each_chain_and_leaves_nothing_behind() -> None:
    display = Shown()
    with progress_display(display, wait=0.0) as report:
        report(Report(0))
        report(Report(1, phase="warm-up", done=10))
    first, second, last = display.pages
    assert "chain 2</th><td>waiting</td>" in first
    assert '<progress aria-label="chain 2" value="10" max="40">' in second
    assert "divergences 3" in second
    assert last == ""
    quiet = Shown()
    with progress_display(quiet, wait=60.0) as report:
        report(Report(0))
    assert quiet.pages == []


def test_draws_from_the_prior_show_as_a_table_with_what_they_lack() -> None:
    drawn = prior_predictive(loads(SOURCE).morphism, DATA, draws=50, seed=1)
    lines = repr(drawn).splitlines()
    assert lines[0] == "scores: 50 draws from the prior"
    assert [line.split()[0] for line in lines[1:4]] == ["name", "mu", f"theta[{NASTY}]"]
    assert lines[-1] == "no problem found"
    assert NASTY in Seen(drawn._repr_html_()).text
    doubtful = replace(drawn, problems=("Some <draws> were infinite.",))
    assert repr(doubtful).endswith("warning: Some <draws> were infinite.")
    assert "Some <draws> were infinite." in Seen(doubtful._repr_html_()).text
