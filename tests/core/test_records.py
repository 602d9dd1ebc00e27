from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertalk.core import records
from peertalk.core.noise import CipherState
from peertalk.core.records import Assembler, Kind, Opener, Sealer
from tests.core.pair import kind_of

KEY = bytes(range(32))
SIZES = {64, 128, 256, 512, 1024, 2048, *range(4096, 61_441, 4096), 65_519}


def ends() -> tuple[Sealer, Opener]:
    return Sealer(CipherState(KEY), 0.0), Opener(CipherState(KEY))


def seal(plaintext: bytes) -> bytes:
    return CipherState(KEY).encrypt(plaintext)


@given(st.sampled_from([Kind.MORE, Kind.FINAL, Kind.BYE, Kind.PROVE]), st.integers(min_value=0, max_value=65_516))
def test_a_record_is_padded_to_the_least_size_that_fits_and_comes_out_whole(kind: Kind, length: int) -> None:
    sealer, opener = ends()
    content = bytes(index % 251 for index in range(length))
    (sealed,) = sealer.seal(kind, content, 0.0)
    assert len(sealed) - 16 == min(size for size in SIZES if size >= length + 3)
    assert opener.open(sealed) == (kind, content)


@pytest.mark.parametrize(
    "plaintext",
    [
        pytest.param(bytes([8, 0, 0]).ljust(64, b"\0"), id="unknown kind"),
        pytest.param(bytes([255, 0, 0]).ljust(64, b"\0"), id="unknown kind too"),
        pytest.param(bytes([1, 0, 62]).ljust(64, b"\0"), id="longer than it is"),
        pytest.param(bytes([1, 255, 255]).ljust(64, b"\0"), id="much longer than it is"),
        pytest.param(bytes([1, 0, 1, 65]).ljust(63, b"\0") + b"\1", id="padding at the end"),
        pytest.param(bytes([1, 0, 1, 65, 1]).ljust(64, b"\0"), id="padding at the beginning"),
        pytest.param(bytes([Kind.REKEY, 0, 1, 65]).ljust(64, b"\0"), id="rekey with a content"),
        pytest.param(bytes([Kind.PING, 0, 1, 65]).ljust(64, b"\0"), id="ping with a content"),
        pytest.param(bytes([Kind.PONG, 0, 1, 65]).ljust(64, b"\0"), id="pong with a content"),
    ],
)
def test_malformed_records(plaintext: bytes) -> None:
    assert kind_of(lambda: Opener(CipherState(KEY)).open(seal(plaintext))) == "malformed"


def test_the_sizes_of_sealed_records_are_those_of_the_specification() -> None:
    assert {size + 16 for size in SIZES} == records.SEALED_SIZES


@given(st.integers(min_value=1, max_value=327_680))
def test_fragments_are_put_together_again(length: int) -> None:
    message = bytes(length - 1) + b"!"
    pieces = list(records.fragments(message))
    assert [len(content) for _, content in pieces[:-1]] == [65_516] * (len(pieces) - 1)
    assert [kind for kind, _ in pieces] == [Kind.MORE] * (len(pieces) - 1) + [Kind.FINAL]
    assembler = Assembler()
    results = [assembler.add(content, final=kind == Kind.FINAL) for kind, content in pieces]
    assert results == [None] * (len(pieces) - 1) + [message]
    assert assembler.add(b"next", final=True) == b"next"


def test_fragments_end_at_the_limit() -> None:
    assembler = Assembler()
    for _ in range(5):
        assembler.add(bytes(65_516), final=False)
    assert len(assembler.add(bytes(100), final=True) or b"") == 320 * 1024
    for _ in range(5):
        assembler.add(bytes(65_516), final=False)
    assert kind_of(lambda: assembler.add(bytes(101), final=True)) == "too_large"
    assert kind_of(lambda: assembler.add(bytes(101), final=False)) == "too_large"


@pytest.mark.parametrize("final", [True, False])
def test_empty_fragments_are_malformed(final: bool) -> None:
    assert kind_of(lambda: Assembler().add(b"", final=final)) == "malformed"


def test_the_key_changes_after_fifteen_minutes() -> None:
    sealer, opener = ends()
    sent = [record for now in (899.0, 900.0, 1799.0, 1800.0) for record in sealer.seal(Kind.FINAL, b"%d" % now, now)]
    opened = [opener.open(record) for record in sent]
    assert opened == [(1, b"899"), (2, b""), (1, b"900"), (1, b"1799"), (2, b""), (1, b"1800")]


def test_the_key_changes_after_so_many_records_and_the_other_side_insists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "REKEY_RECORDS", 5)
    sealer, opener = ends()
    kinds = [opener.open(record)[0] for _ in range(12) for record in sealer.seal(Kind.FINAL, b"x", 0.0)]
    assert kinds == ([Kind.FINAL] * 4 + [Kind.REKEY]) * 2 + [Kind.FINAL] * 4
    cipher, opener = CipherState(KEY), Opener(CipherState(KEY))
    same_key = [cipher.encrypt(bytes([1, 0, 1, 65]).ljust(64, b"\0")) for _ in range(5)]
    for record in same_key[:4]:
        opener.open(record)
    assert kind_of(lambda: opener.open(same_key[4])) == "malformed"


def test_the_old_key_does_not_open_what_comes_after_a_change() -> None:
    sealer, _ = ends()
    _, sealed = sealer.seal(Kind.FINAL, b"new", 900.0)
    old = CipherState(KEY)
    old.encrypt(b"")  # the nonce goes on
    assert kind_of(lambda: old.decrypt(sealed)) == "decrypt"
    old.rekey()
    assert old.decrypt(sealed).startswith(b"\x01\x00\x03new")
