"""What hover shows on each kind of name of a model that uses them all."""

from textwrap import dedent

import pytest

from quivers.check.analysis import check_source
from quivers.ide.hover import Hover, hover
from quivers.syntax.document import Document

MODEL = dedent(
    """\
    ## The eight schools of Rubin (1981).
    object School : FinSet 8
    object Item : FinSet
    object Cell : School * Item
    data sd : School * Real [low=0]

    ## Partial pooling.
    program eight_schools : School -> School [effects=[Sample, Score]]
        sample mu <- Normal(0.0, 5.0)
        ## How much schools differ.
        sample tau <- HalfNormal(scale=5.0)
        sample eta : School <- Normal(0.0, 1.0)
        let theta = (mu + tau
            * eta)
        observe y : School <- Normal(theta, sigma_j)
        observe z : School <- Normal(exp(theta), sd)
        return theta

    export eight_schools
    """
)


def hover_at(before: str, name: str, text: str = MODEL) -> tuple[Hover | None, Document]:
    """The hover on `name` where it follows `before`."""
    document = Document(text.encode())
    place = text.index(before + name) + len(before)
    return hover(check_source(text), document, len(text[:place].encode()) + 1), document


def shown(before: str, name: str, text: str = MODEL) -> list[str]:
    found, document = hover_at(before, name, text)
    assert found is not None
    assert document.source[found.span.start : found.span.end].decode() == name
    return [found.signature, *found.notes]


def test_a_latent() -> None:
    assert shown("sample ", "mu") == ["mu : Real", "latent, drawn from `Normal(0.0, 5.0)`"]


def test_a_latent_with_documentation() -> None:
    assert shown("sample ", "tau") == [
        "tau : Real⁺",
        "latent, drawn from `HalfNormal(scale=5.0)`",
        "How much schools differ.",
    ]


def test_a_let_over_two_lines() -> None:
    assert shown("let ", "theta") == ["theta : School ⊗ Real", "let, `mu + tau * eta`"]


def test_an_input_is_marked_and_says_which_argument_it_is() -> None:
    assert shown("Normal(theta, ", "sigma_j") == [
        "sigma_j : School ⊗ Real⁺",
        "input: its values come from the data",
        "argument `scale` of `Normal`: how far values spread, in `Real⁺`",
    ]


def test_an_observed_input() -> None:
    assert shown("observe ", "y") == ["y : School ⊗ Real", "input, observed: its values come from the data"]


def test_a_declared_input_and_its_declaration() -> None:
    assert shown("exp(theta), ", "sd")[:2] == [
        "sd : School ⊗ Real⁺",
        "input: its values come from the data",
    ]
    assert shown("data ", "sd") == ["sd : School ⊗ Real⁺", "input: its values come from the data"]


def test_a_program_lists_its_inputs_where_it_is_declared_and_exported() -> None:
    expected = [
        "eight_schools : School -> School ! {Sample, Score}",
        "inputs `sigma_j : School ⊗ Real⁺, sd : School ⊗ Real⁺, y : School ⊗ Real, z : School ⊗ Real`",
        "Partial pooling.",
    ]
    assert shown("program ", "eight_schools") == expected
    assert shown("export ", "eight_schools") == expected


def test_objects_say_their_size() -> None:
    assert shown("object ", "School") == [
        "object School : FinSet 8",
        "The eight schools of Rubin (1981).",
        "an index set: 8 elements",
    ]
    assert shown("* ", "Item") == ["object Item : FinSet", "an index set: its size comes from the data"]
    assert shown("object ", "Cell") == ["object Cell : School ⊗ Item"]


def test_a_family_shows_parameters_supports_and_density() -> None:
    signature, summary, form = shown("mu <- ", "Normal")
    assert signature == "Normal(loc : Real, scale : Real⁺) -> Real"
    assert "mean" in summary
    assert "- `scale : Real⁺`: how far values spread" in form
    assert "log density of `x`: `-0.5 * ((x - loc) / scale) ^ 2" in form


VECTORS = """\
object County : FinSet 5
object K : FinSet 3
program p : County -> County * K
    sample w : County * K <- Dirichlet(1.0)
    sample L : K * K <- LKJCholesky(2.0)
    sample b : County * K <- MultivariateNormal(0.0, scale_tril=L)
    observe answer : County <- OrderedLogistic(0.0, cuts)
    return w
"""


def test_a_family_of_vectors_shows_the_axes_of_a_draw_and_of_its_parameters() -> None:
    signature, _, axis, form = shown("<- ", "Dirichlet", VECTORS)
    assert signature == "Dirichlet(concentration : K ⊗ Real⁺) -> K ⊗ [0,1]"
    assert axis == "A draw is a vector along the last object of its plate: positive with sum 1."
    assert "- `concentration : K ⊗ Real⁺`: the weight of each element" in form
    signature, _, axis, form, *_ = shown("<- ", "LKJCholesky", VECTORS)
    assert signature == "LKJCholesky(concentration : Real⁺ = 1) -> K ⊗ K′ ⊗ [-1, 1]"
    assert axis.startswith("A draw is a matrix over the last object of its plate: the Cholesky factor of")
    *_, by_covariance, by_precision, by_root = shown("<- ", "MultivariateNormal", VECTORS)
    assert "- `covariance_matrix : K ⊗ K′ ⊗ Real`: the covariances (a covariance matrix)" in by_covariance
    assert by_precision.startswith("`MultivariateNormal(loc, precision_matrix)`")
    assert by_root.startswith("`MultivariateNormal(loc, scale_tril)`")
    assert "in `K ⊗ Real`" in shown("0.0, ", "cuts", VECTORS)[-1]


def test_a_function_an_effect_and_a_keyword() -> None:
    assert shown("Normal(", "exp") == ["exp(x)", "e to the power x."]
    assert shown("effects=[", "Sample") == ["Sample", "a latent is drawn"]
    signature, note = shown("HalfNormal(", "scale")
    assert signature == "scale"
    assert note.startswith("argument `scale` of `HalfNormal`")


def test_nothing_where_no_name_stands() -> None:
    assert hover_at("mu ", "<-")[0] is None
    assert hover_at("Normal(", "0.0")[0] is None


def test_a_name_whose_type_is_not_known_says_so() -> None:
    broken = MODEL.replace("HalfNormal(scale=5.0)", "HalfNorml(5.0)")
    assert shown("sample ", "tau", broken)[0] == "tau : ?"
    assert "error" in shown("sample ", "tau", broken)[-1]


def test_every_place_of_every_program_can_be_hovered() -> None:
    checked, document = check_source(MODEL), Document(MODEL.encode())
    for offset in range(len(document.source) + 1):
        hover(checked, document, offset)


@pytest.mark.parametrize("text", ["", "object", "program p : A -> A\n    sample x <- "])
def test_a_broken_file_can_be_hovered(text: str) -> None:
    checked, document = check_source(text), Document(text.encode())
    for offset in range(len(text) + 1):
        hover(checked, document, offset)
