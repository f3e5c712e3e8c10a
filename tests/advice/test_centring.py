"""The two parameterizations turned into each other: the same text, the same syntax, the same posterior."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_fixtures import fixtures

from quivers.check.analysis import Analysis, check_source
from quivers.ide.actions.parameterization import centre, noncentre
from quivers.ide.actions.selection import Change, Selection
from quivers.syntax import ast
from quivers.syntax.document import Document
from quivers.syntax.lower import lower
from quivers.syntax.problems import Edit

FUNNELS = [each.program for each in fixtures(Path(__file__).parent) if each.file.stem == "funnel"]

SCHOOLS = """object School : FinSet 8

program schools : School -> School [effects=[Sample, Score]]
    sample mu  <- Normal(0.0, 5.0)
    sample tau <- HalfNormal(5.0)
    sample theta : School <- {draw}
    observe y : School <- {likelihood}
    return theta
"""


def applied(source: str, edits: tuple[Edit, ...]) -> str:
    data = source.encode()
    for edit in sorted(edits, key=lambda edit: edit.span.start, reverse=True):
        data = data[: edit.span.start] + edit.text.encode() + data[edit.span.end :]
    return data.decode()


def rewritten(source: str, way: Callable[[Selection], object], site: str = "theta") -> str | None:
    """The source with what a way makes of the step that binds a site; None where it makes nothing of it."""
    analysis, document = Analysis(), Document(source.encode())
    checked = analysis.check(document)
    bound = next(each for each in checked.occurrences if each.binds and each.name == site)
    change = way(Selection(checked, document, bound.span, analysis))
    return applied(source, change.edits) if isinstance(change, Change) else None


def shape(node: object) -> object:
    """Syntax without its places, to compare."""
    if isinstance(node, ast.Span):
        return None
    if dataclasses.is_dataclass(node):
        return (
            type(node).__name__,
            *(shape(getattr(node, field.name)) for field in dataclasses.fields(node)),
        )
    return tuple(map(shape, node)) if isinstance(node, tuple) else node


def syntax(source: str) -> list[object]:
    return [shape(placed.declaration) for placed in lower(Document(source.encode())).module.declarations]


def sites(source: str) -> list[str]:
    (program,) = check_source(source).programs.values()
    return [step.name.text for step in program.declaration.steps if isinstance(step, ast.Sample)]


@pytest.mark.parametrize("source", FUNNELS)
@pytest.mark.parametrize("ending", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_there_and_back_gives_the_same_syntax(source: str, ending: str) -> None:
    source = source.replace("\n", ending)
    for site in sites(source):
        there = rewritten(source, noncentre, site)
        if there is not None:
            back = rewritten(there, centre, site)
            assert back is not None
            assert syntax(back) == syntax(source)


SCALES = ("tau", "exp(mu)", "tau + 0.5", "2 * tau", "if mu > 0 then tau else 1.0", "tau ^ 2 + 1", "tau / 2")
LOCATIONS = (
    "mu",
    "0",
    "mu + 1",
    "-mu",
    "mu - tau",
    "if mu > 0 then mu else 0.0",
    "2 * mu",
    "mu\n        + 1",
)
FAMILIES = ("Normal({}, {})", "StudentT(4.0, {}, {})", "Laplace(scale={1}, loc={0})", "Logistic({}, {})")
ALL_FAMILIES = (*FAMILIES, "LogNormal({}, {})", "LogitNormal({}, {})", "Cauchy({}, {})", "Gumbel({}, {})")


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(ALL_FAMILIES),
    st.sampled_from(LOCATIONS),
    st.sampled_from(SCALES),
    st.sampled_from(["", "# a comment\n    ", "## documentation\n    "]),
    st.sampled_from(["", "  # after it"]),
)
def test_any_location_and_scale_comes_back_as_it_was(
    family: str, loc: str, scale: str, above: str, after: str
) -> None:
    draw = family.format(loc, scale) + after
    source = SCHOOLS.format(draw=draw, likelihood="Normal(theta, sigma_j)").replace(
        "sample theta", f"{above}sample theta"
    )
    there = rewritten(source, noncentre)
    assert there is not None
    assert above in there
    assert after in there
    before = [problem for problem in check_source(source).diagnostics if problem.code != "QVR701"]
    now = [problem.code for problem in check_source(there).diagnostics]
    assert now == [problem.code for problem in before]
    back = rewritten(there, centre)
    assert back is not None
    assert syntax(back) == syntax(source)


def test_the_printed_centred_program_becomes_the_printed_noncentred_one() -> None:
    source = SCHOOLS.format(draw="Normal(mu, tau)", likelihood="Normal(theta, sigma_j)")
    there = rewritten(source, noncentre)
    assert there == source.replace(
        "    sample theta : School <- Normal(mu, tau)\n",
        "    sample theta_raw : School <- Normal(0.0, 1.0)\n    let theta = mu + tau * theta_raw\n",
    )
    assert rewritten(there, centre) == source


def test_documentation_comments_and_alignment_stay_with_the_value() -> None:
    source = """object School : FinSet 8
program p : School -> School
    sample mu             <- Normal(0, 5)
    sample tau            <- HalfNormal(5)
    # A comment.
    ## The effects.
    sample theta : School <- Normal(mu, tau)   # in points
    observe y : School    <- Normal(theta, 1)
    return theta
"""
    assert rewritten(source, noncentre) == source.replace(
        """    ## The effects.
    sample theta : School <- Normal(mu, tau)   # in points
""",
        """    sample theta_raw : School <- Normal(0.0, 1.0)
    ## The effects.
    let theta = mu + tau * theta_raw   # in points
""",
    )


@pytest.mark.parametrize(
    "let",
    [
        "let theta = mu + mu * eta",  # a scale that may be negative
        "let theta = mu + tau * eta + x",  # a location over more than the plate comes first
        "let theta = mu + tau * eta ^ 2",
        "let theta = tau + mu",
    ],
)
def test_what_is_no_scaled_draw_is_not_centred(let: str) -> None:
    source = f"""object School : FinSet 8
object Item : FinSet 2
data x : Item * School
program p : School -> School
    sample mu <- Normal(0, 5)
    sample tau <- HalfNormal(5)
    sample eta : School <- Normal(0, 1)
    {let}
    observe y : Item * School <- Normal(theta + eta, 1)
    return eta
"""
    assert rewritten(source, centre) is None


def test_a_draw_that_decides_what_an_input_is_stays_centred() -> None:
    source = SCHOOLS.format(draw="Normal(mu, spread)", likelihood="Normal(theta, sigma_j)")
    assert rewritten(source, noncentre) is None  # `spread` would no longer have to be positive
    declared = source.replace("program", "data spread : Real [low=0]\nprogram", 1)
    assert rewritten(declared, noncentre) is not None


def test_a_raw_draw_that_has_another_use_stays() -> None:
    source = SCHOOLS.format(draw="Normal(mu, tau)", likelihood="Normal(theta, sigma_j)")
    there = rewritten(source, noncentre)
    assert there is not None
    assert rewritten(there.replace("Normal(theta, sig", "Normal(theta_raw, sig"), centre) is None


@pytest.mark.parametrize("loc", ["mu", "0", "mu - 1"])
@pytest.mark.parametrize("family", ALL_FAMILIES)
def test_the_posterior_is_the_same_up_to_the_change_of_variables(family: str, loc: str) -> None:
    import torch

    from quivers.dsl import loads

    source = SCHOOLS.format(draw=family.format(loc, "tau"), likelihood="Normal(theta, sigma_j)")
    there = rewritten(source, noncentre)
    assert there is not None
    centre, raw = loads(source).morphism, loads(there).morphism
    generator = torch.Generator().manual_seed(3)
    mu, tau = (torch.randn(20, dtype=torch.float64, generator=generator) for _ in range(2))
    tau = tau.abs() + 0.1
    eta = torch.randn(20, 8, dtype=torch.float64, generator=generator)
    place = {"mu": mu, "0": mu * 0, "mu - 1": mu - 1}[loc]
    theta = place[:, None] + tau[:, None] * eta
    jacobian = 8 * tau.log()  # log |dθ/dη|
    if family.startswith("LogNormal"):
        jacobian, theta = jacobian + theta.sum(-1), theta.exp()
    elif family.startswith("LogitNormal"):
        theta = theta.sigmoid()
        jacobian = jacobian + (theta.log() + (-theta).log1p()).sum(-1)
    data = {"sigma_j": [15, 10, 16, 11, 9, 11, 10, 18], "y": [28, 8, -3, 7, -1, 1, 18, 12]}
    expected = centre.log_joint({"mu": mu, "tau": tau, "theta": theta}, data) + jacobian
    found = raw.log_joint({"mu": mu, "tau": tau, "theta_raw": eta}, data)
    assert math.isfinite(float(found.sum()))
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)
