"""The posterior as a table, and progress."""

from __future__ import annotations

import io
import math
import sys
from dataclasses import dataclass, replace

import pytest

from quivers.results import SummaryRow
from quivers.terminal.posterior import posterior_table
from quivers.terminal.progress import progress

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


def test_off_a_terminal_progress_is_one_line_each_quarter() -> None:
    stream = io.StringIO()
    with progress(stream, quiet=False) as report:
        assert report is not None
        for done in range(0, 2001, 20):
            for chain in range(2):
                report(Told(chain, 2, "warm-up" if done < 1000 else "sampling", done, 2000, done // 500))
    lines = stream.getvalue().splitlines()
    assert [line.split(" done")[0].strip() for line in lines] == ["25 %", "50 %", "75 %", "100 %"]
    assert "2 of 2 chains in warm-up" in lines[0]
    assert "sampling, divergences 8" in lines[3]


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
