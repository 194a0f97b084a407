from __future__ import annotations

import pytest

from bridgekit import FrameTooLarge, ProcessManager, ProtocolError
from bridgekit.host.collecting import CollectedCall
from bridgekit.host.pending import PendingCall

BACKEND = """
from bridgekit import PythonBridge

class Rows(PythonBridge):
    def rows(self, n: int, width: int = 1):
        for i in range(n):
            yield f"{i:0{width}}"

Rows().run()
"""


class Asked(PendingCall):
    outcome = None

    def settle(self, result):
        self.outcome = result

    def fail(self, error):
        self.outcome = error


def collected(limit=100):
    asked = Asked("rows")
    asked.id = 7
    return asked, CollectedCall(asked, limit)


def test_the_items_are_the_result_and_not_what_the_generator_returned():
    asked, call = collected()
    assert call.id == 7
    call.add({"seq": 1, "value": "a"}, 10)
    call.add({"seq": 2, "value": "b"}, 10)
    call.wake()
    call.settle("returned")
    assert asked.outcome == ["a", "b"]
    assert call.ended


def test_a_failure_half_way_is_the_outcome():
    asked, call = collected()
    call.add({"seq": 1, "value": "a"}, 10)
    error = ValueError("half way")
    call.fail(error)
    assert asked.outcome is error


def test_more_bytes_than_a_result_may_have_are_refused():
    _, call = collected(limit=15)
    call.add({"seq": 1, "value": "a"}, 10)
    with pytest.raises(FrameTooLarge, match="iterate over it with stream") as caught:
        call.add({"seq": 2, "value": "b"}, 10)
    assert (caught.value.size, caught.value.limit) == (20, 15)


@pytest.mark.parametrize("data", [None, {}, {"seq": "1"}])
def test_an_item_needs_its_number(data):
    _, call = collected()
    with pytest.raises(ProtocolError, match="without its number"):
        call.add(data)


async def test_call_of_a_generator_past_its_window(tmp_path):
    (tmp_path / "rows.py").write_text(BACKEND)
    async with ProcessManager() as manager:
        backend = await manager.spawn(tmp_path / "rows.py", max_frame=1 << 20)
        assert len(await backend.call("rows", {"n": 1000})) == 1000
        with pytest.raises(FrameTooLarge):
            await backend.call("rows", {"n": 200, "width": 10_000})
        assert await backend.call("rows", {"n": 1}) == ["0"]
