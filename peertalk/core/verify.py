"""Comparing emoji with somebody who is linked: commit, then reveal (docs/protocol.md, "Who is who").

Both people must want it; who wants first waits. What the two then see follows from both identities, both nonces and the channel
between them: where somebody sits in between there are two channels, and each side gets other emoji.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field

from peertalk.core import wire
from peertalk.core.effects import EmojiMade, Send, VerifyAsked, VerifyFailed
from peertalk.core.entry import Random
from peertalk.core.outlet import Outlet
from peertalk.core.rates import Bucket
from peertalk.errors import RemoteError

LONGEST = 600.0
"""Seconds that the other one is waited for."""
RELINK = 10.0
"""Seconds that a link may be gone meanwhile."""
MAX_REVEALED = 8
"""Nonces that are shown for one wish: who sees one before showing its own could try again by cutting the link."""
STEP_BURST, STEP_RATE = 32, 1
ASKED_AGAIN = 10.0
"""Seconds within which it is not told again that the same one asks."""
MAX_TOLD = 1024
NONCE = 32
_CANCELLED = bytes(32)


def commitment(nonce: bytes, own: bytes, other: bytes, binding: bytes) -> bytes:
    """What is said before the nonce: of whom, to whom, over which channel. It means nothing said back to its sender."""
    return hashlib.blake2b(nonce + own + other + binding, digest_size=32, person=b"peertalk/1 cmt").digest()


def emoji_of(one: tuple[bytes, bytes], two: tuple[bytes, bytes], binding: bytes) -> bytes:
    """The 8 bytes of which the first 42 bits are shown; `one` and `two` are (identity, nonce), in any order."""
    (low, first), (high, second) = sorted((one, two))
    return hashlib.blake2b(low + high + first + second + binding, digest_size=8, person=b"peertalk/1 emoji").digest()


@dataclass(slots=True)
class Run:
    """The exchange on one link: `nonce` is one's own that was committed to, `theirs` the other's commitment."""

    link: int
    identity: bytes
    room: bytes
    binding: bytes
    nonce: bytes = b""
    theirs: bytes = b""
    is_ending: bool = False
    """One has cancelled: until the other's `cancel` comes, what still comes is of what was cancelled."""
    steps: Bucket = field(default_factory=lambda: Bucket(STEP_BURST, STEP_RATE, 0.0))


@dataclass(slots=True)
class Wish:
    """A person here wants to compare with somebody, until then. `gone`: since when there is no link."""

    until: float
    gone: float | None
    revealed: int = 0

    @property
    def ends(self) -> float:
        return self.until if self.gone is None else min(self.until, self.gone + RELINK)


class Verifying:
    """The wishes of the person here, and the exchanges on all links."""

    def __init__(self, me: bytes, out: Outlet, random: Random) -> None:
        self._me, self._out, self._random = me, out, random
        self._runs: dict[int, Run] = {}
        self._wishes: dict[bytes, Wish] = {}
        self._told: dict[bytes, float] = {}

    def link_up(self, link: int, identity: bytes, room: bytes, binding: bytes) -> None:
        """A link to `identity`; `room` is the direct room with it, `binding` the channel's. What was wanted begins anew on it."""
        self._runs[link] = run = Run(link, identity, room, binding)
        wish = self._wishes.get(identity)
        if wish is not None:
            wish.gone = None
            self._commit(run)

    def link_down(self, link: int, now: float) -> None:
        """A link is gone; it begins anew on another one, if there is one, or if there soon will be."""
        run = self._runs.pop(link, None)
        wish = self._wishes.get(run.identity) if run is not None else None
        if run is None or wish is None:
            return
        left = self._run(run.identity)
        if left is None:
            wish.gone = now
        elif not left.nonce:
            self._commit(left)

    def want(self, identity: bytes, now: float) -> None:
        """The person here wants to compare emoji with `identity`. What comes of it is EmojiMade or VerifyFailed."""
        run = self._run(identity)
        self._wishes[identity] = Wish(now + LONGEST, now if run is None else None)
        if run is not None and not run.nonce:
            self._commit(run)

    def drop(self, identity: bytes) -> None:
        """The person here does not, or not any more; the other side is told."""
        self._wishes.pop(identity, None)
        run = self._run(identity)
        if run is not None and (run.nonce or run.theirs):
            self._end(run)
            run.is_ending = True

    def _run(self, identity: bytes) -> Run | None:
        """That on the newest link to `identity`."""
        return next((run for run in reversed(self._runs.values()) if run.identity == identity), None)

    # ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def receive(self, link: int, message: wire.Verify, now: float) -> None:
        """A step of the other side. RemoteError: out_of_order, bad_nonce, malformed, flood."""
        run = self._runs[link]
        if message.room != run.room:
            raise RemoteError("out_of_order")
        if not run.steps.take(1, now):
            raise RemoteError("flood")
        if message.step == wire.VERIFY_CANCEL:
            self._on_cancel(run, message.value)
        elif run.is_ending:
            return
        elif message.step == wire.VERIFY_COMMIT:
            self._on_commitment(run, message.value, now)
        else:
            self._on_nonce(run, message.value)

    def _on_commitment(self, run: Run, value: bytes, now: float) -> None:
        if run.theirs:
            raise RemoteError("out_of_order")
        run.theirs = value
        if run.nonce:
            self._reveal(run)
        elif now >= self._told.get(run.identity, -ASKED_AGAIN) + ASKED_AGAIN:
            self._told.pop(run.identity, None)
            self._told[run.identity] = now
            if len(self._told) > MAX_TOLD:
                del self._told[next(iter(self._told))]
            self._out.emit(VerifyAsked(run.identity))

    def _on_nonce(self, run: Run, value: bytes) -> None:
        if not (run.theirs and run.nonce):
            raise RemoteError("out_of_order")
        if not hmac.compare_digest(run.theirs, commitment(value, run.identity, self._me, run.binding)):
            raise RemoteError("bad_nonce")
        emoji = emoji_of((self._me, run.nonce), (run.identity, value), run.binding)
        run.nonce = run.theirs = b""
        self._wishes.pop(run.identity, None)
        self._out.emit(EmojiMade(run.identity, emoji))

    def _on_cancel(self, run: Run, value: bytes) -> None:
        if value != _CANCELLED:
            raise RemoteError("malformed", what="message")
        if run.is_ending:
            run.is_ending = False
            if run.identity in self._wishes:
                self._commit(run)
            return
        self._end(run)
        if self._wishes.pop(run.identity, None) is not None:
            self._out.emit(VerifyFailed(run.identity, "cancelled"))

    def _commit(self, run: Run) -> None:
        if run.is_ending:
            return
        run.nonce = self._random(NONCE)
        self._say(run, wire.VERIFY_COMMIT, commitment(run.nonce, self._me, run.identity, run.binding))
        if run.theirs:
            self._reveal(run)

    def _reveal(self, run: Run) -> None:
        """Only now that the other one is committed."""
        wish = self._wishes.get(run.identity)
        if wish is None:  # there was another link, and on that one it is done
            return
        wish.revealed += 1
        if wish.revealed > MAX_REVEALED:
            self._fail(run.identity, "failed")
            return
        self._say(run, wire.VERIFY_NONCE, run.nonce)

    def _end(self, run: Run) -> None:
        run.nonce = run.theirs = b""
        self._say(run, wire.VERIFY_CANCEL, _CANCELLED)

    def _say(self, run: Run, step: int, value: bytes) -> None:
        self._out.emit(Send(run.link, wire.Verify(run.room, step, value)))

    # ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def tick(self, now: float) -> None:
        """Nobody waits for ever."""
        for identity, wish in list(self._wishes.items()):
            if wish.ends <= now:
                self._fail(identity, "timeout" if wish.until <= now else "gone")

    def _fail(self, identity: bytes, why: str) -> None:
        self.drop(identity)
        self._out.emit(VerifyFailed(identity, why))

    def wake(self) -> float:
        """When to call `tick` next (monotonic seconds)."""
        if not self._wishes:  # as nearly always, and asked after each message
            return float("inf")
        return min(wish.ends for wish in self._wishes.values())
