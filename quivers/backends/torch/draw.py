"""Samplers: one draw from each family for every element of a shape, from a given generator.

torch.distributions draws from the global generator only; these take their own, so that a seed fixes the
draws. Parameters broadcast against `shape`, which is the batch dimensions followed by the site's axes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from quivers.backends.torch.draw_vectors import VECTOR_SAMPLERS
from quivers.errors import QvrError
from quivers.families.family import Family

Parameters = Mapping[str, Tensor]
Sampler = Callable[[Parameters, tuple[int, ...], torch.Generator | None], Tensor]


def draw(
    family: Family, parameters: Parameters, shape: tuple[int, ...], generator: torch.Generator | None
) -> Tensor:
    """A tensor of `shape` with an independent draw in each element, as float64.

    Raises:
        QvrError: the family is improper, so that nothing can be drawn from it.
    """
    sampler = SAMPLERS.get(family.sampler)
    if sampler is None:
        raise QvrError(f"`{family.name}` is improper: it has no draws.")
    return sampler(parameters, shape, generator)


def _device(p: Parameters) -> torch.device:
    return next((value.device for value in p.values()), torch.device("cpu"))


def _uniform(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    """Uniform on the open interval (0, 1): a logarithm of it is finite."""
    u = torch.rand(shape, generator=g, dtype=torch.float64, device=_device(p))
    return u.clamp(min=torch.finfo(torch.float64).tiny)


def _standard(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    return torch.randn(shape, generator=g, dtype=torch.float64, device=_device(p))


def _standard_exponential(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    return -torch.log(_uniform(p, shape, g))


def _standard_logistic(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    return torch.logit(_uniform(p, shape, g))


def _gamma(concentration: Tensor, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    """Gamma with rate 1; torch differentiates it in its concentration."""
    return torch._standard_gamma(concentration.expand(shape).contiguous(), generator=g)


def _normal(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    return p["loc"] + p["scale"] * _standard(p, shape, g)


def _half_normal(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    return p["scale"] * _standard(p, shape, g).abs()


def _standard_t(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    chi2 = 2.0 * _gamma(0.5 * p["df"], shape, g)
    return _standard(p, shape, g) * torch.sqrt(p["df"] / chi2)


def _student_t(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    return p["loc"] + p["scale"] * _standard_t(p, shape, g)


def _half_student_t(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    return p["scale"] * _standard_t(p, shape, g).abs()


def _standard_cauchy(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    return torch.tan(math.pi * (_uniform(p, shape, g) - 0.5))


def _cauchy(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    return p["loc"] + p["scale"] * _standard_cauchy(p, shape, g)


def _half_cauchy(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    return p["scale"] * _standard_cauchy(p, shape, g).abs()


def _laplace(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    return p["loc"] + p["scale"] * (_standard_exponential(p, shape, g) - _standard_exponential(p, shape, g))


def _logistic(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    return p["loc"] + p["scale"] * _standard_logistic(p, shape, g)


def _gumbel(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    return p["loc"] - p["scale"] * torch.log(_standard_exponential(p, shape, g))


def _log_normal(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    return torch.exp(_normal(p, shape, g))


def _logit_normal(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    return torch.sigmoid(_normal(p, shape, g))


def _exponential(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    return _standard_exponential(p, shape, g) / p["rate"]


def _gamma_rate(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    return _gamma(p["concentration"], shape, g) / p["rate"]


def _inverse_gamma(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    return p["rate"] / _gamma(p["concentration"], shape, g)


def _chi2(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    return 2.0 * _gamma(0.5 * p["df"], shape, g)


def _weibull(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    return p["scale"] * _standard_exponential(p, shape, g) ** (1.0 / p["concentration"])


def _pareto(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    return p["scale"] * torch.exp(_standard_exponential(p, shape, g) / p["alpha"])


def _beta_of(one: Tensor, zero: Tensor, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    # Through a Dirichlet, which does not divide 0 by 0 when both concentrations are small.
    both = torch.stack([one.expand(shape), zero.expand(shape)], dim=-1)
    return torch._sample_dirichlet(both, generator=g)[..., 0]


def _beta(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    return _beta_of(p["concentration1"], p["concentration0"], shape, g)


def _kumaraswamy(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    # 1 − (1 − u)^(1/b) with 1 − u = e^−E, so that it is exact near 0.
    fraction = -torch.expm1(-_standard_exponential(p, shape, g) / p["concentration0"])
    return fraction ** (1.0 / p["concentration1"])


def _uniform_between(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    return p["low"] + (p["high"] - p["low"]) * _uniform(p, shape, g)


def _skew_normal(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    delta = p["alpha"] / torch.sqrt(1.0 + p["alpha"] ** 2)
    z = delta * _standard(p, shape, g).abs() + torch.sqrt(1.0 - delta**2) * _standard(p, shape, g)
    return p["loc"] + p["scale"] * z


def _asymmetric_laplace(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    kappa = p["asymmetry"]
    right, left = _standard_exponential(p, shape, g), _standard_exponential(p, shape, g)
    return p["loc"] + p["scale"] * (right / kappa - left * kappa)


def _log_ndtr_between(low: Tensor, high: Tensor) -> Tensor:
    """The log of Φ(high) − Φ(low), both in the left half."""
    above: Tensor = torch.special.log_ndtr(high)
    below: Tensor = torch.special.log_ndtr(low)
    return above + torch.log1p(-torch.exp(below - above))


def _truncated_normal(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    low, high = (p["low"] - p["loc"]) / p["scale"], (p["high"] - p["loc"]) / p["scale"]
    # The mirror image of an interval on the right has its probabilities where they are exact.
    mirrored = low + high > 0
    low, high = torch.where(mirrored, -high, low), torch.where(mirrored, -low, high)
    share = torch.log(_uniform(p, shape, g)) + _log_ndtr_between(low, high)
    goal = torch.logaddexp(torch.special.log_ndtr(low), share)
    with torch.no_grad():
        z = torch.where(goal > -300.0, torch.special.ndtri(torch.exp(goal)), -torch.sqrt(-2.0 * goal))
        for _ in range(4):
            z = _newton(z, goal)
    # The last step is the same in value, and has the derivatives in the parameters.
    z = _newton(z, goal).clamp(low, high)
    return p["loc"] + p["scale"] * torch.where(mirrored, -z, z)


def _newton(z: Tensor, goal: Tensor) -> Tensor:
    """One step towards log Φ(z) = goal; log Φ is concave, so that steps from the left never overshoot."""
    found: Tensor = torch.special.log_ndtr(z)
    slope = torch.exp(-0.5 * z * z - 0.5 * math.log(2.0 * math.pi) - found)
    return z - (found - goal) / slope


def _von_mises(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    """By rejection from a wrapped Cauchy (Best and Fisher, 1979); it has no derivative in the parameters."""
    kappa = p["concentration"].detach().expand(shape)
    tau = 1.0 + torch.sqrt(1.0 + 4.0 * kappa * kappa)
    rho = (tau - torch.sqrt(2.0 * tau)) / (2.0 * kappa)
    # Where κ is tiny, ρ is a difference of equal numbers; there it is κ.
    rho = torch.where(kappa < 1e-5, kappa, rho)
    centre = (1.0 + rho * rho) / (2.0 * rho)
    angle = torch.zeros(shape, dtype=torch.float64, device=_device(p))
    done = torch.zeros(shape, dtype=torch.bool, device=_device(p))
    while not bool(done.all()):
        z = torch.cos(math.pi * _uniform(p, shape, g))
        cosine = (1.0 + centre * z) / (centre + z)
        c = kappa * (centre - cosine)
        u = _uniform(p, shape, g)
        accepted = (c * (2.0 - c) > u) | (torch.log(c / u) + 1.0 - c >= 0.0)
        side = torch.where(_uniform(p, shape, g) < 0.5, -1.0, 1.0)
        proposed = side * torch.acos(cosine.clamp(-1.0, 1.0))
        angle = torch.where(accepted & ~done, proposed, angle)
        done = done | accepted
    return torch.remainder(angle + p["loc"] + math.pi, 2.0 * math.pi) - math.pi


def _probs(p: Parameters) -> Tensor:
    return p["probs"] if "probs" in p else torch.sigmoid(p["logits"])


def _bernoulli(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    return (_uniform(p, shape, g) < _probs(p)).to(torch.float64)


def _binomial_of(count: Tensor, probs: Tensor, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    return torch.binomial(count.expand(shape).contiguous(), probs.expand(shape).contiguous(), generator=g)


def _binomial(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    return _binomial_of(p["total_count"], _probs(p), shape, g)


def _beta_binomial(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    return _binomial_of(p["total_count"], _beta(p, shape, g), shape, g)


def _poisson_of(rate: Tensor, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    return torch.poisson(rate.expand(shape).contiguous(), generator=g)


def _poisson(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    return _poisson_of(p["rate"], shape, g)


def _zero_inflated(
    p: Parameters, counts: Tensor, shape: tuple[int, ...], g: torch.Generator | None
) -> Tensor:
    gate = p["gate"] if "gate" in p else torch.sigmoid(p["gate_logits"])
    return torch.where(_uniform(p, shape, g) < gate, torch.zeros((), dtype=torch.float64), counts)


def _zero_inflated_poisson(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    return _zero_inflated(p, _poisson(p, shape, g), shape, g)


def _negative_binomial(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    if "mean" in p:
        return _poisson_of(_gamma(p["concentration"], shape, g) * p["mean"] / p["concentration"], shape, g)
    odds = p["probs"] / (1.0 - p["probs"]) if "probs" in p else torch.exp(p["logits"])
    return _poisson_of(_gamma(p["total_count"], shape, g) * odds, shape, g)


def _zero_inflated_negative_binomial(
    p: Parameters, shape: tuple[int, ...], g: torch.Generator | None
) -> Tensor:
    return _zero_inflated(p, _negative_binomial(p, shape, g), shape, g)


def _ordered_logistic(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    latent = p["predictor"] + _standard_logistic(p, shape, g)
    return (latent.unsqueeze(-1) > p["cutpoints"]).sum(dim=-1).to(torch.float64)


def _geometric(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    fails = (
        torch.log1p(-p["probs"])
        if "probs" in p
        else -torch.logaddexp(p["logits"], torch.zeros_like(p["logits"]))
    )
    return torch.floor(_standard_exponential(p, shape, g) / -fails)


def _categorical(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    # The largest of the log weights with independent Gumbel noise (Gumbel, 1954).
    logits = torch.log(p["probs"]) if "probs" in p else p["logits"]
    noise = -torch.log(_standard_exponential(p, (*shape, logits.shape[-1]), g))
    return (logits + noise).argmax(dim=-1).to(torch.float64)


def _discrete_uniform(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    count = p["high"] - p["low"] + 1.0
    return p["low"] + torch.minimum(torch.floor(count * _uniform(p, shape, g)), count - 1.0)


SAMPLERS: Mapping[str, Sampler] = {
    **VECTOR_SAMPLERS,
    "Normal": _normal,
    "HalfNormal": _half_normal,
    "StudentT": _student_t,
    "HalfStudentT": _half_student_t,
    "Cauchy": _cauchy,
    "HalfCauchy": _half_cauchy,
    "Laplace": _laplace,
    "Logistic": _logistic,
    "Gumbel": _gumbel,
    "LogNormal": _log_normal,
    "LogitNormal": _logit_normal,
    "Exponential": _exponential,
    "Gamma": _gamma_rate,
    "InverseGamma": _inverse_gamma,
    "Chi2": _chi2,
    "Weibull": _weibull,
    "Pareto": _pareto,
    "Beta": _beta,
    "Kumaraswamy": _kumaraswamy,
    "Uniform": _uniform_between,
    "TruncatedNormal": _truncated_normal,
    "VonMises": _von_mises,
    "SkewNormal": _skew_normal,
    "AsymmetricLaplace": _asymmetric_laplace,
    "Bernoulli": _bernoulli,
    "Binomial": _binomial,
    "BetaBinomial": _beta_binomial,
    "Poisson": _poisson,
    "ZeroInflatedPoisson": _zero_inflated_poisson,
    "NegativeBinomial": _negative_binomial,
    "ZeroInflatedNegativeBinomial": _zero_inflated_negative_binomial,
    "OrderedLogistic": _ordered_logistic,
    "Geometric": _geometric,
    "Categorical": _categorical,
    "DiscreteUniform": _discrete_uniform,
}
