from ide_places import EVERYTHING, EXAMPLES

from quivers.check.analysis import check_source
from quivers.ide.folding import Fold, Kind, folds
from quivers.syntax.document import Document


def folded(text: str) -> list[tuple[Kind, str]]:
    source = text.encode()
    return [
        (fold.kind, source[fold.span.start : fold.span.end].decode())
        for fold in folds(check_source(text), Document(source))
    ]


def test_a_program_folds_from_its_header_and_a_block_inside_it() -> None:
    found = folded(EVERYTHING)
    (block,) = [text for kind, text in found if kind is Kind.BLOCK]
    assert block.startswith("\n        let level")
    assert block.endswith("Normal(moved + level, sigma)")
    programs = [text for kind, text in found if kind is Kind.PROGRAM]
    assert [text.rsplit("\n", 1)[-1].strip() for text in programs] == [
        "return (effects: z)",
        "return theta",
        "return noise",
    ]


def test_a_header_over_several_lines_folds_at_its_brackets_and_then_its_block() -> None:
    text = (
        "object A : FinSet 2\nobject B : FinSet 2\n"
        "program p(\n    s : Real,\n    t : Real,\n) : A -> A [\n    effects=[Sample],\n]\n"
        "    sample probs : B <- Dirichlet(\n        1.0,\n    )\n"
        "    marginalize z : B <- Categorical(\n        probs,\n    ) [\n        over=A,\n    ]\n"
        "        observe y : A <- Normal(z, 1.0)\n    return probs\n"
    )
    found = folded(text)
    assert [inner.strip() for kind, inner in found if kind is Kind.BRACKETS] == [
        "s : Real,\n    t : Real,",
        "effects=[Sample],",
        "1.0,",
        "probs,",
        "over=A,",
    ]
    (block,) = [inner for kind, inner in found if kind is Kind.BLOCK]
    assert block.startswith("\n        observe y")


def test_runs_of_comments_and_regions_fold_and_single_comments_do_not() -> None:
    text = (
        "# one\n# two\n## doc\n## more\nobject A : FinSet 2\n# alone\n\n"
        "# region x\nobject B : FinSet 2\n# endregion\n"
    )
    assert folded(text) == [
        (Kind.COMMENT, "\n# two"),
        (Kind.COMMENT, "\n## more"),
        (Kind.REGION, "\nobject B : FinSet 2\n# endregion"),
    ]


def test_folds_lie_in_every_prefix_and_span_lines() -> None:
    for source in [EVERYTHING.encode(), *(path.read_bytes() for path in EXAMPLES)]:
        for end in range(0, len(source) + 1, 41):
            document = Document(source[:end])
            for fold in folds(check_source(source[:end]), document):
                _fits(fold, document)


def _fits(fold: Fold, document: Document) -> None:
    assert 0 <= fold.span.start < fold.span.end <= len(document.source)
    assert document.lines.line_at(fold.span.start) < document.lines.line_at(fold.span.end)
