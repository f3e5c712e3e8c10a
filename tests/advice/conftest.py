"""Advice is tested with the fixtures' reader of the checker's tests."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "check"))
