"""Kernel and torch agree on programs with families whose densities take more than arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from kernels_against_torch import agree, built

from quivers.backends.kernel.kernel import Kernel

PROGRAMS = {
    "numbers": (
        """
object Item : FinSet 4
object Cut : FinSet 3
program p : Item -> Cut
    sample nu <- TruncatedNormal(0.3, 1.5, low=-2.0)
    sample kappa <- Gamma(2.0, 0.5)
    sample cuts : Cut <- Normal(0.0, 2.0) [ordered]
    observe angle : Item <- VonMises(nu, kappa)
    observe inside : Item <- TruncatedNormal(nu, kappa, low=nu - 3.0, high=4.0 + kappa)
    observe answer : Item <- OrderedLogistic(nu, cuts)
    observe count : Item <- ZeroInflatedNegativeBinomial(gate_logits=nu, mean=kappa, concentration=2.0)
    return cuts
""",
        {
            "angle": [-3.0, -1.0, 0.5, 3.1],
            "inside": [-0.5, 0.0, 2.0, 3.9],
            "answer": [0, 1, 2, 3],
            "count": [0, 3, 0, 1],
        },
    ),
    "vectors and matrices": (
        """
object K : FinSet 3
object Item : FinSet 2
data V : K * K * Real
program p : K -> K
    sample w : K <- Dirichlet(1.5)
    sample L : K <- LKJCholesky(2.0)
    observe n : Item * K <- Multinomial(9, w)
    observe y : Item * K <- MultivariateNormal(w, scale_tril=L)
    observe u : Item * K <- MultivariateNormal(w, V)
    observe walk : Item * K <- GaussianRandomWalk(w[0])
    return w
""",
        {
            "V": np.eye(3) + 0.3,
            "n": [[4, 5, 0], [9, 0, 0]],
            "y": [[0.3, -1.0, 0.2], [0.0, 0.5, 2.0]],
            "u": [[0.3, -1.0, 0.2], [0.0, 0.5, 2.0]],
            "walk": [[0.3, -1.0, 0.2], [0.0, 0.5, 2.0]],
        },
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_kernel_and_torch_agree(name):
    source, data = PROGRAMS[name]
    bound, made = built(source, data)
    finite = 0
    assert isinstance(made, Kernel)
    for point in np.random.default_rng(3).uniform(-1.5, 1.5, size=(10, bound.dimension)):
        agree(bound, made, point)
        finite += np.isfinite(bound.log_density_and_gradient(point, np.empty(bound.dimension)))
    assert finite >= 5
