"""The plate diagram in a real, headless Neovim."""

from pathlib import Path
from xml.etree import ElementTree

import pytest
from test_neovim import centred, in_neovim

pytestmark = pytest.mark.e2e


def test_a_split_shows_the_diagram_follows_the_saved_model_and_leads_back(tmp_path: Path) -> None:
    seen = in_neovim(tmp_path, "neovim_plate.lua", centred())
    assert "○ tau ~ HalfNormal(5.0)" in seen["text"]
    assert "School (8) ─╯" in seen["text"]
    assert seen["filetype"] == "qvr-plate"
    assert seen["cursor_stayed"]
    assert "effect" not in seen["before_saving"]
    assert seen["gone_to"].strip() == "sample effect : School <- Normal(mu, tau)"
    drawing = tmp_path / "schools.eight_schools_centred.plate.svg"
    assert any(each["message"].endswith(drawing.name) for each in seen["said"])
    assert ElementTree.parse(drawing).getroot().tag.endswith("svg")
