"""`qvr explain NAME` for the words of programs: distributions, functions, signs, and the lists of them."""

from __future__ import annotations

import pytest

from quivers.cli import main
from quivers.families.functions import FUNCTIONS
from quivers.families.table import FAMILIES


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["explain", *arguments])
    out, err = capsys.readouterr()
    return status, out, err


def test_a_distribution_has_its_parameters_and_its_density(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = shown(capsys, "NegativeBinomial2")
    assert (status, err) == (0, "")
    assert "NegativeBinomial2(mean : Real⁺, concentration : Real⁺) -> Nat" in out
    assert "- `concentration : Real⁺`: φ: the variance is mean + mean² / φ" in out
    assert "log density of `x`" in out


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("student_t", "StudentT"), ("lkj_corr_cholesky", "LKJCholesky"), ("bernoulli_logit", "Bernoulli")],
)
def test_a_distribution_of_another_language_is_shown_under_our_name(
    theirs: str, ours: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = shown(capsys, theirs)
    assert status == 0
    assert out.startswith(f"`{theirs}` is `{ours}` here.\n\n```qvr\n{ours}(")


@pytest.mark.parametrize(
    ("word", "part"),
    [
        ("lag", "lag(x, k=1, over=…)"),
        ("scan", "each value made from the one before"),
        ("marginalize", "Sums out a discrete latent"),
        ("<-", "Draws the name on the left"),
        ("FinSet", "the size of `FinSet` comes from the data"),
        ("Sample", "a latent is drawn"),
    ],
)
def test_functions_words_and_signs_are_explained(
    word: str, part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = shown(capsys, word)
    assert status == 0
    assert part in out


def test_the_lists_have_every_distribution_and_every_function(capsys: pytest.CaptureFixture[str]) -> None:
    families = shown(capsys, "distributions")[1]
    assert [line.partition("(")[0] for line in families.splitlines()[::2]] == list(FAMILIES)
    functions = shown(capsys, "functions")[1]
    assert [line.partition("(")[0] for line in functions.splitlines()[::2]] == list(FUNCTIONS)
    language = shown(capsys, "language")[1]
    assert all(f"\n  {word} " in language for word in ("object", "observe", "FinSet", "where", ">>", "Pure"))


@pytest.mark.parametrize(
    ("written", "answer"),
    [
        ("observ", "No code and no word is called `observ`; did you mean `observe`?"),
        ("StudntT", "No code and no word is called `StudntT`; did you mean `StudentT`?"),
        ("QVR410", "did you mean `QVR"),
        ("zzzz", "No code and no word is called `zzzz`"),
        ("", "No code and no word is called ``"),
    ],
)
def test_an_unknown_name_is_answered_by_the_nearest_word_or_the_lists(
    written: str, answer: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = shown(capsys, written)
    assert (status, out) == (2, "")
    assert answer in err
    assert err.count("\n") == 1
