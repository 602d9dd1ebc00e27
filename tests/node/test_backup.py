"""A backup: one file under a passphrase, without the private halves of feed keys; refused whole where it is not whole."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import apsw
import msgspec
import pytest
from nacl import pwhash

from peertalk.core.entry import FeedKey, Here, open_body, verify_next, verify_owner
from peertalk.core.identity import Identity
from peertalk.core.stored import (
    CardRecord,
    FeedKeyRecord,
    Op,
    PutCard,
    PutFeedKey,
    PutOutbox,
    PutPage,
    PutProfile,
    PutRoom,
    Snapshot,
)
from peertalk.errors import PeerTalkError
from peertalk.node import backup, keyring, replacing, schema
from peertalk.node.store import Store
from peertalk.node.stores import SESSION, Stores
from tests.node.records import digest, entry, history, page, room
from tests.node.test_store_migrations import content

PASSPHRASE = "correct horse"
SEED, CANARY, TOKEN = digest("a private half"), b"off the record canary", digest("token")[:16]


@pytest.fixture(autouse=True)
def quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2id as weak as it gets: what is tried here does not depend on it."""
    monkeypatch.setenv("PEERTALK_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(pwhash.argon2id, "OPSLIMIT_MODERATE", pwhash.argon2id.OPSLIMIT_MIN)
    monkeypatch.setattr(pwhash.argon2id, "MEMLIMIT_MODERATE", pwhash.argon2id.MEMLIMIT_MIN)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "my backup"


def own_key() -> PutFeedKey:
    return PutFeedKey(FeedKeyRecord(room=room().id, feed=digest("own feed"), seed=SEED, created=1))


def profile(home: Path, *commits: Sequence[Op], passphrase: str | None = None) -> bytes:
    """Make a profile; the key of its database."""

    async def fill() -> None:
        store = Store.open(keyring.database(home), key)
        for commit in commits or ([*content(), own_key(), PutProfile("token", TOKEN)],):
            await store.commit(commit)
        await store.close()

    key = keyring.create(home, passphrase)
    asyncio.run(fill())
    return key


def load(home: Path, passphrase: str | None = None) -> Snapshot:
    async def look() -> Snapshot:
        store = Store.open(keyring.database(home), keyring.unlock(home, passphrase))
        try:
            return await store.load()
        finally:
            await store.close()

    return asyncio.run(look())


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def restored(file: Path, tmp_path: Path) -> Snapshot:
    replacing.restore(file, PASSPHRASE, tmp_path, "")
    return load(tmp_path)


# ── what is in it ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_all_that_is_stored_comes_back_but_private_feed_keys_and_the_token(home: Path, file: Path, tmp_path: Path) -> None:
    key = profile(home)
    before, was = load(home), everything(home)
    backup.write(home, key, file, PASSPHRASE, 1)
    assert everything(home) == was
    (tmp_path / "new").mkdir()
    after = without_heirs(restored(file, tmp_path / "new"))
    assert after.token not in (b"", before.token)
    keys = [feed for one in before.rooms for feed in one.feeds]
    assert [feed for one in after.rooms for feed in one.feeds] == [
        msgspec.structs.replace(feed, seed=None, retiring=True) for feed in keys
    ]
    assert any(feed.seed for feed in keys)
    assert without_keys(after) == without_keys(before)
    assert keyring.unlock(tmp_path / "new", None) != key


def test_in_the_place_of_the_key_in_use_is_one_that_goes_on_from_it(home: Path, file: Path, tmp_path: Path) -> None:
    """Its feed has begun, on its own card, and is the same wherever the backup is restored."""
    me, older = Identity.from_seed(SEED), FeedKey(SEED)
    written = page(0, entry("mine", feed=older.public))
    owned = CardRecord(room=room().id, identity=me.public, feeds=((older.public, bytes(64)),))
    feed_key = FeedKeyRecord(room=room().id, feed=older.public, seed=SEED, created=1)
    key = profile(
        home,
        [PutProfile("identity", SEED), PutProfile("name", b"Ada"), PutRoom(room())],
        [PutCard(owned), PutFeedKey(feed_key), PutPage(written)],
    )
    backup.write(home, key, file, PASSPHRASE, 2)
    found = []
    for number in range(2):
        (tmp_path / str(number)).mkdir()
        found.append(restored(file, tmp_path / str(number)).rooms[0])
    assert found[0] == found[1]
    gone, heir = found[0].feeds
    assert gone == msgspec.structs.replace(feed_key, seed=None, retiring=True)
    assert (heir.retiring, heir.created, heir.succeeds and heir.succeeds[0]) == (False, 2, older.public)
    (begun,) = [one for one in found[0].state if one.feed == heir.feed]
    assert begun.body is not None
    assert open_body("here", begun.body) == Here("Ada", next=heir.succeeds)
    assert verify_next(*heir.succeeds, room().id, heir.feed)
    assert [feed for feed, _ in found[0].cards[0].feeds] == [older.public, heir.feed]
    assert verify_owner(*found[0].cards[0].feeds[1], room().id, me.public)


def without_heirs(snapshot: Snapshot) -> Snapshot:
    rooms = []
    for one in snapshot.rooms:
        heirs = {key.feed for key in one.feeds if key.seed is not None}
        cards = [
            msgspec.structs.replace(card, feeds=tuple(pair for pair in card.feeds if pair[0] not in heirs))
            for card in one.cards
            if not card.feeds or not heirs.issuperset(feed for feed, _ in card.feeds)
        ]
        kept = {
            name: tuple(each for each in getattr(one, name) if each.feed not in heirs) for name in ("feeds", "pages", "state")
        }
        rooms.append(msgspec.structs.replace(one, cards=tuple(cards), **kept))
    return msgspec.structs.replace(snapshot, rooms=tuple(rooms))


def without_keys(snapshot: Snapshot) -> Snapshot:
    rooms = tuple(msgspec.structs.replace(one, feeds=()) for one in snapshot.rooms)
    return msgspec.structs.replace(snapshot, token=b"", rooms=rooms)


def image(path: Path, key: bytes) -> bytes:
    """The database in plain."""
    connection = apsw.Connection(str(path))
    schema.unlock(connection, key)
    try:
        return connection.serialize("main")
    finally:
        connection.close()


def test_nothing_of_a_private_feed_key_is_in_the_file_even_in_plain(home: Path, file: Path, tmp_path: Path) -> None:
    made = [FeedKeyRecord(room=room().id, feed=digest(number), seed=digest("seed", number), created=1) for number in range(300)]
    many = [msgspec.structs.replace(one, succeeds=(digest(at), bytes(64)) if at % 3 else None) for at, one in enumerate(made)]
    key = profile(home, [PutRoom(room())], *([PutFeedKey(one)] for one in many))
    seeds = [one.seed for one in many if one.seed]
    assert all(seed in image(keyring.database(home), key) for seed in seeds)
    backup.write(home, key, file, PASSPHRASE, 1)
    database, own, _header = backup.unpack(file, PASSPHRASE, tmp_path)
    found = image(database, own)
    assert all(one.feed in found for one in many)
    assert not [seed for seed in seeds if seed in found]


async def test_nothing_off_the_record_is_in_it(home: Path, file: Path, tmp_path: Path) -> None:
    key = keyring.create(home, None)
    stores = Stores(Store.open(keyring.database(home), key), lambda: Store.open(None, b""))
    secret = room("hushed", kind="private", retention=SESSION)
    text = PutPage(page(0, entry("x", body=CANARY), name="hushed"))
    await stores.commit([PutRoom(room()), PutRoom(secret), text, *history(3, 1)])
    assert (await stores.bodies(secret.id, [digest("entry", "x")])).popitem()[1] == CANARY
    backup.write(home, key, file, PASSPHRASE, 1)
    await stores.close()
    database, own, _header = backup.unpack(file, PASSPHRASE, tmp_path)
    found = image(database, own)
    assert digest("entry", ("lobby", 1)) in found
    assert CANARY not in found
    assert secret.id not in found
    assert secret.name.encode() not in found


async def test_it_is_as_of_one_moment_while_somebody_writes(home: Path, file: Path, tmp_path: Path) -> None:
    """Both halves of each commit, or none."""
    key = keyring.create(home, None)
    store = Store.open(keyring.database(home), key)
    await store.commit([PutRoom(room())])
    waiting = next(op for op in content() if isinstance(op, PutOutbox)).record
    commits = [
        [page, PutOutbox(msgspec.structs.replace(waiting, number=number))]
        for number, page in enumerate(history(300, 1, text=bytes(5000)))
    ]
    writing = asyncio.gather(*(store.commit(commit) for commit in commits))
    for number in range(5):
        target = tmp_path / f"backup {number}"
        await asyncio.to_thread(backup.write, home, key, target, PASSPHRASE, 1)
    await writing
    await store.close()
    for number in range(5):
        (tmp_path / str(number)).mkdir()
        (lobby,) = (await asyncio.to_thread(restored, tmp_path / f"backup {number}", tmp_path / str(number))).rooms
        assert [page.number for page in lobby.pages] == [one.number for one in lobby.outbox] == list(range(len(lobby.pages)))


@pytest.mark.skipif(os.name != "posix", reason="modes of files are a POSIX thing")
def test_only_its_owner_can_read_it(home: Path, file: Path, tmp_path: Path) -> None:
    backup.write(home, profile(home), file, PASSPHRASE, 1)
    assert file.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "my backup"]  # nothing else is left


# ── what is refused ──────────────────────────────────────────────────────────────────────────────────────────────────


def refused(call: Callable[[], object]) -> tuple[str, dict[str, object]]:
    with pytest.raises(PeerTalkError) as error:
        call()
    return error.value.kind, error.value.data


def test_nothing_is_overwritten_and_no_empty_passphrase_taken(home: Path, file: Path) -> None:
    key = profile(home)
    assert refused(lambda: backup.write(home, key, file, "", 1))[0] == "needs_passphrase"
    file.write_bytes(b"dear")
    assert refused(lambda: backup.write(home, key, file, PASSPHRASE, 1)) == ("file_exists", {"file": str(file)})
    assert file.read_bytes() == b"dear"
    nowhere = home / "none" / "backup"
    assert refused(lambda: backup.write(home, key, nowhere, PASSPHRASE, 1)) == (
        "refused",
        {"why": "folder", "path": str(nowhere), "reason": "missing"},
    )
    assert refused(lambda: backup.write(home / "no", key, nowhere, PASSPHRASE, 1)) == ("no_profile", {"home": str(home / "no")})


def test_a_file_that_appears_meanwhile_is_not_overwritten(home: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, assemble = profile(home), backup._assemble

    def slowly(*arguments: object) -> None:
        assemble(*arguments)  # type: ignore[arg-type]  # passed on
        file.write_bytes(b"dear")

    monkeypatch.setattr(backup, "_assemble", slowly)
    assert refused(lambda: backup.write(home, key, file, PASSPHRASE, 1))[0] == "file_exists"
    assert file.read_bytes() == b"dear"


def test_a_backup_that_is_not_whole_is_refused_and_nothing_changed(home: Path, file: Path, tmp_path: Path) -> None:
    backup.write(home, profile(home), file, PASSPHRASE, 1)
    whole = file.read_bytes()
    line = whole.index(b"\n", 20)
    broken = [b"", b"PeerTalk", whole[:15], whole[: line // 2], whole[: line + 1], whole[:-1], whole + b"x", b"x" + whole]
    broken += [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(16, len(whole), 499)]
    new = tmp_path / "new"
    new.mkdir()
    for raw in broken:
        file.write_bytes(raw)
        kind, data = refused(lambda: replacing.restore(file, PASSPHRASE, new, ""))
        assert (kind, data["file"]) in {("broken_backup", str(file)), ("newer_backup", str(file))}
        assert everything(new) == {}
        assert [*new.iterdir()] == []
    file.unlink()
    assert refused(lambda: replacing.restore(file, PASSPHRASE, new, "")) == ("disk", {"why": "missing", "file": str(file)})
    assert refused(lambda: replacing.restore(tmp_path, PASSPHRASE, new, "")) == ("broken_backup", {"file": str(tmp_path)})


def test_a_wrong_passphrase_and_a_newer_version_are_told_from_damage(home: Path, file: Path, tmp_path: Path) -> None:
    backup.write(home, profile(home), file, PASSPHRASE, 1)
    magic, line, rest = file.read_bytes().split(b"\n", 2)
    header, new = msgspec.json.decode(line), tmp_path / "new"
    new.mkdir()
    assert refused(lambda: replacing.restore(file, "wrong", new, "")) == ("wrong_passphrase", {"file": str(file)})
    for field in ("version", "schema"):
        changed = msgspec.json.encode({**header, field: 1000, "more": []})
        file.write_bytes(b"\n".join((magic, changed, rest)))
        kind, data = refused(lambda: replacing.restore(file, PASSPHRASE, new, ""))
        assert (kind, data["found"]) == ("newer_backup", 1000)
    assert [*new.iterdir()] == []


def test_a_passphrase_protects_the_profile_again_if_it_did_before(home: Path, file: Path, tmp_path: Path) -> None:
    backup.write(home, profile(home, passphrase="of the profile"), file, PASSPHRASE, 1)
    (tmp_path / "new").mkdir()
    assert replacing.restore(file, PASSPHRASE, tmp_path / "new", "") == (None, True)
    assert keyring.profile_state(tmp_path / "new") == "passphrase"
    assert load(tmp_path / "new", PASSPHRASE).name == load(home, "of the profile").name


def resealed(file: Path, **changes: object) -> bytes:
    """The same with other things in its header, and a hash that is right for them: as somebody writes it who wants it to be read."""
    magic, line, rest = file.read_bytes().split(b"\n", 2)
    header = {**msgspec.json.decode(line), "hash": "", **changes}
    hashed = hashlib.blake2b(msgspec.json.encode(header) + rest, digest_size=32, person=b"peertalk/1 back").digest()
    return b"\n".join((magic, msgspec.json.encode({**header, "hash": base64.b64encode(hashed).decode()}), rest))


def test_a_header_that_asks_for_more_than_anybody_needs_is_refused_before_it_costs_anything(
    home: Path, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup.write(home, profile(home), file, PASSPHRASE, 1)
    key = msgspec.json.decode(file.read_bytes().split(b"\n", 2)[1])["key"]
    new = tmp_path / "new"
    new.mkdir()
    file.write_bytes(resealed(file))
    assert backup.unpack(file, PASSPHRASE, new)[2].size
    (new / "backup.db").unlink()

    def stretched(*_: object) -> bytes:
        raise AssertionError("worked for somebody else's header")

    monkeypatch.setattr(keyring, "_stretch", stretched)
    greedy = [{"memory": 64 << 30}, {"memory": 4 << 30}, {"memory": 2**63}, {"memory": -1}, {"ops": 5}, {"ops": 2**31}]
    wrong = [{"key": {**key, **much}} for much in greedy]
    wrong += [{"size": -1}, {"size": 2**63}, {"size": 0}, {"schema": -1}, {"schema": 0}, {"key": "../key"}]
    whole = file.read_bytes()
    for changes in wrong:
        file.write_bytes(whole)
        file.write_bytes(resealed(file, **changes))
        assert refused(lambda: replacing.restore(file, PASSPHRASE, new, ""))[0] == "broken_backup", changes
        assert [*new.iterdir()] == []
