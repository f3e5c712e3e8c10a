"""Which axes the sites of a posterior have, and which objects these run over."""

from __future__ import annotations

from quivers.ir.graph import Density, object_of


def site_axes(density: Density) -> dict[str, tuple[str, ...]]:
    """The objects that each latent, and each let, runs over, by its name."""
    return {name: tuple(object_of(axis) for axis in own) for name, own in named_axes(density).items()}


def named_axes(density: Density) -> dict[str, tuple[str, ...]]:
    """The axes of each latent and each let, by its name; a second one over an object is `School′`."""
    axes = {latent.name: latent.axes for latent in density.latents}
    for name, number in density.deterministic.items():
        axes.setdefault(name, density.nodes[number].axes)
    return axes
