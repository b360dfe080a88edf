"""The Date field (RFC 5322 §3.3, obsolete forms of §4.3) as seconds since 1970 and the zone it was written in.

SENTSINCE and its kin compare the day as written, without time and zone (RFC 3501 §6.4.4), so the zone is kept.
"""

import re
from dataclasses import dataclass
from datetime import date as calendar_date

_DATE = re.compile(
    rb"\s*(?:[A-Za-z]{2,9}\.?\s*(?:,\s*)?)?(\d{1,2})[\s-]+([A-Za-z]{3})[A-Za-z]{0,6}\.?[\s-]+(\d{2,4})"
    rb"(?:[\s,T]+(\d{1,2})\s*[:.]\s*(\d{2})(?:\s*[:.]\s*(\d{2})(?:[.,]\d{1,9})?)?)?\s*([+-]\d{4}|[A-Za-z]{1,5})?"
)
_MONTHS = {m: n for n, m in enumerate(b"jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
# RFC 5322 §4.3. Military letters and unknown names mean "no zone known", read as UTC.
_ZONES = {
    b"est": -300,
    b"edt": -240,
    b"cst": -360,
    b"cdt": -300,
    b"mst": -420,
    b"mdt": -360,
    b"pst": -480,
    b"pdt": -420,
}
MAX_DATE = 256
"""Octets of the value that are looked at."""
_EPOCH = calendar_date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class SentDate:
    epoch: int
    """Seconds since 1970-01-01 UTC."""
    zone: int
    """Minutes east of UTC in which the sender wrote it."""

    @property
    def day(self) -> int:
        """Days since 1970-01-01 of the date as written."""
        return (self.epoch + self.zone * 60) // 86_400


def parse_date(value: bytes) -> SentDate | None:
    """The moment of an unfolded Date value, comments allowed behind it; None when it is no date."""
    found = _DATE.match(value[:MAX_DATE])
    if found is None:
        return None
    day, month, year, hour, minute, second, zone = found.groups()
    number = _MONTHS.get(month.lower())
    if number is None:
        return None
    years = int(year)
    if len(year) == 2:
        years += 2000 if years < 50 else 1900  # RFC 5322 §4.3
    elif len(year) == 3:
        years += 1900
    try:
        days = calendar_date(years, number, int(day)).toordinal() - _EPOCH
    except ValueError:
        return None
    hours, minutes, seconds = int(hour or 0), int(minute or 0), int(second or 0)
    if hours > 24 or minutes > 59 or seconds > 60:
        return None
    offset = _offset(zone)
    return SentDate(days * 86_400 + hours * 3600 + minutes * 60 + seconds - offset * 60, offset)


def _offset(zone: bytes | None) -> int:
    if zone is None:
        return 0
    if zone[0] in b"+-":
        minutes = int(zone[1:3]) * 60 + int(zone[3:5])
        return -minutes if zone[0] == 45 else minutes
    return _ZONES.get(zone.lower(), 0)
