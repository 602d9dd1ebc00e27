"""The Noise handshakes NN and XX with 25519, ChaChaPoly and BLAKE2s (Noise Protocol Framework, revision 34). Pure.

A message of others that cannot be right raises RemoteError: `malformed` (too short), `bad_key`, `decrypt`. A state that has
raised must not be used again.
"""

from __future__ import annotations

import hashlib
import hmac
import struct

from nacl.bindings import crypto_aead_chacha20poly1305_ietf_decrypt as _open
from nacl.bindings import crypto_aead_chacha20poly1305_ietf_encrypt as _seal
from nacl.exceptions import CryptoError

from peertalk.core.keys import KEY_BYTES, KeyPair, check_key
from peertalk.errors import RemoteError

TAG_BYTES = 16

# A pattern is a row of messages, the initiator's first. In a DH token the first letter is the initiator's key, the second the
# responder's.
PATTERNS: dict[str, tuple[tuple[str, ...], ...]] = {
    "NN": (("e",), ("e", "ee")),
    "XX": (("e",), ("e", "ee", "s", "es"), ("s", "se")),
}

_SUITE = "25519_ChaChaPoly_BLAKE2s"
_nonce = struct.Struct("<4xQ").pack
_REKEY_NONCE = _nonce(2**64 - 1)


class CipherState:
    """One direction: a key and a nonce that counts up."""

    __slots__ = ("_key", "_next")

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._next = 0

    def encrypt(self, plaintext: bytes, data: bytes = b"") -> bytes:
        """The ciphertext, 16 bytes longer than `plaintext`; `data` is authenticated with it."""
        sealed = _seal(plaintext, data, _nonce(self._next), self._key)
        self._next += 1
        return sealed

    def decrypt(self, ciphertext: bytes, data: bytes = b"") -> bytes:
        """The plaintext. RemoteError: `malformed` if shorter than a tag, `decrypt` if it is not authentic."""
        if len(ciphertext) < TAG_BYTES:
            raise RemoteError("malformed", what="ciphertext")
        try:
            plaintext = _open(ciphertext, data, _nonce(self._next), self._key)
        except CryptoError as error:
            raise RemoteError("decrypt") from error
        self._next += 1
        return plaintext

    def rekey(self) -> None:
        """Replace the key by one from which the old one can't be computed; the nonce goes on (Noise, 4.2)."""
        self._key = _seal(bytes(32), b"", _REKEY_NONCE, self._key)[:32]


def _hkdf(chaining_key: bytes, material: bytes) -> tuple[bytes, bytes]:
    secret = hmac.digest(chaining_key, material, "blake2s")
    first = hmac.digest(secret, b"\x01", "blake2s")
    return first, hmac.digest(secret, first + b"\x02", "blake2s")


def _hash(*parts: bytes) -> bytes:
    return hashlib.blake2s(b"".join(parts)).digest()


class SymmetricState:
    """The running hash `hash` and the keys that are mixed from what both sides know (Noise, 5.2)."""

    def __init__(self, protocol: bytes) -> None:
        self.hash = _hash(protocol)  # our names have 33 bytes: one too many to stand for themselves
        self._chaining_key = self.hash
        self._cipher: CipherState | None = None

    def mix_hash(self, data: bytes) -> None:
        self.hash = _hash(self.hash, data)

    def mix_key(self, material: bytes) -> None:
        self._chaining_key, key = _hkdf(self._chaining_key, material)
        self._cipher = CipherState(key)

    def encrypt_and_hash(self, plaintext: bytes) -> bytes:
        ciphertext = self._cipher.encrypt(plaintext, self.hash) if self._cipher else plaintext
        self.mix_hash(ciphertext)
        return ciphertext

    def decrypt_and_hash(self, ciphertext: bytes) -> bytes:
        plaintext = self._cipher.decrypt(ciphertext, self.hash) if self._cipher else ciphertext
        self.mix_hash(ciphertext)
        return plaintext

    def split(self) -> tuple[CipherState, CipherState]:
        first, second = _hkdf(self._chaining_key, b"")
        return CipherState(first), CipherState(second)


class HandshakeState:
    """One side of one handshake. `ephemeral` must be fresh; `static` is needed where the pattern sends `s`.

    Messages are written and read in the order of the pattern; anything else is a mistake of the caller (ValueError).
    """

    def __init__(
        self, pattern: str, *, initiator: bool, prologue: bytes, ephemeral: KeyPair, static: KeyPair | None = None
    ) -> None:
        self._initiator = initiator
        self._own = {"e": ephemeral} | ({"s": static} if static else {})
        self._theirs: dict[str, bytes] = {}
        self._messages = PATTERNS[pattern]
        self._done = 0
        self._symmetric = SymmetricState(f"Noise_{pattern}_{_SUITE}".encode())
        self._symmetric.mix_hash(prologue)

    @property
    def finished(self) -> bool:
        """Whether all messages of the pattern were written and read."""
        return self._done == len(self._messages)

    @property
    def hash(self) -> bytes:
        """The handshake hash; once finished, it is the same on both sides and unique to this handshake."""
        return self._symmetric.hash

    @property
    def remote_static(self) -> bytes:
        """The other side's static public key, once it was read."""
        return self._theirs["s"]

    def write(self, payload: bytes = b"") -> bytes:
        """The next message of this side."""
        parts = [self._write_token(token) for token in self._next(writing=True)]
        return b"".join((*parts, self._symmetric.encrypt_and_hash(payload)))

    def read(self, message: bytes) -> bytes:
        """The payload of the other side's next message."""
        for token in self._next(writing=False):
            message = self._read_token(token, message)
        return self._symmetric.decrypt_and_hash(message)

    def split(self) -> tuple[CipherState, CipherState]:
        """The transport ciphers (sending, receiving) of a finished handshake."""
        if not self.finished:
            raise ValueError("the handshake goes on")
        first, second = self._symmetric.split()
        return (first, second) if self._initiator else (second, first)

    def _next(self, *, writing: bool) -> tuple[str, ...]:
        initiators_turn = self._done % 2 == 0
        if self.finished or writing != (initiators_turn == self._initiator):
            raise ValueError("not this message now")
        self._done += 1
        return self._messages[self._done - 1]

    def _write_token(self, token: str) -> bytes:
        match token:
            case "e":
                self._symmetric.mix_hash(self._own["e"].public)
                return self._own["e"].public
            case "s":
                return self._symmetric.encrypt_and_hash(self._own["s"].public)
            case _:
                self._mix_dh(token)
                return b""

    def _read_token(self, token: str, message: bytes) -> bytes:
        """Take one token off `message`; what is left of it."""
        match token:
            case "e":
                key, rest = _cut(message, KEY_BYTES)
                self._symmetric.mix_hash(key)
            case "s":
                sealed, rest = _cut(message, KEY_BYTES + TAG_BYTES)  # in these patterns, never before there is a key
                key = self._symmetric.decrypt_and_hash(sealed)
            case _:
                self._mix_dh(token)
                return message
        check_key(key)
        self._theirs[token] = key
        return rest

    def _mix_dh(self, token: str) -> None:
        own, theirs = (token[0], token[1]) if self._initiator else (token[1], token[0])
        self._symmetric.mix_key(self._own[own].dh(self._theirs[theirs]))


def _cut(message: bytes, size: int) -> tuple[bytes, bytes]:
    if len(message) < size:
        raise RemoteError("malformed", what="handshake")
    return message[:size], message[size:]
