"""What others announce and what a disk gives back: anything is read or refused, and a broken profile is said to be one."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertalk.core.stored import CardRecord, PeerRecord, PutCard, PutPeer, PutProfile, PutRoom, Snapshot
from peertalk.errors import StartError
from peertalk.node import keyring, schema
from peertalk.node.interfaces import canonical, dialable
from peertalk.node.mdns import MAX_ADDRESSES, SERVICE, acceptable, instance_of
from peertalk.node.store import Store
from tests.node.records import digest, history, room
from tests.node.test_discovery import WLAN

KEY = bytes(range(32))
PAGE = 4096

# ── announcements ────────────────────────────────────────────────────────────────────────────────────────────────────

addresses = st.one_of(
    st.ip_addresses().map(str),
    st.ip_addresses(v=4).map(lambda address: f"::ffff:{address}"),
    st.sampled_from(
        ["fe80::1", "fe80::1%3", "fe80::1%wlan0", "fe80::1%9999", "::", "::1", "0.0.0.0", "255.255.255.255", "ff02::fb"]
    ),
    st.sampled_from(["192.168.1.9", "10.0.0.1", "fd00::9", "2001:db8::1", "224.0.0.251", "169.254.3.4", "127.0.0.1"]),
)


@given(st.lists(addresses, max_size=20))
def test_of_any_addresses_a_few_that_may_be_dialled_are_kept(announced: list[str]) -> None:
    kept = acceptable(announced, WLAN)
    assert len(kept) == len(set(kept)) <= MAX_ADDRESSES
    for host in kept:
        assert canonical(host) == host
        assert dialable(host, [WLAN])
        assert not ip_address(host.partition("%")[0]).is_multicast
    assert acceptable(kept, WLAN) == kept


@given(
    st.text(max_size=40) | st.text("0123456789abcdefABCDEF\n", min_size=14, max_size=18).map(lambda name: f"{name}.{SERVICE}")
)
def test_any_name_is_an_instance_of_sixteen_digits_or_none(name: str) -> None:
    instance = instance_of(name)
    assert instance is None or (len(instance) == 16 and set(instance) <= set("0123456789abcdef") and name.startswith(instance))


# ── the key file ─────────────────────────────────────────────────────────────────────────────────────────────────────


@given(st.data())
def test_any_key_file_is_read_or_said_to_be_broken(data: st.DataObject) -> None:
    plain = msgspec.json.encode({"type": "plain", "version": 1, "key": KEY})
    at, size = data.draw(st.integers(0, len(plain))), data.draw(st.integers(0, 10))
    raw = data.draw(st.binary(max_size=80) | st.binary(max_size=9).map(lambda put_in: plain[:at] + put_in + plain[at + size :]))
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "key").write_bytes(raw)
        try:
            assert keyring.profile_state(Path(folder)) in ("key_file", "passphrase")
        except StartError as error:
            assert error.kind in ("broken_key", "newer_database")


# ── the database ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def database() -> Iterator[tuple[Path, Snapshot]]:
    """A database with something in each table, closed; and what is in it. Examples break copies of it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "peertalk.db"
        asyncio.run(fill(path))
        yield path, asyncio.run(read(path))


async def fill(path: Path) -> None:
    store = Store.open(path, KEY)
    card = CardRecord(room=room().id, identity=digest("ben"), feeds=((digest("feed"), bytes(64)),))
    peer = PeerRecord(identity=digest("ben"), first_seen=1, last_seen=2, addresses=(("192.168.1.9", 47000),))
    profile = PutProfile("name", b"Mira")
    await store.commit([PutRoom(room()), *history(40, 10), PutCard(card), PutPeer(peer), profile])
    await store.close()


async def read(path: Path) -> Snapshot:
    """Everything that a start reads, pages included."""
    store = Store.open(path, KEY)
    try:
        snapshot = await store.load()
        await store.pages(room().id, [page.number for page in snapshot.rooms[0].pages] if snapshot.rooms else [])
        await store.entries(room().id, ("text",), 1000)
        return snapshot
    finally:
        with contextlib.suppress(StartError):
            await store.close()


def outcome(path: Path) -> Snapshot | None:
    """What is read; None where it is said that the database is broken. Anything else raises."""
    try:
        return asyncio.run(read(path))
    except StartError as error:
        assert error.kind in ("broken_database", "newer_database", "disk"), error
        return None


def copied(path: Path, folder: str, raw: bytes) -> Path:
    copy = Path(shutil.copy(path, folder))
    copy.write_bytes(raw)
    return copy


def test_a_change_in_any_page_of_the_database_that_is_read_is_noticed(database: tuple[Path, Snapshot], tmp_path: Path) -> None:
    path, whole = database
    raw = path.read_bytes()
    starts = range(0, len(raw), PAGE)
    broken = [raw[: start + 99] + bytes([raw[start + 99] ^ 1]) + raw[start + 100 :] for start in starts]
    seen = [outcome(copied(path, str(tmp_path), each)) for each in broken]
    assert all(found in (None, whole) for found in seen)
    assert seen.count(None) > len(starts) / 2  # the others are indexes, which nothing here asks


@given(data=st.data())
def test_a_damaged_database_is_read_as_it_was_or_said_to_be_broken(
    database: tuple[Path, Snapshot], data: st.DataObject
) -> None:
    path, whole = database
    raw = bytearray(path.read_bytes())
    for at in data.draw(st.lists(st.integers(0, len(raw) - 1), max_size=3)):
        raw[at] ^= data.draw(st.integers(1, 255))
    del raw[data.draw(st.just(len(raw)) | st.integers(2, len(raw))) :]  # SQLite takes one byte for none
    with tempfile.TemporaryDirectory() as folder:
        assert outcome(copied(path, folder, bytes(raw))) in (None, whole)


@pytest.mark.parametrize(
    "content", [b"", b"\xc1", b"\x91" * 5000, b"\x81\xa4name\xa1\xff"], ids=lambda content: repr(content[:9])
)
@pytest.mark.parametrize("table", ["room", "card", "peer", "profile"])
async def test_a_row_that_cannot_be_read_is_a_broken_database(
    database: tuple[Path, Snapshot], tmp_path: Path, table: str, content: bytes
) -> None:
    path = Path(shutil.copy(database[0], tmp_path))
    connections = schema.connect(path, KEY)
    column, value = ("value", b"\xff" + content) if table == "profile" else ("record", content)
    connections[0].execute(f"UPDATE {table} SET {column} = ?", (value,)).fetchall()
    schema.disconnect(connections)
    with pytest.raises(StartError) as error:
        await read(path)
    assert (error.value.kind, error.value.data) == ("broken_database", {"file": str(path)})
