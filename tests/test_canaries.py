"""What people write, what they and their rooms are called, is found in no file: not in the profile, a log, or a temporary file.

An encrypted file that lacks a word proves nothing by itself: the same words are found in the plain image behind the key.
"""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from peertalk.node import keyring, schema
from tests.lab.rpc_process import RpcProcess

TEXT, OWN, OTHER, ROOM = "canarytextwren", "Canarynamefinch", "Canarypeerlinnet", "canaryroomsiskin"
WORDS = (TEXT, OWN, OTHER, ROOM)


async def start(directory: Path, home: str, name: str, *options: str) -> RpcProcess:
    temporary = directory / "tmp"
    temporary.mkdir(exist_ok=True)
    environment = {**os.environ, "TMPDIR": str(temporary), "SQLITE_TMPDIR": str(temporary)}
    environment["PEERTALK_STATE"] = str(directory / "state")

    async def run(command: list[str]) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            *command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment, limit=1 << 24
        )

    logged = ["--log-file", str(directory / f"{home}.log"), "--log-level", "debug"]
    return await RpcProcess.start(
        run, directory / home, "--name", name, "--no-mdns", "--interface", "127.0.0.1", *logged, *options
    )


def files_with(directory: Path, word: str) -> list[str]:
    """The files below `directory` that hold `word`, in whatever case and any of the ways to write it, or are called so."""
    forms = [word.lower().encode(form) for form in ("utf-8", "utf-16-le", "utf-16-be")]
    files = [file for file in directory.rglob("*") if file.is_file()]
    return [str(file) for file in files if word in str(file) or any(form in file.read_bytes().lower() for form in forms)]


def plain_image(home: Path) -> bytes:
    writer, reader = schema.connect(keyring.database(home), keyring.unlock(home, None))
    try:
        return writer.serialize("main").lower()
    finally:
        writer.close()
        reader.close()


def images_of_the_log(home: Path, copy: Path) -> Iterator[bytes]:
    """What is behind the key, and what was before each commit that is still in the log: the last image is what is there now."""
    shutil.copytree(home, copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.sock", "*-shm"))
    database = keyring.database(copy)
    log = database.with_name(database.name + "-wal")
    written = log.read_bytes() if log.exists() else b""
    frame = 24 + int.from_bytes(written[8:12], "big")
    before = database.read_bytes()
    for end in range(32, len(written) + 1, frame) if written else [0]:
        database.write_bytes(before)
        log.write_bytes(written[:end])
        yield plain_image(copy)


async def converse(directory: Path) -> list[str]:
    """Two processes talk in rooms and alone; the files that give something away while they run, and such lines of theirs."""
    ada = await start(directory, "first", OWN)
    port = (await ada.call("node.status"))["listening"][0]["port"]
    ben = await start(directory, "second", OTHER, "--connect", f"127.0.0.1:{port}")
    try:
        await ada.wait_event(lambda event: event["type"] == "peer" and event["change"] == "online")
        room = await ada.call("rooms.join", name=ROOM)
        await ben.call("rooms.join", name=ROOM)
        direct = await ada.call("direct.open", peer=OTHER)
        for where in (room["id"], direct["id"], "lobby"):
            sent = await ada.call("messages.send", room=where, text=f"{TEXT} {where}")
            await ada.wait_event(lambda event, id=sent["id"]: event["type"] == "delivered" and event["message"] == id)
        found = [file for word in WORDS for file in files_with(directory, word)]
    finally:
        await ada.stop()
        await ben.stop()
    return [*found, *(line for process in (ada, ben) for line in process.log if "canary" in line.lower())]


async def test_no_file_holds_what_people_write_or_are_called(tmp_path: Path) -> None:
    assert await converse(tmp_path) == []
    for word in WORDS:
        assert files_with(tmp_path, word) == []
        assert all(word.lower().encode() in plain_image(tmp_path / home) for home in ("first", "second")), word


# ── rooms behind a code ──────────────────────────────────────────────────────────────────────────────────────────────

PRIVATE, FLEETING, WHISPER, OFFERED, FORGOTTEN, THIRD = (
    *("canaryprivatestork", "canarysessionheron", "canarywhispercrane"),
    *("canaryofferedraven", "canaryforgottenowl", "Canarythirdplover"),
)
SECRETS = (PRIVATE, FLEETING, WHISPER, OFFERED, FORGOTTEN, THIRD)


async def room_of(name: str, host: RpcProcess, *guests: RpcProcess, retention: str = "forever") -> str:
    """A private room with something said in it, in which all are together."""
    room = str((await host.call("rooms.create", name=name, retention=retention))["id"])
    for guest in guests:
        await guest.call("rooms.accept", code=(await host.call("rooms.invite", room=room))["code"])
    for process in (host, *guests):
        await all_there(process, room, 1 + len(guests))
    return room


async def all_there(process: RpcProcess, room: str, number: int) -> None:
    since = 0
    while [one["online"] for one in await process.call("rooms.members", room=room)].count(True) < number:
        await process.wait_event(lambda event: event["type"] == "room" and event["change"] == "members", since=since)
        since = len(process.events)


async def circle(ada: RpcProcess, ben: RpcProcess, cara: RpcProcess) -> list[bytes]:
    """What is done with private rooms; the secrets and the ids that are to be nowhere on disk afterwards."""
    private = await room_of(PRIVATE, ada, ben)
    waiting = await ada.call("rooms.invite", room=private)
    await ada.call("rooms.words", room=private)
    await ada.call("rooms.verified", room=private, present=[OTHER])
    fleeting = await room_of(FLEETING, ada, ben, retention="session")
    for process in (ada, ben):
        await process.call("messages.send", room=fleeting, text=WHISPER)
        await process.call("rooms.words", room=fleeting)
    await ada.call("rooms.invite", room=fleeting)
    offered = await room_of(OFFERED, ada, ben, cara)
    await ada.call("rooms.reform", room=offered, without=[THIRD])
    await ben.wait_event(lambda event: event["type"] == "reform_offer")
    forgotten = await room_of(FORGOTTEN, ada, ben)
    await ada.call("rooms.invite", room=forgotten)
    for process in (ada, ben):
        await process.call("rooms.leave", room=forgotten, forget=True)
    secret = waiting["link"].removeprefix("peertalk:1/").split("?")[0].split("/")[1]
    return [base64.b32decode(secret.upper() + "=" * 6), bytes.fromhex(fleeting), bytes.fromhex(forgotten)]


async def test_of_rooms_behind_a_code_there_is_in_files_what_is_to_be_kept_and_no_more(tmp_path: Path) -> None:
    homes = ("first", "second", "third")
    ada = await start(tmp_path, "first", OWN)
    at = f"127.0.0.1:{(await ada.call('node.status'))['listening'][0]['port']}"
    ben, cara = [await start(tmp_path, *who, "--connect", at) for who in (("second", OTHER), ("third", THIRD))]
    people = (ada, ben, cara)
    try:
        for process in people:
            await process.online(*[await other.identity() for other in people if other is not process])
        nowhere = await circle(*people)
        found = [file for word in SECRETS for file in files_with(tmp_path, word)]
    finally:
        for process in people:
            await process.stop()
    lines = [line for process in people for line in process.log]
    assert found == [file for word in SECRETS for file in files_with(tmp_path, word)] == []
    assert [line for line in lines if "canary" in line.lower() or any(id_.hex()[:8] in line for id_ in nowhere)] == []
    images = {home: plain_image(tmp_path / home) for home in homes}
    kept = {word: [home for home in homes if word.lower().encode() in images[home]] for word in SECRETS}
    assert kept[PRIVATE] == ["first", "second"]
    assert kept[OFFERED] == list(homes)
    assert kept[FLEETING] == kept[WHISPER] == kept[FORGOTTEN] == []
    assert [home for home in homes if any(secret in images[home] for secret in nowhere)] == []


# ── what is deleted, and what was changed ────────────────────────────────────────────────────────────────────────────

SAID, BETTER, TITLE, DELETED_WAITING, CHANGED, LEFT = (
    *("canarysaidrobin", "canarybetterdove", "canarytitleibis"),
    *("canarywaitinglark", "canarychangedkite", "canaryleftswift"),
)
TAKEN_BACK = (SAID, BETTER, TITLE, DELETED_WAITING)


async def is_told(process: RpcProcess, test: Callable[[dict[str, Any]], bool]) -> None:
    kinds = ("message", "message_changed")
    await process.wait_event(lambda event: event["type"] in kinds and test(event["message"]))


async def take_back(ada: RpcProcess, ben: RpcProcess) -> None:
    """Ada tells something, says it in other words, and deletes it, here and with Ben; and a message that still waits; another she
    changes, and Ben has that too. What was deleted is found nowhere any more."""
    told = await ada.call("messages.send", room="lobby", text=SAID, kind="story", title=TITLE)
    await ada.call("messages.edit", message=told["id"], text=BETTER)
    kept = await ada.call("messages.send", room="lobby", text=CHANGED)
    await ada.call("messages.edit", message=kept["id"], text=LEFT)
    await ada.call("messages.delete", message=told["id"])
    await is_told(ben, lambda message: message["id"] == told["id"] and message["deleted"])
    await is_told(ben, lambda message: message["id"] == kept["id"] and message["text"] == LEFT)
    for process in (ada, ben):
        assert [await process.call("messages.search", query=word) for word in (SAID, BETTER, TITLE, CHANGED)] == [[]] * 4
        assert [one["id"] for one in await process.call("messages.search", query=LEFT)] == [kept["id"]]


async def test_of_what_was_deleted_no_word_is_left_in_any_file_nor_behind_the_key(tmp_path: Path) -> None:
    ada = await start(tmp_path, "first", OWN)
    waiting = await ada.call("messages.send", room="lobby", text=DELETED_WAITING)
    await ada.call("messages.delete", message=waiting["id"])
    at = f"127.0.0.1:{(await ada.call('node.status'))['listening'][0]['port']}"
    ben = await start(tmp_path, "second", OTHER, "--connect", at)
    try:
        await ada.online(await ben.identity())
        await take_back(ada, ben)
        found = [file for word in (*TAKEN_BACK, CHANGED, LEFT) for file in files_with(tmp_path, word)]
    finally:
        await ada.kill()  # as it is: closing would tidy up
        await ben.kill()
    lines = [line for process in (ada, ben) for line in process.log]
    assert [*found, *(line for line in lines if "canary" in line.lower())] == []
    for home in ("first", "second"):
        images = list(images_of_the_log(tmp_path / home, tmp_path / "copy"))
        assert [word for word in TAKEN_BACK if any(word.encode() in plain for plain in images)] == []
        assert LEFT.encode() in images[-1]


async def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text(f"a {TEXT} a")
    assert files_with(tmp_path, TEXT) == [str(tmp_path / "kept")]
    assert files_with(tmp_path, OWN) == []


def test_the_image_is_behind_the_key(tmp_path: Path) -> None:
    key = keyring.create(tmp_path / "home", None)
    for connection in schema.connect(keyring.database(tmp_path / "home"), key):
        connection.close()
    with pytest.raises(apsw.NotADBError):
        apsw.Connection(str(keyring.database(tmp_path / "home"))).execute("SELECT * FROM sqlite_schema").fetchall()
