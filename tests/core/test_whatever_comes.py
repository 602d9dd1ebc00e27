"""Every decoder and machine of core by itself: any bytes, and right ones that were changed, are read or raise RemoteError."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from peertalk.core import proofs
from peertalk.core.cards import Cards
from peertalk.core.entry import SALT, FeedKey, seal_body
from peertalk.core.frames import FrameReader, frame
from peertalk.core.keys import KeyPair, check_feed_key, check_key
from peertalk.core.log import Item, record
from peertalk.core.members import Members
from peertalk.core.noise import PATTERNS, CipherState, HandshakeState
from peertalk.core.proving import Proving
from peertalk.core.records import SIZES, Assembler, Opener, _pad
from peertalk.core.session import Bye, _bye
from peertalk.core.wire import MAX_MESSAGE, Card
from peertalk.errors import RemoteError
from tests.core.authors import ROOM, Author
from tests.core.pair import ids, kind_of, noise, rooms
from tests.core.test_entry import contents

KEY = bytes(range(32))
KNOWN = rooms("lobby", "books", "hers")


@st.composite
def changed(draw: st.DrawFn, raw: bytes) -> bytes:
    """These bytes with some changed, taken out or put in; or any others."""
    if draw(st.integers(0, 5)) == 0:
        return draw(st.binary(max_size=200))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(raw)))
        raw = raw[:at] + draw(st.binary(max_size=3)) + raw[at + draw(st.integers(0, 3)) :]
    return raw


# ── the channel, piece by piece ──────────────────────────────────────────────────────────────────────────────────────


@given(st.data(), st.lists(st.binary(min_size=1, max_size=40), max_size=6), st.sets(st.integers(1, 40), min_size=1))
def test_any_stream_is_frames_up_to_one_that_is_not_due_however_it_is_cut(
    data: st.DataObject, sent: list[bytes], sizes: set[int]
) -> None:
    stream = data.draw(changed(b"".join(map(frame, sent))))

    def read(size: int) -> tuple[list[bytes], str]:
        reader, got = FrameReader(), []
        for at in range(0, len(stream), size):
            reader.feed(stream[at : at + size])
            try:
                while (content := reader.next(sizes)) is not None:
                    got.append(content)
            except RemoteError as error:
                return got, error.kind
        return got, ""

    assert read(1) == read(7) == read(len(stream) or 1) == as_specified(stream, sizes)


def as_specified(stream: bytes, sizes: set[int]) -> tuple[list[bytes], str]:
    """The frames of a stream, and why they end: a length is judged as soon as it is here."""
    got, at = [], 0
    while len(stream) >= at + 2:
        end = at + 2 + int.from_bytes(stream[at : at + 2], "big")
        if end - at - 2 not in sizes:
            return got, "malformed"
        if len(stream) < end:
            break
        got.append(stream[at + 2 : end])
        at = end
    return got, ""


def state(pattern: str, *, initiator: bool) -> HandshakeState:
    random = noise((pattern, initiator))
    return HandshakeState(
        pattern, initiator=initiator, prologue=b"", ephemeral=KeyPair(random(32)), static=KeyPair(random(32))
    )  # fmt: skip


@pytest.mark.parametrize(("pattern", "number"), [(name, number) for name in PATTERNS for number in range(len(PATTERNS[name]))])
@given(data=st.data())
def test_any_noise_message_is_read_or_refused(pattern: str, number: int, data: st.DataObject) -> None:
    sides = [state(pattern, initiator=True), state(pattern, initiator=False)]
    for turn in range(number):
        sides[1 - turn % 2].read(sides[turn % 2].write(b"payload"))
    right = sides[number % 2].write(b"payload")
    came = data.draw(changed(right))
    kind = kind_of(lambda: sides[1 - number % 2].read(came))
    assert kind in {"no error", "malformed", "bad_key", "decrypt"}
    assert kind == "malformed" or len(came) >= 32 or number == 2  # what is too short has no key in it
    if number:  # from the second message on there is a key, and everything is authenticated
        assert (kind == "no error") == (came == right)


@given(st.data(), st.sets(st.sampled_from(["lobby", "books", "elsewhere"])))
def test_a_changed_proof_proves_nothing_more(data: st.DataObject, offered: set[str]) -> None:
    about = proofs.context("room", True, KEY)
    proof = proofs.make(rooms(*offered).values(), about, noise("make"))
    assert proofs.check(data.draw(changed(proof)), KNOWN, about, noise("check")) <= ids(*offered) & KNOWN.keys()


@given(st.data())
def test_any_questions_and_answers_prove_what_both_know_or_are_malformed(data: st.DataObject) -> None:
    def side(initiator: bool) -> Proving:
        return Proving(initiator=initiator, binding=KEY, known=lambda: KNOWN, random=noise(initiator))

    own, other, is_open = side(True), side(False), False
    for now in range(data.draw(st.integers(1, 4))):
        own.add(rooms("books", "elsewhere"))
        other.add(rooms("lobby", "books"))
        question, asked = own.question(), other.question()
        is_open |= question is not None
        for what in data.draw(st.lists(st.sampled_from(["asked", "answered", "answer"]), max_size=4)):
            content = data.draw(changed((asked if what == "asked" else question) or bytes(1028)))
            try:
                proven = own.answer(now)[1] if what == "answer" else getattr(own, what)(content)
            except RemoteError as error:
                assert error.kind == "malformed"
                return
            assert what == "answer" or len(content) == 1028
            assert proven is None or proven <= KNOWN.keys()
            assert what != "answered" or is_open
            is_open &= what != "answered"


@given(st.data(), st.sampled_from(SIZES[:8]), st.integers(0, 9), st.integers(0, 300), st.sampled_from([b"\0", b"x"]))
def test_a_record_of_any_plaintext_is_read_as_what_it_says_or_is_malformed(
    data: st.DataObject, size: int, kind: int, length: int, filling: bytes
) -> None:
    plaintext = (bytes([kind]) + length.to_bytes(2, "big") + data.draw(st.binary(max_size=60))).ljust(size, filling)
    try:
        found, content = Opener(CipherState(KEY)).open(CipherState(KEY).encrypt(plaintext))
    except RemoteError as error:
        assert error.kind == "malformed"
        return
    assert (found, len(content)) == (kind, length)
    assert _pad(found, content).ljust(size, b"\0") == plaintext


@given(st.lists(st.tuples(st.sampled_from([0, 1, 100, 65_516]), st.booleans()), max_size=14))
@example([(65_516, False)] * 6)
@example([(65_516, False)] * 5 + [(100, True), (1, True)])
def test_any_fragments_are_messages_within_the_limit_or_refused(fragments: list[tuple[int, bool]]) -> None:
    assembler, open_length = Assembler(), 0
    for length, final in fragments:
        open_length += length
        try:
            message = assembler.add(bytes(length), final=final)
        except RemoteError as error:
            assert error.kind == ("malformed" if length == 0 else "too_large")
            assert length == 0 or open_length > MAX_MESSAGE
            return
        assert open_length <= MAX_MESSAGE
        assert len(message or b"") == (open_length if final else 0)
        open_length = 0 if final else open_length


@given(st.binary(max_size=40) | st.text("abc_Z \n", max_size=40).map(str.encode))
def test_any_farewell_is_a_word_or_malformed(content: bytes) -> None:
    try:
        assert _bye(content) == Bye(content.decode("ascii"))
    except RemoteError as error:
        assert error.kind == "malformed"


# ── keys, cards, presence ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("check", [check_key, check_feed_key])
@given(
    key=st.binary(max_size=40)
    | st.binary(min_size=32, max_size=32)
    | st.integers(0, 2**256 - 1).map(lambda n: n.to_bytes(32, "little"))
)
def test_any_bytes_are_a_key_or_bad_key(check: Callable[[bytes], None], key: bytes) -> None:
    assert kind_of(lambda: check(key)) in {"no error", "bad_key"}


@given(st.data(), st.integers(0, 4), st.booleans())
def test_any_card_is_kept_with_what_its_feeds_signed_or_refused(data: st.DataObject, more: int, is_hearsay: bool) -> None:
    ben, cara = Author("ben"), Author("cara")
    card = ben.card(*(FeedKey(bytes([number]) * 32) for number in range(more)))
    feeds = tuple((feed, data.draw(changed(signature))[:64].ljust(64, b"\0")) for feed, signature in card.feeds)
    identity = data.draw(st.sampled_from([ben.public, cara.public, KEY, bytes(32)]))
    cards = Cards(ROOM.id, cara.public)
    try:
        kept = cards.receive(Card(ROOM.id, identity, feeds), KEY if is_hearsay else identity)
    except RemoteError as error:
        assert error.kind in ("bad_card", "bad_key")
        assert not cards.records
        return
    assert (kept is None) == (identity == cara.public)
    assert kept is None or (identity, feeds) == (ben.public, card.feeds)


@given(
    st.lists(st.tuples(contents, st.sampled_from(["here", "left", "text", "later"]), st.binary(max_size=4), st.integers(0, 60)))
)
def test_any_presence_is_understood_or_passed_over(said: list[tuple[object, str, bytes, int]]) -> None:
    ben = Author("ben")
    cards = Cards(ROOM.id, KEY)
    cards.receive(ben.card(), ben.public)
    members = Members(cards)
    for content, kind, put_in, at in said:
        _, body = seal_body(content, ben.random)
        body = body[: SALT + at] + put_in + body[SALT + at + len(put_in) :]
        written = ben.entry()
        entry = record(Item(written.id, written.header, written.raw, body), received=0)
        members.add(type(entry)(**{field: getattr(entry, field) for field in entry.__struct_fields__} | {"kind": kind}))
    assert isinstance(members.name(ben.public), str)
    assert members.identities() <= {ben.public}
