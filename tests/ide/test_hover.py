"""What hover shows on each kind of name of a model that uses them all."""

from pathlib import Path
from textwrap import dedent

import pytest

from quivers.check.analysis import check_source
from quivers.ide.hover import Hover, hover
from quivers.syntax.document import Document

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*/[!.]*.qvr"))

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


WORDS = """\
object School : FinSet 8
object Item : FinSet 2
object K : FinSet 3
object Weights : Simplex K
data county : Item -> School

program first(scale : Real [low=0], G : FinSet) : G -> G
    sample z : G <- Normal(0.0, scale)
    return z

program p : School -> School [effects=[Sample, Score, Marginal]]
    ## The mean.
    sample mu <- Normal(-1.5, 5.0) [low=-2.0]
    sample beta : School * Item <- Normal(mu, 2.0 + exp(mu))
    sample drawn <- first(2.5, School)
    let theta = mu + drawn * 2.0
    let table = factor i : School in theta[i] ^ 2
    observe y : School <- Normal(theta, 1.0)
    marginalize k : K <- Categorical(shares)
        observe v : Item <- Normal(mean[k] * 3.0, 1.0)
    score extra = if mu > 0 then 1.0 else 2.0
    return theta
"""


def words(before: str, name: str) -> list[str]:
    return shown(before, name, WORDS)


def test_a_steps_word_says_type_effects_and_documentation() -> None:
    signature, meaning, effect, documentation = words("## The mean.\n    ", "sample")
    assert signature == "mu : [-2, ∞) ! {Sample}"
    assert meaning.startswith("Draws a latent.")
    assert effect == "a latent is drawn"
    assert documentation == "The mean."
    assert words("\n    ", "observe")[0] == "y : School ⊗ Real ! {Score}"
    assert words("\n    ", "marginalize")[0] == "k : K ! {Score, Marginal}"
    assert words("\n    ", "score")[0] == "extra : Real ! {Score}"
    assert words("\n    ", "let")[0] == "theta : School ⊗ Real ! {Pure}"
    assert words("1.0 else 2.0\n    ", "return")[0] == "return : School"


def test_a_declarations_word_says_what_it_declares() -> None:
    signature, meaning, *_ = words("\n\n", "program")
    assert signature == "first : G -> G ! {Sample}"
    assert meaning.startswith("A model")
    assert words("", "object")[0] == "object School : FinSet 8"
    assert words("\n", "data")[0] == "county : Item ⊗ School"


def test_a_number_that_is_an_argument_says_what_it_is_for() -> None:
    assert words("Normal(-1.5, ", "5.0") == [
        "5.0",
        "argument `scale` of `Normal`: how far values spread, in `Real⁺`",
    ]
    assert words("first(", "2.5") == ["2.5", "argument `scale` of `first`: in `Real⁺`"]
    assert hover_at("drawn * ", "2.0", WORDS)[0] is None


def test_an_operator_says_the_type_of_its_expression_and_which_argument_that_is() -> None:
    document = Document(WORDS.encode())

    def at(before: str) -> Hover:
        place = len(WORDS[: WORDS.index(before) + len(before)].encode())
        found = hover(check_source(WORDS), document, place)
        assert found is not None
        return found

    assert at("2.0 ").signature.startswith("2.0 + exp(mu) : [2.")
    assert at("2.0 ").notes[-1].startswith("argument `scale` of `Normal`")
    assert at("let theta = mu + drawn ").signature == "drawn * 2.0 : School ⊗ Real"
    assert at("theta[i] ").signature == "theta[i] ^ 2 : Real⁺"
    assert at("mean[k] ").signature == "mean[k] * 3.0 : Item ⊗ Real"
    assert at("score extra = if mu ").signature == "mu > 0 : Bool"
    assert at("score extra = ").signature.endswith(": [1, 2]")


def test_a_draws_arrow_a_plates_sign_and_a_programs_arrow() -> None:
    assert words("sample mu ", "<-")[0] == "mu : [-2, ∞) ! {Sample}"
    assert words("School ", "*")[0] == "School ⊗ Item"
    assert words("School ", "*")[-1] == "16 elements"
    assert words("program p : School ", "->")[0] == "p : School -> School ! {Sample, Score, Marginal}"


def test_options_and_spaces() -> None:
    assert words("5.0) [", "low")[0] == "low"
    assert "truncated" in words("5.0) [", "low")[1]
    assert words("School [", "effects")[0] == "effects"
    assert "sum 1" in words("Weights : ", "Simplex")[1]
    assert "finite set" in words("School : ", "FinSet")[1]
    assert words("mu > 0 ", "then")[0].startswith("if mu > 0 then 1.0 else 2.0 : ")


def test_what_the_data_and_a_run_know_is_added() -> None:
    document = Document(MODEL.encode())
    place = MODEL.index("sigma_j)") + 1
    offset = len(MODEL[:place].encode())
    found = hover(check_source(MODEL), document, offset, data={"sigma_j": "8 values, 9…18", "mu": "no"})
    assert found is not None
    assert found.notes[-1] == "8 values, 9…18"
    offset = len(MODEL[: MODEL.index("tau <-")].encode())
    found = hover(check_source(MODEL), document, offset, data={"tau": "no"}, posteriors={"tau": "3.3 ± 2.5"})
    assert found is not None
    assert found.notes[-1] == "3.3 ± 2.5"
    assert "no" not in found.notes


def test_nothing_in_a_comment_or_on_a_bracket() -> None:
    assert hover_at("## ", "The mean", WORDS)[0] is None
    assert hover_at("2.5, School", ")\n", WORDS)[0] is None


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_no_prefix_of_an_example_raises(file: Path) -> None:
    source = file.read_bytes()
    whole = check_source(source)
    for end in range(0, len(source), max(1, len(source) // 60)):
        hover(check_source(source[:end]), Document(source[:end]), end)
        hover(whole, Document(source), end)
