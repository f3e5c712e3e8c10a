"""What the words and signs of the language mean, in a sentence or two each, for hover and completion."""

from __future__ import annotations

from collections.abc import Mapping

DECLARATIONS: Mapping[str, str] = {
    "object": "A finite set to run over, or a space. Without a size, as in `FinSet` alone, the data give it.",
    "data": "An input with a checked type. `data county : Item -> County` maps every `Item` to a `County`.",
    "program": "A model: its steps from top to bottom, between the objects it is about.",
    "define": "A composition of programs. `f >> g` runs one after the other, `f * g` side by side.",
    "export": "The program that the file stands for. Without it, that is the last one.",
}

STEPS: Mapping[str, str] = {
    "sample": "Draws a latent. With a plate, as in `sample theta : School <- …`, one for each element.",
    "observe": "Scores data. Each value of the input adds its log density under the distribution.",
    "let": "Names a value. It is worked out from the names above it, and draws nothing.",
    "marginalize": "Sums out a discrete latent. The block under it is averaged exactly over all its values.",
    "score": "Adds to the log density. The value of the expression is added as it is.",
    "return": "What the program gives. Its axes are those of the codomain.",
}

IN_EXPRESSIONS: Mapping[str, str] = {
    "scan": "A sequence, each value made from the one before. `scan t : Time, s = s0 in e` starts at `s0`.",
    "factor": "A tensor from an expression for each index. `factor i : I, j : J in e` has the axes `I ⊗ J`.",
    "in": "Begins what a `factor` or a `scan` works out for each index.",
    "if": "One of two values. `if c then a else b` is taken for each element.",
    "then": "Begins the value where the condition holds.",
    "else": "Begins the value where the condition does not hold.",
    "and": "Whether both hold.",
    "or": "Whether one of the two holds, or both.",
    "not": "Whether it does not hold.",
}

EFFECTS: Mapping[str, str] = {
    "Sample": "a latent is drawn",
    "Score": "an observation or a `score` adds to the log density",
    "Marginal": "a discrete latent is summed out",
    "Pure": "the program has no effects",
}

OPTIONS: Mapping[str, str] = {
    "effects": "What the program does besides working out values. Steps with another effect are errors.",
    "low": "The least value. On a draw, the distribution is truncated there.",
    "high": "The greatest value. On a draw, the distribution is truncated there.",
    "over": "Which object. A vector draw runs along it; in `marginalize`, each element has a latent.",
    "ordered": "Increasing values along the last object of the plate.",
    "where": "Which rows count. Only those where this input is true are scored.",
    "via": "The map of rows into the block's object. As in `[via=group]`, for a latent drawn `[over=Group]`.",
}

SPACES: Mapping[str, str] = {
    "FinSet": "A finite set. `FinSet 8` has 8 elements; the size of `FinSet` comes from the data.",
    "Real": "The real numbers. `[low=0]` bounds them.",
    "Int": "The whole numbers.",
    "Nat": "The whole numbers from 0.",
    "Bool": "0 and 1, false and true.",
    "Simplex": "Positive numbers with sum 1 along an object.",
    "Ordered": "Increasing numbers along an object.",
    "CholeskyCorr": "The Cholesky factor of a correlation matrix over an object.",
    "Correlation": "A correlation matrix over an object.",
    "Covariance": "A covariance matrix over an object.",
}

SIGNS: Mapping[str, str] = {
    "<-": "Draws the name on the left from the distribution on the right. Also written `←`.",
    "->": "From a domain to a codomain; in a `data` declaration, a map. Also written `→`.",
    "⊗": "A value for each pair of elements: the plate or the space over both. Also written `*`.",
    ">>": "One program after the other: what the first returns is what the second takes.",
    "@": "The sum of products over the last axis that both sides share.",
    "^": "A power.",
    "==": "Whether two values are equal, 1 or 0.",
    "!=": "Whether two values differ, 1 or 0. Also written `≠`.",
    "<": "Whether the left value is less, 1 or 0.",
    "<=": "Whether the left value is less or equal, 1 or 0. Also written `≤`.",
    ">": "Whether the left value is greater, 1 or 0.",
    ">=": "Whether the left value is greater or equal, 1 or 0. Also written `≥`.",
    "+": "The sum, element by element; axes are matched by name.",
    "-": "The difference, element by element; axes are matched by name.",
    "*": "The product, element by element; axes are matched by name.",
    "/": "The quotient, element by element; axes are matched by name.",
}
