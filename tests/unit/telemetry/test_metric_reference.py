"""docs/reference/metrics.md is what the code says."""

from pathlib import Path

from posthouse.telemetry.metric_names import METRICS
from posthouse.telemetry.metric_reference import render_reference
from posthouse.telemetry.spans import ATTRIBUTE_KEYS, SPAN_NAMES

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "metrics.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == render_reference(), "run `make docs`"


def test_every_name_is_on_the_page() -> None:
    page = render_reference()
    for name in (*(metric.name for metric in METRICS), *SPAN_NAMES, *ATTRIBUTE_KEYS):
        assert f"`{name}`" in page
