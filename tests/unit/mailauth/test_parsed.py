"""The cache of parsed records: bounded by weight, least recently used first."""

from posthouse.mailauth.parsed import ParsedRecords


def test_what_was_used_least_recently_goes_first() -> None:
    parsed: list[str] = []

    def parse(text: str) -> str:
        parsed.append(text)
        return text.upper()

    cache = ParsedRecords(parse, lambda value: 10 - len(value), max_weight=640)
    for n in range(64):
        cache.get(chr(65 + n))
    assert cache.weight == 640
    cache.get("A")
    cache.get("new")
    assert cache.weight == 640
    parsed.clear()
    assert cache.get("A") == "A"
    assert not parsed
    assert cache.get("B") == "B"
    assert parsed == ["B"]
    cache.clear()
    assert (len(cache), cache.weight) == (0, 0)


def test_what_is_too_heavy_is_not_kept() -> None:
    cache = ParsedRecords(str.upper, len, max_weight=640)
    assert cache.get("x" * 50) == "X" * 50
    assert (len(cache), cache.weight) == (0, 0)
