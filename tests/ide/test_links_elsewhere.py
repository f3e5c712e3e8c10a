import pytest
from ide_places import EVERYTHING, EXAMPLES

from quivers.check.analysis import check_source
from quivers.ide.document_links import Link, document_links
from quivers.syntax.document import Document


def links(text: str, data: str | None = None) -> list[tuple[str, str | None]]:
    source = text.encode()
    found: list[Link] = document_links(check_source(source), Document(source), data)
    return [(source[link.span.start : link.span.end].decode(), link.target) for link in found]


@pytest.mark.parametrize(
    ("comment", "written", "target"),
    [
        ("see https://mc-stan.org/docs.", "https://mc-stan.org/docs", "https://mc-stan.org/docs"),
        ("(http://a.org/x_(y)), then", "http://a.org/x_(y)", "http://a.org/x_(y)"),
        ("⊗ 😀 https://a.org/𝒩?q=1!", "https://a.org/𝒩?q=1", "https://a.org/𝒩?q=1"),
        ("Rubin, doi:10.3102/10769986006004377.", "doi:10.3102/10769986006004377", None),
        ("DOI: 10.1/a(b)c;", "DOI: 10.1/a(b)c", "https://doi.org/10.1/a(b)c"),
    ],
)
def test_addresses_in_comments_lead_where_they_say(comment: str, written: str, target: str | None) -> None:
    wanted = target or "https://doi.org/10.3102/10769986006004377"
    assert links(f"## {comment}\nobject A : FinSet 2 # {comment}\n") == [(written, wanted)] * 2


def test_what_is_no_address_leads_nowhere() -> None:
    assert links("# https:// doi: 10 xdoi:10.1/x http:/a\nobject A : FinSet 2\n") == []


def test_the_data_are_linked_from_each_declaration_of_an_input() -> None:
    assert links(EVERYTHING, "m.data.json") == [("data", None)]
    assert links(EVERYTHING) == []


def test_without_a_declared_input_the_first_observation_leads_to_the_data() -> None:
    text = EVERYTHING.replace("data dose : School * Real\n", "")
    assert links(text, "m.data.json") == [("observe", None)]


def test_links_lie_in_every_prefix() -> None:
    for source in [EVERYTHING.encode(), *(path.read_bytes() for path in EXAMPLES)]:
        for end in range(0, len(source) + 1, 29):
            for link in document_links(check_source(source[:end]), Document(source[:end]), "x"):
                assert 0 <= link.span.start < link.span.end <= end
