"""What another filter says of a message, and how it is asked: one short connection each time, bounded in every way."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Final, Protocol

from posthouse.model.envelope import Accepted

MAX_ANSWER: Final = 262_144
_UNSAFE: Final = re.compile(r"[^ -~]+")


class NoOpinion(Exception):
    """It could not be had. The text is for logs."""


@dataclass(frozen=True, slots=True)
class Opinion:
    score: float
    spam: float
    """Its score from which it calls a message spam; above 0."""

    def points(self, weight: float) -> float:
        """Log-odds, between -weight and weight: 0 at its own threshold, `weight` at twice that, `-weight` at 0."""
        return weight * max(-1.0, min(1.0, (self.score - self.spam) / self.spam))


class ExternalScorer(Protocol):
    name: str
    weight: float

    async def ask(self, accepted: Accepted, octets: bytes) -> Opinion:
        """NoOpinion, whatever goes wrong."""
        ...


def safe(text: str) -> str:
    """For a header line of a request."""
    return _UNSAFE.sub("", text)[:1000]


async def exchanged(address: str, pieces: tuple[bytes, ...], timeout: float) -> bytes:
    """The answer up to the end of the connection. NoOpinion."""
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(timeout):
            reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
            try:
                writer.writelines(pieces)
                await writer.drain()
                answer = bytearray()
                while piece := await reader.read(65_536):
                    answer += piece
                    if len(answer) > MAX_ANSWER:
                        raise NoOpinion("an answer without an end")
                return bytes(answer)
            finally:
                writer.close()
    except TimeoutError as error:
        raise NoOpinion(f"no answer within {timeout} s") from error
    except OSError as error:
        raise NoOpinion(f"nobody at {address}: {error}") from error
