"""What people write, what they and their rooms are called, is found in no file: not in the profile, a log, or a temporary file.

An encrypted file that lacks a word proves nothing by itself: the same words are found in the plain image behind the key.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

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
