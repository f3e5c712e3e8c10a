"""`qvr completion`: scripts by which bash, zsh and fish complete commands, options, values, files and runs.

They are written from the command's own parser, so they know what it knows; a shell that completes starts no
Python.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from quivers.cli.arguments import parser
from quivers.cli.output import CLEAN, say
from quivers.codes import CODES, FAMILIES
from quivers.records import record
from quivers.templates import TEMPLATES

MODELS, FILES, RUNS, MODELS_AND_CODES, MODELS_AND_RUNS, NOTHING = (
    "models", "files", "runs", "models and codes", "models and runs", "nothing",
)  # fmt: skip
# Positional arguments that name a model; other files go by their metavar.
_MODEL_ARGUMENTS = ("file", "files")
_RUN_ARGUMENTS = ("runs", "a", "b", "run", "resume")
_CODES = " ".join((*FAMILIES, *CODES))


@record
class _Option:
    """An option's spellings; what its value may be, None where it takes none; and its help."""

    names: tuple[str, ...]
    value: tuple[str, ...] | str | None
    about: str


@record
class _Command:
    """A subcommand: `places` has what stands in each place, the last one for all that follow."""

    name: str
    about: str
    options: tuple[_Option, ...]
    places: tuple[tuple[str, ...] | str, ...]


def completion(options: argparse.Namespace) -> int:
    """Print the script for a shell."""
    write = {"bash": _bash, "zsh": _zsh, "fish": _fish}[options.shell]
    say(sys.stdout, write(tuple(_commands())))
    return CLEAN


def _commands() -> Iterator[_Command]:
    [subparsers] = [each for each in parser()._actions if isinstance(each, argparse._SubParsersAction)]
    abouts = {each.dest: each.help or "" for each in subparsers._choices_actions}
    for name, own in subparsers.choices.items():
        options, places, many = [], [], False
        for action in own._actions:
            if action.option_strings:
                about = "show help" if action.help in (None, argparse.SUPPRESS) else _expanded(action)
                value = None if action.nargs == 0 else _values(action)
                options.append(_Option(tuple(action.option_strings), value, about))
            else:
                places.append(_values(action))
                many = action.nargs in ("*", "+")
        last = () if many else (NOTHING,)
        yield _Command(name, abouts.get(name, ""), tuple(options), (*places, *last))


def _values(action: argparse.Action) -> tuple[str, ...] | str:
    if action.choices is not None:
        return tuple(str(choice) for choice in action.choices)
    if action.dest == "template":
        return tuple(TEMPLATES)
    if not action.option_strings and action.dest in _MODEL_ARGUMENTS:
        return MODELS_AND_RUNS if "saved run" in (action.help or "") else MODELS
    if action.dest == "code":
        return MODELS_AND_CODES
    if action.dest in _RUN_ARGUMENTS:
        return RUNS
    metavar = action.metavar if isinstance(action.metavar, str) else ""
    return FILES if "FILE" in metavar else NOTHING


def _expanded(action: argparse.Action) -> str:
    return (action.help or "").replace("%(default)s", str(action.default)).replace("%%", "%")


def _bash(commands: tuple[_Command, ...]) -> str:
    cases = []
    for command in commands:
        values = [
            f"        {'|'.join(option.names)}) {_bash_values(option.value)}; return ;;"
            for option in command.options
            if option.value is not None
        ]
        switches = " ".join(name for option in command.options for name in option.names)
        places = [
            f"        {place}) {_bash_values(value)} ;;" for place, value in enumerate(command.places[:-1])
        ]
        places.append(f"        *) {_bash_values(command.places[-1])} ;;")
        cases.append(
            "\n".join(
                [
                    f"    {command.name})",
                    f"      case $before in\n{chr(10).join(values)}\n      esac" if values else "      :",
                    f'      case $word in -*) _qvr_words "{switches}"; return ;; esac',
                    f"      case $place in\n{chr(10).join(places)}\n      esac ;;",
                ]
            )
        )
    valued = "|".join(
        sorted(
            {
                name
                for each in commands
                for option in each.options
                if option.value is not None
                for name in option.names
            }
        )
    )
    return _BASH.format(
        names=" ".join(each.name for each in commands), valued=valued or "--", cases="\n".join(cases)
    )


def _bash_values(value: tuple[str, ...] | str | None) -> str:
    ways = {
        MODELS: "_qvr_files '!*.qvr'",
        FILES: "_qvr_files ''",
        RUNS: "_qvr_runs",
        MODELS_AND_CODES: f"_qvr_words '{_CODES}'; _qvr_files '!*.qvr'",
        MODELS_AND_RUNS: "_qvr_runs; _qvr_files '!*.qvr'",
    }
    if isinstance(value, str) and value in ways:
        return ways[value]
    return ":" if value in (NOTHING, None) else f'_qvr_words "{" ".join(value or ())}"'


# bash 3.2, which macOS has, knows neither compopt nor mapfile.
_BASH = """\
# Completion of qvr for bash; `eval "$(qvr completion bash)"` loads it.
_qvr_words() {{
  local each
  while IFS= read -r each; do COMPREPLY+=("$each"); done < <(compgen -W "$1" -- "$word")
}}
_qvr_files() {{
  local each
  while IFS= read -r each; do
    case ${{word##*/}}/${{each##*/}} in .*/*) ;; */.*) continue ;; esac  # hidden files where a dot is typed
    COMPREPLY+=("$each")
  done < <(
    {{ compgen -f -X "$1" -- "$word"; compgen -d -- "$word"; }} | sort -u
  )
}}
_qvr_runs() {{
  local each names=latest
  for each in "${{QVR_RUNS_DIR:-.qvr/runs}}"/*/; do
    each=${{each%/}}
    [ -d "$each" ] && names="$names ${{each##*/}}"
  done
  _qvr_words "$names"
}}
_qvr() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} command=${{COMP_WORDS[1]}}
  local place=0 at
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    _qvr_words "{names} --help --version"
    return
  fi
  if [ "$word" = "=" ]; then
    word=
  elif [ "$before" = "=" ]; then  # bash takes --engine=ke for three words
    before=${{COMP_WORDS[COMP_CWORD-2]}}
  fi
  for ((at = 2; at < COMP_CWORD; at++)); do
    case ${{COMP_WORDS[at]}} in
      {valued}) [ "${{COMP_WORDS[at+1]}}" = "=" ] && at=$((at + 2)) || at=$((at + 1)) ;;
      -?*) ;;
      *) place=$((place + 1)) ;;
    esac
  done
  case $command in
{cases}
  esac
}}
complete -o filenames -F _qvr qvr"""


def _zsh(commands: tuple[_Command, ...]) -> str:
    described = " ".join(_quoted(f"{each.name}:{each.about}") for each in commands)
    cases = []
    for command in commands:
        specs = []
        for option in command.options:
            about = _zsh_escaped(option.about)
            value = "" if option.value is None else f":value:{_zsh_values(option.value)}"
            specs += [
                _quoted(f"*{name}{'=' if value and name.startswith('--') else ''}[{about}]{value}")
                for name in option.names
            ]
        places = [
            f"{number}:argument:{_zsh_values(value)}" for number, value in enumerate(command.places[:-1], 1)
        ]
        specs += [_quoted(place) for place in places]
        if command.places[-1] != NOTHING:
            specs.append(_quoted(f"*:argument:{_zsh_values(command.places[-1])}"))
        cases.append(f"    {command.name}) _arguments -s {' '.join(specs)} ;;")
    return _ZSH.format(described=described, cases="\n".join(cases))


def _zsh_values(value: tuple[str, ...] | str) -> str:
    ways = {
        MODELS: '_files -g "*.qvr"',
        FILES: "_files",
        RUNS: "_qvr_runs",
        MODELS_AND_CODES: f'_alternative "codes:code:({_CODES})" "files:model:_files -g \\*.qvr"',
        MODELS_AND_RUNS: '_alternative "runs:run:_qvr_runs" "files:model:_files -g \\*.qvr"',
    }
    if isinstance(value, str) and value in ways:
        return ways[value]
    return " " if value == NOTHING else f"({' '.join(value)})"


def _zsh_escaped(text: str) -> str:
    for sign in "\\[]:":
        text = text.replace(sign, f"\\{sign}")
    return text


_ZSH = """\
#compdef qvr
# Completion of qvr for zsh; `eval "$(qvr completion zsh)"` behind compinit loads it.
_qvr_runs() {{
  local -a names=(latest ${{QVR_RUNS_DIR:-.qvr/runs}}/*(N/:t))
  compadd -a names
}}
_qvr() {{
  local -a commands=({described})
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=${{words[2]}}
  words=("${{words[1]}}" "${{(@)words[3,-1]}}")
  (( CURRENT-- ))
  case $command in
{cases}
  esac
}}
compdef _qvr qvr"""


_FISH_RUNS = "'latest (__qvr_runs)'"


def _fish(commands: tuple[_Command, ...]) -> str:
    lines = [
        "# Completion of qvr for fish; save it as ~/.config/fish/completions/qvr.fish",
        "complete -c qvr -f",
        "function __qvr_runs",
        "    set -l folder .qvr/runs",
        "    set -q QVR_RUNS_DIR; and set folder $QVR_RUNS_DIR",
        "    for each in $folder/*/",
        "        string replace -r '.*/' '' -- (string trim -r -c / -- $each)",
        "    end",
        "end",
    ]
    for command in commands:
        lines.append(
            f"complete -c qvr -n __fish_use_subcommand -a {command.name} -d {_fish_quoted(command.about)}"
        )
        within = f"complete -c qvr -n '__fish_seen_subcommand_from {command.name}'"
        for option in command.options:
            names = " ".join(
                f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names
            )
            lines.append(f"{within} {names}{_fish_values(option.value)} -d {_fish_quoted(option.about)}")
        for value in dict.fromkeys(command.places):
            if value in (MODELS, MODELS_AND_CODES, MODELS_AND_RUNS):
                lines.append(f"{within} -k -a '(__fish_complete_suffix .qvr)'")
            if value in (RUNS, MODELS_AND_RUNS):
                lines.append(f"{within} -a {_FISH_RUNS}")
            if value == MODELS_AND_CODES:
                lines.append(f"{within} -a {_fish_quoted(_CODES)}")
            elif isinstance(value, tuple):
                words = " ".join(value)
                once = f"; and not __fish_seen_subcommand_from {words}" if len(command.places) > 1 else ""
                lines.append(f"{within.removesuffix(chr(39))}{once}' -a {_fish_quoted(words)}")
    return "\n".join(lines)


def _fish_values(value: tuple[str, ...] | str | None) -> str:
    if value is None:
        return ""
    if value in (FILES, MODELS):
        return " -r -F"
    if value == RUNS:
        return f" -x -a {_FISH_RUNS}"
    return " -x" if value == NOTHING else f" -x -a {_fish_quoted(' '.join(value))}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
