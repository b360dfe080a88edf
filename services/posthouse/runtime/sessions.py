"""Live sessions of authenticated users in this process: what `posthouse who` lists and `posthouse kick` ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from posthouse.model.ids import AccountId


@dataclass(frozen=True, slots=True)
class SessionInfo:
    session_id: str
    """Unique in the process; made by who adds it."""
    protocol: str
    """The listener: `submission`, `submissions`, `imap`, `imaps`."""
    login: str
    """Address of the account."""
    account: AccountId
    peer_ip: str
    tls: str
    """Protocol and cipher; empty in clear."""
    since_us: int


class Sessions:
    """A session adds itself after the login and removes itself at its end."""

    def __init__(self) -> None:
        self._live: dict[str, tuple[SessionInfo, Callable[[], None]]] = {}

    def __len__(self) -> int:
        return len(self._live)

    def add(self, info: SessionInfo, kick: Callable[[], None]) -> None:
        """`kick` ends the session soon, with the protocol's word for it; it must not raise or block."""
        self._live[info.session_id] = (info, kick)

    def remove(self, info: SessionInfo) -> None:
        """Harmless when it is gone already."""
        self._live.pop(info.session_id, None)

    def list(self) -> Sequence[SessionInfo]:
        """Oldest first."""
        return sorted((info for info, _ in self._live.values()), key=lambda info: info.since_us)

    def kick(self, who: str) -> int:
        """Ends the session of that id, or all of that login (address, any case). How many there were."""
        login = who.lower()
        found = [
            kick for info, kick in list(self._live.values()) if who == info.session_id or login == info.login.lower()
        ]
        for kick in found:
            kick()
        return len(found)
