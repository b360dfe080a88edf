import asyncio
import uuid
from collections.abc import Sequence

import pytest

from harness.manual_clock import ManualClock
from posthouse.model.errors import Unavailable
from posthouse.store.account.remote_ring import KNOWN_FOR, LOOK_AGAIN, SUSPECTED_FOR, Ring, rendezvous

PEERS = ["10.0.0.1:7143", "10.0.0.2:7143", "10.0.0.3:7143"]
KEYS = [uuid.UUID(int=n).bytes for n in range(600)]


class Bench:
    def __init__(self, peers: Sequence[str] = PEERS) -> None:
        self.peers: Sequence[str] = peers
        self.asked = 0
        self.down = False
        self.clock = ManualClock()
        self.ring = Ring(self.find, self.clock)

    async def find(self) -> Sequence[str]:
        self.asked += 1
        await asyncio.sleep(0)
        if self.down:
            raise Unavailable("the directory is down")
        return self.peers


def test_each_takes_its_share_and_one_that_goes_moves_only_its_own() -> None:
    before = {key: rendezvous(key, PEERS)[0] for key in KEYS}
    assert all(150 < list(before.values()).count(peer) < 250 for peer in PEERS)
    for key, peer in before.items():
        after = rendezvous(key, PEERS[:2])[0]
        assert after == peer or peer == PEERS[2]


async def test_the_list_is_asked_for_once_and_again_when_old() -> None:
    bench = Bench()
    found = await asyncio.gather(*[bench.ring.candidates(key) for key in KEYS])
    assert bench.asked == 1
    assert found == [rendezvous(key, PEERS) for key in KEYS]
    await bench.clock.advance(KNOWN_FOR + 0.1)
    bench.peers = PEERS[:1]
    assert await bench.ring.candidates(KEYS[0]) == PEERS[:1]


async def test_nobody_known() -> None:
    bench = Bench(peers=[])
    with pytest.raises(Unavailable):
        await bench.ring.candidates(KEYS[0])
    bench.peers = PEERS
    await bench.clock.advance(LOOK_AGAIN + 0.1)
    assert len(await bench.ring.candidates(KEYS[0])) == 3


async def test_those_known_serve_on_while_the_directory_is_down() -> None:
    bench = Bench()
    before = await bench.ring.candidates(KEYS[0])
    bench.down = True
    await bench.clock.advance(KNOWN_FOR + 0.1)
    assert await bench.ring.candidates(KEYS[0]) == before
    assert bench.asked == 2


async def test_a_suspect_is_the_last_choice_for_a_while_and_longer_each_time() -> None:
    bench = Bench()
    [first, *others] = await bench.ring.candidates(KEYS[0])
    shortest, longest = SUSPECTED_FOR
    for lasts in (shortest, 2 * shortest, 4 * shortest, longest):
        bench.ring.suspect(first)
        assert await bench.ring.candidates(KEYS[0]) == [*others, first]
        await bench.clock.advance(min(lasts, longest) - 0.1)
        assert await bench.ring.candidates(KEYS[0]) == [*others, first]
        await bench.clock.advance(0.2)
        assert await bench.ring.candidates(KEYS[0]) == [first, *others]
    bench.ring.answered(first)
    bench.ring.suspect(first)
    await bench.clock.advance(shortest + 0.1)
    assert await bench.ring.candidates(KEYS[0]) == [first, *others]
