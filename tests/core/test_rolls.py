"""Whether all who are linked in a room see the same people there."""

from __future__ import annotations

import hashlib
from random import Random

import pytest

from peertalk.core import rolls, wire
from peertalk.core.effects import RollsChanged
from peertalk.core.entry import Here
from peertalk.core.rolls import GATHERED, PATIENCE, Unity, roll, roster
from peertalk.core.room import Room
from tests.core.authors import ROOM, Author
from tests.core.desk import Desk, of, sent
from tests.sim.world import Host, World

LONG = PATIENCE * GATHERED


def meet(desk: Desk, *authors: Author) -> list[int]:
    """Links with these, who have arrived in the room."""
    links = []
    for author in authors:
        links.append(desk.meet(author))
        desk.hear(links[-1], author.arrives())
    return links


def says(desk: Desk, digest: bytes | None = None) -> wire.Roll:
    return wire.Roll(ROOM.id, digest or roll(desk.room))


def unity(desk: Desk) -> Unity:
    return desk.replica.rolls.unity(ROOM.id)


# ── one replica ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_roll_is_of_identities_and_the_names_they_gave_themselves() -> None:
    desk, ben = Desk("Änna"), Author("ben")
    meet(desk, ben)
    named = {desk.me: "Änna".encode(), ben.public: b"ben"}
    written = b"".join(who + len(named[who]).to_bytes(2, "big") + named[who] for who in sorted(named))
    assert roster(desk.room) == written
    digest = hashlib.blake2b(written, digest_size=32, key=ROOM.secret, person=b"peertalk/1 roll").digest()
    assert roll(desk.room) == digest


def test_of_a_direct_room_both_are_members_also_where_the_other_one_was_never_there() -> None:
    desk, ben = Desk(), Author("ben")
    desk.do(lambda replica: replica.join(desk.direct(ben), desk.now))
    assert rolls.members(desk.replica.places[desk.direct(ben).id].room) == sorted([desk.me, ben.public])


def test_it_is_said_to_everybody_after_each_change_and_changes_are_gathered() -> None:
    desk, ben, cara = Desk(), Author("ben"), Author("cara")
    links = meet(desk, ben, cara)
    assert sent(wire.Roll, desk.effects) == []
    effects = desk.later(GATHERED)
    assert [sent(wire.Roll, effects, link) for link in links] == [[says(desk)]] * 2
    before = roll(desk.room)
    desk.hear(links[0], ben.page(*ben.then(Here("Benno", "ben"))))
    desk.hear(links[1], cara.page(*cara.then(Here("Clara", "cara"))))
    effects = desk.later(GATHERED)
    assert [sent(wire.Roll, effects, link) for link in links] == [[says(desk)]] * 2
    assert roll(desk.room) != before


def test_what_changes_nobody_and_nothing_is_not_said() -> None:
    desk, ben = Desk(), Author("ben")
    (link,) = meet(desk, ben)
    desk.later(LONG)
    desk.hear(link, ben.says("hello"), ben.page(*ben.then(Here("ben"))))
    assert sent(wire.Roll, desk.later(LONG)) == []


def test_where_many_are_linked_changes_are_gathered_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rolls, "A_SECOND", 2)
    desk, people = Desk(), [Author(f"somebody {number}") for number in range(4)]
    meet(desk, *people)
    desk.later(3)
    dora = Author("dora")
    meet(desk, dora)
    assert sent(wire.Roll, desk.later(2.4)) == []
    assert len(sent(wire.Roll, desk.later(0.2))) == 5


def test_it_is_gathering_until_all_who_are_linked_say_the_same() -> None:
    desk, ben, cara = Desk(), Author("ben"), Author("cara")
    links = meet(desk, ben, cara)
    assert unity(desk) == Unity(gathering=True)
    desk.later(GATHERED)
    assert unity(desk) == Unity(gathering=True)
    desk.hear(links[0], says(desk))
    assert unity(desk) == Unity(gathering=True)
    effects = desk.hear(links[1], says(desk))
    assert unity(desk) == Unity()
    assert of(RollsChanged, effects) == [RollsChanged(ROOM.id)]


def test_whoever_was_told_that_it_is_gathering_is_told_when_it_no_longer_is() -> None:
    desk, ben, cara = Desk(), Author("ben"), Author("cara")
    links = meet(desk, ben, cara)
    desk.later(GATHERED)
    for link in links:
        desk.hear(link, says(desk))
    desk.later(LONG)
    desk.down(links[0])
    assert unity(desk) == Unity(gathering=True)
    effects = desk.later(GATHERED)
    assert unity(desk) == Unity()
    assert of(RollsChanged, effects) == [RollsChanged(ROOM.id)]


def test_alone_there_is_nothing_to_gather() -> None:
    desk, ben = Desk(), Author("ben")
    (link,) = meet(desk, ben)
    desk.later(GATHERED)
    desk.down(link)
    desk.later(GATHERED)
    assert unity(desk) == Unity()


def test_who_says_something_else_for_long_differs_and_so_does_who_says_nothing() -> None:
    desk, ben, cara, dora = Desk(), Author("ben"), Author("cara"), Author("dora")
    links = meet(desk, ben, cara, dora)
    desk.later(GATHERED)
    desk.hear(links[0], says(desk, b"x" * 32))
    desk.hear(links[1], says(desk))
    effects = desk.later(LONG - 0.1)
    assert unity(desk) == Unity(gathering=True)
    effects = desk.later(0.2)
    assert unity(desk) == Unity(True, tuple(sorted([ben.public, dora.public])))
    assert of(RollsChanged, effects) == [RollsChanged(ROOM.id)]
    desk.hear(links[0], says(desk))
    assert unity(desk) == Unity(True, (dora.public,))


def test_after_a_change_here_everybody_has_the_time_again() -> None:
    desk, ben, cara = Desk(), Author("ben"), Author("cara")
    links = meet(desk, ben, cara)
    desk.later(GATHERED)
    for link in links:
        desk.hear(link, says(desk))
    desk.later(100)
    desk.hear(links[0], ben.page(*ben.then(Here("Benno", "ben"))))
    desk.later(GATHERED + 0.1)
    assert unity(desk) == Unity(gathering=True)
    desk.later(LONG)
    assert unity(desk) == Unity(True, tuple(sorted([ben.public, cara.public])))


def test_nobody_who_is_not_in_the_room_says_a_roll() -> None:
    desk, ben = Desk(), Author("ben")
    link = desk.up(ben)
    with pytest.raises(Exception, match="out_of_order"):
        desk.hear(link, says(desk, b"x" * 32))


def test_a_room_that_is_gone_leaves_nothing_behind() -> None:
    desk, ben = Desk(), Author("ben")
    meet(desk, ben)
    desk.later(GATHERED)
    desk.do(lambda replica: replica.leave(ROOM.id, desk.now, forget=True))
    desk.later(LONG)
    assert unity(desk) == Unity()
    assert desk.replica.rolls.wake() == float("inf")


# ── many ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def room(host: Host) -> Room:
    assert host.replica is not None
    return host.replica.places[ROOM.id].room


def is_united(host: Host) -> bool:
    assert host.replica is not None
    return host.replica.rolls.unity(ROOM.id) == Unity()


@pytest.mark.parametrize("seed", range(4))
def test_eight_see_the_same_in_whatever_order_they_came_and_other_ones_after_each_change(seed: int) -> None:
    world, order = World(f"rolls {seed}"), Random(seed)
    hosts = [world.host(f"host {number}") for number in range(8)]
    coming = order.sample(hosts, len(hosts))
    for host in coming:
        host.start()
        host.join()
        for other in order.sample(hosts, len(hosts)):
            world.link(host, other)
        world.run(order.uniform(0, 0.5))
    world.run(3)
    seen = [roster(room(hosts[0]))]
    assert {roster(room(host)) for host in hosts} == {*seen}
    assert all(is_united(host) for host in hosts)
    renamed, left = order.sample(hosts, 2)
    renamed.do(lambda replica: replica.rename("another name", renamed.now()))
    world.run(3)
    seen.append(roster(room(hosts[0])))
    left.do(lambda replica: replica.leave(ROOM.id, left.now(), forget=False))
    world.run(3)
    stayed = [host for host in hosts if host is not left]
    seen.append(roster(room(stayed[0])))
    assert {roster(room(host)) for host in stayed} == {seen[-1]}
    assert all(is_united(host) for host in stayed)
    assert len(set(seen)) == 3


def split(world: World, *, pass_on: bool) -> tuple[Host, Host]:
    """Anna and Ben in one room, kept apart: whoever sits in between shows each a false other. `pass_on`: as one who is a member
    under two identities, both linked with both rooms' halves through her."""
    anna, ben, for_anna, for_ben = (world.host(name) for name in ("anna", "ben", "ben ", "anna "))
    for host in (anna, ben, for_anna, for_ben):
        host.start()
        host.join()
    world.link(anna, for_anna)
    world.link(for_ben, ben)
    if pass_on:
        world.link(for_anna, for_ben)
    world.run(5)
    return anna, ben


@pytest.mark.parametrize("pass_on", [False, True])
def test_who_keeps_two_apart_can_not_show_both_the_same_people_without_being_one_more(pass_on: bool) -> None:
    anna, ben = split(World("split"), pass_on=pass_on)
    if not pass_on:
        assert roster(room(anna)) != roster(room(ben))
        assert len(rolls.members(room(anna))) == len(rolls.members(room(ben))) == 2
    else:  # who tells each of the other shows herself to both: then all see the same, and two too many
        assert roster(room(anna)) == roster(room(ben))
        assert len(rolls.members(room(anna))) == 4


def test_after_a_split_has_ended_all_see_the_same_again() -> None:
    world = World("split")
    anna, ben = split(world, pass_on=False)
    world.mesh()
    world.run(5)
    assert len({roster(room(host)) for host in world.hosts}) == 1
    assert all(is_united(host) for host in (anna, ben))
