"""The established half of a channel: messages, room proofs, liveness, the end (docs/protocol.md, "Records")."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from peertalk.core.frames import frame
from peertalk.core.handshake import Agreed
from peertalk.core.proving import Proving
from peertalk.core.records import Assembler, Kind, Opener, Sealer, fragments
from peertalk.errors import RemoteError

PING_SECONDS = 5.0
SILENT_SECONDS = 10.0
PONG_SECONDS = 1.0
SIGN_SECONDS = 2.5

is_reason = re.compile(r"[a-z_]{1,32}").fullmatch


@dataclass(frozen=True, slots=True)
class Received:
    """A message, whole and authentic."""

    message: bytes


@dataclass(frozen=True, slots=True)
class Proven:
    """Rooms that both sides have proven now and that did not count as proven on this link before."""

    rooms: frozenset[bytes]


@dataclass(frozen=True, slots=True)
class Bye:
    """The other side closes and says so; `reason` is a word: `leaving`, the kind of an error."""

    reason: str


SessionEvent = Received | Proven | Bye


class Session:
    """What runs under the keys of a finished handshake. Frames leave through `out`; `rooms` is kept up to date in place."""

    def __init__(self, agreed: Agreed, *, rooms: set[bytes], proving: Proving, out: list[bytes], now: float) -> None:
        self._rooms = rooms
        self._proving = proving
        self._out = out
        self._sealer = Sealer(agreed.sending, now)
        self._opener = Opener(agreed.receiving)
        self._assembler = Assembler()
        self._heard = now
        self._pinged: float | None = None
        self._ponged = now - PONG_SECONDS
        self._sent = now

    def send(self, message: bytes, now: float) -> None:
        """Send one message of 1 byte to 320 KiB."""
        for kind, content in fragments(message):
            self._send(kind, content, now)

    def receive(self, record: bytes, now: float) -> SessionEvent | None:
        """Take one sealed record."""
        kind, content = self._opener.open(record)
        self._heard, self._pinged = now, None
        match kind:
            case Kind.FINAL | Kind.MORE:
                self._show_life(now)
                message = self._assembler.add(content, final=kind == Kind.FINAL)
                return None if message is None else Received(message)
            case Kind.BYE:
                return _bye(content)
            case Kind.PROVE:
                return self._take_question(content, now)
            case Kind.PROVED:
                return self._take_answer(content, now)
            case Kind.PING:
                self._pong(now)
        return None

    def prove(self, rooms: Mapping[bytes, bytes], now: float) -> None:
        """Prove more rooms, id → secret."""
        self._proving.add(rooms)
        self._ask(now)

    def forget(self, room: bytes) -> None:
        """A room is no longer to be proven."""
        self._proving.forget(room)

    def bye(self, reason: str, now: float) -> None:
        """Say that nothing more will come."""
        self._send(Kind.BYE, reason.encode(), now)

    def tick(self, now: float) -> SessionEvent | None:
        """Do what is due. RemoteError("silent") when a ping went unanswered."""
        if now >= self._alive_until:
            self._ping(now)
        return self._answer(now)

    def wake(self) -> float:
        """When `tick` has something to do."""
        return min(self._alive_until, self._proving.answer_at)

    @property
    def _alive_until(self) -> float:
        if self._pinged is None:
            return self._heard + PING_SECONDS
        return self._pinged + SILENT_SECONDS - PING_SECONDS

    def _ping(self, now: float) -> None:
        if self._pinged is not None:
            raise RemoteError("silent")
        self._pinged = now
        self._send(Kind.PING, b"", now)

    def _ask(self, now: float) -> None:
        question = self._proving.question()
        if question is not None:
            self._send(Kind.PROVE, question, now)

    def _answer(self, now: float) -> Proven | None:
        if now < self._proving.answer_at:
            return None
        answer, rooms = self._proving.answer(now)
        self._send(Kind.PROVED, answer, now)
        return self._proven(rooms)

    def _proven(self, rooms: frozenset[bytes]) -> Proven | None:
        added = rooms - self._rooms
        self._rooms |= added
        return Proven(added) if added else None

    def _send(self, kind: Kind, content: bytes, now: float) -> None:
        self._sent = now
        self._out.extend(map(frame, self._sealer.seal(kind, content, now)))

    def _pong(self, now: float) -> None:
        if now >= self._ponged + PONG_SECONDS:  # nobody honest asks more often; a flood gets no flood back
            self._ponged = now
            self._send(Kind.PONG, b"", now)

    def _show_life(self, now: float) -> None:
        """Whoever has much to send hears that it arrives: its ping would have to wait behind all of it."""
        if now >= self._sent + SIGN_SECONDS:
            self._send(Kind.PONG, b"", now)

    def _take_question(self, question: bytes, now: float) -> Proven | None:
        self._proving.asked(question)
        return self._answer(now)

    def _take_answer(self, answer: bytes, now: float) -> Proven | None:
        proven = self._proven(self._proving.answered(answer))
        self._ask(now)
        return proven


def _bye(content: bytes) -> Bye:
    reason = content.decode("ascii", "replace")
    if not is_reason(reason):
        raise RemoteError("malformed", what="bye")
    return Bye(reason)
