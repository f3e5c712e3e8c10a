"""A summed latent gives what adding up every assignment of it gives, in value and in gradient."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from quivers.dsl import loads
from quivers.errors import DataError, ProgramError

QUICK = (Phase.explicit, Phase.generate)

OBJECTS = """object Item : FinSet 4
object Group : FinSet 3
object Region : FinSet 2
object K : FinSet 2
object J : FinSet 3
object L : FinSet 2
data group : Item -> Group
data region : Item -> Region
data group_region : Group -> Region
data x : Item * Real
"""
LATENTS = """program p : Item -> K
    sample mu : K <- Normal(0.0, 2.0)
    sample nu : J * K <- Normal(0.0, 1.0)
    sample w : K <- Beta(2.0, 2.0)
    sample v : J <- Gamma(2.0, 1.0)
    sample rows : J * K <- Normal(0.0, 1.0)
    sample by_group : Group * K <- Normal(0.0, 1.0)
    sample lam : L <- Normal(0.0, 1.0)
    sample table : K * L <- Normal(0.0, 1.0)
    sample share <- Beta(2.0, 3.0)
    sample sd <- HalfNormal(1.0)
    sample effect : Item <- Normal(0.0, 1.0)
"""
DATA = {
    "group": [0, 2, 2, 1],
    "region": [0, 1, 1, 0],
    "group_region": [0, 0, 1],
    "x": [0.3, -1.2, 0.8, 2.0],
    "y": [0.4, 1.9, -0.7, 1.1],
    "c": [1, 0, 2, 1],
    "g": [0.2, -0.4, 1.3],
}


def summed(block: str) -> str:
    return f"{OBJECTS}{LATENTS}{block}    return mu\n"


def by_assignment(declarations: str, steps: str, ranges: dict[str, list[list[int]]]):
    """The log of the sum of the joint density over every assignment of what stands for the latents.

    It is a function of the unconstrained coordinates: the Jacobian is that of the latents alone.
    """
    base = loads(f"{OBJECTS}{LATENTS}    return mu\n").morphism
    free = base.bind(DATA)
    model = loads(f"{OBJECTS}{declarations}{LATENTS}{steps}    return mu\n").morphism
    bound = model.bind({**DATA, **{name: [values[0] for values in each] for name, each in ranges.items()}})
    bound.inputs = {name: value for name, value in bound.inputs.items() if name not in ranges}
    every = list(itertools.product(*(itertools.product(*each) for each in ranges.values())))
    nodes = bound.density.nodes

    def at(q: torch.Tensor) -> torch.Tensor:
        values = free.constrain(q)
        forward = bound.given(
            {name: value.expand(len(every), *value.shape) for name, value in values.items()}
        )
        for place, name in enumerate(ranges):
            (number,) = (n for n, node in enumerate(nodes) if node.op == "input" and node.name == name)
            forward.put(number, torch.tensor([chosen[place] for chosen in every], dtype=torch.float64))
        total = torch.zeros(len(every), dtype=torch.float64)
        for term in bound.density.terms:
            total = total + forward.filled(term.node, nodes[term.node].axes).reshape(len(every), -1).sum(1)
        return torch.logsumexp(total, 0) + free.log_density(q) - base.log_joint(values, DATA)

    return at


def compared(block: str, expected, seed: int = 0) -> None:
    bound = loads(summed(block)).morphism.bind(DATA)
    generator = torch.Generator().manual_seed(seed)
    q = (torch.rand(bound.dimension, dtype=torch.float64, generator=generator) * 3 - 1.5).requires_grad_()
    wanted = expected(q)
    (slope,) = torch.autograd.grad(wanted, q)
    value = bound.log_density(q)
    np.testing.assert_allclose(value.item(), wanted.item(), rtol=1e-10, atol=1e-10)
    (autograd,) = torch.autograd.grad(value, q)
    np.testing.assert_allclose(autograd, slope, rtol=1e-10, atol=1e-10)
    gradient = np.empty(bound.dimension)
    np.testing.assert_allclose(
        bound.log_density_and_gradient(q.detach().numpy(), gradient), wanted.item(), rtol=1e-10, atol=1e-10
    )
    np.testing.assert_allclose(gradient, slope, rtol=1e-10, atol=1e-10)


def test_a_latent_for_each_observation() -> None:
    compared(
        """    marginalize z : K <- Categorical(w)
        let m = mu[z] + x
        observe y : Item <- Normal(m, sd)
""",
        by_assignment(
            "data z : Item -> K\n",
            "    observe z : Item <- Categorical(w)\n    observe y : Item <- Normal(mu[z] + x, sd)\n",
            {"z": [[0, 1]] * 4},
        ),
    )


def test_a_latent_for_each_group() -> None:
    compared(
        """    marginalize z : K <- Categorical(logits=by_group) [over=Group]
        observe y : Item <- Normal(mu[z] + x, sd) [via=group]
        observe g : Group <- Normal(2.0 * mu[z], 1.0)
""",
        by_assignment(
            "data z : Group -> K\n",
            "    observe z : Group <- Categorical(logits=by_group)\n"
            "    observe y : Item <- Normal(mu[z[group]] + x, sd)\n"
            "    observe g : Group <- Normal(2.0 * mu[z], 1.0)\n",
            {"z": [[0, 1]] * 3},
        ),
    )


def test_a_block_in_a_block_for_groups_within_regions() -> None:
    compared(
        """    marginalize u : J <- Categorical(v) [over=Region]
        marginalize z : K <- Categorical(logits=rows[u]) [over=Group]
            observe y : Item <- Normal(nu[u, z] + x, sd) [via=[region, group]]
            observe g : Group <- Normal(mu[z], 1.0) [via=group_region]
""",
        by_assignment(
            "data u : Region -> J\ndata z : Group -> K\n",
            "    observe u : Region <- Categorical(v)\n"
            "    let row = rows[u[group_region]]\n"
            "    observe z : Group <- Categorical(logits=row)\n"
            "    observe y : Item <- Normal(nu[u[region], z[group]] + x, sd)\n"
            "    observe g : Group <- Normal(mu[z], 1.0)\n",
            {"u": [[0, 1, 2]] * 2, "z": [[0, 1]] * 3},
        ),
    )


@pytest.mark.parametrize(
    ("drawn", "values"),
    [
        ("Bernoulli(share)", [0, 1]),
        ("Binomial(2, share)", [0, 1, 2]),
        ("Binomial(c, share)", [0, 1, 2]),
        ("DiscreteUniform(1, 3)", [1, 2, 3]),
        ("Poisson(2.0 * share) [high=3]", [0, 1, 2, 3]),
        ("Poisson(3.0) [low=1, high=3]", [1, 2, 3]),
    ],
)
def test_a_count_is_summed_over_its_whole_numbers(drawn: str, values: list[int]) -> None:
    compared(
        f"    marginalize n <- {drawn}\n        observe y : Item <- Normal(effect * n + sd, 1.0)\n",
        by_assignment(
            "data n : Item * Int\n",
            f"    observe n : Item <- {drawn}\n    observe y : Item <- Normal(effect * n + sd, 1.0)\n",
            {"n": [values] * 4},
        ),
    )


def test_a_truncated_count_has_probabilities_that_sum_to_one() -> None:
    source = """object Item : FinSet 3
program p : Item -> Item
    sample rate <- HalfNormal(2.0)
    marginalize n <- Poisson(rate) [low=2, high=60]
        observe y : Item <- Bernoulli(if n >= 0 then 0.5 else 0.1)
    let r = rate + 0.0 * index(Item)
    return r
"""
    probabilities = loads(source).morphism.log_prob({"rate": 1.3}, {"y": [0, 1, 1]})
    np.testing.assert_allclose(probabilities["y"], np.log(0.5), rtol=1e-12)


def test_a_sum_in_a_block_leaves_the_latent_alone() -> None:
    """`sum` and `@` see the latent as one number, also where a prediction draws one for each element."""
    block = """    marginalize n <- Bernoulli(share)
        let total = sum(x * n) + sum(mu) * n
        observe y : Item <- Normal(total + mu @ w, sd)
"""
    compared(
        block,
        by_assignment(
            "data n : Item * Nat\n",
            "    observe n : Item <- Bernoulli(share)\n"
            "    observe y : Item <- Normal((sum(x) + sum(mu)) * n + mu @ w, sd)\n",
            {"n": [[0, 1]] * 4},
        ),
    )
    model = loads(summed(block)).morphism
    values = {name: torch.zeros(shape, dtype=torch.float64) for name, shape in model.latent_shapes().items()}
    values.update(share=torch.tensor(0.25), sd=torch.tensor(1e-6), mu=torch.tensor([1.0, 2.0]))
    values.update(v=torch.ones(3), w=torch.full((2,), 0.5))
    many = {name: value.double().expand(20000, *value.shape) for name, value in values.items()}
    drawn = model.bind(DATA).predict(many, torch.Generator().manual_seed(1))["y"]
    one, none = sum(DATA["x"]) + 3.0 + 1.5, 1.5
    assert set(drawn.numpy().round(3).ravel()) == {round(one, 3), round(none, 3)}
    share = (drawn > (one + none) / 2).double().mean(0)
    np.testing.assert_allclose(share, 0.25, atol=0.02)
    together = ((drawn[:, 0] > 2.5) & (drawn[:, 1] > 2.5)).double().mean()
    np.testing.assert_allclose(together, 0.0625, atol=0.01)  # each element has a latent of its own


def test_a_prediction_draws_one_latent_for_each_group() -> None:
    block = """    marginalize u : J <- Categorical(v) [over=Region]
        marginalize z : K <- Categorical(logits=rows[u]) [over=Group]
            observe y : Item <- Normal(10.0 * u + z, sd) [via=[region, group]]
"""
    source = (
        summed(block)
        .replace("object J : FinSet 3", "object J : FinSet 3")
        .replace("10.0 * u + z", "factor_of[u] + mu[z]")
    )
    source = source.replace("data x : Item * Real", "data x : Item * Real\ndata factor_of : J * Real")
    model = loads(source).morphism
    values = {name: torch.ones(shape, dtype=torch.float64) for name, shape in model.latent_shapes().items()}
    values.update(sd=torch.tensor(1e-9), mu=torch.tensor([0.0, 1.0]), rows=torch.tensor([[0.0, 0.0]] * 3))
    many = {name: value.double().expand(4000, *value.shape) for name, value in values.items()}
    data = {**DATA, "factor_of": [0.0, 10.0, 20.0]}
    drawn = model.bind(data).predict(many, torch.Generator().manual_seed(2))["y"].round()
    assert (drawn[:, 1] == drawn[:, 2]).all()  # both in group 2
    tens, ones = torch.div(drawn, 10, rounding_mode="floor"), drawn % 10
    assert (tens[:, 0] == tens[:, 3]).all()  # both in region 0
    assert 0.4 < (ones[:, 0] == ones[:, 3]).double().mean() < 0.6  # groups 0 and 1
    for value in range(3):
        np.testing.assert_allclose((tens[:, 0] == value).double().mean(), 1 / 3, atol=0.03)


def test_the_weights_of_a_sum_are_those_of_its_terms() -> None:
    block = """    marginalize z : K <- Categorical(w)
        observe y : Item <- Normal(mu[z], 1.0)
"""
    model = loads(summed(block)).morphism
    (marginal,) = model.density.marginals
    assert (marginal.name, marginal.axes, marginal.first) == ("z", ("Item",), 0)
    bound = model.bind(DATA)
    values = bound.constrain(torch.zeros(bound.dimension, dtype=torch.float64))
    forward = bound.given(values)
    (found,) = bound.density.marginals
    weights = forward.value(found.weights, (*found.axes, found.axis))
    w, mu, y = values["w"], values["mu"], torch.tensor(DATA["y"], dtype=torch.float64)
    normal = torch.distributions.Normal(mu, torch.ones(2, dtype=torch.float64))
    torch.testing.assert_close(weights, torch.log(w / w.sum()) + normal.log_prob(y[:, None]))


def test_groups_that_lie_in_several_regions_are_refused_with_the_data() -> None:
    block = """    marginalize u : J <- Categorical(v) [over=Region]
        marginalize z : K <- Categorical(w) [over=Group]
            observe y : Item <- Normal(nu[u, z], 1.0) [via=[region, group]]
"""
    model = loads(summed(block)).morphism
    with pytest.raises(
        DataError, match="every `Group` must lie in one `Region`: that of row 2 of `Item` lies"
    ):
        model.bind({**DATA, "region": [0, 0, 1, 0]})


def test_a_group_can_not_depend_on_what_each_observation_has_for_itself() -> None:
    block = """    marginalize u : J <- Categorical(v)
        marginalize z : K <- Categorical(logits=rows[u]) [over=Group]
            observe y : Item <- Normal(mu[z], 1.0) [via=group]
"""
    with pytest.raises(ProgramError, match="`z` is drawn once for each `Group`, so its probabilities can't"):
        _ = loads(summed(block)).morphism


def test_a_range_that_ends_in_data_left_out_says_which() -> None:
    block = (
        "    marginalize n <- Binomial(most, share)\n        observe y : Item <- Normal(effect * n, 1.0)\n"
    )
    model = loads(summed(block)).morphism
    with pytest.raises(DataError, match="`most`"):
        model.bind(DATA)


# ------------------------------------------------------------------ generated


@st.composite
def blocks(draw):
    """A block, the same with its latents given as data, and what those range over."""
    lines: list[str] = []
    given_lines: list[str] = []
    declared: list[str] = []
    ranges: dict[str, list[list[int]]] = {}
    shapes = draw(st.lists(st.sampled_from(["flat", "Group", "Region"]), min_size=1, max_size=2))
    if shapes == ["Group", "Region"]:
        shapes = ["Region", "Group"]
    if len(shapes) == 2 and shapes[0] == shapes[1] and shapes[0] != "flat":
        shapes = shapes[:1]
    seen: list[tuple[str, str, str]] = []  # the name, how an Item reads it, its kind
    for number, shape in enumerate(shapes):
        name = f"z{number}"
        kind = draw(st.sampled_from(["K", "L", "Bernoulli", "count"]))
        outer = [entry for entry in seen if entry[2] == "K" and shape == "flat"]
        if kind == "L" and not outer:
            kind = "K"
        if kind == "L":
            inner, read, _ = outer[0]
            call, as_data = f"Categorical(logits=table[{inner}])", f"Categorical(logits=table[{read}])"
        elif kind == "K":
            weights = {"flat": "w", "Group": "logits=by_group", "Region": "w"}[shape]
            call = as_data = f"Categorical({weights})"
        elif kind == "Bernoulli":
            call = as_data = "Bernoulli(share)"
        else:
            call = as_data = "Binomial(2, share)"
        member = kind in {"K", "L"}
        over = "" if shape == "flat" else f" [over={shape}]"
        colon = f" : {kind}" if member else ""
        indent = "    " * (number + 1)
        lines.append(f"{indent}marginalize {name}{colon} <- {call}{over}")
        plate = "Item" if shape == "flat" else shape
        declared.append(f"data {name} : {plate} -> {kind}" if member else f"data {name} : {plate} * Nat")
        given_lines.append(f"    observe {name} : {plate} <- {as_data}")
        counts = {"Item": 4, "Group": 3, "Region": 2}
        ranges[name] = [[0, 1, 2] if kind == "count" else [0, 1]] * counts[plate]
        read = {"flat": name, "Group": f"{name}[group]", "Region": f"{name}[region]"}[shape]
        seen.append((name, read, kind if member else "count"))
    words, in_block_words = [], []
    for name, read, kind in seen:
        table = {"K": draw(st.sampled_from(["mu", "w", "(log(w))"])), "L": "lam"}.get(kind)
        words.append(f"effect * {read}" if table is None else f"{table}[{read}]")
        in_block_words.append(f"effect * {name}" if table is None else f"{table}[{name}]")
    operator = draw(st.sampled_from([" + ", " * ", " - "]))
    as_data, in_block = operator.join(words), operator.join(in_block_words)
    maps = [{"Group": "group", "Region": "region"}[shape] for shape in shapes if shape != "flat"]
    via = f" [via=[{', '.join(maps)}]]" if maps else ""
    indent = "    " * (len(shapes) + 1)
    family = draw(st.sampled_from(["Normal({}, sd)", "StudentT(4.0, {}, 1.0)", "Laplace({}, 1.0 + sd)"]))
    if draw(st.booleans()):
        lines.append(f"{indent}let m = {in_block}")
        in_block = "m"
    lines.append(f"{indent}observe y : Item <- {family.format(in_block + ' + x')}{via}")
    given_lines.append(f"    observe y : Item <- {family.format(as_data + ' + x')}")
    if "flat" not in shapes and draw(st.booleans()):  # each observation has flat latents of its own
        lines.append(f"{indent}observe c : Item <- Poisson(exp(0.3 * ({in_block}))){via}")
        given_lines.append(f"    observe c : Item <- Poisson(exp(0.3 * ({as_data})))")
    return "\n".join(lines) + "\n", "\n".join(declared) + "\n", "\n".join(given_lines) + "\n", ranges


@settings(max_examples=25, deadline=None, phases=QUICK, suppress_health_check=list(HealthCheck))
@given(blocks(), st.integers(0, 2**32 - 1))
def test_generated_blocks_agree_with_enumeration(generated, seed) -> None:
    block, declared, steps, ranges = generated
    compared(block, by_assignment(declared, steps, ranges), seed)


def test_an_ordered_answer_is_summed_from_0_to_the_number_of_its_cutpoints() -> None:
    source = """object Item : FinSet
object Cut : FinSet
data at : Cut * Real
program p : Item -> Item
    sample b <- Normal(0.0, 1.0)
    marginalize z <- OrderedLogistic(b * x, at)
        observe y : Item <- Normal(z, 0.5)
    return y
"""
    at, x, y = np.array([-1.0, 0.2, 1.5]), np.array([1.0, 2.0, 0.0, -1.0]), np.array([0.1, 1.2, 2.9, 0.4])
    data = {"at": at, "x": x, "y": y}
    found = loads(source).morphism.log_prob({"b": 0.3}, data)["y"].numpy()
    below = 1 / (1 + np.exp(-(at - 0.3 * x[:, None])))
    edges = np.concatenate([np.zeros((4, 1)), below, np.ones((4, 1))], axis=1)
    densities = scipy.stats.norm(np.arange(4), 0.5).pdf(y[:, None])
    np.testing.assert_allclose(found, np.log((np.diff(edges) * densities).sum(1)), rtol=1e-12)
