"""What a process is made of: components that start, drain and stop.

Order: `start` one after the other as listed; `drain` and `stop` in reverse. So list what others need first (stores,
log) and what faces the world last (listeners): new work ends before the work in hand loses its stores.
"""


class Component:
    """A part with a beginning and an end, and nothing running of its own. Override what is needed."""

    name: str = "component"

    async def start(self) -> None:
        """Get ready to serve; ready when it returns. An exception ends the process with an error."""

    async def drain(self) -> None:
        """Take no new work and finish what is in hand. May be cancelled at the deadline."""

    async def stop(self) -> None:
        """Release everything. Called once if `start` was called, even if that failed or was cancelled."""

    def unready(self) -> str | None:
        """Why it cannot serve now, for /readyz; None where it can. Must not block; names no address or content."""
        return None


class Service(Component):
    """A component with work of its own in the background."""

    async def run(self) -> None:
        """Work until `drain` was called. Ending before, by return or exception, is a crash and ends the process."""
        raise RuntimeError(f"{type(self).__name__} has no run()")
