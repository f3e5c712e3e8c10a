"""What can be written after `qvr`, with the help that explains it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import quivers
from quivers.cli.argument_parts import add_data
from quivers.cli.argument_parts import add_json as _add_json
from quivers.cli.argument_parts import add_model_and_data as _add_model_and_data
from quivers.cli.argument_parts import add_output_format as _add_output_format
from quivers.cli.argument_parts import add_watch as _add_watch
from quivers.cli.argument_parts import command as _command
from quivers.cli.argument_parts import days as _days
from quivers.cli.argument_parts import elements as _elements
from quivers.cli.argument_parts import path as _path
from quivers.cli.argument_parts import reparameterization as _reparameterization
from quivers.cli.argument_parts import share as _share
from quivers.cli.argument_parts import top_layout as _top_layout
from quivers.cli.argument_parts import whole_number as _whole_number
from quivers.cli.misuse import Parser
from quivers.sampling_defaults import (
    ALGORITHMS,
    CHAINS,
    DEEPEST,
    DRAWS,
    ENGINE,
    ENGINES,
    MASS_MATRICES,
    MAX_TREE_DEPTH,
    REPARAMETERIZATION,
    STARTS,
    TARGET_ACCEPT,
    WARMUP,
)


def parser(arguments: Sequence[str] | None = None) -> argparse.ArgumentParser:
    """The parser of `qvr`; `command` in its result is the subcommand's name.

    Where the first of `arguments` names a command, no other is prepared: that takes as long as checking
    a small file.
    """
    parser = Parser(
        prog="qvr",
        description="Typed hierarchical Bayesian models: check them, run them, edit them.",
        epilog="example: qvr run examples/eight_schools/noncentred.qvr\n"
        "exit status: 0 clean, 1 problems, 2 misuse, 130 Ctrl-C, 143 SIGTERM, 70 QVR bug",
        formatter_class=_top_layout,
        add_help=False,
    )
    parser.add_argument("-h", "--help", action="help", help=argparse.SUPPRESS)
    version = f"qvr {quivers.__version__}"
    parser.add_argument("-V", "--version", action="version", version=version, help="print the version")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, prog="qvr")
    asked = arguments[0] if arguments else ""
    for name in [asked] if asked in COMMANDS else COMMANDS:
        COMMANDS[name](commands)
    if asked == "run" and any(argument.partition("=")[0] == "--resume" for argument in arguments or ()):
        _without_file(commands.choices["run"])
    return parser


def _without_file(run: argparse.ArgumentParser) -> None:
    """A run that is resumed knows its file and its settings: those that nobody gives are None."""
    for action in run._actions:
        if action.dest == "file":
            action.nargs, action.required = "?", False
        elif action.help and "(%(default)s)" in action.help and action.dest != "output_format":
            action.help = action.help.replace("%(default)s", str(action.default))
            action.default = None


def _check(commands: Any) -> None:
    check = _command(
        commands, "check", "FILE… [options]", "tell what is wrong with programs", "qvr check models/"
    )
    check.add_argument(
        "files",
        nargs="+",
        type=_path,
        metavar="FILE",
        help="a .qvr file, a folder of them, or - for standard input",
    )
    check.add_argument("--quiet", action="store_true", help="print problems alone, no count of them")
    _add_watch(check)
    _add_output_format(check, "sarif", "github")


def _run(commands: Any) -> None:
    run = _command(
        commands,
        "run",
        "FILE [options]",
        "sample a program's posterior",
        "qvr run model.qvr --seed 1    (- for FILE reads standard input)",
    )
    run.add_argument("file", type=_path, metavar="FILE", help=argparse.SUPPRESS)
    add_data(run, "a file or directory of data (model.data.* beside it)")
    run.add_argument("--program", metavar="NAME", help="by default, the exported one, else the last")
    counts = {
        "seed": (0, 2**63 - 1, 0, "the same seed gives the same draws"),
        "chains": (1, 1024, CHAINS, "chains side by side"),
        "warmup": (0, 10**7, WARMUP, "draws of each chain to adapt with"),
        "draws": (1, 10**7, DRAWS, "draws of each chain to keep"),
        "thin": (1, 10**6, 1, "keep every N-th draw"),
    }
    for name, (least, most, default, meaning) in counts.items():
        number = _whole_number(least, most)
        text = f"{meaning} (%(default)s)"
        run.add_argument(f"--{name}", type=number, default=default, metavar="N", help=text)
    run.add_argument(
        "--target-accept",
        type=_share,
        default=TARGET_ACCEPT,
        metavar="P",
        help="higher is slower, safer (%(default)s)",
    )
    run.add_argument(
        "--max-tree-depth",
        type=_whole_number(1, DEEPEST),
        metavar="N",
        help=f"at most 2^N - 1 leapfrog steps a draw ({MAX_TREE_DEPTH})",
    )
    words = {
        "algorithm": (ALGORITHMS, ALGORITHMS[0], "NAME", "nuts or hmc"),
        "mass-matrix": (MASS_MATRICES, MASS_MATRICES[0], "KIND", "diagonal, dense, low_rank or identity"),
        "init": (STARTS, STARTS[0], "WHERE", "uniform, prior or pathfinder"),
        "engine": (ENGINES, ENGINE, "NAME", "kernel, torch, or auto: kernel if it can"),
    }
    for name, (choices, chosen, metavar, meaning) in words.items():
        text = f"{meaning} (%(default)s)"
        run.add_argument(f"--{name}", choices=choices, default=chosen, metavar=metavar, help=text)
    run.add_argument(
        "--reparameterize",
        type=_reparameterization,
        default=REPARAMETERIZATION,
        metavar="HOW",
        help="auto, centred, noncentred, or theta=0.3 (%(default)s)",
    )
    run.add_argument(
        "--report", type=_path, metavar="FILE", help="a page with charts for a browser, .html (qvr report)"
    )
    # Seldom wanted, and told where they are: beside what a run left out, and in docs/runs.md.
    for name in ("keep", "drop"):
        run.add_argument(f"--{name}", action="append", default=[], metavar="NAME", help=argparse.SUPPRESS)
    run.add_argument("--quiet", action="store_true", help="print the posterior and problems alone")
    run.add_argument("--no-save", dest="save", action="store_false", help="leave nothing in .qvr/runs")
    either = run.add_mutually_exclusive_group()
    either.add_argument(
        "--resume",
        nargs="?",
        const="",
        metavar="RUN",
        help="finish a run (the latest), or extend it to --draws",
    )
    _add_watch(either)
    _add_output_format(run)


def _report(commands: Any) -> None:
    report = _command(
        commands,
        "report",
        "FILE [options]",
        "write a run as one page with charts, for a browser",
        "qvr report model.qvr -o report.html",
    )
    report.add_argument(
        "file", type=_path, metavar="FILE", help="a .qvr file to sample, or a saved run by its name"
    )
    add_data(report, "a file or directory of data (model.data.* beside it)")
    report.add_argument("--program", metavar="NAME", help="by default, the exported one, else the last")
    report.add_argument(
        "-o", "--output", type=_path, metavar="FILE", help="by default, model.html beside model.qvr"
    )
    counts = {
        "seed": (0, 2**63 - 1, 0, "the same seed gives the same draws"),
        "chains": (1, 1024, CHAINS, "chains side by side"),
        "warmup": (0, 10**7, WARMUP, "draws of each chain to adapt with"),
        "draws": (1, 10**7, DRAWS, "draws of each chain to keep"),
    }
    for name, (least, most, default, meaning) in counts.items():
        number = _whole_number(least, most)
        text = f"{meaning} (%(default)s)"
        report.add_argument(f"--{name}", type=number, default=default, metavar="N", help=text)
    report.add_argument(
        "--target-accept",
        type=_share,
        default=TARGET_ACCEPT,
        metavar="P",
        help="higher is slower, safer (%(default)s)",
    )
    report.add_argument("--quiet", action="store_true", help="show no progress")
    # `qvr run --report` has the sampler's other settings.
    report.set_defaults(
        thin=1,
        max_tree_depth=None,
        algorithm=ALGORITHMS[0],
        mass_matrix=MASS_MATRICES[0],
        init=STARTS[0],
        engine=ENGINE,
        reparameterize=REPARAMETERIZATION,
    )


def _runs(commands: Any) -> None:
    runs = _command(
        commands,
        "runs",
        "[list | show RUN… | export RUN… | remove RUN…] [options]",
        "list, show, export and remove saved runs",
        "qvr runs show latest",
        "RUN is a run's name, the beginning of one that no other has, or latest. A run is\n"
        "exported as netCDF for ArviZ, into its own folder or with -o into FILE.",
    )
    actions = ("list", "show", "export", "remove")
    runs.add_argument("action", nargs="?", choices=actions, default="list", help=argparse.SUPPRESS)
    runs.add_argument("runs", nargs="*", metavar="RUN", help=argparse.SUPPRESS)
    runs.add_argument(
        "-o", "--output", type=_path, metavar="FILE", help="a file, .nc, or a folder for several runs"
    )
    either = runs.add_mutually_exclusive_group()
    either.add_argument("--all", action="store_true", help="every run, instead of names")
    either.add_argument(
        "--older-than", type=_days, metavar="DAYS", help="runs that began longer ago, instead of names"
    )
    _add_json(runs)


def _compare(commands: Any) -> None:
    compare = _command(
        commands,
        "compare",
        "A B [options]",
        "lay two saved runs side by side",
        "qvr compare eight_schools-3f9c01ab latest",
        "It tells how far each quantity moved, in sds with its Monte Carlo error, and,\n"
        "where both observe the same data, which predicts better by leave-one-out.",
    )
    for name in ("a", "b"):
        compare.add_argument(name, metavar=name.upper(), help="a run's name, its beginning, or latest")
    _add_json(compare)


def _sbc(commands: Any) -> None:
    sbc = _command(
        commands,
        "sbc",
        "FILE [options]",
        "check that a program's posteriors are right, by data of its own",
        "qvr sbc model.qvr --replicates 500 --output ecdf.svg",
        "It draws latents from the prior and data from the program, fits each data set,\n"
        "and ranks the true latents among the draws. By chance, 1 right program of 100\n"
        "fails. Exit status: 0 calibrated, 1 not, 130 interrupted, with what was done.",
    )
    _add_model_and_data(sbc, "inputs that are not simulated (model.data.* beside it)")
    counts = {
        "replicates": (2, 10**6, 200, "data sets to simulate and fit"),
        "draws": (9, 10**5, 99, "draws that rank the truth in each"),
        "seed": (0, 2**63 - 1, 0, "the same seed gives the same ranks"),
    }
    for name, (least, most, default, meaning) in counts.items():
        text = f"{meaning} (%(default)s)"
        sbc.add_argument(
            f"--{name}", type=_whole_number(least, most), default=default, metavar="N", help=text
        )
    sbc.add_argument("--threads", type=_whole_number(1, 256), metavar="N", help="fits at a time (all cores)")
    sbc.add_argument(
        "--output", type=_path, metavar="FILE", help="an SVG picture of the ranks' ECDFs in their band"
    )
    sbc.add_argument("--quiet", action="store_true", help="show no progress")
    _add_json(sbc)


def _prior(commands: Any) -> None:
    prior = _command(
        commands,
        "prior",
        "FILE [options]",
        "draw from a program's prior, and what it would observe",
        "qvr prior model.qvr --draws 500",
    )
    _add_model_and_data(prior, "inputs that are not observed (model.data.* beside it)")
    prior.add_argument(
        "--draws", type=_whole_number(1, 10**6), metavar="N", help="draws to take (1000; fewer of many rows)"
    )
    prior.add_argument(
        "--seed",
        type=_whole_number(0, 2**63 - 1),
        default=0,
        metavar="N",
        help="the same seed gives the same draws (%(default)s)",
    )
    prior.add_argument(
        "--site", action="append", metavar="NAME", help="show this let too, though it has many numbers"
    )
    _add_json(prior)


def _fmt(commands: Any) -> None:
    fmt = _command(
        commands, "fmt", "FILE… [options]", "write programs in the canonical layout", "qvr fmt models/"
    )
    fmt.add_argument(
        "files",
        nargs="+",
        type=_path,
        metavar="FILE",
        help="a .qvr file, a folder of them, or - to read standard input and write standard output",
    )
    fmt.add_argument("--check", action="store_true", help="write nothing; tell which files would change")
    fmt.add_argument("--diff", action="store_true", help="write nothing; show what would change")


def _explain(commands: Any) -> None:
    explain = _command(
        commands,
        "explain",
        "[CODE | WORD | FILE --kernel [options]]",
        "tell what a code or a word means, or how a program is computed",
        "qvr explain QVR401; qvr explain StudentT",
    )
    explain.add_argument(
        "code",
        nargs="?",
        metavar="NAME",
        help="a code, such as QVR401 or QVR4xx, a distribution, a function or another word; or a list: "
        "distributions, functions, language; without it, all codes",
    )
    explain.add_argument(
        "--kernel",
        action="store_true",
        help="print the source of the kernel that computes the log density of a .qvr file's program",
    )
    add_data(explain, "with --kernel: by default, model.data.* beside model.qvr if there is one")
    explain.add_argument(
        "--program", metavar="NAME", help="with --kernel: by default, the exported one, else the last"
    )


def _plate(commands: Any) -> None:
    plate = _command(
        commands,
        "plate",
        "FILE [options]",
        "draw a program's plate diagram",
        "qvr plate model.qvr -o model.svg",
    )
    plate.add_argument("file", type=_path, metavar="FILE", help="a .qvr file, or - for standard input")
    plate.add_argument("--program", metavar="NAME", help="by default, the exported one, else the last")
    plate.add_argument(
        "--format",
        choices=("svg", "dot", "mermaid", "text"),
        metavar="FORM",
        help="svg, dot, mermaid or text; by default what the ending of -o says, else text",
    )
    plate.add_argument(
        "-o",
        "--output",
        type=_path,
        metavar="FILE",
        help="a file to write, by its ending .svg, .dot, .mmd or .txt",
    )


def _predict(commands: Any) -> None:
    predict = _command(
        commands,
        "predict",
        "[FILE] --new FILE [options]",
        "predict new data from a posterior",
        "qvr predict model.qvr --new new.csv -o predicted.csv",
        "It samples FILE, or takes a saved run: qvr predict --run latest --new new.csv",
    )
    predict.add_argument("file", nargs="?", type=_path, metavar="FILE", help="a .qvr file to sample")
    add_data(predict, "the data to fit (model.data.* beside it)")
    predict.add_argument(
        "--new",
        action="append",
        type=_path,
        required=True,
        metavar="FILE",
        help="what to predict for, without the outcome",
    )
    predict.add_argument("--run", metavar="RUN", help="predict from a saved run, by its name or latest")
    predict.add_argument("--program", metavar="NAME", help="by default, the exported one, else the last")
    predict.add_argument(
        "--elements",
        action="append",
        type=_elements,
        default=[],
        metavar="OBJECT=HOW",
        help="without names: all new, or further than the fit's",
    )
    predict.add_argument("--site", action="append", metavar="NAME", help="by default, what is observed")
    counts = {
        "seed": (0, 2**63 - 1, 0, "the same seed gives the same predictions"),
        "chains": (1, 1024, CHAINS, "chains side by side"),
        "warmup": (0, 10**7, WARMUP, "draws of each chain to adapt with"),
        "draws": (1, 10**7, DRAWS, "draws of each chain to keep"),
    }
    for name, (least, most, default, meaning) in counts.items():
        text = f"{meaning} (%(default)s)"
        number = _whole_number(least, most)
        predict.add_argument(f"--{name}", type=number, default=default, metavar="N", help=text)
    predict.add_argument(
        "--samples", type=_whole_number(1, 10**7), metavar="N", help="predictions to draw (one a draw)"
    )
    predict.add_argument(
        "--target-accept", type=_share, default=TARGET_ACCEPT, metavar="P", help=argparse.SUPPRESS
    )
    predict.add_argument(
        "--format", choices=("text", "csv", "json"), default="text", metavar="FORM", help="text, csv or json"
    )
    predict.add_argument(
        "-o", "--output", type=_path, metavar="FILE", help="a .csv, .json, .npz or .parquet file"
    )
    predict.add_argument("--draws-output", type=_path, metavar="FILE", help="an .npz file for all draws")
    predict.add_argument("--quiet", action="store_true", help="show no progress")


def _new(commands: Any) -> None:
    new = _command(
        commands,
        "new",
        "[TEMPLATE] [NAME] [options]",
        "start a model from a template, with simulated data",
        "qvr new hierarchical schools",
        "It writes NAME.qvr and NAME.data.csv, and never over a file that is there.",
    )
    new.add_argument("template", nargs="?", metavar="TEMPLATE", help="without it, the templates are listed")
    new.add_argument("name", nargs="?", metavar="NAME", help="the file to write; by default, the template's")
    seed = _whole_number(0, 2**63 - 1)
    new.add_argument("--seed", type=seed, default=0, metavar="N", help="that of the data (%(default)s)")


def _completion(commands: Any) -> None:
    completion = _command(
        commands,
        "completion",
        "SHELL",
        "print a script that completes qvr in a shell",
        "qvr completion fish > ~/.config/fish/completions/qvr.fish",
        'bash: eval "$(qvr completion bash)" in ~/.bashrc; zsh: after compinit',
    )
    completion.add_argument(
        "shell", choices=("bash", "zsh", "fish"), metavar="SHELL", help="bash, zsh or fish"
    )


def _lsp(commands: Any) -> None:
    lsp = _command(
        commands, "lsp", "[options]", "serve an editor over standard input and output", "qvr lsp --stdio"
    )
    lsp.add_argument("--stdio", action="store_true", help="the way editors ask for it; it is the only one")


def _version(commands: Any) -> None:
    _command(commands, "version", "", "print the versions of QVR and Python", "qvr version")


COMMANDS: Mapping[str, Callable[[Any], None]] = {
    "check": _check,
    "run": _run,
    "report": _report,
    "runs": _runs,
    "compare": _compare,
    "sbc": _sbc,
    "prior": _prior,
    "fmt": _fmt,
    "explain": _explain,
    "plate": _plate,
    "predict": _predict,
    "new": _new,
    "completion": _completion,
    "lsp": _lsp,
    "version": _version,
}
