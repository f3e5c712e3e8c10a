"""Which objects the sites of a posterior run over."""

from __future__ import annotations

from quivers.ir.graph import Density, object_of


def site_axes(density: Density) -> dict[str, tuple[str, ...]]:
    """The objects that each latent, and each let, runs over, by its name."""
    axes = {latent.name: latent.axes for latent in density.latents}
    for name, number in density.deterministic.items():
        axes.setdefault(name, density.nodes[number].axes)
    return {name: tuple(object_of(axis) for axis in own) for name, own in axes.items()}
