"""The shortest way for the commonest call: nobody else calls, and one small frame answers.

A round trip costs some fifteen microseconds in all, so every layer's share shows. This function
does at one go what :class:`Channel`, session and connection do for a call that needs nothing
unusual; where anything is unusual it goes on the long way, from the point it has reached.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bridgekit.blocking import pipes
from bridgekit.blocking.calls import LoneCall, finish
from bridgekit.blocking.channel import ATOMIC
from bridgekit.blocking.inbox import CHUNK
from bridgekit.blocking.raising import raised_by_handler
from bridgekit.blocking.reading import LONGEST
from bridgekit.host.arguments import checked_method, checked_timeout
from bridgekit.host.handle import DEFAULT
from bridgekit.wire.codec._glance import unremarkable
from bridgekit.wire.codec.json import _long_number
from bridgekit.wire.pieces import Pieces
from bridgekit.wire.quick import EXACT, LARGE

if TYPE_CHECKING:
    from bridgekit.blocking.channel import Channel
    from bridgekit.wire.messages import Event

__all__ = ["lone_caller"]

_NUMBERS = (int, float)
_PLAIN = (dict, list)
_SAMPLED, _SAMPLED_FROM = 15, 256
_REMEMBERED = 256
_PATIENT = 0.1
"""Seconds of a timeout from which a call may sleep in ``read``: the janitor, who keeps its
deadline, has noticed it by then."""
_N = 0x6E
"""The letter n, which is quicker to look for than ``null`` (NaN would become that)."""


def lone_caller(  # noqa: C901 - one frame, on purpose
    channel: Channel,
    long_way: Callable[..., Any],
    usual: float | None,
    record: Callable[[float], None],
    exact: bool,
) -> Callable[..., Any]:
    """Return what does :meth:`Backend.call` (``long_way``) for ``channel``; ``usual``: its timeout.

    ``record`` gets the duration of each of the first calls, then of one in sixteen, or of all
    where it is to be known ``exact``ly when the last one ended.
    """
    sampled = 0
    session, connection = channel.session, channel.session.connection
    codec = connection.codec
    loads = codec._loads if connection.format == "native" else None
    if loads is None:
        return long_way
    dumps, default, option = codec.orjson_dumps
    outbox, chunks, lead = channel.outbox, channel.inbox.chunks, channel.lead
    pending, table = session.table.pending, session.table
    parts, small = (
        connection.framing.parts,
        2 * connection.max_depth,  # what is shorter cannot be too deep
    )
    little = small - 2
    extend, where, size = chunks.extend, (channel.stdout,), (CHUNK,)
    send, poll, stdin, stdout = session._send_request, channel.poll, channel.stdin, channel.stdout
    read, write, monotonic = pipes.read, pipes.write, time.monotonic
    templates: dict[tuple[str, float], bytes] = {}
    answer, most = [(stdout, 1)], LONGEST * 1000
    channel.inbox.knocker.open()
    sleeps = channel.inbox.knocker.reader >= 0
    bed = (channel.inbox.knocker.reader,)
    spare: list[LoneCall] = []
    gate, inf = channel.gate, math.inf
    last = ("", inf, b"")

    def new() -> LoneCall:
        call = LoneCall("", None, None)
        call.asleep = sleeps
        return call

    def encode(call_id: int, method: str, params: Any, seconds: float, body: bytes = b"") -> Any:
        """The long way to a request's bytes; remembers what makes the next one short.

        ``body`` is what orjson made of ``params``, if it did.
        """
        checked_method(method)
        checked_timeout(seconds)
        if session.plain or seconds == math.inf:
            return send(call_id, method, params, None)
        if len(body) >= LARGE:
            template = templates.get((method, seconds), b"")
            if (
                template
                and len(body) + len(template) < connection.most
                and body.isascii()
                and unremarkable(params, connection.max_depth - 1)
            ):
                head, _, told = template.rpartition(b"%b")
                return Pieces((head % call_id, body, told))
        data = send(call_id, method, params, seconds)
        if len(templates) >= _REMEMBERED:
            templates.clear()
        name, told = codec.encode(method), codec.encode(seconds)
        frame = b'{"id":\0,"cmd":%b,"params":\0,"timeout":%b}\n' % (name, told)
        templates[method, seconds] = b"%d".join(frame.replace(b"%", b"%%").split(b"\0", 1)).replace(
            b"\0", b"%b"
        )
        return data

    def finish_slowly(mine: LoneCall, deadline: float, fresh: bool = False) -> Any:
        """The long way to the end of a call that was sent; ``fresh``: something was read."""
        mine.deadline = deadline
        channel._read_for_all(mine, deadline, deadline - monotonic(), fresh)
        channel.last_done = now = monotonic()
        if mine.timeout is not None and mine.timeout < inf:
            record(now - deadline + mine.timeout)
        channel.leave_alone(mine)
        return finish(mine)

    def call(  # noqa: C901
        method: str,
        params: Any = None,
        *,
        timeout: float | None = DEFAULT,
        on_event: Callable[[Event], object] | None = None,
        idempotent: bool = False,
        priority: int = 0,
    ) -> Any:
        nonlocal sampled, last
        seconds = usual if timeout is DEFAULT else timeout
        if seconds is None:
            seconds = math.inf
        if (
            lead
            or gate
            or params.__class__ not in _PLAIN
            or seconds.__class__ not in _NUMBERS
            or on_event
            or idempotent
            or priority.__class__ is not int
        ):
            return long_way(
                method,
                params,
                timeout=timeout,
                on_event=on_event,
                idempotent=idempotent,
                priority=priority,
            )
        mine = spare.pop() if spare else new()
        mine.method = method
        mine.timeout = seconds
        inside = unsure = counted = False  # whether it is in, was perhaps written, is in ``alone``
        call_id = 0
        try:
            mine.deadline = deadline = monotonic() + seconds
        except OverflowError:  # an integer beyond every float
            return long_way(method, params, timeout=math.inf, priority=priority)
        try:
            if lead.setdefault(0, mine) is mine:
                if gate:
                    channel.decline(mine)
                else:
                    inside = True
                    table._last = call_id = table._last + 1
                    try:
                        data = dumps(params, default, option)
                        if (
                            len(data) <= little
                            and data.isascii()
                            and not (_N in data and b"null" in data)
                        ):
                            if method is not last[0] or seconds != last[1]:
                                last = (method, seconds, templates[method, seconds])
                            data = last[2] % (call_id, data)
                        else:
                            data = encode(call_id, method, params, seconds, data)
                    except Exception:  # unknown to orjson, or said for the first time
                        data = b""
                    if not data:
                        data = encode(call_id, method, params, seconds)
                    outbox.lone = mine
                    mine.id = call_id
                    pending[call_id] = mine
                    there = False
                    if channel.calm and len(data) <= ATOMIC:
                        try:
                            write(stdin, data)
                            there = sleeps and seconds >= _PATIENT
                        except OSError as error:
                            unsure = True
                            if raised_by_handler(error):
                                raise
                            channel.send_lonely(data)
                    else:
                        unsure = True
                        channel.send_lonely(data)
                    outbox.lone = None
                    unsure = False
                    if there:  # or will be: who keeps deadlines was at work when it was sent
                        try:
                            extend(map(read, bed, size))
                        except OSError as error:
                            if raised_by_handler(error):
                                raise
                            there = False
                    if not there and (
                        outbox.size
                        or poll(
                            most if seconds >= LONGEST else seconds * 1000 if seconds > 0 else 0
                        )
                        != answer
                    ):
                        return finish_slowly(mine, deadline)
                    try:
                        if not there:
                            extend(map(read, where, size))
                        data = chunks[0]
                        end = len(data) - 1
                        value: Any = loads(data[:end]) if 0 < end < small else None
                        result = value["result"]
                        good = (
                            value["id"] == call_id
                            and value["status"] == "success"
                            and not data[end]
                            and not parts.size
                            and (result.__class__ in EXACT or not _long_number(data))
                            and len(chunks) == 1
                            and pending.pop(call_id, None) is mine
                        )
                    except Exception as error:  # not what it mostly is: the long way knows it
                        if raised_by_handler(error):
                            raise
                        good, result = False, None
                    if not good:
                        return finish_slowly(mine, deadline, True)
                    chunks.clear()
                    if not call_id & sampled:
                        channel.last_done = now = monotonic()
                        if seconds < inf:
                            record(now - deadline + seconds)
                        if call_id > _SAMPLED_FROM and not exact:
                            sampled = _SAMPLED
                    counted = True
                    channel.alone += 1
                    lead.clear()
                    if not channel.calm:
                        channel.look_after()
                        if gate:  # it may be told of later than another call begins
                            mine.counted = True
                            channel.left(channel, mine)
                            return result
                    spare.append(mine)
                    return result
        except BaseException:
            del spare[:]  # it may be there already; a call of a method could be interrupted
            if not mine.over:
                if mine.id != call_id:
                    mine.id = None  # that of an earlier call, if any
                mine.counted = counted
                mine.sent = not (outbox.lone is mine or unsure)
                if outbox.lone is mine:
                    outbox.lone = None  # others may wait for that with the lock that is needed next
                while True:
                    try:
                        channel.withdraw(mine, inside)
                        break
                    except KeyboardInterrupt:  # before it had begun
                        continue
            raise
        return long_way(method, params, timeout=timeout, on_event=on_event, priority=priority)

    call.__doc__ = long_way.__doc__
    return call
