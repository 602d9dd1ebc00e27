"""Where the core's decisions leave: a list of effects, and what is to happen once one has been carried out."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from peertalk.core.effects import Commit, Effect, LoadBodies, LoadPages, Token
from peertalk.core.rates import Intake
from peertalk.core.stored import Op, PageRecord
from peertalk.errors import RemoteError


class Now(NamedTuple):
    """`mono`: monotonic seconds, for timers. `wall`: Unix ms by the local clock, for display and forgetting; it may jump."""

    mono: float
    wall: int


Then = Callable[[Now], None]


LAZY_DELAY = 1.0
"""Seconds that what may be lost waits for a commit."""
AT_ONCE = 4
"""Answers that are read from the disk and sent at a time."""


class Turns:
    """Long work that few do at a time; the others wait in order. `take` is given back by `done`."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._free = at_once
        self._waiting: deque[Callable[[], None]] = deque()
        self._calling = False

    def take(self, work: Callable[[], None]) -> None:
        """Call `work` when it is its turn."""
        self._waiting.append(work)
        self._call()

    def done(self) -> None:
        """A turn is over."""
        self._free += 1
        self._call()

    def _call(self) -> None:
        if self._calling:
            return
        self._calling = True
        try:
            while self._waiting and self._free:
                self._free -= 1
                self._waiting.popleft()()
        finally:
            self._calling = False


def _call(thens: Sequence[Then], now: Now) -> None:
    """All of them in order, whichever fails: the others wait for nothing else."""
    with ExitStack() as stack:
        for then in reversed(thens):
            stack.callback(then, now)


class Outlet:
    """Collects effects in order. A `then` runs when the driver reports its token done; tokens of commits are done in order."""

    def __init__(self) -> None:
        self._effects: list[Effect] = []
        self._commits: dict[Token, Then | None] = {}
        self._pages: dict[Token, Callable[[Sequence[PageRecord], Now], None]] = {}
        self._bodies: dict[Token, Callable[[Mapping[bytes, bytes], Now], None]] = {}
        self._lazy: dict[object, Op] = {}
        self.lazy_at = float("inf")
        """When to call `flush_if_due` (monotonic seconds)."""
        self._together: list[tuple[tuple[Op, ...], Then | None]] | None = None
        self.touched: set[bytes] = set()
        """Rooms in which something has happened that others, or a timer, may have to hear of."""
        self.intake = Intake()
        self.unwritten = 0
        """Bytes of pages of others that wait for the disk."""
        self.turns = Turns()
        self.congested: set[int] = set()
        """Links on which so much waits that what can wait is not added (docs/protocol.md, "Links")."""
        self.relayed = Counter[int]()
        """Bytes of pages of others that are about to be sent, by link."""
        self._token = 0

    def emit(self, effect: Effect) -> None:
        self._effects.append(effect)

    @property
    def gathered(self) -> Sequence[Effect]:
        """The effects that `drain` would give."""
        return self._effects

    def drain(self) -> list[Effect]:
        """The effects since the last call."""
        effects, self._effects = self._effects, []
        self.relayed.clear()
        return effects

    def commit(self, ops: Iterable[Op], then: Then | None = None) -> None:
        """Make `ops` durable, after the lazy ones that have gathered."""
        if self._together is not None:
            self._together.append((tuple(ops), then))
            return
        gathered, self._lazy = (*self._lazy.values(), *ops), {}
        self.emit(Commit(self._next(), gathered))
        self._commits[self._token] = then

    @contextmanager
    def together(self) -> Iterator[None]:
        """All that is committed inside becomes durable at once, or nothing of it. What was committed before a peer did something
        wrong (RemoteError) counts; a block inside another belongs to it."""
        if self._together is not None:
            yield
            return
        parts: list[tuple[tuple[Op, ...], Then | None]] = []
        wrong: RemoteError | None = None
        self._together = parts
        try:
            yield
        except RemoteError as error:
            wrong = error
        finally:
            self._together = None
        if parts:
            self.commit(
                [op for ops, _ in parts for op in ops], lambda now: _call([then for _, then in parts if then is not None], now)
            )
        if wrong is not None:
            raise wrong

    def lazily(self, key: object, op: Op) -> None:
        """Make `op` durable with the next commit; it replaces an older one of the same key. For what may be lost."""
        self._lazy[key] = op

    def flush(self) -> None:
        """Make durable what had time."""
        if self._lazy:
            self.commit(())

    def flush_if_due(self, now: Now) -> None:
        """The same, once it has waited for a second."""
        if not self._lazy:
            self.lazy_at = float("inf")
        elif self.lazy_at == float("inf"):
            self.lazy_at = now.mono + LAZY_DELAY
        elif now.mono >= self.lazy_at:
            self.lazy_at = float("inf")
            self.flush()

    def load_pages(self, room: bytes, numbers: tuple[int, ...], then: Callable[[Sequence[PageRecord], Now], None]) -> None:
        self.emit(LoadPages(self._next(), room, numbers))
        self._pages[self._token] = then

    def load_bodies(self, room: bytes, entries: tuple[bytes, ...], then: Callable[[Mapping[bytes, bytes], Now], None]) -> None:
        self.emit(LoadBodies(self._next(), room, entries))
        self._bodies[self._token] = then

    def committed(self, token: Token, now: Now) -> None:
        then = self._commits.pop(token)
        if then is not None:
            then(now)

    def loaded(self, token: Token, pages: Sequence[PageRecord], now: Now) -> None:
        self._pages.pop(token)(pages, now)

    def loaded_bodies(self, token: Token, bodies: Mapping[bytes, bytes], now: Now) -> None:
        self._bodies.pop(token)(bodies, now)

    def _next(self) -> Token:
        self._token += 1
        return self._token
