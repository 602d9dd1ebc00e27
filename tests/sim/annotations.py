"""Schedules in which people also edit, delete and react, and change their feeds (docs/protocol.md, "Messages about messages").

At rest all have the same, nothing that was deleted is on any disk, and nobody misses anything.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from peertalk.core.annotations import deletions, target
from peertalk.core.entry import Content, Edit, React, Text, open_body
from peertalk.core.lineage import speaks_for
from peertalk.core.stored import EntryRecord
from peertalk.errors import RequestError
from tests.core.authors import ROOM
from tests.sim.invariants import check_claims, check_rest, room_of, snapshot
from tests.sim.schedule import PAUSES, Schedule
from tests.sim.world import Host, Violation


class Annotated(Schedule):
    """One run, among honest people."""

    def __init__(self, seed: int | str) -> None:
        super().__init__(seed)
        if self.mallory is not None:
            self.world.hosts.remove(self.mallory)
            self.mallory = None

    def play(self) -> None:
        actions: list[Callable[[], None]] = [self.say] * 8 + [self.link] * 8 + [self.cut] * 2
        actions += [self.edit] * 6 + [self.delete] * 4 + [self.react] * 2
        actions += [self.crash, self.restart, self.restart, self.renew, self.leave, self.come_back]
        for _ in range(self.steps):
            self.random.choice(actions)()
            self.world.run(self.random.choice(PAUSES))
            check_claims(self.honest(), self.copied | self.forgot)

    def send(self, host: Host, content: Content) -> None:
        host.do(lambda replica: replica.send(ROOM.id, content, host.now()))

    def _own(self) -> tuple[Host, bytes, EntryRecord | None] | None:
        """Somebody, and a message of theirs: with its place, or waiting for it."""
        if not self.inside():
            return None
        host = self.random.choice(self.inside())
        room = room_of(host)
        placed = [
            (one.message, one) for one in host.entries() if one.kind == "text" and one.feed in room.own_feeds() and one.body
        ]
        waiting = [(one.message, None) for one in room.outbox if one.kind == "text"]
        both = [*placed, *waiting]
        return (host, *self.random.choice(both)) if both else None

    def edit(self) -> None:
        chosen = self._own()
        if chosen is not None:
            host, message, _ = chosen
            self.said += 1
            with suppress(RequestError):  # it is being deleted
                self.send(host, Edit(message, f"{host.name} {self.said}"))
            self.note(f"{host.name} edits {message.hex()[:8]}")

    def delete(self) -> None:
        """As a person does: what was said before is answered."""
        chosen = self._own()
        if chosen is None or chosen[0].disk.queued:
            return
        host, message, entry = chosen
        room, waiting = room_of(host), {one.message: one.body for one in room_of(host).outbox}
        said = open_body("text", (entry.body if entry is not None else waiting[message]) or b"")
        assert isinstance(said, Text)
        host.answered.discard((ROOM.id, said.text))
        host.waiting = {id_: what for id_, what in host.waiting.items() if what != (ROOM.id, said.text)}
        first = entry if entry is not None else _unplaced(message)
        for content in deletions(first, host.disk.annotations(ROOM.id, [message], every=True), room.members.older):
            self.send(host, content)
        self.note(f"{host.name} deletes {message.hex()[:8]}{'' if entry is not None else ', which waits'}")

    def react(self) -> None:
        if self.inside():
            host = self.random.choice(self.inside())
            texts = [entry.message for entry in host.entries() if entry.kind == "text"]
            if texts:
                self.send(host, React(self.random.choice(texts), "heart", remove=self.random.random() < 0.3))

    def renew(self) -> None:
        """Go on with a new feed, as everybody does every 30 days."""
        if self.inside():
            host = self.random.choice(self.inside())
            host.do(lambda replica: replica.places[ROOM.id].own.retire(host.now()))
            self.note(f"{host.name} has a new feed")


def _unplaced(message: bytes) -> EntryRecord:
    fixed = {"id": message, "feed": b"", "seq": 1, "lamport": 1, "time": 0, "header": b"", "received": 0}
    return EntryRecord(**fixed, kind="text", message=message, body=None)


def everything(host: Host) -> dict[bytes, tuple[str, str, bytes | None]]:
    """All that is on a disk: entry → kind, why its body is gone, body."""
    inside = snapshot(host, ROOM.id)
    pages = host.disk.pages(ROOM.id, range(len(inside.pages) if inside is not None else 0))
    return {entry.id: (entry.kind, entry.gone, entry.body) for page in pages for entry in page.entries}


def check_deleted(host: Host) -> int:
    """How many messages were deleted; none of them, and no edit of them, is on this disk, and nothing is missed."""
    inside, older = snapshot(host, ROOM.id), room_of(host).members.older
    assert inside is not None
    entries = [entry for page in host.disk.pages(ROOM.id, range(len(inside.pages))) for entry in page.entries]
    count = 0
    for message, feed in inside.deletions:
        meant = [one for one in entries if one.message == message and one.feed in speaks_for(feed, older)]
        left = [one for one in meant if one.gone != "deleted" or one.body is not None]
        left += [one for one in entries if one.kind == "edit" and one.body is not None and target("edit", one.body) == message]
        if left:
            raise Violation(f"{host.name} has {len(left)} that were deleted")
        count += len(meant)
    if inside.absent:
        raise Violation(f"{host.name} misses {len(inside.absent)} bodies")
    return count


def run(seed: int | str) -> tuple[Annotated, int]:
    """Play the schedule of this seed; how many messages and edits were deleted. Violation where something does not hold."""
    schedule = Annotated(seed)
    try:
        schedule.play()
        schedule.rest()
        check_rest(schedule.up(), schedule.honest(), None, schedule.copied)
        counts = [check_deleted(host) for host in schedule.up()]
        first = everything(schedule.up()[0])
        for host in schedule.up():
            if everything(host) != first:
                raise Violation(f"{host.name} keeps something else")
    except Exception as error:
        error.add_note("\n".join(["", f"seed {seed}:", *schedule.log]))
        raise
    return schedule, counts[0]
