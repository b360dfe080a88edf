"""The load generators are scripts beside each other, not a package: their folder goes on the path, last."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[3] / "loadtests"))
