"""The windows of warm-up are Stan's, draw for draw."""

import pytest

from quivers.inference.warmup import Windows, windows


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
