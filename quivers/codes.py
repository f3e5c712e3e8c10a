"""Every code that a diagnostic can have: its title, its severity unless configured otherwise, what it says.

Each problem is defined with the phase that finds it; this table is what `qvr explain`, the configuration
and the ignore comments know of it. A code's page is quivers/explanations/CODE.md; docs/codes/README.md
tells how to add one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType

from quivers.records import record
from quivers.syntax.problems import Severity

FAMILIES: Mapping[str, str] = MappingProxyType(
    {
        "QVR1xx": "syntax and files",
        "QVR2xx": "names",
        "QVR3xx": "types, axes and arguments",
        "QVR4xx": "supports",
        "QVR5xx": "effects",
        "QVR6xx": "data",
        "QVR7xx": "modelling advice",
        "QVR8xx": "sampling",
        "QVR9xx": "calibration",
    }
)


@record
class Code:
    """What one code stands for. `title` has two to four words, `summary` is a sentence."""

    code: str
    title: str
    severity: Severity
    summary: str

    @property
    def family(self) -> str:
        """`QVR4xx` for `QVR401`."""
        return f"{self.code[:4]}xx"


_E, _W, _I, _H = Severity.ERROR, Severity.WARNING, Severity.INFORMATION, Severity.HINT

# fmt: off
_TABLE = (
    Code("QVR100", "No readable program", _E, "A file can't be read as a program, or has none."),
    Code("QVR101", "Unexpected text", _E, "Something else is expected where this stands."),
    Code("QVR102", "Unclosed bracket", _E, "A bracket is opened and never closed."),
    Code("QVR103", "Stray closing bracket", _E, "A bracket closes nothing, or the wrong one."),
    Code("QVR104", "Tab in indentation", _E, "Lines are indented with spaces, and this one has a tab."),
    Code("QVR105", "Wrong indentation", _E, "A line's indentation fits no block."),
    Code("QVR106", "Missing steps", _E, "A header has no steps under it."),
    Code("QVR107", "Step outside programs", _E, "A step stands in no program."),
    Code("QVR108", "Keyword as name", _E, "A word of the language is used as a name."),
    Code("QVR109", "Too deeply nested", _E, "An expression is nested too deeply to be read."),
    Code("QVR110", "Chained comparison", _E, "Comparisons such as `a < b < c` do not chain."),
    Code("QVR111", "Other language's sign", _E, "A sign of another language stands for one of QVR's."),
    Code("QVR112", "Wrong step form", _E, "A step lacks its keyword, has a wrong one or a sign too many."),
    Code("QVR113", "Ambiguous arrow", _E, "`<-` inside an expression could be a draw or a comparison."),
    Code("QVR115", "Indented declaration", _E, "A declaration does not start at the beginning of its line."),
    Code("QVR190", "Wrong configuration entry", _W, "An entry of `qvr.toml` or `[tool.qvr]` can't be used."),
    Code("QVR201", "Undeclared object", _E, "An object is used that the file does not declare."),
    Code("QVR202", "Unknown distribution", _E, "A draw names no distribution that QVR has."),
    Code("QVR203", "Unknown function", _E, "A call names no function that QVR has."),
    Code("QVR204", "Declared twice", _E, "Two declarations of a file have one name."),
    Code("QVR205", "Bound twice", _E, "Two steps of a program bind one name."),
    Code("QVR206", "Used too early", _E, "A value is used above the step that binds it."),
    Code("QVR207", "Unknown program", _E, "A program is named that the file does not declare."),
    Code("QVR208", "Possible misspelling", _W, "An input's name is one letter away from a bound name."),
    Code("QVR209", "Unknown option", _E, "An option is not one of its place, or has a wrong value."),
    Code("QVR210", "Wrong name kind", _E, "A name of one kind stands where another kind is needed."),
    Code("QVR211", "Observed latent value", _E, "`observe` is given what the program draws itself."),
    Code("QVR212", "Summed out", _E, "A name is used below the `marginalize` block that binds it."),
    Code("QVR213", "Recursive program", _E, "A program draws, in the end, from itself."),
    Code("QVR301", "Axes outside plate", _E, "A value runs over objects that its draw is not repeated over."),
    Code("QVR302", "No index set", _E, "Something that is no finite set is used to run over."),
    Code("QVR303", "Return mismatches codomain", _E, "What is returned is not what the program's type says."),
    Code("QVR304", "Too many arguments", _E, "A call has more arguments than parameters."),
    Code("QVR305", "Unknown argument", _E, "A call names an argument that is not there."),
    Code("QVR306", "Missing argument", _E, "A call leaves out an argument that has no default."),
    Code("QVR307", "Argument given twice", _E, "A call's arguments are doubled or out of order."),
    Code("QVR308", "Contradictory uses", _E, "No value satisfies all uses of an input."),
    Code("QVR309", "Index does not match", _E, "An index does not point into an axis of its value."),
    Code("QVR310", "No shared axis", _E, "The two sides of `@` end in different axes."),
    Code("QVR311", "Missing reduction axis", _E, "A reduction is over an object that its value lacks."),
    Code("QVR312", "Missing event axis", _E, "A vector is needed, and nothing says what it runs along."),
    Code("QVR313", "No return", _W, "A program has a codomain and returns nothing."),
    Code("QVR314", "Wrong value kind", _E, "A value of one kind stands where another is needed."),
    Code("QVR315", "Undetermined axes", _E, "Nothing says which objects an input runs over."),
    Code("QVR316", "Unreadable space", _E, "A space's size, index or bounds make no sense."),
    Code("QVR317", "Changing state", _E, "The state of a `scan` does not keep its type from step to step."),
    Code("QVR318", "Unfit program argument", _E, "A program's parameter does not take what it is given."),
    Code("QVR319", "Can't be summed", _E, "A latent to be summed out has no finite list of values."),
    Code("QVR320", "Group not linked", _E, "An `observe` in a block is not tied to the block's groups."),
    Code("QVR321", "Not inside blocks", _E, "A step stands in a `marginalize` block that can't be in one."),
    Code("QVR322", "Programs don't compose", _E, "A program of a `define` does not take what another gives."),
    Code("QVR323", "Dropped return value", _W, "In `f >> g`, nothing that f returns reaches g."),
    Code("QVR390", "Not runnable yet", _E, "A program is sound, but a construct in it can't be run yet."),
    Code("QVR401", "Argument outside support", _E, "No value of an argument lies where its parameter must."),
    Code("QVR402", "Argument may leave support", _W, "Some values of an argument lie outside the support."),
    Code("QVR403", "Function undefined there", _E, "No value of an argument lies in the function's domain."),
    Code("QVR404", "Function possibly undefined", _W, "Some values of an argument lie outside the domain."),
    Code("QVR405", "Bounds exclude everything", _E, "The bounds of a draw leave no value."),
    Code("QVR501", "Undeclared effect", _E, "A step has an effect that the program does not declare."),
    Code("QVR502", "Unused effect", _H, "A program declares an effect that no step has."),
    Code("QVR503", "Pure with others", _E, "`Pure` stands beside an effect."),
    Code("QVR504", "Unknown effect", _E, "A declared effect is none of the language's."),
    Code("QVR600", "Unreadable data", _E, "A data file can't be read or is not what its name says."),
    Code("QVR601", "Missing input", _E, "The data lack a value that the program needs."),
    Code("QVR602", "Wrong length", _E, "An array's shape is not the one its axes say."),
    Code("QVR603", "Inputs disagree", _E, "Two inputs give one object different sizes."),
    Code("QVR604", "Wrong dimensions", _E, "An array has more dimensions than its input has axes."),
    Code("QVR605", "Ragged array", _E, "The rows of an array have different lengths."),
    Code("QVR606", "Not a number", _E, "A value is missing, text, or something else that is no number."),
    Code("QVR607", "Not finite", _E, "A value is NaN or infinite."),
    Code("QVR608", "Value outside support", _E, "A value lies where the program can't use or explain it."),
    Code("QVR609", "Not whole", _E, "A count or an index has a fraction."),
    Code("QVR610", "No such member", _E, "An index points outside its object."),
    Code("QVR611", "Unknown size", _E, "Neither the program nor the data tell an object's size."),
    Code("QVR612", "Ambiguous axes", _E, "An array with fewer axes than its input fits in several ways."),
    Code("QVR613", "Groups not nested", _E, "A group lies in several of the groups that hold it."),
    Code("QVR614", "Several data files", _W, "More than one file beside a model could be its data."),
    Code("QVR615", "Given twice", _E, "Two files of data have a value of one name."),
    Code("QVR701", "Centred hierarchical draw", _H, "A plate is drawn with a scale that is itself unknown."),
    Code("QVR702", "Discrete latent", _W, "NUTS can't sample a discrete latent."),
    Code("QVR703", "Unordered mixture components", _W, "A mixture's components can change places."),
    Code("QVR704", "Idle outer product", _W, "A value is built for every pair of two plates, needlessly."),
    Code("QVR705", "Unobserved latent", _W, "No observation depends on a latent."),
    Code("QVR706", "Nothing observed", _H, "A program draws latents and scores nothing."),
    Code("QVR707", "Flat scale prior", _W, "A scale has a prior that is flat or nearly so."),
    Code("QVR708", "Unused let", _H, "Nothing is made from a `let`."),
    Code("QVR709", "Unused object", _H, "No program uses an object."),
    Code("QVR710", "Unused input", _H, "No program uses an input that `data` declares."),
    Code("QVR711", "Nearly improper prior", _W, "A gamma prior with a tiny shape and rate is not vague."),
    Code("QVR712", "Variance as scale", _W, "A variance or precision stands for a standard deviation."),
    Code("QVR713", "Idle observation", _W, "No latent enters the distribution of what is observed."),
    Code("QVR714", "Unordered cutpoints", _W, "Nothing keeps values that must increase in order."),
    Code("QVR790", "Useless ignore", _H, "An ignore comment silences nothing."),
    Code("QVR791", "Unreadable ignore", _H, "A `# qvr:` comment names no code, or none that can be ignored."),
    Code("QVR801", "Divergent transitions", _W, "Trajectories of the last run broke off."),
    Code("QVR802", "Chains disagree", _W, "The last run's chains tell of different posteriors."),
    Code("QVR803", "Few effective draws", _W, "The last run's draws are worth too few independent ones."),
    Code("QVR804", "Slow energies", _W, "The last run explored the posterior's energies slowly."),
    Code("QVR805", "Trees too deep", _W, "Trajectories of the last run stopped before they turned back."),
    Code("QVR806", "Chain never moved", _W, "A chain of the last run stayed where it began."),
    Code("QVR807", "Draws not finite", _W, "Some draws of the last run are no finite numbers."),
    Code("QVR901", "Can't be simulated", _E, "A program does not say how its data could be drawn."),
)
# fmt: on

CODES: Mapping[str, Code] = MappingProxyType({entry.code: entry for entry in _TABLE})


def is_known(name: str) -> bool:
    """Whether `name` is a code, or a family of them such as `QVR7xx`."""
    return name in CODES or name in FAMILIES


def near_codes(name: str) -> tuple[str, ...]:
    """The codes and families that somebody who wrote `name` may have meant, nearest first."""
    written = name.upper().replace("X", "x").replace("O", "0")
    digits = "QVR" + re.sub(r"[^0-9x]", "", written)
    for guess in (written, digits):
        if is_known(guess):
            return (guess,)
    return tuple(get_close_matches(digits, [*FAMILIES, *CODES], 3, 0.8))
