"""Random schedules in which all that can be done with private rooms is done at once: they are started anew, their doors are closed and
opened, people leave, come by the secret, crash, and lose everything, as what is off the record is lost.

`run(seed)` plays one. What tests/sim/reforming.py demands has to hold here too, for those who share a room.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from peertalk.core.entry import Unseal
from peertalk.core.stored import DropOffer, DropRoom, RoomRecord
from tests.sim.network import Violation
from tests.sim.reforming import Reformings, check_same, check_whole, key, places, shared
from tests.sim.world import Host


class Everything(Reformings):
    """One run. `forgetful` are those who lost rooms, and with them what they had answered."""

    def __init__(self, seed: int | str, *, steps: int = 70) -> None:
        super().__init__(f"everything {seed}", steps=steps)
        self.forgetful: set[Host] = set()

    def play(self) -> None:
        actions: list[Callable[[], None]] = [self.say] * 8 + [self.link] * 10 + [self.cut] * 2 + [self.follow] * 3
        actions += [self.crash, self.restart, self.restart, self.reform, self.decline, self.lose, self.leave]
        actions += [self.seal, self.open, self.come, self.come]
        for _ in range(self.steps):
            self.random.choice(actions)()
            self.world.run(self.random.choice((0.0, 0.001, 0.01, 0.05, 0.3, 2.0)))

    def rest(self) -> None:
        """All doors are opened by all."""
        super().rest()
        for host in self.hosts:
            for room in self.rooms_of(host):
                host.do(lambda replica, id_=room.id, host=host: replica.send(id_, Unseal(), host.now()))
        super().rest()

    # ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def seal(self) -> None:
        host, rooms = self.somebody(self.rooms_of)
        if host is not None:
            room = self.random.choice(rooms).id
            host.do(lambda replica: replica.seal(room, host.now()))
            self.note(f"{host.name} closes the door of {room.hex()[:4]}")

    def open(self) -> None:
        host, rooms = self.somebody(self.rooms_of)
        if host is not None:
            room = self.random.choice(rooms).id
            host.do(lambda replica: replica.send(room, Unseal(), host.now()))
            self.note(f"{host.name} opens the door of {room.hex()[:4]}")

    def leave(self) -> None:
        host, rooms = self.somebody(lambda host: [one for one in places(host).values() if one.shown])
        if host is not None:
            room, forget = self.random.choice(rooms).id, self.random.random() < 0.5
            if forget:
                self.forgetful.add(host)
            host.do(lambda replica: replica.leave(room, host.now(), forget=forget))
            self.note(f"{host.name} leaves {room.hex()[:4]}{' for good' if forget else ''}")
            self.perhaps_strike(host)

    def come(self) -> None:
        """By a code: not back to a room from which one has come along."""
        host, rooms = self.somebody(self.open_to)
        if host is not None:
            room = self.random.choice(rooms)
            if room.predecessor and room.predecessor not in places(host):
                self.leaked.add(host)  # who comes to a later room first, and then follows to the earlier one, is in both
            host.join(room)
            self.note(f"{host.name} comes to {room.id.hex()[:4]}")
            self.perhaps_strike(host)

    def open_to(self, host: Host) -> list[RoomRecord]:
        mine = places(host)
        gone_from = {one.predecessor for one in mine.values()}
        rooms = [one for id_, one in self.records.items() if id_ not in gone_from and key(host) not in one.without]
        return [one for one in rooms if one.id not in mine or not (mine[one.id].shown or mine[one.id].archived)]

    def lose(self) -> None:
        """The end of a program in which all was off the record."""
        if self.up():
            host = self.random.choice(self.up())
            host.crash()
            kept = host.disk.snapshot()
            for inside in kept.rooms:
                host.disk.apply(DropRoom(inside.record.id))
            for offer in kept.offers:
                host.disk.apply(DropOffer(offer.room))
            self.forgetful.add(host)
            self.ends = {(name, room): end for (name, room), end in self.ends.items() if name != host.name}
            self.note(f"{host.name} loses everything")

    # ── what must hold ───────────────────────────────────────────────────────────────────────────────────────────────

    def check(self) -> None:
        for host in self.hosts:
            check_whole(host, self.leaked)
            if host.closed and any(why != "left_out" for _, why in host.closed):
                raise Violation(f"{host.name} closed a link: {[(other.name, why) for other, why in host.closed]}")
        for one, other, room in self.pairs():
            check_same(one, other, room)

    def pairs(self) -> Iterator[tuple[Host, Host, bytes]]:
        """Who has to have the same, in which rooms: where no door is closed, that of an archived room for ever."""
        for one in self.hosts:
            for other in self.hosts:
                for room in shared(one, other):
                    if not any(self.is_apart(host, room) for host in (one, other)):
                        yield one, other, room

    @staticmethod
    def is_apart(host: Host, room: bytes) -> bool:
        place = host.replica.places.get(room) if host.replica is not None else None
        return place is None or not place.room.record.shown or place.room.is_sealed


def run(seed: int | str, *, steps: int = 70) -> Everything:
    """Play the schedule of this seed. Violation where something does not hold."""
    schedule = Everything(seed, steps=steps)
    try:
        schedule.play()
        schedule.rest()
        schedule.check()
    except Exception as error:
        error.add_note("\n".join(["", f"everything {seed}:", *schedule.log]))
        raise
    return schedule
