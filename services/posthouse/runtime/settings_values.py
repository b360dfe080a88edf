"""Values of settings: from TOML or text to Python, and back to the text that the reference and `config show` print."""

import math
import re
from pathlib import Path
from typing import Final, Literal

Kind = Literal["bool", "int", "float", "str", "path", "duration", "size", "choice", "strings", "secret"]

EXPECTED: Final[dict[Kind, str]] = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "str": "a text",
    "path": "a path",
    "duration": 'a duration such as "30s", "5m", "1h" or a number of seconds',
    "size": 'a size such as "64KiB", "25MiB" or a number of octets',
    "choice": "one of",
    "strings": "a list of texts",
    "secret": "a text",
}

_DURATIONS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZES: Final = {
    "": 1,
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "tib": 2**40,
}
_AMOUNT: Final = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,9})?)\s*([A-Za-z]{0,3})", re.ASCII)
_INT: Final = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_FLOAT: Final = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{1,18})?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_BOOLS: Final = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}


def from_text(kind: Kind, text: str, choices: tuple[str, ...] = ()) -> object:
    """The value of an environment variable or flag. ValueError where it is not of that kind."""
    text = text.strip() if kind not in {"str", "secret"} else text
    match kind:
        case "bool":
            value = _BOOLS.get(text.lower())
            if value is None:
                raise ValueError(text)
            return value
        case "int":
            if _INT.fullmatch(text) is None:
                raise ValueError(text)
            return int(text)
        case "float":
            if _FLOAT.fullmatch(text) is None:
                raise ValueError(text)
            return float(text)
        case "strings":
            return tuple(part.strip() for part in text.split(",") if part.strip())
        case _:
            return _from_string(kind, text, choices)


def from_toml(kind: Kind, value: object, choices: tuple[str, ...] = ()) -> object:
    """The value of a TOML key. ValueError where it is not of that kind."""
    if isinstance(value, bool):
        if kind == "bool":
            return value
        raise ValueError(value)
    if isinstance(value, int | float) and kind in {"int", "float", "duration", "size"}:
        if not math.isfinite(value) or (kind in {"duration", "size"} and value < 0):
            raise ValueError(value)
        if kind in {"int", "size"} and isinstance(value, float):
            raise ValueError(value)
        return float(value) if kind in {"float", "duration"} else value
    if kind == "strings" and isinstance(value, list):
        if not all(isinstance(part, str) for part in value):
            raise ValueError(value)
        return tuple(value)
    if isinstance(value, str) and kind not in {"bool", "int", "float", "strings"}:
        return _from_string(kind, value, choices)
    raise ValueError(value)


def _from_string(kind: Kind, text: str, choices: tuple[str, ...]) -> object:
    match kind:
        case "duration":
            return _amount(text, _DURATIONS, "s")
        case "size":
            octets = _amount(text, _SIZES, "")
            if octets != int(octets):
                raise ValueError(text)
            return int(octets)
        case "choice":
            if text not in choices:
                raise ValueError(text)
            return text
        case "path":
            if not text or "\0" in text:
                raise ValueError(text)
            try:
                return Path(text).expanduser()
            except RuntimeError as error:  # ~name of nobody
                raise ValueError(text) from error
        case _:
            return text


def _amount(text: str, units: dict[str, float] | dict[str, int], default: str) -> float:
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        raise ValueError(text)
    number, unit = match.groups()
    factor = units.get(unit.lower() or default)
    if factor is None:
        raise ValueError(text)
    return int(number) * factor if number.isdigit() else float(number) * factor


def to_text(kind: Kind, value: object) -> str:
    """The value as a person writes it; `from_text` of it gives the value back (secrets are masked)."""
    if value is None:
        return ""
    if kind == "secret":
        return "***"
    if kind == "duration" and isinstance(value, int | float):
        return _duration(value)
    if kind == "size" and isinstance(value, int):
        return _size(value)
    if kind == "strings" and isinstance(value, tuple):
        return ",".join(value)
    if kind == "bool":
        return "true" if value else "false"
    return str(value)


def _duration(seconds: float) -> str:
    for unit, factor in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        if seconds >= factor and seconds % factor == 0:
            return f"{seconds // factor:.0f}{unit}"
    millis = round(seconds * 1000, 6)
    return (
        f"{millis:.0f}ms"
        if seconds < 1 and millis == int(millis) and millis
        else f"{seconds:.9f}".rstrip("0").rstrip(".") + "s"
    )


def _size(octets: int) -> str:
    for unit, factor in (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if octets >= factor and octets % factor == 0:
            return f"{octets // factor}{unit}"
    return str(octets)
