"""Code actions through the server: fixes that mend, refactorings worked out late, all safe fixes at once."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from in_process import Answered, Client, character, marked, place

from quivers.check.analysis import check_source

sys.path.append(str(Path(__file__).parent.parent / "check"))
from markdown_fixtures import fixtures

URI = "file:///models/actions.qvr"
TESTS = Path(__file__).parent.parent

LITERALS = {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["quickfix", "refactor", "source"]}}}
MODERN = {
    **LITERALS,
    "isPreferredSupport": True,
    "disabledSupport": True,
    "dataSupport": True,
    "resolveSupport": {"properties": ["edit"]},
}
DOCUMENT_CHANGES = {"workspaceEdit": {"documentChanges": True}}

SCHOOLS = """\
object School : FinSet 8
program schools : School -> School
    sample mu <- Normal(0.0, 5.0)
    sample tau <- HalfNormal(5.0)
    sample theta : School <- Normal(⟦mu + 1.0⟧, tau)
    observe y : School <- Normal(theta, mu + 1.0 + exp(tau))
    return theta
"""
SCHOOLS = SCHOOLS.replace("mu + 1.0 + exp(tau)", "exp(mu + 1.0)")


def client_with(
    code_action: dict[str, Any], workspace: dict[str, Any] | None = None, encoding: str = "utf-16"
) -> Client:
    capabilities = {"textDocument": {"codeAction": code_action}, "workspace": workspace or {}}
    return Client(encoding, capabilities)


@pytest.fixture(scope="module")
def modern() -> Iterator[Client]:
    client = client_with(MODERN, DOCUMENT_CHANGES)
    yield client
    client.close()


@pytest.fixture(scope="module")
def plain() -> Iterator[Client]:
    client = client_with(LITERALS)
    yield client
    client.close()


def ask(
    client: Client, text: str, span: tuple[int, int], *only: str, automatic: bool = False
) -> list[dict[str, Any]]:
    context: dict[str, Any] = {"diagnostics": [], "triggerKind": 2 if automatic else 1}
    if only:
        context["only"] = list(only)
    params = {
        "textDocument": {"uri": URI},
        "range": place(text, span, client.encoding),
        "context": context,
    }
    found: list[dict[str, Any]] = client.request("textDocument/codeAction", params)
    return found


def resolved(client: Client, action: dict[str, Any]) -> dict[str, Any]:
    if "edit" in action:
        return action
    answer: dict[str, Any] = client.request("codeAction/resolve", action)
    return answer


def edited(client: Client, text: str, action: dict[str, Any]) -> str:
    """The text as the action's edit leaves it."""
    edit = resolved(client, action)["edit"]
    changes = edit["changes"][URI] if "changes" in edit else edit["documentChanges"][0]["edits"]
    spans = [
        (
            character(text, change["range"]["start"], client.encoding),
            character(text, change["range"]["end"], client.encoding),
            change["newText"],
        )
        for change in changes
    ]
    for start, end, new in sorted(spans, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def titled(actions: list[dict[str, Any]], title: str) -> dict[str, Any]:
    return next(action for action in actions if action["title"].startswith(title))


# -------------------------------------------------------------------------- fixes

BROKEN = [each for folder in ("check", "advice") for each in fixtures(TESTS / folder) if "QVR" in each.text]


@pytest.mark.parametrize("fixture", BROKEN[::4], ids=lambda each: f"{each.file.stem}: {each.heading}")
def test_the_quick_fixes_of_a_fixture_take_their_problem_away(modern: Client, fixture: Any) -> None:
    text = fixture.program
    modern.open(URI, text)
    whole = (0, len(text))
    fixes = [each for each in ask(modern, text, whole, "quickfix") if "edit" in each]
    known = sum(len(problem.fixes) for problem in check_source(text).diagnostics)
    assert len([each for each in fixes if not each["title"].startswith("Ignore")]) >= known
    for fix in fixes:
        [problem] = fix["diagnostics"]
        left = modern.open(URI, edited(modern, text, fix))
        before = modern.open(URI, text)
        key = (problem["code"], problem["message"])
        counts = [sum((each["code"], each["message"]) == key for each in found) for found in (before, left)]
        assert counts[1] < counts[0], fix["title"]


def test_a_problem_with_one_fix_has_a_preferred_one_and_one_with_several_has_none(modern: Client) -> None:
    text, spans = marked(
        "object A : FinSet 2\nprogram p : A -> A\n    sample m : A <- ⟦Normol⟧(0.0, 1.0)\n"
        "    observe y : A <- Normal(m, ⟦m⟧)\n    return m\n"
    )
    modern.open(URI, text)
    [one] = ask(modern, text, spans[0], "quickfix")
    assert one["isPreferred"] is True
    text = text.replace("Normol", "Normal")
    modern.open(URI, text)
    links = ask(modern, text, spans[1], "quickfix")
    assert [each["title"] for each in links] == [
        "Write `exp(m)`",
        "Write `softplus(m)`",
        "Ignore QVR402 on this line",
    ]
    assert not any(each.get("isPreferred") for each in links)


def test_a_warning_can_be_silenced_where_it_stands_and_an_error_cannot(plain: Client) -> None:
    text, [span] = marked(
        "object A : FinSet 2\nprogram p : A -> A\n    sample m : A <- Normal(0.0, 1.0)\n"
        "    observe y : A <- Normal(⟦log(m)⟧, m)  # a note\n    return m\n"
    )
    assert {each["code"] for each in plain.open(URI, text)} == {"QVR402", "QVR404"}
    ignored = edited(plain, text, titled(ask(plain, text, span, "quickfix"), "Ignore QVR404"))
    assert "m)  # a note  # qvr: ignore[QVR404]\n" in ignored
    assert {each["code"] for each in plain.open(URI, ignored)} == {"QVR402"}
    whole = (0, len(ignored))
    both = edited(plain, ignored, titled(ask(plain, ignored, whole, "quickfix"), "Ignore QVR402"))
    assert "# qvr: ignore[QVR404, QVR402]\n" in both
    assert plain.open(URI, both) == []
    wrong = text.replace("Normal(0.0", "Normol(0.0")
    plain.open(URI, wrong)
    titles = [each["title"] for each in ask(plain, wrong, (0, len(wrong)), "quickfix")]
    assert not [title for title in titles if "QVR202" in title]


def test_a_name_that_looks_misspelt_can_be_declared_as_the_input_that_it_is(plain: Client) -> None:
    text, [span] = marked(
        "object A : FinSet 2\nprogram p : A -> A\n    sample theta : A <- Normal(0.0, 1.0)\n"
        "    observe y : A <- Normal(theta + ⟦thetas⟧, 1.0)\n    return theta\n"
    )
    assert [each["code"] for each in plain.open(URI, text)] == ["QVR208"]
    fix = titled(ask(plain, text, span, "quickfix"), "Declare `data thetas : A * Real`")
    assert fix["kind"] == "quickfix"
    assert plain.open(URI, edited(plain, text, fix)) == []


SLIPS = """\
object A : FinSet 2
program p : A -> A [effects=[Sample, Score, Marginal]]
    sample m : A <- Normol(0.0, 1.0)
    observe y : A ~ Normal(m, 1.0)
    return m
"""


@pytest.mark.parametrize("kind", ["source.fixAll", "source.fixAll.qvr", "source"])
def test_everything_safe_is_fixed_at_once(modern: Client, kind: str) -> None:
    assert len(modern.open(URI, SLIPS)) >= 1
    # As on saving: a kind is named, though nobody has opened a menu.
    [action] = [
        each for each in ask(modern, SLIPS, (0, 0), kind, automatic=True) if each["kind"] != "source.qvr.run"
    ]
    assert action["kind"] == "source.fixAll.qvr"
    after = edited(modern, SLIPS, action)
    assert modern.open(URI, after) == []
    assert "Normal(0.0, 1.0)" in after
    assert "y : A <- Normal" in after
    assert "[effects=[Sample, Score]]" in after


def test_what_changes_the_model_is_not_fixed_unseen(modern: Client) -> None:
    text, [_] = marked(SCHOOLS)
    text = text.replace("exp(mu + 1.0)", "mu").replace("mu + 1.0, tau", "mu, tau")
    assert {each["code"] for each in modern.open(URI, text)} == {"QVR402", "QVR701"}
    assert ask(modern, text, (0, 0), "source.fixAll") == []


# ------------------------------------------------------------------- refactorings


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_edits_stand_in_the_right_place_after_any_character(encoding: str, line_end: str) -> None:
    text, [span] = marked(
        """\
## ⊗ 𝒩 😀 \f \v \x85 \u2028
object 𝒮 : FinSet 8
program p : 𝒮 → 𝒮  # 😀 \f
    sample 𝒩 <- Normal(0.0, 5.0)  # \x85 \u2028 ⊗
    sample 𝜏 : 𝒮 ← Normal(𝒩 + ⟦exp(𝒩)⟧, exp(𝒩))
    observe y : 𝒮 ← Normal(𝜏, 1.0)
    return 𝜏
""".replace("\n", line_end)
    )
    for code_action in (LITERALS, MODERN):
        client = client_with(code_action, encoding=encoding)
        assert not [each for each in client.open(URI, text) if each["severity"] == 1]
        one = titled(ask(client, text, span, "refactor.extract"), "Extract into `let value`")
        assert edited(client, text, one) == text.replace(
            "    sample 𝜏", f"    let value = exp(𝒩){line_end}    sample 𝜏"
        ).replace("𝒩 + exp(𝒩)", "𝒩 + value")
        every = titled(ask(client, text, span, "refactor.extract"), "Extract all 2")
        after = edited(client, text, every)
        assert "Normal(𝒩 + value, value)" in after
        assert len(re.findall("value", after)) == 3
        client.close()


def test_an_edit_is_worked_out_when_it_is_chosen_where_the_client_can_ask(
    modern: Client, plain: Client
) -> None:
    text, [span] = marked(SCHOOLS)
    modern.open(URI, text)
    plain.open(URI, text)
    late = titled(ask(modern, text, span, automatic=True), "Extract into")
    assert "edit" not in late
    assert edited(modern, text, late) == edited(plain, text, titled(ask(plain, text, span), "Extract into"))
    assert resolved(modern, late)["edit"]["documentChanges"][0]["textDocument"] == {"uri": URI, "version": 1}


def test_a_cursor_that_only_moves_starts_no_work(modern: Client, plain: Client) -> None:
    text, [span] = marked(SCHOOLS)
    for client in (modern, plain):
        client.open(URI, text)
    cursor = (span[0] - 20, span[0] - 20)
    assert [
        each for each in ask(plain, text, cursor, automatic=True) if each["kind"].startswith("refactor")
    ] == []
    assert not any("edit" in each for each in ask(modern, text, cursor, "refactor", automatic=True))


def test_an_action_of_an_older_text_is_refused_with_the_reason(modern: Client) -> None:
    text, [span] = marked(SCHOOLS)
    modern.open(URI, text)
    action = titled(ask(modern, text, span), "Extract into")
    modern.change(URI, {"text": f"# new\n{text}"})
    with pytest.raises(Answered, match="The text has changed since this was offered") as caught:
        modern.request("codeAction/resolve", action)
    assert caught.value.code == -32801
    for data, sentence in (
        ({**action["data"], "uri": "file:///none.qvr"}, "is not open any more"),
        ({**action["data"], "name": "nothing"}, "There is no action `nothing`"),
        ({"some": "data"}, "does not come from this server"),
        (None, "does not come from this server"),
    ):
        with pytest.raises(Answered, match=sentence):
            modern.request("codeAction/resolve", {"title": "A", "data": data})


def test_why_a_refactoring_that_is_asked_for_cannot_be_done_is_told(modern: Client, plain: Client) -> None:
    text, [_] = marked(SCHOOLS)
    start = text.index("Normal(mu")
    span = (start, text.index(")", start) + 1)
    for client in (modern, plain):
        client.open(URI, text)
    [refused] = ask(modern, text, span, "refactor.extract")
    assert "A distribution is no value" in refused["disabled"]["reason"]
    assert "data" not in refused
    assert ask(plain, text, span, "refactor.extract") == []
    assert not any("disabled" in each for each in ask(modern, text, span))


def test_only_the_kinds_that_are_wanted_are_given(modern: Client) -> None:
    text, [span] = marked(SCHOOLS)
    modern.open(URI, text)
    kinds = {each["kind"] for each in ask(modern, text, span, "refactor")}
    assert kinds == {"refactor.extract", "refactor.rewrite"}
    assert {each["kind"] for each in ask(modern, text, span, "refactor.extract")} == {"refactor.extract"}
    assert ask(modern, text, span, "refactor.move") == []
    titles = [each["title"] for each in ask(modern, text, span)]
    assert len(titles) == len(set(titles))


def test_a_fresh_name_is_a_field_to_fill_in_where_the_client_has_fields() -> None:
    client = client_with(MODERN, {"workspaceEdit": {"documentChanges": True, "snippetEditSupport": True}})
    text, [span] = marked(SCHOOLS)
    client.open(URI, text)
    every = resolved(client, titled(ask(client, text, span), "Extract all 2"))
    snippets = [each["snippet"] for each in every["edit"]["documentChanges"][0]["edits"]]
    assert [each["value"] for each in snippets] == [
        "    let ${1:loc} = mu + 1.0\n",
        "${1:loc}",
        "${1:loc}",
    ]
    client.close()


def test_a_client_without_code_actions_gets_the_commands_among_them() -> None:
    client = client_with({})
    text, _ = marked(SCHOOLS)
    client.open(URI, text)
    header = text.index("program")
    [command] = ask(client, text, (header, header))
    assert command["command"] == "qvr.run"
    client.close()


def test_the_server_says_which_kinds_it_has_and_that_it_resolves(modern: Client) -> None:
    said = modern.initialized["capabilities"]["codeActionProvider"]
    assert said["resolveProvider"] is True
    assert set(said["codeActionKinds"]) == {
        "quickfix",
        "refactor.extract",
        "refactor.inline",
        "refactor.rewrite",
        "source.fixAll.qvr",
        "source.qvr.run",
    }


def test_a_long_text_is_refactored_beside_the_loop(modern: Client, plain: Client) -> None:
    text, [span] = marked(SCHOOLS + "# a comment of some length\n" * 2_000)
    done = text.replace("    sample theta", "    let loc = mu + 1.0\n    sample theta").replace(
        "Normal(mu + 1.0", "Normal(loc"
    )
    for client in (modern, plain):
        client.open(URI, text)
        assert edited(client, text, titled(ask(client, text, span), "Extract into `let loc`")) == done


# --------------------------------------------------------------------- any text


@pytest.mark.parametrize(
    "path", sorted((TESTS.parent / "examples").glob("*/[!.]*.qvr")), ids=lambda path: path.stem
)
def test_no_text_cut_short_stops_an_answer(modern: Client, path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for end in range(3, len(text), max(len(text) // 12, 1)):
        cut = text[:end]
        modern.open(URI, cut)
        for span in ((end, end), (max(end - 25, 0), end), (max(end - 9, 0), max(end - 2, 0))):
            for action in ask(modern, cut, span):
                if "data" in action:
                    assert "edit" in modern.request("codeAction/resolve", action)
