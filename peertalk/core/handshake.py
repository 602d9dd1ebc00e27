"""How a channel is set up: anonymous first, then the rooms, then who one is (docs/protocol.md, "Setting up a channel").

A connection that leads to an invitation parts from this after frame 4: pairing.py.

frame   from       bytes  what
1       initiator     32  Noise NN, first message
2       responder     48  Noise NN, second message; from here on everything is encrypted under its keys
3       initiator   1040  room proof
4       responder   1040  room proof; or it closes after a while
5       initiator     48  Noise XX, first message
6       responder    144  Noise XX, second message: identity, versions
7       initiator    112  Noise XX, third message: identity, versions; from here on the keys of XX alone are used
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from peertalk.core import proofs, slots, versions
from peertalk.core.identity import Identity
from peertalk.core.keys import KEY_BYTES, KeyPair
from peertalk.core.noise import TAG_BYTES, CipherState, HandshakeState
from peertalk.core.pairing import Paired
from peertalk.errors import RemoteError

PROLOGUE = b"peertalk/1"
IDENTITY_PROLOGUE = b"peertalk/1 identity"

RefusedKind = Literal["no_shared_room", "blocked", "self"]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a side goes into a handshake with; see Channel."""

    identity: Identity
    offered: Mapping[bytes, bytes]
    known: Callable[[], Mapping[bytes, bytes]]
    refuse: Callable[[bytes], bool]
    random: Callable[[int], bytes]
    slots: Callable[[], Collection[int]]


@dataclass(frozen=True, slots=True)
class Agreed:
    """What a handshake ends with. `binding` is the hash of XX."""

    peer: bytes
    version: int
    binding: bytes
    sending: CipherState
    receiving: CipherState


class Step(NamedTuple):
    """What a side waits for: the size of the frame, what takes it, and what it means if the other side hangs up now."""

    size: int
    take: Callable[[Handshake, bytes], bytes]
    hung_up: str


class Handshake:
    """One side of setting up a channel. Once `agreed`, `paired` or `refused` is set it has ended, and nothing more is to be read.

    `rooms` are proven by both sides, as soon as the proofs were exchanged; `anonymous` is the hash of NN, once that is
    finished; `step` is what it waits for.
    """

    def __init__(self, *, initiator: bool, terms: Terms) -> None:
        if len(terms.offered) > proofs.MAX_PROVEN:
            raise ValueError("at most 64 rooms are offered")
        self.agreed: Agreed | None = None
        self.paired: Paired | None = None
        self.refused: RefusedKind | None = None
        self.rooms: set[bytes] = set()
        self.anonymous = b""
        self._initiator = initiator
        self._terms = terms
        self._sought = frozenset(terms.slots()) if initiator else frozenset()
        if self._sought and terms.offered:
            raise ValueError("slots are offered alone")
        self._steps = iter(INITIATOR if initiator else RESPONDER)
        self.step = next(self._steps)
        self._noise = self._start("NN", PROLOGUE)

    def open(self) -> bytes:
        """The first frame of an initiator."""
        return self._noise.write()

    def receive(self, frame: bytes) -> bytes:
        """Take the frame that `step` waits for; the frame that answers it, or nothing. RemoteError if it is wrong."""
        answer = self.step.take(self, frame)
        self.step = next(self._steps, self.step)
        return answer

    def _start(self, pattern: str, prologue: bytes) -> HandshakeState:
        ephemeral = KeyPair(self._terms.random(KEY_BYTES))
        return HandshakeState(
            pattern, initiator=self._initiator, prologue=prologue, ephemeral=ephemeral, static=self._terms.identity
        )

    # frames 1 and 2: anonymous

    def _read_anonymous(self, frame: bytes) -> bytes:
        self._noise.read(frame)
        answer = self._noise.write()
        self._enter_anonymous()
        return answer

    def _read_anonymous_reply(self, frame: bytes) -> bytes:
        self._noise.read(frame)
        self._enter_anonymous()
        return self._prove(slots.secrets(self._sought) if self._sought else self._terms.offered)

    def _enter_anonymous(self) -> None:
        self.anonymous = self._noise.hash
        self._sending, self._receiving = self._noise.split()
        self._noise = self._start("XX", IDENTITY_PROLOGUE + self.anonymous)

    # frames 3 and 4: rooms

    def _read_proof(self, frame: bytes) -> bytes:
        known = self._terms.known()
        self._check(frame, {**known, **slots.secrets(self._terms.slots())})
        if self.paired:
            return self._prove(slots.secrets(self.paired.slots))
        return self._prove({room: known[room] for room in self.rooms}) if self.rooms else b""

    def _read_answer(self, frame: bytes) -> bytes:
        self._check(frame, slots.secrets(self._sought) if self._sought else self._terms.offered)
        return self._sending.encrypt(self._noise.write()) if self.rooms else b""

    def _prove(self, rooms: Mapping[bytes, bytes]) -> bytes:
        about = proofs.context("room", self._initiator, self.anonymous)
        return self._sending.encrypt(proofs.make(rooms.values(), about, self._terms.random))

    def _check(self, frame: bytes, rooms: Mapping[bytes, bytes]) -> None:
        """What the proof proves, rooms or slots; where there are slots, nothing else counts."""
        about = proofs.context("room", not self._initiator, self.anonymous)
        proven = proofs.check(self._receiving.decrypt(frame), rooms, about, self._terms.random)
        if found := slots.numbers(proven):
            self.paired = Paired(found, self.anonymous, self._sending, self._receiving)
        elif proven:
            self.rooms |= proven
        else:
            self.refused = "no_shared_room"

    # frames 5 to 7: who one is

    def _read_identity_start(self, frame: bytes) -> bytes:
        self._noise.read(self._receiving.decrypt(frame))
        return self._sending.encrypt(self._noise.write(versions.pack(versions.NONE)))

    def _read_identity_reply(self, frame: bytes) -> bytes:
        theirs = self._read_versions(frame)
        if not self._admits(self._noise.remote_static):
            return b""
        version = versions.greatest_common(theirs.spoken)
        answer = self._sending.encrypt(self._noise.write(versions.pack(version)))
        self._agree(version)
        return answer

    def _read_identity(self, frame: bytes) -> bytes:
        theirs = self._read_versions(frame)
        if self._admits(self._noise.remote_static):
            version = versions.greatest_common(theirs.spoken)
            if theirs.choice != version:
                raise RemoteError("version", choice=theirs.choice)
            self._agree(version)
        return b""

    def _read_versions(self, frame: bytes) -> versions.Versions:
        return versions.unpack(self._noise.read(self._receiving.decrypt(frame)))

    def _admits(self, peer: bytes) -> bool:
        if peer == self._terms.identity.public:
            self.refused = "self"
        elif self._terms.refuse(peer):
            self.refused = "blocked"
        return self.refused is None

    def _agree(self, version: int) -> None:
        sending, receiving = self._noise.split()
        self.agreed = Agreed(self._noise.remote_static, version, self._noise.hash, sending, receiving)


_PROOF = proofs.PROOF_BYTES + TAG_BYTES

INITIATOR = (
    Step(KEY_BYTES + TAG_BYTES, Handshake._read_anonymous_reply, "handshake_cut"),
    Step(_PROOF, Handshake._read_answer, "no_shared_room"),
    Step(2 * KEY_BYTES + versions.BYTES + 3 * TAG_BYTES, Handshake._read_identity_reply, "handshake_cut"),
)
RESPONDER = (
    Step(KEY_BYTES, Handshake._read_anonymous, "handshake_cut"),
    Step(_PROOF, Handshake._read_proof, "handshake_cut"),
    Step(KEY_BYTES + TAG_BYTES, Handshake._read_identity_start, "handshake_cut"),
    Step(KEY_BYTES + versions.BYTES + 3 * TAG_BYTES, Handshake._read_identity, "refused"),
)
