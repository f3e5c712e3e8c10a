"""The extension's manifest and grammar beside what they mirror: the server's settings, commands and
tokens, and the language's words. Nothing of Node is needed."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from quivers.check.objects import CONSTRUCTORS
from quivers.ide.semantic_tokens import KINDS, MODIFIERS
from quivers.syntax.reading import DECLARATION_KEYWORDS, EXPRESSION_KEYWORDS, STEP_KEYWORDS
from qvr_server.commands import COMMANDS
from qvr_server.options import settings_by_name

EXTENSION = Path(__file__).resolve().parent.parent.parent / "editors/vscode"
MANIFEST: dict[str, Any] = json.loads((EXTENSION / "package.json").read_text(encoding="utf-8"))
CONTRIBUTES: dict[str, Any] = MANIFEST["contributes"]
GRAMMAR: dict[str, Any] = json.loads((EXTENSION / "syntaxes/qvr.tmLanguage.json").read_text(encoding="utf-8"))

# Settings of the extension alone, and the one that `initialize` tells, as settings may come with a workspace.
ITS_OWN = {"qvr.path", "qvr.trace.server"}
NOT_A_SETTING = {"qvr.trusted"}
EDITORS_OWN = {"scope", "order"}
# What the panel asks for, with a site that nobody could type.
FOR_A_VIEW = {"qvr.trace"}


def words(scope: str, part: str = "words") -> set[str]:
    """The words that a part of the grammar gives a scope."""
    patterns = GRAMMAR["repository"][part]["patterns"]
    [found] = [entry["match"] for entry in patterns if entry.get("name") == scope]
    inner = re.fullmatch(r"\(\?<!\[.*?\]\)\(\?:(.*)\)\(\?!\[.*?\]\)", found)
    assert inner is not None, found
    return set(inner[1].split("|"))


def test_each_setting_of_the_server_is_offered_with_its_rule_and_no_other_is() -> None:
    offered = CONTRIBUTES["configuration"]["properties"]
    expected = {name: rule for name, rule in settings_by_name().items() if name not in NOT_A_SETTING}
    mirrored = {
        name: {part: value for part, value in entry.items() if part not in EDITORS_OWN}
        for name, entry in offered.items()
        if name not in ITS_OWN
    }
    assert mirrored == expected


def test_each_command_of_the_server_that_people_give_is_in_the_palette() -> None:
    assert {entry["command"] for entry in CONTRIBUTES["commands"]} >= set(COMMANDS) - FOR_A_VIEW


def test_every_menu_and_key_names_a_command_that_is_declared() -> None:
    declared = {entry["command"] for entry in CONTRIBUTES["commands"]}
    menus = {entry["command"] for menu in CONTRIBUTES["menus"].values() for entry in menu}
    keys = {entry["command"] for entry in CONTRIBUTES["keybindings"]}
    assert menus | keys <= declared


def test_the_servers_own_modifiers_are_declared_and_every_scope_is_of_a_token_it_sends() -> None:
    standard = {"declaration", "readonly", "defaultLibrary", "documentation"}
    assert {entry["id"] for entry in CONTRIBUTES["semanticTokenModifiers"]} == set(MODIFIERS) - standard
    [scopes] = CONTRIBUTES["semanticTokenScopes"]
    for selector in scopes["scopes"]:
        kind, *modifiers = selector.split(".")
        assert kind in KINDS
        assert set(modifiers) <= set(MODIFIERS)


def test_the_grammar_knows_the_words_of_the_language_and_no_others() -> None:
    steps = words("keyword.other.step.qvr") | words("keyword.control.return.qvr")
    expressions = (
        words("keyword.control.conditional.qvr")
        | words("keyword.control.binder.qvr")
        | words("keyword.operator.word.qvr")
    )
    assert words("keyword.declaration.qvr") == set(DECLARATION_KEYWORDS)
    assert steps == set(STEP_KEYWORDS)
    assert expressions == set(EXPRESSION_KEYWORDS)
    assert words("support.type.qvr", "spaces") == set(CONSTRUCTORS)


def test_indentation_follows_words_of_the_language() -> None:
    rules = json.loads((EXTENSION / "language-configuration.json").read_text(encoding="utf-8"))
    indentation = rules["indentationRules"]
    more, less = (
        re.compile(indentation[name]) for name in ("increaseIndentPattern", "decreaseIndentPattern")
    )
    assert more.match("program f : School -> Real [effects=[Sample]]")
    assert more.match("    marginalize z : Row <- Bernoulli(p)")
    assert not more.match("    sample mu <- Normal(0.0, 5.0)")
    for keyword in DECLARATION_KEYWORDS:
        assert less.match(f"    {keyword} x")
    assert not less.match("    database <- Normal(0.0, 1.0)")


def test_what_could_start_a_program_of_the_workspace_is_restricted_until_it_is_trusted() -> None:
    capability = MANIFEST["capabilities"]["untrustedWorkspaces"]
    assert capability["supported"] == "limited"
    assert {"qvr.path", "qvr.liveInference"} <= set(capability["restrictedConfigurations"])


def test_the_manifest_names_files_that_are_there() -> None:
    named = [
        *(entry["path"] for entry in CONTRIBUTES["grammars"] + CONTRIBUTES["snippets"]),
        *(entry["configuration"] for entry in CONTRIBUTES["languages"]),
        *(path for entry in CONTRIBUTES["languages"] for path in entry["icon"].values()),
        *(step["media"]["markdown"] for entry in CONTRIBUTES["walkthroughs"] for step in entry["steps"]),
        MANIFEST["icon"],
    ]
    assert [path for path in named if not (EXTENSION / path).is_file()] == []


def test_every_snippet_that_is_a_whole_model_checks() -> None:
    from quivers.check.analysis import check_source

    snippets = json.loads((EXTENSION / "snippets/qvr.json").read_text(encoding="utf-8"))
    body = "\n".join(snippets["Model"]["body"]).replace("$0", "")
    text = re.sub(r"\$\{\d+:([^}]*)\}", r"\1", body)
    assert [
        found.message for found in check_source(text.encode()).diagnostics if found.severity.value == "error"
    ] == []


def test_a_folder_of_models_is_enough_for_the_test_explorer_to_list_its_programs() -> None:
    assert MANIFEST["activationEvents"] == ["workspaceContains:**/*.qvr"]
    source = (EXTENSION / "src/testing.ts").read_text(encoding="utf-8")
    assert "vscode.tests.createTestController" in source
    assert source.index("isTrusted") < source.index("createTestController")  # none before trust is given


def test_a_check_of_the_test_explorer_is_a_call_that_the_command_line_takes() -> None:
    from quivers.cli.arguments import parser

    source = (EXTENSION / "src/calibration.ts").read_text(encoding="utf-8")
    found = re.search(r"const asked = \[(.*?)\];", source)
    assert found is not None
    given = [part.strip().strip("'") for part in found[1].split(",")]
    options = parser(given).parse_args(given)
    assert (options.command, options.file, options.program, options.output_format) == (
        "sbc",
        "file",
        "program",
        "json",
    )


def test_what_the_test_explorer_reads_of_a_study_is_what_it_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from quivers.cli import main

    source = (EXTENSION / "src/calibration.ts").read_text(encoding="utf-8")
    fields = {
        name: set(re.findall(r"^  (\w+):", body, re.MULTILINE))
        for name, body in re.findall(
            r"interface (Study|Quantity) \{\n(.*?)^\}", source, re.MULTILINE | re.DOTALL
        )
    }
    model = tmp_path / "model.qvr"
    model.write_text(
        "program f : Real -> Real\n    sample mu <- Normal(0.0, 1.0)\n    observe y <- Normal(mu, 1.0)\n"
        "    return y\n"
    )
    main(["sbc", str(model), "--json", "--quiet", "--replicates", "5", "--draws", "9"])
    study = json.loads(capsys.readouterr().out)
    assert fields["Study"] <= set(study)
    assert fields["Quantity"] <= set(study["quantities"][0])
