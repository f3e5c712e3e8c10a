"""`python -m quivers.cli` is `qvr`."""

import sys

from quivers.cli import main

sys.exit(main())
