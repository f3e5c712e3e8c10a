"""How many draws of predictions are worked out: of many rows fewer, so that they fit into memory."""

from __future__ import annotations

from quivers.errors import QvrError

# So many numbers are drawn where it isn't said how many, 160 MB, but of each number some draws at least.
MOST_NUMBERS = 20_000_000
FEWEST_DRAWS = 50
# And no more than these where it is said: 4 GiB.
MOST_NUMBERS_ASKED = 2**29


def draws_to_take(each: int, available: int, asked: int | None) -> int:
    """So many draws of `each` numbers: as many as are `asked`, else all `available` within the bound.

    Raises:
        QvrError: what is asked would take more memory than 4 GiB.
    """
    each = max(1, each)
    if asked is None:
        return min(available, max(FEWEST_DRAWS, MOST_NUMBERS // each))
    if asked * each > MOST_NUMBERS_ASKED:
        raise QvrError(
            f"{asked:,} draws of {each:,} numbers take {asked * each * 8 / 2**30:.1f} GiB: ask for"
            f" {max(1, MOST_NUMBERS_ASKED // each):,} or fewer, or for fewer sites or rows at a time."
        )
    return asked
