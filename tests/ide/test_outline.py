from ide_places import EVERYTHING, EXAMPLES

from quivers.check.analysis import check_source
from quivers.ide.symbols import Symbol, closeness, flat, matches, outline


def outlined(source: str | bytes) -> tuple[Symbol, ...]:
    checked = check_source(source)
    return outline(checked.module, checked)


def found(name: str, source: str = EVERYTHING) -> Symbol:
    return next(symbol for symbol, _ in flat(outlined(source)) if symbol.name == name)


def test_declarations_stand_in_the_order_of_the_file_with_their_types() -> None:
    entries = [(symbol.name, symbol.detail) for symbol in outlined(EVERYTHING)]
    assert entries[:5] == [
        ("School", "FinSet 8"),
        ("Time", "FinSet"),
        ("K", "FinSet 2"),
        ("Cell", "School ⊗ K"),
        ("dose", "School ⊗ Real"),
    ]
    assert [name for name, _ in entries[5:]] == ["pooled", "again", "everything", "chained", "chain"]
    assert dict(entries)["chained"] == "School -> School ! {Sample, Score}"


def test_steps_stand_in_their_program_and_those_of_a_block_in_its_latent() -> None:
    steps = {symbol.name: symbol for symbol in found("everything").children}
    assert [symbol.name for symbol in steps["kind"].children] == ["level", "y"]
    assert steps["centre"].detail == "K ⊗ Real"
    assert steps["kind"].children[0].detail is not None


def test_names_lie_in_their_entries_and_these_in_their_parents() -> None:
    for source in [EVERYTHING.encode(), *(path.read_bytes() for path in EXAMPLES)]:
        for end in range(0, len(source) + 1, 37):
            _inside(outlined(source[:end]), 0, end)


def _inside(symbols: tuple[Symbol, ...], start: int, end: int) -> None:
    for symbol in symbols:
        assert symbol.name
        assert start <= symbol.span.start <= symbol.name_span.start
        assert symbol.name_span.start <= symbol.name_span.end <= symbol.span.end <= end
        _inside(symbol.children, symbol.span.start, symbol.span.end)


def test_a_second_declaration_of_a_name_does_not_show_the_first_ones_type() -> None:
    twice = "object A : FinSet 2\nprogram p : A -> A\n    sample x : A <- Normal(0, 1)\n    return x\n"
    first, second = [symbol for symbol in outlined(twice + twice[20:]) if symbol.name == "p"]
    assert first.detail is not None
    assert second.detail is None


def test_letters_match_in_their_order_whatever_their_case() -> None:
    assert matches("TH", "theta")
    assert matches("tha", "Theta")
    assert matches("", "theta")
    assert not matches("hat", "theta")


def test_the_name_itself_is_closest_then_its_start_then_a_part() -> None:
    names = ["atheta", "t_h_e_t_a", "thetas", "theta"]
    assert sorted(names, key=lambda name: closeness("theta", name)) == [
        "theta",
        "thetas",
        "atheta",
        "t_h_e_t_a",
    ]
