"""The channel: any bytes from outside (`stream`), and any plaintext from somebody who holds the keys (`inside`)."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import lru_cache
from unittest import mock

from peertalk.core import versions
from peertalk.core.channel import Bye, Channel, ChannelEvent, Established, Proven, Received, Refused
from peertalk.core.frames import MAX_FRAME, frame
from peertalk.core.handshake import Handshake
from peertalk.core.noise import TAG_BYTES, CipherState
from peertalk.core.records import SIZES, Kind
from peertalk.core.session import Session, is_reason
from peertalk.core.wire import MAX_MESSAGE
from peertalk.errors import RemoteError
from tests.core.pair import carry, pieces, rooms, start
from tests.fuzz.choices import Choices

FRAMES = 7
KNOWN = rooms("lobby", "books", "hers")
KINDS = {"malformed", "decrypt", "bad_key", "version", "too_large", "silent", "handshake_timeout"}
PAUSES = (0.0, 0.05, 0.1, 1.0, 2.5, 5.0, 10.0, 900.0)
MOST_ANSWERED = 4 * 2048
"""Bytes that one frame may be answered with: a handshake frame, or a PONG and a PROVED."""


class Side:
    """A channel that is tried. `trace` is all that was seen of it, which must not depend on the size of the pieces."""

    def __init__(self, channel: Channel, size: int | None) -> None:
        self.channel = channel
        self.size = size
        self.now = 0.0
        self.trace: list[object] = []

    def hear(self, data: bytes) -> bytes:
        """Give it these bytes, in pieces, of which there are at most 200 or so; what it says to that."""
        for piece in pieces(data, self.size and max(self.size, len(data) // 200)):
            self._call(lambda piece=piece: self.channel.receive(piece, self.now))
        self._call(lambda: self.channel.tick(self.now))
        return self._said()

    def pause(self, seconds: float) -> bytes:
        """Time passes. It wakes when it wants to, and then not again at once."""
        end = self.now + seconds
        for _ in range(1000):
            if self.channel.wake() > end:
                break
            self.now = max(self.now, self.channel.wake())
            self._call(lambda: self.channel.tick(self.now))
        else:
            raise AssertionError("it wakes again and again")
        self.now = end
        return self._said()

    def do(self, call: Callable[[], None]) -> bytes:
        """A call of its owner."""
        call()
        return self._said(MAX_MESSAGE * 2)

    def _call(self, call: Callable[[], list[ChannelEvent]]) -> None:
        if self.channel.closed and self.channel.wake() > 0.0:
            assert call() == []
            return
        try:
            events = call()
        except RemoteError as error:
            assert error.kind in KINDS, error
            assert self.channel.closed
            self.trace.append(error.kind)
            return
        for event in events:
            self._check(event)
        self.trace += events

    def _check(self, event: ChannelEvent) -> None:
        match event:
            case Received(message):
                assert 1 <= len(message) <= MAX_MESSAGE
            case Proven(proven) | Established(rooms=proven):
                assert proven
                assert proven <= KNOWN.keys()
            case Bye(reason):
                assert is_reason(reason)
            case Refused(kind):
                assert kind in ("no_shared_room", "blocked", "self")

    def _said(self, most: int = MOST_ANSWERED * 16) -> bytes:
        said = self.channel.outgoing()
        assert len(said) <= most
        assert len(self.channel._frames._buffer) < MAX_FRAME + 2 or self.channel.closed
        assert self.channel.rooms <= KNOWN.keys()
        if isinstance(self.channel._phase, Session):
            assert len(self.channel._phase._assembler._parts) <= MAX_MESSAGE
        self.trace += [said, self.channel.closed, self.channel.established]
        return said


def two(frames: int) -> tuple[Channel, Channel]:
    """Initiator and responder when so many frames have arrived. Copies: that is quicker than so much cryptography."""
    return copy.deepcopy(_two(frames))


@lru_cache
def _two(frames: int) -> tuple[Channel, Channel]:
    return begin(frames)


def begin(frames: int) -> tuple[Channel, Channel]:
    ann = start("ann", rooms("lobby"), initiator=True, known=KNOWN)
    ben = start("ben", KNOWN, initiator=False)
    for source, target in ([(ann, ben), (ben, ann)] * 4)[:frames]:
        carry(source, target)
    return ann, ben


def stream(data: bytes) -> None:
    """Any bytes at any point of a conversation: events or a RemoteError, the same however they are cut."""
    choices = Choices(data)
    initiator, frames, size = choices.number(2), choices.number(FRAMES + 1), 1 + choices.number(64)
    content = choices.rest()

    def outcome(size: int | None) -> list[object]:
        side = Side(two(frames)[not initiator], size)
        side.channel.outgoing()
        for pause in (0.0, 2.0):
            side.pause(pause)
            side.hear(content)
        return side.trace

    whole, cut = outcome(None), outcome(size)
    assert whole == cut, (whole, cut)


def inside(data: bytes) -> None:
    """What somebody who holds the keys can say: any plaintext instead of a frame of setting up, any record after it."""
    whole, cut = (_insider(data, size) for size in (None, 1 + len(data) % 60))
    assert whole == cut, (whole, cut)


def _insider(data: bytes, size: int | None) -> list[object]:
    try:
        return Insider(data, size).run()
    except EndOfSettingUpError as end:
        return [end.kind]


class EndOfSettingUpError(Exception):
    """What the peer said instead of its versions was refused."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class Insider:
    """`peer` has come so far honestly. From there on it says what the choices are, under the right keys."""

    def __init__(self, data: bytes, size: int | None) -> None:
        self.choices = Choices(data)
        frames = self.choices.number(FRAMES + 1)
        sides = self._with_any_versions(frames) if self.choices.number(2) else two(frames)
        self.peer = sides[frames % 2]
        self.side = Side(sides[1 - frames % 2], size)
        self.side.channel.outgoing()
        self.is_unsent = bool(self.peer.outgoing())

    def _with_any_versions(self, frames: int) -> tuple[Channel, Channel]:
        """Both sides say anything about their versions: one that is refused ends it."""

        def pack(_choice: int) -> bytes:
            return self.choices.take(versions.BYTES).ljust(versions.BYTES, b"\0")

        with mock.patch.object(versions, "pack", pack):
            try:
                return begin(frames)
            except RemoteError as error:
                assert error.kind in ("malformed", "version"), error
                raise EndOfSettingUpError(error.kind) from error

    def run(self) -> list[object]:
        while self.choices.more and isinstance(self.side.channel._phase, Handshake) and not self.side.channel._deaf:
            self._shake()
        while self.choices.more:
            self._talk()
        return self.side.trace

    def _shake(self) -> None:
        """The frame that is due, with any content; sealed as soon as there are keys."""
        phase = self.side.channel._phase
        assert isinstance(phase, Handshake)
        cipher = self._cipher()
        size = phase.step.size - (TAG_BYTES if cipher else 0)
        content = self.choices.take(1 + self.choices.number(size)).ljust(size, b"\0")
        self.side.hear(frame(cipher.encrypt(content) if cipher else content))

    def _cipher(self) -> CipherState | None:
        """What the peer seals with. If it has sealed a frame that never left, this one comes in its place."""
        phase = self.peer._phase
        cipher = phase._sealer._cipher if isinstance(phase, Session) else getattr(phase, "_sending", None)
        if cipher is not None and cipher._next and self.is_unsent:
            cipher._next -= 1
        self.is_unsent = False
        return cipher

    def _talk(self) -> None:
        steps = (self._record, self._record, self._record, self._honest, self._owner, self._rekey, self._wait)
        self._heard(self.choices.pick(steps)())

    def _heard(self, answer: bytes) -> None:
        """The peer hears the answer, and may find it wrong: it was the choices that asked."""
        try:
            self.peer.receive(answer, self.side.now)
        except RemoteError:
            self.peer.bye("malformed", self.side.now)
        self.peer.outgoing()

    def _record(self) -> bytes:
        """A record of any kind, with any length in it, padded to any size with what may not be zeros."""
        cipher = self._cipher()
        if cipher is None:
            return self.side.hear(self.choices.take(70))
        kind, content = self.choices.number(10), self.choices.take(self.choices.pick((0, 1, 4, 20, 61, 1028, 2000)))
        length = self.choices.pick((len(content), len(content) + 1, self.choices.number(65_536), 0))
        plaintext = bytes([kind]) + length.to_bytes(2, "big") + content
        size = self.choices.pick((0, 0, 0, *SIZES[:7], SIZES[-1]))
        least = next(each for each in SIZES if each >= max(len(plaintext), size))
        filling = self.choices.pick((b"\0", b"\0", b"\0", b"x"))
        return self.side.hear(frame(cipher.encrypt(plaintext.ljust(least, filling))))

    def _honest(self) -> bytes:
        """The peer does what a peer does."""
        peer, now = self.peer, self.side.now
        if not isinstance(peer._phase, Session):
            return b""
        name = self.choices.pick(list(KNOWN))
        calls = (
            lambda: peer.send(self.choices.take(40) or b"x", now),
            lambda: peer.prove({name: KNOWN[name]}, now),
            lambda: peer.forget(name),
            lambda: peer.send(bytes(70_000), now),
            lambda: peer.bye("leaving", now),
        )
        self.choices.pick(calls)()
        return self.side.hear(peer.outgoing())

    def _owner(self) -> bytes:
        """Whoever has this channel uses it."""
        channel, now = self.side.channel, self.side.now
        if not channel.established:
            return b""
        name = self.choices.pick(list(KNOWN))
        calls = (
            lambda: channel.send(b"x" * (1 + self.choices.number(300)), now),
            lambda: channel.prove({name: KNOWN[name]}, now),
            lambda: channel.forget(name),
            lambda: channel.bye("leaving", now),
        )
        return self.side.do(self.choices.pick(calls))

    def _rekey(self) -> bytes:
        cipher = self._cipher()
        if cipher is None:
            return b""
        sealed = cipher.encrypt(bytes([Kind.REKEY, 0, 0]).ljust(64, b"\0"))
        cipher.rekey()
        return self.side.hear(frame(sealed))

    def _wait(self) -> bytes:
        return self.side.pause(self.choices.pick(PAUSES))
