"""What a component does where nothing is overridden."""

import pytest

from posthouse.runtime.component import Component, Service


async def test_a_bare_component_does_nothing_and_is_ready() -> None:
    part = Component()
    await part.start()
    assert part.unready() is None
    await part.drain()
    await part.stop()


async def test_a_service_without_work_is_a_mistake() -> None:
    with pytest.raises(RuntimeError, match=r"has no run\(\)"):
        await Service().run()
