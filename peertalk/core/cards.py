"""Who is behind a feed: the cards of one room (docs/protocol.md, "Cards").

An authenticated card came from its owner over an authenticated link: every feed that it lists stays tied to that identity for
good. A card passed on by another is hearsay (`via`), kept of whoever says it first, and authorises nothing but display.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Set
from functools import lru_cache
from hashlib import blake2b
from itertools import islice

import msgspec

from peertalk.core import wire
from peertalk.core.entry import verify_owner
from peertalk.core.identity import check_key
from peertalk.core.stored import CardRecord
from peertalk.errors import RemoteError

GIVEN, GIVEN_TOGETHER = 64, 8192
"""Feeds of one's own that everybody may name in one room, and as many of others; and beyond that, all together."""
MAX_OWNERS = 4
"""Identities under which a feed is shown: whoever has its key can tie it to any number."""


class Owner(msgspec.Struct, frozen=True):
    """Whose feed it is: `others` are further identities tied to the same feed (then all are shown, marked); `via` is the
    identity that said so, b"" if the owner did."""

    identity: bytes
    via: bytes = b""
    others: tuple[bytes, ...] = ()


class Cards:
    """The cards of `room` as seen by `me`."""

    def __init__(self, room: bytes, me: bytes, records: Iterable[CardRecord] = ()) -> None:
        self.room = room
        self.me = me
        self.records: dict[tuple[bytes, bytes], CardRecord] = {}
        self._listed: dict[bytes, set[bytes]] = {}
        self._given: Counter[tuple[bytes, bool]] = Counter()
        self._beyond = 0
        self._tied: dict[bytes, set[bytes]] = {}
        self._hearsay: dict[bytes, dict[bytes, bytes]] = {}
        self._introducers: dict[bytes, bytes] = {}
        self._owners: dict[bytes, Owner] = {}
        """feed → whose it is, kept until there is another card that says something of it: asked with each entry and each pulse."""
        self.said: dict[bytes, tuple[bytes, bytes]] = {}
        """Everything that anybody has said of whose feed is whose, by `pair`, in the order in which it came."""
        self._digest: bytes | None = None
        self.version = self.owners = 0
        """The first grows with each card, the second whenever somebody may be somebody else than before."""
        for record in records:
            self._put(record)

    def own(self, feeds: Iterable[tuple[bytes, bytes]]) -> wire.Card:
        """Set one's own card, and give it as the message that hands it over."""
        record = CardRecord(room=self.room, identity=self.me, feeds=tuple(feeds))
        if record != self.records.get((self.me, b"")):
            self._put(record)
        return wire.Card(self.room, self.me, record.feeds)

    def receive(self, card: wire.Card, sender: bytes) -> CardRecord | None:
        """What is to be kept of a card that `sender` handed over; None where it says nothing new, or is about oneself.

        RemoteError("bad_card") if an owner signature is wrong, RemoteError("bad_key") for a key that is none.
        """
        if card.identity == self.me:
            return None
        check_key(card.identity)
        via = b"" if card.identity == sender else sender
        old = self.records.get((card.identity, via))
        known = dict(old.feeds) if old else {}
        left = min(wire.MAX_FEEDS - len(known), self._left(sender, hearsay=bool(via)))
        unknown = (pair for pair in card.feeds if pair[0] not in known and not (via and self._is_said(pair[0], card.identity)))
        fresh = dict(islice(unknown, left))
        if not fresh and (via or old is not None):
            return None
        if not all(self._is_signed(pair, card.identity) for pair in fresh.items()):
            raise RemoteError("bad_card")
        record = CardRecord(room=self.room, identity=card.identity, feeds=(*known.items(), *fresh.items()), via=via)
        self._put(record)
        return record

    def _is_said(self, feed: bytes, identity: bytes) -> bool:
        """Did the owner say so, or anybody? In a room everybody says the same of everybody: that is kept once."""
        return identity in self._tied.get(feed, ()) or identity in self._hearsay.get(feed, {}).values()

    def _left(self, giver: bytes, *, hearsay: bool) -> int:
        """How many more feeds somebody may name: a flood of many takes nobody the place of those that each needs."""
        return max(0, GIVEN - self._given[giver, hearsay]) + max(0, GIVEN_TOGETHER - self._beyond)

    def _is_signed(self, pair: tuple[bytes, bytes], identity: bytes) -> bool:
        return verify_owner(pair[0], pair[1], self.room, identity)

    def _put(self, record: CardRecord) -> None:
        self.version += 1
        before = self.records.get((record.identity, record.via))
        known = {feed for feed, _ in before.feeds} if before is not None else frozenset()
        about = {feed for feed, _ in record.feeds}.difference(known)
        if not record.via and before is None:  # what others said that it does not list is of nobody from now on
            about |= self._listed.get(record.identity, set())
        were = [self._shown(feed) for feed in about]
        self._add(record)
        if record.identity == self.me or were != [self._shown(feed) for feed in about]:
            self.owners += 1

    def _shown(self, feed: bytes) -> tuple[bytes, ...]:
        """As whose it is shown."""
        owner = self.owner(feed)
        return (owner.identity, *owner.others) if owner is not None else ()

    def _add(self, record: CardRecord) -> None:
        before = self.records.get((record.identity, record.via))
        self._count(record, len(record.feeds) - (len(before.feeds) if before is not None else 0))
        self.records[(record.identity, record.via)] = record
        listed = self._listed.setdefault(record.identity, set())
        listed.update(feed for feed, _ in record.feeds)
        for feed in listed if before is None and not record.via else dict(record.feeds):
            self._owners.pop(feed, None)
        if record.via:
            self._introducers.setdefault(record.identity, record.via)
        for feed, _ in record.feeds:
            name = pair(self.room, feed, record.identity)
            if name not in self.said:
                self.said[name], self._digest = (feed, record.identity), None
            if record.via:
                self._hearsay.setdefault(feed, {}).setdefault(record.via, record.identity)
            else:
                self._tied.setdefault(feed, set()).add(record.identity)

    def _count(self, record: CardRecord, more: int) -> None:
        giver = record.via or record.identity, bool(record.via)
        beyond = max(0, self._given[giver] - GIVEN)
        self._given[giver] += more
        self._beyond += max(0, self._given[giver] - GIVEN) - beyond

    def owner(self, feed: bytes) -> Owner | None:
        """Whose feed this is, authenticated before hearsay; None if nobody said."""
        owner = self._owners.get(feed) or self._find_owner(feed)
        if owner is not None:
            self._owners[feed] = owner
        return owner

    def _find_owner(self, feed: bytes) -> Owner | None:
        tied = self._tied.get(feed)
        if tied:
            first, *others = sorted(tied)[:MAX_OWNERS]
            return Owner(first, others=tuple(others))
        for via, identity in self._hearsay.get(feed, {}).items():
            listed = self.records.get((identity, b""))
            if identity != self.me and (listed is None or any(feed == own for own, _ in listed.feeds)):
                return Owner(identity, via=via)
        return None

    def is_of(self, feed: bytes, identities: Set[bytes]) -> bool:
        """Is this a feed of one of these, whomever else it is tied to?"""
        owner = self.owner(feed)
        return owner is not None and not identities.isdisjoint(self._tied.get(feed, {owner.identity}))

    def feeds(self, identity: bytes, among: Container[bytes] | None = None) -> set[bytes]:
        """All feeds shown as this identity's; `among`: only those of these."""
        listed = (feed for feed in self._listed.get(identity, ()) if among is None or feed in among)
        return {feed for feed in listed if (owner := self.owner(feed)) and identity in (owner.identity, *owner.others)}

    def introducer(self, identity: bytes) -> bytes:
        """Who first told of this identity; b"" if it came itself, or nobody did."""
        return b"" if (identity, b"") in self.records else self._introducers.get(identity, b"")

    def listed(self, identity: bytes) -> frozenset[bytes]:
        """All feeds that anybody said are this identity's."""
        return frozenset(self._listed.get(identity, ()))

    def names(self, identity: bytes, feeds: Set[bytes]) -> bool:
        """Did anybody say of one of these that it is this identity's?"""
        return bool(feeds) and not feeds.isdisjoint(self._listed.get(identity, ()))

    def __contains__(self, identity: bytes) -> bool:
        """Is there a card of this identity?"""
        return identity in self._listed

    def identities(self) -> set[bytes]:
        """Everybody of whom there is a card."""
        return set(self._listed)

    # ── what is known ────────────────────────────────────────────────────────────────────────────────────────────────

    def digest(self) -> bytes:
        """The digest of all that anybody has said of whose feed is whose, kept until there is more."""
        if self._digest is None:
            self._digest = blake2b(b"".join(sorted(self.said)), digest_size=32, person=b"peertalk/1 know").digest()
        return self._digest

    def of(self, pairs: Iterable[bytes], to: bytes) -> list[wire.Card]:
        """What to tell `to` of others, of what is asked for: of each identity what its own card says, or else whatever others say and
        is believed here."""
        asked: dict[bytes, dict[bytes, None]] = {}
        for feed, identity in (self.said[pair] for pair in pairs if pair in self.said):
            if identity not in (self.me, to):
                asked.setdefault(identity, {})[feed] = None
        cards = (wire.Card(self.room, identity, tuple(self._believed(identity, feeds))) for identity, feeds in asked.items())
        return [card for card in cards if card.feeds]

    def _believed(self, identity: bytes, feeds: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
        """Those of these feeds that are believed to be of this identity, each with the signature that says so."""
        listed = self.records.get((identity, b""))
        signed: dict[bytes, dict[bytes, bytes]] = {b"": dict(listed.feeds)} if listed is not None else {}
        for feed in feeds:
            vias = (via for via, who in self._hearsay.get(feed, {}).items() if who == identity)
            via = b"" if listed is not None else next(vias, None)
            if via is not None and via not in signed:
                signed[via] = dict(self.records[identity, via].feeds)
            if via is not None and feed in signed[via]:
                yield feed, signed[via][feed]


@lru_cache(maxsize=1024)
def pair(room: bytes, feed: bytes, identity: bytes) -> bytes:
    """The hash by which it is named that a feed is of an identity."""
    return blake2b(room + feed + identity, digest_size=16, person=b"peertalk/1 card").digest()
