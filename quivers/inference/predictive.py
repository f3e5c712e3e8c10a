"""Prediction: what the program would observe, with its latents drawn from a fitted posterior."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from quivers.errors import QvrError
from quivers.inference.guides import Guide
from quivers.inference.kernels import check_count
from quivers.inference.mcmc import MCMCResult

if TYPE_CHECKING:
    from quivers.backends.torch.module import ProgramModule


class Predictive:
    """Draws of everything a program computes, given a posterior: a guide or the result of a run.

    Of a run's draws, `num_samples` are taken evenly over all chains; more than there are repeat them
    evenly. By default each is taken once; a guide gives 1000.
    """

    def __init__(
        self, model: ProgramModule, posterior: Guide | MCMCResult, num_samples: int | None = None
    ) -> None:
        if not isinstance(posterior, (Guide, MCMCResult)):
            raise QvrError(
                f"posterior must be a guide or the result of a run, not {type(posterior).__name__}."
            )
        if num_samples is not None:
            check_count("num_samples", num_samples, 1)
        self.model = model
        self.posterior = posterior
        self.num_samples = num_samples

    def __call__(self, x: Any = None, observations: Mapping[str, Any] | None = None) -> dict[str, Tensor]:
        """Draws by name, each (draw, *axes): latents, lets, and every observed site drawn anew.

        `observations` needs the program's inputs, not the observed ones. The randomness is torch's global
        generator's. Raises `DataError` where an input is missing or does not fit.
        """
        bound = self.model.bind({} if observations is None else observations, require_observed=False)
        names = [coordinates.name for coordinates in bound.coordinates]
        if isinstance(self.posterior, Guide):
            drawn = self.posterior.sample(bound, (self.num_samples or 1000,))
            latents = {name: drawn[name] for name in names}
        else:
            latents = _chosen(self.posterior, names, self.num_samples)
            for coordinates in bound.coordinates:
                shape = tuple(latents[coordinates.name].shape[1:])
                if shape != tuple(coordinates.shape):
                    raise QvrError(
                        f"The posterior's {coordinates.name} has shape {shape}, but with these data the"
                        f" program's has {tuple(coordinates.shape)}."
                    )
        with torch.no_grad():
            predicted = bound.predict(latents, torch.default_generator)
        return {**latents, **predicted}


def _chosen(result: MCMCResult, names: list[str], num_samples: int | None) -> dict[str, Tensor]:
    """Draws of the latents, (draw, *axes): all of a run's, or `num_samples` spread evenly over them."""
    if list(result.latents) != names:
        raise QvrError(
            f"The posterior is one of {', '.join(result.latents) or 'nothing'}, but the program samples"
            f" {', '.join(names) or 'nothing'}."
        )
    flat = {name: result.samples[name].flatten(0, 1) for name in names}
    if num_samples is None or not names:
        return flat
    available = len(flat[names[0]])
    chosen = torch.arange(num_samples) * available // num_samples
    return {name: values[chosen] for name, values in flat.items()}
