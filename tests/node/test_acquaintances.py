from __future__ import annotations

import pytest

from peertalk.core.identity import Identity
from peertalk.core.rooms import direct_secret, room_id
from peertalk.core.stored import PeerRecord
from peertalk.node import acquaintances
from peertalk.node.acquaintances import Acquaintances, Rank

ME = Identity(b"m" * 32)


def who(number: int) -> bytes:
    return Identity(bytes(8) + number.to_bytes(24, "little")).public


def peer(number: int, seen: int = 0, **values: bool) -> PeerRecord:
    return PeerRecord(identity=who(number), first_seen=seen, last_seen=seen, **values)


def known(*peers: PeerRecord) -> tuple[Acquaintances, dict[bytes, PeerRecord]]:
    records = {one.identity: one for one in peers}
    return Acquaintances(ME, records, lambda identity: identity == who(7)), records


def direct(number: int) -> bytes:
    return room_id(direct_secret(ME, who(number)))


def test_their_direct_rooms_are_recognised() -> None:
    it, peers = known(peer(1))
    assert it.secrets == {direct(1): direct_secret(ME, who(1))}
    peers[who(2)] = peer(2)
    it.refresh()
    assert it.secrets.keys() == {direct(1), direct(2)}
    del peers[who(1)]
    it.refresh()
    assert it.secrets.keys() == {direct(2)}


def test_who_is_left_out_is_not_recognised_any_more() -> None:
    left_out: set[bytes] = set()
    records = {one.identity: one for one in (peer(1), peer(2))}
    it = Acquaintances(ME, records, lambda _: False, lambda: left_out)
    left_out.add(who(1))
    it.refresh()
    assert it.secrets.keys() == {direct(2)}


def test_no_key_is_agreed_on_while_somebody_proves_rooms(monkeypatch: pytest.MonkeyPatch) -> None:
    it, peers = known(peer(1))
    agreed: list[bytes] = []
    monkeypatch.setattr(acquaintances, "direct_secret", lambda _, other: agreed.append(other) or bytes(32))
    peers[who(2)] = peer(2)
    assert len(it.secrets) == 1
    assert agreed == []
    it.refresh()
    it.refresh()
    assert len(it.secrets) == 2
    assert agreed == [who(2)]


def test_whoever_came_today_is_a_stranger_and_who_came_before_is_known() -> None:
    it, peers = known(peer(1), peer(2, verified=True))
    peers[who(3)] = peer(3)
    ranks = [it.rank(who(number)) for number in (1, 2, 3, 4, 7)]
    assert ranks == [Rank.KNOWN, Rank.TRUSTED, Rank.STRANGER, Rank.STRANGER, Rank.TRUSTED]
    assert who(3) in it
    assert who(4) not in it


def test_a_flood_of_new_identities_pushes_out_nobody_who_was_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acquaintances, "KEPT", 2)
    monkeypatch.setattr(acquaintances, "MAX_RECOGNISED", 4)
    it, peers = known(peer(1, seen=1), peer(2, seen=2), peer(3, seen=3))
    peers.update((who(number), peer(number, seen=number)) for number in range(10, 20))
    it.refresh()
    assert it.secrets.keys() == {direct(2), direct(3), direct(18), direct(19)}


def test_who_came_today_is_forgotten_before_who_is_known() -> None:
    it, peers = known(peer(1, seen=1), peer(2, seen=2))
    peers.update({who(5): peer(5, seen=50), who(6): peer(6, seen=60)})
    assert [one.last_seen for one in sorted(peers.values(), key=it.age)] == [50, 60, 1, 2]
