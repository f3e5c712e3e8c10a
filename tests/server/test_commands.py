"""Commands: which there are, what each takes, and what is said of wrong arguments."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

import pytest
from in_process import Answered, Client

from qvr_server.commands import COMMANDS
from qvr_server.commands_arguments import TAKES, read, run_settings
from qvr_server.options import RunOptions

URI = "file:///models/schools.qvr"
SCHOOLS = """\
object School : FinSet 8
program schools : School -> School
    sample theta : School <- Normal(0.0, 5.0)
    observe y : School <- Normal(theta, 10.0)
    return theta
"""


def test_a_run_takes_a_uri_alone_and_then_the_options() -> None:
    arguments = read("qvr.run", ["file:///m.qvr"])
    assert arguments == {"uri": "file:///m.qvr"}
    settings = run_settings(arguments, RunOptions(chains=2, draws=50))
    assert settings == {
        **{"chains": 2, "warmup": 1000, "draws": 50, "target_accept": 0.9, "thin": 1},
        **{"algorithm": "nuts", "mass_matrix": "diagonal", "engine": "auto", "init": "uniform"},
        **{"reparameterize": "auto"},
    }


def test_a_run_takes_its_arguments_by_name_and_null_is_no_argument() -> None:
    given = {"uri": "u", "program": "p", "data": {"y": [1]}, "seed": 3, "targetAccept": 0.95, "chains": None}
    arguments = read("qvr.run", [given])
    assert (arguments["program"], arguments["data"]) == ("p", {"y": [1]})
    settings = run_settings(arguments, RunOptions(seed=1))
    assert (settings["seed"], settings["target_accept"], settings["chains"]) == (3, 0.95, 4)


def test_a_depth_of_trees_in_the_options_does_not_keep_hmc_from_running() -> None:
    arguments = read("qvr.run", [{"uri": "u", "algorithm": "hmc"}])
    assert "max_tree_depth" not in run_settings(arguments, RunOptions(max_tree_depth=8))


@pytest.mark.parametrize(
    ("command", "arguments", "sentence"),
    [
        ("qvr.run", None, 'qvr.run needs the model\'s URI: {"uri": …}, or the URI alone.'),
        ("qvr.run", [], 'qvr.run needs the model\'s URI: {"uri": …}, or the URI alone.'),
        ("qvr.run", [{"program": "p"}], 'qvr.run needs the model\'s URI: {"uri": …}, or the URI alone.'),
        ("qvr.run", [3], "qvr.run takes one object with its values by name, not 3."),
        ("qvr.run", ["u", "v"], "qvr.run takes one argument, an object with its values by name."),
        (
            "qvr.run",
            [{"uri": "u", "program": 1}],
            "qvr.run: `program` must be a program's name, not 1.",
        ),
        (
            "qvr.run",
            [{"uri": "u", "data": 1}],
            "qvr.run: `data` must be a file's path, or the values by name, not 1.",
        ),
        (
            "qvr.run",
            [{"uri": "u", "chains": 0}],
            "qvr.run: `chains` must be a whole number from 1 to 1000, not 0.",
        ),
        (
            "qvr.run",
            [{"uri": "u", "chain": 1}],
            "qvr.run has no argument called chain; did you mean chains?",
        ),
        (
            "qvr.cancelRun",
            [{"everything": True}],
            "qvr.cancelRun has no argument called everything; it takes uri, program.",
        ),
        ("qvr.debugInfo", [{"all": True}], "qvr.debugInfo takes no arguments."),
        (
            "qvr.restartWorker",
            ["now"],
            'qvr.restartWorker takes one object with its values by name, not "now".',
        ),
        (
            "qvr.priorPredictive",
            [{"uri": "u", "draws": 2.5}],
            "qvr.priorPredictive: `draws` must be a whole number of at least 1, not 2.5.",
        ),
    ],
)
def test_wrong_arguments_are_refused_in_a_sentence(command: str, arguments: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        read(command, arguments)


def test_every_command_says_what_it_takes() -> None:
    assert TAKES.keys() == COMMANDS.keys()


def test_no_arguments_raise_anything_but_a_sentence() -> None:
    odd: list[Any] = [
        None,
        1,
        "x",
        [],
        [1],
        {},
        {"uri": 1},
        {"uri": None},
        {"": 1},
        True,
        1e300,
        {"data": []},
    ]
    for command in COMMANDS:
        for first in odd:
            with contextlib.suppress(ValueError):
                read(command, [first])


# ------------------------------------------------------------------- in the server


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    started = Client()
    started.open(URI, SCHOOLS)
    yield started
    started.close()


def execute(client: Client, command: str, *arguments: Any) -> Any:
    return client.request("workspace/executeCommand", {"command": command, "arguments": list(arguments)})


def refusal(client: Client, command: str, *arguments: Any) -> str:
    with pytest.raises(Answered) as refused:
        execute(client, command, *arguments)
    return str(refused.value)


def test_initialize_lists_the_commands(client: Client) -> None:
    listed = client.initialized["capabilities"]["executeCommandProvider"]["commands"]
    assert set(COMMANDS) <= set(listed)


def test_an_unknown_command_is_an_error_that_names_it(client: Client) -> None:
    assert refusal(client, "qvr.walk") == "There is no command qvr.walk."


def test_what_needs_a_result_says_so_when_there_is_none(client: Client) -> None:
    for command in ("qvr.openReport", "qvr.showResult"):
        assert refusal(client, command, URI) == "There is no result of schools yet: run it first."


def test_debug_info_tells_of_versions_options_documents_and_the_worker(client: Client) -> None:
    info = execute(client, "qvr.debugInfo")
    assert {"versions", "python", "platform", "options", "documents", "worker", "errors"} <= info.keys()
    assert info["versions"]["pygls"]
    [document] = [each for each in info["documents"] if each["uri"] == URI]
    assert (document["version"], document["lines"]) == (1, 6)
    assert info["worker"]["state"] == "stopped"
    assert SCHOOLS not in str(info)


def test_stopping_without_a_run_stops_none(client: Client) -> None:
    assert execute(client, "qvr.cancelRun") == {"cancelled": 0}


def test_an_untrusted_workspace_is_checked_and_never_run() -> None:
    client = Client(options={"trusted": False, "worker": {"warm": True}})
    try:
        assert client.open(URI, SCHOOLS.replace("Normal(theta", "Normol(theta")) != []
        for command in ("qvr.run", "qvr.priorPredictive"):
            assert refusal(client, command, URI).startswith("This workspace is not trusted")
        assert refusal(client, "qvr.restartWorker").startswith("This workspace is not trusted")
        client.notify("workspace/didChangeConfiguration", {"settings": {"qvr": {"trusted": True}}})
        assert refusal(client, "qvr.run", URI).startswith("This workspace is not trusted")
        assert execute(client, "qvr.debugInfo")["worker"]["state"] == "stopped"
    finally:
        client.close()
