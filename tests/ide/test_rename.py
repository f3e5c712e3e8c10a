"""Renaming: all places of a name, or a sentence on why not, and a file that means the same after it."""

import re

import pytest
from ide_places import EVERYTHING, EXAMPLES, unmarked

from quivers.check.analysis import Analysis, check_source
from quivers.check.fingerprint import fingerprint
from quivers.check.program import Checked, Role
from quivers.ide.rename import Refused, Renamable, Renaming, renamable, rename
from quivers.syntax.document import Document

# Every place that changes is marked.
RENAMED = {
    "a latent": """\
object A : FinSet 2
program p : A -> A
    sample ⟦x⟧ : A <- Normal(0, 1)
    return (⟦x⟧)
""",
    "a parameter with the keywords of draws, and those of a composition": """\
object A : FinSet 2
program f(⟦scale⟧ : Real [low=0]) : A -> A
    sample x : A <- Normal(0, scale=⟦scale⟧)
    return x
define d = f
program p : A -> A
    sample t <- f(⟦scale⟧=1.0)
    sample u <- d(⟦scale⟧=1.0)
    return t + u
""",
    "an object that is a parameter": """\
object A : FinSet 2
program f(⟦G⟧ : FinSet) : ⟦G⟧ -> ⟦G⟧
    sample x : ⟦G⟧ <- Normal(0, 1)
    let y = x + index(⟦G⟧) + sum(x, over=⟦G⟧)
    return y
program g(G : FinSet) : G -> G
    sample x <- f(⟦G⟧=G)
    return x
""",
    "an object, with the types that have it": """\
object ⟦A⟧ : FinSet 2
object C : ⟦A⟧ * ⟦A⟧
data map : ⟦A⟧ -> ⟦A⟧
program p : ⟦A⟧ -> ⟦A⟧
    sample x : ⟦A⟧ <- Normal(0, 1)
    sample w : ⟦A⟧ <- Dirichlet(1.0) [over=⟦A⟧]
    let f = factor i : ⟦A⟧ in x[map[i]] + w[i]
    return f
""",
    "a name in several spellings": """\
object A : FinSet 2
program p : A -> A
    sample ⟦τ⟧ : A <- Normal(0, 1)
    return ⟦𝜏⟧
""",
    "one of two declarations of a name": """\
object A : FinSet 2
program p : A -> A
    sample x : A <- Normal(0, 1)
    observe y : A <- Normal(x, 1)
    return x
program ⟦p⟧ : A -> A
    sample z : A <- Normal(0, 1)
    observe y : A <- Normal(z, 1)
    return z
""",
    "a misspelt name that is an input indeed": """\
object A : FinSet 2
program p : A -> A
    sample theta : A <- Normal(⟦thetas⟧, 1)
    observe y : A <- Normal(theta, 1)
    return theta
""",
    "a name in a program with a line that can't be read": """\
object A : FinSet 2
program p : A -> A
    sample ⟦x⟧ : A <- Normal(0, 1)
    let y = ) other
    return ⟦x⟧
""",
    "a name of one of two blocks": """\
object K : FinSet 2
object A : FinSet 3
program p : A -> K
    sample m : K <- Normal(0, 1) [ordered]
    marginalize z : K <- Categorical(w)
        observe y : A <- Normal(m[z], 1)
    marginalize ⟦z⟧ : K <- Categorical(w)
        observe v : A <- Normal(m[⟦z⟧], 1)
    return m
""",
    "a label": """\
object A : FinSet 2
program p : A -> A
    sample x : A <- Normal(0, 1)
    return (⟦x⟧: x)
""",
}


def _edited(source: bytes, found: Renaming) -> bytes:
    for edit in sorted(found.edits, key=lambda edit: -edit.span.start):
        source = source[: edit.span.start] + edit.text.encode() + source[edit.span.end :]
    return source


@pytest.mark.parametrize("text", RENAMED.values(), ids=RENAMED)
def test_all_places_are_renamed_from_any_of_them(text: str) -> None:
    source, marks = unmarked(text)
    wanted = re.sub("⟦.*?⟧", "anew", text).encode()
    for start, end in marks:
        for offset in (start, end):
            found = rename(check_source(source), source, offset, "anew")
            assert isinstance(found, Renaming), found
            assert _edited(source, found) == wanted
            first = renamable(check_source(source), source, offset)
            assert isinstance(first, Renamable)
            assert first.text.encode() == source[start:end]
            assert (first.span.start, first.span.end) == (start, end)


# The name asked about is marked.
FIXED = {
    "    ⟦sample⟧ x : A <- Normal(0, 1)": "`sample` is a word of the language, so it can't be renamed.",
    "    sample x : A <- ⟦Normal⟧(0, 1)": (
        "`Normal` is a distribution that the language brings, so it can't be renamed."
    ),
    "    sample x : A <- Normal(⟦loc⟧=0, scale=1)": (
        "`loc` is a parameter that the language brings, so it can't be renamed."
    ),
    "    let x = ⟦exp⟧(index(A))": "`exp` is a function that the language brings, so it can't be renamed.",
    "    let x = sum(index(A), ⟦over⟧=A)": (
        "Nothing in this file declares or binds `over` here, so it can't be renamed."
    ),
    "    sample x : A <- Normal(0, 1) [⟦ordered⟧]": (
        "`ordered` is an option of the language, so it can't be renamed."
    ),
    "    sample x : ⟦Missing⟧ <- Normal(0, 1)": (
        "Nothing in this file declares or binds `Missing` here, so it can't be renamed."
    ),
    "object B : ⟦FinSet⟧ 2": "`FinSet` is a space that the language brings, so it can't be renamed.",
    "program q : A -> A [effects=[⟦Sample⟧]]\n    sample y : A <- Normal(0, 1)\n    return y": (
        "`Sample` is an effect that the language brings, so it can't be renamed."
    ),
}


@pytest.mark.parametrize(("line", "reason"), FIXED.items())
def test_what_the_file_does_not_name_is_refused_with_the_reason(line: str, reason: str) -> None:
    source, [(start, _)] = unmarked(f"object A : FinSet 2\nprogram p : A -> A\n    return 1\n{line}\n")
    if line.startswith("    "):
        source, [(start, _)] = unmarked(f"object A : FinSet 2\nprogram p : A -> A\n{line}\n    return x\n")
    checked = check_source(source)
    assert renamable(checked, source, start) == Refused(reason)
    assert rename(checked, source, start, "anew") == Refused(reason)


@pytest.mark.parametrize("place", ["  sample", "# about", "about", "0.5", "<-", ": A"])
def test_where_no_word_stands_there_is_nothing_to_rename(place: str) -> None:
    source = b"""\
object A : FinSet 2
program p : A -> A # about x
    sample x : A <- Normal(0.5, 1)
    return x
"""
    checked = check_source(source)
    assert renamable(checked, source, source.index(place.encode())) is None


BASE = """\
object A : FinSet 2
object K : FinSet 2
data known : A * Real
program f(scale : Real [low=0], G : FinSet) : G -> G
    sample z : G <- Normal(0, scale)
    return z
program p : A -> A
    sample x : A <- Normal(0, 1)
    sample t <- f(scale=1.0, G=A)
    let y = factor i : A in x[i] + sum(factor j : K in 1.0 * i + j) + t[i]
    let s = scan n : A, st = 0.0 in st + known[n] + b
    observe v : A <- Normal(y + s, c)
    return x
export p
"""


@pytest.mark.parametrize(
    ("name", "new", "reason"),
    [
        ("x :", "", "An empty text is no name: a name is a letter or `_`, and then letters, digits and `_`."),
        ("x :", "1x", "`1x` is no name: a name is a letter or `_`, and then letters, digits and `_`."),
        ("x :", "a b", "`a b` is no name: a name is a letter or `_`, and then letters, digits and `_`."),
        ("x :", "x.y", "`x.y` is no name: a name is a letter or `_`, and then letters, digits and `_`."),
        ("x :", "a⊗b", "`a⊗b` is no name: a name is a letter or `_`, and then letters, digits and `_`."),
        ("x :", "let", "`let` is a word of the language, so nothing can be called that."),
        ("x :", "𝐥𝐞𝐭", "`let` is a word of the language, so nothing can be called that."),
        ("x :", "y", "`x` can't be called `y`: `y` is bound already in `p`, in line 10."),
        ("x :", "b", "`x` can't be called `b`: `b` is an input in `p`, in line 11."),
        ("x :", "known", "`x` can't be called `known`: the file declares `known` in line 3."),
        ("x :", "i", "`x` can't be called `i`: in line 10 it would be taken for another `i`."),
        ("c)", "b", "`c` can't be called `b`: `b` is an input in `p`, in line 11."),
        ("c)", "known", "`c` can't be called `known`: the file declares `known` in line 3."),
        ("i :", "j", "`i` can't be called `j`: in line 10 it would be taken for another `j`."),
        ("j :", "i", "`j` can't be called `i`: the `i` that stands in line 10 would be taken for it."),
        ("j :", "t", None),
        ("i :", "x", "`i` can't be called `x`: `x` is bound already in `p`, in line 8."),
        ("st =", "known", "`st` can't be called `known`: the file declares `known` in line 3."),
        ("A :", "K", "`A` can't be called `K`: the file declares `K` in line 2."),
        ("A :", "Real", "`A` can't be called `Real`: `Real` is a space that the language brings."),
        ("A :", "FinSet", "`A` can't be called `FinSet`: `FinSet` is a space that the language brings."),
        ("A :", "p", "`A` can't be called `p`: the file declares `p` in line 7."),
        ("A :", "b", "`A` can't be called `b`: "),
        ("known :", "y", "`known` can't be called `y`: "),
        ("known :", "c", "`known` can't be called `c`: "),
        (
            "f(",
            "Normal",
            "`f` can't be called `Normal`: `Normal` is a distribution, and a draw from it would",
        ),
        ("f(", "p", "`f` can't be called `p`: the file declares `p` in line 7."),
        ("f(", "exp", None),
        ("p :", "Normal", None),
        ("x :", "exp", None),
        ("x :", "Normal", None),
        ("scale :", "G", "`scale` can't be called `G`: `G` is bound already in `f`, in line 4."),
        ("scale :", "z", "`scale` can't be called `z`: `z` is bound already in `f`, in line 5."),
        ("scale :", "A", "`scale` can't be called `A`: the file declares `A` in line 1."),
        ("G :", "K", "`G` can't be called `K`: the file declares `K` in line 2."),
        ("G :", "H", None),
        ("x :", "scale", None),
    ],
)
def test_a_new_name_is_taken_where_the_meaning_stays(name: str, new: str, reason: str | None) -> None:
    source = BASE.encode()
    place = re.search(rf"(?<!\w){re.escape(name)}", BASE)
    assert place is not None
    found = rename(check_source(source), source, place.start(), new)
    if reason is None:
        assert isinstance(found, Renaming), found
        check_same_problems(check_source(source), check_source(_edited(source, found)))
    else:
        assert isinstance(found, Refused), found
        assert found.reason.startswith(reason)
        assert found.reason.endswith(".")


def test_a_name_is_left_where_an_unreadable_line_may_have_it() -> None:
    source = b"""\
object A : FinSet 2
program p : A -> A
    sample x : A <- Normal(0, 1)
    let y = ) x
    return x
"""
    found = rename(check_source(source), source, source.index(b"x :"), "anew")
    assert found == Refused("Line 4 can't be read and has `x` in it; correct that first.")


def test_a_name_is_left_where_it_is_used_before_it_is_bound() -> None:
    source = b"""\
object A : FinSet 2
program p : A -> A
    let y = 2 * x
    sample x : A <- Normal(0, 1)
    return x
"""
    found = rename(check_source(source), source, source.index(b"x :"), "anew")
    assert isinstance(found, Refused)
    assert "`x` is used before it is bound." in found.reason


def test_a_new_name_that_looks_like_a_slip_is_refused() -> None:
    source = b"""\
object A : FinSet 2
program p : A -> A
    sample theta : A <- Normal(k, 1)
    observe y : A <- Normal(theta, 1)
    return theta
"""
    found = rename(check_source(source), source, source.index(b"k,"), "thetas")
    assert isinstance(found, Refused)
    assert "it looks like `theta`" in found.reason


MATCHED = """\
object A : FinSet 2
program first : A -> A
    sample mean : A <- Normal(0, 1)
    sample spread : A <- Normal(0, 1)
    return (spread: spread, mean: mean)
program second(mean : A * Real, spread : A * Real) : A -> A
    observe y : A <- Normal(mean, exp(spread))
    return mean
define both = first >> second
"""


def test_what_a_composition_matches_by_name_keeps_its_name() -> None:
    source = MATCHED.encode()
    for place in ("mean : A *", "spread : A *", "mean: mean", "spread: spread"):
        found = rename(check_source(source), source, MATCHED.index(place), "anew")
        assert isinstance(found, Refused), place
        assert found.reason.endswith(": `both` would not be the same program.")


def test_only_an_input_has_a_name_outside_of_the_model() -> None:
    source = EVERYTHING.encode()
    checked = check_source(source)
    for name in ("sigma", "shock", "y :", "dose", "w)"):
        found = rename(checked, source, EVERYTHING.index(name), "anew")
        assert isinstance(found, Renaming)
        name = name.strip(" :)")
        assert found.note == f"`{name}` is an input: the data must call it `anew` as well."
    for name in ("theta", "School", "scale", "state", "log_w"):
        found = rename(checked, source, EVERYTHING.index(name), "anew")
        assert isinstance(found, Renaming)
        assert found.note is None


def test_inputs_under_a_draw_that_is_renamed_are_told_too() -> None:
    source = b"""\
object A : FinSet 2
program f : A -> A
    sample x : A <- Normal(k, 1)
    observe y : A <- Normal(x, s)
    return x
program p : A -> A
    sample t <- f()
    return t
"""
    found = rename(check_source(source), source, source.index(b"t <-"), "u")
    assert isinstance(found, Renaming)
    assert found.note == (
        "The data have to follow: what they call `t.k`, `t.s`, `t.y` is now `u.k`, `u.s`, `u.y`."
    )


@pytest.mark.parametrize(
    ("name", "new"), [("x :", "A"), ("A :", "x"), ("A :", "k"), ("x :", "f"), ("f :", "t")]
)
def test_a_value_is_not_given_the_name_of_an_object_or_a_program_beside_it(name: str, new: str) -> None:
    source = b"""\
object A : FinSet 2
program f : A -> A
    sample x : A <- Normal(k, 1)
    return x
program p : A -> A
    sample t <- f()
    return t
"""
    found = rename(check_source(source), source, source.index(name.encode()), new)
    assert isinstance(found, Refused)


def test_the_old_name_again_changes_nothing_but_another_spelling() -> None:
    text = "object A : FinSet 2\nprogram p : A -> A\n    sample τ : A <- Normal(0, 1)\n    return 𝜏\n"
    source = text.encode()
    checked = check_source(source)
    found = rename(checked, source, source.index("τ".encode()), "τ")
    assert isinstance(found, Renaming)
    assert _edited(source, found).decode() == text.replace("𝜏", "τ")
    found = rename(checked, source, source.index("τ".encode()), "anew")
    assert isinstance(found, Renaming)
    assert found.note is None
    assert rename(check_source(b"x"), b"x", 0, "x") == Refused(
        "Nothing in this file declares or binds `x` here, so it can't be renamed."
    )


# ------------------------------------------------------------------------ properties


def check_same_problems(before: Checked, after: Checked) -> None:
    assert [(each.code, each.severity) for each in before.diagnostics] == [
        (each.code, each.severity) for each in after.diagnostics
    ]


def _there_and_back(source: bytes, new: str) -> int:
    """Rename every name of a text there and back, and compare what the checker says; how many there were."""
    analysis = Analysis()
    checked = analysis.check(Document(source))

    def check(text: bytes) -> Checked:
        return analysis.copy().check(Document(text))

    done = set()
    for occurrence in checked.occurrences:
        if occurrence.definition is None or occurrence.definition in done:
            continue
        done.add(occurrence.definition)
        there = rename(checked, source, occurrence.span.start, new, check)
        assert isinstance(there, Renaming), (occurrence.name, there)
        text = _edited(source, there)
        after = check_source(text)
        check_same_problems(checked, after)
        first = after.occurrences[checked.occurrences.index(occurrence)]
        assert first.name == new
        back = rename(after, text, first.span.start, occurrence.name)
        assert isinstance(back, Renaming), (occurrence.name, back)
        assert _edited(text, back) == source
        if occurrence.role not in (Role.INPUT, Role.OBSERVED, Role.DATA):
            old, now = (each.program_to_run() for each in (checked, after))
            if old is not None and now is not None:
                assert fingerprint(checked, old).key == fingerprint(after, now).key
    return len(done)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_name_of_an_example_is_renamed_there_and_back(path: object) -> None:
    assert _there_and_back(path.read_bytes(), "unheard_of") > 4  # type: ignore[attr-defined]


@pytest.mark.parametrize("new", ["unheard_of", "ⅴ", "𝒩ew"])
def test_every_name_of_every_construct_is_renamed_there_and_back(new: str) -> None:
    if new == "unheard_of":
        assert _there_and_back(EVERYTHING.encode(), new) > 30
        return
    found = rename(check_source(EVERYTHING), EVERYTHING.encode(), EVERYTHING.index("theta"), new)
    assert isinstance(found, Renaming)
    assert {edit.text for edit in found.edits} == {new}


def test_every_example_means_the_same_after_any_renaming_that_is_not_refused() -> None:
    for path in EXAMPLES:
        source = path.read_bytes()
        checked = check_source(source)
        names = sorted({each.name for each in checked.occurrences})
        spots = {each.definition: each.span.start for each in checked.occurrences if each.definition}
        for number, offset in enumerate(spots.values()):
            new = names[(3 * number + len(source)) % len(names)]
            found = rename(checked, source, offset, new)
            if isinstance(found, Refused):
                assert found.reason.endswith(".")
                continue
            check_same_problems(checked, check_source(_edited(source, found)))


def test_at_no_prefix_of_an_example_does_rename_raise() -> None:
    for path in EXAMPLES:
        source = path.read_bytes()
        for length in range(0, len(source), 37):
            text = source[:length]
            checked = check_source(text)
            for offset in range(max(0, length - 24), length + 1, 7):
                renamable(checked, text, offset)
                rename(checked, text, offset, "anew")
