"""A copy of a profile in one file, under a passphrase (docs/protocol.md, "At rest").

    "PeerTalk backup\\n"       what it is
    Header as JSON, "\\n"      how it is to be read, and a hash over all of it
    the database              encrypted under a key of its own, which the header has under the passphrase

It holds no private halves of the feed keys that are in use: whoever comes back from it begins new feeds and can never write where
another copy went on.
Nor does it hold anything that is off the record, since that is in no database. All of this blocks.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final

import apsw
import msgspec
from msgspec import Meta

from peertalk.core.heirs import heir, signer
from peertalk.core.identity import Identity
from peertalk.core.stored import CardRecord, FeedKeyRecord, Op, PutFeedKey, PutProfile
from peertalk.errors import StartError
from peertalk.node import files, keyring, schema
from peertalk.node.changes import Changes

_MAGIC: Final = b"PeerTalk backup\n"
_VERSION: Final = 1
_MAX_HEADER: Final = 4096
_CHUNK: Final = 1 << 20
_KEY: Final = 32


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """`size` bytes of database follow, of version `schema`; `hash` is over this header without it and those bytes. `protected`:
    the profile had a passphrase. `made` is Unix milliseconds."""

    version: int = _VERSION
    schema: Annotated[int, Meta(ge=1)]
    made: int
    protected: bool
    size: Annotated[int, Meta(ge=0)]
    key: keyring.Wrapped
    hash: bytes = b""


class _Version(msgspec.Struct, frozen=True):
    version: int


_feed_key: Final = msgspec.msgpack.Decoder(FeedKeyRecord)
_card: Final = msgspec.msgpack.Decoder(CardRecord)


# ── making one ───────────────────────────────────────────────────────────────────────────────────────────────────────


def write(home: Path, key: bytes, target: Path, passphrase: str, made: int) -> None:
    """Back the profile in `home` up, whether it is in use or not, as of one moment; on disk when this returns.

    StartError: `needs_passphrase` (it is empty), `no_profile` (home), `file_exists` (file), those of the database. RequestError as
    files.not_written.
    """
    if not passphrase:
        raise StartError("needs_passphrase")
    if not keyring.database(home).exists():
        raise StartError("no_profile", home=str(home))
    if target.exists():
        raise StartError("file_exists", file=str(target))
    own = secrets.token_bytes(_KEY)
    protected = keyring.profile_state(home) == "passphrase"
    with _folder_beside(target) as folder, schema.failures_told(keyring.database(home)):
        copy = folder / "copy.db"
        version = _copy(keyring.database(home), key, copy, own, made)
        header = Header(
            schema=version, made=made, protected=protected, size=copy.stat().st_size, key=keyring.wrap(own, passphrase)
        )
        _assemble(header, copy, folder / "backup")
        _put(folder / "backup", target)


def _copy(database: Path, key: bytes, target: Path, own: bytes, made: int) -> int:
    """What a backup holds, encrypted under `own`; the version of the database.

    Feed keys are taken out of a copy whose key nobody ever gets to know, before anything is encrypted under one that stays."""
    passing = secrets.token_bytes(_KEY)
    between = target.with_name("between.db")
    writer, reader = schema.connect(database, key)
    with closing(writer), closing(reader), _fresh(between, passing) as copy:
        _transfer(reader, copy)
    with _fresh(between, passing) as copy, _fresh(target, own) as final:
        _strip(copy, made)
        _transfer(copy, final)
        version: int = final.pragma("user_version")
    return version


@contextmanager
def _fresh(path: Path, key: bytes) -> Iterator[apsw.Connection]:
    """A database in one file, without a log."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    with closing(apsw.Connection(str(path))) as connection:
        schema.unlock(connection, key)
        connection.execute("PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY").fetchall()
        yield connection


def _transfer(source: apsw.Connection, target: apsw.Connection) -> None:
    """SQLite's own way to copy a database that is in use: all of it as of one moment."""
    with target.backup("main", source, "main") as transfer:
        while not transfer.done:
            transfer.step(-1)
    target.execute("PRAGMA journal_mode = DELETE").fetchall()


def _strip(copy: apsw.Connection, made: int) -> None:
    """Private halves of feed keys go, and what they left in the file; heirs take their places (core/heirs.py). The token is one that no
    place knows."""
    with schema.transaction(copy):
        changes = Changes(copy)
        keys: dict[int, list[FeedKeyRecord]] = {}
        for room, record in copy.execute("SELECT room, record FROM feed_key ORDER BY created, feed"):
            keys.setdefault(room, []).append(_feed_key.decode(record))
        for own in keys.values():
            changes.apply_all([PutFeedKey(msgspec.structs.replace(key, seed=None, retiring=True)) for key in own])
        for room, own in keys.items():
            changes.apply_all(_heir(copy, room, own, made))
        changes.apply(PutProfile("token", secrets.token_bytes(16)))
        changes.finish()


def _heir(copy: apsw.Connection, room: int, keys: list[FeedKeyRecord], made: int) -> list[Op]:
    """What is put into the place of one's keys in a room."""

    def rows(query: str, *given: object) -> list[tuple[Any, ...]]:
        return copy.execute(query, given).fetchall()

    profile: dict[str, bytes] = dict(rows("SELECT key, value FROM profile"))
    pages: dict[bytes, int] = dict(rows("SELECT feed, count(*) FROM page WHERE room = ? GROUP BY feed", room))
    older = signer(keys, pages.__contains__)
    if older is None or "identity" not in profile:
        return []
    me = Identity.from_seed(profile["identity"]).public
    cards = rows("SELECT record FROM card WHERE room = ? AND identity = ? AND via = x''", room, me)
    card = _card.decode(cards[0][0]) if cards else CardRecord(room=older.room, identity=me, feeds=())
    return heir(older, card, sum(pages.values()), profile.get("name", b"").decode(), secrets.token_bytes, made)


def _assemble(header: Header, database: Path, target: Path) -> None:
    with files.create(target) as out, database.open("rb") as content:
        header = msgspec.structs.replace(header, hash=_hash(header, content))
        content.seek(0)
        out.write(_MAGIC + msgspec.json.encode(header) + b"\n")
        shutil.copyfileobj(content, out, _CHUNK)
        out.flush()
        files.sync(out.fileno())


def _hash(header: Header, content: BinaryIO) -> bytes:
    """Over all that a backup says. It finds damage; that nobody changed what is in the database, its own cipher sees to."""
    state = blake2b(msgspec.json.encode(msgspec.structs.replace(header, hash=b"")), digest_size=32, person=b"peertalk/1 back")
    while chunk := content.read(_CHUNK):
        state.update(chunk)
    return state.digest()


def _put(file: Path, target: Path) -> None:
    """The name is taken first, so that nothing is ever overwritten."""
    try:
        files.create(target).close()
    except FileExistsError as error:
        raise StartError("file_exists", file=str(target)) from error
    file.replace(target)
    files.sync_directory(target.parent)


@contextmanager
def _folder_beside(target: Path) -> Iterator[Path]:
    """A folder for what is on the way, owner-only, on the same disk; gone afterwards. RequestError as files.not_written."""
    try:
        with tempfile.TemporaryDirectory(prefix=".peertalk-", dir=target.parent) as folder:
            yield Path(folder)
    except (OSError, ValueError) as error:
        raise files.not_written(error, target) from error
    except StartError as error:
        if error.data.get("why") != "full":  # the profile is only read
            raise
        raise files.not_written(OSError(errno.ENOSPC, ""), target) from error


# ── reading one ──────────────────────────────────────────────────────────────────────────────────────────────────────


def unpack(backup: Path, passphrase: str, folder: Path) -> tuple[Path, bytes, Header]:
    """The database in a backup, put into `folder`, its key, and the header.

    StartError: `broken_backup` (file; also for what is none), `newer_backup` (file, found, known), `wrong_passphrase` (file),
    `disk` (why, file).
    """
    try:
        with backup.open("rb") as content:
            header, start = _header(content, backup)
            if _hash(header, content) != header.hash or content.tell() - start != header.size:
                raise StartError("broken_backup", file=str(backup))
            content.seek(start)
            database = folder / "backup.db"
            with files.create(database) as out:
                shutil.copyfileobj(content, out, _CHUNK)
    except IsADirectoryError as error:
        raise StartError("broken_backup", file=str(backup)) from error
    except OSError as error:
        raise files.trouble(error, folder if error.errno == errno.ENOSPC else backup) from error
    return database, _key(header, passphrase, backup), header


def _header(content: BinaryIO, backup: Path) -> tuple[Header, int]:
    """The header, and where the database begins."""
    if content.readline(len(_MAGIC)) != _MAGIC:
        raise StartError("broken_backup", file=str(backup))
    line = content.readline(_MAX_HEADER)
    try:
        found = msgspec.json.decode(line, type=_Version).version
        if found > _VERSION:
            raise StartError("newer_backup", file=str(backup), found=found, known=_VERSION)
        header = msgspec.json.decode(line, type=Header)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise StartError("broken_backup", file=str(backup)) from error
    if header.schema > len(schema.MIGRATIONS):
        raise StartError("newer_backup", file=str(backup), found=header.schema, known=len(schema.MIGRATIONS))
    return header, content.tell()


def _key(header: Header, passphrase: str, backup: Path) -> bytes:
    try:
        return keyring.unwrap(header.key, passphrase)
    except StartError as error:
        if error.kind != "wrong_passphrase":
            raise
        raise StartError("wrong_passphrase", file=str(backup)) from error


def transfer(database: Path, key: bytes, target: Path, own: bytes) -> None:
    """Copy what `unpack` gave into a new database under the key `own`. StartError as Store.open."""
    with (
        schema.failures_told(database),
        closing(apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)) as source,
        _fresh(target, own) as copy,
    ):
        schema.unlock(source, key)
        _transfer(source, copy)
