"""The janitor at a wire: it comes when nobody reads it, and goes when somebody does."""

from __future__ import annotations

import pytest

from bridgekit import CallTimeout
from bridgekit.blocking import Backend
from bridgekit.blocking.attending import Attending
from bridgekit.blocking.channel import Channel
from bridgekit.blocking.reading import JANITOR
from tests.blocking.support import at_rest, until
from tests.support.blocking import worker_of


class Leader:
    done = False
    waiter = None


@pytest.fixture
def channel(menu: Backend) -> Channel:
    channel = worker_of(menu).channel
    until(lambda: channel.watched)
    return channel


def test_it_watches_a_wire_that_nobody_reads_and_only_such(channel: Channel) -> None:
    with channel.lock:
        channel._unwatch()
    channel.attend()
    assert channel.watched
    channel.attend()  # it does already
    with channel.lock:
        channel._unwatch()
        channel.lead[0] = leader = Leader()
    channel.attend()
    assert not channel.watched
    channel.leave(leader)
    until(lambda: channel.watched)


def test_it_leaves_a_wire_to_whoever_leads(channel: Channel) -> None:
    with channel.lock:
        channel.lead[0] = leader = Leader()
    channel._on_readable()
    assert not channel.watched
    assert channel.lead == {0: leader}
    channel.leave(leader)


def test_it_passes_the_lead_to_who_follows(channel: Channel) -> None:
    follower = Leader()
    with channel.lock:
        channel.followers[follower] = None
    channel._on_readable()
    assert channel.lead == {0: follower}
    assert not channel.watched
    channel.leave(follower)


def test_it_settles_down_once_calls_have_paused(channel: Channel) -> None:
    channel.session.table._last += 1
    assert not channel.settle_down()
    assert channel.settle_down()
    assert channel.watched
    channel._seen = None
    assert not channel.settle_down()
    with channel.lock:
        channel._unwatch()
        channel.lead[0] = leader = Leader()
    assert channel.settle_down()
    assert not channel.watched
    channel.leave(leader)


def test_a_process_that_has_ended_is_told_instead_of_watched(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[object] = []
    monkeypatch.setattr(channel._janitor, "soon", told.append)
    with channel.lock:
        channel._unwatch()
    channel.exit_seen = True
    channel._seen = channel.session.table._last
    assert channel.settle_down()
    assert not channel.watched
    assert told == [channel._lost]
    channel.exit_seen = False
    monkeypatch.undo()
    channel.attend()


def test_a_wire_that_is_held_back_is_read_again_when_its_handlers_have_caught_up(
    menu: Backend, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [True, False]
    monkeypatch.setattr(channel, "eased", lambda: answers.pop() if answers else True)
    with channel.lock:
        channel.lead[0] = JANITOR
        channel.congested = True
    channel._hold()
    assert not channel.lead
    channel.attend()  # not yet
    assert channel._held is not channel.watched
    until(lambda: channel.watched)
    channel.congested = False
    at_rest(menu)


def test_the_janitor_reads_what_handlers_are_behind_with_later(menu: Backend) -> None:
    heard: list[int] = []
    menu.on("tick", lambda event: heard.append(event.data["n"]))
    with pytest.raises(CallTimeout):
        menu.call("fire", {"topic": "tick", "count": 5000}, timeout=0.0001)
    until(lambda: menu.status.in_flight == 0)
    at_rest(menu)


def test_what_a_full_pipe_left_over_is_written_when_it_takes_more(
    menu: Backend, channel: Channel
) -> None:
    menu.pause()
    with pytest.raises(CallTimeout):
        Backend.call(menu, "$/ping", {"pad": "x" * 3_000_000}, timeout=0.05)
    assert channel.outbox.size
    menu.resume()
    until(lambda: not channel.outbox.size)
    at_rest(menu)


def test_a_pipe_that_breaks_while_it_is_written_is_told(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[object] = []
    monkeypatch.setattr(channel, "_lost", lambda: told.append(1))
    monkeypatch.setattr(channel.outbox, "broken", True)
    channel._on_writable()
    until(lambda: told)


def test_the_next_deadline_is_the_business_of_its_channel(channel: Channel) -> None:
    with pytest.raises(NotImplementedError):
        Attending.tick(channel)
    channel.tick()
