"""What one entry of the table of families says; the entries are in the modules named by subject.

A log density is written once, as a QVR expression in `x` and the parameters' names. The graph
builder turns it into nodes, hover shows it, and tests hold it against torch and SciPy. Outside
the support the builder puts −inf, so a density need only be right inside.
"""

from __future__ import annotations

from quivers.families.support import Interval, Space
from quivers.records import record


@record
class Parameter:
    """A family's parameter: its name, where it may lie, what it means.

    `event_rank` counts the parameter's own trailing axes (1 for a vector such as Categorical's
    probs, 2 for a matrix), and `space` says what the numbers along them are together. `default` is the value
    it takes when left out, None if it must be given.
    """

    name: str
    support: Interval
    meaning: str
    event_rank: int = 0
    default: float | None = None
    space: Space | None = None


@record
class Form:
    """One way to call a family: `Bernoulli(probs)` and `Bernoulli(logits=…)` are two forms of one.

    `log_cdf` and `log_survival` are the logs of the probabilities of values up to x and of those above it,
    as QVR expressions in x inside the support; None where there is no closed form.
    """

    parameters: tuple[Parameter, ...]
    log_density: str
    log_cdf: str | None = None
    log_survival: str | None = None


@record
class Family:
    """A distribution under torch.distributions' name and parameter names.

    The first of `forms` takes positional arguments. `support` bounds every number drawn; where an end depends
    on a parameter, `low` or `high` is that end as a QVR expression in the parameters. `event_rank` counts a
    draw's own axes, and `space` says what the numbers along them are together. `sampler` names the
    torch.distributions class or the sampler of ours that draws from it.
    """

    name: str
    forms: tuple[Form, ...]
    support: Interval
    summary: str
    sampler: str
    event_rank: int = 0
    low: str | None = None
    high: str | None = None
    reference: str | None = None
    space: Space | None = None

    @property
    def discrete(self) -> bool:
        return self.support.integer
