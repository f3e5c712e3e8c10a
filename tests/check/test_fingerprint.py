"""The key of a program: what keeps it, what changes it, and which name is which after a rename."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from quivers.check.analysis import Analysis, check_source
from quivers.check.fingerprint import Fingerprint, Memo, fingerprint
from quivers.check.program import Role
from quivers.syntax.document import Document
from quivers.syntax.format import format_source

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted(ROOT.glob("examples/*/[!.]*.qvr"))
RENAMED = {
    *(Role.OBJECT, Role.PROGRAM, Role.PARAMETER, Role.LATENT),
    *(Role.INDEX, Role.STATE, Role.LET, Role.SCORE),
}

SCHOOLS = """\
object School : FinSet 8
data sigma_j : School * Real [low=0]

program schools : School -> School [effects=[Sample, Score]]
    sample mu  <- Normal(0.0, 5.0)
    sample tau <- HalfNormal(5.0)
    sample theta : School <- Normal(mu, tau)
    observe y : School <- Normal(theta, sigma_j)
    return theta
"""

# A text for every construct that binds a name.
NESTED = """\
object School : FinSet 8
object K : FinSet 2
object Time : FinSet 5
object Unused : FinSet 3

program pooled(spread : Real [low=0], G : FinSet) : G -> G
    sample scale <- HalfNormal(spread)
    sample z : G <- Normal(0.0, 1.0)
    return (effects: scale * z)

program schools : School -> School
    sample theta <- pooled(spread=2.5, G=School)
    sample mean_k : K <- Normal(0.0, 1.0) [ordered]
    sample weight : K <- Dirichlet(1.0)
    let level = sum(factor i : School in theta[i] * index(School)[i])
    let path = scan t : Time, s = 0.0 in 0.5 * s + level
    score centring = -0.5 * sum(theta) ^ 2 + sum(path)
    marginalize which : K <- Categorical(weight)
        observe y : School <- Normal(theta + mean_k[which], 1.0)
    return theta

define twice = schools
export schools
"""


def key_of(text: str, name: str | None = None) -> Fingerprint:
    checked = check_source(text.encode())
    program = checked.program_to_run(name)
    assert program is not None
    return fingerprint(checked, program)


def keys_of(text: str) -> list[str]:
    checked = check_source(text.encode())
    return [fingerprint(checked, program).key for program in checked.programs.values()]


def renamed(text: str) -> str:
    """The text with another name for everything that it binds."""
    checked = check_source(text.encode())
    inputs = {entry.name for program in checked.programs.values() for entry in program.inputs}
    names = {found.name for found in checked.occurrences if found.role in RENAMED and found.binds}
    for name in sorted(names - inputs, key=len, reverse=True):
        text = re.sub(rf"(?<![\w.]){re.escape(name)}(?!\w)", f"new_{name}", text)
    return text


TEXTS = [*(path.read_text("utf-8") for path in EXAMPLES), SCHOOLS, NESTED]
NAMES = [*(path.stem for path in EXAMPLES), "schools", "nested"]
every_text = pytest.mark.parametrize("text", TEXTS, ids=NAMES)


def test_the_texts_here_have_no_errors() -> None:
    for text in (SCHOOLS, NESTED):
        found = [str(each.message) for each in check_source(text.encode()).diagnostics if each.code < "QVR6"]
        assert found == []


@every_text
def test_formatting_comments_and_documentation_keep_the_key(text: str) -> None:
    before = keys_of(text)
    assert keys_of(format_source(Document(text.encode())).decode()) == before
    assert keys_of("# one\n\n" + text.replace("\n", "   # 😀\n")) == before
    assert (
        keys_of(re.sub(r"(?m)^( *)(sample|let|observe|object|program)\b", r"\1## Said.\n\1\2", text))
        == before
    )
    assert keys_of(text.replace("->", "→").replace("<-", "←").replace("\n", "\r\n")) == before


@every_text
def test_new_names_keep_the_key_and_say_which_is_which(text: str) -> None:
    before, after = key_of(text), key_of(renamed(text))
    assert before.key == after.key
    assert before.names != after.names
    for old, new in before.renamed(after).items():
        assert new in (old, ".".join(f"new_{part}" for part in old.split(".")))


@every_text
def test_another_number_gives_another_key(text: str) -> None:
    before = keys_of(text)
    for match in re.finditer(r"(?<![\w.])\d+(\.\d+)?", text):
        line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
        if "#" in line or "Unused" in line:
            continue
        changed = text[: match.end()] + "7" + text[match.end() :]
        if match[0] + "7" == match[0]:
            continue
        assert keys_of(changed) != before, f"{line}⟦{match[0]}⟧"


REAL_EDITS = [
    ("Normal(theta, sigma_j)", "StudentT(4.0, theta, sigma_j)"),
    ("Normal(theta, sigma_j)", "Normal(theta, tau)"),
    ("Normal(mu, tau)", "Normal(tau, tau)"),
    ("theta : School <-", "theta <-"),
    ("observe y :", "observe z :"),
    ("FinSet 8", "FinSet"),
    ("[low=0]", "[low=1]"),
    ("School * Real [low=0]", "Real [low=0]"),
    ("(theta, sigma_j)", "(-theta, sigma_j)"),
    ("return theta", "return theta + 1.0"),
    ("sample tau <- HalfNormal(5.0)", "sample tau <- HalfNormal(5.0)\n    score more = -tau"),
    ("sigma_j", "sigma"),
]


@pytest.mark.parametrize(("old", "new"), REAL_EDITS)
def test_a_real_edit_changes_the_key(old: str, new: str) -> None:
    assert old in SCHOOLS
    assert key_of(SCHOOLS).key != key_of(SCHOOLS.replace(old, new)).key


def test_two_steps_that_change_places_are_another_program() -> None:
    lines = SCHOOLS.splitlines(keepends=True)
    lines[4], lines[5] = lines[5].replace("5.0", "5.0"), lines[4]
    assert key_of("".join(lines)).key != key_of(SCHOOLS).key


def test_options_in_another_order_and_declared_effects_keep_the_key() -> None:
    text = "object A : FinSet 2\nprogram p : A -> A\n    sample x : A <- Normal(0.0, 1.0) [low=0, high=2]\n"
    assert key_of(text).key == key_of(text.replace("[low=0, high=2]", "[high=2, low=0]")).key
    assert key_of(SCHOOLS).key == key_of(SCHOOLS.replace(" [effects=[Sample, Score]]", "")).key


def test_what_a_program_does_not_reach_does_not_matter() -> None:
    before = key_of(NESTED, "schools").key
    assert key_of(NESTED.replace("Unused : FinSet 3", "Unused : FinSet 4"), "schools").key == before
    assert key_of(NESTED.replace("define twice = schools\n", ""), "schools").key == before
    assert key_of(NESTED.replace("HalfNormal(spread)", "HalfCauchy(spread)"), "schools").key != before


def test_a_program_that_is_drawn_from_adds_its_names_under_the_draw() -> None:
    names = key_of(NESTED, "schools").names
    assert names[:4] == ("theta", "theta.scale", "theta.z", "mean_k")


def test_an_input_of_a_drawn_program_is_known_by_the_draw_s_name() -> None:
    text = "program a : Real -> Real\n    sample x <- Normal(m, 1.0)\n    return x\n\n"
    text += "program b : Real -> Real\n    sample one <- a()\n    return one\n"
    assert key_of(text, "a").key == key_of(text.replace("x", "other"), "a").key
    assert key_of(text, "b").key != key_of(text.replace("one", "two"), "b").key


def test_a_keyword_is_the_parameter_that_it_names() -> None:
    other = NESTED.replace("spread", "width").replace("G", "Group")
    assert key_of(NESTED, "schools").key == key_of(other, "schools").key


def test_half_typed_text_has_a_key_and_what_is_remembered_changes_nothing() -> None:
    memo: Memo = {}
    analysis = Analysis()
    for end in range(0, len(NESTED), 11):
        document = Document(NESTED[:end].encode())
        checked = analysis.check(document)
        for program in checked.programs.values():
            fresh = fingerprint(checked, program)
            assert fingerprint(checked, program, memo) == fresh
            assert fingerprint(checked, program, memo) == fresh


def test_a_declaration_that_was_not_edited_is_not_gone_through_again() -> None:
    memo: Memo = {}
    analysis = Analysis()
    document = Document(NESTED.encode())
    checked = analysis.check(document)
    fingerprint(checked, checked.programs["schools"], memo)
    before = dict(memo)
    document.replace("# a line\n" + NESTED)
    checked = analysis.check(document)
    fingerprint(checked, checked.programs["schools"], memo)
    assert {key: id(form) for key, (_, form) in memo.items()} == {
        key: id(form) for key, (_, form) in before.items()
    }
