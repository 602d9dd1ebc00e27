"""What can be said of pages without knowing what is settled: form, hashes, signatures (docs/protocol.md, "Settling").

It is a function of the message alone, so it may be found out anywhere, beside the event loop too: that changes nothing but the time
at which the pages settle.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence

import msgspec

from peertalk.core import wire
from peertalk.core.entry import Header, decode_header, hash32, message_id, verify_page
from peertalk.core.identity import check_feed_key
from peertalk.errors import RemoteError


class Item(msgspec.Struct, frozen=True, gc=False):
    """A checked entry of a page. `message` is its message id, where that was found out already."""

    id: bytes
    header: Header
    raw: bytes
    body: bytes | None
    message: bytes = b""


class Checked(msgspec.Struct, frozen=True, gc=False):
    """A page that is what it claims to be. Whether it settles depends on what is here (Log.admit)."""

    items: tuple[Item, ...]
    signature: bytes
    size: int

    @property
    def tip(self) -> bytes:
        """The id of the entry that ends it."""
        return self.items[-1].id

    @property
    def feed(self) -> bytes:
        return self.items[0].header.feed


Signed = tuple[bytes, bytes, bytes]
"""A feed, the tip of a page of it, the signature that ends the page."""
Verify = Callable[[Sequence[Signed]], list[bool]]
"""Which of these are right?"""


class CheckedPages(msgspec.Struct, frozen=True, gc=False):
    """Some pages of a `Pages` message, in order, up to the first that is wrong: that is the `error`."""

    room: bytes
    pages: tuple[Checked, ...]
    error: RemoteError | None = None


def check_page(page: wire.Page, known: Container[bytes] = ()) -> Checked:
    """The page, checked; where its tip is `known`, its signature is not. RemoteError for what no honest member passes on:
    malformed, bad_key, bad_signature, bad_body, void_entry."""
    checked = _check_form(page)
    if checked.tip not in known and not verify_page(checked.feed, checked.tip, checked.signature):
        raise _unsigned(checked.feed)
    return checked


def _check_form(page: wire.Page) -> Checked:
    """All but the signature."""
    size = wire.size(page)
    if len(page.headers) != len(page.bodies) or size > wire.MAX_PAGE:
        raise RemoteError("malformed", what="page")
    return Checked(_items(page), page.signature, size)


def _unsigned(feed: bytes) -> RemoteError:
    """What is wrong with a signature that is not right under the key of this feed."""
    try:
        check_feed_key(feed)
    except RemoteError as error:
        return error
    return RemoteError("bad_signature")


def _items(page: wire.Page) -> tuple[Item, ...]:
    items: list[Item] = []
    room = page.room
    for raw, body in zip(page.headers, page.bodies, strict=True):
        header = decode_header(raw)
        if header.room != room:
            raise RemoteError("void_entry", why="room")
        if body is not None and (len(body) != header.size or hash32(body) != header.body):
            raise RemoteError("bad_body")
        if items and not _follows(items[-1], header):
            raise RemoteError("void_entry", why="chain")
        items.append(Item(hash32(raw), header, raw, body, message_id(header.feed, header.body)))
    return tuple(items)


def _follows(before: Item, header: Header) -> bool:
    return header.feed == before.header.feed and header.seq == before.header.seq + 1 and header.prev == before.id


def verify_all(signed: Sequence[Signed]) -> list[bool]:
    """Which of these are right."""
    return [verify_page(feed, tip, signature) for feed, tip, signature in signed]


def check_pages(message: wire.Pages, verify: Verify = verify_all) -> CheckedPages:
    """The pages of a message, checked. `verify` says the same as `verify_all`, by itself or by asking somebody."""
    checked: list[Checked] = []
    error: RemoteError | None = None
    try:
        for page in message.each():
            checked.append(_check_form(page))  # noqa: PERF401 - what came before an error counts
    except RemoteError as wrong:
        error = wrong
    are_right = verify([(page.feed, page.tip, page.signature) for page in checked])
    if not all(are_right):
        first = are_right.index(False)
        error = _unsigned(checked[first].feed)
        del checked[first:]
    return CheckedPages(message.room, tuple(checked), error)


def slices(message: wire.Pages, entries: int) -> Iterator[wire.Pages]:
    """The same message in parts of about so many entries."""
    part: list[wire.Run] = []
    count = 0
    for run in message.pages:
        part.append(run)
        count += len(run[0])
        if count >= entries:
            yield wire.Pages(message.room, tuple(part))
            part, count = [], 0
    if part:
        yield wire.Pages(message.room, tuple(part))
