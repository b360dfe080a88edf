"""`posthouse filter`: the composition root."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence

from posthouse.composition.process import ClusterProcess, run_cluster_process
from posthouse.filter.settings import FILTER, FilterSettings
from posthouse.filter.stage import make_filter
from posthouse.runtime.sections import TelemetrySettings


async def build(process: ClusterProcess) -> None:
    own, adapters = process.process, process.adapters
    settings = own.settings.section(FilterSettings)
    instance = own.settings.section(TelemetrySettings).instance or platform.node()
    stage = make_filter(adapters.log, adapters.clock, own.tracer, own.metrics, settings, process=instance)
    own.lifecycle.add(stage)


def main(argv: Sequence[str] | None = None) -> int:
    return run_cluster_process("filter", [FILTER], build, argv)


if __name__ == "__main__":
    sys.exit(main())
