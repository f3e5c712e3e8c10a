"""Prediction: what the program would observe, with its latents drawn from a posterior or from the prior."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from quivers.errors import QvrError
from quivers.inference.arguments import check_by_name, check_model, check_names
from quivers.inference.guides import Guide
from quivers.inference.kernels import check_choice, check_count
from quivers.inference.mcmc_result import MCMCResult
from quivers.inference.new_elements import Elements
from quivers.inference.predicted import predictable, worked_out
from quivers.inference.prior_predictive import prior_predictive
from quivers.ir.graph import object_of
from quivers.results import Figures, figures

if TYPE_CHECKING:
    from quivers.backends.torch.bound import BoundModel
    from quivers.backends.torch.module import ProgramModule
    from quivers.notebook.rows import Rows

PREDICTIONS = 1000


class Predictive:
    """Draws of everything a program computes, given a posterior: a guide, or the result of a run.

    Without `posterior` the latents are drawn from the prior. Of a run's draws, `num_samples` are taken evenly
    over all chains; more than there are repeat them evenly. By default each is taken once; guide and prior
    give 1000.

    The data to predict for may give an object another size than the fit's. Latents over it keep the draws of
    the elements that the fit had, matched by the names that the data give them. That there are new ones has
    to be said: {"School": "new"} in `elements` are those of names that the fit lacks, or all where there are
    no names, {"Time": "further"} those after the fit's. Theirs are drawn from the program, given the other
    latents, as of one more school of the same kind. A series that is regressed
    on its own past is forecast: each place that is not known follows its draws before it.
    """

    def __init__(
        self,
        model: ProgramModule,
        posterior: Guide | MCMCResult | None = None,
        num_samples: int | None = None,
        elements: Mapping[str, Elements] | None = None,
    ) -> None:
        check_model(model)
        if not (posterior is None or isinstance(posterior, (Guide, MCMCResult))):
            raise QvrError(
                f"posterior must be a guide or the result of a run, not {type(posterior).__name__}; leave it"
                " out to draw from the prior."
            )
        if num_samples is not None:
            check_count("num_samples", num_samples, 1)
        check_by_name("elements", elements, '{"School": "new"}')
        known = model.checked.objects
        for name, which in (elements or {}).items():
            if name not in known:
                raise QvrError(f"elements has {name}, which is no object of the program's file.")
            check_choice(f"elements[{name!r}]", which, ("new", "further"))
        self.model = model
        self.posterior = posterior
        self.num_samples = num_samples
        self.elements = dict(elements or {})

    def __call__(
        self,
        x: Any = None,
        observations: Mapping[str, Any] | None = None,
        *,
        sites: Collection[str] | None = None,
    ) -> Predictions:
        """Draws by name, each (draw, *axes): latents, lets, and every observed site drawn anew.

        With `sites` those alone, and only what they need is worked out. `observations` needs the program's
        inputs, not the observed ones. The randomness is torch's global generator's.

        Raises:
            DataError: an input is missing or does not fit.
            QvrError: there is none of these sites, the posterior is not one of these latents, a prior is
                improper, or a series can't be forecast.
        """
        given = {} if observations is None else observations
        bound = self.model.bind(given, require_observed=False)
        if self.posterior is None:
            seed = int(torch.randint(2**62, ()).item())
            drawn = prior_predictive(self.model, given, draws=self.num_samples or PREDICTIONS, seed=seed)
            samples = {name: torch.from_numpy(values) for name, values in drawn.samples.items()}
            return Predictions({name: samples[name] for name in _wanted(sites, list(samples))}, bound)
        wanted = _wanted(sites, predictable(bound.density))
        names = [coordinates.name for coordinates in bound.coordinates]
        draws, fitted = self._draws(bound, names)
        count = len(next(iter(draws.values()))) if draws else self.num_samples or PREDICTIONS
        return Predictions(worked_out(draws, fitted, bound, self.elements, wanted, count), bound)

    def _draws(self, bound: BoundModel, names: list[str]) -> tuple[dict[str, Tensor], BoundModel]:
        """Draws of the latents, (draw, *axes), and the program with the data that it was fitted to."""
        if isinstance(self.posterior, Guide):
            fitted = self.posterior.fitted_to or bound
            if names != [coordinates.name for coordinates in fitted.coordinates]:
                self.posterior.check(bound)  # which says that these are not the guide's latents
            drawn = self.posterior.sample(fitted, (self.num_samples or PREDICTIONS,))
            return {name: drawn[name] for name in names}, fitted
        assert self.posterior is not None
        return _chosen(self.posterior, names, self.num_samples), self.posterior.run.bound


class Predictions(dict[str, Tensor]):
    """Draws by name, each (draw, *axes); `axes` has the objects of each, in order.

    `levels` has the names of the elements of those objects that the data name.
    """

    def __init__(self, samples: Mapping[str, Tensor], bound: BoundModel) -> None:
        super().__init__(samples)
        density = bound.density
        axes = {name: density.nodes[number].axes for name, number in density.deterministic.items()}
        axes |= {step.site: step.axes for step in density.draws}
        self.axes: dict[str, tuple[str, ...]] = {name: axes[name] for name in samples}
        self.levels = dict(bound.levels)
        self._bound = bound

    def summary(self) -> Rows[Figures]:
        """A row for each number: mean, sd and quantiles, under the names that tables give elements."""
        arrays = {name: values.cpu().numpy() for name, values in self.items()}
        axes = {name: [object_of(axis) for axis in own] for name, own in self.axes.items()}
        return figures(arrays, axes, self.levels)

    def __repr__(self) -> str:
        return f"{self._title}\n{self.summary()!r}" if self else self._title

    def _repr_html_(self) -> str:
        return f"<p>{self._title}</p>{self.summary()._repr_html_() if self else ''}"

    @property
    def _title(self) -> str:
        draws = len(next(iter(self.values()))) if self else 0
        return f"Predictions: {draws} draws of {len(self)} sites"

    def to_dataset(self) -> Any:
        """An xarray `Dataset`, its dimensions draw and the objects, its coordinates the elements' names.

        Raises:
            QvrError: ArviZ, which brings xarray, is not installed.
        """
        from quivers.inference.criticism.arviz_groups import Dimensions

        arrays = {name: values.cpu().numpy() for name, values in self.items()}
        return Dimensions(self._bound).dataset(arrays, self.axes, ("draw",))


def _wanted(sites: Collection[str] | None, known: list[str]) -> list[str]:
    if sites is not None:
        check_names("sites", sites)
    for name in sites or ():
        if name not in known:
            raise QvrError(
                f"Nothing predicted is called `{name}`, only {', '.join(f'`{k}`' for k in known)}."
            )
    return known if sites is None else list(dict.fromkeys(sites))


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
