"""The profile on disk: its key, its lock, and the token that gives a copy away."""

from __future__ import annotations

import os
import shutil
import sys
import unicodedata
from itertools import product
from pathlib import Path
from subprocess import PIPE, Popen
from types import SimpleNamespace

import msgspec
import pytest
from nacl import pwhash
from nacl.exceptions import RuntimeError as KeyDerivationError

from peertalk.errors import StartError
from peertalk.node import files, keyring

posix = pytest.mark.skipif(os.name != "posix", reason="modes of files are a POSIX thing")
OTHER = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PEERTALK_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "below" / "home"


def kind(error: pytest.ExceptionInfo[StartError]) -> tuple[str, dict[str, object]]:
    return error.value.kind, error.value.data


# ── the key ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_without_a_passphrase_the_key_lies_in_a_file(home: Path) -> None:
    assert keyring.profile_state(home) == "new"
    key = keyring.create(home, None)
    assert len(key) == 32
    assert keyring.profile_state(home) == "key_file"
    assert keyring.unlock(home, None) == keyring.unlock(home, "not asked for") == key


def test_each_profile_has_its_own_key(tmp_path: Path) -> None:
    assert keyring.create(tmp_path / "a", None) != keyring.create(tmp_path / "b", None)


def test_with_a_passphrase_the_key_is_wrapped(home: Path) -> None:
    key = keyring.create(home, "correct horse")
    assert keyring.profile_state(home) == "passphrase"
    assert keyring.unlock(home, "correct horse") == key
    written = b"".join(file.read_bytes() for file in home.iterdir())
    assert key not in written
    assert msgspec.json.encode(key)[1:-1] not in written
    wrapped = msgspec.json.decode((home / "key").read_bytes())
    moderate = {"type": "argon2id", "ops": pwhash.argon2id.OPSLIMIT_MODERATE, "memory": pwhash.argon2id.MEMLIMIT_MODERATE}
    assert moderate.items() <= wrapped.items()


def test_a_wrong_or_missing_passphrase_is_told(home: Path) -> None:
    keyring.create(home, "correct horse")
    for passphrase, expected in (("wrong horse", "wrong_passphrase"), ("", "wrong_passphrase"), (None, "needs_passphrase")):
        with pytest.raises(StartError) as error:
            keyring.unlock(home, passphrase)
        assert kind(error) == (expected, {})


def test_a_passphrase_is_the_same_however_its_letters_are_composed(home: Path) -> None:
    key = keyring.create(home, unicodedata.normalize("NFD", "Brücke am Café"))
    assert keyring.unlock(home, unicodedata.normalize("NFC", "Brücke am Café")) == key


def test_an_empty_passphrase_protects_nothing_and_is_refused(home: Path) -> None:
    with pytest.raises(StartError) as error:
        keyring.create(home, "")
    assert kind(error) == ("needs_passphrase", {})
    assert not home.exists()


def test_a_key_is_never_replaced(home: Path) -> None:
    key = keyring.create(home, None)
    with pytest.raises(FileExistsError):
        keyring.create(home, None)
    assert keyring.unlock(home, None) == key


def test_no_new_key_is_put_beside_a_database_that_has_lost_its_own(home: Path) -> None:
    keyring.create(home, None)
    keyring.database(home).write_bytes(b"encrypted")
    (home / "key").unlink()
    with pytest.raises(StartError) as error:
        keyring.create(home, None)
    assert kind(error) == ("broken_key", {"file": str(home / "key"), "why": "lost"})
    with pytest.raises(StartError):
        keyring.profile_state(home)  # nobody is asked how a new one is to be kept
    assert not (home / "key").exists()


def test_where_there_is_no_profile_nothing_can_be_unlocked(home: Path) -> None:
    with pytest.raises(StartError) as error:
        keyring.unlock(home, None)
    assert kind(error) == ("no_home", {"home": str(home)})


def test_a_key_of_a_newer_version_is_told(home: Path) -> None:
    keyring.create(home, None)
    (home / "key").write_bytes(msgspec.json.encode({"type": "hardware", "version": 2, "slot": 1}))
    with pytest.raises(StartError) as error:
        keyring.profile_state(home)
    assert kind(error) == ("newer_database", {"found": 2, "known": 1})


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\xff\x00", b"[]", b'{"version":1,"type":"plain"}', b'{"version":1,"type":"plain","key":"AAAA"}', b'{"version":1}',
        b'{"version":1,"x":' + b"[" * 100_000, b'{"version":1,"type":"\xff"}',
    ],
    ids=lambda content: repr(content[:40]),
)  # fmt: skip
def test_a_key_file_that_is_broken_is_told(home: Path, content: bytes) -> None:
    keyring.create(home, None)
    (home / "key").write_bytes(content)
    with pytest.raises(StartError) as error:
        keyring.unlock(home, None)
    assert kind(error) == ("broken_key", {"file": str(home / "key"), "why": "damaged"})


def test_a_wrapped_key_that_is_broken_is_told(home: Path) -> None:
    keyring.create(home, "correct horse")
    wrapped = msgspec.json.decode((home / "key").read_bytes())
    for change in ({"salt": "AAAA"}, {"ops": 0}, {"memory": 1}, {"memory": 2**50}, {"box": "AAAA"}):
        (home / "key").write_bytes(msgspec.json.encode({**wrapped, **change}))
        with pytest.raises(StartError) as error:
            keyring.unlock(home, "correct horse")
        assert kind(error) == ("broken_key", {"file": str(home / "key"), "why": "damaged"})


def test_too_little_memory_is_not_taken_for_a_wrong_passphrase(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory(*_args: object, **_kwargs: object) -> bytes:
        raise KeyDerivationError

    keyring.create(home, "correct horse")
    monkeypatch.setattr(pwhash.argon2id, "kdf", no_memory)
    with pytest.raises(StartError) as error:
        keyring.unlock(home, "correct horse")
    assert kind(error) == ("disk", {"why": "memory"})


def test_a_home_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    home = tmp_path / "file" / "home"
    for attempt in (lambda: keyring.create(home, None), lambda: keyring.ProfileLock(home)):
        with pytest.raises(StartError) as error:
            attempt()
        assert kind(error) == ("no_home", {"home": str(home)})


@posix
def test_only_the_owner_can_look_into_a_profile(home: Path, state: Path) -> None:
    keyring.create(home, None)
    keyring.ProfileLock(home).release()
    keyring.write_token(home, bytes(16))
    for directory in (home, state):
        assert directory.stat().st_mode & 0o777 == 0o700
        assert {file.stat().st_mode & 0o777 for file in directory.iterdir()} == {0o600}


@posix
def test_nobody_else_can_write_into_a_profile_that_was_made_before(home: Path) -> None:
    home.mkdir(parents=True)
    home.chmod(0o777)
    keyring.ProfileLock(home).release()
    assert home.stat().st_mode & 0o777 == 0o755


@posix
def test_a_directory_that_belongs_to_somebody_else_is_no_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.mkdir(parents=True)
    monkeypatch.setattr(os, "geteuid", lambda: home.stat().st_uid + 1)
    for attempt in (lambda: keyring.create(home, None), lambda: keyring.ProfileLock(home)):
        with pytest.raises(StartError) as error:
            attempt()
        assert kind(error) == ("no_home", {"home": str(home)})
    assert not [*home.iterdir()]


def test_a_key_is_written_whole_or_not_at_all(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its content is on the disk before it gets its name, and the name before `create` returns."""
    steps: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def watched_fsync(file: int) -> None:
        steps.append("sync of a directory" if os.path.isdir(f"/dev/fd/{file}") else "sync of a file")  # noqa: PTH112
        fsync(file)

    def watched_replace(draft: Path, path: Path) -> Path:
        steps.append(f"{draft.name} becomes {path.name}")
        return replace(draft, path)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(Path, "replace", watched_replace)
    keyring.create(home, None)
    assert steps == ["sync of a file", "key.new becomes key", "sync of a directory"]


def test_a_disk_that_fails_leaves_no_half_of_a_key(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_file: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as context:
        context.setattr(os, "fsync", broken)
        with pytest.raises(StartError) as error:
            keyring.create(home, None)
        assert kind(error) == ("disk", {"why": "io", "file": str(home / "key")})
    assert keyring.profile_state(home) == "new"
    keyring.create(home, None)
    assert keyring.profile_state(home) == "key_file"


# ── the lock ─────────────────────────────────────────────────────────────────────────────────────────────────────────

HOLD = """
import sys
from pathlib import Path
from peertalk.node.keyring import ProfileLock
lock = ProfileLock(Path(sys.argv[1]))
print("locked", flush=True)
sys.stdin.read()
"""


def test_a_second_process_is_refused_until_the_first_is_gone_even_if_killed(home: Path) -> None:
    with Popen([sys.executable, "-c", HOLD, str(home)], stdin=PIPE, stdout=PIPE, cwd=OTHER) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"locked\n"
        with pytest.raises(StartError) as error:
            keyring.ProfileLock(home)
        assert kind(error) == ("profile_in_use", {"pid": process.pid})
        process.kill()
        process.wait()
    keyring.ProfileLock(home).release()


def test_a_lock_can_be_released_and_taken_again(home: Path) -> None:
    first = keyring.ProfileLock(home)
    with pytest.raises(StartError) as error:
        keyring.ProfileLock(home)
    assert kind(error) == ("profile_in_use", {"pid": os.getpid()})
    first.release()
    first.release()
    second = keyring.ProfileLock(home)
    first.release()
    with pytest.raises(StartError):
        keyring.ProfileLock(home)
    second.release()


def test_on_windows_the_byte_that_is_locked_is_not_where_the_process_id_is_read(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Untried on Windows itself; this is what its documentation says that it does."""
    locked: set[int] = set()

    def locking(file: int, mode: int, count: int) -> None:
        assert (mode, count) == (3, 1)
        at = os.lseek(file, 0, os.SEEK_CUR)
        if at in locked:
            raise PermissionError(13, "Permission denied")
        locked.add(at)

    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "msvcrt", SimpleNamespace(LK_NBLCK=3, locking=locking))
    held = keyring.ProfileLock(home)
    assert min(locked) > 100
    with pytest.raises(StartError) as error:
        keyring.ProfileLock(home)
    assert kind(error) == ("profile_in_use", {"pid": os.getpid()})
    held.release()


# ── the token ────────────────────────────────────────────────────────────────────────────────────────────────────────


class Profile:
    """A database that only knows its token, and the start of a program with it, which may be killed after any step."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.token = b""
        home.mkdir(parents=True)

    def start(self, new: bytes, steps: int = 3) -> bool:
        """Whether it was taken for a copy. `steps` of a start are done, then it is killed."""
        copied = keyring.is_copy(self.home, self.token)
        if steps > 0:
            keyring.write_token(self.home, new, previous=self.token)
        if steps > 1:
            self.token = new
        if steps > 2:
            keyring.write_token(self.home, new)
        return copied


def token(number: int) -> bytes:
    return bytes([number]) * 16


def test_a_kill_at_any_step_of_any_start_is_never_taken_for_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "sync", lambda _file: None)  # a kill is no power loss, and these are many starts
    for kills in product(range(4), repeat=3):
        profile = Profile(tmp_path / str(kills))
        assert [profile.start(token(n), steps) for n, steps in enumerate((3, *kills, 3), 1)] == [False] * 5, kills


def test_a_profile_put_back_from_a_backup_is_noticed_once(home: Path) -> None:
    profile = Profile(home)
    profile.start(token(1))
    backup = profile.token
    profile.start(token(2))
    profile.token = backup
    assert profile.start(token(3))
    assert not profile.start(token(4))


@pytest.mark.parametrize("steps", [0, 1])
def test_a_copy_stays_one_until_what_follows_from_it_is_on_disk(home: Path, steps: int) -> None:
    profile = Profile(home)
    profile.start(token(1))
    profile.start(token(2))
    profile.token = token(1)
    assert [profile.start(token(3), steps), profile.start(token(4), steps), profile.start(token(5))] == [True] * 3
    assert not profile.start(token(6))


def test_a_profile_copied_to_another_place_is_noticed(home: Path, tmp_path: Path) -> None:
    profile = Profile(home)
    profile.start(token(1))
    shutil.copytree(home, tmp_path / "copy")
    assert keyring.is_copy(tmp_path / "copy", profile.token)
    assert not keyring.is_copy(home, profile.token)


def test_a_new_profile_is_no_copy(home: Path) -> None:
    assert not keyring.is_copy(home, b"")


def test_the_token_lies_outside_the_profile_and_the_way_to_it_does_not_matter(
    home: Path, tmp_path: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.mkdir(parents=True)
    keyring.write_token(home, token(1))
    assert keyring.token_path(home).parent == state
    assert list(home.iterdir()) == []
    (tmp_path / "link").symlink_to(home)
    monkeypatch.chdir(home.parent)
    for way in (Path("home"), tmp_path / "link", home / ".." / "home"):
        assert keyring.read_token(way) == (token(1),)


def test_without_an_override_the_token_lies_in_the_state_directory_of_the_user(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PEERTALK_STATE")
    monkeypatch.setattr(keyring.platformdirs, "user_state_dir", lambda *_args, **_kwargs: "/somewhere/peertalk")
    assert keyring.token_path(home).parent == Path("/somewhere/peertalk")


def test_a_token_that_cannot_be_written_is_told(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("PEERTALK_STATE", str(tmp_path / "file"))
    with pytest.raises(StartError) as error:
        keyring.write_token(home, token(1))
    assert kind(error)[0] == "no_home"
