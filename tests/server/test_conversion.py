"""What passes between the protocol's terms and ours, as plain data."""

from pathlib import Path

import pytest
from lsprotocol import types

from quivers.syntax.ast import Span
from quivers.syntax.lines import Encoding, LineIndex
from quivers.syntax.problems import Diagnostic, Label, Severity
from qvr_server import from_lsp, to_lsp
from qvr_server.places import Places

LINES = LineIndex("object 𝒩 : Scool # ⊗ 😀\nobject B".encode())
SCOOL = Span(14, 19)


@pytest.mark.parametrize(("encoding", "column"), [("utf-8", 14), ("utf-16", 12), ("utf-32", 11)])
def test_ranges_count_in_the_encoding_that_was_settled(encoding: str, column: int) -> None:
    places = Places("u", LINES, Encoding(encoding))
    place = places.range(SCOOL)
    assert place == types.Range(types.Position(0, column), types.Position(0, column + 5))
    assert places.span(place) == SCOOL


def test_a_range_given_back_to_front_is_the_same_range() -> None:
    place = types.Range(types.Position(1, 3), types.Position(0, 1))
    assert Places("u", LINES, Encoding.UTF32).span(place) == Span(1, LINES.line_span(1).start + 3)


def test_a_lone_surrogate_becomes_a_character_as_wide() -> None:
    assert from_lsp.text("a\ud83db\U0001f600") == "a\ufffdb\U0001f600"


@pytest.mark.parametrize(
    ("uri", "language", "ours"),
    [
        ("file:///m/schools.qvr", "qvr", True),
        ("file:///m/schools.qvr", "plaintext", True),
        ("file:///m/schools", "qvr", True),
        ("untitled:Untitled-1", "qvr", True),
        ("vscode-notebook-cell:/m/a.ipynb#W0", "qvr", True),
        ("git:/m/schools.qvr?ref=HEAD", "qvr", False),
        ("file:///m/readme.md", "markdown", False),
    ],
)
def test_models_are_served_and_views_of_them_are_not(uri: str, language: str, ours: bool) -> None:
    assert from_lsp.is_ours(uri, language) is ours


def test_only_file_uris_have_a_path() -> None:
    assert from_lsp.path("file:///m/two%20words.qvr") == Path("/m/two words.qvr")
    assert from_lsp.path("untitled:Untitled-1") is None


# ------------------------------------------------------------------- answers


PARTS = ["```qvr\ntheta : School ⊗ Real\n```", "A *latent*, `a <- b`.", "See <b>bold</b> and `<i>`."]
BOTH = (types.MarkupKind.Markdown, types.MarkupKind.PlainText)


def test_markdown_is_code_and_notes_in_which_no_html_is_left() -> None:
    assert to_lsp.markup(PARTS, BOTH) == types.MarkupContent(
        types.MarkupKind.Markdown,
        "```qvr\ntheta : School ⊗ Real\n```\n\nA *latent*, `a <- b`.\n\nSee \\<b>bold\\</b> and `<i>`.",
    )


def test_plain_text_has_no_markup() -> None:
    assert to_lsp.markup(PARTS, BOTH[::-1]) == types.MarkupContent(
        types.MarkupKind.PlainText, "theta : School ⊗ Real\n\nA *latent*, a <- b.\n\nSee <b>bold</b> and <i>."
    )


def test_a_client_that_names_no_format_gets_plain_text() -> None:
    assert to_lsp.markup(PARTS, ()).kind is types.MarkupKind.PlainText


FOUND = Diagnostic(
    "QVR201",
    Severity.ERROR,
    SCOOL,
    "There is no object Scool.",
    labels=(Label(Span(33, 34), "B is declared here."),),
    hint="Did you mean School?",
)


def test_labels_are_related_places_where_the_client_shows_them() -> None:
    shown = to_lsp.diagnostic(FOUND, Places("u", LINES, Encoding.UTF16), related=True)
    assert shown.message == "There is no object Scool.\nDid you mean School?"
    assert (shown.code, shown.source, shown.severity) == ("QVR201", "qvr", types.DiagnosticSeverity.Error)
    assert shown.related_information is not None
    [place] = shown.related_information
    assert place.message == "B is declared here."
    assert place.location.range.start.line == 1


def test_labels_are_told_in_the_message_where_the_client_shows_no_places() -> None:
    shown = to_lsp.diagnostic(FOUND, Places("u", LINES, Encoding.UTF16), related=False)
    assert shown.related_information is None
    assert shown.message.endswith("B is declared here. (line 2)")
