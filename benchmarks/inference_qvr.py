"""The programs of the inference benchmark in QVR; run by `inference.py`."""

from __future__ import annotations

from inference_fits import Fit, Settings, timed

from quivers.data import bind
from quivers.dsl import loads
from quivers.inference.compiled_run import CompiledRun, run_compiled
from quivers.inference.kernels import NUTSKernel
from quivers.inference.trajectory import STATISTICS
from quivers.ir.build import build

EIGHT_SCHOOLS = """
object School : FinSet 8

program eight_schools : School -> School
    sample mu  <- Normal(0.0, 5.0)
    sample tau <- HalfNormal(5.0)
    sample eta : School <- Normal(0.0, 1.0)
    let theta = mu + tau * eta
    observe y : School <- Normal(theta, sigma)
    return theta
"""

HIERARCHICAL_LOGISTIC = """
object Row       : FinSet
object Group     : FinSet 500
object Predictor : FinSet

data group : Row -> Group

program hierarchical_logistic : Row -> Group
    sample intercept <- Normal(0.0, 2.0)
    sample spread    <- HalfNormal(1.0)
    sample beta : Predictor <- Normal(0.0, 1.0)
    sample z    : Group     <- Normal(0.0, 1.0)
    observe y : Row <- Bernoulli(logits=intercept + spread * z[group] + X @ beta)
    return z
"""

MIXTURE = """
object Item      : FinSet
object Component : FinSet 2

program mixture : Item -> Component
    sample weights : Component <- Dirichlet(1.0)
    sample mu      : Component <- Normal(0.0, 5.0) [ordered]
    sample sigma   : Component <- HalfNormal(2.0)
    marginalize component : Component <- Categorical(weights)
        observe y : Item <- Normal(mu[component], sigma[component])
    return mu
"""

DENSE_REGRESSION = """
object Row       : FinSet
object Predictor : FinSet

program dense_regression : Row -> Predictor
    sample intercept <- Normal(0.0, 2.0)
    sample beta : Predictor <- Normal(0.0, 1.0)
    sample sigma <- HalfNormal(2.0)
    observe y : Row <- Normal(intercept + X @ beta, sigma)
    return beta
"""

PROGRAMS = {
    "eight_schools": EIGHT_SCHOOLS,
    "hierarchical_logistic": HIERARCHICAL_LOGISTIC,
    "mixture": MIXTURE,
    "dense_regression": DENSE_REGRESSION,
}


def fit(settings: Settings, seed: int) -> Fit:
    program = loads(PROGRAMS[settings.problem])
    bound = bind(program.checked, program.program, settings.data)
    run = run_compiled(
        build(program.checked, program.program),
        bound.values,
        bound.sizes,
        NUTSKernel(target_accept=settings.target_accept),
        num_warmup=settings.warmup,
        num_samples=settings.samples,
        num_chains=settings.chains,
        seed=seed,
    )
    if not isinstance(run, CompiledRun):
        raise SystemExit(run.reason)
    steps = STATISTICS.index("leapfrogs")
    gradients = int(run.statistics[..., steps].sum() + run.warmup[..., steps].sum())
    return Fit(run.samples, lambda: gradients, run.total_divergences)


if __name__ == "__main__":
    timed(fit)
