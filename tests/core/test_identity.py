from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.bindings import crypto_core_ed25519_add, crypto_scalarmult, crypto_sign_seed_keypair

from peertalk.core import keys
from peertalk.core.identity import Identity, check_feed_key, check_key, fingerprint, tag
from tests.core.pair import kind_of

P = 2**255 - 19
LOW_ORDER = [
    0,
    1,
    P - 1,
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
]
ED25519_OF_ORDER_8 = bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
seeds = st.binary(min_size=32, max_size=32)


def little(value: int) -> bytes:
    return value.to_bytes(32, "little")


def test_the_exchange_of_rfc_7748() -> None:
    alice = Identity.from_seed(bytes.fromhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"))
    bob = Identity.from_seed(bytes.fromhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"))
    assert alice.public.hex() == "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
    assert bob.public.hex() == "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"
    shared = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"
    assert alice.dh(bob.public).hex() == bob.dh(alice.public).hex() == shared


@pytest.mark.parametrize("value", LOW_ORDER)
def test_keys_of_low_order_are_refused(value: int) -> None:
    with pytest.raises(RuntimeError):  # they are what the list claims: the library gives zero
        crypto_scalarmult(bytes(32), little(value))
    assert kind_of(lambda: check_key(little(value))) == "bad_key"
    assert kind_of(lambda: Identity(bytes(32)).dh(little(value))) == "bad_key"


@pytest.mark.parametrize("value", [P, P + 1, P + 9, 2**255 - 1, 2**255, 2**255 + 9, 2**256 - 1])
def test_keys_that_are_not_canonical_are_refused(value: int) -> None:
    assert kind_of(lambda: check_key(little(value))) == "bad_key"


@pytest.mark.parametrize("value", [2, 9, P - 2])
def test_the_keys_beside_those_are_accepted(value: int) -> None:
    check_key(little(value))


@pytest.mark.parametrize("size", [0, 31, 33])
def test_keys_and_seeds_have_32_bytes(size: int) -> None:
    assert kind_of(lambda: check_key(b"\x09" * size)) == "bad_key"
    assert kind_of(lambda: check_feed_key(b"\x09" * size)) == "bad_key"
    assert kind_of(lambda: Identity(bytes(32)).dh(b"\x09" * size)) == "bad_key"
    with pytest.raises(ValueError):
        Identity.from_seed(bytes(size))


@given(seeds, seeds)
def test_keys_that_were_made_here_are_accepted(one: bytes, other: bytes) -> None:
    ann, ben = Identity.from_seed(one), Identity.from_seed(other)
    check_key(ann.public)
    assert ann.dh(ben.public) == ben.dh(ann.public)
    check_feed_key(crypto_sign_seed_keypair(one)[0])


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(little(1), id="neutral"),
        pytest.param(little(0), id="order 4"),
        pytest.param(little(P - 1), id="order 2"),
        pytest.param(ED25519_OF_ORDER_8, id="order 8"),
        pytest.param(little(2**255 - 1), id="not canonical"),
        pytest.param(little(2), id="not on the curve"),
        pytest.param(crypto_core_ed25519_add(crypto_sign_seed_keypair(bytes(32))[0], ED25519_OF_ORDER_8), id="mixed order"),
    ],
)
def test_feed_keys_off_the_main_subgroup_are_refused(key: bytes) -> None:
    assert kind_of(lambda: check_feed_key(key)) == "bad_key"


def test_a_fingerprint_is_what_it_always_was() -> None:
    assert fingerprint(bytes(range(32))) == "5s53 9j9n ffip bhjr gs9e 3677 c7up npzu"


@given(seeds)
def test_a_tag_is_how_the_fingerprint_begins_and_has_no_look_alikes(public: bytes) -> None:
    groups = fingerprint(public).split(" ")
    assert [len(group) for group in groups] == [4] * 8
    assert tag(public) == groups[0]
    assert set("".join(groups)) <= set("abcdefghijkmnpqrstuvwxyz23456789")


def test_a_key_pair_does_not_show_its_private_half() -> None:
    seed = b"\x42" * 32
    assert "42" * 4 not in repr(Identity.from_seed(seed))
    assert repr(seed) not in repr(Identity.from_seed(seed))


def test_an_exchange_that_gives_zero_is_refused_even_if_the_list_of_keys_should_miss_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keys, "check_key", lambda public: None)
    assert kind_of(lambda: Identity(bytes(32)).dh(bytes(32))) == "bad_key"
