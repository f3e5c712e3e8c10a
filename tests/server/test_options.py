"""The options of a client: what is taken, what is refused and how, and what editors are told of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from in_process import Client

from qvr_server import options
from qvr_server.commands import COMMANDS
from qvr_server.options import LARGEST_SEED, Options, RunOptions, WorkerOptions

URI = "file:///models/schools.qvr"
SCHOOLS = """\
object School : FinSet 8
program schools : School -> School
    sample theta : School <- Normal(0.0, 5.0)
    observe y : School <- Normal(theta, 10.0)
    return theta
"""


def test_options_are_read_in_camel_case_inside_the_section_or_out_of_it() -> None:
    expected = Options(worker=WorkerOptions(warm=False), run=RunOptions(target_accept=0.95))
    settings = {"worker": {"warm": False}, "run": {"targetAccept": 0.95}}
    assert options.read(settings) == (expected, ())
    assert options.read({"qvr": settings}) == (expected, ())
    assert options.read({"qvr": None}) == options.read(None) == (Options(), ())


def test_an_empty_list_is_no_setting_since_neovim_sends_an_empty_table_so() -> None:
    assert options.read([]) == options.read({"qvr": []}) == (Options(), ())
    assert options.read({"run": []}) == (Options(), ())


@pytest.mark.parametrize(
    ("settings", "warning"),
    [
        (
            {"run": {"chains": "four"}},
            'The setting qvr.run.chains must be a whole number from 1 to 1000, not "four"; 4 is used.',
        ),
        (
            {"run": {"draws": True}},
            "The setting qvr.run.draws must be a whole number of at least 1, not true; 1000 is used.",
        ),
        (
            {"run": {"draws": 0}},
            "The setting qvr.run.draws must be a whole number of at least 1, not 0; 1000 is used.",
        ),
        (
            {"run": {"targetAccept": 1}},
            "The setting qvr.run.targetAccept must be a number between 0 and 1, not 1; 0.9 is used.",
        ),
        (
            {"run": {"seed": -1}},
            f"The setting qvr.run.seed must be a whole number from 0 to {LARGEST_SEED}, not -1;"
            " its default is used.",
        ),
        (
            {"run": {"algorithm": "gibbs"}},
            'The setting qvr.run.algorithm must be one of nuts, hmc, not "gibbs"; "nuts" is used.',
        ),
        ({"worker": {"warm": 1}}, "The setting qvr.worker.warm must be true or false, not 1; true is used."),
        ({"run": 3}, "The setting qvr.run must hold settings by name; its defaults are used."),
        ([3], "The setting qvr must hold settings by name; its defaults are used."),
        ({"qvr": 3}, "The setting qvr must hold settings by name; its defaults are used."),
        ({"liveInferrence": True}, "There is no setting qvr.liveInferrence; did you mean qvr.liveInference?"),
        (
            {"run": {"target_accept": 0.9}},
            "There is no setting qvr.run.target_accept; did you mean qvr.run.targetAccept?",
        ),
        ({"lens": {"colour": 1}}, "There is no setting qvr.lens.colour; qvr.lens has enable."),
    ],
)
def test_a_bad_option_is_warned_of_and_its_default_used(settings: Any, warning: str) -> None:
    assert options.read(settings) == (Options(), (warning,))


def test_a_bad_option_leaves_the_good_ones_beside_it() -> None:
    found, warnings = options.read({"run": {"chains": 0, "draws": 7.0}, "trusted": False})
    assert (found.run.chains, found.run.draws, found.trusted) == (4, 7, False)
    assert isinstance(found.run.draws, int)
    assert len(warnings) == 1


def test_settings_of_an_editor_s_own_are_left_alone() -> None:
    assert options.read({"path": ["qvr-lsp"], "interpreter": "python", "trace": {"server": "off"}}) == (
        Options(),
        (),
    )


def test_nothing_that_a_client_sends_raises() -> None:
    odd: list[Any] = [None, 1, "x", [], [1], {}, {"a": 1}, True, float("nan"), float("inf"), -1, 1e300]
    for name, schema in options.settings_by_name().items():
        for value in odd:
            settings: Any = value
            for part in reversed(name.split(".")[1:]):
                settings = {part: settings}
            found, warnings = options.read(settings)
            assert len(warnings) <= 1, (name, schema, value)
            assert warnings or found == Options() or value is not None


def test_the_schema_has_every_option_with_its_default_and_a_sentence() -> None:
    settings = options.settings_by_name()
    assert settings["qvr.run.targetAccept"] == {
        "type": "number",
        "exclusiveMinimum": 0,
        "exclusiveMaximum": 1,
        "default": 0.9,
        "description": "The acceptance that the step size is adapted to.",
    }
    assert settings["qvr.run.seed"]["type"] == ["integer", "null"]
    assert settings["qvr.run.engine"]["enum"] == ["auto", "kernel", "torch"]
    assert all(entry["description"].endswith(".") for entry in settings.values())
    assert options.json_schema()["additionalProperties"] is False
    names = {f"qvr.{name}" for name in ("liveInference", "trusted", "data.file", "lens.enable")}
    assert names <= settings.keys()


def test_the_schema_s_defaults_are_the_options_and_read_back_without_a_warning() -> None:
    assert options.read(options.plain(Options())) == (Options(), ())


def test_the_page_about_runs_lists_every_setting_with_its_default() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "editor-runs.md").read_text("utf-8")
    for name, entry in options.settings_by_name().items():
        [row] = [line for line in page.splitlines() if line.startswith(f"| `{name}` |")]
        assert f"| `{json.dumps(entry['default'])}` | {entry['description']} |" in row
    for command in COMMANDS:
        assert f"| `{command}` |" in page


# ------------------------------------------------------------------- in the server


@pytest.fixture
def client() -> Iterator[Client]:
    started = Client(
        capabilities={
            "workspace": {"codeLens": {"refreshSupport": True}, "inlayHint": {"refreshSupport": True}}
        }
    )
    started.open(URI, SCHOOLS)
    yield started
    started.close()


def lenses(client: Client) -> list[Any]:
    found: list[Any] = client.request("textDocument/codeLens", {"textDocument": {"uri": URI}})
    return found


def configure(client: Client, **settings: Any) -> list[dict[str, Any]]:
    before = len(client.sent)
    client.notify("workspace/didChangeConfiguration", {"settings": {"qvr": settings}})
    client.turn()
    return client.sent[before:]


def test_a_bad_option_is_shown_once(client: Client) -> None:
    first = configure(client, run={"chains": 0})
    assert [each["method"] for each in first if each["method"] == "window/showMessage"] != []
    again = configure(client, run={"chains": 0}, lens={"enable": False})
    assert [each["method"] for each in again if each["method"] == "window/showMessage"] == []


def test_a_changed_option_applies_at_once(client: Client) -> None:
    assert len(lenses(client)) == 1
    sent = configure(client, lens={"enable": False})
    assert {"workspace/codeLens/refresh", "workspace/inlayHint/refresh"} <= {each["method"] for each in sent}
    assert lenses(client) == []
    configure(client)
    assert len(lenses(client)) == 1
