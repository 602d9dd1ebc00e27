"""Operations that often hit the same few ids, and what can be asked of a store."""

from __future__ import annotations

from hypothesis import strategies as st

from peertalk.core.entry import Delete, Edit, React, Story, Text, seal_body
from peertalk.core.stored import (
    CardRecord,
    ClaimRecord,
    DropOffer,
    DropOutbox,
    DropRoom,
    EntryRecord,
    EraseBodies,
    EraseDeleted,
    ExpireBodies,
    FeedKeyRecord,
    ForgetHistory,
    Gone,
    OfferRecord,
    Op,
    OutboxRecord,
    PageRecord,
    PeerRecord,
    PutBody,
    PutCard,
    PutClaim,
    PutFeedKey,
    PutOffer,
    PutOutbox,
    PutPage,
    PutPeer,
    PutProfile,
    PutRoom,
    RoomRecord,
)
from tests.node.records import digest

few = st.integers(0, 3)
times = st.integers(0, 10) | st.integers(0, 2**53 - 1)
rooms = st.integers(0, 2).map(lambda n: digest("room", str(n)))
keys = few.map(lambda n: digest("key", n))
entry_ids = st.integers(0, 30).map(lambda n: digest("entry", n))
messages = st.integers(0, 5).map(lambda n: digest("message", n))
bodies = st.binary(min_size=1, max_size=40) | st.integers(1, 20_000).map(bytes)
kinds = st.sampled_from(["text", "text", "text", "here", "left", "unheard-of", "story", "react", "edit", "delete"])
words = st.sampled_from(["Haus", "haus", "hausboot", "Tür", "tu\u0308r", "tür-haus", "x", "…"])
sayings = st.lists(words, min_size=1, max_size=4).map(" ".join)
some_keys = st.sets(keys).map(frozenset)
steps = st.integers(0, 2)
reaches = st.dictionaries(keys, steps)
signatures = few.map(lambda n: digest("signature", n) * 2)
texts = st.text(st.characters(codec="utf-8"), max_size=10)

room_records = st.integers(0, 2).flatmap(
    lambda n: st.builds(
        RoomRecord,
        id=st.just(digest("room", str(n))),
        kind=st.sampled_from(["open", "private", "direct"]),
        name=texts,
        secret=keys,
        retention=st.sampled_from(["forever", "session"]) | st.integers(1, 1000),
        language=st.none() | st.sampled_from(["de", "en"]),
        peer=st.none() | keys,
        shown=st.booleans(),
        joined=times,
        linked=times,
        read=st.tuples(times, entry_ids | st.just(b"")),
        seed=st.just(b"") | keys,
        predecessor=st.just(b"") | keys,
        without=st.lists(keys, max_size=2).map(tuple),
        invited_by=st.just(b"") | keys,
        archived=st.booleans(),
    )
)
feed_key_records = st.builds(
    FeedKeyRecord,
    room=rooms,
    feed=keys,
    seed=st.none() | keys,
    created=times,
    succeeds=st.none() | st.tuples(keys, signatures),
    retiring=st.booleans(),
)
card_records = st.builds(
    CardRecord,
    room=rooms,
    identity=keys,
    feeds=st.lists(st.tuples(keys, signatures), max_size=3).map(tuple),
    via=st.just(b"") | keys,
)
said = st.one_of(
    st.builds(Text, sayings),
    st.builds(Story, sayings, title=sayings | st.none()),
    st.builds(React, messages, st.just("heart")),
    *[st.builds(Edit, messages, sayings, title=sayings | st.none())] * 2,
    *[st.builds(Delete, messages)] * 2,
).map(lambda content: seal_body(content, bytes))
"""(kind, body) of what means something."""
nameless = st.tuples(kinds, bodies | bodies | st.none())
entry_records = st.builds(
    EntryRecord,
    id=entry_ids,
    feed=keys,
    seq=times,
    lamport=times,
    time=times,
    kind=kinds,
    message=messages,
    header=bodies,
    body=st.none(),
    received=times,
    late=st.booleans(),
)
entry_records = st.tuples(entry_records, said | nameless, st.sampled_from(["", "", "expired", "deleted"])).map(
    lambda drawn: _saying(*drawn)
)  # fmt: skip


def _saying(entry: EntryRecord, said: tuple[str, bytes | None], gone: Gone) -> EntryRecord:
    kind, body = said
    return EntryRecord(**{**_fields(entry), "kind": kind, "body": body, "gone": gone if body is None else ""})


def same_feed(record: PageRecord) -> PageRecord:
    entries = tuple(EntryRecord(**{**_fields(entry), "feed": record.feed}) for entry in record.entries)
    return PageRecord(**{**_fields(record), "entries": entries})


def _fields(record: EntryRecord | PageRecord) -> dict[str, object]:
    return {name: getattr(record, name) for name in record.__struct_fields__}


page_records = st.builds(
    PageRecord,
    room=rooms,
    number=st.integers(0, 8),
    feed=keys,
    prev=entry_ids | st.just(b""),
    signature=signatures,
    entries=st.lists(entry_records, min_size=1, max_size=6, unique_by=lambda entry: entry.id).map(tuple),
).map(same_feed)
outbox_records = st.builds(OutboxRecord, room=rooms, number=few, message=messages, kind=kinds, body=bodies, time=times)
claim_records = st.builds(ClaimRecord, room=rooms, feed=keys, identity=keys, seq=times, disk=st.booleans())
peer_records = st.builds(
    PeerRecord,
    identity=keys,
    first_seen=times,
    last_seen=times,
    addresses=st.lists(st.tuples(st.sampled_from(["10.0.0.1", "fe80::1%eth0"]), st.integers(1, 65535)), max_size=3).map(tuple),
    blocked=st.booleans(),
    verified=st.booleans(),
    name=texts,
)
offer_records = st.builds(
    OfferRecord,
    room=rooms,
    old=rooms,
    terms=bodies,
    by=keys,
    givers=st.lists(keys, max_size=2).map(tuple),
    followers=st.lists(keys, max_size=2).map(tuple),
    declined=st.booleans(),
    time=times,
)
ops: st.SearchStrategy[Op] = st.one_of(
    st.builds(PutRoom, room_records),
    st.builds(PutFeedKey, feed_key_records),
    st.builds(PutCard, card_records),
    *[st.builds(PutPage, page_records)] * 4,
    st.builds(PutBody, room=rooms, entry=entry_ids, body=bodies | said.map(lambda one: one[1])),
    st.builds(PutOutbox, outbox_records),
    st.builds(DropOutbox, room=rooms, number=few, erased=st.booleans()),
    st.builds(PutClaim, claim_records),
    st.builds(PutPeer, peer_records),
    st.builds(PutOffer, offer_records),
    st.builds(DropOffer, room=rooms),
    st.builds(ForgetHistory, room=rooms),
    st.builds(DropRoom, room=rooms),
    st.builds(ExpireBodies, room=rooms, before=times),
    *[st.builds(EraseBodies, rooms, messages, some_keys, some_keys)] * 3,
    *[st.builds(EraseDeleted, rooms, st.dictionaries(st.integers(0, 8), steps, max_size=4), reaches, st.booleans())] * 2,
    st.builds(PutProfile, key=st.sampled_from(["identity", "token"]), value=keys),
    st.builds(PutProfile, key=st.just("name"), value=texts.map(str.encode)),
)

order_keys = st.tuples(times, entry_ids | st.just(b""))
questions = st.fixed_dictionaries(
    {
        "room": rooms,
        "kinds": st.sets(kinds),
        "limit": st.integers(0, 5) | st.just(1000),
        "before": st.none() | order_keys,
        "after": st.none() | order_keys,
        "without": st.sets(keys),
        "message": messages,
        "numbers": st.lists(st.integers(0, 8), unique=True),
        "entries": st.lists(entry_ids, unique=True),
        "about": st.sets(messages),
        "words": sayings | st.sampled_from(["hau", "ture", "", "t"]),
    }
)
