"""Samplers of the families whose draw is a vector or a matrix, each from a given generator.

`shape` is the batch dimensions, the plates, and the axes of one draw at the end. A vector parameter has those
axes too; a single number stands for each plate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

Parameters = Mapping[str, Tensor]
Sampler = Callable[[Parameters, tuple[int, ...], torch.Generator | None], Tensor]


def _standard(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    device = next((value.device for value in p.values()), torch.device("cpu"))
    return torch.randn(shape, generator=g, dtype=torch.float64, device=device)


def _cholesky(matrix: Tensor) -> Tensor:
    lower: Tensor = torch.linalg.cholesky(matrix)
    return lower


def _solved(triangle: Tensor, right: Tensor, *, upper: bool) -> Tensor:
    found: Tensor = torch.linalg.solve_triangular(triangle, right, upper=upper)
    return found


def _square(root: Tensor) -> Tensor:
    product: Tensor = root @ root.mT
    return product


def _dirichlet(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    return torch._sample_dirichlet(p["concentration"].expand(shape).contiguous(), generator=g)


def _multinomial(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    """One category after the other: each a binomial among the trials that those before it left."""
    weights = p["probs"] if "probs" in p else torch.softmax(p["logits"], -1)
    weights = weights.expand(shape)
    rest = torch.flip(torch.cumsum(torch.flip(weights, (-1,)), -1), (-1,))
    left = p["total_count"].expand(shape[:-1])
    counts = []
    for place in range(shape[-1] - 1):
        weight, total = weights[..., place], rest[..., place]
        share = torch.where(total > 0, weight / total, torch.zeros_like(total)).clamp(0.0, 1.0)
        counts.append(torch.binomial(left.contiguous(), share.contiguous(), generator=g))
        left = left - counts[-1]
    return torch.stack([*counts, left], dim=-1)


def _multivariate_normal(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    z = _standard(p, shape, g)[..., None]
    if "precision_matrix" in p:
        # With P = L Lᵀ the covariance is L⁻ᵀ L⁻¹.
        upper = _cholesky(p["precision_matrix"]).mT
        return p["loc"] + _solved(upper, z, upper=True)[..., 0]
    root = p["scale_tril"] if "scale_tril" in p else _cholesky(p["covariance_matrix"])
    return p["loc"] + (torch.tril(root) @ z)[..., 0]


def _lkj_cholesky(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    """The onion method: row i has a uniform direction and a squared length that is
    Beta(i/2, η + (K − 1 − i)/2) without its diagonal element (Lewandowski, Kurowicka and Joe, 2009, 3.2)."""
    size = shape[-1]
    concentration = p["concentration"].expand(shape[:-2])
    rows = [torch.zeros((*shape[:-2], size), dtype=torch.float64, device=concentration.device)]
    rows[0][..., 0] = 1.0
    for i in range(1, size):
        direction = _standard(p, (*shape[:-2], i), g)
        direction = direction / torch.linalg.vector_norm(direction, dim=-1, keepdim=True)
        inside = torch.full_like(concentration, 0.5 * i)
        both = torch.stack([inside, concentration + 0.5 * (size - 1 - i)], dim=-1)
        square, rest = torch._sample_dirichlet(both, generator=g).unbind(-1)
        above = torch.zeros((*shape[:-2], size - 1 - i), dtype=torch.float64, device=square.device)
        off_diagonal = direction * torch.sqrt(square)[..., None]
        rows.append(torch.cat([off_diagonal, torch.sqrt(rest)[..., None], above], dim=-1))
    return torch.stack(rows, dim=-2)


def _lkj(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    root = _lkj_cholesky(p, shape, g)
    product = _square(root)
    one = torch.eye(shape[-1], dtype=torch.float64, device=product.device)
    return torch.where(one == 1.0, one, product)


def _bartlett(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    """The Cholesky factor of a Wishart matrix with scale 1: normals, and roots of χ² on the diagonal
    (Bartlett, 1933)."""
    normal = torch.tril(_standard(p, shape, g), -1)
    freedom = p["df"].expand(shape[:-2])[..., None] - torch.arange(
        shape[-1], dtype=torch.float64, device=normal.device
    )
    chi2 = 2.0 * torch._standard_gamma((0.5 * freedom).contiguous(), generator=g)
    return normal + torch.diag_embed(torch.sqrt(chi2))


def _wishart(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    factor = _bartlett(p, shape, g)
    if "precision_matrix" in p:
        root = _solved(_cholesky(p["precision_matrix"]).mT, factor, upper=True)
    else:
        scale = torch.tril(p["scale_tril"]) if "scale_tril" in p else _cholesky(p["covariance_matrix"])
        root = scale @ factor
    return _square(root)


def _inverse_wishart(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    """The inverse of a Wishart matrix: with Ψ = L Lᵀ and Bartlett's A it is (A⁻¹ Lᵀ)ᵀ (A⁻¹ Lᵀ)."""
    scale = torch.tril(p["scale_tril"]) if "scale_tril" in p else _cholesky(p["scale_matrix"])
    root = _solved(_bartlett(p, shape, g), scale.mT.expand(shape), upper=False)
    return _square(root.mT)


def _gaussian_random_walk(p: Parameters, shape: tuple[int, ...], g: torch.Generator | None) -> Tensor:
    return torch.cumsum(p["scale"][..., None] * _standard(p, shape, g), dim=-1)


VECTOR_SAMPLERS: Mapping[str, Sampler] = {
    "Dirichlet": _dirichlet,
    "Multinomial": _multinomial,
    "MultivariateNormal": _multivariate_normal,
    "LKJCholesky": _lkj_cholesky,
    "LKJ": _lkj,
    "Wishart": _wishart,
    "InverseWishart": _inverse_wishart,
    "GaussianRandomWalk": _gaussian_random_walk,
}
