"""What is told of a run under way: each chain's pace and the seconds left, and what the draws say so far."""

import threading
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from quivers.backends.torch.module import ProgramModule
from quivers.check.analysis import check_source
from quivers.inference import MCMC, ChainProgress
from quivers.inference.kernels import NUTSKernel
from quivers.worker.course import LARGEST_SHARE, SECONDS_BETWEEN_PARTIALS, Course

SCHOOLS = """object School : FinSet 3

program schools : School -> School
    sample mu <- Normal(0.0, 1.0)
    sample theta : School <- Normal(mu, 1.0)
    let twice = 2.0 * theta
    return twice
"""


@dataclass
class Clocks:
    """The time, and the seconds computed, as a test sets them."""

    now: float = 100.0
    effort: float = 0.0


@dataclass
class Made:
    """A run whose draws are these, (draw, element), of so many to come; each look costs some effort."""

    draws: np.ndarray
    total: int
    clocks: Clocks
    cost: float = 0.0
    leapfrogs: int = 7
    levels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)

    @property
    def kept(self) -> tuple[int, int]:
        return len(self.draws), self.total

    @property
    def axes(self) -> dict[str, tuple[str, ...]]:
        return {"theta": ("School",)}

    def samples(self, numbers: int) -> dict[str, np.ndarray]:
        self.asked.append(numbers)
        self.clocks.effort += self.cost
        return {"theta": self.draws}


def course_of(made: Made, *, warmup: int = 100, thin: int = 1) -> Course:
    course = Course(warmup, thin, lambda: made.clocks.now, lambda: made.clocks.effort)
    course.begin(made)
    return course


def reported(course: Course, done: int, total: int = 1100, phase: Any = "sampling") -> dict[str, Any]:
    return course.progress(ChainProgress(0, 4, phase, done, total, 3))


@pytest.fixture
def made() -> Made:
    return Made(np.random.default_rng(0).normal(5.0, 2.0, (400, 3)), 4000, Clocks())


def test_the_seconds_left_follow_the_newest_pace(made: Made) -> None:
    course = course_of(made)
    made.clocks.now += 1.0
    assert reported(course, 10, phase="warm-up")["seconds_left"] == pytest.approx(109.0)
    for _ in range(4):  # then a hundred transitions a second
        made.clocks.now += 1.0
        told = reported(course, 10 + int(100 * (made.clocks.now - 101.0)))
    assert told["seconds_left"] == pytest.approx((1100 - 410) / 100.0)


def test_what_comes_before_the_chains_start_is_no_part_of_their_pace(made: Made) -> None:
    course = Course(100, 1, lambda: made.clocks.now, lambda: 0.0)
    made.clocks.now += 60.0  # compiling
    course.begin(made)
    made.clocks.now += 1.0
    assert reported(course, 100)["seconds_left"] == pytest.approx(10.0)


def test_draws_per_second_count_those_kept_after_warm_up_alone(made: Made) -> None:
    course = course_of(made, thin=5)
    made.clocks.now += 1.0
    assert reported(course, 50, phase="warm-up")["draws_per_second"] is None
    made.clocks.now += 1.0
    assert reported(course, 150)["draws_per_second"] is None
    made.clocks.now += 1.0
    assert reported(course, 400)["draws_per_second"] == pytest.approx(50.0)


def test_a_chain_that_is_done_has_no_seconds_left(made: Made) -> None:
    course = course_of(made)
    assert reported(course, 1100)["seconds_left"] == 0.0


def test_a_partial_summary_has_the_figures_of_the_draws_so_far(made: Made) -> None:
    course = course_of(made)
    made.clocks.now += SECONDS_BETWEEN_PARTIALS
    partial = course.partial()
    assert partial is not None
    assert (partial["done"], partial["total"]) == (400, 4000)
    theta = partial["sites"]["theta"]
    assert theta["shape"] == [3]
    assert theta["mean"] == pytest.approx(made.draws.mean(axis=0))
    assert theta["sd"] == pytest.approx(made.draws.std(axis=0, ddof=1))
    assert 0.98 * 1200 <= sum(theta["histogram"]["counts"]) <= 1200
    assert max(made.asked) <= 10_000


def test_no_partial_summary_comes_too_soon_too_often_or_at_the_end(made: Made) -> None:
    course = course_of(made)
    assert course.partial() is None
    made.clocks.now += SECONDS_BETWEEN_PARTIALS
    assert course.partial() is not None
    course.sent()
    assert course.partial() is None
    made.clocks.now += SECONDS_BETWEEN_PARTIALS
    assert course.partial() is not None
    course.sent()
    made.clocks.now += SECONDS_BETWEEN_PARTIALS
    made.total = len(made.draws)
    assert course.partial() is None


def test_a_run_that_has_drawn_nothing_says_nothing(made: Made) -> None:
    made.draws = made.draws[:0]
    course = course_of(made)
    made.clocks.now += 9.0
    assert course.partial() is None


def test_costly_partial_summaries_come_as_rarely_as_keeps_them_a_small_share(made: Made) -> None:
    made.cost = 0.2
    course = course_of(made)
    spent, began = 0.0, made.clocks.now
    for _ in range(2000):
        made.clocks.now += 0.1
        if course.partial() is not None:
            course.sent()
    spent = made.clocks.effort - made.cost  # the first prepares what the end of the run needs
    assert 0.0 < spent <= LARGEST_SHARE * (made.clocks.now - began)


def test_a_real_run_is_seen_through_the_arrays_that_its_chains_write() -> None:
    seen: list[Any] = []
    checked = check_source(SCHOOLS.encode())
    program = checked.program_to_run()
    assert program is not None
    module = ProgramModule(checked, program)
    looks: list[tuple[int, int]] = []

    def look(_: ChainProgress) -> None:
        looks.append(seen[0].kept)

    sampler = MCMC(NUTSKernel(), num_warmup=200, num_samples=500, num_chains=2, seed=1, thin=2)
    result = sampler.run(module, progress=look, watch=seen.append, cancel=threading.Event())
    [underway] = seen
    assert all(0 <= done <= total == 1000 for done, total in looks)
    assert underway.kept == (1000, 1000)
    assert underway.leapfrogs >= int(result.statistics["leapfrogs"].sum())
    samples = underway.samples(10**6)
    assert list(samples) == list(result.samples)
    assert np.array_equal(samples["twice"], result.samples["twice"].reshape(1000, 3).numpy())
    assert len(underway.samples(400)["mu"]) == 100
