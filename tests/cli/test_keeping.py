"""Backups and damaged files as a person meets them: real processes that go on talking meanwhile."""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from peertalk.cli import keeping
from peertalk.core import events
from peertalk.errors import RequestError, StartError
from peertalk.node import keyring
from peertalk.node.store import Store
from tests.processes import LOOPBACK, WITHIN, Ended, Running, rpc, run

PAGE = 4096


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "ada"


@pytest.fixture
def passphrase(tmp_path: Path) -> tuple[str, str]:
    """Options with a passphrase."""
    file = tmp_path / "passphrase"
    file.write_text("correct horse\n")
    return "--passphrase-file", str(file)


class Heard:
    """A running process, with the warnings that it gave."""

    def __init__(self, running: Running) -> None:
        self.node = running.node
        self.running = running
        self.warnings: list[str] = []
        self.news = asyncio.Event()

    async def listen(self) -> None:
        async for event in self.node.subscribe():
            self.news.set()
            if isinstance(event, events.Warning):
                self.warnings.append(event.kind)

    async def texts(self) -> list[str]:
        return [one.text for one in (await self.node.messages("lobby", 1000)).messages if one.kind == "text"]

    async def until(self, test: Callable[[list[str]], bool]) -> list[str]:
        """The texts in the lobby, once they are so."""
        async with asyncio.timeout(WITHIN):
            while True:
                self.news.clear()
                texts = await self.texts()
                if test(texts):
                    return texts
                await self.news.wait()

    async def has(self, *wanted: str) -> list[str]:
        return await self.until(lambda texts: set(wanted) <= set(texts))


@asynccontextmanager
async def talking(home: Path, *options: str) -> AsyncIterator[Heard]:
    async with rpc(home, *options) as running:
        heard = Heard(running)
        listening = asyncio.create_task(heard.listen())
        try:
            yield heard
        finally:
            listening.cancel()
            await asyncio.wait((listening,))


def said(ended: Ended, code: int = 1) -> str:
    assert ended.code == code, ended
    assert (ended.out if code else ended.err) == ""
    return (ended.err.removeprefix("peertalk: ") if code else ended.out).strip()


async def test_who_goes_on_after_a_backup_and_comes_back_from_it_loses_nothing_and_forks_nothing(
    home: Path, tmp_path: Path, passphrase: tuple[str, str]
) -> None:
    file = tmp_path / "backup"
    async with talking(tmp_path / "ben", "--name", "Ben") as ben:
        to_ben = ("--connect", f"127.0.0.1:{await ben.running.port()}")
        async with talking(home, "--name", "Ada") as ada:
            me = (await ada.node.status()).identity.id
            await ada.node.send("lobby", "waits")
            told = said(await run(home, "backup", str(file), *passphrase), 0)
            assert str(file) in told
            await ada.node.call("peers.connect", host="127.0.0.1", port=await ben.running.port())
            later = (await ada.node.send("lobby", "after the backup")).id
            await ben.has("waits", "after the backup")
            await ada.running.end()
        shutil.rmtree(home)
        said(await run(home, "restore", str(file), *passphrase), 0)
        async with talking(home, *to_ben) as ada:
            assert (await ada.node.status()).identity.id == me
            await ada.has("waits", "after the backup")
            await ada.node.send("lobby", "back again")
            await ben.has("back again")
            texts = await ben.until(lambda texts: texts.count("waits") == 2)  # as docs/adr/0006 says
            assert Counter(texts) == {"waits": 2, "after the backup": 1, "back again": 1}
            await ada.until(lambda mine: mine == texts)
            assert (ada.warnings, ben.warnings) == ([], [])
            await ada.node.call("messages.edit", message=later, text="after the backup, and after coming back")
            await ben.has("after the backup, and after coming back")
            mine = [one.mine for one in (await ada.node.messages("lobby", 1000)).messages if one.kind == "text"]
            assert mine == [True] * 4


async def test_a_profile_that_is_closed_is_backed_up_as_well_with_its_own_passphrase(
    home: Path, tmp_path: Path, passphrase: tuple[str, str]
) -> None:
    file, wrong = tmp_path / "backup", tmp_path / "wrong"
    wrong.write_text("battery staple")
    assert (await run(home, "send", "lobby", "kept", "--wait", "0", *LOOPBACK, *passphrase)).code == 0
    assert "passphrase" in said(await run(home, "backup", str(file)))
    assert said(await run(home, "backup", str(file), "--passphrase-file", str(wrong))).startswith(
        "That passphrase does not open"
    )
    assert not file.exists()
    said(await run(home, "backup", str(file), *passphrase), 0)
    assert "is there already" in said(await run(home, "backup", str(file), *passphrase))
    new = tmp_path / "new"
    assert str(file) in said(await run(new, "restore", str(file), "--passphrase-file", str(wrong)))
    assert not (new / "key").exists()
    assert "passphrase of the backup" in said(await run(new, "restore", str(file), *passphrase), 0)
    async with talking(new, *passphrase) as back:
        assert await back.texts() == ["kept"]
    assert "--set-aside" in said(await run(new, "restore", str(file), *passphrase))
    told = said(await run(new, "restore", "--set-aside", str(file), *passphrase), 0)
    aside = set_aside(new)
    assert str(aside) in told
    assert said(await run(tmp_path / "none", "backup", str(tmp_path / "another"), *passphrase)).startswith(
        "There is no profile"
    )


def set_aside(home: Path) -> Path:
    (folder,) = home.glob("set-aside-*")
    return folder


async def damage_what_a_start_does_not_need(home: Path) -> None:
    """One page, which whoever reads the lobby needs."""
    whole = keyring.database(home).read_bytes()
    for page in reversed(range(len(whole) // PAGE)):
        damage(home, page)
        if await can_be_read(home, texts=False) and not await can_be_read(home, texts=True):
            return
        keyring.database(home).write_bytes(whole)
    pytest.fail("a start needs all pages")


async def can_be_read(home: Path, *, texts: bool) -> bool:
    """What a start reads, or also `texts`."""
    try:
        store = Store.open(keyring.database(home), keyring.unlock(home, None))
    except StartError:
        return False
    try:
        [lobby] = (await store.load()).rooms
        await store.entries(lobby.record.id, ("text",), 100 if texts else 0)
        return True
    except StartError:
        return False
    finally:
        await store.close()


def damage(home: Path, *pages: int) -> None:
    with (home / "peertalk.db").open("r+b") as file:
        for page in pages:
            file.seek(page * PAGE + 100)
            file.write(b"damaged")


async def test_damage_that_shows_only_when_it_is_read_ends_the_program_and_says_what_to_do(home: Path, tmp_path: Path) -> None:
    async with (
        talking(tmp_path / "ben") as ben,
        talking(home, "--connect", f"127.0.0.1:{await ben.running.port()}") as ada,
    ):
        texts = [f"{number} " + 30_000 * "x" for number in range(4)]
        await asyncio.gather(*(ada.node.send("lobby", text) for text in texts))
        await ben.has(*texts)
        assert (await ada.running.end()).code == 0
    await damage_what_a_start_does_not_need(home)
    async with rpc(home) as again:
        with pytest.raises(RequestError) as refused:
            await again.node.messages("lobby")
        assert refused.value.kind == "broken_database"
        async with asyncio.timeout(WITHIN):
            assert await again.process.wait() == 1
        assert "peertalk restore --set-aside" in (await again.end()).err


async def test_damaged_files_are_named_moved_at_ones_wish_and_the_rest_comes_back_from_others(
    home: Path, tmp_path: Path
) -> None:
    async with talking(tmp_path / "ben", "--name", "Ben") as ben:
        to_ben = ("--connect", f"127.0.0.1:{await ben.running.port()}")
        async with talking(home, "--name", "Ada", *to_ben) as ada:
            me = (await ada.node.status()).identity.id
            for number in range(5):
                await ada.node.send("lobby", f"before {number}")
            await ben.has("before 4")
            await ada.running.end()
        raw = bytearray((home / "peertalk.db").read_bytes())
        for page in range(8, len(raw) // PAGE):  # what begins with the small tables goes on with history
            damage(home, page)
        broken = (home / "peertalk.db").read_bytes()
        told = said(await run(home, "rpc", *LOOPBACK))
        assert told.startswith("The stored history is damaged and cannot be read. Nothing was deleted or changed.")
        for part in ("peertalk restore --set-aside", "peertalk reset", str(home / "peertalk.db")):
            assert part in told
        assert (home / "peertalk.db").read_bytes() == broken
        told = said(await run(home, "reset", "--yes"), 0)
        aside = set_aside(home)
        assert str(aside) in told
        assert "1 room" in told
        assert (aside / "peertalk.db").read_bytes() == broken
        async with talking(home, *to_ben) as ada:
            status = (await ada.node.status()).identity
            assert (status.id, status.name) == (me, "Ada")
            await ada.has(*(f"before {number}" for number in range(5)))
            await ada.node.send("lobby", "after")
            assert Counter(await ben.has("after")) == Counter([*(f"before {number}" for number in range(5)), "after"])
            assert (ada.warnings, ben.warnings) == ([], [])


async def test_a_damaged_key_is_told_from_a_damaged_history(home: Path) -> None:
    assert (await run(home, "rpc", *LOOPBACK)).code == 0
    key = (home / "key").read_bytes()
    (home / "key").write_bytes(key[:-9])
    assert "the key to your stored history is damaged" in said(await run(home, "rpc", *LOOPBACK))
    (home / "key").unlink()
    assert "the key to your stored history is not there" in said(await run(home, "rpc", *LOOPBACK))
    told = said(await run(home, "reset", "--yes"), 0)
    assert "Nothing in them could be read." in told
    assert (await run(home, "rpc", *LOOPBACK)).code == 0


def test_what_is_set_aside_twice_within_a_second_lies_in_two_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "ASIDE", "set-aside")
    names = []
    for _ in range(3):
        names.append(keeping.new_name(tmp_path))
        (tmp_path / names[-1]).mkdir()
    assert names == ["set-aside", "set-aside-2", "set-aside-3"]


async def test_without_a_yes_nothing_is_moved(home: Path) -> None:
    assert (await run(home, "rpc", *LOOPBACK)).code == 0
    for answer in (b"", b"no\n", b"\n"):
        ended = await run(home, "reset", given=answer)
        assert (ended.code, ended.out) == (130, "")
        assert ended.err.startswith(f"Begin anew in {home}?")
        assert ended.err.endswith("peertalk: Nothing was changed.\n")
        assert (home / "key").exists()
    assert (await run(home, "reset", "--lang", "de", given=b"Ja\n")).code == 0
    assert (set_aside(home) / "key").exists()
