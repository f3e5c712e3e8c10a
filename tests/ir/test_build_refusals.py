"""Products of objects run over their factors."""

from quivers.check.analysis import check_source
from quivers.ir.build import build
from quivers.ir.graph import Density

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
