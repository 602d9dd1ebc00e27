"""Links: one TCP stream each, with a core Channel on top (docs/protocol.md, "Links")."""

from __future__ import annotations

import asyncio
import math
import socket
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, cast

from peertalk.core.channel import Bye, Channel, ChannelEvent, Established, Refused
from peertalk.core.pairing import Pairing
from peertalk.errors import RemoteError, RequestError
from peertalk.node.interfaces import canonical
from peertalk.node.ports import Clock

HIGH_WATER = 256 * 1024  # bytes waiting from which on a link is not `writable` …
LOW_WATER = 64 * 1024  # … and below which it is again
KERNEL_UNSENT = 128 * 1024
LIMIT = 4 * 1024 * 1024  # what may wait for a slow reader, for SLOW_SECONDS
OVERFLOW = 4 * LIMIT  # what may never wait
SLOW_SECONDS = 10.0
LINGER_SECONDS = 2.0  # for the last bytes to leave
ENDS = {
    "blocked",
    "closing",
    "crossed",
    "crowded",
    "forgotten",
    "internal",
    "leaving",
    "left_out",
    "moved",
    "needless",
    "replaced",
    "slow_reader",
    "spare",
    "timeout",
}
FAULTS = {"bad_body", "bad_card", "bad_key", "bad_signature", "decrypt", "malformed", "not_proven", "out_of_order", "silent"}
PAIRED = "paired"  # why a pairing ends in which all was said
KNOWN = ENDS | FAULTS | {"too_large", "void_entry"}  # the reasons of others that may be logged


class Link(asyncio.Protocol):
    """One TCP stream ↔ one channel.

    `on_event` gets Established, Received and Proven, or the events of a pairing (core/pairing.py). `on_closed` is called exactly
    once, never from within `send`, `prove`, `pair` or `close`, with why the link ended: `bye:<word>` (the other side's, `other` if
    it is none that we know), `closed:<word>` (one's own), `refused:<kind>` (no channel, nobody's fault), `slow_reader`,
    `handshake_cut`, `cut_off`, `wrong_code`, or the kind of the RemoteError. After that nothing is sent or told any more. `on_pace`
    is called when `writable` has changed.

    `address` is that of the other end, `local` the own one (without a scope), `begun` when the stream was there, `since` when the
    channel was established.

    `target` is what the dialer dialled for; None for a link that came in. `address` is where the other side is, the host as
    `interfaces.canonical` writes it.
    """

    def __init__(
        self,
        number: int,
        channel: Channel,
        *,
        clock: Clock,
        on_event: Callable[[Link, ChannelEvent], None],
        on_closed: Callable[[Link, str], None],
        on_pace: Callable[[Link], None] | None = None,
        target: str | None = None,
    ) -> None:
        self.id = number
        self.target = target
        self.address: tuple[str, int] = ("", 0)
        self.local = ""
        self.begun = self.since = math.inf
        self.writable = True
        self.on_connected: Callable[[Link], None] | None = None
        self._channel = channel
        self._clock = clock
        self._on_event, self._on_closed, self._on_pace = on_event, on_closed, on_pace
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._reason: str | None = None
        self._settled, self._gone = asyncio.Event(), asyncio.Event()
        self._unflushed = 0
        self._flushing: asyncio.Handle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf
        self._slow: asyncio.TimerHandle | None = None

    # ── what the owner sees and does ─────────────────────────────────────────────────────────────────────────────────

    @property
    def initiator(self) -> bool:
        return self.target is not None

    @property
    def binding(self) -> bytes:
        """What the channel is bound to: the same at both ends, and nowhere else (docs/protocol.md, "The channel")."""
        return self._channel.binding

    @property
    def peer(self) -> bytes | None:
        """The identity at the other end, once it is proven."""
        return self._channel.peer if self._channel.established else None

    @property
    def proven(self) -> bool:
        """Whether the other side has shown that it is in a room of ours, or knows the words of a code."""
        return self._channel.proven

    def is_other_end_of(self, other: Link) -> bool:
        """Whether these two, both being set up, are the ends of one channel: this process has dialled itself."""
        return self is not other and bool(self._channel.anonymous) and self._channel.anonymous == other._channel.anonymous

    @property
    def pairing(self) -> bool:
        """Whether it leads to an invitation, and never to a link."""
        return self._channel.pairing

    @property
    def half_open(self) -> bool:
        return self._reason is None and not self._channel.established

    @property
    def reason(self) -> str | None:
        """Why the link ended, None while it is up."""
        return self._reason

    @property
    def queued(self) -> int:
        """Bytes that wait to be sent (nearly: what was not sealed yet counts without its padding)."""
        return self._unflushed + (self._transport.get_write_buffer_size() if self._transport else 0)

    def send(self, message: bytes) -> None:
        """Send one message, after those before it. What is sent in one turn of the event loop leaves as one piece."""
        if self._reason is None:
            self._channel.send(message, self._clock.mono())
            self._unflushed += len(message)
            self._flush_soon()

    def prove(self, rooms: Mapping[bytes, bytes]) -> None:
        """Prove rooms (id → secret) that were joined while the link is up."""
        if self._reason is None:
            self._channel.prove(rooms, self._clock.mono())
            self._flush_soon()

    def pair(self, step: Callable[[Pairing, float], None]) -> None:
        """Go on with a pairing: `step` gets it, and the time. It may be the end."""
        if self._reason is None:
            self._channel.pair(lambda pairing: step(pairing, self._clock.mono()))
            self._step_done()

    def forget(self, room: bytes) -> None:
        """This room is no longer proven here; to be spoken of again it would have to be."""
        self._channel.forget(room)

    def read_on(self, *, reading: bool) -> None:
        """Stop reading, or go on: what came before is being looked at."""
        if self._transport is None or self._reason is not None:
            return
        if reading:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def close(self, reason: str) -> None:
        """Say goodbye and hang up; `reason` is a word (a-z, _). The first reason counts."""
        if self._reason is None:
            self._channel.bye(reason, self._clock.mono())
            self._end(f"closed:{reason}")

    async def settled(self) -> None:
        """Wait until it is known what becomes of it: `peer` is there, or the `reason` why there will be none."""
        await self._settled.wait()

    async def closed(self) -> None:
        """Wait until the stream is gone."""
        await self._gone.wait()

    # ── what asyncio tells ───────────────────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # what is promised for a stream; uvloop has a class of its own for it
        self._transport = transport = cast("asyncio.Transport", transport)
        if self._reason is not None:
            transport.abort()
            return
        self.begun = self._clock.mono()
        name = transport.get_extra_info("peername") or ("", 0)
        self.address = canonical(with_scope(name)), name[1]
        self.local = canonical((transport.get_extra_info("sockname") or ("",))[0]).partition("%")[0]
        self._transport.set_write_buffer_limits(HIGH_WATER, LOW_WATER)
        tune(transport.get_extra_info("socket"))
        self._step_done()
        if self.on_connected:
            self.on_connected(self)

    def data_received(self, data: bytes) -> None:
        if self._reason is None:
            self._take(lambda now: self._channel.receive(data, now))

    def pause_writing(self) -> None:
        self._pace(writable=False)

    def resume_writing(self) -> None:
        self._pace(writable=True)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - whatever it was, the stream is gone
        if self._reason is None:
            meaning = self._channel.cut_off()
            self._end(f"refused:{meaning}" if meaning in {"no_shared_room", "refused"} else meaning)
        if self._timer:
            self._timer.cancel()
        self._gone.set()

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _take(self, step: Callable[[float], Iterable[ChannelEvent]]) -> None:
        try:
            events = step(self._clock.mono())
        except RemoteError as error:
            self._end(error.kind)
            return
        for event in events:
            match event:
                case Bye(reason):
                    self._end(f"bye:{reason if reason in KNOWN else 'other'}")
                case Refused(kind):
                    self._end(f"refused:{kind}")
                case _:
                    self._on_event(self, event)
                    if isinstance(event, Established):
                        self._settled.set()
            if self._reason is not None:
                return
        self._step_done()

    def _pace(self, *, writable: bool) -> None:
        self.writable = writable
        if self._on_pace and self._reason is None:
            self._on_pace(self)

    def _step_done(self) -> None:
        """After each step of the channel: write what it has, and be back when it wants to be woken."""
        self._flush()
        if self._channel.paired:
            self._end(f"closed:{PAIRED}")
            return
        wake = self._channel.wake()
        if wake < self._timer_at:  # a timer that is too early costs a look, and saves setting one at every message
            self._set_timer(max(0.0, wake - self._clock.mono()), self._tick)
            self._timer_at = wake

    def _tick(self) -> None:
        self._timer_at = math.inf
        self._take(self._channel.tick)

    def _set_timer(self, delay: float, call: Callable[[], None]) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = self._loop.call_later(delay, call)

    def _flush_soon(self) -> None:
        if self._flushing is None:
            self._flushing = self._loop.call_soon(self._step_done)

    def _flush(self) -> None:
        if self._flushing:
            self._flushing.cancel()
        self._flushing, self._unflushed = None, 0
        data = self._channel.outgoing()
        if data and self._transport:
            self._transport.write(data)
            self._limit(self._transport.get_write_buffer_size())

    def _limit(self, waiting: int) -> None:
        if waiting > OVERFLOW:
            self._end("slow_reader")
        elif waiting > LIMIT and self._slow is None:
            self._slow = self._loop.call_later(SLOW_SECONDS, self._still_slow)

    def _still_slow(self) -> None:
        self._slow = None
        if self.queued > LIMIT:
            self._end("slow_reader")

    def _end(self, reason: str) -> None:
        if self._reason is not None:
            return
        self._reason = reason
        self._settled.set()
        self._flush()
        if self._slow:
            self._slow.cancel()
        if self._transport:
            self._transport.close()
            self._set_timer(LINGER_SECONDS, self._transport.abort)
        else:
            self._gone.set()
        self._loop.call_soon(self._on_closed, self, reason)


def with_scope(name: tuple[Any, ...]) -> str:
    """The host of a socket's name; an IPv6 one with the index of its interface, which Python gives beside it."""
    return f"{name[0]}%{name[3]}" if len(name) == 4 and name[3] and "%" not in name[0] else str(name[0])


def tune(stream: socket.socket) -> None:
    """Send small messages at once; and let what was not sent wait here, where it is counted, instead of in the kernel. macOS
    refuses that of a connection that the other side has ended already: which will be told in a moment."""
    with suppress(OSError):
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if unsent := getattr(socket, "TCP_NOTSENT_LOWAT", None):
            stream.setsockopt(socket.IPPROTO_TCP, unsent, KERNEL_UNSENT)


async def dial(host: str, port: int, make: Callable[[], Link], seconds: float) -> Link:
    """Connect to `host` (an address, also `fe80::1%2`, or a name). RequestError("not_reachable", host=…, port=…); then, as when
    it is cancelled, a link that was made has ended."""
    made: list[Link] = []

    def one() -> Link:
        made.append(make())
        return made[-1]

    try:
        async with asyncio.timeout(seconds):
            _, link = await asyncio.get_running_loop().create_connection(one, host, port)
    except (OSError, UnicodeError) as error:
        raise RequestError("not_reachable", host=host, port=port) from error
    else:
        made.clear()
    finally:
        for given_up in made:  # uvloop makes it before it connects
            given_up.close("not_reachable")
    return link
