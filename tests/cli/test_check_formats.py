"""`qvr check` for other programs to read: SARIF and GitHub's workflow commands; `--quiet`; the hooks."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from quivers.cli import main
from quivers.cli.github import workflow_commands
from quivers.syntax.ast import Span
from quivers.syntax.problems import Diagnostic, Severity

ROOT = Path(__file__).resolve().parents[2]
GOOD = """\
object A : FinSet 2
program p : A -> A
    sample x : A <- Normal(0.0, 1.0)
    observe y : A <- Normal(x, 1.0)
    return x
"""
BROKEN = "object A : FinSet 3\n" + GOOD.replace("x", "𝒩").replace("Normal(0", "Normall(0")
LEVELS = {"error", "warning", "note", "none"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.qvr").write_text(GOOD, "utf-8")
    (tmp_path / "my models").mkdir()
    (tmp_path / "my models" / "ä.qvr").write_text(BROKEN, "utf-8")
    return tmp_path


def sarif(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    status = main(["check", "--output-format", "sarif", *arguments])
    out, err = capsys.readouterr()
    assert err == ""
    return status, json.loads(out)


def hold_to_the_standard(log: dict[str, Any]) -> None:
    """What SARIF 2.1.0 requires of each object that stands in the log (sections 3.13 to 3.57)."""
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-schema-2.1.0.json")
    [run] = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "qvr"
    identifiers = [rule["id"] for rule in driver["rules"]]
    assert len(set(identifiers)) == len(identifiers)
    for rule in driver["rules"]:
        assert rule["shortDescription"]["text"].endswith(".")
        assert rule["help"]["text"].startswith(f"# {rule['id']}")
        assert rule["defaultConfiguration"]["level"] in LEVELS
        assert re.fullmatch(r"\w+", rule["name"])
    assert run["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints")
    for result in run["results"]:
        assert result["level"] in LEVELS
        assert result["message"]["text"]
        assert identifiers[result["ruleIndex"]] == result["ruleId"]
        for location in [*result["locations"], *result.get("relatedLocations", [])]:
            hold_location(location["physicalLocation"])
        for fix in result.get("fixes", []):
            for change in fix["artifactChanges"]:
                assert change["artifactLocation"]["uri"]
                assert change["replacements"]
                assert all("deletedRegion" in each for each in change["replacements"])


def hold_location(place: dict[str, Any]) -> None:
    uri, region = place["artifactLocation"]["uri"], place["region"]
    assert re.fullmatch(r"[A-Za-z0-9._~:/%-]+", uri)
    assert all(isinstance(value, int) and value >= 1 for value in region.values())
    assert (region["startLine"], region.get("startColumn", 1)) <= (
        region.get("endLine", region["startLine"]),
        region.get("endColumn", 10**9),
    )


def test_sarif_has_what_the_standard_requires(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, log = sarif(["."], capsys)
    assert status == 1
    hold_to_the_standard(log)
    [run] = log["runs"]
    assert [result["ruleId"] for result in run["results"]] == ["QVR204", "QVR202"]
    twice, unknown = run["results"]
    place = unknown["locations"][0]["physicalLocation"]
    assert unquote(place["artifactLocation"]["uri"]) == "my models/ä.qvr"
    # Of 𝒩 there are two code units.
    assert place["region"] == {"startLine": 4, "startColumn": 22, "endLine": 4, "endColumn": 29}
    [replacement] = unknown["fixes"][0]["artifactChanges"][0]["replacements"]
    assert replacement == {"deletedRegion": place["region"], "insertedContent": {"text": "Normal"}}
    assert unknown["message"]["text"].endswith("Did you mean `Normal`?")
    [related] = twice["relatedLocations"]
    assert related["physicalLocation"]["region"]["startLine"] == 1


def test_sarif_of_clean_models_has_no_result(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, log = sarif(["good.qvr"], capsys)
    assert status == 0
    hold_to_the_standard(log)
    assert log["runs"][0]["results"] == []


def test_sarif_of_the_examples_keeps_to_the_standard(capsys: pytest.CaptureFixture[str]) -> None:
    status, log = sarif([str(ROOT / "examples")], capsys)
    assert status == 0
    hold_to_the_standard(log)


def test_what_cannot_be_read_is_a_result_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "empty").mkdir()
    for given, sentence in (("gone.qvr", "gone.qvr does not exist."), ("empty", "empty holds no .qvr file.")):
        status, log = sarif([given], capsys)
        assert status == 1
        hold_to_the_standard(log)
        [result] = log["runs"][0]["results"]
        assert result["message"]["text"] == sentence


def test_github_annotates_each_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--output-format", "github", "."]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith(
        "::error title=qvr (QVR202),file=my models/ä.qvr,line=4,endLine=4,col=21,endColumn=28::"
    )
    assert lines[1].endswith("%0Ahint: Did you mean `Normal`?")


def test_github_s_signs_are_escaped() -> None:
    found = Diagnostic("QVR101", Severity.HINT, Span(0, 3), "100 % of a,\r\nb: c")
    [line] = workflow_commands([found], b"x\ny\n", "c:,%\n.qvr")
    # Over more than one line there are no columns.
    assert line == (
        "::notice title=qvr (QVR101),file=c%3A%2C%25%0A.qvr,line=1,endLine=2::100 %25 of a,%0D%0Ab: c"
    )


def test_quiet_prints_problems_and_nothing_else(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--quiet", "good.qvr"]) == 0
    assert capsys.readouterr() == ("", "")
    assert main(["check", "--quiet", "."]) == 1
    out, err = capsys.readouterr()
    assert (out.count("error["), err) == (2, "")
    assert "2 errors" not in out


def test_no_color_wins_over_a_wish_for_colour(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    main(["check", "."])
    assert "\x1b[" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    main(["check", "."])
    assert "\x1b[" not in capsys.readouterr().out


def test_the_hooks_entries_are_commands_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / ".pre-commit-hooks.yaml").read_text("utf-8")
    hooks = [
        dict(re.findall(r"^[ -] (\w+): (.+)$", block, re.MULTILINE))
        for block in re.split(r"(?m)^(?=- )", text)
        if block
    ]
    assert [hook["id"] for hook in hooks] == ["qvr-check", "qvr-fmt"]
    for hook in hooks:
        assert hook["language"] == "python"
        assert re.search(hook["files"], "models/a.qvr")
        assert not re.search(hook["files"], "a.qvr.bak")
        program, *arguments = hook["entry"].split()
        assert program == "qvr"
        assert main([*arguments, str(ROOT / "examples/eight_schools/noncentred.qvr")]) == 0
    capsys.readouterr()
