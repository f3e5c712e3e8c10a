"""Where each kind of name is bound, and which objects its values run over."""

import pytest
from ide_places import EVERYTHING, EXAMPLES, unmarked

from quivers.check.analysis import check_source
from quivers.ide.definition import definition, site, symbol_at, type_definition

# Where the name is bound is marked first, and then a place that uses it.
BOUND = {
    "a latent": """\
object A : FinSet 2
program p : A -> A
    sample ⟦x⟧ : A <- Normal(0, 1)
    return ⟦x⟧
""",
    "an object": """\
object ⟦A⟧ : FinSet 2
program p : A -> A
    sample x : ⟦A⟧ <- Normal(0, 1)
    return x
""",
    "data": """\
object A : FinSet 2
data ⟦d⟧ : A * Real
program p : A -> A
    let x = 2 * ⟦d⟧
    return x
""",
    "an input, where it is used first": """\
object A : FinSet 2
program p : A -> A
    let x = 2 * ⟦k⟧
    let y = x + ⟦k⟧ + index(A)
    return y
""",
    "a program": """\
object A : FinSet 2
program ⟦f⟧ : A -> A
    sample x : A <- Normal(0, 1)
    return x
export ⟦f⟧
""",
    "an index": """\
object A : FinSet 2
program p : A -> A
    let x = factor ⟦i⟧ : A in 1.0 * ⟦i⟧
    return x
""",
    "a state": """\
object A : FinSet 2
program p : A -> A
    let x = scan t : A, ⟦s⟧ = 0.0 in ⟦s⟧ + 1
    return x
""",
    "a value that a let makes and an observe scores": """\
object A : FinSet 2
program p : A -> A
    let ⟦l⟧ = log(y)
    observe ⟦l⟧ : A <- Normal(0, 1)
    return l
""",
    "a keyword of a draw from a program": """\
object A : FinSet 2
program f(⟦scale⟧ : Real [low=0]) : A -> A
    sample x : A <- Normal(0, scale)
    return x
program p : A -> A
    sample t <- f(⟦scale⟧=1.0)
    return t
""",
    "a keyword of a draw from a composition": """\
object A : FinSet 2
program f(⟦scale⟧ : Real [low=0]) : A -> A
    sample x : A <- Normal(0, scale)
    return x
define d = f
program p : A -> A
    sample t <- d(⟦scale⟧=1.0)
    return t
""",
    "a keyword of a program that has an error": """\
object A : FinSet 2
program f(⟦scale⟧ : Real [low=0]) : A -> A
    sample x : A <- Norml(0, scale)
    return x
program p : A -> A
    sample t <- f(⟦scale⟧=1.0)
    return t
""",
    "an object that is a parameter": """\
program f(⟦G⟧ : FinSet) : G -> G
    sample x : ⟦G⟧ <- Normal(0, 1)
    return x
""",
    "a name in another spelling": """\
object A : FinSet 2
program p : A -> A
    sample ⟦τ⟧ : A <- Normal(0, 1)
    return ⟦𝜏⟧
""",
    "the inner of two of one name": """\
object A : FinSet 2
program p : A -> A
    let i = 1.0
    let x = factor ⟦i⟧ : A in 1.0 * ⟦i⟧
    return x
""",
}


@pytest.mark.parametrize("text", BOUND.values(), ids=BOUND)
def test_a_name_leads_to_where_it_is_bound_and_that_place_to_itself(text: str) -> None:
    source, (bound, used) = unmarked(text)
    checked = check_source(source)
    for asked in (used, bound):
        for offset in asked:
            found = definition(checked, offset)
            assert found is not None
            symbol, target = found
            assert (target.name.start, target.name.end) == bound
            assert (symbol.here.start, symbol.here.end) == asked
            assert target.whole.start <= target.name.start
            assert target.name.end <= target.whole.end


@pytest.mark.parametrize(
    "name", ["Normal", "exp", "Sample", "loc", "1.0", "FinSet", "Missing", "sample", "# x"]
)
def test_what_the_file_does_not_bind_has_no_definition(name: str) -> None:
    source = """\
object A : FinSet 2
program p : A -> A [effects=[Sample]]
    # x
    sample x : A <- Normal(loc=exp(1.0), scale=1)
    sample y : Missing <- Normal(0, 1)
    return x
"""
    assert definition(check_source(source), source.index(name) + len(name)) is None


def test_a_link_shows_the_step_or_the_declaration_that_binds_the_name() -> None:
    source = EVERYTHING.encode()
    checked = check_source(source)
    shown = {}
    for name in ("theta", "School", "dose", "pooled", "scale", "kind", "state", "i :"):
        found = definition(checked, source.index(name.encode()))
        assert found is not None
        whole = source[found[1].whole.start : found[1].whole.end].decode()
        shown[name] = whole.splitlines()[0]
    assert shown == {
        "theta": "sample theta <- pooled(scale=2.5, G=School)",
        "School": "object School : FinSet 8",
        "dose": "data dose : School * Real",
        "pooled": "program pooled(scale : Real [low=0], G : FinSet) : G -> G",
        "scale": "scale : Real [low=0]",
        "kind": "marginalize kind : K <- Categorical(probs)",
        "state": "scan t : Time, state = 0.0 in 0.5 * state + shock[t]",
        "i :": "i : School",
    }


def _objects(before: str, name: str) -> list[str]:
    source = EVERYTHING.encode()
    found = type_definition(check_source(source), source.index((before + name).encode()) + len(before))
    assert found is not None
    return [source[target.whole.start : target.whole.end].decode() for target in found[1]]


def test_a_type_is_the_objects_that_a_value_runs_over() -> None:
    assert _objects("let ", "moved") == ["object School : FinSet 8"]
    assert _objects("let ", "path") == ["object Time : FinSet"]
    assert _objects("score ", "centring") == []


def test_the_type_of_an_index_is_the_object_that_it_counts() -> None:
    assert _objects("theta[", "i") == ["object School : FinSet 8"]
    assert _objects("marginalize ", "kind") == ["object K : FinSet 2"]


def test_the_type_in_a_program_with_an_object_parameter_is_that_parameter() -> None:
    assert _objects("sample ", "z") == ["G : FinSet"]
    assert _objects("again(", "G") == ["G : FinSet"]


def test_an_object_is_made_of_its_factors_and_a_set_of_itself() -> None:
    assert _objects("object ", "Cell") == ["object School : FinSet 8", "object K : FinSet 2"]
    assert _objects("object ", "Time") == ["object Time : FinSet"]


def test_the_type_of_a_program_is_its_domain_and_codomain() -> None:
    assert _objects("export ", "everything") == ["object School : FinSet 8"]


def _site(program: str, name: str) -> str | None:
    source = EVERYTHING.encode()
    found = site(check_source(source), program, name)
    return None if found is None else source[: found.start].decode().splitlines()[-1].strip()


def test_a_name_of_the_results_stands_in_the_program_that_has_the_step() -> None:
    assert _site("everything", "theta") == "sample"
    assert _site("everything", "theta.z") == "sample"
    assert _site("everything", "theta.z") == _site("pooled", "z")
    assert _site("everything", "more.pooled.z") == "sample"
    assert _site("everything", "theta.effects") == "return ("
    assert _site("chain", "everything.theta.z") == "sample"
    assert _site("everything", "theta.nothing") is None
    assert _site("nothing", "theta") is None


def test_at_no_prefix_of_an_example_does_a_place_raise() -> None:
    for path in EXAMPLES:
        source = path.read_bytes()
        for length in range(0, len(source), 29):
            checked = check_source(source[:length])
            for offset in range(max(0, length - 24), length + 1, 3):
                symbol_at(checked, offset)
                definition(checked, offset)
                type_definition(checked, offset)
