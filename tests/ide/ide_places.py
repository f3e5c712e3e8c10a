"""Texts with marks `⟦…⟧` around places, and programs that use every construct which binds names."""

import re
from pathlib import Path

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*/[!.]*.qvr"))
_MARK = re.compile("⟦(.*?)⟧", re.DOTALL)


def unmarked(text: str) -> tuple[bytes, list[tuple[int, int]]]:
    """The text without its marks, and the bytes from and to of each, in order."""
    plain, end = b"", 0
    found: list[tuple[int, int]] = []
    for match in _MARK.finditer(text):
        plain += text[end : match.start()].encode()
        word = match[1].encode()
        found.append((len(plain), len(plain) + len(word)))
        plain += word
        end = match.end()
    return plain + text[end:].encode(), found


EVERYTHING = """\
object School : FinSet 8
object Time : FinSet
object K : FinSet 2
object Cell : School * K
data dose : School * Real

program pooled(scale : Real [low=0], G : FinSet) : G -> G
    sample z : G <- Normal(0.0, scale)
    return (effects: z)

define again = pooled

program everything : School -> School
    sample theta <- pooled(scale=2.5, G=School)
    sample more <- again(G=School, scale=1.5)
    let path = scan t : Time, state = 0.0 in 0.5 * state + shock[t]
    let moved = factor i : School in theta[i] + more[i] * dose[i]
    sample centre : K <- Normal(0.0, 5.0) [ordered]
    sample probs : K <- Dirichlet(1.0)
    marginalize kind : K <- Categorical(probs)
        let level = centre[kind]
        observe y : School <- Normal(moved + level, sigma)
    let log_w = log(w)
    observe log_w : Time <- Normal(path, 1.0)
    score centring = -1.0 * sum(theta) ^ 2
    return theta

program chained(effects : School * Real) : School -> School
    sample noise : School <- Normal(effects, 1.0)
    observe v : School <- Normal(noise, 1.0)
    return noise

define chain = everything >> chained

export everything
"""
