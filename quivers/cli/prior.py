"""`qvr prior`: what a program's prior says of each site, and what it would observe."""

from __future__ import annotations

import argparse
import sys

from quivers import json_output
from quivers.cli.fitted import chosen_program, data_for, fitted, require_sound
from quivers.cli.interrupts import cancelling
from quivers.cli.output import CLEAN, RefusedError, colour, say
from quivers.cli.programs import checked_file
from quivers.errors import Cancelled, ProgramError
from quivers.syntax.problems import Diagnostic, Severity
from quivers.terminal.frames import title_line


def prior(options: argparse.Namespace) -> int:
    """Draw from the prior and print a line for each number; refused where a prior can't be drawn from."""
    model = checked_file(options.file)
    require_sound(model)
    program = chosen_program(model, options.program)
    data, data_name = data_for(
        options.data, program, model, options.file, observed=False, renames=options.map
    )
    fitted(model, program, data, data_name, observed=False)
    with cancelling() as cancel:
        from quivers.backends.torch.module import ProgramModule
        from quivers.inference.prior_predictive import prior_overview

        try:
            module = ProgramModule(model.checked, program)
        except ProgramError as error:
            found = [each for each in error.diagnostics if isinstance(each, Diagnostic)]
            raise RefusedError(model.name, found, model.source) from None
        if not cancel.is_set():
            drawn = prior_overview(
                module, data, draws=options.draws, seed=options.seed, sites=options.site or ()
            )
        if cancel.is_set():
            raise Cancelled("The draws were cancelled.")
    from quivers.inference.prior_predictive import PRIOR_DRAWS

    outcome = json_output.prior_predictive(drawn, options.seed)
    if options.draws is None and drawn.draws < PRIOR_DRAWS:
        say(sys.stderr, f"from {drawn.draws:,} of {PRIOR_DRAWS:,} draws; --draws takes more")
    if options.output_format == "json":
        say(sys.stdout, json_output.dumps(outcome))
        return CLEAN
    from quivers.terminal.prior import prior_table

    count = f"{drawn.draws} {'draw' if drawn.draws == 1 else 'draws'}"
    say(sys.stdout, f"{program.name} : {program.signature}")
    say(sys.stdout, f"prior    {count}, seed {options.seed}\n")
    say(sys.stdout, f"{prior_table(outcome['sites'], drawn.levels)}\n")
    for name, numbers in drawn.left_out.items():
        say(sys.stdout, f"{name} : {numbers:,} numbers, not shown (--site {name})")
    for sentence in drawn.problems:
        say(sys.stdout, title_line(Severity.WARNING, None, sentence, colour(sys.stdout)))
    if not drawn.problems:
        say(sys.stdout, "no problem found")
    return CLEAN
