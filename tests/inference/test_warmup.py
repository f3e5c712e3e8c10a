"""The windows of warm-up are Stan's, or overlap as nutpie's do, draw for draw."""

import numpy as np
import pytest

from quivers.inference.warmup import (
    SEARCH,
    SWITCH,
    TAKE,
    TAKE_BEHIND,
    UPDATE,
    Windows,
    schedule_by_draws,
    schedule_by_gradients,
    switches,
    windows,
)


def stan_updates(num_warmup):
    """The draws after which Stan renews its metric, by its own counters (`windowed_adaptation.hpp`)."""
    if num_warmup < 20:
        return ()
    initial, base, final = 75, 25, 50
    if initial + base + final > num_warmup:
        initial, final = int(0.15 * num_warmup), int(0.1 * num_warmup)
        base = num_warmup - (initial + final)
    size, following = base, initial + base - 1
    updates = []
    for counter in range(num_warmup):
        if counter == following and counter != num_warmup:
            updates.append(counter + 1)
            if following == num_warmup - final - 1:
                continue
            size *= 2
            following = counter + size
            if following == num_warmup - final - 1:
                continue
            if following + 2 * size >= num_warmup - final:
                following = num_warmup - final - 1
    return tuple(updates)


def test_a_thousand_draws_have_the_published_windows():
    assert windows(1000) == Windows(75, 950, (100, 150, 250, 450, 950))


def test_windows_of_every_length_are_those_of_stan():
    for num_warmup in range(3000):
        assert windows(num_warmup).updates == stan_updates(num_warmup), num_warmup


@pytest.mark.parametrize(
    ("num_warmup", "start", "stop"), [(0, 0, 0), (19, 0, 0), (20, 3, 18), (50, 7, 45), (150, 75, 100)]
)
def test_the_metric_learns_from_the_draws_between_the_fast_ones(num_warmup, start, stop):
    assert (windows(num_warmup).start, windows(num_warmup).stop) == (start, stop)


@pytest.mark.parametrize("num_warmup", [0, 19, 20, 150, 1000])
def test_the_schedule_has_what_the_windows_say(num_warmup):
    actions = schedule_by_draws(num_warmup)
    plan = windows(num_warmup)
    assert np.flatnonzero(actions & TAKE).tolist() == list(range(plan.start, plan.stop))
    for action in (UPDATE, SWITCH, SEARCH):
        assert (np.flatnonzero(actions & action) + 1).tolist() == list(plan.updates)
    assert not (actions & TAKE_BEHIND).any()


def test_overlapping_windows_of_a_thousand_draws():
    # Every 10 draws to 290; from 300 on after 80, 120, 180, as long as the next fits before 850.
    assert switches(1000) == (*range(10, 300, 10), 370, 490, 670)
    actions = schedule_by_gradients(1000)
    assert (actions[:850] & (TAKE | TAKE_BEHIND) == TAKE | TAKE_BEHIND).all()
    assert (actions[850:] == 0).all()
    assert (np.flatnonzero(actions & UPDATE) == np.arange(1, 850)).all()
    assert np.flatnonzero(actions & SEARCH).tolist() == [1]
    assert (np.flatnonzero(actions & SWITCH) + 1).tolist() == list(switches(1000))


def test_a_low_rank_matrix_is_renewed_less_often():
    actions = schedule_by_gradients(1000, each_draw=False)
    renewed = (np.flatnonzero(actions & UPDATE) + 1).tolist()
    assert renewed == [10, 60, 110, 160, 210, 260, 370, 490, 670, 850]
    assert (np.flatnonzero(actions & SWITCH) + 1).tolist() == list(switches(1000))
    assert np.flatnonzero(actions & SEARCH).tolist() == [9]


def test_a_short_warmup_adapts_the_step_size_alone():
    assert not schedule_by_gradients(19).any()
    assert switches(20) == ()
    assert (schedule_by_gradients(20) & UPDATE).any()
