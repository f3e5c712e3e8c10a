"""How Stan, PyMC and JAGS spell families and parameters, for the person who comes from there.

Only spellings that mean the same are listed: PyMC's `Geometric` counts from 1 and its `NegativeBinomial`'s
`p` is one minus ours, so neither is here.
"""

from __future__ import annotations

from collections.abc import Mapping

from quivers.records import record


@record
class Spelling:
    """Our family for another's; `keywords` name its positional arguments where ours need a name.

    `arguments` are those that the other's name implies, as `std_normal()` implies 0 and 1.
    """

    family: str
    keywords: tuple[str | None, ...] = ()
    arguments: str = ""


# Keyed by the other's name without underscores in lower case; a name that so equals ours needs no entry.
_FAMILIES: Mapping[str, Spelling] = {
    "bernoullilogit": Spelling("Bernoulli", ("logits",)),
    "binomiallogit": Spelling("Binomial", (None, "logits")),
    "categoricallogit": Spelling("Categorical", ("logits",)),
    "chisquare": Spelling("Chi2"),
    "chisquared": Spelling("Chi2"),
    "dbern": Spelling("Bernoulli"),
    "dbeta": Spelling("Beta"),
    "dcat": Spelling("Categorical"),
    "dexp": Spelling("Exponential"),
    "dgamma": Spelling("Gamma"),
    "doubleexponential": Spelling("Laplace"),
    "dpois": Spelling("Poisson"),
    "dunif": Spelling("Uniform"),
    "gaussian": Spelling("Normal"),
    "halfgaussian": Spelling("HalfNormal"),
    "improperuniform": Spelling("Flat"),
    "invgamma": Spelling("InverseGamma"),
    "invwishart": Spelling("InverseWishart"),
    "lkjcorr": Spelling("LKJ"),
    "lkjcorrcholesky": Spelling("LKJCholesky"),
    "multinormal": Spelling("MultivariateNormal"),
    "multinormalcholesky": Spelling("MultivariateNormal", (None, "scale_tril")),
    "multinormalprec": Spelling("MultivariateNormal", (None, "precision_matrix")),
    "mvnormal": Spelling("MultivariateNormal"),
    "negbinomial2": Spelling("NegativeBinomial2"),
    "stdnormal": Spelling("Normal", arguments="0.0, 1.0"),
    "studentst": Spelling("StudentT"),
}

_LOCATION_SCALE = {
    "mu": "loc", "mean": "loc", "sigma": "scale", "sd": "scale", "std": "scale", "nu": "df",
}  # fmt: skip
_CAUCHY = {**_LOCATION_SCALE, "alpha": "loc", "beta": "scale"}
_BOUNDS = {"lower": "low", "upper": "high"}
_CHANCE = {"p": "probs", "prob": "probs", "logit_p": "logits"}
_TWO_SHAPES = {
    "alpha": "concentration1",
    "beta": "concentration0",
    "a": "concentration1",
    "b": "concentration0",
}

_PARAMETERS: Mapping[str, Mapping[str, str]] = {
    **dict.fromkeys(
        ("Normal", "HalfNormal", "StudentT", "HalfStudentT", "LogNormal", "LogitNormal", "SkewNormal"),
        _LOCATION_SCALE,
    ),
    "Cauchy": _CAUCHY,
    "HalfCauchy": _CAUCHY,
    "Laplace": {**_LOCATION_SCALE, "b": "scale"},
    "Logistic": {**_LOCATION_SCALE, "s": "scale"},
    "Gumbel": {**_LOCATION_SCALE, "beta": "scale"},
    "Exponential": {"lam": "rate"},
    "Gamma": {"alpha": "concentration", "beta": "rate", "shape": "concentration"},
    "InverseGamma": {"alpha": "concentration", "beta": "rate", "shape": "concentration"},
    "Chi2": {"nu": "df"},
    "Weibull": {"alpha": "concentration", "beta": "scale", "shape": "concentration"},
    "Pareto": {"m": "scale"},
    "Beta": _TWO_SHAPES,
    "Kumaraswamy": _TWO_SHAPES,
    "BetaBinomial": {**_TWO_SHAPES, "n": "total_count"},
    "Uniform": _BOUNDS,
    "DiscreteUniform": _BOUNDS,
    "Bernoulli": _CHANCE,
    "Categorical": _CHANCE,
    "Binomial": {**_CHANCE, "n": "total_count"},
    "Poisson": {"mu": "rate", "lam": "rate"},
    "NegativeBinomial": {"n": "total_count", "mu": "mean", "alpha": "concentration", "phi": "concentration"},
    "ZeroInflatedNegativeBinomial": {
        "n": "total_count",
        "mu": "mean",
        "alpha": "concentration",
        "phi": "concentration",
    },
    "TruncatedNormal": {**_LOCATION_SCALE, **_BOUNDS},
    "VonMises": {"mu": "loc", "kappa": "concentration"},
    "OrderedLogistic": {"eta": "predictor", "c": "cutpoints"},
    "Dirichlet": {"a": "concentration", "alpha": "concentration"},
    "Multinomial": {**_CHANCE, "n": "total_count"},
    "MultivariateNormal": {
        "mu": "loc",
        "mean": "loc",
        "cov": "covariance_matrix",
        "Sigma": "covariance_matrix",
        "tau": "precision_matrix",
        "chol": "scale_tril",
    },
    "GaussianRandomWalk": {"sigma": "scale"},
    "LKJ": {"eta": "concentration"},
    "LKJCholesky": {"eta": "concentration"},
    "Wishart": {"nu": "df", "V": "covariance_matrix"},
    "InverseWishart": {"nu": "df", "V": "scale_matrix", "S": "scale_matrix"},
    "NegativeBinomial2": {"mu": "mean", "alpha": "concentration", "phi": "concentration"},
}


def family_elsewhere(name: str) -> Spelling | None:
    """What another language's family is called here."""
    return _FAMILIES.get(name.replace("_", "").casefold())


def parameter_elsewhere(family: str, name: str) -> str | None:
    """What another language's parameter of `family` is called here."""
    return _PARAMETERS.get(family, {}).get(name)
