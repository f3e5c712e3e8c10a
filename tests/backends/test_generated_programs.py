"""On generated programs the two ways to a gradient agree, batches agree with single points, and coordinates
go there and back."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from quivers.dsl import loads

HEADER = """object A : FinSet 3
object B : FinSet 4
data group : B -> A
data x : B * Real
data covariance : A * A * Real

program inner(G : FinSet, spread : Real [low=0]) : G -> G
    sample z : G <- Normal(0.0, spread)
    let shifted = tanh(z) + 0.1 * index(G)
    return shifted

program p : A -> A
"""
DATA = {
    "group": [2, 0, 0, 1],
    "x": [0.4, -1.3, 2.2, 0.1],
    "y": [0.3, 1.8, -0.4, 2.5],
    "n": [0, 3, 1, 7],
    "b": [1, 0, 0, 1],
    "m": [-0.7, 0.2, 1.1, 0.4],
    "kept": [1, 1, 0, 1],
    "covariance": [[2.0, 0.3, -0.4], [0.3, 1.0, 0.2], [-0.4, 0.2, 1.5]],
}
PLATES = {"": frozenset(), "A": frozenset("A"), "B": frozenset("B"), "A * B": frozenset("AB")}
QUICK = (Phase.explicit, Phase.generate)  # shrinking whole programs takes minutes and gains little

REAL_LINE = ["Normal", "Laplace", "Cauchy", "Logistic", "Gumbel"]
TWO_POSITIVE = ["Gamma", "InverseGamma", "Beta", "Weibull", "Pareto", "Kumaraswamy"]
OPTIONS = ["low=-1.0", "high=2.5", "low=-1.0, high=2.5", "low=0.5 * {}", "high=1.0 + abs({})"]
MATRICES = [
    "cholesky(covariance) @ {}",
    "solve_triangular(cholesky(covariance), {})",
    "diagonal(outer({}, {}))",
    "outer({}, tanh({})) @ {}",
    "cholesky(covariance + tcrossprod(outer(tanh({}), tanh({})))) @ {}",
    "diagonal(transpose(outer({}, {})) + covariance)",
]
ONE_POSITIVE = ["HalfNormal", "HalfCauchy", "Exponential", "Chi2"]


@st.composite
def programs(draw):
    """The text of a program over the objects A and B."""
    names: list[tuple[str, frozenset[str], bool]] = [("x", frozenset("B"), False)]

    def real(within: frozenset[str], depth: int) -> str:
        kinds = ["number", "name", "name", "gather"] if depth == 0 else [
            "+", "-", "*", "/", "function", "if", "reduce", "positive", "gather", "power", "name", "along",
        ]  # fmt: skip
        kind = draw(st.sampled_from(kinds))
        fitting = [name for name, axes, _ in names if axes <= within]
        if kind == "gather" and "B" in within:
            inner = [name for name, axes, _ in names if "A" in axes and axes <= within | {"A"}]
            if inner:
                return f"{draw(st.sampled_from(inner))}[group]"
        if kind == "name" and fitting:
            return draw(st.sampled_from(fitting))
        if kind in {"+", "-", "*"}:
            return f"({real(within, depth - 1)} {kind} {real(within, depth - 1)})"
        if kind == "/":
            return f"({real(within, depth - 1)} / {positive(within, depth - 1)})"
        if kind == "power":
            return f"{positive(within, depth - 1)} ^ {draw(st.sampled_from(['2', '0.5', '1.7', '-1']))}"
        if kind == "function":
            function = draw(st.sampled_from(["tanh", "sin", "atan", "erf", "sigmoid", "log_ndtr", "abs"]))
            return f"{function}({real(within, depth - 1)})"
        if kind == "if":
            parts = [real(within, depth - 1) for _ in range(4)]
            return f"(if {parts[0]} < {parts[1]} then {parts[2]} else {parts[3]})"
        if kind == "reduce":
            reduced = [(name, axes) for name, axes, _ in names if axes and axes <= within | {"A", "B"}]
            if reduced:
                name, axes = draw(st.sampled_from(reduced))
                function = draw(st.sampled_from(["sum", "mean", "max", "logsumexp", "sd", "min", "prod"]))
                over = draw(st.sampled_from(sorted(axes)))
                if axes - {over} <= within:
                    return f"{function}({name}, over={over})"
        if kind == "along":
            rows = [(name, axes) for name, axes, _ in names if axes and axes <= within]
            if rows:
                name, axes = draw(st.sampled_from(rows))
                over = draw(st.sampled_from(sorted(axes)))
                return f"{draw(st.sampled_from(['cumsum', 'sort']))}({name}, over={over})"
        if kind == "positive" and depth > 0:
            return f"log({positive(within, depth - 1)})"
        return repr(draw(st.sampled_from([-1.5, 0.25, 0.5, 2.0])))

    def positive(within: frozenset[str], depth: int) -> str:
        fitting = [name for name, axes, above in names if above and axes <= within]
        if fitting and draw(st.booleans()):
            return draw(st.sampled_from(fitting))
        if depth <= 0:
            return repr(draw(st.sampled_from([0.5, 1.0, 2.5])))
        function = draw(
            st.sampled_from(["exp(tanh({}))", "softplus({})", "(0.5 + abs({}))", "sqrt(1.0 + ({}) ^ 2)"])
        )
        return function.format(real(within, depth - 1))

    lines: list[str] = []
    for number in range(draw(st.integers(1, 4))):
        plate = draw(st.sampled_from(list(PLATES)))
        within = PLATES[plate]
        colon = f" : {plate}" if plate else ""
        name = f"site{number}"
        kind = draw(
            st.sampled_from(
                [
                    "real",
                    "real",
                    "one",
                    "two",
                    "interval",
                    "let",
                    "simplex",
                    "ordered",
                    "scan",
                    "matrix",
                    "program",
                    "bounded",
                    "algebra",
                ]
            )
        )
        if kind == "scan":
            rows = [known for known, axes, _ in names if axes == {"B"}]
            rate, step = real(frozenset(), 1), draw(st.sampled_from(rows))
            lines.append(
                f"let {name} = scan t : B, s = {real(frozenset(), 1)} in tanh({rate}) * s + sin({step}[t])"
            )
            names.append((name, frozenset("B"), False))
            continue
        if kind == "matrix":
            lines.append(f"sample {name}_factor : A * A <- LKJCholesky({positive(frozenset(), 1)})")
            lines.append(f"sample {name}_free : A <- Normal(0.0, {positive(frozenset(), 1)})")
            family = draw(st.booleans())
            if family:
                lines.append(
                    f"sample {name} : A <- MultivariateNormal({name}_free, scale_tril={name}_factor)"
                )
            else:
                lines.append(f"let {name} = {name}_factor @ {name}_free")
            names.append((name, frozenset("A"), False))
            continue
        if kind == "program":
            called = draw(st.sampled_from(["A", "B"]))
            lines.append(f"sample {name} <- inner({called}, {positive(frozenset(), 1)})")
            names.append((name, frozenset(called), False))
            continue
        if kind == "algebra":
            rows = [known for known, axes, _ in names if axes == {"A"}]
            if not rows:
                lines.append(f"sample {name}_free : A <- Normal(0.0, {positive(frozenset(), 1)})")
                rows = [f"{name}_free"]
            template = draw(st.sampled_from(MATRICES))
            chosen = [draw(st.sampled_from(rows)) for _ in range(template.count("{}"))]
            lines.append(f"let {name} = {template.format(*chosen)}")
            names.append((name, frozenset("A"), False))
            continue
        if kind == "bounded":
            options = draw(st.sampled_from(OPTIONS)).format(real(frozenset(), 1))
            family = draw(st.sampled_from(["Normal", "Laplace", "Cauchy", "Logistic"]))
            call = f"{family}({real(within, 1)}, {positive(within, 1)}) [{options}]"
            lines.append(f"sample {name}{colon} <- {call}")
            names.append((name, within, False))
            continue
        if kind in {"simplex", "ordered"} and plate:
            family = (
                "Dirichlet(1.5) " if kind == "simplex" else f"Normal({real(frozenset(), 1)}, 2.0) [ordered]"
            )
            lines.append(f"sample {name}{colon} <- {family}".rstrip())
            names.append((name, within, kind == "simplex"))
            continue
        if kind == "let":
            lines.append(f"let {name} = {real(within, 2)}")
            # The axes are those of what the expression used, which may be fewer; it is used as if it had all.
            names.append((name, within, False)) if not within else None
            continue
        if kind == "real":
            family = draw(st.sampled_from(REAL_LINE))
            call = f"{family}({real(within, 2)}, {positive(within, 1)})"
        elif kind == "one":
            call = f"{draw(st.sampled_from(ONE_POSITIVE))}({positive(within, 1)})"
        elif kind == "two":
            call = f"{draw(st.sampled_from(TWO_POSITIVE))}({positive(within, 1)}, {positive(within, 1)})"
        else:
            low = real(within, 1)
            call = f"Uniform({low}, {low} + {positive(within, 1)})"
        lines.append(f"sample {name}{colon} <- {call}")
        names.append((name, within, kind in {"one", "two"}))
    everywhere = frozenset("B")
    lines.append(f"observe y : B <- StudentT(4.0, {real(everywhere, 2)}, {positive(everywhere, 1)})")
    kept = draw(st.sampled_from(["", " [where=kept]", " [where=x > 0.0]"]))
    lines.append(f"observe n : B <- Poisson({positive(everywhere, 1)}){kept}")
    lines.append(f"observe b : B <- Bernoulli(logits={real(everywhere, 1)})")
    if draw(st.booleans()):
        lines.append("sample weights : A <- Dirichlet(2.0)")
        lines.append(f"sample places : A <- Normal(0.0, {positive(frozenset(), 1)})")
        lines.append("marginalize k : A <- Categorical(weights)")
        lines.append(
            f"    observe m : B <- Normal(places[k] + {real(everywhere, 1)}, {positive(everywhere, 1)})"
        )
    lines.append(f"score pull = -0.1 * ({real(frozenset(), 1)}) ^ 2")
    return HEADER + "".join(f"    {line}\n" for line in lines)


@settings(max_examples=60, deadline=None, phases=QUICK, suppress_health_check=list(HealthCheck))
@given(programs(), st.integers(0, 2**32 - 1))
def test_straight_line_and_autograd_agree_on_generated_programs(source, seed):
    bound = loads(source).morphism.bind(DATA)
    assume(bound.dimension > 0)
    generator = torch.Generator().manual_seed(seed)
    q = torch.rand(3, bound.dimension, dtype=torch.float64, generator=generator) * 4 - 2
    values = bound.log_density(q)
    for point, value in zip(q, values, strict=True):
        if not torch.isfinite(value):
            continue
        leaf = point.clone().requires_grad_()
        single = bound.log_density(leaf)
        torch.testing.assert_close(single, value, rtol=1e-11, atol=1e-11)
        (expected,) = torch.autograd.grad(single, leaf)
        gradient = np.empty(bound.dimension)
        found = bound.log_density_and_gradient(point.numpy(), gradient)
        np.testing.assert_allclose(found, value.item(), rtol=1e-9, atol=1e-9)
        if torch.isfinite(expected).all():
            scale = max(1.0, float(expected.abs().max()))
            np.testing.assert_allclose(gradient, expected, rtol=1e-9, atol=1e-9 * scale)


@settings(max_examples=40, deadline=None, phases=QUICK, suppress_health_check=list(HealthCheck))
@given(programs(), st.integers(0, 2**32 - 1))
def test_the_joint_density_is_the_sum_of_the_terms_and_coordinates_go_there_and_back(source, seed):
    model = loads(source).morphism
    bound = model.bind(DATA)
    assume(bound.dimension > 0)
    generator = torch.Generator().manual_seed(seed)
    q = torch.rand(2, bound.dimension, dtype=torch.float64, generator=generator) * 4 - 2
    values = bound.constrain(q)
    density = bound.log_density(q)
    if not torch.isfinite(density).all():
        return
    torch.testing.assert_close(bound.unconstrain(values), q, rtol=1e-8, atol=1e-8)
    for place in range(2):
        terms = bound.explain(q[place])
        total = sum(term.value for term in terms)
        np.testing.assert_allclose(total, density[place].item(), rtol=1e-10, atol=1e-10)
        jacobian = sum(term.value for term in terms if term.kind == "jacobian")
        joint = model.log_joint({name: value[place] for name, value in values.items()}, DATA).item()
        np.testing.assert_allclose(joint + jacobian, total, rtol=1e-8, atol=1e-8)
