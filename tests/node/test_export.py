"""A room written into a file: all of it or none, for its owner alone."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from peertalk import i18n, say
from peertalk.errors import RequestError
from peertalk.node import export
from peertalk.node.node import Node
from tests.node.company import Company, company, until


@pytest.fixture
async def people(tmp_path: Path) -> AsyncIterator[Company]:
    i18n.activate("en")
    async with company(tmp_path / "home") as one:
        one.directory.mkdir()
        yield one


def in_folder(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


async def talk(people: Company, count: int = 3) -> Node:
    ada = await people.node("Ada")
    for number in range(count):
        await ada.send("lobby", f"line {number}")
    return ada


async def test_the_file_has_everything_and_is_its_owners_alone(people: Company, tmp_path: Path) -> None:
    ada = await talk(people, 3)
    path = tmp_path / "lobby.json"
    before = os.umask(0)
    try:
        exported = await ada.export("lobby", str(path), say.form("json", []))
    finally:
        os.umask(before)
    assert (exported.path, exported.count) == (str(path), 3)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    written = json.loads(path.read_text())
    assert written["room"]["name"] == "lobby"
    assert [one["text"] for one in written["messages"]] == ["line 0", "line 1", "line 2"]
    assert in_folder(tmp_path) == ["home", "lobby.json"]


async def test_slices_follow_each_other(people: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("peertalk.node.history_calls.SLICE", 2)
    ada = await talk(people, 7)
    ben = await people.node("Ben", ada)
    for number in range(7, 12):
        await ben.send("lobby", f"line {number}")
    path = tmp_path / "lobby.json"
    await until(ben, lambda: everything_is_placed(ben, 12))
    listed = [one.id for one in (await ben.messages("lobby", 1000)).messages if one.kind == "text"]
    await ben.export("lobby", str(path), say.form("json", []))
    assert [one["id"] for one in json.loads(path.read_text())["messages"] if one["kind"] == "text"] == listed


async def everything_is_placed(node: Node, count: int) -> bool:
    spoken = [one for one in (await node.messages("lobby", 1000)).messages if one.kind == "text"]
    return len(spoken) == count and all(one.state == "sent" for one in spoken)


async def test_nothing_is_written_over_what_is_there(people: Company, tmp_path: Path) -> None:
    ada = await talk(people)
    path = tmp_path / "there.md"
    path.write_text("mine")
    link = tmp_path / "link.md"
    link.symlink_to(tmp_path / "nowhere")
    for taken in (path, link):
        with pytest.raises(RequestError) as caught:
            await ada.export("lobby", str(taken), say.form("markdown", []))
        assert (caught.value.kind, caught.value.data["why"]) == ("refused", "exists")
    assert path.read_text() == "mine"
    assert in_folder(tmp_path) == ["home", "link.md", "there.md"]


async def test_where_nothing_can_be_written_nothing_is_left(
    people: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await talk(people)
    with pytest.raises(RequestError) as caught:
        await ada.export("lobby", str(tmp_path / "no" / "folder.md"), say.form("markdown", []))
    assert (caught.value.data["why"], caught.value.data["reason"]) == ("folder", "missing")

    for name in ("a\0b", "n" * 300, ".", "/"):
        with pytest.raises(RequestError) as caught:
            await ada.export("lobby", name, say.form("markdown", []))
        assert caught.value.kind == "refused"

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export.os, "fsync", full)
    with pytest.raises(RequestError) as caught:
        await ada.export("lobby", str(tmp_path / "full.md"), say.form("markdown", []))
    assert caught.value.data["reason"] == "full"
    assert in_folder(tmp_path) == ["home"]


async def test_what_is_off_the_record_is_not_written_down(people: Company, tmp_path: Path) -> None:
    ada = await people.node("Ada")
    room = await ada.create("Circle", "session")
    await ada.send(room.id, "between us")
    with pytest.raises(RequestError) as caught:
        await ada.export(room.id, str(tmp_path / "circle.md"), say.form("markdown", []))
    assert (caught.value.kind, caught.value.data["why"]) == ("refused", "off_record")
    assert not (tmp_path / "circle.md").exists()


async def test_a_file_system_without_links_has_it_too(people: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = await talk(people)

    def no_links(*_paths: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(export.os, "link", no_links)
    path = tmp_path / "lobby.md"
    await ada.export("lobby", str(path), say.form("markdown", []))
    assert "    line 2\n" in path.read_text()
