"""One link as a pure machine: bytes in, events out; messages in, bytes out (docs/protocol.md, "The channel").

The driver passes on every piece that it reads (`receive`), calls `tick` at `wake`, and after every call writes what `outgoing`
gives. When a call raises RemoteError, or gives Bye or Refused, the channel is closed: the driver writes what `outgoing` still
gives and hangs up. A closed channel ignores whatever is put into it.

What came before something wrong is never lost with it: then `receive` gives those events, and the next call (`wake` says: at
once) raises. So the result does not depend on how the bytes were cut into pieces.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from peertalk.core.frames import FrameReader, frame
from peertalk.core.handshake import Agreed, Handshake, RefusedKind, Terms
from peertalk.core.identity import Identity
from peertalk.core.pairing import Paired, Pairing, PairingEvent, SlotFound
from peertalk.core.proving import Proving
from peertalk.core.records import SEALED_SIZES
from peertalk.core.session import Bye, Proven, Received, Session, is_reason
from peertalk.core.wire import MAX_MESSAGE
from peertalk.errors import RemoteError

__all__ = ["Bye", "Channel", "ChannelEvent", "Established", "Proven", "Received", "Refused"]

HANDSHAKE_SECONDS = 10.0
REFUSAL_SECONDS = (0.1, 1.0)  # never at once: the time that checking took stays hidden in it


@dataclass(frozen=True, slots=True)
class Established:
    """Both sides know each other; `rooms` are proven by both, `version` is what they speak."""

    peer: bytes
    rooms: frozenset[bytes]
    version: int


@dataclass(frozen=True, slots=True)
class Refused:
    """There will be no channel. An end like any other: nobody did anything wrong."""

    kind: RefusedKind


ChannelEvent = Established | Received | Proven | Bye | Refused | PairingEvent


class Channel:
    """One side of a channel. Times are monotonic seconds; rooms are given as id → secret.

    An initiator proves the rooms it `offered` (at most 64). Proofs of the other side are checked against `known()`, all rooms
    there are. An identity that `refuse` holds gets no channel. RemoteError kinds: `malformed`, `decrypt`, `bad_key`, `version`,
    `too_large`, `handshake_timeout`, `silent`, `wrong_code`.

    `slots` are those that an initiator looks for, instead of rooms, or in which a responder invites. Where one is found the channel
    is a pairing (see Pairing): it gives the events of one, goes on by `pair`, and is never established.
    """

    def __init__(
        self,
        *,
        initiator: bool,
        identity: Identity,
        offered: Mapping[bytes, bytes],
        known: Callable[[], Mapping[bytes, bytes]],
        refuse: Callable[[bytes], bool],
        random: Callable[[int], bytes],
        now: float,
        slots: Callable[[], Collection[int]] = frozenset,
    ) -> None:
        self._initiator = initiator
        self._terms = Terms(identity, offered, known, refuse, random, slots)
        handshake = Handshake(initiator=initiator, terms=self._terms)
        self._phase: Handshake | Pairing | Session = handshake  # the handshake and its keys go when another comes
        self._frames = FrameReader()
        self._out: list[bytes] = []
        self._error: RemoteError | None = None
        self._refused: Refused | None = None
        self._deadline = now + HANDSHAKE_SECONDS
        self.closed = False
        self.peer: bytes | None = None
        self.rooms = handshake.rooms
        self.binding = b""
        if initiator:
            self._out.append(frame(handshake.open()))

    @property
    def established(self) -> bool:
        """Whether the handshake was finished; stays so when the channel is closed."""
        return isinstance(self._phase, Session)

    @property
    def anonymous(self) -> bytes:
        """The hash of NN once that is finished, the same at both ends and nowhere else; gone when established."""
        return b"" if isinstance(self._phase, Session) else self._phase.anonymous

    @property
    def pairing(self) -> bool:
        """Whether it leads to an invitation, and never to a link."""
        return isinstance(self._phase, Pairing)

    @property
    def proven(self) -> bool:
        """Whether the other side has shown that it is in a room of ours, or knows the words of a code."""
        return self._phase.confirmed if isinstance(self._phase, Pairing) else bool(self.rooms)

    @property
    def paired(self) -> bool:
        """Whether it is a pairing in which all was said: whoever drives it writes what is left, and hangs up."""
        return isinstance(self._phase, Pairing) and self._phase.over

    def receive(self, data: bytes, now: float) -> list[ChannelEvent]:
        """Take what was read, cut in any way. RemoteError if it is wrong."""
        self._raise_error()
        events: list[ChannelEvent] = []
        if not self._deaf:
            self._frames.feed(data)
        try:
            while content := self._next_frame():
                event = self._take(content, now)
                if event is not None:
                    events.append(event)
        except RemoteError as error:
            self.bye(error.kind, now)
            if not events:
                raise
            self._error = error
        return events

    def send(self, message: bytes, now: float) -> None:
        """Send one message of 1 byte to 320 KiB on an established channel."""
        if not 1 <= len(message) <= MAX_MESSAGE:
            raise ValueError("a message has 1 byte to 320 KiB")
        if not self.closed:
            self._session().send(message, now)

    def pair(self, step: Callable[[Pairing], None]) -> None:
        """Go on with a pairing: `step` says what is due from this side. It may be the end."""
        if not isinstance(self._phase, Pairing):
            raise ValueError("not a pairing")
        if not self.closed:
            step(self._phase)
            self.closed = self._phase.over

    def prove(self, rooms: Mapping[bytes, bytes], now: float) -> None:
        """Prove rooms on an established channel. `Proven` follows if the other side knows them too."""
        if not self.closed:
            self._session().prove(rooms, now)

    def forget(self, room: bytes) -> None:
        """A room counts as proven no longer, whoever of the two left it; it can be proven again."""
        self.rooms.discard(room)
        if isinstance(self._phase, Session):
            self._phase.forget(room)

    def bye(self, reason: str, now: float) -> None:
        """Close; tell the other side why if it is there to listen. `reason` is a word: a-z and _, at most 32."""
        if not is_reason(reason):
            raise ValueError("a reason is one lower-case word")
        if isinstance(self._phase, Session) and not self.closed:
            self._phase.bye(reason, now)
        self.closed = True

    def tick(self, now: float) -> list[ChannelEvent]:
        """Do what is due. RemoteError: `handshake_timeout` after 10 s, `silent` when nothing came for 10 s."""
        self._raise_error()
        if self.closed or now < self.wake():
            return []
        try:
            event = self._phase.tick(now) if isinstance(self._phase, Session) else self._give_up()
        except RemoteError as error:
            self.bye(error.kind, now)
            raise
        return [event] if event else []

    def wake(self) -> float:
        """When to call `tick` next; infinite once closed."""
        if self._error:
            return 0.0
        if self.closed:
            return math.inf
        match self._phase:
            case Session() as session:
                return session.wake()
            case Pairing() as pairing:
                return pairing.deadline
            case _:
                return self._deadline

    def outgoing(self) -> bytes:
        """What is to be written now; it is handed out once."""
        data = b"".join(self._out)
        self._out.clear()
        return data

    def cut_off(self) -> str:
        """What it means if the other side hangs up now.

        `closed` after an end that was told, `cut_off` when established. During the handshake: `no_shared_room` to an initiator
        that has shown its rooms, `refused` to a responder that has shown its identity, `wrong_code` to a joiner that has confirmed,
        `handshake_cut` at any other point.
        """
        if self.closed:
            return "closed"
        match self._phase:
            case Session():
                return "cut_off"
            case Pairing() as pairing:
                return pairing.hung_up
            case handshake:
                return handshake.step.hung_up

    def _session(self) -> Session:
        if not isinstance(self._phase, Session):
            raise ValueError("not established")
        return self._phase

    @property
    def _deaf(self) -> bool:
        return self.closed or self._refused is not None

    def _next_frame(self) -> bytes | None:
        if self._deaf:
            return None
        match self._phase:
            case Session():
                return self._frames.next(SEALED_SIZES)
            case Pairing() as pairing:
                return self._frames.next(pairing.sizes)
            case handshake:
                return self._frames.next((handshake.step.size,))

    def _take(self, content: bytes, now: float) -> ChannelEvent | None:
        if isinstance(self._phase, Handshake):
            return self._shake(self._phase, content, now)
        if isinstance(self._phase, Pairing):
            meeting = self._phase.receive(content, now)
            self.closed = self._phase.over
            return meeting
        event = self._phase.receive(content, now)
        self.closed = isinstance(event, Bye)
        return event

    def _shake(self, handshake: Handshake, content: bytes, now: float) -> ChannelEvent | None:
        answer = handshake.receive(content)
        if answer:
            self._out.append(frame(answer))
        if handshake.refused:
            return self._refuse(handshake.refused, now)
        if handshake.paired:
            return self._pair(handshake.paired)
        return self._establish(handshake.agreed, now) if handshake.agreed else None

    def _refuse(self, kind: RefusedKind, now: float) -> Refused | None:
        self._refused = Refused(kind)
        if kind != "no_shared_room" or self._initiator:
            self.closed = True
            return self._refused
        shortest, longest = REFUSAL_SECONDS
        self._deadline = now + shortest + (longest - shortest) * int.from_bytes(self._terms.random(4), "big") / 2**32
        return None

    def _pair(self, paired: Paired) -> SlotFound | None:
        self._phase = Pairing(paired, joiner=self._initiator, out=self._out, deadline=self._deadline)
        return SlotFound(paired.slots, paired.anonymous) if self._initiator else None

    def _establish(self, agreed: Agreed, now: float) -> Established:
        self.peer, self.binding = agreed.peer, agreed.binding
        terms = self._terms
        proving = Proving(initiator=self._initiator, binding=agreed.binding, known=terms.known, random=terms.random)
        self._phase = Session(agreed, rooms=self.rooms, proving=proving, out=self._out, now=now)
        return Established(agreed.peer, frozenset(self.rooms), agreed.version)

    def _give_up(self) -> Refused:
        if not self._refused:
            raise RemoteError("handshake_timeout")
        self.closed = True
        return self._refused

    def _raise_error(self) -> None:
        error, self._error = self._error, None
        if error:
            raise error
