import random
from itertools import pairwise

import pytest
from ide_places import EVERYTHING, EXAMPLES

from quivers.check.analysis import Analysis, check_source
from quivers.ide.semantic_tokens import KINDS, MODIFIERS, WIDTH, SemanticTokens
from quivers.syntax.ast import Span
from quivers.syntax.document import Document
from quivers.syntax.lines import Encoding, Position


def placed(data: list[int]) -> list[tuple[int, int, int, str, frozenset[str]]]:
    """Line, column, length, kind and modifiers of each token."""
    found, line, column = [], 0, 0
    for at in range(0, len(data), WIDTH):
        down, right, length, kind, bits = data[at : at + WIDTH]
        line, column = line + down, right if down else column + right
        names = frozenset(name for bit, name in enumerate(MODIFIERS) if bits >> bit & 1)
        found.append((line, column, length, KINDS[kind], names))
    return found


def tokens(text: str, encoding: Encoding = Encoding.UTF8) -> list[tuple[str, str, frozenset[str]]]:
    """Each token's text, kind and modifiers."""
    document = Document(text.encode())
    data = SemanticTokens(encoding).all(check_source(text), document).tolist()
    found = []
    for line, column, length, kind, modifiers in placed(data):
        start = document.lines.offset(Position(line, column), encoding)
        end = document.lines.offset(Position(line, column + length), encoding)
        found.append((document.source[start:end].decode(), kind, modifiers))
    return found


def told(text: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Kind and modifiers of each word where it stands last."""
    return {word: (kind, modifiers) for word, kind, modifiers in tokens(text)}


def test_names_are_told_apart_by_what_they_mean() -> None:
    found = told(EVERYTHING)
    assert found["School"] == ("type", frozenset())
    assert found["FinSet"] == ("type", {"defaultLibrary"})
    assert found["Normal"] == ("function", {"defaultLibrary"})
    assert found["sum"] == ("function", {"defaultLibrary"})
    assert found["everything"] == ("function", frozenset())
    assert found["dose"] == ("variable", {"data", "readonly"})
    assert found["sigma"] == ("variable", {"data", "readonly"})
    assert found["y"] == ("variable", {"data", "readonly", "observed"})
    assert found["centre"] == ("variable", {"latent"})
    assert found["kind"] == ("variable", {"latent", "discrete"})
    assert found["state"] == ("parameter", frozenset())
    assert found["ordered"] == ("property", frozenset())
    assert found["low"] == ("property", frozenset())
    assert found["marginalize"] == ("keyword", frozenset())
    assert found["->"] == ("operator", frozenset())
    assert found["2.5"] == ("number", frozenset())


def test_a_name_is_a_declaration_where_it_is_bound_and_nowhere_else() -> None:
    centre = [modifiers for word, _, modifiers in tokens(EVERYTHING) if word == "centre"]
    assert centre == [{"declaration", "latent"}, {"latent"}]


def test_documentation_is_told_from_other_comments() -> None:
    found = told("## says why\n# aside\n### rule\nobject A : FinSet 2 # behind\n")
    assert found["## says why"] == ("comment", {"documentation"})
    assert found["# aside"] == found["# behind"] == found["### rule"] == ("comment", frozenset())


STRANGE = """\
## ⊗ 𝒩 😀 \f \v \x85 \u2028
object 𝒮 : FinSet 8 # ⊗ 𝒩 😀 \f behind
program p : 𝒮 → 𝒮 [effects=[Sample, Score]]
    sample 𝜏 : 𝒮 ← Normal(0.0, 1.0) # \u2028 😀
    observe y : 𝒮 <- Normal(𝜏, 1.0)
    return 𝜏
"""


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", Encoding)
def test_columns_are_those_of_the_text_in_every_encoding(encoding: Encoding, line_end: str) -> None:
    words = [word for word, _, _ in tokens(STRANGE.replace("\n", line_end), encoding)]
    assert words[0] == "## ⊗ 𝒩 😀 \f \v \x85 \u2028"
    assert words[1:6] == ["object", "𝒮", "FinSet", "8", "# ⊗ 𝒩 😀 \f behind"]
    assert words[6:14] == ["program", "p", "𝒮", "→", "𝒮", "effects", "=", "Sample"]
    assert words[-2:] == ["return", "𝜏"]


@pytest.mark.parametrize("encoding", Encoding)
def test_tokens_are_in_order_and_apart_in_every_prefix(encoding: Encoding) -> None:
    for source in [STRANGE.encode(), *(path.read_bytes() for path in EXAMPLES)]:
        for end in range(0, len(source) + 1, 61):
            text = source[:end].decode(errors="ignore")
            document = Document(text.encode())
            found = placed(SemanticTokens(encoding).all(check_source(text), document).tolist())
            for (line, column, length, *_), (next_line, next_column, *_) in pairwise(found):
                assert (line, column + length) <= (next_line, next_column)
            for line, column, length, *_ in found:
                assert length > 0
                whole = document.lines.position(document.lines.line_span(line).end, encoding)
                assert column + length <= whole.character


def test_after_any_edit_the_kept_tokens_are_those_of_a_fresh_start() -> None:
    chance = random.Random(7)
    document, analysis = Document(EVERYTHING.encode()), Analysis()
    kept = SemanticTokens(Encoding.UTF16)
    pieces = [
        "\n",
        "object Q : FinSet 2\n",
        "x",
        " ",
        "#",
        "    let q = 2\n",
        "😀",
        "",
        "",
        "program",
        "]",
        "\r",
    ]
    for _ in range(150):
        start = chance.randrange(len(document.source) + 1)
        document.edit(Span(start, start + chance.choice([0, 0, 1, 5])), chance.choice(pieces))
        text = document.source.decode(errors="ignore")
        document.replace(text)
        checked = analysis.check(document)
        fresh = SemanticTokens(Encoding.UTF16).all(check_source(text), Document(text.encode()))
        assert kept.all(checked, document) == fresh


def test_a_range_has_the_tokens_of_its_lines() -> None:
    document, checked = Document(EVERYTHING.encode()), check_source(EVERYTHING)
    whole = placed(SemanticTokens(Encoding.UTF8).all(checked, document).tolist())
    count = document.lines.line_count
    for first in range(0, count, 3):
        for last in range(first, count, 5):
            part = SemanticTokens(Encoding.UTF8).within(checked, document, first, last)
            assert placed(part.tolist()) == [token for token in whole if first <= token[0] <= last]


def test_an_edit_reads_one_declaration_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    from quivers.ide import semantic_tokens

    document, analysis = Document(EVERYTHING.encode()), Analysis()
    kept = SemanticTokens(Encoding.UTF8)
    kept.all(analysis.check(document), document)
    read: list[bytes] = []
    true = semantic_tokens._tokens
    monkeypatch.setattr(
        semantic_tokens, "_tokens", lambda part, encoding: read.append(part.text) or true(part, encoding)
    )
    at = document.source.index(b"0.0, 5.0")
    document.edit(Span(at, at + 1), "1")
    kept.all(analysis.check(document), document)
    assert [text.split()[1] for text in read] == [b"everything"]
