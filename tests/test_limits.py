"""The tables of limits in docs/protocol.md say what the code does: each quantity in them is a constant of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from peertalk.core import (
    annotations,
    asking,
    beginnings,
    cards,
    channel,
    crowd,
    entry,
    frames,
    graph,
    intake,
    introducing,
    invite,
    lineage,
    offers,
    outlet,
    pairing,
    proofs,
    proving,
    pulses,
    pushing,
    rates,
    reach,
    records,
    reforming,
    rolls,
    rooms,
    serving,
    session,
    sharing,
    slots,
    sync,
    verify,
    wire,
)
from peertalk.node import (
    acquaintances,
    admission,
    book,
    checking,
    comparing,
    dialer,
    dialing,
    discovery,
    doctor,
    hearsay,
    invitations,
    joining,
    life,
    link,
    listener,
    mdns,
    pacing,
    people,
    targets,
    trust,
)

PAGE = (Path(__file__).parent.parent / "docs" / "protocol.md").read_text(encoding="utf-8")
HEADINGS = ("### Limits of the channel", "## Limits", "### Limits of a node", "### Limits of invitations")
UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "ms": 0.001, "min": 60, "days": 86_400}
QUANTITY = re.compile(r"(\d[\d,]*(?:\.\d+)?)(?: (KiB|MiB|ms|min|days)\b)?")
LITTLE, OPEN, STRANGERS = rates.LITTLE, rates.OPEN, rates.STRANGERS


def quota(rate: rates.Rate) -> tuple[float, ...]:
    return rate.entries, rate.size, rate.entries_a_second, rate.size_a_second


LIMITS: dict[str, tuple[float, ...]] = {
    # of the channel
    "frame": (frames.MAX_FRAME,),
    "setting up": (channel.HANDSHAKE_SECONDS,),
    "rooms in one proof": (proofs.MAX_PROVEN,),
    "message": (wire.MAX_MESSAGE,),
    "records under one key": (records.REKEY_RECORDS,),
    "age of a key": (records.REKEY_SECONDS,),
    "silence": (session.PING_SECONDS, session.SILENT_SECONDS - session.PING_SECONDS),
    "answers to `PROVE`": (1 / proving.ANSWER_SECONDS,),
    "answers to `PING`": (session.PONG_SECONDS,),
    # of rooms
    "header, body": (wire.MAX_HEADER, wire.MAX_BODY),
    "page": (wire.MAX_PAGE_ENTRIES, wire.MAX_PAGE),
    "`after`": (entry.MAX_AFTER,),
    "name in `here`": (entry.MAX_NAME,),
    "name of a private room; days; identities left out; all of its terms": (
        rooms.MAX_ROOM_NAME,
        rooms.MAX_DAYS,
        rooms.MAX_WITHOUT,
        wire.MAX_TERMS,
    ),
    "title, content note; gesture": (entry.MAX_TITLE, entry.MAX_REACTION),
    "gestures of one person towards one message that count": (annotations.MAX_GESTURES,),
    "how many feeds back an author's word about a message counts": (lineage.MAX_OLDER,),
    "identities named in one `seal`": (entry.MAX_ADMITTED,),
    "tips named in a `follow`; followers named in an `Offer`": (entry.MAX_SPLIT, wire.MAX_FOLLOWERS),
    "offers that are kept; of one who said them first": (offers.MAX_OFFERS, offers.OFFERS_EACH),
    "offers that are read of one link": (offers.BURST, offers.RATE),
    "people with whom one is in private rooms whose direct rooms are offered in dials": (reforming.MAX_DIRECT,),
    "feeds a card": (wire.MAX_FEEDS,),
    "own feeds, and feeds of others, that one member may name in a room": (cards.GIVEN,),
    "beyond these, of all members of the room together": (cards.GIVEN_TOGETHER,),
    "tips, and absent bodies, in one `Tips`": (wire.MAX_TIPS, wire.MAX_ABSENT),
    "tips, and known ids, in one `Want`": (wire.MAX_WANT, wire.MAX_KNOWN),
    "bodies asked for in one `WantBodies`, or given in one `Bodies`": (wire.MAX_WANT,),
    "tips wanted of one peer in a room; beyond that, of all in an open room": (sharing.OWN_WANTED, sharing.MAX_WANTED),
    "live pages kept that do not settle": (sharing.MAX_PARKED, sharing.PARKED_SIZE),
    "branches of a forked feed that a peer is known to hold": (sharing.MAX_BRANCHES,),
    "entries brought into open rooms, by all together": quota(OPEN),
    "kept of that for those who bring little": (rates.RESERVED, rates.RESERVED_SIZE),
    "what counts as little, of one identity": (
        *quota(LITTLE),
        *(rates.RESERVED, rates.RESERVED_SIZE),
    ),
    "entries in direct rooms in which one has not written oneself, by all together, beside the little of each": quota(
        STRANGERS
    ),
    "the same as long as it lasts (days of the rate above would fill a disk)": quota(rates.OPEN_LASTING),
    "the same with the little of each, as long as it lasts": quota(rates.STRANGERS_LASTING),
    "what exceeded a rate": (intake.PUT_OFF,),
    "direct rooms that others begin": (beginnings.BURST, 1 / beginnings.RATE),
    "pages that wait for the disk, beyond which nothing is taken in open rooms and in direct ones where one has not written oneself; "
    "the same for what counts as little": (intake.MAX_UNWRITTEN, 2 * intake.MAX_UNWRITTEN),
    "rooms": (sync.MAX_ROOMS,),
    "answers to `Want`": (outlet.AT_ONCE, serving.ANSWER_SIZE, serving.MAX_ANSWER, serving.QUICK, link.HIGH_WATER),
    "pages that wait for the disk, beyond which nothing more is asked for": (asking.MAX_UNWRITTEN,),
    "a request without anything useful; in all": (asking.PATIENCE, asking.LONGEST),
    "waiting for a peer's first claims to settle": (sharing.FIRST_HAVE_PATIENCE,),
    "signals": (sharing.SIGNAL_BURST, sharing.SIGNAL_RATE),
    "steps of comparing emoji on one link": (verify.STEP_BURST, verify.STEP_RATE),
    "the other one is waited for, to compare emoji; without a link": (verify.LONGEST, verify.RELINK),
    "nonces shown for one wish to compare": (verify.MAX_REVEALED,),
    "the same one asks to compare": (verify.ASKED_AGAIN,),
    "changes of a roll are gathered; rolls that one member says": (rolls.GATHERED, rolls.A_SECOND),
    "members told of in one `Peers`; endpoints of each": (wire.MAX_PEERS, wire.MAX_ENDPOINTS),
    "`Peers` on one link": (reach.HEARD_BURST, reach.HEARD_RATE),
    "members told of in `Peers` of whom there is no card yet, on one link": (reach.MAX_EARLY,),
    "people online beyond whom a room is large; below whom it is no more": (crowd.LARGE, crowd.SMALL),
    "neighbours on each side of the ring; links by pairs, on average at most; for pulses; for people who are trusted": (
        *(graph.RING, graph.PAIRED, graph.PULSED, graph.KEPT),
    ),
    "a link that is not needed lasts; pulses are sent on after a room was large": (crowd.VISIT, crowd.AFTERWARDS),
    "links that are given up at one look; looks": (crowd.GIVEN_UP, crowd.APART, crowd.LOOK_AGAIN),
    "a pulse is renewed; counts; people online for each second that renewing it waits": (
        *(pulses.PERIOD, pulses.LIFE, pulses.A_SECOND),
    ),
    "pairs in one `Known`, and in one `WantCards`": (wire.MAX_NAMED, wire.MAX_WANT_CARDS),
    "cards that are sent on at once in a large room": (introducing.PUSHED_BURST, introducing.PUSHED_RATE),
    "pairs that one names and another is asked for; asked for at a time": (introducing.MOST_NAMED, 2 * introducing.MOST_NAMED),
    "pulses are gathered; idle ones": (pulses.GATHERED, pulses.GATHERED_IDLE),
    "pulses in one message": (wire.MAX_PULSES,),
    "pulses that are kept of a room; from which on only those of people who said that they are in it": (
        *(pulses.MAX_HEARD, pulses.FEW),
    ),
    "signatures of pulses that are looked at of one link": (sharing.PULSE_BURST, sharing.PULSE_RATE),
    "pulses of one feed that others pass on": (pulses.FEED_BURST, pulses.FEED_RATE),
    "states of the own history that digests of pulses are compared with": (pulses.STATES,),
    "tips wanted, and entries of an answer, beyond which pages are not passed on": (sharing.FEW,),
    "pages of others, beyond the first, that are passed on over one link at once": (pushing.MAX_RELAYED,),
    "gathering of where others are in a large room": (reach.GATHER_LARGE,),
    # of invitations
    "slots": (slots.SLOTS,),
    "uses of a code; its time": (invite.MAX_USES, invite.MIN_SECONDS, invite.MAX_SECONDS),
    "codes of one process by which somebody may come in; with dead ones that are still answered for": (
        *(invitations.MAX_ALIVE, invitations.MAX_ANSWERED),
    ),
    "a dead code is answered for": (invite.ANSWERED_SECONDS,),
    "tries": (invite.TRIES_A_USE, invite.MAX_TRIES),
    "tries in flight, from one source": (invite.WORDS_PER_SOURCE,),
    "links in flight; begun": (invite.LINKS_IN_FLIGHT, invite.LINKS_A_SECOND, invite.LINKS_A_SECOND),
    "frame 7 after frame 6; frame 8 after frame 7; frame 9 after frame 8": (
        *(pairing.CONFIRM_SECONDS, pairing.GIVE_SECONDS, pairing.COME_SECONDS),
    ),
    "terms": (pairing.MAX_TERMS,),
    "dials of a joiner in flight; frames 7 for one code; of these to one host other than its own": (
        joining.AT_ONCE,
        joining.MAX_CONFIRMED,
        joining.MAX_AT_ONE_HOST,
    ),
    "a look at which slots are taken; instances that are looked at": (*(invitations.LOOK_SECONDS, invitations.MAX_LOOKED_AT),),
    'connections from one source beyond those of "Limits of a node", while codes are alive': (invitations.MORE_HALF_OPEN,),
    # of a node
    "links; kept of these for people who are known": (admission.LINKS, admission.KEPT),
    "links from one source": (admission.LINKS_PER_SOURCE,),
    "links made from one source, except of people who are trusted": (admission.LINK_BURST, admission.LINK_RATE),
    "instances that are heard of": (discovery.MAX_HEARD,),
    "identities never seen before, from one source": (admission.NEW_BURST, 1 / admission.NEW_RATE),
    "connections whose channel is not established; of one source": (listener.HALF_OPEN, listener.HALF_OPEN_PER_SOURCE),
    "dials in flight; to one source": (targets.IN_FLIGHT, targets.IN_FLIGHT_PER_SOURCE),
    "of these to guesses; on the word of one introducer": (targets.GUESSES_IN_FLIGHT, targets.GUESSES_PER_INTRODUCER),
    "dials to one source that did not become links": (targets.BURST, targets.PACE_SECONDS),
    "links to instances that were not met yet, or were not needed": (targets.VISITS, targets.VISIT_SECONDS),
    "a dial, once somebody waits for its place": (dialer.PLACE_SECONDS,),
    "an attempt to connect; before the next address is tried beside it": (life.DIAL_SECONDS, dialing.STAGGER),
    "instances and addresses that are kept; guesses among them": (book.MAX_TARGETS, book.MAX_GUESSES),
    "failures of a guess in a row": (dialer.GIVEN_UP,),
    "addresses of an instance": (mdns.MAX_ADDRESSES,),
    "announcements that are asked about at a time": (mdns.MAX_RESOLVING,),
    "goodbyes by unicast": (mdns.MAX_TOLD,),
    "addresses tried on one introducer's word; on anybody's": (
        *(hearsay.BURST, 60 * hearsay.RATE),
        *(hearsay.BURST_OF_ALL, hearsay.RATE_OF_ALL),
    ),
    "members whose addresses are dialled at the start; if they were linked within": (
        *(people.MAX_REMEMBERED, people.REMEMBERED_MS / 1000),
    ),
    "addresses remembered of one person": (people.MAX_ADDRESSES,),
    "warnings of names under other keys, and of people who say that we let them in": (
        trust.WARNINGS,
        60 * trust.WARNINGS_A_SECOND,
    ),
    "people who are new and ask to compare, of whom the person is told": (comparing.ASKED, 60 * comparing.ASKED_A_SECOND),
    "people who are remembered": (people.MAX_PEERS,),
    "people who are recognised by their direct room; of these met before the start": (
        *(acquaintances.MAX_RECOGNISED, acquaintances.KEPT),
    ),
    "waiting to be sent on a link": (link.LIMIT, link.SLOW_SECONDS, link.OVERFLOW),
    "what answers bring on a link and is not checked or taken in yet": (checking.MAX_CHECKING,),
    "the same on all links": (checking.MAX_IN_ALL,),
    "pages that wait for the disk, beyond which what was checked is held back": (pacing.QUEUE, pacing.MOST, checking.PATIENCE),
    "what can wait is added; and again": (link.HIGH_WATER, link.LOW_WATER),
    "what the other side has not taken at the end of a link": (link.LINGER_SECONDS,),
    "computers asked directly, and addresses tried, to find out why nobody is found": (doctor.MAX_ASKED,),
}
EXCEPTIONS = {
    "frame while setting up": "each kind has one length, which tests/core/test_channel.py looks at",
    "unanswered `PROVE` from one side": "a state of the channel, no constant",
}


def rows() -> Iterator[tuple[str, str]]:
    """(what, limit) of every row of the tables of limits."""
    for heading in HEADINGS:
        section = re.split(r"\n#+ ", PAGE.split(f"\n{heading}\n", 1)[1], maxsplit=1)[0]
        table = [line for line in section.splitlines() if line.startswith("| ")]
        for line in table[1:]:
            what, limit, *_beyond = (cell.strip() for cell in line.strip("|").split("|"))
            yield what, limit


def quantities(limit: str) -> list[float]:
    """The numbers of a cell, in bytes, seconds or whatever they count."""
    return [float(number.replace(",", "")) * UNITS.get(unit, 1) for number, unit in QUANTITY.findall(limit)]


ROWS = dict(rows())


@pytest.mark.parametrize(
    ("limit", "numbers"),
    [
        ("1,024 bytes, 32 KiB", [1024, 32 << 10]),
        ("5 s + 5 s", [5, 5]),
        ("15 min", [900]),
        ("64; 7 days", [64, 604_800]),
        ("5 s; 0.25 s", [5, 0.25]),
        ("to 256 KiB; below 64 KiB", [256 << 10, 64 << 10]),
    ],
)
def test_quantities_are_read(limit: str, numbers: list[float]) -> None:
    assert quantities(limit) == numbers


@pytest.mark.parametrize("what", LIMITS)
def test_the_document_says_what_the_code_does(what: str) -> None:
    assert quantities(ROWS[what]) == pytest.approx(list(LIMITS[what]))


def test_every_row_is_compared_or_has_a_reason() -> None:
    assert set(ROWS) == LIMITS.keys() | EXCEPTIONS.keys()
    assert len(ROWS) == len(list(rows()))


def test_the_largest_page_fits_into_every_rate_or_it_would_never_be_taken() -> None:
    entries, size = wire.MAX_PAGE_ENTRIES + rates.NEW_FEED, wire.MAX_PAGE
    assert OPEN.entries >= entries + rates.RESERVED
    assert OPEN.size >= size + rates.RESERVED_SIZE
    assert STRANGERS.entries >= entries
    assert STRANGERS.size >= size
    assert OPEN.size - rates.RESERVED_SIZE >= wire.MAX_WANT * wire.MAX_BODY


def test_the_same_limit_in_two_places_is_the_same() -> None:
    assert doctor.MAX_DIALLED == doctor.MAX_ASKED
    assert people.MAX_ADDRESSES == mdns.MAX_ADDRESSES
