"""A channel that leads to a room instead of a person: frames 5 to 9 between joiner and inviter (docs/protocol.md, "Pairing frames").

Whatever has to be computed takes milliseconds and happens elsewhere (spake.py): an event says what the other side has sent, a call
brings what is answered. Between the two it is one's own turn, and nothing may come.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from hmac import compare_digest
from typing import NamedTuple

from peertalk.core.frames import frame
from peertalk.core.keys import KEY_BYTES, check_key
from peertalk.core.noise import TAG_BYTES, CipherState
from peertalk.core.spake import ELEMENT_BYTES, INVITER, JOINER, Bound, Confirmations, Way, check_element
from peertalk.errors import RemoteError

CONFIRMATION_BYTES = 32
GIVEN_BYTES = 1984
MAX_TERMS = 1600

CONFIRM_SECONDS = 2.0
GIVE_SECONDS = 5.0
COME_SECONDS = 10.0


class Status(IntEnum):
    """What an inviter says of its code."""

    GO_ON = 0
    EXPIRED = 1
    USED_UP = 2
    SEALED = 3


@dataclass(frozen=True, slots=True)
class Paired:
    """What setting up ends with where slots were found instead of rooms. Ciphers are those of NN."""

    slots: frozenset[int]
    anonymous: bytes
    sending: CipherState
    receiving: CipherState


@dataclass(frozen=True, slots=True)
class SlotFound:
    """To the joiner: somebody invites there. It goes on with `ask`, or hangs up. `anonymous` is the hash of NN."""

    slots: frozenset[int]
    anonymous: bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """To the inviter: somebody wants to be let in. It goes on with `answer` or `deny`."""

    bound: Bound
    element: bytes


@dataclass(frozen=True, slots=True)
class Answered:
    """To the joiner: with GO_ON it goes on with `confirm`; otherwise that was all."""

    status: Status
    element: bytes


@dataclass(frozen=True, slots=True)
class Confirmed:
    """To the inviter: the joiner knows the words. It goes on with `give` or `deny`."""


@dataclass(frozen=True, slots=True)
class Given:
    """To the joiner: the inviter knows the words too. With GO_ON these are the terms of the room, by whom; it goes on with `come`."""

    status: Status
    identity: bytes
    terms: bytes


@dataclass(frozen=True, slots=True)
class Came:
    """To the inviter: the joiner has joined the room, and says to be this one."""

    identity: bytes


PairingEvent = SlotFound | Asked | Answered | Confirmed | Given | Came


class Step(NamedTuple):
    """What is waited for: the size of the frame, what takes it, and what it means if the other side hangs up now."""

    size: int
    take: Callable[[Pairing, bytes], PairingEvent]
    hung_up: str


class Pairing:
    """One side. Frames leave through `out`; `over` says that all was said: what is in `out` is still written, and hung up then.

    RemoteError: `malformed`, `decrypt`, `bad_key`; `wrong_code` where the other side does not know the words.
    """

    def __init__(self, paired: Paired, *, joiner: bool, out: list[bytes], deadline: float) -> None:
        self.slots = paired.slots
        self.anonymous = paired.anonymous
        self.over = False
        self.confirmed = False
        """Whether the other side has shown that it knows the words."""
        self.deadline = deadline
        self._out, self._sending, self._receiving = out, paired.sending, paired.receiving
        self._joiner = joiner
        # with several slots somebody looks which are taken, and has nothing more to say
        self._due = None if joiner or len(paired.slots) != 1 else ASK
        self._element = b""
        self._confirmations = Confirmations(b"", b"")

    # ── what comes ───────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def sizes(self) -> tuple[int, ...]:
        """How long a frame may be that comes now."""
        return () if self._due is None else (self._due.size + TAG_BYTES,)

    @property
    def hung_up(self) -> str:
        """What it means if the other side hangs up now."""
        return "handshake_cut" if self._due is None else self._due.hung_up

    def receive(self, content: bytes, now: float) -> PairingEvent:
        """Take the frame that is due."""
        step, self._due = self._due, None
        if step is None:
            raise ValueError("nothing is due")
        event = step.take(self, self._receiving.decrypt(content))
        if isinstance(event, Given):
            self.deadline = now + COME_SECONDS
        return event

    def _read_asking(self, content: bytes) -> Asked:
        way, element = _way(content[0]), content[1:]
        check_element(element, JOINER)
        (slot,) = self.slots
        return Asked(Bound(self.anonymous, slot, way), element)

    def _read_answer(self, content: bytes) -> Answered:
        status, element = _status(content[0]), content[1:]
        if status is Status.GO_ON:
            check_element(element, INVITER)
            if element[1:] == self._element[1:]:
                raise RemoteError("bad_key")  # reflected
        elif any(element):
            raise RemoteError("malformed", what="pairing")
        self.over = status is not Status.GO_ON
        return Answered(status, element)

    def _read_confirmation(self, content: bytes) -> Confirmed:
        _compare(content, self._confirmations.joiner)
        self.confirmed = True
        return Confirmed()

    def _read_given(self, content: bytes) -> Given:
        confirmation, content = _cut(content, CONFIRMATION_BYTES)
        _compare(confirmation, self._confirmations.inviter)
        status, identity, length = _status(content[0]), content[1:33], int.from_bytes(content[33:35], "big")
        terms, rest = _cut(content[35:], length)
        self.over = status is not Status.GO_ON
        if any(rest) or length > MAX_TERMS or self.over != (length == 0) or (self.over and any(identity)):
            raise RemoteError("malformed", what="pairing")
        if not self.over:
            check_key(identity)
        return Given(status, identity, terms)

    def _read_coming(self, content: bytes) -> Came:
        check_key(content)
        self.over = True
        return Came(content)

    # ── what is said ─────────────────────────────────────────────────────────────────────────────────────────────────

    def ask(self, way: Way, element: bytes) -> None:
        """Frame 5, of the joiner."""
        self._element = element
        self._say(bytes((way,)) + element, ANSWER)

    def answer(self, element: bytes, confirmations: Confirmations, now: float) -> None:
        """Frame 6, of the inviter, with its element."""
        self._confirmations = confirmations
        self._say(bytes((Status.GO_ON,)) + element, CONFIRMATION)
        self.deadline = now + CONFIRM_SECONDS

    def confirm(self, confirmations: Confirmations, now: float) -> None:
        """Frame 7, of the joiner."""
        self._confirmations = confirmations
        self._say(confirmations.joiner, GIFT)
        self.deadline = now + GIVE_SECONDS

    def give(self, identity: bytes, terms: bytes, now: float) -> None:
        """Frame 8, of the inviter to somebody who knows the words: the room, and who invites."""
        if not 0 < len(terms) <= MAX_TERMS:
            raise ValueError("terms have 1 to 1,600 bytes")
        self._say(self._gift(Status.GO_ON, identity, terms), COMING)
        self.deadline = now + COME_SECONDS

    def deny(self, status: Status) -> None:
        """Frame 6 or 8, of the inviter whose code is dead. That is the end."""
        confirmed = bool(self._confirmations.inviter)
        self._say(self._gift(status, bytes(KEY_BYTES), b"") if confirmed else bytes((status,)) + bytes(ELEMENT_BYTES), None)
        self.over = True

    def come(self, identity: bytes) -> None:
        """Frame 9, of the joiner who is in the room now. That is the end."""
        self._say(identity, None)
        self.over = True

    def _gift(self, status: Status, identity: bytes, terms: bytes) -> bytes:
        content = self._confirmations.inviter + bytes((status,)) + identity + len(terms).to_bytes(2, "big") + terms
        return content.ljust(GIVEN_BYTES, b"\0")

    def _say(self, content: bytes, then: Step | None) -> None:
        if self._due is not None or self.over:
            raise ValueError("not one's turn")
        self._out.append(frame(self._sending.encrypt(content)))
        self._due = then


ASK = Step(1 + ELEMENT_BYTES, Pairing._read_asking, "handshake_cut")
ANSWER = Step(1 + ELEMENT_BYTES, Pairing._read_answer, "handshake_cut")
CONFIRMATION = Step(CONFIRMATION_BYTES, Pairing._read_confirmation, "handshake_cut")
GIFT = Step(GIVEN_BYTES, Pairing._read_given, "wrong_code")
COMING = Step(KEY_BYTES, Pairing._read_coming, "handshake_cut")


def _way(value: int) -> Way:
    if value not in set(Way):
        raise RemoteError("malformed", what="pairing")
    return Way(value)


def _status(value: int) -> Status:
    if value not in set(Status):
        raise RemoteError("malformed", what="pairing")
    return Status(value)


def _compare(theirs: bytes, right: bytes) -> None:
    if not compare_digest(theirs, right):
        raise RemoteError("wrong_code")


def _cut(content: bytes, size: int) -> tuple[bytes, bytes]:
    if len(content) < size:
        raise RemoteError("malformed", what="pairing")
    return content[:size], content[size:]
