"""The last message changed, deleted, answered with a gesture; messages found, and a room written down: over a node in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from peertalk import commands, i18n, say
from peertalk.commands import AskFirst, Candidates, Context, Invocation, Outcome
from peertalk.errors import RequestError
from tests.tui.driving import company
from tests.tui.fake_node import FakeNode

HERE = Context("room-lobby")


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    i18n.activate("en")
    yield
    i18n.activate("en")


@pytest.fixture
def node() -> FakeNode:
    node = company("workshop")
    node.says("lobby", "Robin", "my first")
    node.says("lobby", "Robin", "my last")
    node.says("lobby", "Mira", "her last")
    node.says("lobby", "Mira", "Mira", kind="here")
    return node


async def run(node: FakeNode, line: str, context: Context = HERE) -> Outcome:
    said = commands.parse(line)
    assert isinstance(said, Invocation), said
    return await commands.run(node, said, context)  # type: ignore[arg-type]


def text_of(node: FakeNode, index: int) -> str:
    return node.texts["room-lobby"][index].text


@pytest.mark.parametrize("line", ["/edit my new last", "/ändern my new last", "/aendern my new last"])
async def test_edit_changes_the_last_own_message(node: FakeNode, line: str) -> None:
    await run(node, line)
    assert [text_of(node, 0), text_of(node, 1), text_of(node, 2)] == ["my first", "my new last", "her last"]


async def test_delete_says_which_and_asks(node: FakeNode) -> None:
    action = (await run(node, "/delete")).action
    assert isinstance(action, AskFirst)
    assert action.question == "Delete “my last”? It cannot be brought back."
    assert not node.texts["room-lobby"][1].deleted
    node.says("lobby", "Robin", "said meanwhile")
    outcome = await commands.run(node, action.invocation, HERE)  # type: ignore[arg-type]
    assert [one.text for one in node.texts["room-lobby"] if one.deleted] == [""]
    assert node.texts["room-lobby"][1].deleted, "the one that was asked about, not the last one by now"
    assert "as soon as their programs hear of it" in outcome.lines[0]
    action = (await run(node, "/löschen")).action
    assert isinstance(action, AskFirst)
    assert "said meanwhile" in action.question


@pytest.mark.parametrize(
    ("line", "gesture"),
    [
        ("/react thanks", "thanks"),
        ("/react DANKE", "thanks"),
        ("/geste auch", "metoo"),
        ("/react ❤", "❤️"),
        ("/react 👋🏽", "👋🏽"),
    ],
)
async def test_react_answers_the_last_of_others_and_once_more_takes_it_back(node: FakeNode, line: str, gesture: str) -> None:
    await run(node, line)
    assert node.texts["room-lobby"][2].reactions == {gesture: [node.me.id]}
    await run(node, line)
    assert node.texts["room-lobby"][2].reactions == {}


async def test_what_is_no_gesture_is_refused_with_those_that_there_are(node: FakeNode) -> None:
    with pytest.raises(RequestError) as caught:
        await run(node, "/react well done")
    assert say.error(caught.value) == "“well done” is not one of: hear, metoo, thanks, strength, hope, 👋."
    assert node.called("react") == []


def test_tab_offers_the_gestures_in_the_persons_language() -> None:
    offered = commands.complete("/react t", 8, Candidates())
    assert [each.text for each in offered] == ["thanks"]
    i18n.activate("de")
    assert [each.text for each in commands.complete("/geste ", 7, Candidates())] == [
        "hören",
        "auch",
        "danke",
        "kraft",
        "hoffnung",
    ]


@pytest.mark.parametrize("line", ["/edit x", "/delete", "/react hope"])
async def test_where_nothing_is_meant_nothing_happens(line: str) -> None:
    node = company()
    node.says("lobby", "Robin", "gone", deleted=True)
    node.says("lobby", "Mira", "gone", deleted=True)
    with pytest.raises(RequestError) as caught:
        await run(node, line)
    assert caught.value.kind == "unknown_message"


async def test_search_names_room_and_author_the_newest_first(node: FakeNode) -> None:
    node.says("workshop", "Jonas", "the last bus", minutes=60 * 48, title="Going home", kind="story")
    lines = (await run(node, "/search last")).lines
    assert lines[0] == "3 messages, the newest first:"
    assert lines[1].endswith("workshop, Jonas: Going home the last bus")
    assert lines[2].endswith("#lobby, Mira: her last")
    assert lines[3].endswith("#lobby, you: my last")
    assert (await run(node, "/suchen nowhere")).lines == ("Nothing was found for “nowhere”.",)


@pytest.mark.parametrize(("name", "begins"), [("talk.md", "# \\#lobby"), ("talk.json", '{"room":')])
async def test_export_writes_the_room_into_a_file(node: FakeNode, tmp_path: Path, name: str, begins: str) -> None:
    path = tmp_path / name
    assert (await run(node, f"/export {path}")).lines == (f"4 messages are in {path} now. Whoever gets that file can read it.",)
    assert path.read_text().startswith(begins)


async def test_without_a_name_the_file_is_where_it_is_found_again(
    node: FakeNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    node.add_room("Über / uns", "private")
    await run(node, "/exportieren", Context("room-Über / uns"))
    [(_room, path)] = node.called("export")
    assert str(path).startswith(f"{tmp_path}/Über-uns-20")
