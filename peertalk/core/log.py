"""The history of one room: the set of settled entries, and what may be added to it (docs/protocol.md, "Settling").

Everything here is a function of the set: verdicts never depend on the order of arrival. A page settles whole or not at all.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator

from peertalk.core import wire
from peertalk.core.checks import Checked, Item, check_page
from peertalk.core.entry import MAX_AFTER, Header, message_id
from peertalk.core.feed import Chain, Lack, place, tip_of
from peertalk.core.identity import check_feed_key
from peertalk.core.stored import EntryRecord, PageIndex, PageRecord
from peertalk.errors import RemoteError


class Log:
    """The settled entries of `room`. `index` finds the page of an entry; `heads` (id → Lamport time) is named by nobody yet."""

    def __init__(self, room: bytes, pages: Iterable[PageIndex] = ()) -> None:
        self.room = room
        self.pages: list[PageIndex] = []
        self.index: dict[bytes, PageIndex] = {}
        self.chains: dict[bytes, Chain] = {}
        self.heads: dict[bytes, int] = {}
        self.count = 0
        for page in pages:
            self._restore(page)

    def _restore(self, page: PageIndex) -> None:
        self._insert(page)
        # What a stored entry names is not kept in memory; a head too many costs nothing but a longer `after`, so after a
        # restart only tips are heads.
        tip = page.entries[-1]
        self.heads.pop(page.prev, None)
        self.heads[tip[0]] = tip[2]

    def _insert(self, page: PageIndex) -> bool:
        self.pages.append(page)
        self.count += len(page.entries)
        index = self.index
        for id_, _, _ in page.entries:
            index[id_] = page
        return self.chain(page.feed).add(page)

    def chain(self, feed: bytes) -> Chain:
        """The chain of a feed, an empty one if nothing of it is here."""
        chain = self.chains.get(feed)
        if chain is None:
            chain = self.chains[feed] = Chain(feed)
        return chain

    def tips(self) -> list[bytes]:
        """The ids of all tips."""
        return [tip for chain in self.chains.values() for tip in chain.tips]

    def lamport(self, entry: bytes) -> int:
        """The Lamport time of a settled entry."""
        return place(self.index[entry], entry)[1]

    def after(self, own_tip: bytes) -> tuple[bytes, ...]:
        """What a new entry names beside its predecessor: the 8 heads greatest by (Lamport time, id), sorted by id."""
        heads = ((lamport, id_) for id_, lamport in self.heads.items() if id_ != own_tip)
        return tuple(sorted(id_ for _, id_ in heapq.nlargest(MAX_AFTER, heads)))

    # ── what arrives ─────────────────────────────────────────────────────────────────────────────────────────────────

    def check(self, page: wire.Page) -> tuple[Item, ...] | bytes:
        """As `admit`, of a page that was not checked yet. RemoteError as check_page and `admit`."""
        return self.admit(check_page(page, self.index))

    def admit(self, page: Checked) -> tuple[Item, ...] | bytes:
        """The new entries of a page that settles, () if all are here already; or the id of something that it rests on and that
        is not here. RemoteError: bad_key, void_entry."""
        index, items = self.index, page.items
        if page.tip in index:
            return ()
        if page.feed not in self.chains:
            check_feed_key(page.feed)
        fresh = items if items[0].id not in index else tuple(item for item in items if item.id not in index)
        return self._missing(fresh) or fresh

    def _missing(self, items: tuple[Item, ...]) -> bytes | None:
        """Something that these rest on and that is not here. RemoteError("void_entry") where it is, and says otherwise than they
        do."""
        index = self.index
        here: dict[bytes, int] = {}
        for item in items:
            header = item.header
            latest = 0
            for id_ in (header.prev, *header.after) if header.prev else header.after:
                lamport = here.get(id_)
                if lamport is None:
                    page = index.get(id_)
                    if page is None:
                        return id_
                    lamport = place(page, id_)[1]
                latest = max(latest, lamport)
            if not here and header.prev:  # check_page has seen to the others
                self._check_predecessor(header)
            if header.lamport != 1 + latest:
                raise RemoteError("void_entry", why="lamport")
            here[item.id] = header.lamport
        return None

    def _check_predecessor(self, header: Header) -> None:
        page = self.index[header.prev]
        if page.feed != header.feed or place(page, header.prev)[0] != header.seq - 1:
            raise RemoteError("void_entry", why="predecessor")

    def add(self, page: PageRecord, rests_on: Iterable[bytes]) -> bool:
        """Add a page that settles; `rests_on` are all ids that its entries name, but for those of the page itself. True if it shows a
        fork not known before."""
        before = self.index.get(page.prev)
        index = PageIndex(
            number=page.number,
            feed=self.chain(page.feed).feed,  # one object for what is said again and again: there are many pages
            prev=before.entries[-1][0] if before is not None and before.entries[-1][0] == page.prev else page.prev,
            entries=tuple([(entry.id, entry.seq, entry.lamport) for entry in page.entries]),
        )
        forks = self._insert(index)
        last, heads = page.entries[-1], self.heads
        heads[last.id] = last.lamport  # on each of the others the next one rests
        for id_ in rests_on:
            heads.pop(id_, None)
        return forks

    # ── what others lack ─────────────────────────────────────────────────────────────────────────────────────────────

    def whole(self, feed: bytes, held: Iterable[bytes]) -> int:
        """Up to which seq somebody who holds `held` of `feed` has every branch of it, where it is forked."""
        chain = self.chain(feed)
        lacks = chain.lacking(held, self.index) if chain.forked else ()
        return min((page.entries[skip][1] for page, skip in lacks), default=chain.top[1] + 1) - 1

    def lacking(self, held: Iterable[bytes], wanted: Iterable[bytes], durable: int) -> Iterator[Lack]:
        """What somebody who holds `held` needs in order to settle `wanted`, in settle order, of the first `durable` pages.

        Ids that are not here are passed over. All of the room up to the last wanted page is given, not only the wanted feeds:
        what they rest on is then there too. Found as it is taken: an answer is cut long before the end of a long history.
        """
        numbers = [self.index[id_].number for id_ in wanted if id_ in self.index]
        last = min(max(numbers, default=-1), durable - 1)
        by_feed: dict[bytes, list[bytes]] = {}
        for id_ in held:
            if id_ in self.index:
                by_feed.setdefault(self.index[id_].feed, []).append(id_)
        # Generators all the way: nothing is made for who still waits for its turn.
        lacks = (chain.lacking(by_feed.get(feed, ()), self.index) for feed, chain in self.chains.items())
        yield from heapq.merge(*(_until(run, last) for run in lacks), key=lambda lack: lack[0].number)


def _until(lacks: Iterator[Lack], last: int) -> Iterator[Lack]:
    for lack in lacks:
        if lack[0].number > last:
            return
        yield lack


def record(item: Item, *, received: int, late: bool = False) -> EntryRecord:
    """The record of a checked entry."""
    header = item.header
    return EntryRecord(
        id=item.id,
        feed=header.feed,
        seq=header.seq,
        lamport=header.lamport,
        time=header.time,
        kind=header.kind,
        message=item.message or message_id(header.feed, header.body),
        header=item.raw,
        body=item.body,
        received=received,
        late=late,
    )


__all__ = ["Chain", "Item", "Log", "record", "tip_of"]
