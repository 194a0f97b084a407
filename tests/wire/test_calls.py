"""Each call ends once, whoever comes first."""

from __future__ import annotations

import threading

from bridgekit.wire.calls import CallTable


def test_ids_count_up() -> None:
    assert [CallTable().next_id(), CallTable(5).next_id()] == [1, 5]
    table = CallTable(prefix="b")
    assert [table.next_id(), table.next_id()] == ["b1", "b2"]


def test_a_call_is_taken_once() -> None:
    table = CallTable()
    table.add(1, "call")
    assert len(table) == 1
    assert table.take(1) == "call"
    assert table.take(1) is None
    assert (len(table), table.late) == (0, 1)


def test_an_id_that_cannot_be_a_key_is_late() -> None:
    table = CallTable()
    table.add(1, "call")
    assert table.take([1]) is None and table.take({"id": 1}) is None
    assert table.late == 2


def test_true_is_not_one() -> None:
    table = CallTable()
    table.add(1, "call")
    assert table.take(True) is None
    assert table.take(1) == "call"


def test_all_at_once_oldest_first() -> None:
    table = CallTable()
    for number in (3, 1, 2):
        table.add(number, f"call {number}")
    assert table.take_all() == ["call 3", "call 1", "call 2"]
    assert table.take_all() == [] and table.late == 0


def test_threads_never_share_a_call() -> None:
    table = CallTable()
    for number in range(2000):
        table.add(number, number)
    taken: list[list[int]] = [[], [], [], []]

    def take(into: list[int], one_by_one: bool) -> None:
        if one_by_one:
            into += [call for n in range(2000) if (call := table.take(n)) is not None]
        else:
            into += table.take_all()

    threads = [
        threading.Thread(target=take, args=(into, i % 2 == 0)) for i, into in enumerate(taken)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(call for calls in taken for call in calls) == list(range(2000))


def test_taking_all_while_another_thread_takes_too() -> None:
    class Contended(dict):  # type: ignore[type-arg]
        def pop(self, key: object, *default: object) -> object:
            if key == 1 and len(self) == 2:  # another thread is faster
                del self[1]
            return super().pop(key, *default)

    table = CallTable()
    table.pending = Contended({1: "one", 2: "two"})
    assert table.take_all() == ["two"]
