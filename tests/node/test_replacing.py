"""A profile in the place of another: nothing is deleted, whenever it is killed; and what damaged files still tell is kept."""

from __future__ import annotations

import shutil
from itertools import count
from pathlib import Path

import pytest

from peertalk.core.stored import Op, OutboxRecord, PutOutbox, PutPeer, PutProfile, PutRoom
from peertalk.errors import StartError
from peertalk.node import backup, keyring, replacing
from peertalk.node.rescue import rescue
from tests.node.records import digest, history, room
from tests.node.test_backup import PASSPHRASE, everything, file, home, load, own_key, profile, quick, refused
from tests.node.test_store_migrations import content

__all__ = ["file", "home", "quick"]

PAGE = 4096


class Killed(BaseException):
    """kill -9"""


def test_a_profile_that_is_there_is_not_replaced(home: Path, file: Path) -> None:
    backup.write(home, profile(home), file, PASSPHRASE, 1)
    was = everything(home)
    assert refused(lambda: replacing.restore(file, PASSPHRASE, home, "")) == ("profile_exists", {"home": str(home)})
    keyring.database(home).unlink()
    assert refused(lambda: replacing.restore(file, PASSPHRASE, home, ""))[0] == "profile_exists"
    assert everything(home) == {name: raw for name, raw in was.items() if name == "key"}


def test_what_was_there_lies_in_a_folder_that_is_a_home_itself(home: Path, file: Path) -> None:
    backup.write(home, profile(home), file, PASSPHRASE, 1)
    before, was = load(home), everything(home)
    moved, protected = replacing.restore(file, PASSPHRASE, home, "aside")
    assert (moved, protected) == (home / "aside", False)
    assert everything(home / "aside") == was
    assert load(home / "aside") == before
    assert load(home).identity == before.identity
    assert sorted(path.name for path in home.iterdir()) == ["aside", "key", "peertalk.db"]
    assert (home / "aside").stat().st_mode & 0o077 == 0


def test_a_second_one_of_the_same_second_changes_nothing(home: Path, file: Path) -> None:
    backup.write(home, profile(home), file, PASSPHRASE, 1)
    (home / "aside").mkdir()
    was = everything(home)
    assert refused(lambda: replacing.restore(file, PASSPHRASE, home, "aside"))[0] == "disk"
    assert everything(home) == was


def test_killed_at_any_step_nothing_is_lost_and_nothing_else_begins_there(home: Path, file: Path) -> None:
    backup.write(home, profile(home), file, PASSPHRASE, 1)
    was = everything(home)
    for last in count():
        if restored_within(last, home, file):
            break
        assert set(was.values()) <= set(everything(home).values())
        try:
            assert keyring.profile_state(home) == "key_file"
            assert keyring.database(home).exists()
        except StartError as error:
            assert (error.kind, error.data["why"]) == ("broken_key", "lost")
            assert replacing.is_used(home)
        for name, raw in was.items():  # once more from the beginning
            shutil.rmtree(home / "aside", ignore_errors=True)
            (home / name).write_bytes(raw)
    assert last > 4
    assert load(home).identity == load(home / "aside").identity


def restored_within(steps: int, home: Path, file: Path) -> bool:
    """Restore, and be killed when so many files were renamed. False: that was too few."""
    left, real, remove, unlink = iter(range(steps)), Path.replace, shutil.rmtree, Path.unlink
    killed = []

    def replace(path: Path, target: Path) -> Path:
        if next(left, None) is None:
            killed.append(path)
            raise Killed
        return real(path, target)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Path, "replace", replace)
        patched.setattr(replacing, "put_back", lambda folder, home: None)
        patched.setattr(Path, "unlink", lambda path, **options: None if killed else unlink(path, **options))
        patched.setattr(shutil, "rmtree", lambda path, **options: None if killed else remove(path, **options))
        try:
            replacing.restore(file, PASSPHRASE, home, "aside")
        except Killed:
            return False
    return True


@pytest.mark.parametrize("steps", range(1, 5))
def test_where_a_disk_fails_meanwhile_all_is_as_it_was(
    home: Path, file: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    backup.write(home, profile(home), file, PASSPHRASE, 1)
    was, left, real = everything(home), iter(range(steps)), Path.replace
    failed: list[Path] = []

    def replace(path: Path, target: Path) -> Path:
        if next(left, None) is None and not failed:
            failed.append(path)
            raise OSError(28, "No space left on device")
        return real(path, target)

    monkeypatch.setattr(Path, "replace", replace)
    kind, data = refused(lambda: replacing.restore(file, PASSPHRASE, home, "aside"))
    assert (kind, data["why"], everything(home)) == ("disk", "full", was)
    assert sorted(path.name for path in home.iterdir()) == ["key", "peertalk.db"]
    failed.clear()
    left = iter(range(steps))
    if steps < 3:  # where there is nothing to be moved
        empty = home.with_name("empty")
        empty.mkdir()
        assert refused(lambda: replacing.restore(file, PASSPHRASE, empty, ""))[0] == "disk"
        assert [*empty.iterdir()] == []


def test_what_a_kill_has_left_of_a_new_profile_goes_with_the_next_way_on(home: Path, file: Path) -> None:
    backup.write(home, profile(home), file, PASSPHRASE, 1)
    assert not restored_within(3, home, file)
    assert refused(lambda: keyring.profile_state(home)) == ("broken_key", {"file": str(home / "key"), "why": "lost"})
    assert replacing.begin_anew((), None, home, "aside 2") is None
    assert keyring.profile_state(home) == "new"
    assert load(home / "aside").name


# ── damaged files ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_can_be_read_begins_anew_without_history_and_feed_keys(home: Path) -> None:
    key = profile(home)
    before, was = load(home), everything(home)
    ops = rescue(keyring.database(home), key)
    assert everything(home) == was
    assert replacing.begin_anew(ops, None, home, "aside") == home / "aside"
    after = load(home)
    assert (after.identity, after.name, after.peers, after.token) == (before.identity, before.name, before.peers, b"")
    assert [one.record.id for one in after.rooms] == [one.record.id for one in before.rooms]
    assert [one.outbox for one in after.rooms] == [one.outbox for one in before.rooms]
    assert all(one.feeds == one.pages == () for one in after.rooms)
    assert everything(home / "aside") == was


def test_whichever_page_is_damaged_all_that_is_rescued_was_there(home: Path) -> None:
    """Enough of all for trees with more than one page."""
    waiting = OutboxRecord(room=room().id, number=1, message=digest("m"), kind="text", body=bytes(3000), time=1)
    peer = next(op for op in content() if isinstance(op, PutPeer))
    more: list[Op] = [PutRoom(room(str(number) * 400)) for number in range(40)]
    key = profile(home, [*content(), own_key(), *more, *history(20, 1, name="circle")], [PutOutbox(waiting)])
    raw, whole = keyring.database(home).read_bytes(), rescue(keyring.database(home), key)
    assert {type(op) for op in whole} == {PutProfile, PutRoom, PutPeer, PutOutbox}
    assert peer in whole
    found = []
    for start in range(0, len(raw), PAGE):
        keyring.database(home).write_bytes(raw[: start + 50] + bytes(PAGE - 50) + raw[start + PAGE :])
        found.append(rescue(keyring.database(home), key))
        assert {*map(repr, found[-1])} <= {*map(repr, whole)}
    sizes = [len(ops) for ops in found]
    assert sizes.count(len(whole)) > len(sizes) / 2  # pages of history
    assert [size for size in sizes if 0 < size < len(whole)]  # a part of the rooms, say
    assert sizes.count(0) <= 5  # the first page, three that say what is in which table, the profile itself


def test_where_nothing_can_be_read_all_is_moved_and_the_next_start_is_the_first(home: Path) -> None:
    key = profile(home)
    keyring.database(home).write_bytes(b"nonsense" * 5000)
    was = everything(home)
    assert rescue(keyring.database(home), key) == ()
    assert replacing.begin_anew((), None, home, "aside") == home / "aside"
    assert everything(home / "aside") == was
    assert keyring.profile_state(home) == "new"
