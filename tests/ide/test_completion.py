"""What completion offers, and what it puts first, on half-typed lines of a file that else checks."""

import re
from pathlib import Path

import pytest

from quivers.check.analysis import check_source
from quivers.ide.completion import completions, documentation
from quivers.ide.completion_items import Column, Completions, Entry, Kind
from quivers.syntax.document import Document
from quivers.syntax.reference import grammar
from quivers.syntax.reference_state import grammar_is_loaded

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*/[!.]*.qvr"))

FILE = """\
object School : FinSet 8
object Item : FinSet 100
object County : FinSet 5
object K : FinSet 3
object Rate : Real [low=0]
data county : Item -> County
data n : School * Nat
## Standard errors.
data sigma_j : School * Real [low=0]

## Pools.
program pooled(scale : Real [low=0], G : FinSet) : G -> G
    sample z : G <- Normal(0.0, scale)
    return z

program p : School -> School [effects=[Sample, Score]]
    ## The mean.
    sample mu <- Normal(0.0, 5.0)
    sample tau <- HalfNormal(5.0)
    sample alpha : County <- Normal(0.0, 1.0)
    sample eta : School <- Normal(0.0, 1.0)
    let theta = mu + tau * eta
⟦line⟧
    observe y : School <- Normal(theta, spread)
    observe q : Item <- Normal(w, 1.0)
    observe k : School <- Bernoulli(share)
    sample late <- Normal(0.0, 1.0)
    return theta

"""


@pytest.fixture(scope="module", autouse=True)
def _grammar() -> None:
    grammar()


def at(text: str, *, trigger: str | None = None, columns: tuple[Column, ...] = ()) -> Completions | None:
    """The completions at the `|` of a text."""
    assert text.count("|") == 1
    offset = len(text[: text.index("|")].encode())
    text = text.replace("|", "")
    return completions(check_source(text), Document(text.encode()), offset, trigger=trigger, columns=columns)


def in_program(line: str, **others: object) -> list[Entry]:
    """The entries at the `|` of a line in the middle of the program, best first."""
    found = at(FILE.replace("⟦line⟧", f"    {line}"), **others)  # type: ignore[arg-type]
    return [] if found is None else list(found.entries)


def below(line: str) -> list[Entry]:
    """The entries at the `|` of a line under all else, at the left margin."""
    found = at(FILE.replace("⟦line⟧\n", "") + line)
    return [] if found is None else list(found.entries)


def labels(entries: list[Entry], *kinds: Kind) -> list[str]:
    return [entry.label for entry in entries if not kinds or entry.kind in kinds]


def named(entries: list[Entry], label: str) -> Entry:
    return next(entry for entry in entries if entry.label == label)


def best(entries: list[Entry]) -> list[str]:
    """The entries of the first group."""
    return [entry.label for entry in entries if entry.rank[0] == entries[0].rank[0]]


# ------------------------------------------------------------------------------------- after the arrow


def test_a_latent_that_is_used_as_a_scale_gets_positive_families_first() -> None:
    found = in_program("sample spread <- |")
    assert best(found)[:3] == ["HalfNormal", "HalfStudentT", "HalfCauchy"]
    assert "Normal" not in best(found)
    assert labels(found).index("Gamma") < labels(found).index("Normal") < labels(found).index("Poisson")


def test_a_latent_that_is_used_as_a_probability_gets_families_on_the_unit_interval_first() -> None:
    assert set(best(in_program("sample share <- B|"))) == {"Beta", "Kumaraswamy", "LogitNormal"}


def test_a_latent_of_which_nothing_is_asked_gets_discrete_families_last() -> None:
    found = labels(in_program("sample other <- |"), Kind.FAMILY)
    assert found[0] == "Normal"
    assert found.index("LogNormal") < found.index("Bernoulli")


def test_a_bare_draw_is_a_sample() -> None:
    assert best(in_program("spread <- |"))[0] == "HalfNormal"


def test_data_declared_as_counts_get_the_families_of_counts_first() -> None:
    found = in_program("observe n : School <- |")
    assert {"Poisson", "NegativeBinomial", "Binomial"} <= set(best(found))
    assert "Normal" not in best(found)


def test_data_declared_as_positive_get_positive_families_first() -> None:
    assert best(in_program("observe sigma_j : School <- |"))[0] == "HalfNormal"


def test_only_what_can_be_summed_out_comes_first_in_marginalize() -> None:
    found = in_program("marginalize z : K <- |")
    assert labels(found)[:2] == ["Categorical", "Bernoulli"]
    assert labels(found).index("Poisson") < labels(found).index("Normal")


def test_families_with_an_axis_of_their_own_come_late_without_a_plate_and_early_with_one() -> None:
    def place(line: str) -> float:
        found = labels(in_program(line))
        return found.index("MultivariateNormal") / len(found)

    assert place("sample v : K <- |") < place("sample v <- |")


def test_programs_can_be_sampled_from_but_not_observed_nor_this_one() -> None:
    found = in_program("sample theta2 <- |")
    assert labels(found, Kind.PROGRAM) == ["pooled"]
    assert named(found, "pooled").snippet == "pooled(${1:scale}, ${2:G})$0"
    assert labels(in_program("observe y2 : School <- |"), Kind.PROGRAM) == []


def test_of_many_programs_those_are_offered_that_begin_like_the_word() -> None:
    many = "".join(f"program many_{n} : K -> K\n    return 0\n" for n in range(100))
    found = at(many + FILE.replace("⟦line⟧", "    sample x <- many_5|"))
    assert found is not None
    assert not found.whole
    assert set(labels(list(found.entries), Kind.PROGRAM)) == {"many_5", *(f"many_5{n}" for n in range(10))}
    assert "Normal" in labels(list(found.entries))


def test_a_family_is_put_in_with_a_place_for_each_argument_but_not_before_a_bracket() -> None:
    entry = named(in_program("sample x <- Nor|"), "Normal")
    assert (entry.text, entry.snippet) == ("Normal", "Normal(${1:loc}, ${2:scale})$0")
    assert entry.detail == "Normal(loc : Real, scale : Real⁺) -> Real"
    assert named(in_program("sample x <- Nor|(0, 1)"), "Normal").snippet is None


# -------------------------------------------------------------------------------------------- arguments


def test_names_whose_type_and_support_fit_an_argument_come_first() -> None:
    found = labels(in_program("sample x : School <- Normal(mu, |"), Kind.VALUE, Kind.INPUT)
    assert found[0] == "tau"
    assert found.index("sigma_j") < found.index("mu") < found.index("alpha")


def test_a_value_over_a_plate_does_not_fit_a_scalar() -> None:
    found = in_program("sample x <- Normal(|")
    first = [entry.label for entry in found if entry.rank[0] == 0]
    assert {"mu", "tau"} <= set(first)
    assert not {"theta", "eta", "alpha"} & set(first)
    assert labels(found).index("exp") < labels(found).index("theta")


def test_a_value_of_another_object_is_offered_with_the_index_that_makes_it_fit() -> None:
    found = in_program("observe r : Item <- Normal(|, 1.0)")
    entry = named(found, "alpha[county]")
    assert entry.detail == "Item ⊗ Real"
    assert entry.rank < named(found, "exp").rank < named(found, "alpha").rank


def test_functions_whose_value_fits_come_before_the_others() -> None:
    found = labels(in_program("sample x <- Normal(0, |"), Kind.FUNCTION)
    assert found.index("exp") < found.index("log")
    assert found.index("softplus") < found.index("sin")


def test_keywords_of_arguments_are_offered_until_they_are_given() -> None:
    assert labels(in_program("sample x <- Normal(|"), Kind.ARGUMENT) == ["loc=", "scale="]
    assert labels(in_program("sample x <- Normal(0, |"), Kind.ARGUMENT) == ["scale="]
    assert labels(in_program("sample x <- Normal(|, scale=1)"), Kind.ARGUMENT) == ["loc="]
    assert labels(in_program("sample x <- Normal(0, scale=|"), Kind.ARGUMENT) == []
    assert labels(in_program("observe b : School <- Bernoulli(|"), Kind.ARGUMENT) == ["probs=", "logits="]
    assert labels(in_program("sample x <- Normal(0, mu + |"), Kind.ARGUMENT) == []


def test_names_come_before_functions_and_those_before_keywords_of_arguments() -> None:
    found = in_program("sample x <- Normal(0, |")
    assert named(found, "tau").rank < named(found, "exp").rank < named(found, "scale=").rank


def test_an_object_parameter_of_a_program_takes_objects_alone() -> None:
    found = in_program("sample x <- pooled(1.0, |")
    assert labels(found, Kind.OBJECT) == ["School", "Item", "County", "K"]
    assert labels(found, Kind.VALUE, Kind.FUNCTION, Kind.KEYWORD) == []
    assert "tau" in best(in_program("sample x <- pooled(|"))


def test_names_bound_below_and_the_name_being_bound_are_not_offered() -> None:
    assert "late" not in labels(in_program("let a = |"))
    assert "a" not in labels(in_program("let a = |"), Kind.VALUE)


def test_half_a_word_is_no_name_in_scope() -> None:
    assert "thet" not in labels(in_program("let a = thet|"))
    assert "exp" not in labels(in_program("let a = exp(|"), Kind.INPUT)


def test_a_let_is_offered_what_its_later_uses_ask() -> None:
    found = labels(in_program("let spread = |"), Kind.VALUE, Kind.INPUT)
    assert found.index("tau") < found.index("mu")
    functions = labels(in_program("let spread = |"), Kind.FUNCTION)
    assert functions.index("exp") < functions.index("log")


def test_a_return_is_offered_values_over_the_codomain_first() -> None:
    found = labels(in_program("return |"), Kind.VALUE)
    assert {"theta", "eta"} == set(found[:2])
    assert found.index("mu") < found.index("alpha")


def test_indices_and_states_of_a_factor_and_a_scan_are_in_scope_inside_it() -> None:
    assert labels(in_program("let a = factor i : K, j : School in |"), Kind.VALUE)[:2] == ["i", "j"]
    assert {"t", "s"} <= set(labels(in_program("let a = scan t : K, s = 0.0 in |"), Kind.VALUE))
    assert "i" not in labels(in_program("let a = factor i : |"))


def test_an_index_place_is_offered_indices_into_that_axis_first() -> None:
    assert best(in_program("let a = alpha[|")) == ["county"]


def test_columns_of_the_data_are_inputs_and_observed_names() -> None:
    columns = (Column("dose", "8 values, 0…4"), Column("mu"))
    found = in_program("observe |", columns=columns)
    assert named(found, "dose").kind is Kind.INPUT
    assert "8 values" in named(found, "dose").detail
    assert "mu" not in labels(found)
    assert "dose" in labels(in_program("let a = |", columns=columns))


# --------------------------------------------------------------------------- plates, observes, options


def test_a_plate_takes_finite_sets_those_first_that_later_uses_allow() -> None:
    assert labels(in_program("sample x : |")) == ["School", "Item", "County", "K"]
    assert labels(in_program("sample w : |"))[0] == "Item"
    assert labels(in_program("sample x : School * |")) == ["Item", "County", "K"]
    assert labels(in_program("sample x : School ⊗ I|")) == ["Item", "County", "K"]
    assert labels(in_program("let a = factor i : |")) == ["School", "Item", "County", "K"]
    assert labels(in_program("let a = sum(alpha, over=|"))[:1] == ["School"]


def test_an_observe_takes_data_and_inputs_that_are_not_observed() -> None:
    found = labels(in_program("observe |"))
    assert {"n", "sigma_j", "spread", "w"} <= set(found)
    assert not {"y", "q", "mu", "theta"} & set(found)
    assert labels(in_program("let made = log(w)\n    observe |")).count("made") == 1


def test_options_are_those_that_the_step_takes_and_has_not_got() -> None:
    assert labels(in_program("sample x : K <- Normal(0, 1) [|")) == ["ordered", "low", "high"]
    assert labels(in_program("sample x <- Normal(0, 1) [low=0, |")) == ["high"]
    assert labels(in_program("observe x : K <- Normal(0, 1) [|")) == ["where", "low", "high"]
    assert labels(in_program("sample x : K <- Dirichlet(1.0) [|")) == ["over"]
    assert labels(in_program("marginalize z : K <- Categorical(a) [|"))[0] == "over"
    assert labels(below("object R : Real [|")) == ["low", "high"]
    assert labels(below("program g : School -> School [|")) == ["effects"]


def test_every_offered_option_is_one_that_the_checker_knows() -> None:
    for line in (
        "sample x : K <- Normal(0, 1)",
        "observe x : K <- Normal(0, 1)",
        "sample x : K <- Dirichlet(1.0)",
    ):
        for option in labels(in_program(f"{line} [|")):
            text = FILE.replace("⟦line⟧", f"    {line} [{option}=1]")
            unknown = [each for each in check_source(text).diagnostics if "has no option" in each.message]
            assert unknown == [], option


def test_values_of_options() -> None:
    header = FILE.replace("⟦line⟧\n", "").replace("[effects=[Sample, Score]]", "[effects=⟦⟧]")
    found = at(header.replace("⟦⟧]", "|]"))
    assert found is not None
    assert labels(list(found.entries)) == ["[Sample, Score]"]
    found = at(header.replace("⟦⟧]", "[Sample, |]]"))
    assert found is not None
    assert labels(list(found.entries)) == ["Score", "Marginal"]
    assert found.entries[0].commits == ",]"
    assert labels(in_program("sample x : K <- Dirichlet(1.0) [over=|"))[0] == "K"
    assert "county" in labels(in_program("observe x : Item <- Normal(0, 1) [where=|"), Kind.INPUT)


# ------------------------------------------------------------------------ declarations and whole steps


def test_spaces_and_constructors_by_the_declaration() -> None:
    assert best(below("object X : |"))[:2] == ["FinSet", "Real"]
    found = below("data d : |")
    assert best(found) == ["School", "Item", "County", "K", "Rate"]
    assert "Real" in labels(found)
    assert "FinSet" not in labels(found)
    assert "Simplex" not in labels(below("data d : Item -> |"))
    assert best(below("program g : School -> |"))[0] == "School"
    assert "FinSet" in best(below("program g(G : |"))
    assert labels(below("object T : Simplex |")) == ["School", "Item", "County", "K"]
    assert named(below("object T : |"), "Simplex").snippet == "Simplex ${1:K}"


def test_an_object_is_no_part_of_itself() -> None:
    assert "Self" not in labels(below("object Self : |"))


def test_exports_and_compositions_take_programs() -> None:
    assert labels(below("export |")) == ["p", "pooled"]
    assert labels(below("define d = p >> |"), Kind.PROGRAM) == ["p", "pooled"]
    assert labels(below("export p |")) == []


def test_steps_at_the_start_of_a_line_in_a_program() -> None:
    found = in_program("|")
    assert labels(found, Kind.KEYWORD) == ["sample", "observe", "let", "marginalize", "score"]
    snippets = [entry for entry in found if entry.kind is Kind.SNIPPET]
    assert all(entry.text == "" and entry.snippet for entry in snippets)
    words = {entry.filter for entry in snippets}
    assert words == {"sample", "observe", "let", "marginalize", "score"}
    assert any(": ${2:School} <-" in str(entry.snippet) for entry in snippets)


def test_a_block_takes_only_the_steps_that_it_may_hold_and_sees_its_own_names() -> None:
    block = "marginalize z : K <- Categorical(probs)\n        observe v : Item <- Normal(0, 1)\n        |"
    assert labels(in_program(block), Kind.KEYWORD) == ["observe", "let", "marginalize"]
    inside = in_program(block.replace("|", "let a = |"))
    assert named(inside, "z").detail == "latent : K"
    outside = in_program(block.replace("        |", "    let a = |"))
    assert "z" not in labels(outside)
    assert labels(in_program(block.replace("|", "observe r : Item <- Normal(0, 1) [|")))[0] == "via"


def test_a_map_into_the_object_of_a_block_comes_first_after_via() -> None:
    block = "marginalize z : K <- Categorical(probs) [over=County]\n        "
    found = in_program(f"{block}observe r : Item <- Normal(mu, 1) [via=|")
    assert best(found) == ["county"]


def test_declarations_at_the_left_margin() -> None:
    found = below("|")
    assert labels(found, Kind.KEYWORD) == ["object", "data", "program", "define", "export"]
    assert labels(found) == labels([*at("|").entries])  # type: ignore[union-attr]
    assert labels(below("prog|"), Kind.KEYWORD)[2] == "program"


@pytest.mark.parametrize("entry", [*(in_program("|")), *below("|")], ids=lambda entry: entry.label)
def test_a_snippet_with_its_places_filled_in_can_be_read(entry: Entry) -> None:
    if entry.kind is not Kind.SNIPPET:
        return
    text = entry.snippet or ""
    while (plain := re.sub(r"\$\{\d+:([^{}]*)\}", r"\1", text)) != text:
        text = plain
    text = re.sub(r"\$\d+", "Normal(0, 1)", text.replace(" $0", " 1.0").removesuffix("$0"))
    indented = "\n".join(f"    {line}" for line in text.split("\n"))
    whole = FILE.replace("⟦line⟧", indented) if entry.filter not in _DECLARES else text + "\n"
    assert [each.message for each in check_source(whole).diagnostics if each.code.startswith("QVR1")] == []


_DECLARES = ("object", "data", "program", "define", "export")


# ---------------------------------------------------------------------------- words of the grammar


def test_words_stand_where_the_grammar_takes_them_and_only_there() -> None:
    assert labels(in_program("let a = if mu > 0 |")) == ["then", "and", "or"]
    assert labels(in_program("let a = if mu > 0 then 1 |")) == ["else", "and", "or"]
    assert labels(in_program("let a = factor i : K |")) == ["in"]
    assert {"if", "scan", "factor", "not"} <= set(labels(in_program("let a = |"), Kind.KEYWORD))
    assert labels(in_program("let a = mu + |"), Kind.KEYWORD) == []
    assert labels(in_program("sample x <- Normal(mu |")) == ["and", "or"]
    assert labels(in_program("sample x |")) == []


def test_while_the_grammar_loads_the_list_says_that_more_may_come(monkeypatch: pytest.MonkeyPatch) -> None:
    assert grammar_is_loaded()
    monkeypatch.setattr("quivers.ide.completion.grammar_is_loaded", lambda: False)
    text = FILE.replace("⟦line⟧", "    let a = |")
    found = at(text)
    assert found is not None
    assert not found.whole
    assert labels(list(found.entries), Kind.KEYWORD) == []
    found = at(FILE.replace("⟦line⟧", "    sample x <- |"))
    assert found is not None
    assert found.whole


# --------------------------------------------------------------------------------- where nothing is offered


@pytest.mark.parametrize(
    "line",
    [
        "# a |",
        "## a |",
        "let a = 1.0 # b |",
        "sample |",
        "let |",
        "let a = 5|",
        "let a = 0.5|",
        "sample x : School |",
        "let a = factor |",
    ],
)
def test_nothing_in_comments_new_names_and_numbers(line: str) -> None:
    assert [entry for entry in in_program(line) if entry.kind is not Kind.KEYWORD] == []


def test_a_space_shows_entries_only_where_they_are_likely_to_be_wanted() -> None:
    assert in_program("sample x <- |", trigger=" ") != []
    assert in_program("observe |", trigger=" ") != []
    assert in_program("sample x : |", trigger=" ") != []
    assert in_program("sample x <- Normal(mu, |", trigger=" ") != []
    assert in_program("let a = mu |", trigger=" ") == []
    assert in_program("let a = |", trigger=" ") == []
    assert in_program("|", trigger=" ") == []
    assert in_program("let a = (|", trigger="(") != []
    assert in_program("let a =|", trigger="=") == []


# ------------------------------------------------------------------------------------ ranges and symbols


def test_the_range_is_the_word_with_the_part_behind_the_cursor_apart() -> None:
    text = FILE.replace("⟦line⟧", "    let 𝒩 = ⊗ + th|eta")
    found = at(text)
    assert found is not None
    source = text.replace("|", "").encode()
    assert source[found.inserted.start : found.inserted.end] == b"th"
    assert source[found.replaced.start : found.replaced.end] == b"theta"


@pytest.mark.parametrize(
    ("typed", "sign"),
    [
        ("\\otimes", "⊗"),
        ("\\to", "→"),
        ("\\leftarrow", "←"),
        ("\\theta", "θ"),
        ("\\Sigma", "Σ"),
        ("\\_1", "₁"),
    ],
)
def test_a_sign_by_its_name_replaces_the_backslash_too(typed: str, sign: str) -> None:
    text = FILE.replace("⟦line⟧", f"    let a = {typed}|")
    found = at(text, trigger="\\")
    assert found is not None
    source = text.replace("|", "").encode()
    assert source[found.replaced.start : found.replaced.end].decode() == typed
    entry = next(each for each in found.entries if each.label == typed)
    assert (entry.text, entry.filter) == (sign, typed)


# ------------------------------------------------------------------------------------------ documentation


def test_documentation_of_each_kind_of_entry() -> None:
    text = FILE.replace("⟦line⟧\n", "")
    checked, document = check_source(text), Document(text.encode())

    def about(kind: Kind, name: str) -> str:
        return "\n".join(documentation(checked, document, kind, name, "p"))

    assert "log density" in about(Kind.FAMILY, "Normal")
    assert "e to the power" in about(Kind.FUNCTION, "exp")
    assert about(Kind.VALUE, "mu") == "latent, drawn from `Normal(0.0, 5.0)`\nThe mean."
    assert "let, `mu + tau * eta`" in about(Kind.VALUE, "theta")
    assert "Pools." in about(Kind.PROGRAM, "pooled")
    assert "8 elements" in about(Kind.OBJECT, "School")
    assert "sum 1" in about(Kind.SPACE, "Simplex")
    assert "Sums out" in about(Kind.KEYWORD, "marginalize")
    assert "truncated" in about(Kind.OPTION, "low")
    assert "its values come from the data" in about(Kind.INPUT, "spread")
    assert about(Kind.VALUE, "alpha[county]").startswith("latent")


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_no_prefix_of_an_example_raises(file: Path) -> None:
    source = file.read_bytes()
    for end in range(0, len(source), max(1, len(source) // 40)):
        cut = source[:end]
        completions(check_source(cut), Document(cut), end)
        completions(check_source(source), Document(source), end)
