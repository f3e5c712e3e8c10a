"""Editors that colour by text alone know exactly the language's words, and leave no character out."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from quivers.check.objects import CONSTRUCTORS
from quivers.ide.completion_symbols import SYMBOLS
from quivers.ide.vocabulary import EFFECTS
from quivers.syntax.reading import DECLARATION_KEYWORDS, EXPRESSION_KEYWORDS, KEYWORDS, STEP_KEYWORDS
from qvr_server import commands_arguments
from qvr_server.commands import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
EDITORS = ROOT / "editors"
SUBLIME = (EDITORS / "sublime/QVR.sublime-syntax").read_text("utf-8")
RULE = re.compile(r"^    - match: (.*)\n((?:      .*\n)*)", re.MULTILINE)


def rules() -> list[tuple[re.Pattern[str], str]]:
    """The rules of Sublime's main context: a pattern with what it sets."""
    variables = {
        found[1]: found[2].strip("'")
        for found in re.finditer(r"^  (name|space): (.*)$", SUBLIME, re.MULTILINE)
    }
    main = SUBLIME[SUBLIME.index("  main:\n") : SUBLIME.index("  documentation:\n")]
    found = []
    for rule in RULE.finditer(main):
        pattern = re.sub(r"\{\{(\w+)\}\}", lambda each: variables[each[1]], rule[1].strip("'"))
        # Python's letters and digits, for which the engine of Sublime has classes.
        pattern = pattern.replace(r"[\p{L}_][\p{L}\p{M}\p{N}_]*", r"[^\W\d]\w*")
        found.append((re.compile(pattern), rule[2]))
    return found


def emacs_list(name: str) -> set[str]:
    text = (EDITORS / "emacs/qvr-mode.el").read_text("utf-8")
    found = re.search(rf"\(defconst {name} '\(([^)]*)\)", text)
    assert found is not None
    return set(re.findall(r'"(\w+)"', found[1]))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("qvr-declaration-keywords", DECLARATION_KEYWORDS),
        ("qvr-step-keywords", STEP_KEYWORDS),
        ("qvr-expression-keywords", EXPRESSION_KEYWORDS),
        ("qvr-effects", tuple(EFFECTS)),
    ],
)
def test_emacs_knows_the_words(name: str, words: tuple[str, ...]) -> None:
    assert emacs_list(name) == set(words)


def coloured(text: str) -> list[tuple[str, str]]:
    """The pieces of a text with what Sublime would set for each; comments are one piece."""
    pieces, at, known = [], 0, rules()
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        found = next(((match, sets) for rule, sets in known if (match := rule.match(text, at))), None)
        assert found is not None, f"no rule takes {text[at : at + 20]!r}"
        match, sets = found
        end = match.end()
        if "push:" in sets:
            end = len(text) if (stop := text.find("\n", at)) < 0 else stop
        pieces.append((text[at:end], sets))
        at = end
    return pieces


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*/[!.]*.qvr")), ids=lambda path: path.stem)
def test_sublime_colours_all_of_a_model(path: Path) -> None:
    assert len(coloured(path.read_text("utf-8"))) > 20


def test_sublime_knows_the_words() -> None:
    def scope(word: str) -> str:
        [(_, sets)] = coloured(word)
        return sets.partition("scope: ")[2].split()[0]

    assert {word for word in KEYWORDS if not scope(word).startswith("keyword.")} == set()
    assert {scope(word) for word in CONSTRUCTORS} == {"storage.type.qvr"}
    assert {scope(word) for word in EFFECTS} == {"constant.language.qvr"}
    assert {scope(word) for word in ("samples", "Realm", "θ", "_in")} == {"variable.other.qvr"}


def test_sublime_tells_documentation_from_comments() -> None:
    pushed = [sets.partition("push: ")[2].strip() for _, sets in coloured("## a\n# b\n### c")]
    assert pushed == ["documentation", "comment", "comment"]


def test_the_editors_call_the_server_and_the_language_alike() -> None:
    helix = tomllib.loads((EDITORS / "helix/languages.toml").read_text("utf-8"))
    [language] = helix["language"]
    assert (language["name"], language["scope"], language["file-types"]) == ("qvr", "source.qvr", ["qvr"])
    assert helix["language-server"]["qvr-lsp"]["command"] == "qvr-lsp"
    assert language["language-servers"] == ["qvr-lsp"]
    zed = tomllib.loads((EDITORS / "zed/extension.toml").read_text("utf-8"))
    config = tomllib.loads((EDITORS / "zed/languages/qvr/config.toml").read_text("utf-8"))
    assert zed["schema_version"] == 1
    assert zed["language_servers"]["qvr"]["languages"] == [config["name"]]
    assert config["grammar"] in zed["grammars"]
    assert 'worktree.which("qvr-lsp")' in (EDITORS / "zed/src/lib.rs").read_text("utf-8")
    commented = (EDITORS / "sublime/LSP-qvr.sublime-settings").read_text("utf-8")
    client = json.loads(re.sub(r"^//.*$", "", commented, flags=re.MULTILINE))["clients"]["qvr"]
    assert (client["command"], client["selector"]) == (["qvr-lsp"], "source.qvr")


def test_signs_have_the_same_names_in_all_editors() -> None:
    def read(path: str) -> str:
        return (EDITORS / path).read_text("utf-8")

    emacs = dict(re.findall(r'\("\\\\(\w+)" \?(.)\)', read("emacs/qvr-input.el")))
    [table] = re.findall(r"local signs = \{(.*)\}", read("neovim/ftplugin/qvr.lua"))
    neovim = dict(re.findall(r"(\w+) = '(.)'", table))
    listed = json.loads(read("sublime/QVR.sublime-completions"))["completions"]
    sublime = {each["trigger"].removeprefix("\\"): each["contents"] for each in listed}
    assert json.loads(read("vscode/src/symbols.json")) == SYMBOLS
    signs = {"otimes", "to", "gets", "ne", "le", "ge"}
    for known in (emacs, neovim, sublime):
        assert signs <= set(known)
        assert {name: sign for name, sign in known.items() if SYMBOLS.get(name, sign) != sign} == {}


def test_sublime_gives_commands_as_the_server_takes_them() -> None:
    listed = json.loads((EDITORS / "sublime/QVR.sublime-commands").read_text("utf-8"))
    assert {each["args"]["session_name"] for each in listed} == {"qvr"}
    for each in listed:
        name, uri = each["args"]["command_name"], "file:///schools.qvr"
        given = [{"$file_uri": uri}[argument] for argument in each["args"]["command_args"]]
        assert name in COMMANDS
        assert commands_arguments.read(name, given) == {"uri": uri}


def test_zed_runs_a_program_as_the_command_line_takes_it(capsys: pytest.CaptureFixture[str]) -> None:
    from quivers.cli import main

    [task] = json.loads((EDITORS / "zed/languages/qvr/tasks.json").read_text("utf-8"))
    model = str(ROOT / "examples/eight_schools/centred.qvr")
    values = {"$ZED_FILE": model, "$ZED_CUSTOM_program": "no_such_program"}
    assert task["command"] == "qvr"
    assert main([values.get(argument, argument) for argument in task["args"]]) == 2
    assert "centred.qvr has no program `no_such_program`" in capsys.readouterr().err
