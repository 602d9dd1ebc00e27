"""A second implementation of the channel, written from docs/protocol.md on an independent Noise library. It imports nothing of
peertalk, means well unless told otherwise, and knows no limits and no clock."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Generator, Iterable
from random import Random

from noise.connection import Keypair, NoiseConnection

MORE, FINAL, REKEY, BYE, PING, PONG, PROVE, PROVED = range(8)


class Reference:
    """One side. `feed` takes bytes, `out` collects what it sends, `got` the records it received as (kind, content)."""

    def __init__(
        self,
        *,
        initiator: bool,
        seed: bytes,
        secrets: Iterable[bytes],
        spoken: bytes = b"\x01",
        ephemerals: Iterable[bytes] = (),
    ) -> None:
        self.initiator = initiator
        self.secrets = list(secrets)
        self.versions = bytes([1 if initiator else 0, len(spoken)]) + spoken
        self.claims: list[bytes] | None = None  # what a responder proves instead of what was proven to it
        self.silent = False  # leave questions and pings unanswered
        self.out = bytearray()
        self.got: list[tuple[int, bytes]] = []
        self.peer = self.binding = self.hash = b""
        self.established = False
        self.shared: set[bytes] = set()
        self._seed = seed
        self._random = Random(seed + bytes([initiator]))
        self._ephemerals = iter(ephemerals)
        self._in = bytearray()
        self._script = self._initiate() if initiator else self._respond()
        next(self._script)

    def feed(self, data: bytes) -> None:
        self._in += data
        while len(self._in) >= 2 and len(self._in) >= 2 + int.from_bytes(self._in[:2], "big"):
            end = 2 + int.from_bytes(self._in[:2], "big")
            content = bytes(self._in[2:end])
            del self._in[:end]
            self._script.send(content)

    def drain(self) -> bytes:
        data = bytes(self.out)
        self.out.clear()
        return data

    def put(self, content: bytes) -> None:
        self.out += len(content).to_bytes(2, "big") + content

    # setting up

    def _noise(self, pattern: str, prologue: bytes) -> NoiseConnection:
        noise = NoiseConnection.from_name(f"Noise_{pattern}_25519_ChaChaPoly_BLAKE2s".encode())
        (noise.set_as_initiator if self.initiator else noise.set_as_responder)()
        noise.set_prologue(prologue)
        if pattern == "XX":
            noise.set_keypair_from_private_bytes(Keypair.STATIC, self._seed)
        if ephemeral := next(self._ephemerals, None):
            noise.set_keypair_from_private_bytes(Keypair.EPHEMERAL, ephemeral)
        with warnings.catch_warnings(action="ignore"):  # that this is for testing only
            noise.start_handshake()
        return noise

    def _initiate(self) -> Generator[None, bytes, None]:
        outer = self._noise("NN", b"peertalk/1")
        self.put(outer.write_message())
        outer.read_message((yield))
        self.hash = h = outer.get_handshake_hash()
        self.put(outer.encrypt(self.proof(self.secrets, b"peertalk/1 room" + b"i" + h)))
        self.shared = self.proven(outer.decrypt((yield)), b"peertalk/1 room" + b"r" + h)
        assert self.shared
        inner = self._noise("XX", b"peertalk/1 identity" + h)
        self.put(outer.encrypt(bytes(inner.write_message())))
        state = inner.noise_protocol.handshake_state
        assert len(inner.read_message(outer.decrypt((yield)))) == 32
        self.peer = state.rs.public_bytes
        self.put(outer.encrypt(bytes(inner.write_message(self.versions.ljust(32, b"\0")))))
        yield from self._records(inner)

    def _respond(self) -> Generator[None, bytes, None]:
        outer = self._noise("NN", b"peertalk/1")
        outer.read_message((yield))
        self.put(bytes(outer.write_message()))
        self.hash = h = outer.get_handshake_hash()
        self.shared = self.proven(outer.decrypt((yield)), b"peertalk/1 room" + b"i" + h)
        answer = self.shared if self.claims is None else self.claims
        self.put(outer.encrypt(self.proof(answer, b"peertalk/1 room" + b"r" + h)))
        inner = self._noise("XX", b"peertalk/1 identity" + h)
        inner.read_message(outer.decrypt((yield)))
        self.put(outer.encrypt(bytes(inner.write_message(self.versions.ljust(32, b"\0")))))
        state = inner.noise_protocol.handshake_state
        assert len(inner.read_message(outer.decrypt((yield)))) == 32
        self.peer = state.rs.public_bytes
        yield from self._records(inner)

    # proofs

    @staticmethod
    def tag(secret: bytes, context: bytes) -> bytes:
        return hashlib.blake2s(context, key=secret).digest()[:16]

    def proof(self, secrets: Iterable[bytes], context: bytes) -> bytes:
        tags = [self.tag(secret, context) for secret in secrets]
        tags += [self._random.randbytes(16) for _ in range(64 - len(tags))]
        self._random.shuffle(tags)
        return b"".join(tags)

    def proven(self, proof: bytes, context: bytes) -> set[bytes]:
        assert len(proof) == 1024
        tags = [proof[at : at + 16] for at in range(0, 1024, 16)]
        return {secret for secret in self.secrets if self.tag(secret, context) in tags}

    def question(self, secrets: Iterable[bytes], counter: int) -> None:
        count = counter.to_bytes(4, "big")
        self.record(PROVE, count + self.proof(secrets, b"peertalk/1 prove" + self._role(True) + count + self.binding))

    def _answer(self, question: bytes) -> None:
        count = question[:4]
        proven = self.proven(question[4:], b"peertalk/1 prove" + self._role(False) + count + self.binding)
        self.shared |= proven
        self.record(PROVED, count + self.proof(proven, b"peertalk/1 proved" + self._role(True) + count + self.binding))

    def _read_answer(self, answer: bytes) -> None:
        self.shared |= self.proven(answer[4:], b"peertalk/1 proved" + self._role(False) + answer[:4] + self.binding)

    def _role(self, mine: bool) -> bytes:
        return b"i" if self.initiator == mine else b"r"

    # records

    def _records(self, inner: NoiseConnection) -> Generator[None, bytes, None]:
        self._inner = inner
        self.binding = inner.get_handshake_hash()
        self.established = True
        while True:
            plaintext = inner.decrypt((yield))
            kind, length = plaintext[0], int.from_bytes(plaintext[1:3], "big")
            content = plaintext[3 : 3 + length]
            assert plaintext[3 + length :].count(0) == len(plaintext) - 3 - length
            self.got.append((kind, content))
            if kind == REKEY:
                inner.rekey_inbound_cipher()
            elif kind == PROVED:
                self._read_answer(content)
            elif kind == PING and not self.silent:
                self.record(PONG)
            elif kind == PROVE and not self.silent:
                self._answer(content)

    def record(self, kind: int, content: bytes = b"", size: int | None = None) -> None:
        """Send a record padded to `size`, or to the least that fits."""
        sizes = [64, 128, 256, 512, 1024, 2048, *range(4096, 61441, 4096), 65519]
        least = min(size for size in sizes if size >= 3 + len(content))
        plaintext = bytes([kind]) + len(content).to_bytes(2, "big") + content
        self.put(self._inner.encrypt(plaintext.ljust(size or least, b"\0")))
        if kind == REKEY:
            self._inner.rekey_outbound_cipher()

    def message(self, message: bytes) -> None:
        while len(message) > 65516:
            self.record(MORE, message[:65516])
            message = message[65516:]
        self.record(FINAL, message)

    def messages(self) -> list[bytes]:
        """The messages among what was received."""
        found, parts = [], b""
        for kind, content in self.got:
            if kind in (MORE, FINAL):
                parts += content
            if kind == FINAL:
                found.append(parts)
                parts = b""
        return found
