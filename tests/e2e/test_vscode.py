"""The built extension in a real VS Code, code-server in Chromium: driven once, each thing to see a test."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parent.parent))
from editor_programs import missing, program

ROOT = Path(__file__).resolve().parents[2]
EXTENSION = ROOT / "editors/vscode"
DRIVE = EXTENSION / "test/drive"
FOLDERS = ("quivers", "server", "grammar")
FILES = ("setup.py", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE")

# The drive ends itself after 40 minutes; on a quiet machine it takes six.
SECONDS_OF_DRIVE = 42 * 60
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(SECONDS_OF_DRIVE + 10 * 60)]

STEPS = {
    "newcomer": [
        "the extension installed",
        "a folder opened",
        "the first posterior, in at most three presses after opening the file",
    ],
    "writing": [
        "a squiggle under a misspelt family",
        "its quick fix",
        "colours",
        "hover",
        "completion",
        "a symbol by its name",
        "outline",
        "indentation",
        "renaming across the file",
        "layout on save",
    ],
    "running": [
        "the lens",
        "a run from the lens, with the posterior in the line",
        "the posterior in the panel",
        "a plate in the panel",
        "from name to name by the keyboard",
        "stale after an edit, and fresh after its undoing",
        "the report of the run",
        "the plate diagram, whose nodes lead to their steps",
        "progress, live figures and cancelling",
        "the server killed, and back",
        "a run by the new server",
        "the last result after a reload of the window",
    ],
    "learning": [
        "the walkthrough",
        "the example, from the walkthrough",
        "the example, from the command",
        "the posterior of the example",
    ],
    "calibrating": [
        "an entry for each program in the test explorer",
        "a calibrated program passes",
        "a program that is not calibrated fails, and its site says how",
        "what stands in the way of a check is said at its line",
        "a check is cancelled, and its process gone",
    ],
    "markdown": ["colours in a Markdown fence"],
    "without-qvr": [
        "no Python with qvr: said, with the offer",
        "qvr installed into the environment that is chosen",
        "the first posterior after that, in at most three presses in all",
        "which Python won and why the others did not, in the status",
    ],
    "untrusted": ["not trusted: checked all the same", "not trusted: nothing runs"],
    **{
        f"choosing-{manager}": [
            f"{manager}: the chosen Python has no qvr, and why",
            f"{manager}: one with qvr is chosen, and its server starts",
            f"{manager}: the same one again keeps the server, another one brings its own",
        ]
        for manager in ("python", "vscode-python-envs")
    },
}

Step = dict[str, Any]


def asked(command: list[str | Path], **options: Any) -> str:
    """What a command printed; where it fails, the test fails with what it said."""
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, **options)
    assert done.returncode == 0, f"{command[0]}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout.strip()


def wheels(folder: Path) -> Path:
    """A folder with a wheel of this checkout, built from a copy, so that the checkout stays as it is."""
    source = folder / "source"
    source.mkdir()
    left_out = shutil.ignore_patterns("*.so", "__pycache__", "node_modules", "target", "build")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, source / name, ignore=left_out)
    for name in FILES:
        shutil.copy(ROOT / name, source / name)
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    asked([sys.executable, "-m", "pip", "wheel", *options, "-w", folder / "wheels", source], timeout=300)
    return folder / "wheels"


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the drive saw, in its own words: `steps` in their order, and the parts that `stopped`."""
    if not sys.platform.startswith("linux"):
        missing("the drive of VS Code needs Linux")
    chromium, make = program("chromium"), program("make")
    program("npm")
    looking = [DRIVE / "install.sh", "--find"]
    found = subprocess.run(looking, capture_output=True, encoding="utf-8", check=False)
    if found.returncode != 0:
        missing("code-server is not installed (`make vscode-drive` installs it)")
    tools = Path(found.stdout.strip())
    asked([make, "vsix"], cwd=ROOT, timeout=300)
    out = Path(os.environ.get("QVR_VSCODE_SCREENS") or ROOT / "build/vscode-screens")
    shutil.rmtree(out, ignore_errors=True)
    command = [
        *(next(tools.glob("node_modules/node-linux-*/bin/node")), DRIVE / "main.mjs", "--tools", tools),
        *("--python", sys.executable, "--chromium", chromium, "--out", out),
        *("--wheels", wheels(tmp_path_factory.mktemp("wheels"))),
    ]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", start_new_session=True
    ) as driving:
        try:
            told, _ = driving.communicate(timeout=SECONDS_OF_DRIVE)
        finally:
            if driving.poll() is None:
                os.killpg(driving.pid, signal.SIGKILL)
    report = out / "seen.json"
    assert report.exists(), told[-4000:]
    answer: dict[str, Any] = json.loads(report.read_text("utf-8"))
    return answer


def step(seen: dict[str, Any], part: str, name: str) -> Step:
    """A step as it was seen; where it was not, the test fails and says all that is known."""
    for each in seen["steps"]:
        if (each["part"], each["name"]) == (part, name):
            if "failure" in each:
                shown = f"\nScreenshot: {each['screenshot']}" if "screenshot" in each else ""
                pytest.fail(f"{each['failure']}{shown}\n{each.get('log', '')[-6000:]}", pytrace=False)
            return dict(each)
    stopped = "; ".join(f"{where}: {why}" for where, why in seen["stopped"].items())
    pytest.fail(f"It was not come to. {stopped}", pytrace=False)


@pytest.mark.parametrize(
    ("part", "name"), [pytest.param(part, name, id=name) for part, names in STEPS.items() for name in names]
)
def test_in_vscode(seen: dict[str, Any], part: str, name: str) -> None:
    step(seen, part, name)


def test_no_step_is_left_out_of_the_list_and_every_part_came_to_its_end(seen: dict[str, Any]) -> None:
    assert seen["stopped"] == {}
    listed = [(part, name) for part, names in STEPS.items() for name in names]
    assert [(each["part"], each["name"]) for each in seen["steps"]] == listed


@pytest.mark.parametrize(
    ("part", "name", "most"),
    [
        ("newcomer", "the first posterior, in at most three presses after opening the file", 1),
        ("without-qvr", "the first posterior after that, in at most three presses in all", 3),
    ],
)
def test_a_newcomer_presses_little_from_the_opened_file_to_the_first_posterior(
    seen: dict[str, Any], part: str, name: str, most: int
) -> None:
    pressed = step(seen, part, name)["seen"]
    assert 1 <= pressed["clicks"] + pressed["keys"] <= most
    assert "±" in pressed["line"]


def test_the_live_figures_came_with_progress_and_stopping_kept_the_last_result(seen: dict[str, Any]) -> None:
    told = step(seen, "running", "progress, live figures and cancelling")["seen"]
    assert "sampling" in told["live"]
    assert "draws" in told["progress"]
    assert "90 %" in told["after"]
