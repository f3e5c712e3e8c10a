"""Which call the cursor is in, which of its forms is meant, and which parameter is in hand."""

from pathlib import Path

import pytest

from quivers.check.analysis import check_source
from quivers.ide.signature_help import SignatureHelp, signature_help
from quivers.syntax.document import Document

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*/[!.]*.qvr"))

FILE = """\
object School : FinSet 8
## Pools.
program pooled(scale : Real [low=0], G : FinSet) : G -> G
    sample z : G <- Normal(0.0, scale)
    return z

program p : School -> School
    sample mu <- Normal(0.0, 5.0)
    ⟦line⟧
    sample eta : School <- Normal(mu, 1.0)
    return eta
"""


def help_at(line: str) -> SignatureHelp | None:
    """The help at the `|` of a line in the middle of a program."""
    text = FILE.replace("⟦line⟧", line)
    offset = len(text[: text.index("|")].encode())
    text = text.replace("|", "")
    return signature_help(check_source(text), Document(text.encode()), offset)


def shown(line: str) -> tuple[str, str | None] | None:
    """The active form's label, and the text of the active parameter in it."""
    found = help_at(line)
    if found is None:
        return None
    form = found.forms[found.active]
    if found.parameter is None:
        return form.label, None
    parameter = form.parameters[found.parameter]
    return form.label, form.label[parameter.start : parameter.end]


NORMAL = "Normal(loc : Real, scale : Real⁺) -> Real"


@pytest.mark.parametrize(
    ("line", "parameter"),
    [
        ("sample x <- Normal(|", "loc : Real"),
        ("sample x <- Normal(|)", "loc : Real"),
        ("sample x <- Normal(0.0, |", "scale : Real⁺"),
        ("sample x <- Normal(0.0, 5|", "scale : Real⁺"),
        ("sample x <- Normal(0.0, exp(1.0)|", "scale : Real⁺"),
        ("sample x <- Normal(0.0, (1.0 + |", "scale : Real⁺"),
        ("sample x <- Normal(0.0, eta[|", "scale : Real⁺"),
        ("sample x <- Normal(scale=1.0, |", "loc : Real"),
        ("sample x <- Normal(scale=|", "scale : Real⁺"),
        ("sample x <- Normal(loc=0.0, s|", "scale : Real⁺"),
        ("sample x <- Normal(0.0,\n        |", "scale : Real⁺"),
        ("sample x <- Normal(0.0, 1.0, |", None),
        ("sample x <- Normal(width=|", None),
        ("observe 𝒩 : School <- Normal(0.0, |", "scale : Real⁺"),
        ("x <- Normal(|", "loc : Real"),
    ],
)
def test_the_parameter_by_place_and_by_keyword(line: str, parameter: str | None) -> None:
    assert shown(line) == (NORMAL, parameter)


def test_the_innermost_call_is_meant() -> None:
    assert shown("sample x <- Normal(0.0, exp(|") == ("exp(x)", "x")
    assert shown("let x = sum(eta, |") == ("sum(x, over=…)", "over=…")
    assert shown("let x = sum(over=School, |") == ("sum(x, over=…)", "x")


def test_the_form_with_the_keywords_that_are_given() -> None:
    assert shown("observe b : School <- Bernoulli(|") == ("Bernoulli(probs : [0,1]) -> Bool", "probs : [0,1]")
    logits = ("Bernoulli(logits : Real) -> Bool", "logits : Real")
    assert shown("observe b : School <- Bernoulli(logits=|") == logits
    assert shown("observe b : School <- Bernoulli(|, logits=1.0)") == logits
    found = help_at("observe b : School <- Bernoulli(|")
    assert found is not None
    assert len(found.forms) == 2
    tril = shown("sample v : School <- MultivariateNormal(0.0, scale_tril=|")
    assert tril is not None
    assert tril[1] == "scale_tril : K ⊗ K′ ⊗ Real"


def test_a_program_shows_its_parameters_and_its_documentation() -> None:
    label = "pooled(scale : Real⁺, G : FinSet) : G -> G ! {Sample}"
    assert shown("sample x <- pooled(|") == (label, "scale : Real⁺")
    assert shown("sample x <- pooled(1.0, |") == (label, "G : FinSet")
    found = help_at("sample x <- pooled(|")
    assert found is not None
    assert "Pools." in found.forms[0].documentation


def test_a_parameter_says_what_it_means_and_where_it_lies() -> None:
    found = help_at("sample x <- Normal(|")
    assert found is not None
    assert [each.documentation for each in found.forms[0].parameters] == [
        "where the density is centred, in `Real`",
        "how far values spread, in `Real⁺`",
    ]
    assert any("log density of `x`" in note for note in found.forms[0].documentation)


@pytest.mark.parametrize(
    "line",
    [
        "sample x <- Normal|",
        "sample x <- Normal(0.0, 1.0)|",
        "sample x <- Normal(0.0, 1.0) [low=|",
        "sample x <- Nowhere(|",
        "let x = (1.0 + |",
        "let x = Normal(|",
        "# Normal(|",
        "|",
    ],
)
def test_nothing_outside_of_a_known_call(line: str) -> None:
    assert help_at(line) is None


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_no_prefix_of_an_example_raises(file: Path) -> None:
    source = file.read_bytes()
    for end in range(0, len(source), max(1, len(source) // 40)):
        signature_help(check_source(source[:end]), Document(source[:end]), end)
        signature_help(check_source(source), Document(source), end)
