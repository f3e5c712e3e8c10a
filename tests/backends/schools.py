"""The eight schools of Rubin (1981), their data and both ways to write their model."""

import torch

SIGMA = torch.tensor([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0], dtype=torch.float64)
Y = torch.tensor([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0], dtype=torch.float64)

CENTRED = """
object School : FinSet 8

program schools : School -> School
    sample mu <- Normal(0.0, 5.0)
    sample tau <- HalfNormal(5.0)
    sample theta : School <- Normal(mu, tau)
    observe y : School <- Normal(theta, sigma_j)
    return theta
"""

NONCENTRED = CENTRED.replace(
    "    sample theta : School <- Normal(mu, tau)\n",
    "    sample eta : School <- Normal(0.0, 1.0)\n    let theta = mu + tau * eta\n",
)
