"""Where members are, told among themselves: what is told to whom and when, and what becomes of what is heard."""

from __future__ import annotations

import pytest

from peertalk.core import wire
from peertalk.core.effects import Effect, Heard, Listens
from peertalk.core.reach import APART, GATHER, GATHER_LARGE, HEARD_BURST, MAX_EARLY, Whence
from peertalk.core.rooms import open_room
from peertalk.core.wire import Endpoint, Peers
from peertalk.errors import RemoteError
from tests.core.authors import ROOM, START, Author
from tests.core.desk import Desk, of, sent

PORT = 4000
OTHER = open_room("other", b"o" * 32, START)
ADDRESS = bytes([10, 0, 0, 9])
LINK_LOCAL = b"\xfe\x80" + bytes(13) + b"\x09"
LOOPBACK = bytes([127, 0, 0, 1])


def seen(last: int, *, dialled: int = 0) -> Whence:
    return Whence(bytes([10, 0, 0, last]), 0, dialled)


def desk(**options: bool) -> Desk:
    one = Desk(**options)
    one.replica.listen(PORT)
    return one


def meet(desk: Desk, peer: Author, whence: Whence, *, port: int = 0, room: bytes = ROOM.id) -> int:
    """A link to somebody seen from there, cards exchanged, its port told; the number of the link."""
    desk.links += 1
    desk.do(lambda replica: replica.link_up(desk.links, peer.public, (room,), desk.now, whence=whence))
    desk.hear(desk.links, peer.card())
    if port:
        desk.hear(desk.links, Peers(room, port, ()))
    return desk.links


def told(effects: list[Effect], link: int) -> list[tuple[bytes, tuple[Endpoint, ...]]]:
    """What was said about others over a link."""
    return [pair for message in sent(Peers, effects, link) for pair in message.peers]


def heard(effects: list[Effect]) -> list[tuple[bytes, tuple[Endpoint, ...]]]:
    return [pair for effect in of(Heard, effects) for pair in effect.peers]


def hearsay(*about: bytes, endpoints: tuple[Endpoint, ...] = ((ADDRESS, PORT),), port: int = 0) -> Peers:
    return Peers(ROOM.id, port, tuple((identity, endpoints) for identity in about))


# ── telling ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_where_one_listens_is_told_at_once_and_once_a_link() -> None:
    it, ben = desk(), Author("ben")
    it.do(lambda replica: replica.join(OTHER, it.now))
    link = meet(it, ben, seen(2))
    assert [message.port for message in sent(Peers, it.effects, link)] == [PORT]
    it.do(lambda replica: replica.proven(link, (OTHER.id,), it.now))
    it.hear(link, Author("ben", OTHER.id).card())
    it.later(10)
    assert len(sent(Peers, it.effects, link)) == 1


@pytest.mark.parametrize("port", [0, 80, 1023])
def test_a_port_that_nobody_would_dial_is_not_told(port: int) -> None:
    it = Desk()
    it.replica.listen(port)
    link = meet(it, Author("ben"), seen(2))
    assert sent(Peers, it.effects, link) == []


def test_nothing_is_told_before_the_cards_are_exchanged() -> None:
    it, ben, cara = desk(), Author("ben"), Author("cara")
    meet(it, ben, seen(2), port=PORT)
    it.do(lambda replica: replica.link_up(9, cara.public, (ROOM.id,), it.now, whence=seen(3)))
    it.later(10)
    assert sent(Peers, it.effects, 9) == []


def test_a_newcomer_hears_of_the_others_and_they_of_it() -> None:
    it, ben, cara = desk(), Author("ben"), Author("cara")
    to_ben = meet(it, ben, seen(2, dialled=5000))
    to_cara = meet(it, cara, seen(3), port=6000)
    effects = it.later(GATHER + 0.1)
    assert told(effects, to_cara) == [(ben.public, ((seen(2).address, 5000),))]
    assert told(effects, to_ben) == [(cara.public, ((seen(3).address, 6000),))]


def test_whose_port_is_not_known_is_not_told_until_it_is() -> None:
    it, ben, cara = desk(), Author("ben"), Author("cara")
    to_ben, to_cara = meet(it, ben, seen(2)), meet(it, cara, seen(3))
    assert told(it.later(5), to_ben) == []
    it.hear(to_cara, Peers(ROOM.id, 6000, ()))
    assert told(it.later(GATHER + 0.1), to_ben) == [(cara.public, ((seen(3).address, 6000),))]


def test_a_port_that_was_dialled_and_one_that_is_told_are_both_tried() -> None:
    it, ben, cara = desk(), Author("ben"), Author("cara")
    meet(it, ben, seen(2, dialled=5000), port=6000)
    to_cara = meet(it, cara, seen(3))
    address = seen(2).address
    assert told(it.later(GATHER + 0.1), to_cara) == [(ben.public, ((address, 5000), (address, 6000)))]


def test_nobody_is_told_of_somebody_with_whom_they_share_no_room() -> None:
    it, ben, cara = desk(), Author("ben"), Author("cara", OTHER.id)
    it.do(lambda replica: replica.join(OTHER, it.now))
    to_ben = meet(it, ben, seen(2, dialled=5000))
    to_cara = meet(it, cara, seen(3, dialled=5000), room=OTHER.id)
    effects = it.later(10)
    assert told(effects, to_ben) == told(effects, to_cara) == []


def test_a_port_told_in_one_room_counts_in_all_that_are_shared() -> None:
    it, ben, cara = desk(), Author("ben"), Author("cara", OTHER.id)
    it.do(lambda replica: replica.join(OTHER, it.now))
    to_cara = meet(it, cara, seen(3), room=OTHER.id)
    to_ben = meet(it, ben, seen(2))
    it.do(lambda replica: replica.proven(to_ben, (OTHER.id,), it.now))
    it.hear(to_ben, Author("ben", OTHER.id).card())
    it.later(5)
    it.hear(to_ben, Peers(ROOM.id, 5000, ()))
    (message,) = sent(Peers, it.later(GATHER + 0.1), to_cara)
    assert (message.room, message.peers) == (OTHER.id, ((ben.public, ((seen(2).address, 5000),)),))


def test_who_was_told_is_not_told_again_in_another_room() -> None:
    it, ben, cara = desk(), Author("ben"), Author("cara")
    it.do(lambda replica: replica.join(OTHER, it.now))
    to_ben, to_cara = meet(it, ben, seen(2, dialled=5000)), meet(it, cara, seen(3, dialled=5000))
    it.later(5)
    before = len(it.effects)
    for link, name in ((to_ben, "ben"), (to_cara, "cara")):
        it.do(lambda replica, link=link: replica.proven(link, (OTHER.id,), it.now))
        it.hear(link, Author(name, OTHER.id).card())
    it.later(10)
    assert sent(Peers, it.effects[before:]) == []


def test_many_who_come_are_told_in_few_messages_a_second_apart_and_nothing_when_nothing_is_new() -> None:
    it, ben = desk(), Author("ben")
    link = meet(it, ben, seen(2))
    it.later(5)
    start, before = it.mono, len(it.effects)
    for number in range(30):
        meet(it, Author(f"guest {number}"), seen(100 + number, dialled=5000))
        it.later(0.1)
    it.later(5)
    messages = sent(Peers, it.effects[before:], link)
    assert len({identity for message in messages for identity, _ in message.peers}) == 30
    assert len(messages) <= 1 + (it.mono - 5 - start) / APART
    assert sent(Peers, it.later(600)) == []


def test_news_of_two_rooms_at_once_come_a_second_apart() -> None:
    it, ben = desk(), Author("ben")
    it.do(lambda replica: replica.join(OTHER, it.now))
    link = meet(it, ben, seen(2))
    it.do(lambda replica: replica.proven(link, (OTHER.id,), it.now))
    it.hear(link, Author("ben", OTHER.id).card())
    it.later(5)
    meet(it, Author("cara"), seen(3, dialled=5000))
    meet(it, Author("dora", OTHER.id), seen(4, dialled=5000), room=OTHER.id)
    assert len(sent(Peers, it.later(GATHER + 0.1), link)) == 1
    assert len(sent(Peers, it.later(APART), link)) == 1


def test_more_than_go_into_a_message_come_in_the_next() -> None:
    it, ben = desk(), Author("ben")
    for number in range(wire.MAX_PEERS + 6):
        meet(it, Author(f"guest {number}"), seen(100 + number % 100, dialled=5000))
    link = meet(it, ben, seen(2))
    messages = sent(Peers, it.later(3 * GATHER_LARGE), link)
    assert [len(message.peers) for message in messages if message.peers] == [wire.MAX_PEERS, 6]


def test_who_went_and_came_back_is_told_anew() -> None:
    it, ben, cara = desk(), Author("ben"), Author("cara")
    to_ben, to_cara = meet(it, ben, seen(2)), meet(it, cara, seen(3, dialled=5000))
    it.later(5)
    it.down(to_cara)
    assert sent(Peers, it.later(5), to_ben) == []
    meet(it, cara, seen(3, dialled=5000))
    assert told(it.later(5), to_ben) == [(cara.public, ((seen(3).address, 5000),))]


@pytest.mark.parametrize(
    ("there", "here", "useful"),
    [
        (Whence(LINK_LOCAL, 3, 5000), Whence(LINK_LOCAL, 3), True),
        (Whence(LINK_LOCAL, 3, 5000), Whence(LINK_LOCAL, 4), False),
        (Whence(LINK_LOCAL, 3, 5000), seen(2), False),
        (Whence(LOOPBACK, 0, 5000), seen(2), False),
        (Whence(LOOPBACK, 0, 5000), Whence(LOOPBACK), True),
        (seen(3, dialled=5000), Whence(LINK_LOCAL, 3), True),
        (Whence(b"", 0, 5000), seen(2), False),
        (seen(3, dialled=1023), seen(2), False),
    ],
)
def test_an_address_is_told_where_it_means_the_same(there: Whence, here: Whence, useful: bool) -> None:
    it, ben, cara = desk(), Author("ben"), Author("cara")
    meet(it, cara, there)
    to_ben = meet(it, ben, here)
    assert bool(told(it.later(5), to_ben)) == useful


# ── hearing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_where_somebody_listens_counts_the_first_time_on_a_link() -> None:
    it, ben = desk(), Author("ben")
    link = meet(it, ben, seen(2))
    effects = it.hear(link, Peers(ROOM.id, 80, ()), Peers(ROOM.id, 5000, ()), Peers(ROOM.id, 5001, ()))
    assert of(Listens, effects) == [Listens(link, 5000)]


def test_hearsay_is_handed_on_to_the_dialer_and_to_nobody_else() -> None:
    it, ben, cara, dora = desk(), Author("ben"), Author("cara"), Author("dora")
    link, other = meet(it, ben, seen(2)), meet(it, dora, seen(4))
    it.hear(link, cara.card())
    effects = it.hear(link, hearsay(cara.public)) + it.later(10)
    assert of(Heard, effects) == [Heard(link, ((cara.public, ((ADDRESS, PORT),)),))]
    assert told(effects, other) == []
    assert cara.public not in it.room.online()


def test_where_somebody_is_whose_card_comes_only_then_is_not_lost() -> None:
    """It is not told again: two of whom each is told so of the other would never be linked."""
    it, ben, cara, dora = desk(), Author("ben"), Author("cara"), Author("dora")
    link, other = meet(it, ben, seen(2)), meet(it, dora, seen(4))
    assert heard(it.hear(link, hearsay(cara.public))) == []
    assert of(Heard, it.hear(other, cara.card())) == [Heard(link, ((cara.public, ((ADDRESS, PORT),)),))]


def test_of_people_who_may_not_exist_not_much_is_kept() -> None:
    it, ben, cara = desk(), Author("ben"), Author("cara")
    link = meet(it, ben, seen(2))
    it.hear(link, hearsay(cara.public))
    for first in range(0, MAX_EARLY, wire.MAX_PEERS):
        it.hear(link, hearsay(*(number.to_bytes(32) for number in range(1 + first, 1 + first + wire.MAX_PEERS))))
    assert heard(it.hear(link, cara.card())) == []


def test_hearsay_about_oneself_the_sender_and_strangers_is_ignored() -> None:
    it, ben = desk(), Author("ben")
    link = meet(it, ben, seen(2))
    assert heard(it.hear(link, hearsay(it.me, ben.public, Author("nobody").public, bytes(32)))) == []


def test_a_link_local_address_counts_only_on_a_link_of_that_kind() -> None:
    it, ben, cara, dora = desk(), Author("ben"), Author("cara"), Author("dora")
    far, near = meet(it, ben, seen(2)), meet(it, dora, Whence(LINK_LOCAL, 3))
    it.hear(far, cara.card())
    both = hearsay(cara.public, endpoints=((LINK_LOCAL, PORT), (ADDRESS, PORT)))
    assert heard(it.hear(far, both)) == [(cara.public, ((ADDRESS, PORT),))]
    assert heard(it.hear(near, both)) == list(both.peers)
    assert heard(it.hear(far, hearsay(cara.public, endpoints=((LINK_LOCAL, PORT),)))) == []


def test_a_flood_of_hearsay_is_read_at_a_rate() -> None:
    it, ben, cara = desk(), Author("ben"), Author("cara")
    link = meet(it, ben, seen(2))
    it.hear(link, cara.card())
    assert len(of(Heard, it.hear(link, *[hearsay(cara.public)] * 100))) == HEARD_BURST
    it.later(3)
    assert len(of(Heard, it.hear(link, *[hearsay(cara.public)] * 100))) == 3


def test_before_the_card_and_without_a_proof_it_costs_the_link() -> None:
    it, ben = desk(), Author("ben")
    link = it.up(ben)
    with pytest.raises(RemoteError, match="out_of_order"):
        it.hear(link, hearsay(ben.public))
    it.hear(link, ben.card())
    with pytest.raises(RemoteError, match="not_proven"):
        it.hear(link, Peers(OTHER.id, 0, ()))
