"""A profile on disk: its directory, the key of its database, its lock, and the token that gives a copy away (protocol.md, 4 and 8).

    HOME/key           the key of the database: as it is, or wrapped under a passphrase
    HOME/peertalk.db   the database (store.py)
    HOME/lock          locked while a process uses the profile
    STATE/<name>       outside HOME: the token that HOME's database must know

All functions block; `create` and `unlock` take 0.2 s and 256 MiB with a passphrase: not for the event loop. An ephemeral profile
has none of this.
"""

from __future__ import annotations

import os
import secrets
import sys
import unicodedata
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
import platformdirs
from msgspec import Meta
from nacl import pwhash
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from peertalk.errors import StartError
from peertalk.node.files import read, replace

State = Literal["new", "key_file", "passphrase"]

_VERSION: Final = 1
_TOKEN: Final = 16
_BOX: Final = SecretBox.NONCE_SIZE + SecretBox.KEY_SIZE + SecretBox.MACBYTES
_OTHERS_WRITE: Final = 0o022
_LOCK_AT: Final = 1 << 20  # Windows lets nobody read a locked byte: lock one far behind the process id


# ── the key ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Plain(msgspec.Struct, frozen=True, tag="plain"):
    """The key itself, in a file that only its owner may read."""

    version: int
    key: Annotated[bytes, Meta(min_length=SecretBox.KEY_SIZE, max_length=SecretBox.KEY_SIZE)]


class Wrapped(msgspec.Struct, frozen=True, tag="argon2id"):
    """A key in a SecretBox under Argon2id(passphrase, salt, ops, memory): at most what libsodium calls sensitive (1 GiB, 4 passes), as
    the file may be somebody else's."""

    version: int
    salt: Annotated[bytes, Meta(min_length=pwhash.argon2id.SALTBYTES, max_length=pwhash.argon2id.SALTBYTES)]
    ops: Annotated[int, Meta(ge=pwhash.argon2id.OPSLIMIT_MIN, le=pwhash.argon2id.OPSLIMIT_SENSITIVE)]
    memory: Annotated[int, Meta(ge=pwhash.argon2id.MEMLIMIT_MIN, le=pwhash.argon2id.MEMLIMIT_SENSITIVE)]
    box: Annotated[bytes, Meta(min_length=_BOX, max_length=_BOX)]


class _Version(msgspec.Struct, frozen=True):
    version: int


def database(home: Path) -> Path:
    """Where the database of a profile lies."""
    return home / "peertalk.db"


def draft(home: Path) -> Path:
    """Where a profile lies that is to take the place of the one in `home`, while that is done (replacing.py)."""
    return home / "draft"


def profile_state(home: Path) -> State:
    """Whether there is a profile, and whether it needs a passphrase. StartError: see `unlock`; `broken_key` (file, why="lost")
    where there is a database without one, or one profile is only half in the place of another."""
    found = _read_key(home)
    if found is None and (database(home).exists() or draft(home).exists()):
        raise StartError("broken_key", file=str(key_path(home)), why="lost")
    if found is None:
        return "new"
    return "passphrase" if isinstance(found, Wrapped) else "key_file"


def create(home: Path, passphrase: str | None) -> bytes:
    """Make a profile, with its directory (owner-only), and return the key of its database; durable when it returns.

    StartError: `needs_passphrase` (it is empty), `no_home` (home), `disk` (why), `broken_key` (file, why="lost": a database is there).
    FileExistsError: there is a profile already.
    """
    if passphrase == "":
        raise StartError("needs_passphrase")
    if profile_state(home) != "new":
        raise FileExistsError(key_path(home))
    make_home(home)
    key = secrets.token_bytes(SecretBox.KEY_SIZE)
    replace(key_path(home), msgspec.json.encode(_Plain(_VERSION, key) if passphrase is None else wrap(key, passphrase)))
    return key


def unlock(home: Path, passphrase: str | None) -> bytes:
    """The key of the database. A profile without a passphrase ignores the one given.

    StartError: `needs_passphrase`, `wrong_passphrase`, `no_home` (home: no profile there), `newer_database` (found, known),
    `broken_key` (file, why), `disk` (why).
    """
    found = _read_key(home)
    if found is None:
        raise StartError("no_home", home=str(home))
    if isinstance(found, _Plain):
        return found.key
    if passphrase is None:
        raise StartError("needs_passphrase")
    return unwrap(found, passphrase)


def make_home(home: Path) -> None:
    """Create the directory of a profile, for its owner only. One that is there must be this user's own: whoever made it in
    advance, in /tmp for instance, could put other files in the place of ours. StartError: `no_home` (home)."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if sys.platform != "win32":
            _keep_others_out(home)
    except OSError as error:
        raise StartError("no_home", home=str(home)) from error


def _keep_others_out(home: Path) -> None:
    found = home.stat()
    if found.st_uid == os.geteuid():
        if found.st_mode & _OTHERS_WRITE:
            home.chmod(found.st_mode & 0o7777 & ~_OTHERS_WRITE)
    elif os.geteuid() != 0:
        raise PermissionError(f"not ours: {home}")


def key_path(home: Path) -> Path:
    """Where the key of its database lies."""
    return home / "key"


def _read_key(home: Path) -> _Plain | Wrapped | None:
    raw = read(key_path(home))
    if raw is None:
        return None
    try:
        version = msgspec.json.decode(raw, type=_Version).version
        if version > _VERSION:
            raise StartError("newer_database", found=version, known=_VERSION)
        return msgspec.json.decode(raw, type=_Plain | Wrapped)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise StartError("broken_key", file=str(key_path(home)), why="damaged") from error


def wrap(key: bytes, passphrase: str) -> Wrapped:
    """`key` under a passphrase (Argon2id, moderate: 0.2 s and 256 MiB). StartError("disk", why="memory")."""
    salt = secrets.token_bytes(pwhash.argon2id.SALTBYTES)
    ops, memory = pwhash.argon2id.OPSLIMIT_MODERATE, pwhash.argon2id.MEMLIMIT_MODERATE
    box = SecretBox(_stretch(passphrase, salt, ops, memory)).encrypt(key)
    return Wrapped(_VERSION, salt, ops, memory, bytes(box))


def unwrap(wrapped: Wrapped, passphrase: str) -> bytes:
    """The key in there. StartError: `wrong_passphrase`, `disk` (why="memory")."""
    wrapping = SecretBox(_stretch(passphrase, wrapped.salt, wrapped.ops, wrapped.memory))
    try:
        return wrapping.decrypt(wrapped.box)
    except CryptoError as error:
        raise StartError("wrong_passphrase") from error


def _stretch(passphrase: str, salt: bytes, ops: int, memory: int) -> bytes:
    """NFC: an é typed on one keyboard is the é of another."""
    typed = unicodedata.normalize("NFC", passphrase).encode()
    try:
        return pwhash.argon2id.kdf(SecretBox.KEY_SIZE, typed, salt, opslimit=ops, memlimit=memory)
    except CryptoError as error:  # its only reason
        raise StartError("disk", why="memory") from error


# ── the lock ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class ProfileLock:
    """Held by the one process that uses a profile, from when it is made until `release` or the end of the process, however it
    ends. StartError: `profile_in_use` (pid, None if unknown), `no_home` (home)."""

    def __init__(self, home: Path) -> None:
        make_home(home)
        try:
            self._file = os.open(home / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StartError("no_home", home=str(home)) from error
        if not _try_lock(self._file):
            pid = os.read(self._file, 20)
            os.close(self._file)
            raise StartError("profile_in_use", pid=int(pid) if pid.isdigit() else None)
        os.ftruncate(self._file, 0)
        os.write(self._file, str(os.getpid()).encode())

    def release(self) -> None:
        """Let others use the profile. May be repeated. The file stays: removing it would let two processes lock two files."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _try_lock(file: int) -> bool:
    """Whether this open file has the lock now. Both kinds are the kernel's: they end with the process."""
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415 - exists on Windows only

        os.lseek(file, _LOCK_AT, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(file, 0, os.SEEK_SET)
    else:
        import fcntl  # noqa: PLC0415 - does not exist on Windows

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


# ── the token ────────────────────────────────────────────────────────────────────────────────────────────────────────
#
# A start makes a new token and goes these steps, in this order:
#
# 1. `is_copy` of the token in the database;
# 2. `write_token` with the new one, `previous` the one in the database;
# 3. PutProfile of the new one is committed, in one transaction with what follows if it is a copy, or after that;
# 4. `write_token` with the new one alone.
#
# Killed before 3 is done: the database has the old token, which is still known outside. Killed after it: the database has the new
# one, which is known outside already. So a kill is never taken for a copy. And what is a copy stays one until 3 is done, since
# `write_token` leaves a previous token known only if it was. (Missed is a copy of the run before if a kill hit between 3 and 4 and
# it was put back before the next start.)


def token_path(home: Path) -> Path:
    """Where the token of this profile lies outside of it: in PEERTALK_STATE or the user's state directory."""
    state = os.environ.get("PEERTALK_STATE") or platformdirs.user_state_dir("peertalk", appauthor=False)
    return Path(state) / blake2b(os.fsencode(home.resolve()), digest_size=16).hexdigest()


def read_token(home: Path) -> tuple[bytes, ...]:
    """The tokens that are known outside the profile: the last one, during a start also the one before."""
    raw = read(token_path(home)) or b""
    return tuple(raw[at : at + _TOKEN] for at in range(0, len(raw) - _TOKEN + 1, _TOKEN))


def write_token(home: Path, token: bytes, previous: bytes | None = None) -> None:
    """Make `token` known outside the profile, and leave `previous` known if it was. Durable when it returns."""
    kept = b"".join(known for known in read_token(home) if known == previous)
    make_home(token_path(home).parent)
    replace(token_path(home), kept + token)


def is_copy(home: Path, token: bytes) -> bool:
    """Whether a profile with this token in its database was copied here or put back: somebody else may have gone on with it."""
    return token != b"" and token not in read_token(home)
