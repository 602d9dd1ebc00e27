"""Deletions in a run (docs/protocol.md, "Messages about messages"): how somebody deletes, and what must have come of it at rest."""

from __future__ import annotations

from peertalk.core.annotations import deletions, is_of_author, target
from peertalk.core.entry import Delete
from peertalk.core.lineage import speaks_for
from peertalk.core.stored import EntryRecord
from peertalk.node.folding import current_feed, older
from tests.core.authors import ROOM
from tests.sim.invariants import pages, room_of, snapshot
from tests.sim.network import Violation
from tests.sim.world import Host


def what_deletes(host: Host, message: bytes) -> list[Delete]:
    """All that has to be said so that an own message is gone; nothing, if it is not here, or is not the host's to delete any more."""
    room = room_of(host)
    waiting = any(one.message == message for one in room.outbox)
    placed = [one for one in host.entries() if one.message == message and one.body is not None]
    if waiting:
        placed = [_unplaced(message, current_feed(room))]
    if not placed or not is_of_author(current_feed(room), placed[0].feed, older(room)):
        return []
    return deletions(placed[0], host.disk.annotations(ROOM.id, [message], every=True), older(room))


def _unplaced(message: bytes, feed: bytes) -> EntryRecord:
    fixed = {"id": message, "feed": feed, "seq": 1, "lamport": 1, "time": 0, "header": b"", "received": 0}
    return EntryRecord(**fixed, kind="text", message=message, body=None)


def check_deleted(up: list[Host], *, is_among_honest: bool) -> None:
    """Nothing that was deleted is on any disk; and where nobody keeps anything back, nobody misses anything."""
    for host in up:
        check_erased(host)
        if is_among_honest:
            check_complete(host)


def check_erased(host: Host) -> int:
    """How many messages were deleted here, whose bodies are gone, and those of their edits. Violation."""
    inside = snapshot(host, ROOM.id)
    assert inside is not None
    entries = [entry for page in pages(host, ROOM.id) for entry in page.entries]
    count = 0
    for message, by in inside.deletions:
        mine, kin = speaks_for(by, room_of(host).members.older), room_of(host).bodies._lineage.kin(by)
        meant = [one for one in entries if one.message == message and one.feed in mine]
        left = [one for one in meant if not one.gone]
        left += [one for one in entries if one.feed in kin and one.kind == "edit" and target("edit", one.body) == message]
        if left:
            raise Violation(f"{host.name} has {len(left)} that were deleted")
        count += len(meant)
    return count


def check_complete(host: Host) -> None:
    """No body is missed."""
    inside, doubtful = snapshot(host, ROOM.id), host.world.doubtful_feeds()
    assert inside is not None
    missed = [one for one in inside.absent if one.kind != "edit" or one.feed not in doubtful]
    if missed:
        raise Violation(f"{host.name} misses {len(missed)} bodies")
