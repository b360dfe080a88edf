"""The openspf.org suite for RFC 7208, release 2014.04: each of its 203 cases."""

import pytest

from harness.spf_suite import Case, SuiteZones, cases
from posthouse.mailauth.spf.check import check_mail_from

CASES = list(cases())


def test_the_suite_is_whole() -> None:
    assert len(CASES) == 203


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_case(case: Case) -> None:
    resolver = SuiteZones(case.zones)
    result = await check_mail_from(resolver, case.host, case.mail_from, case.helo)
    assert result.result in case.results, result
    if case.explanation is not None:
        assert (result.explanation or "DEFAULT") == case.explanation
