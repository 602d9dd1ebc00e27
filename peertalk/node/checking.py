"""What answers bring is checked beside the event loop: signatures and hashes on threads, in the order of each link.

But what is said live in other rooms does not wait for it: people talk over the link that brings a long history (docs/protocol.md,
"Links"). Nothing is decided here: the checks are core/checks.py, and core settles what was checked (docs/protocol.md, "Settling").
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol

from peertalk.core import wire
from peertalk.core.channel import ChannelEvent
from peertalk.core.checks import CheckedPages, check_pages, slices
from peertalk.core.session import Received
from peertalk.errors import RemoteError
from peertalk.node.pacing import Pace
from peertalk.node.signatures import Signatures

THREADS: Final = max(1, min(2, (os.cpu_count() or 1) - 1))
"""On which checks are made, and processes that verify signatures for them, while there are many."""
MANY, RESTING = 1000, 10.0
"""Pages that wait to be checked from which on processes are started, and seconds without any after which they end."""
SLICE: Final = 256
"""Entries that are checked in one go, and then taken in at one stretch of the event loop: a few milliseconds."""
MAX_CHECKING: Final = 3 * 1024 * 1024
"""Bytes of a link that wait to be checked or taken in, from which on it is not read. A whole answer is less: what is said live comes
over the same link, and passes only what was read."""
MAX_IN_ALL: Final = 4 * 1024 * 1024
"""The same of all links: then none is read of which something waits."""
PATIENCE, AGAIN = 1.0, 0.002
"""Seconds that something is held back because the disk has enough to do (node/pacing.py), and between two looks whether it still
has."""
_ENTRY: Final = 64
"""As so many bytes more each entry counts: small ones take more memory than what they say."""


class Reading(Protocol):
    """What is needed of a link."""

    def read_on(self, *, reading: bool) -> None: ...


What = ChannelEvent | CheckedPages | wire.Pages
_Waiting = ChannelEvent | wire.Pages | asyncio.Future[CheckedPages | wire.Pages]


class _Queue:
    """What came over one link and was not taken in yet."""

    def __init__(self, link: Reading) -> None:
        self.link = link
        self.waiting: deque[tuple[_Waiting, int, bytes | None]] = deque()
        """With its size, and the room of which it speaks; None where it is about the link."""
        self.rooms: Counter[bytes | None] = Counter()
        """Of how much of that each."""
        self.size = 0
        self.is_going_on = False
        self.is_read = True
        self.held_since: float | None = None

    def is_passed_by(self, event: ChannelEvent) -> bool:
        """Need this not wait? In each room the order stays, and rooms come and go between what came before that and after it."""
        if not isinstance(event, Received) or not wire.is_live(event.message):
            return False
        room = wire.room_of(event.message)
        return room is not None and room not in self.rooms and None not in self.rooms


class Checking:
    """`deliver(link, what)` is called with each event or checked part of a message, in order. `is_rated(room)`: not all that comes
    into this room is taken in, so it is delivered as it is: only what is taken in is worth a check. `unwritten()` are the bytes that
    wait for the disk."""

    def __init__(
        self, deliver: Callable[[int, What], None], is_rated: Callable[[bytes], bool], unwritten: Callable[[], int]
    ) -> None:
        self._deliver, self._is_rated, self._unwritten = deliver, is_rated, unwritten
        self._queues: dict[int, _Queue] = {}
        self._size = 0
        self._threads: ThreadPoolExecutor | None = None
        self._signatures = Signatures(THREADS)
        self._unchecked = 0
        self._disk = Pace()
        self._resting: asyncio.TimerHandle | None = None

    def take(self, number: int, link: Reading, event: ChannelEvent) -> bool:
        """Take an event of a link if it has to be checked, or waits for what has to be; else it is to be delivered at once."""
        queue = self._queues.get(number)
        pages = _pages(event)
        if queue is None:
            if pages is None:
                return False
            queue = self._queues[number] = _Queue(link)
        elif queue.is_passed_by(event):
            return False
        if pages is None:
            raw = event.message if isinstance(event, Received) else b""
            self._put(queue, event, len(raw), wire.room_of(raw))
        else:
            is_rated = self._is_rated(pages.room)
            for part in slices(pages, SLICE):
                self._put(queue, part if is_rated else self._check(number, part), sum(map(_size, part.pages)), pages.room)
            self._go_on(number)
        return True

    def drop(self, number: int) -> None:
        """The link is gone, and what it brought last with it."""
        queue = self._queues.pop(number, None)
        if queue is None:
            return
        for what, *_ in queue.waiting:
            if isinstance(what, asyncio.Future):
                what.cancel()
        self._size -= queue.size
        self._pace_all()

    def close(self) -> None:
        """No more threads."""
        self._queues.clear()
        if self._resting is not None:
            self._resting.cancel()
        self._signatures.rest()
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)
            self._threads = None

    def _put(self, queue: _Queue, what: _Waiting, size: int, room: bytes | None) -> None:
        queue.waiting.append((what, size, room))
        queue.rooms[room] += 1
        self._count(queue, size)

    def _check(self, number: int, part: wire.Pages) -> asyncio.Future[CheckedPages | wire.Pages]:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="peertalk-checks")
        self._wait_for(len(part.pages))
        checked = asyncio.get_running_loop().run_in_executor(self._threads, self._checked, part)
        checked.add_done_callback(lambda _: self._is_checked(number, len(part.pages)))
        return checked

    def _checked(self, part: wire.Pages) -> CheckedPages | wire.Pages:
        """On a thread."""
        try:
            return check_pages(part, self._signatures.verify)
        except Exception:  # noqa: BLE001 - a mistake of ours: it shows again where it costs the link, and nothing else
            return part

    def _wait_for(self, pages: int) -> None:
        self._unchecked += pages
        if self._unchecked >= MANY:
            self._signatures.want()
            if self._resting is not None:
                self._resting.cancel()
                self._resting = None

    def _is_checked(self, number: int, pages: int) -> None:
        self._unchecked -= pages
        if self._resting is None and not self._unchecked and self._threads is not None:
            self._resting = asyncio.get_running_loop().call_later(RESTING, self._rest)
        self._go_on(number)

    def _rest(self) -> None:
        self._resting = None
        self._signatures.rest()

    def _go_on(self, number: int) -> None:
        """Deliver what is due; after one part of a message others have their turn."""
        queue = self._queues.get(number)
        if queue is None or queue.is_going_on:
            return
        queue.is_going_on = True
        asyncio.get_running_loop().call_soon(self._next, number, queue)

    def _next(self, number: int, queue: _Queue) -> None:
        queue.is_going_on = False
        while queue.waiting and self._queues.get(number) is queue:
            what, size, _ = queue.waiting[0]
            if isinstance(what, asyncio.Future):
                if not what.done() or self._is_held(number, queue):
                    return
                self._pop(queue, size)
                self._deliver(number, what.result())
                self._disk.gave(self._unwritten())
                break
            self._pop(queue, size)
            self._deliver(number, what)
            if isinstance(what, wire.Pages):
                break
        if queue.waiting:
            self._go_on(number)
        elif self._queues.get(number) is queue:
            del self._queues[number]

    def _is_held(self, number: int, queue: _Queue) -> bool:
        """Does the disk lag behind? Then it is looked again in a moment."""
        loop, unwritten = asyncio.get_running_loop(), self._unwritten()
        self._disk.look(unwritten, loop.time())
        if unwritten > self._disk.limit:
            if queue.held_since is None:
                queue.held_since = loop.time()
            if loop.time() - queue.held_since < PATIENCE:
                queue.is_going_on = True
                loop.call_later(AGAIN, self._next, number, queue)
                return True
        queue.held_since = None
        return False

    def _pop(self, queue: _Queue, size: int) -> None:
        *_, room = queue.waiting.popleft()
        queue.rooms[room] -= 1
        if not queue.rooms[room]:
            del queue.rooms[room]
        self._count(queue, -size)

    def _count(self, queue: _Queue, size: int) -> None:
        was_full = self._size > MAX_IN_ALL
        queue.size += size
        self._size += size
        if was_full is (self._size > MAX_IN_ALL):
            self._pace(queue)
        else:
            self._pace_all()

    def _pace_all(self) -> None:
        for queue in self._queues.values():
            self._pace(queue)

    def _pace(self, queue: _Queue) -> None:
        """Read the link, or don't."""
        is_read = queue.size <= MAX_CHECKING and (self._size <= MAX_IN_ALL or not queue.waiting)
        if is_read is not queue.is_read:
            queue.is_read = is_read
            queue.link.read_on(reading=is_read)


def _pages(event: ChannelEvent) -> wire.Pages | None:
    """The pages that have to be checked. A message that cannot be read is refused when it is its turn."""
    if not isinstance(event, Received) or not wire.has_pages(event.message):
        return None
    try:
        message = wire.decode(event.message)
    except RemoteError:
        return None
    return message if isinstance(message, wire.Pages) else None


def _size(run: wire.Run) -> int:
    headers, _, bodies = run
    return sum(map(len, headers)) + sum(len(body) for body in bodies if body is not None) + _ENTRY * len(headers)
