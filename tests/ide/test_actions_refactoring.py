"""Refactorings of programs in the text, where `⟦…⟧` is what is selected."""

from __future__ import annotations

import re

import pytest

from quivers.check.analysis import Analysis, check_source
from quivers.check.rewrites.lines import applied
from quivers.ide.actions import change, offers
from quivers.ide.actions.selection import Change, Obstacle, Selection
from quivers.syntax.ast import Span
from quivers.syntax.document import Document
from quivers.syntax.problems import Fix

MARK = re.compile("⟦(.*?)⟧", re.DOTALL)
OBJECTS = "object School : FinSet 8\nobject Item : FinSet 3\nobject County : FinSet\n"


def selected(marked: str) -> Selection:
    """The text with its mark taken away, and what stood in it selected."""
    match = MARK.search(marked)
    assert match is not None
    text = marked[: match.start()] + match[1] + marked[match.end() :]
    start = len(marked[: match.start()].encode())
    document, analysis = Document(text.encode()), Analysis()
    span = Span(start, start + len(match[1].encode()))
    return Selection(analysis.check(document), document, span, analysis)


def source(selection: Selection) -> str:
    return selection.document.source.decode()


def titles(marked: str) -> dict[str, str]:
    return {offer.name: offer.title for offer in offers(selected(marked)) if offer.obstacle is None}


def obstacle(marked: str, name: str) -> str:
    found = change(selected(marked), name)
    assert isinstance(found, Obstacle), found
    return found.sentence


def done(marked: str, name: str) -> str:
    """The text as a refactoring leaves it."""
    selection = selected(marked)
    made = change(selection, name)
    assert isinstance(made, Change), made
    return applied(selection.document.source, Fix("", made.edits)).decode()


def program(*steps: str, header: str = "p : School -> School", returned: str = "theta") -> str:
    body = "".join(f"    {step}\n" for step in steps)
    return f"{OBJECTS}program {header}\n{body}    return {returned}\n"


PRIORS = (
    "sample mu <- Normal(0.0, 5.0)",
    "sample tau <- HalfNormal(5.0)",
    "sample eta : School <- Normal(0.0, 1.0)",
)
THETA = "sample theta : School <- Normal(mu, tau)"
OBSERVED = "observe y : School <- Normal(theta, sigma)"


# ------------------------------------------------------------------------ extract


def test_an_expression_gets_a_name_just_above_its_step() -> None:
    marked = program(
        *PRIORS[:2], "## The effects.", "sample theta : School <- Normal(⟦2 * mu⟧, tau)", OBSERVED
    )
    assert titles(marked)["extract"] == "Extract into `let loc`"
    assert done(marked, "extract") == program(
        *PRIORS[:2],
        "let loc = 2 * mu",
        "## The effects.",
        "sample theta : School <- Normal(loc, tau)",
        OBSERVED,
    )


def test_the_places_of_the_fresh_name_are_told_so_that_it_can_be_renamed() -> None:
    marked = program(*PRIORS[:2], "sample theta : School <- Normal(⟦exp(mu)⟧ + exp(mu), tau)", OBSERVED)
    made = change(selected(marked), "extract-all")
    assert isinstance(made, Change)
    assert made.fresh == "value"
    assert len(made.edits) == len(made.places) == 3
    for edit, place in zip(made.edits, made.places, strict=True):
        assert edit.text[place : place + len("value")] == "value"


@pytest.mark.parametrize(
    ("expression", "name", "after"),
    [
        ("⟦mu + tau⟧ * eta", "total", "mu + tau * eta"),
        ("⟦(mu + tau)⟧ * eta", "total", "total * eta"),
        ("(⟦mu + tau⟧) * eta", "total", "total * eta"),
        ("((⟦mu + tau⟧)) * eta", "total", "total * eta"),
        ("exp(⟦mu + tau⟧) * eta", "total", "exp(total) * eta"),
        ("exp((⟦mu + tau⟧)) * eta", "total", "exp(total) * eta"),
        ("mu +⟦ tau * eta⟧", "product", "mu + product"),
        ("if ⟦tau > 1⟧ then eta else mu", "value", "if value then eta else mu"),
        ("if(⟦tau > 1⟧)then eta else mu", "value", "if value then eta else mu"),
        ("mu + ⟦5.0⟧ * eta", "value", "mu + value * eta"),
        ("mu + tau * ⟦eta[0]⟧ + eta", "value", "mu + tau * value + eta"),
    ],
)
def test_brackets_that_are_left_over_go(expression: str, name: str, after: str) -> None:
    marked = program(*PRIORS, f"let theta = {expression}", OBSERVED)
    if after == "mu + tau * eta":
        assert obstacle(marked, "extract") == "The selection is no whole expression."
        return
    changed = done(marked, "extract")
    assert f"    let theta = {after}\n" in changed
    assert f"    let {name} = " in changed


def test_every_equal_expression_from_the_step_on_can_be_replaced() -> None:
    steps = (
        *PRIORS,
        "let early = mu + exp(tau)",
        "let theta = ⟦exp(tau)⟧ * eta + early",
        "observe y : School <- Normal(theta, exp( tau ))",
    )
    marked = program(*steps)
    assert titles(marked)["extract-all"] == "Extract all 2 occurrences into `let value`"
    assert done(marked, "extract-all") == program(
        *PRIORS,
        "let early = mu + exp(tau)",
        "let value = exp(tau)",
        "let theta = value * eta + early",
        "observe y : School <- Normal(theta, value)",
    )
    assert "Normal(theta, exp( tau ))" in done(marked, "extract")


def test_a_name_that_means_something_else_is_not_equal() -> None:
    theta = "let theta = ⟦exp(mu)⟧ * eta + (factor i : School in (factor j : Item in exp(x[i]))[i, 0])"
    assert "extract-all" not in titles(program(*PRIORS, theta, OBSERVED))
    nested = "let theta = ⟦exp(s)⟧ + (scan t : School, s = mu in exp(s) * 0.1)"
    assert "extract-all" not in titles(program(*PRIORS, nested, OBSERVED))


@pytest.mark.parametrize(
    ("theta", "binder"),
    [
        ("factor i : School in mu + ⟦2 * eta[i]⟧", "i"),
        ("scan t : School, s = mu in ⟦s * 0.5⟧ + eta[t]", "s"),
        ("scan t : School, s = mu in s * 0.5 + ⟦eta[t]⟧", "t"),
    ],
)
def test_what_uses_a_binder_cannot_leave_it(theta: str, binder: str) -> None:
    marked = program(*PRIORS, f"let theta = {theta}", OBSERVED)
    assert "extract" not in titles(marked)
    assert f"`{binder}` has a value only inside" in obstacle(marked, "extract")


def test_what_uses_no_binder_can_leave_it() -> None:
    marked = program(*PRIORS, "let theta = factor i : School in ⟦exp(mu)⟧ + eta[i]", OBSERVED)
    assert "    let value = exp(mu)\n    let theta = factor i : School in value + eta[i]\n" in done(
        marked, "extract"
    )


def test_inside_a_block_the_name_is_bound_in_the_block() -> None:
    marked = f"""{OBJECTS}program p : Item -> Item [effects=[Sample, Score, Marginal]]
    sample m : Item <- Normal(0.0, 1.0)
    marginalize z : Item <- Categorical(probs)
        # Each value has its own.
        observe y : School <- Normal(⟦2 * m[z]⟧, 1.0)
    return m
"""
    after = done(marked, "extract")
    assert "        # Each value has its own.\n        let loc = 2 * m[z]\n        observe" in after
    assert (
        check_source(after).diagnostics == check_source(marked.replace("⟦", "").replace("⟧", "")).diagnostics
    )


def test_an_expression_over_several_lines_keeps_its_brackets() -> None:
    marked = program(*PRIORS, "let theta = (⟦mu\n        + tau⟧) * eta", OBSERVED)
    after = done(marked, "extract")
    assert "    let total = (mu\n        + tau)\n    let theta = total * eta\n" in after


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_lines_end_as_they_do_in_the_file(ending: str) -> None:
    marked = program(*PRIORS, "let theta = ⟦exp(tau)⟧ * eta", OBSERVED).replace("\n", ending)
    assert f"{ending}    let value = exp(tau){ending}    let theta = value * eta{ending}" in done(
        marked, "extract"
    )


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        ("let theta = ⟦tau⟧ * eta", "`tau` is a name already."),
        ("let theta = ⟦tau * eta⟧", "This value has a name already, `theta`."),
        ("sample theta : School <- ⟦Normal(mu, tau)⟧", "A distribution is no value"),
        ("let theta = ta⟦u * e⟧ta", "no whole expression"),
        ("let theta = mu + ⟦eta + tau⟧", "no whole expression"),
    ],
)
def test_why_a_selection_cannot_be_extracted_is_said(step: str, reason: str) -> None:
    assert reason in obstacle(program(*PRIORS, step, OBSERVED), "extract")


def test_a_fresh_name_is_neither_taken_nor_like_an_input_s() -> None:
    steps = (*PRIORS[:2], "let loc = mu + 1", "sample theta : School <- Normal(⟦2 * mu⟧, tau)", OBSERVED)
    assert "let loc_2 = 2 * mu" in done(program(*steps), "extract")
    like = (*PRIORS, "let theta = ⟦exp(tau)⟧ * eta", "observe values : School <- Normal(theta, 1.0)")
    after = done(program(*like), "extract")
    assert not [each for each in check_source(after).diagnostics if each.code == "QVR208"]


def test_a_whole_row_of_an_input_keeps_its_type() -> None:
    marked = program(*PRIORS, "let theta = mu + tau * eta", "observe y : School <- Normal(theta, ⟦exp(x)⟧)")
    before, after = (
        check_source(marked.replace("⟦", "").replace("⟧", "")),
        check_source(done(marked, "extract")),
    )
    assert str(after.programs["p"].types["x"]) == str(before.programs["p"].types["x"])


# ------------------------------------------------------------------------- inline


def test_a_let_goes_into_its_uses_and_its_line_goes() -> None:
    marked = program(*PRIORS, "## Each one's.", "let ⟦⟧theta = mu + tau * eta  # note", OBSERVED)
    assert titles(marked)["inline"] == "Inline `theta` into its 2 uses"
    assert done(marked, "inline") == program(
        *PRIORS, "observe y : School <- Normal(mu + tau * eta, sigma)", returned="mu + tau * eta"
    )


@pytest.mark.parametrize(
    ("value", "use", "after"),
    [
        ("mu + 1", "a * 2", "(mu + 1) * 2"),
        ("mu * 2", "a + 1", "mu * 2 + 1"),
        ("mu + 1", "1 - a", "1 - (mu + 1)"),
        ("mu + 1", "a - 1", "mu + 1 - 1"),
        ("mu * 2", "1 / a", "1 / (mu * 2)"),
        ("mu / 2", "a * 3", "mu / 2 * 3"),
        ("-mu", "a ^ 2", "(-mu) ^ 2"),
        ("-mu", "2 ^ a", "2 ^ -mu"),
        ("mu ^ 2", "a ^ 2", "(mu ^ 2) ^ 2"),
        ("mu ^ 2", "-a", "-mu ^ 2"),
        ("mu + 1", "-a", "-(mu + 1)"),
        ("mu + 1", "exp(a)", "exp(mu + 1)"),
        ("mu + 1", "(a) * 2", "(mu + 1) * 2"),
        ("exp(mu)", "a ^ 2", "exp(mu) ^ 2"),
        ("mu + 1", "if a > 0 then a else 2 * a", "if mu + 1 > 0 then mu + 1 else 2 * (mu + 1)"),
        ("if mu > 0 then 1.0 else mu", "a + 1", "(if mu > 0 then 1.0 else mu) + 1"),
        ("if mu > 0 then 1.0 else mu", "exp(a)", "exp(if mu > 0 then 1.0 else mu)"),
        ("-mu", "if 1 <a then 1.0 else 2.0", "if 1 <(-mu) then 1.0 else 2.0"),
        ("(mu\n        + 1)", "a + 2", "(mu\n        + 1) + 2"),
        ("exp(\n        mu)", "a * 2", "exp(\n        mu) * 2"),
    ],
)
def test_brackets_are_put_only_where_they_are_needed(value: str, use: str, after: str) -> None:
    marked = program(
        PRIORS[0], f"let ⟦a⟧ = {value}", f"let b = {use}", "sample theta : School <- Normal(b, 1.0)", OBSERVED
    )
    changed = done(marked, "inline")
    assert f"    let b = {after}\n" in changed
    before = check_source(marked.replace("⟦", "").replace("⟧", ""))
    assert str(check_source(changed).programs["p"].types["b"]) == str(before.programs["p"].types["b"])


def test_it_works_from_a_use_as_well() -> None:
    marked = program(*PRIORS, "let theta = mu + tau * eta", "observe y : School <- Normal(th⟦⟧eta, sigma)")
    assert "inline" in titles(marked)
    assert "let theta" not in done(marked, "inline")


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        (
            ("let ⟦a⟧ = exp(i)", "let theta = factor i : School in a + eta[i]"),
            "`i` means something else inside the `factor` that uses `a`.",
        ),
        (
            ("let ⟦a⟧ = 2 * s", "let theta = scan t : School, s = mu in a + s"),
            "`s` means something else inside the `scan` that uses `a`.",
        ),
        (("let ⟦a⟧ = 2 * mu", "let theta = mu * eta"), "Nothing uses `a`."),
        (
            ("let ⟦a⟧ = log(x)", "let theta = mu * eta", "observe a : School <- Normal(theta, 1.0)"),
            "`a` is observed, so it needs its name.",
        ),
    ],
)
def test_why_a_let_cannot_be_inlined_is_said(steps: tuple[str, ...], reason: str) -> None:
    assert obstacle(program(*PRIORS, *steps, OBSERVED), "inline") == reason


def test_there_and_back_through_a_name_gives_the_same_text() -> None:
    marked = program(*PRIORS, "let theta = ⟦(mu + 1) * eta⟧ + tau", OBSERVED)
    there = done(marked, "extract")
    back = done(there.replace("let product", "let ⟦product⟧"), "inline")
    assert back == marked.replace("⟦", "").replace("⟧", "")


# ----------------------------------------------------------------- parameterization


def test_a_centred_draw_is_rewritten_and_back() -> None:
    marked = program(*PRIORS[:2], "sample th⟦⟧eta : School <- Normal(mu, tau)", OBSERVED)
    assert titles(marked)["noncentre"] == "Draw `theta` non-centred"
    there = done(marked, "noncentre")
    assert (
        "    sample theta_raw : School <- Normal(0.0, 1.0)\n    let theta = mu + tau * theta_raw\n" in there
    )
    again = there.replace("let theta", "let ⟦⟧theta")
    assert titles(again)["centre"] == "Draw `theta` centred"
    assert done(again, "centre") == marked.replace("⟦⟧", "")


def test_no_other_draw_is_offered_a_rewriting() -> None:
    for step in ("sample th⟦⟧eta : School <- Gamma(2.0, 1.0)", "sample th⟦⟧eta <- Normal(mu, tau)"):
        assert "noncentre" not in titles(program(*PRIORS[:2], step, OBSERVED))
    assert "centre" not in titles(program(*PRIORS, "let th⟦⟧eta = mu * eta + eta", OBSERVED))


# ---------------------------------------------------------------------- declaring


@pytest.mark.parametrize(
    ("steps", "declared"),
    [
        ((THETA, "observe y : School <- Normal(theta, sig⟦⟧ma)"), "data sigma : School * Real [low=0]"),
        ((THETA, "observe ⟦⟧y : School <- Normal(theta, 1.0)"), "data y : School * Real"),
        ((THETA, "observe ⟦⟧k : School <- Poisson(exp(theta))"), "data k : School * Nat"),
        ((THETA, "observe ⟦⟧k : School <- Bernoulli(logits=theta)"), "data k : School * Bool"),
        (
            (THETA, "let p = sigmoid(theta)", "observe k : School <- Binomial(tr⟦⟧ials, p)"),
            "data trials : School * Nat",
        ),
        (
            (
                THETA,
                "sample beta : County <- Normal(0.0, 1.0)",
                "observe y : School <- Normal(theta + beta[coun⟦⟧ty], 1.0)",
            ),
            "data county : School -> County",
        ),
        ((THETA, "observe ⟦⟧k : School <- Beta(2.0, exp(theta))"), "data k : School * Real [low=0, high=1]"),
    ],
)
def test_an_input_is_declared_with_its_type_below_the_objects(steps: tuple[str, ...], declared: str) -> None:
    marked = program(*PRIORS[:2], *steps)
    assert titles(marked)["declare"] == f"Declare `{declared}`"
    text = marked.replace("⟦⟧", "")
    after = done(marked, "declare")
    assert after == text.replace(OBJECTS, f"{OBJECTS}{declared}\n")
    before = check_source(text).programs["p"].types
    assert {name: str(type) for name, type in check_source(after).programs["p"].types.items()} == {
        name: str(type) for name, type in before.items()
    }


def test_all_inputs_are_declared_from_the_header() -> None:
    marked = program(*PRIORS[:2], THETA, OBSERVED).replace("program p", "program ⟦⟧p")
    assert titles(marked)["declare-all"] == "Declare all 2 inputs of `p`"
    after = done(marked, "declare-all")
    assert f"{OBJECTS}data sigma : School * Real [low=0]\ndata y : School * Real\nprogram p" in after
    assert "declare-all" not in titles(after.replace("program p", "program ⟦⟧p"))


def test_signs_are_those_of_the_file() -> None:
    marked = program(
        "sample m : School ⊗ Item ← Normal(0, 1)",
        "observe y : School ⊗ Item ← Normal(m, 1)",
        header="p : School → School",
        returned="m[:,0]",
    ).replace("m[:,0]", "sum(m, over=Item)")
    marked = marked.replace("observe y", "observe ⟦⟧y")
    assert titles(marked)["declare"] == "Declare `data y : School ⊗ Item ⊗ Real`"


def test_a_file_without_objects_above_gets_the_declaration_above_its_program() -> None:
    text = """## What it is.
program p : A -> A
    sample m <- Normal(s⟦⟧c, 1.0)
    observe y : A <- Normal(m, 1.0)
    return m

object A : FinSet 3
"""
    assert done(text, "declare").startswith("data sc : Real\n\n## What it is.\nprogram p")


def test_an_input_over_a_parameter_of_the_program_cannot_be_declared() -> None:
    marked = f"""{OBJECTS}program part(G : FinSet) : G -> G
    sample a : G <- Normal(⟦⟧loc, 1.0)
    return a
"""
    assert "a parameter of `part`" in obstacle(marked, "declare")


def test_two_programs_that_need_different_inputs_of_one_name_keep_them() -> None:
    first = program(*PRIORS[:2], THETA, "observe y : School <- Normal(theta, ⟦⟧width)")
    second = """program q : Item -> Item
    sample b : Item <- Normal(0.0, 1.0)
    observe v : Item <- Normal(b, width)
    return b
"""
    assert obstacle(first + second, "declare")


# ------------------------------------------------------------------------ effects


def test_the_inferred_effects_are_added_to_a_header() -> None:
    marked = program(*PRIORS[:2], THETA, OBSERVED).replace("program p", "prog⟦⟧ram p")
    assert titles(marked)["effects"] == "Add `[effects=[Sample, Score]]`"
    assert "program p : School -> School [effects=[Sample, Score]]\n" in done(marked, "effects")


@pytest.mark.parametrize("written", ["Sample", "Pure", "Sample, Score, Marginal"])
def test_written_effects_are_brought_up_to_date(written: str) -> None:
    marked = program(
        *PRIORS[:2], THETA, OBSERVED, header=f"⟦⟧p : School -> School [effects=[{written}]]  # note"
    )
    assert titles(marked)["effects"] == "Update to `[effects=[Sample, Score]]`"
    assert "program p : School -> School [effects=[Sample, Score]]  # note\n" in done(marked, "effects")


def test_effects_that_are_right_are_left_alone() -> None:
    header = "p : School -> School [effects=[Score, Sample]]"
    assert "effects" not in titles(program(*PRIORS[:2], THETA, OBSERVED, header=f"⟦⟧{header}"))
    pure = f"{OBJECTS}program ⟦⟧p : School -> School\n    return index(School)\n"
    assert titles(pure)["effects"] == "Add `[effects=[Pure]]`"


def test_a_let_is_kept_where_a_use_of_it_is_not_understood() -> None:
    marked = program(
        *PRIORS, "let ⟦a⟧ = 2 * mu", "sample b <- Normal(a, 1.0, a)", "let theta = a * eta", OBSERVED
    )
    assert obstacle(marked, "inline") == "`a` is used where something is wrong; mend that first."


def test_a_program_that_others_draw_from_can_be_refactored() -> None:
    part = f"""{OBJECTS}program part : School -> School
    sample m : School <- Normal(⟦exp(0.0)⟧, 1.0)
    return m
"""
    whole = """program p : School -> School
    sample a <- part()
    observe y : School <- Normal(a, 1.0)
    return a
"""
    there = done(part + whole, "extract")
    assert "    let loc = exp(0.0)\n    sample m : School <- Normal(loc, 1.0)\n" in there
    back = done(there.replace("let loc", "let ⟦loc⟧"), "inline")
    assert back == (part + whole).replace("⟦", "").replace("⟧", "")


def test_a_let_in_nested_blocks_sees_the_latents_of_both() -> None:
    marked = f"""{OBJECTS}program p : School -> School
    sample mu : School * Item <- Normal(0.0, 5.0)
    sample rows : School * Item <- Normal(0.0, 1.0)
    marginalize u : School <- Categorical(first)
        marginalize z : Item <- Categorical(logits=rows[u])
            let ⟦⟧a = mu[u, z]
            observe y : County <- Normal(a, 1.0)
    return mean(mu, over=Item)
"""
    assert "            observe y : County <- Normal(mu[u, z], 1.0)\n" in done(marked, "inline")
