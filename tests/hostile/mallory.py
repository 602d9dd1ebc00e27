"""The reference of tests/core, no longer meaning well: options to break each part of setting up a channel."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from cryptography.exceptions import InvalidTag
from noise.backends.default.diffie_hellmans import ED25519
from noise.backends.default.keypairs import KeyPair25519
from noise.connection import NoiseConnection

from tests.core.reference import Reference

SUITE = "25519_ChaChaPoly_BLAKE2s"


class Lenient(ED25519):
    """X25519 that takes any key, its own and those of others. Whoever has no private half counts on a result of zeros."""

    def dh(self, private_key: Any, public_key: Any) -> bytes:
        try:
            return bytes(super().dh(private_key, public_key)) if private_key else bytes(32)
        except ValueError:  # what the library says to a result of zeros
            return bytes(32)


def credulous(cipher: Any) -> Any:
    """`cipher`, but what is not authentic is taken for zeros."""

    class Credulous(cipher):  # type: ignore[misc]  # the library has no types
        def decrypt(self, k: Any, n: Any, ad: Any, ciphertext: bytes) -> bytes:
            try:
                return bytes(super().decrypt(k, n, ad, ciphertext))
            except InvalidTag:
                return bytes(len(ciphertext) - 16)

    return Credulous


class Mallory(Reference):
    """`prologue` and `suite` are those of NN, `bind` is the prologue of XX, `versions` are the 32 bytes of frame 6 or 7. `keys`
    are public keys to show instead of the own ones, by where ("NN e", "XX e", "XX s"), each with its private half, or None
    where the shared secret will be zeros anyway. `deaf`: goes on though what the other side says is not authentic. `change` is
    given the number and the plaintext of each frame from the third on, and what it makes of it is sent. A responder proves
    `claims` instead of what was proven to it."""

    def __init__(
        self,
        *,
        initiator: bool,
        prologue: bytes = b"peertalk/1",
        suite: str = SUITE,
        bind: bytes | None = None,
        versions: bytes | None = None,
        keys: Mapping[str, tuple[bytes, bytes | None]] | None = None,
        deaf: bool = False,
        change: Callable[[int, bytes], bytes] | None = None,
        claims: list[bytes] | None = None,
        **options: Any,
    ) -> None:
        self._prologue, self._suite, self._bind, self._deaf, self._keys = prologue, suite, bind, deaf, keys or {}
        self.change = change
        self.heard: dict[int, bytes] = {}
        self.said: dict[int, bytes] = {}
        """The plaintexts of the other side's frames and of the own ones, from the third on."""
        super().__init__(initiator=initiator, **options)
        self.claims = claims
        self.versions = versions or self.versions

    def _noise(self, pattern: str, prologue: bytes) -> NoiseConnection:
        outer = pattern == "NN"
        noise = NoiseConnection.from_name(f"Noise_{pattern}_{self._suite if outer else SUITE}".encode())
        (noise.set_as_initiator if self.initiator else noise.set_as_responder)()
        noise.set_prologue(self._prologue if outer else self._bind or prologue)
        protocol = noise.noise_protocol
        protocol.dh_fn = Lenient()
        if self._deaf:
            protocol.cipher_class = credulous(protocol.cipher_class)
        protocol.keypairs["s"] = KeyPair25519.from_private_bytes(self._seed)
        for where, (public, private) in self._keys.items():
            if where.startswith(pattern):
                pair = KeyPair25519.from_private_bytes(private) if private else KeyPair25519()
                pair.public_bytes = public
                protocol.keypairs[where[-1]] = pair
        with warnings.catch_warnings(action="ignore"):  # that a chosen ephemeral is for testing only
            noise.start_handshake()
        if outer:
            self._outer = noise
            self._listen_in(noise)
        return noise

    @property
    def anonymous(self) -> bytes:
        """The hash of NN, *h* in docs/protocol.md."""
        return bytes(self._outer.get_handshake_hash())

    @property
    def public(self) -> bytes:
        return bytes(KeyPair25519.from_private_bytes(self._seed).public_bytes)

    def _listen_in(self, noise: NoiseConnection) -> None:
        encrypt, decrypt = noise.encrypt, noise.decrypt
        mine = count(3 if self.initiator else 4, 2)
        theirs = count(4 if self.initiator else 3, 2)

        def seal(plaintext: bytes) -> bytes:
            number = next(mine)
            said = self.said[number] = self.change(number, plaintext) if self.change else plaintext
            return bytes(encrypt(said))

        def unseal(sealed: bytes) -> bytes:
            plaintext = self.heard[next(theirs)] = bytes(decrypt(sealed))
            return plaintext

        noise.encrypt, noise.decrypt = seal, unseal

    def seal(self, plaintext: bytes) -> bytes:
        """Any plaintext as the frame of a record."""
        sealed = bytes(self._inner.encrypt(plaintext))
        return len(sealed).to_bytes(2, "big") + sealed
