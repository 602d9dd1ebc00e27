"""Carries out what the replica decides: sends, commits, loads, wakes; and reports back to it.

All inputs of one turn of the event loop are followed by one `drain`: what belongs together leaves together.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol, cast, get_args

from peertalk.core import wire
from peertalk.core.effects import (
    Close,
    Commit,
    Effect,
    Heard,
    Listens,
    LoadBodies,
    LoadPages,
    Notice,
    Prove,
    Seek,
    Send,
    Spare,
    Unprove,
    Wake,
)
from peertalk.core.outlet import Now
from peertalk.core.sync import Replica
from peertalk.errors import PeerTalkError
from peertalk.node.ports import Clock, Store

_NOTICES: Final = frozenset(get_args(Notice))
log = logging.getLogger("peertalk.engine")


class Line(Protocol):
    """What the engine needs of a link."""

    def send(self, message: bytes) -> None: ...

    def flush(self) -> None: ...

    def prove(self, rooms: Mapping[bytes, bytes]) -> None: ...

    def forget(self, room: bytes) -> None: ...

    def close(self, reason: str) -> None: ...


class Engine:
    """`lines` are the links by number; `tell` is given all notices of a turn, `learn` where others are said to be, `arrange`
    which links there are to be; `fail` ends the node when the disk fails."""

    def __init__(
        self,
        replica: Replica,
        store: Store,
        clock: Clock,
        lines: Mapping[int, Line],
        *,
        tell: Callable[[Sequence[Notice]], None],
        learn: Callable[[Listens | Heard], None],
        fail: Callable[[BaseException], None],
        arrange: Callable[[Seek | Spare], None] = lambda _: None,
    ) -> None:
        self.replica = replica
        self._store = store
        self._clock = clock
        self._lines = lines
        self._tell = tell
        self._learn = learn
        self._fail = fail
        self._arrange = arrange
        self._loop = asyncio.get_running_loop()
        self._scheduled = False
        self._timer: asyncio.TimerHandle | None = None
        self._wake_at = float("inf")
        self._loads: set[asyncio.Task[None]] = set()
        self._commits = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def now(self) -> Now:
        """The time, as the core takes it."""
        return Now(self._clock.mono(), self._clock.wall())

    def turn(self) -> None:
        """Something was put into the replica: carry out what follows at the end of this turn of the loop."""
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self.drain)

    async def settled(self) -> None:
        """Wait until everything that was put in is on disk. For closing."""
        while True:
            self.drain()
            if self._idle.is_set() and not self._scheduled:
                return
            await self._idle.wait()

    def stop(self) -> None:
        """No more timers and reads."""
        if self._timer is not None:
            self._timer.cancel()
        for load in self._loads:
            load.cancel()

    # ── effects ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def drain(self) -> None:
        """Carry out what follows from the inputs so far, now: first what others wait for, the disk and whoever is linked. The effects of
        each kind keep their order; what may only be sent once something is on disk comes in a later turn than that."""
        self._scheduled = False
        effects = self.replica.drain(self.now())
        notices: list[Notice] = []
        others: list[Effect] = []
        for effect in effects:
            if type(effect) is Commit:
                self._commit(effect)
            elif type(effect) in _NOTICES:
                notices.append(cast("Notice", effect))
            else:
                others.append(effect)
        for effect in others:
            self._carry_out(effect)
        for number in {effect.link for effect in others if type(effect) is Send}:
            if number in self._lines:
                self._lines[number].flush()
        if notices:
            self._tell(notices)

    def _commit(self, effect: Commit) -> None:
        self._commits += 1
        self._idle.clear()
        self._store.submit(effect.ops).add_done_callback(lambda done: self._committed(effect.token, done))

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Send(link, message):
                if link in self._lines:
                    self._lines[link].send(wire.encode(message))
            case Wake(at):
                self._wake(at)
            case LoadPages() | LoadBodies():
                self._load(effect)
            case Prove() | Unprove() | Close():
                self._on_line(effect)
            case Seek() | Spare():
                self._arrange(effect)
            case Listens() | Heard():
                self._learn(effect)

    def _on_line(self, effect: Prove | Unprove | Close) -> None:
        line = self._lines.get(effect.link)
        if line is None:
            return
        match effect:
            case Prove(_, rooms):
                secrets = self.replica.secrets(effect.link)
                line.prove({room: secrets[room] for room in rooms if room in secrets})
            case Unprove(_, room):
                line.forget(room)
            case Close(_, reason):
                line.close(reason)

    def _committed(self, token: int, done: asyncio.Future[None]) -> None:
        self._commits -= 1
        if not self._commits:
            self._idle.set()
        error = done.exception()
        if error is not None:
            self._fail(error)
            return
        self._tell_replica(lambda now: self.replica.committed(token, now))

    def _wake(self, at: float) -> None:
        if at == self._wake_at:
            return
        self._wake_at = at
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if at != float("inf"):
            self._timer = self._loop.call_later(max(0.0, at - self._clock.mono()), self._tick)

    def _tick(self) -> None:
        self._wake_at = float("inf")
        self._timer = None
        self.replica.tick(self.now())
        self.turn()

    def _load(self, effect: LoadPages | LoadBodies) -> None:
        task = self._loop.create_task(self._read(effect))
        self._loads.add(task)
        task.add_done_callback(self._loads.discard)

    async def _read(self, effect: LoadPages | LoadBodies) -> None:
        try:
            if isinstance(effect, LoadPages):
                pages = await self._store.pages(effect.room, effect.numbers)
                self._tell_replica(lambda now: self.replica.loaded(effect.token, pages, now))
            else:
                bodies = await self._store.bodies(effect.room, effect.entries)
                self._tell_replica(lambda now: self.replica.loaded_bodies(effect.token, bodies, now))
        except PeerTalkError as error:  # the disk failed, and with it what the node is for
            self._fail(error)

    def _tell_replica(self, report: Callable[[Now], None]) -> None:
        """Report what was carried out. A mistake of ours in there, which a peer might reach, does not end the node."""
        try:
            report(self.now())
        except Exception as error:  # noqa: BLE001 - see above
            log.error("a report to the replica failed: %s", type(error).__name__)  # noqa: TRY400 - no text of others
        self.turn()
