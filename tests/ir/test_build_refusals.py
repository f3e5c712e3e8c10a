"""What can be checked and not run ends in a sentence at its place, and products run over their factors."""

import pytest

from quivers.check.analysis import check_source
from quivers.errors import ProgramError
from quivers.ir.build import build
from quivers.ir.graph import Density
from quivers.syntax.problems import Diagnostic

HEADER = """object School : FinSet 8
object Item : FinSet 3
object Cell : School * Item
program p : Cell -> School
    sample theta : School <- Normal(0.0, 1.0)
"""
FOOTER = """    observe y : Cell <- Normal(theta, 1.0)
    return theta
"""


def built(step: str) -> Density:
    checked = check_source(f"{HEADER}    {step}\n{FOOTER}")
    return build(checked, checked.programs["p"])


@pytest.mark.parametrize(
    ("step", "place"),
    [
        ("let a = factor i : School in theta - theta[i]", "i : School"),
        ("let a = factor i : School, j : School in theta[i] - theta[j]", "j : School"),
    ],
)
def test_an_object_that_a_factor_runs_along_twice_is_refused_where_it_stands(step: str, place: str) -> None:
    with pytest.raises(ProgramError, match=r"can be checked but not run yet\.$") as refusal:
        built(step)
    (problem,) = refusal.value.diagnostics
    assert isinstance(problem, Diagnostic)
    source = f"{HEADER}    {step}\n{FOOTER}".encode()
    assert source[problem.span.start : problem.span.end].decode() == place


def test_an_observation_over_a_product_has_the_axes_of_its_factors() -> None:
    density = built("let a = 1.0")
    (draw,) = [draw for draw in density.draws if draw.observed]
    assert draw.axes == ("School", "Item")
    (term,) = [term for term in density.terms if term.kind == "likelihood"]
    assert set(density.nodes[term.node].axes) == {"School", "Item"}


def test_a_reduction_over_a_product_is_over_its_factors() -> None:
    density = built("let a = factor s : School, i : Item in theta[s] * index(Item)[i]")
    assert density.nodes[density.deterministic["a"]].axes == ("School", "Item")
    density = built("let a = sum(theta * index(Item), over=Cell)")
    assert density.nodes[density.deterministic["a"]].axes == ()


def test_the_length_of_an_object_is_its_number_of_elements() -> None:
    density = built("let a = length(Cell)")
    assert density.nodes[density.deterministic["a"]].axes == ()
