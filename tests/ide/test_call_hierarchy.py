"""Who depends on whom in a model that uses every construct, in both directions."""

from ide_places import EVERYTHING, EXAMPLES

from quivers.check.analysis import check_source
from quivers.check.program import Checked, Role
from quivers.ide.call_hierarchy import Link, incoming, item_at, outgoing

CHECKED = check_source(EVERYTHING)
SOURCE = EVERYTHING.encode()


def _names(links: tuple[Link, ...]) -> dict[str, list[str]]:
    """Each name with the texts of its places."""
    return {
        link.item.name: [SOURCE[span.start : span.end].decode() for span in link.places] for link in links
    }


def _out(before: str, name: str) -> dict[str, list[str]]:
    return _names(outgoing(CHECKED, EVERYTHING.index(before + name) + len(before)))


def _in(before: str, name: str) -> list[str]:
    return list(_names(incoming(CHECKED, EVERYTHING.index(before + name) + len(before))))


def test_a_variable_depends_on_the_names_on_its_right_side_and_in_its_plate() -> None:
    assert _out("observe ", "y") == {
        "School": ["School"],
        "moved": ["moved"],
        "level": ["level"],
        "sigma": ["sigma"],
    }
    assert _out("let ", "level") == {"centre": ["centre"], "kind": ["kind"]}


def test_a_value_that_is_made_and_observed_depends_on_both_steps() -> None:
    assert _out("let ", "log_w") == {"w": ["w"], "Time": ["Time"], "path": ["path"]}


def test_the_latent_of_a_block_depends_on_its_header_alone() -> None:
    assert _out("marginalize ", "kind") == {"K": ["K"], "probs": ["probs"]}


def test_a_draw_depends_on_the_program_and_on_what_it_is_given() -> None:
    assert _out("sample ", "theta") == {
        "pooled": ["pooled"],
        "scale": ["scale"],
        "G": ["G"],
        "School": ["School"],
    }


def test_the_binders_of_a_step_are_no_variables_that_it_depends_on() -> None:
    assert list(_out("let ", "moved")) == ["School", "theta", "more", "dose"]
    assert list(_out("let ", "path")) == ["Time", "shock"]


def test_a_program_depends_on_what_it_draws_from_observes_scores_and_returns() -> None:
    assert list(_out("program ", "everything")) == [
        "School",
        "pooled",
        "again",
        "y",
        "log_w",
        "centring",
        "theta",
    ]
    assert list(_out("define ", "chain")) == ["everything", "chained"]


def test_objects_and_data_depend_on_their_space() -> None:
    assert _out("object ", "Cell") == {"School": ["School"], "K": ["K"]}
    assert _out("data ", "dose") == {"School": ["School"]}
    assert _out("object ", "Time") == {}


def test_what_uses_a_name() -> None:
    assert _in("sample ", "theta") == ["moved", "centring", "everything"]
    assert _in("program ", "pooled") == ["again", "theta", "everything"]
    assert _in("object ", "K") == ["Cell", "centre", "probs", "kind"]
    assert _in("define ", "again") == ["more", "everything"]
    assert _in("in theta[", "i") == ["moved"]
    assert _in("log(", "w") == ["log_w"]


def test_an_item_tells_its_type_and_where_it_is_bound() -> None:
    item = item_at(CHECKED, EVERYTHING.index("theta[i]"))
    assert item is not None
    assert (item.name, item.role, item.detail) == ("theta", Role.LATENT, "School ⊗ Real")
    whole = item.target.whole
    assert SOURCE[whole.start : whole.end] == b"sample theta <- pooled(scale=2.5, G=School)"
    program = item_at(CHECKED, EVERYTHING.index("everything >>"))
    assert program is not None
    assert program.detail == "School -> School ! {Sample, Score, Marginal}"
    space = item_at(CHECKED, EVERYTHING.index("K\ndata"))
    assert space is not None
    assert space.detail == "FinSet 2"


def test_what_the_language_brings_is_no_item() -> None:
    for word in ("Normal(", "sum(", "FinSet", "ordered", "effects: z"):
        assert item_at(CHECKED, EVERYTHING.index(word)) is None


def _edges(checked: Checked) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """Each dependency by the places of the two names, as either direction tells it."""
    forth: set[tuple[int, int]] = set()
    back: set[tuple[int, int]] = set()
    for occurrence in checked.occurrences:
        if occurrence.definition is None or occurrence.role in (Role.INDEX, Role.STATE):
            continue
        here = occurrence.definition.start
        for link in outgoing(checked, here):
            forth.add((here, link.item.target.name.start))
        for link in incoming(checked, here):
            if link.item.role not in (Role.INDEX, Role.STATE):
                back.add((link.item.target.name.start, here))
    return forth, back


def test_both_directions_tell_the_same() -> None:
    for source in (EVERYTHING.encode(), *(path.read_bytes() for path in EXAMPLES)):
        forth, back = _edges(check_source(source))
        assert forth
        assert forth == back


def test_at_no_prefix_of_an_example_does_the_hierarchy_raise() -> None:
    for path in EXAMPLES:
        source = path.read_bytes()
        for length in range(0, len(source), 31):
            checked = check_source(source[:length])
            for offset in range(max(0, length - 24), length + 1, 5):
                item_at(checked, offset)
                incoming(checked, offset)
                outgoing(checked, offset)
