"""Every form of every family as a log density in torch, which torch differentiates.

torch.distributions where it has the family and its density is exact, else the density as the literature
writes it, in torch's functions. None of it reads the table of families.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
import torch.distributions as td
from torch import Tensor, lgamma
from torch.special import i0e, log_ndtr

Reference = Callable[..., Tensor]

LOG_TWO = math.log(2.0)


class _TimesLog(torch.autograd.Function):
    """x log y, 0 where both are 0; torch's own has the slope 0 / 0 there."""

    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return torch.xlogy(x, y)

    @staticmethod
    def backward(ctx, slope):
        x, y = ctx.saved_tensors
        return slope * torch.log(y), slope * torch.where(x == 0, 0.0, x / torch.where(x == 0, 1.0, y))


def times_log(x, y):
    return _TimesLog.apply(*torch.broadcast_tensors(x, y))


def softplus(x):
    return torch.logaddexp(x, torch.zeros_like(x))


def log_diff(high, low):
    """log(Φ(high) − Φ(low)), on the side where the probabilities are small."""
    mirrored = high + low > 0
    high, low = torch.where(mirrored, -low, high), torch.where(mirrored, -high, low)
    gap = log_ndtr(low) - log_ndtr(high)
    near = torch.log(-torch.expm1(gap.clamp(min=-LOG_TWO)))
    far = torch.log1p(-torch.exp(gap.clamp(max=-LOG_TWO)))
    return log_ndtr(high) + torch.where(gap > -LOG_TWO, near, far)


def normal(z, scale):
    return -0.5 * z**2 - torch.log(scale) - 0.5 * math.log(2 * math.pi)


def student(x, df, scale):
    return (
        lgamma(0.5 * (df + 1))
        - lgamma(0.5 * df)
        - 0.5 * torch.log(df * math.pi)
        - torch.log(scale)
        - 0.5 * (df + 1) * torch.log1p((x / scale) ** 2 / df)
    )


def logistic(z, scale):
    """The density is even in z."""
    return -z - torch.log(scale) - 2 * torch.log1p(torch.exp(-z))


def gumbel(z, scale):
    return -z - torch.exp(-z) - torch.log(scale)


def logit_normal(x, loc, scale):
    odds = torch.log(x) - torch.log1p(-x)
    return normal((odds - loc) / scale, scale) - torch.log(x) - torch.log1p(-x)


def gamma(x, concentration, rate):
    return (
        concentration * torch.log(rate) + times_log(concentration - 1, x) - rate * x - lgamma(concentration)
    )


def inverse_gamma(x, concentration, rate):
    shape = concentration * torch.log(rate) - lgamma(concentration)
    return shape - (concentration + 1) * torch.log(x) - rate / x


def weibull(x, scale, concentration):
    z = x / scale
    hazard = torch.log(concentration / scale) + times_log(concentration - 1, z)
    return hazard - z**concentration


def beta(x, concentration1, concentration0):
    complete = lgamma(concentration1) + lgamma(concentration0) - lgamma(concentration1 + concentration0)
    return times_log(concentration1 - 1, x) + times_log(concentration0 - 1, 1 - x) - complete


def kumaraswamy(x, concentration1, concentration0):
    rest = torch.where(
        x > 0.5, -torch.expm1(concentration1 * torch.log(x.clamp(min=0.5))), 1 - x**concentration1
    )
    shapes = torch.log(concentration1) + torch.log(concentration0)
    return shapes + times_log(concentration1 - 1, x) + times_log(concentration0 - 1, rest)


def truncated_normal(x, loc, scale, low=None, high=None):
    whole = normal((x - loc) / scale, scale)
    if low is None:
        return whole if high is None else whole - log_ndtr((high - loc) / scale)
    if high is None:
        return whole - log_ndtr((loc - low) / scale)
    return whole - log_diff((high - loc) / scale, (low - loc) / scale)


def von_mises(x, loc, concentration):
    turned = -2 * concentration * torch.sin(0.5 * (x - loc)) ** 2
    return turned - math.log(2 * math.pi) - torch.log(i0e(concentration))


def skew_normal(x, loc, scale, alpha):
    z = (x - loc) / scale
    return LOG_TWO + normal(z, scale) + log_ndtr(alpha * z)


def asymmetric_laplace(x, loc, scale, asymmetry):
    z = (x - loc) / scale
    side = torch.where(z < 0, z / asymmetry, -z * asymmetry)
    return side - torch.log(scale) - torch.log(asymmetry + 1 / asymmetry)


def flat(x):
    return torch.zeros_like(x)


def log_chances(x, yes, no):
    """log yes where x is 1, log no where it is 0."""
    return times_log(x, yes) + times_log(1 - x, no)


def chosen(total_count, x):
    return lgamma(total_count + 1) - lgamma(x + 1) - lgamma(total_count - x + 1)


def binomial(x, total_count, probs):
    return chosen(total_count, x) + times_log(x, probs) + times_log(total_count - x, 1 - probs)


def binomial_logits(x, total_count, logits):
    return chosen(total_count, x) + x * logits - total_count * softplus(logits)


def beta_binomial(x, total_count, concentration1, concentration0):
    def complete(a, b):
        return lgamma(a) + lgamma(b) - lgamma(a + b)

    return (
        chosen(total_count, x)
        + complete(x + concentration1, total_count - x + concentration0)
        - complete(concentration1, concentration0)
    )


def poisson(x, rate):
    return times_log(x, rate) - rate - lgamma(x + 1)


def negative_chosen(total_count, x):
    return lgamma(total_count + x) - lgamma(x + 1) - lgamma(total_count)


def negative_binomial(x, total_count, probs):
    return negative_chosen(total_count, x) + total_count * torch.log1p(-probs) + times_log(x, probs)


def negative_binomial_logits(x, total_count, logits):
    return negative_chosen(total_count, x) - total_count * softplus(logits) - x * softplus(-logits)


def negative_binomial_mean(x, mean, concentration):
    whole = mean + concentration
    return (
        negative_chosen(concentration, x)
        + times_log(x, mean / whole)
        - concentration * torch.log1p(mean / concentration)
    )


def inflated(log_density: Reference) -> Reference:
    def reference(x, gate, **parameters):
        counted = torch.log1p(-gate) + log_density(x, **parameters)
        return torch.where(x == 0, torch.logaddexp(torch.log(gate), counted), counted)

    return reference


def inflated_by_logits(log_density: Reference) -> Reference:
    def reference(x, gate_logits, **parameters):
        counted = log_density(x, **parameters)
        return torch.where(x == 0, torch.logaddexp(gate_logits, counted), counted) - softplus(gate_logits)

    return reference


def geometric(x, probs):
    return times_log(x, 1 - probs) + torch.log(probs)


def geometric_logits(x, logits):
    return -softplus(-logits) - x * softplus(logits)


def categorical(x, logits):
    return torch.log_softmax(logits, -1).gather(-1, x.long().unsqueeze(-1)).squeeze(-1)


def ordered_logistic(x, predictor, cutpoints):
    """log(σ(b) − σ(a)) = log σ(b) + log σ(−a) + log(1 − e^(a − b)) for the edges a < b of the category."""
    place, count = x.long(), cutpoints.shape[-1]
    first, last = place == 0, place == count
    a = cutpoints.gather(-1, (place - 1).clamp(min=0).unsqueeze(-1)).squeeze(-1) - predictor
    b = cutpoints.gather(-1, place.clamp(max=count - 1).unsqueeze(-1)).squeeze(-1) - predictor
    gap = torch.where(first | last, -1.0, a - b)
    return (
        torch.where(last, 0.0, -softplus(-b))
        + torch.where(first, 0.0, -softplus(a))
        + torch.where(first | last, 0.0, torch.log(-torch.expm1(gap)))
    )


def dirichlet(x, concentration):
    powers = times_log(concentration - 1, x).sum(-1)
    return powers + lgamma(concentration.sum(-1)) - lgamma(concentration).sum(-1)


def multinomial(x, total_count, probs):
    arranged = lgamma(total_count + 1) - lgamma(x + 1).sum(-1)
    chances = probs / probs.sum(-1, keepdim=True)
    return torch.where(x.sum(-1) == total_count, arranged + times_log(x, chances).sum(-1), -math.inf)


def multinomial_logits(x, total_count, logits):
    arranged = lgamma(total_count + 1) - lgamma(x + 1).sum(-1)
    return arranged + (x * torch.log_softmax(logits, -1)).sum(-1)


def random_walk(x, scale=None):
    scale = torch.ones_like(x[..., 0]) if scale is None else scale
    steps = torch.diff(x, dim=-1, prepend=torch.zeros_like(x[..., :1]))
    return normal(steps / scale.unsqueeze(-1), scale.unsqueeze(-1)).sum(-1)


def lkj_normaliser(size, concentration):
    """The log of the integral of |R|^(η − 1) over correlation matrices, by the vine's beta functions."""
    total = torch.zeros_like(concentration)
    for k in range(1, size):
        shape = concentration + 0.5 * (size - k - 1)
        log_beta = 2 * lgamma(shape) - lgamma(2 * shape)
        total = total + (size - k) * ((2 * concentration - 2 + size - k) * LOG_TWO + log_beta)
    return total


def lkj_cholesky(x, concentration=None):
    size = x.shape[-1]
    concentration = torch.ones_like(x[..., 0, 0]) if concentration is None else concentration
    powers = size - torch.arange(2, size + 1, dtype=x.dtype) + 2 * (concentration.unsqueeze(-1) - 1)
    diagonal = torch.log(torch.diagonal(x, dim1=-2, dim2=-1)[..., 1:])
    return (powers * diagonal).sum(-1) - lkj_normaliser(size, concentration)


def lkj(x, concentration=None):
    concentration = torch.ones_like(x[..., 0, 0]) if concentration is None else concentration
    return (concentration - 1) * torch.logdet(x) - lkj_normaliser(x.shape[-1], concentration)


def wishart(x, df, covariance_matrix):
    size = x.shape[-1]
    trace = torch.diagonal(torch.linalg.solve(covariance_matrix, x), dim1=-2, dim2=-1).sum(-1)
    return (
        0.5 * (df - size - 1) * torch.logdet(x)
        - 0.5 * trace
        - 0.5 * df * (size * LOG_TWO + torch.logdet(covariance_matrix))
        - torch.mvlgamma(0.5 * df, size)
    )


def inverse_wishart(x, df, scale_matrix):
    size = x.shape[-1]
    trace = torch.diagonal(torch.linalg.solve(x, scale_matrix), dim1=-2, dim2=-1).sum(-1)
    return (
        0.5 * df * torch.logdet(scale_matrix)
        - 0.5 * df * size * LOG_TWO
        - torch.mvlgamma(0.5 * df, size)
        - 0.5 * (df + size + 1) * torch.logdet(x)
        - 0.5 * trace
    )


def multivariate_normal(x, loc, **scale):
    return td.MultivariateNormal(loc, **scale, validate_args=False).log_prob(x)


def squared(root):
    return root @ root.mT


def of(distribution) -> Reference:
    """The log density that torch.distributions has for parameters of the same names."""
    return lambda x, **parameters: distribution(**parameters, validate_args=False).log_prob(x)


_NEGATIVE_BINOMIALS = (negative_binomial, negative_binomial_logits, negative_binomial_mean)

REFERENCES: Mapping[str, tuple[Reference, ...]] = {
    "Normal": (of(td.Normal),),
    "HalfNormal": (of(td.HalfNormal),),
    "StudentT": (lambda x, df, loc, scale: student(x - loc, df, scale),),
    "HalfStudentT": (lambda x, df, scale: LOG_TWO + student(x, df, scale),),
    "Cauchy": (of(td.Cauchy),),
    "HalfCauchy": (of(td.HalfCauchy),),
    "Laplace": (of(td.Laplace),),
    "Logistic": (lambda x, loc, scale: logistic(torch.abs(x - loc) / scale, scale),),
    "Gumbel": (lambda x, loc, scale: gumbel((x - loc) / scale, scale),),
    "LogNormal": (lambda x, loc, scale: normal((torch.log(x) - loc) / scale, scale) - torch.log(x),),
    "LogitNormal": (logit_normal,),
    "Exponential": (of(td.Exponential),),
    "Gamma": (gamma,),
    "InverseGamma": (inverse_gamma,),
    "Chi2": (lambda x, df: gamma(x, 0.5 * df, torch.full_like(df, 0.5)),),
    "Weibull": (weibull,),
    "Pareto": (lambda x, scale, alpha: torch.log(alpha / scale) - (alpha + 1) * torch.log(x / scale),),
    "Beta": (beta,),
    "Kumaraswamy": (kumaraswamy,),
    "Uniform": (lambda x, low, high: -torch.log(high - low) + 0 * x,),
    "TruncatedNormal": (truncated_normal,),
    "VonMises": (von_mises,),
    "SkewNormal": (skew_normal,),
    "AsymmetricLaplace": (asymmetric_laplace,),
    "Flat": (flat,),
    "HalfFlat": (flat,),
    "Bernoulli": (
        lambda x, probs: log_chances(x, probs, 1 - probs),
        lambda x, logits: x * logits - softplus(logits),
    ),
    "Binomial": (binomial, binomial_logits),
    "BetaBinomial": (beta_binomial,),
    "Poisson": (poisson,),
    "ZeroInflatedPoisson": (inflated(poisson), inflated_by_logits(poisson)),
    "NegativeBinomial": _NEGATIVE_BINOMIALS,
    "NegativeBinomial2": (negative_binomial_mean,),
    "ZeroInflatedNegativeBinomial": (
        *(inflated(each) for each in _NEGATIVE_BINOMIALS),
        *(inflated_by_logits(each) for each in _NEGATIVE_BINOMIALS),
    ),
    "Geometric": (geometric, geometric_logits),
    "Categorical": (lambda x, probs: categorical(x, torch.log(probs)), categorical),
    "OrderedLogistic": (ordered_logistic,),
    "DiscreteUniform": (lambda x, low, high: -torch.log(high - low + 1),),
    "Dirichlet": (dirichlet,),
    "Multinomial": (multinomial, multinomial_logits),
    "MultivariateNormal": (multivariate_normal, multivariate_normal, multivariate_normal),
    "GaussianRandomWalk": (random_walk,),
    "LKJCholesky": (lkj_cholesky,),
    "LKJ": (lkj,),
    "Wishart": (
        wishart,
        lambda x, df, precision_matrix: wishart(x, df, torch.linalg.inv(precision_matrix)),
        lambda x, df, scale_tril: wishart(x, df, squared(scale_tril)),
    ),
    "InverseWishart": (
        inverse_wishart,
        lambda x, df, scale_tril: inverse_wishart(x, df, squared(scale_tril)),
    ),
}
