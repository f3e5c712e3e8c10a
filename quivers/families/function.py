"""What one entry of the table of built-in functions says; the entries are in `functions`."""

from __future__ import annotations

from enum import Enum

from quivers.families.image import Rule
from quivers.families.support import Interval
from quivers.records import record


class Kind(Enum):
    """What a function does to axes.

    ELEMENTWISE takes the union of its arguments' axes. REDUCTION removes the axes named by `over=`, or all.
    ALONG keeps the axes and works along the one named by `over=`, or the last. The rest each have a rule of
    their own: CONTRACTION sums over the shared last axis, OUTER and DIAGONAL add one, MATRIX keeps the last
    two, which run over one object, ROWS leaves the first of these and DETERMINANT neither, SOLVE has a matrix
    and then a vector, whose last axis is the matrix's, and OBJECT takes an object's name instead of a value.
    """

    ELEMENTWISE = "elementwise"
    REDUCTION = "reduction"
    ALONG = "along"
    CONTRACTION = "contraction"
    OUTER = "outer"
    DIAGONAL = "diagonal"
    MATRIX = "matrix"
    ROWS = "rows"
    DETERMINANT = "determinant"
    SOLVE = "solve"
    OBJECT = "object"


@record
class Function:
    """A built-in function. `domains` says for each parameter where its argument must lie.

    `support` maps the arguments' intervals, clipped to the domains, to the result's. The last parameters
    have `defaults` and may be left out.
    """

    name: str
    parameters: tuple[str, ...]
    kind: Kind
    support: Rule
    summary: str
    domains: tuple[Interval, ...]
    op: str | None = None
    definition: str | None = None
    defaults: tuple[float, ...] = ()

    @property
    def optional(self) -> int:
        return len(self.defaults)

    @property
    def takes_over(self) -> bool:
        """Whether a call may say `over=Object`."""
        return self.kind in (Kind.REDUCTION, Kind.ALONG)

    @property
    def signature(self) -> str:
        """`sum(x, over=…)`."""
        required = len(self.parameters) - self.optional
        shown = [
            *self.parameters[:required],
            *(
                f"{name}={value:g}"
                for name, value in zip(self.parameters[required:], self.defaults, strict=True)
            ),
            *(("over=…",) if self.takes_over else ()),
        ]
        return f"{self.name}({', '.join(shown)})"
