"""Troubles of a run: where their warnings stand, what mends them, and that half-typed text has an answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from quivers.check.analysis import Analysis, check_source
from quivers.check.fingerprint import fingerprint
from quivers.ide.troubles import CODES, diagnostics, place_of, rewrite, run_again
from quivers.syntax.document import Document
from quivers.syntax.problems import Fix

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted(ROOT.glob("examples/*/[!.]*.qvr"))
SCHOOLS = b"""\
object School : FinSet 8

program pooled(G : FinSet) : G -> G
    sample tau <- HalfNormal(5.0)
    sample z : G <- Normal(0.0, 1.0)
    return tau * z

program schools : School -> School
    sample mu  <- Normal(0.0, 5.0)
    sample tau <- HalfNormal(5.0)
    sample theta : School <- Normal(mu, tau)
    sample other <- pooled(School)
    observe y : School <- Normal(theta + other, 10.0)
    return theta
"""


def trouble(kind: str, site: str | None) -> dict[str, Any]:
    return {"kind": kind, "site": site, "element": None, "count": 1, "message": "Something is wrong."}


@pytest.mark.parametrize(
    ("site", "name"),
    [("theta", "theta"), ("tau", "tau"), ("other.z", "other"), ("gone", "schools"), (None, "schools")],
)
def test_a_warning_stands_on_the_site_or_on_the_draw_that_it_is_of(site: str | None, name: str) -> None:
    checked = check_source(SCHOOLS)
    program = checked.programs["schools"]
    for kind, code in CODES.items():
        [found] = diagnostics(checked, program, [trouble(kind, site)])
        assert found.code == code
        assert SCHOOLS[found.span.start : found.span.end].decode() == name
        assert found.span.start > SCHOOLS.index(b"program schools")
        assert place_of(program, trouble(kind, site)) == found.span


def test_labels_show_the_scale_or_the_object() -> None:
    checked = check_source(SCHOOLS)
    [found] = diagnostics(checked, checked.programs["schools"], [trouble("ess", "theta")])
    assert [label.message for label in found.labels] == ["`tau`, the scale of `theta`, is drawn here"]
    [found] = diagnostics(checked, checked.programs["pooled"], [trouble("ess", "z")])
    assert found.labels == ()
    [found] = diagnostics(checked, checked.programs["schools"], [trouble("ess", "other.z")])
    [label] = found.labels
    assert label.message == "`other.z` comes from here"
    assert label.span.start == SCHOOLS.index(b"z : G")


def test_the_rewrite_is_of_the_site_or_of_the_plate_that_it_scales() -> None:
    analysis, document = Analysis(), Document(SCHOOLS)
    checked = analysis.check(document)
    program = checked.programs["schools"]

    def rewritten(kind: str, site: str) -> Fix | None:
        return rewrite(checked, program, document, analysis, trouble(kind, site))

    for site in ("theta", "tau"):
        fix = rewritten("divergences", site)
        assert fix is not None
        assert fix.title == "Draw `theta` non-centred"
    assert rewritten("divergences", "mu") is None
    assert rewritten("not_finite", "theta") is None


@pytest.mark.parametrize(
    ("kind", "settings", "wanted"),
    [
        ("divergences", {"target_accept": 0.9}, {"targetAccept": 0.99}),
        ("divergences", {"target_accept": 0.99}, None),
        ("tree_depth", {"algorithm": "nuts", "max_tree_depth": None}, {"maxTreeDepth": 12}),
        ("tree_depth", {"algorithm": "hmc"}, None),
        ("ess", {"warmup": 1000, "draws": 1000}, {"warmup": 2000, "draws": 4000}),
        ("not_finite", {"warmup": 1000, "draws": 1000}, None),
    ],
)
def test_another_run_is_offered_where_it_helps(
    kind: str, settings: dict[str, Any], wanted: dict[str, Any] | None
) -> None:
    again = run_again(trouble(kind, "theta"), settings)
    assert (None if again is None else again.settings) == wanted


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_beginning_of_an_example_has_keys_and_warnings(path: Path) -> None:
    source = path.read_bytes()
    for end in range(0, len(source), 23):
        checked = check_source(source[:end])
        for program in checked.programs.values():
            fingerprint(checked, program)
            diagnostics(checked, program, [trouble(kind, "theta") for kind in CODES])
