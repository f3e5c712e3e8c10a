"""The posterior as a table, and progress."""

from __future__ import annotations

import io
import math
import sys
from dataclasses import dataclass, replace

import pytest

from quivers.results import SummaryRow
from quivers.terminal.pace import Pace, duration
from quivers.terminal.posterior import posterior_table
from quivers.terminal.progress import MOST_BARS, progress
from quivers.terminal.replicates import replicates

TAU = SummaryRow("tau", "tau", (), 3.3127, 2.4871, 0.2, 2.8, 8.1, 1873.2, 1501.9, 0.0551, 1.0012)


def test_columns_align_and_a_site_has_the_decimals_its_sd_can_tell() -> None:
    small = SummaryRow(
        "b[1]", "b", (0,), -0.00123456, 0.000456, -0.002, -0.001, -0.0000004, 4000, 3900, 1e-5, 1.0
    )
    assert posterior_table([TAU, small, replace(small, name="b[2]", r_hat=math.nan)]) == (
        "           mean        sd         5%        50%       95%  ess_bulk  ess_tail       mcse  r_hat\n"
        "tau        3.31      2.49       0.20       2.80      8.10      1873      1502      0.055  1.001\n"
        "b[1]  -0.001235  0.000456  -0.002000  -0.001000  0.000000      4000      3900  0.0000100  1.000\n"
        "b[2]  -0.001235  0.000456  -0.002000  -0.001000  0.000000      4000      3900  0.0000100      –"
    )


def test_a_long_site_is_cut_and_says_so() -> None:
    rows = [replace(TAU, name=f"theta[{i + 1}]", site="theta", index=(i,)) for i in range(25)]
    lines = posterior_table([*rows, TAU]).splitlines()
    assert [line.split()[0] for line in lines[1:11]] == [f"theta[{i}]" for i in range(1, 11)]
    assert lines[11] == "… 15 more of theta"
    assert lines[12].startswith("tau ")


def test_a_narrow_terminal_loses_columns_and_is_told_which() -> None:
    whole = posterior_table([TAU])
    assert posterior_table([TAU], width=len(whole.split("\n")[0])) == whole
    assert posterior_table([TAU], width=52) == (
        "     mean    sd    5%   50%   95%  ess_bulk  r_hat\n"
        "tau  3.31  2.49  0.20  2.80  8.10      1873  1.001\n"
        "(a wider terminal shows ess_tail, mcse too)"
    )
    for width in range(20, 80):
        table = posterior_table([TAU, replace(TAU, name="b", site="b")], width=width).split("\n")
        assert len(table[1]) <= max(width, 29)
        assert all(name in table[0] for name in ("mean", "5%", "95%", "r_hat"))


def test_a_constant_has_no_sd_to_take_decimals_from() -> None:
    constant = SummaryRow("c", "c", (), 2.0, 0.0, 2.0, 2.0, 2.0, math.nan, math.nan, math.nan, math.nan)
    assert posterior_table([constant]).splitlines()[1].split() == [
        "c",
        "2.00",
        "0.00",
        *["2.00"] * 3,
        *"––––",
    ]


@dataclass(frozen=True)
class Told:
    chain: int
    chains: int
    phase: str
    done: int
    total: int
    divergences: int


class Clock:
    """A time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("quivers.terminal.pace.time", clock)
    return clock


def test_off_a_terminal_a_long_run_has_a_line_now_and_then(clock: Clock) -> None:
    stream = io.StringIO()
    with progress(stream, quiet=False) as report:
        assert report is not None
        for done in range(0, 2001, 20):  # 400 s altogether
            for chain in range(2):
                clock.now += 2.0
                report(Told(chain, 2, "warm-up" if done < 1000 else "sampling", done, 2000, done // 500))
    lines = stream.getvalue().splitlines()
    assert lines[0] == "  0 % done in 6 s, 2 of 2 chains in warm-up, divergences 0, about 19 min 54 s left"
    assert ", sampling, divergences 6" in lines[-1]
    shares = [int(line.split(" %")[0]) for line in lines]
    assert shares == sorted(shares)
    assert 20 < len(lines) < 45


def test_off_a_terminal_a_short_run_says_nothing(clock: Clock) -> None:
    stream = io.StringIO()
    with progress(stream, quiet=False) as report:
        assert report is not None
        for done in range(0, 2001, 20):
            clock.now += 0.04
            report(Told(0, 1, "sampling", done, 2000, 0))
    assert stream.getvalue() == ""


def test_a_study_says_how_far_it_is_as_seldom(clock: Clock) -> None:
    stream = io.StringIO()
    with replicates(stream, 100, quiet=False) as counted:
        for each in range(100):
            clock.now += 0.5
            counted(each % 50 != 3)
    lines = stream.getvalue().splitlines()
    assert lines[0] == "10 of 100 replicates, 1 failed in 5 s, about 45 s left"
    assert lines[-1] == "100 of 100 replicates, 2 failed in 50 s, about 0 s left"
    assert len(lines) == 10


def test_a_log_of_a_day_is_short(clock: Clock) -> None:
    pace = Pace()
    lines = 0
    while clock.now < 86400:
        clock.now += 1
        lines += pace.due()
    assert 60 < lines < 100


def test_durations_are_read_at_a_glance() -> None:
    told = [duration(seconds) for seconds in (0.4, 59.4, 59.6, 200, 3599.6, 7500)]
    assert told == ["0 s", "59 s", "1 min 0 s", "3 min 20 s", "1 h 0 min", "2 h 5 min"]


def test_quiet_shows_nothing() -> None:
    with progress(sys.stderr, quiet=True) as report:
        assert report is None


def test_on_a_terminal_each_chain_has_a_bar_that_is_gone_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    stream = Terminal()
    with progress(stream, quiet=False) as report:
        assert report is not None
        report(Told(1, 2, "warm-up", 500, 2000, 3))
    shown = stream.getvalue()
    assert "chain 1 waiting" in shown
    assert "chain 2 warm-up" in shown
    assert " 500/2000" in shown
    assert "divergences 3" in shown
    assert "\x1b[2K" in shown  # the lines are erased


def test_many_chains_share_a_bar_and_the_cursor_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    stream = Terminal()
    with progress(stream, quiet=False) as report:
        assert report is not None
        for chain in range(MOST_BARS + 1):
            report(Told(chain, MOST_BARS + 1, "sampling", 100, 200, 1))
    shown = stream.getvalue()
    assert f"{MOST_BARS + 1} chains sampling" in shown
    assert "chain 1 " not in shown
    assert f"divergences {MOST_BARS + 1}" in shown
    assert "\x1b[?25l" not in shown  # a run that is killed could not show the cursor again
