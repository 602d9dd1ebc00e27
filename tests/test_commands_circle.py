"""Commands of rooms behind a code: what is asked first, what comes of it, and what the front end is to show."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from peertalk import commands, i18n, say
from peertalk.commands import Candidates, Context, Invocation, Outcome
from peertalk.commands.creating import retention_of
from peertalk.core.events import Room
from peertalk.errors import RequestError
from tests.tui.fake_node import FakeNode, identity
from tests.tui.make import SETTINGS

CIRCLE = "room-circle"


@pytest.fixture
def node() -> FakeNode:
    node = FakeNode(SETTINGS)
    node.add_room("circle")
    for name in ("Mira", "Quiet Otter", "Sam"):
        node.add_peer(name, "circle", "lobby") if name == "Sam" else node.add_peer(name, "circle")
    return node


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    i18n.activate("en")
    yield
    i18n.activate("en")


async def run(node: FakeNode, line: str, room: str | None = CIRCLE, *, waiting: bool = False) -> Outcome:
    invocation = commands.parse(line)
    assert isinstance(invocation, Invocation), line
    return await go_on(node, invocation, room, waiting=waiting)


async def go_on(node: FakeNode, invocation: Invocation, room: str | None = CIRCLE, *, waiting: bool = False) -> Outcome:
    return await commands.run(node, invocation, Context(room, waiting=waiting))  # type: ignore[arg-type]  # a fake


async def yes(node: FakeNode, line: str) -> Outcome:
    """After its question was answered with a yes."""
    asked = (await run(node, line)).action
    assert isinstance(asked, commands.AskFirst)
    return await go_on(node, asked.invocation, "room-lobby")  # by now another room is open


def ids(*names: str) -> list[str]:
    return [identity(name)["id"] for name in names]


# ── making a room ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("line", "name", "retention"),
    [
        ("/create Tuesday circle, off the record", "Tuesday circle", "session"),
        ("/create Tuesday circle off the record", "Tuesday circle", "session"),
        ("/create Tuesday circle,  30 Days", "Tuesday circle", 30),
        ("/anlegen Dienstag, 1 Tag", "Dienstag", 1),
        ("/anlegen Dienstagskreis, ohne Aufzeichnung", "Dienstagskreis", "session"),
        ("/create You, me, forever", "You, me", "forever"),
    ],
)
async def test_how_long_it_keeps_what_is_said_stands_behind_a_comma(
    node: FakeNode, line: str, name: str, retention: object
) -> None:
    outcome = await run(node, line)
    assert node.called("create") == [(name, retention, "en")]
    assert outcome.action == commands.SwitchRoom(f"room-{name}")
    assert outcome.lines[-1] == say.kept_how(retention)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["You, me", "Group, 30", "Off the record", "30 days"])
async def test_where_nothing_was_said_of_it_it_is_asked_and_the_name_stays_whole(node: FakeNode, name: str) -> None:
    asked = (await run(node, f"/create {name}")).action
    assert isinstance(asked, commands.AskWhich)
    assert node.called("create") == []
    assert [option.title for option in asked.options] == ["forever", "30 days", "off the record"]
    assert all(option.meaning for option in asked.options)
    for option in asked.options:
        await go_on(node, option.invocation)
    assert node.called("create") == [(name, "forever", "en"), (name, 30, "en"), (name, "session", "en")]


async def test_without_a_name_the_front_end_asks_or_says_how_it_is_written(node: FakeNode) -> None:
    outcome = await run(node, "/create")
    assert outcome.action == commands.AskCreate()
    assert "/create Tuesday circle" in outcome.lines[0]


async def test_a_form_makes_it_in_the_persons_language(node: FakeNode) -> None:
    i18n.activate("de")
    made = await commands.make(node, "Kreis", 30)  # type: ignore[arg-type]  # a fake
    assert (node.called("create"), made.action) == ([("Kreis", 30, "de")], commands.SwitchRoom("room-Kreis"))


def test_what_is_no_retention_is_said() -> None:
    with pytest.raises(RequestError) as caught:
        retention_of("a while")
    assert "off the record, 30 days, forever" in say.error(caught.value)


# ── inviting, coming in ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_invitation_is_shown_and_said(node: FakeNode) -> None:
    outcome = await run(node, "/invite 20")
    assert node.called("invite") == [(CIRCLE, 20, 600, None)]
    assert isinstance(outcome.action, commands.ShowInvite)
    assert outcome.action.invite.uses == 20
    assert "7 guitar meadow comet" in outcome.lines[0]


@pytest.mark.parametrize("uses", ["0", "257", "many", "-1", "²"])
async def test_so_many_cannot_be_invited(node: FakeNode, uses: str) -> None:
    with pytest.raises(RequestError) as caught:
        await run(node, f"/invite {uses}")
    assert "a number from 1 to 256" in say.error(caught.value)
    assert node.called("invite") == []


async def test_nobody_is_invited_into_a_closed_room(node: FakeNode) -> None:
    await run(node, "/seal")
    with pytest.raises(RequestError) as caught:
        await run(node, "/invite")
    assert say.error(caught.value).startswith("circle is closed just now.")


async def test_cancel_takes_back_the_codes_of_the_open_room_or_all_or_the_one_that_is_named(node: FakeNode) -> None:
    await run(node, "/create other, forever")
    await run(node, "/invite")
    await run(node, "/invite", "room-other")
    assert (await run(node, "/cancel")).lines == ("7 guitar meadow comet lets nobody in any more. Who is in stays in.",)
    assert list(node.invites_by_code) == ["8-guitar-meadow-comet"]
    await run(node, "/cancel", "room-lobby")
    assert node.invites_by_code == {}
    await run(node, "/invite")
    await run(node, "/cancel 7-guitar-meadow-comet")
    assert node.invites_by_code == {}
    assert "nothing to take back" in (await run(node, "/cancel")).lines[0]


async def test_while_something_is_waited_for_cancel_stops_that(node: FakeNode) -> None:
    await run(node, "/invite")
    assert await run(node, "/cancel", waiting=True) == Outcome(action=commands.StopWaiting())
    assert len(node.invites_by_code) == 1


async def test_without_a_code_it_is_asked_for(node: FakeNode) -> None:
    outcome = await run(node, "/accept")
    assert outcome.action == commands.AskAccept()
    assert "/accept 7 guitar meadow comet" in outcome.lines[0]
    assert node.called("accept") == []


async def test_accepting_says_first_what_it_waits_for_and_not_the_code(node: FakeNode) -> None:
    node.doors["7 guitar meadow comet"] = Room(id="r", name="Tuesday circle", kind="private", retention="session")
    node.invited_by["r", "Robin"] = "Jonas"
    first = await run(node, "/accept 7 guitar meadow comet")
    assert isinstance(first.action, commands.Waiting)
    assert first.lines == (first.action.sentence,)
    assert "guitar" not in first.lines[0]
    assert node.called("accept") == []
    outcome = await go_on(node, first.action.invocation)
    assert outcome.lines[0] == "You are in Tuesday circle, invited by Jonas."
    assert "/words" in outcome.lines[1]
    assert outcome.lines[2].startswith("Off the record")
    assert outcome.action == commands.SwitchRoom("r")


# ── leaving, doors ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_leaving_a_private_room_asks_what_becomes_of_what_was_said(node: FakeNode) -> None:
    asked = (await run(node, "/leave")).action
    assert isinstance(asked, commands.AskWhich)
    told = await go_on(node, asked.options[1].invocation)
    assert node.called("leave") == [(CIRCLE, True)]
    assert told.lines == ("You left circle. What was said there is erased here.",)


async def test_off_the_record_there_is_nothing_to_keep(node: FakeNode) -> None:
    await run(node, "/create quiet, off the record")
    asked = (await run(node, "/leave", "room-quiet")).action
    assert isinstance(asked, commands.AskFirst)
    assert asked.question.endswith("Here nothing of it is kept.")


async def test_the_end_of_a_meeting_off_the_record_says_that_all_is_gone(node: FakeNode) -> None:
    await run(node, "/create quiet, off the record")
    asked = (await run(node, "/end", "room-quiet")).action
    assert isinstance(asked, commands.AskFirst)
    assert "gone from this computer" in asked.question
    outcome = await go_on(node, asked.invocation, "room-quiet")
    assert outcome.lines[1] == "Gone from this computer: what was said, who was there and the room."
    assert isinstance(outcome.action, commands.SwitchRoom)


async def test_a_door_is_closed_and_opened_and_one_person_let_in(node: FakeNode) -> None:
    node.add_peer("Tarek", "lobby")
    lines = [(await run(node, line)).lines[0] for line in ("/schließen", "/einlassen Tarek", "/OEFFNEN")]
    assert [call for call in node.calls if call[0] in ("seal", "admit", "unseal")] == [
        ("seal", CIRCLE), ("admit", CIRCLE, *ids("Tarek")), ("unseal", CIRCLE),
    ]  # fmt: skip
    assert [line.split()[0] for line in lines] == ["circle", "Tarek", "circle"]


# ── starting anew ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_starting_anew_says_what_it_does_and_where_one_still_meets(node: FakeNode) -> None:
    asked = (await run(node, "/reform Sam, Quiet Otter")).action
    assert isinstance(asked, commands.AskFirst)
    assert asked.question.startswith("Start circle anew without Sam and Quiet Otter?")
    assert asked.question.endswith("You still meet in: #lobby.")
    assert node.called("reform") == []
    outcome = await go_on(node, asked.invocation, "room-lobby")
    assert node.called("reform") == [(CIRCLE, ids("Sam", "Quiet Otter"))]
    assert outcome.action == commands.SwitchRoom(CIRCLE + "-anew")


@pytest.mark.parametrize(("line", "why"), [("/reform Robin", "self"), ("/reform Sam", "not_private")])
async def test_what_cannot_be_started_anew_is_not_even_asked_about(node: FakeNode, line: str, why: str) -> None:
    with pytest.raises(RequestError) as caught:
        await run(node, line, "room-lobby" if why == "not_private" else CIRCLE)
    assert (caught.value.kind, caught.value.data["why"]) == ("refused", why)


async def test_only_members_can_be_left_out_and_nobody_is_guessed(node: FakeNode) -> None:
    node.add_peer("Tarek", "lobby")
    node.add_peer("sam", "circle", key="another")
    for line, kind in (("/reform Tarek", "unknown_peer"), ("/reform Mira, Sam", "ambiguous_name")):
        with pytest.raises(RequestError) as caught:
            await run(node, line)
        assert caught.value.kind == kind


async def test_of_two_offers_it_is_asked_which_unless_somebody_is_named(node: FakeNode) -> None:
    mira, otter, sam = (node.peers_by_id[id] for id in ids("Mira", "Quiet Otter", "Sam"))
    node.offers_to_follow(node.rooms_by_id[CIRCLE], mira, [sam])
    shown = await run(node, "/offers")
    assert shown.action == commands.ShowOffer(node.offers_by_id["offer-0"])
    node.offers_to_follow(node.rooms_by_id[CIRCLE], otter, [mira])
    assert (await run(node, "/offers")).action is None
    asked = (await run(node, "/follow")).action
    assert isinstance(asked, commands.AskWhich)
    assert [option.title for option in asked.options] == [
        "Mira has started circle anew without Sam.", "Quiet Otter has started circle anew without Mira.",
    ]  # fmt: skip
    outcome = await go_on(node, asked.options[1].invocation)
    assert node.called("follow") == [("offer-1",)]
    assert outcome.action == commands.SwitchRoom(CIRCLE + "-anew")
    await run(node, "/bleiben mira")
    assert node.called("decline") == [("offer-0",)]


async def test_a_room_and_the_one_before_it_have_one_name_so_it_is_asked_which(node: FakeNode) -> None:
    await yes(node, "/reform Sam")
    asked = (await run(node, "/room Circle")).action
    assert isinstance(asked, commands.AskWhich)
    assert [option.meaning[:2] for option in asked.options] == ["", "It"]
    opened = [(await go_on(node, option.invocation)).action for option in asked.options]
    assert opened == [commands.SwitchRoom(CIRCLE + "-anew"), commands.SwitchRoom(CIRCLE)]
    assert (await run(node, "/room lobby")).action == commands.SwitchRoom("room-lobby")


async def test_without_an_offer_there_is_nothing_to_follow(node: FakeNode) -> None:
    assert (await run(node, "/offers")).action is None
    for line in ("/follow", "/decline"):
        with pytest.raises(RequestError) as caught:
            await run(node, line)
        assert caught.value.kind == "unknown_offer"


# ── being sure ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_words_are_shown_in_the_rooms_language_or_another(node: FakeNode) -> None:
    outcome = await run(node, "/words")
    await run(node, "/wörter DE")
    assert node.called("words") == [(CIRCLE, None), (CIRCLE, "de")]
    assert isinstance(outcome.action, commands.ShowWords)
    assert outcome.action.room.id == CIRCLE


async def test_who_is_present_is_verified_after_a_yes_in_the_room_that_was_asked_about(node: FakeNode) -> None:
    await run(node, "/words")
    outcome = await yes(node, "/present Sam and Quiet Otter")
    assert node.called("verified") == [(CIRCLE, ids("Sam", "Quiet Otter"))]
    assert outcome.lines == ("Sam and Quiet Otter are verified now.",)


async def test_all_are_those_who_are_linked_and_nobody_who_is_called_so(node: FakeNode) -> None:
    node.add_peer("Tarek", "circle", online=False)
    await run(node, "/words")
    await yes(node, "/anwesend alle außer Sam")
    assert node.called("verified") == [(CIRCLE, ids("Mira", "Quiet Otter"))]
    node.add_peer("All", "circle")
    await run(node, "/words")
    await yes(node, "/present all")
    assert node.called("verified")[1:] == [(CIRCLE, ids("All"))]


async def test_alone_there_is_nobody_to_be_sure_of(node: FakeNode) -> None:
    await run(node, "/create other, forever")
    assert "Nobody else" in (await run(node, "/present all", "room-other")).lines[0]


async def test_comparing_says_what_the_other_has_to_do_then_shows_symbols(node: FakeNode) -> None:
    first = await run(node, "/verify mira")
    assert isinstance(first.action, commands.Waiting)
    assert first.lines == ("Waiting for Mira to type /verify Robin too … /cancel stops it.",)
    outcome = await go_on(node, first.action.invocation, None)
    assert isinstance(outcome.action, commands.ShowEmoji)
    assert outcome.action.peer.name == "Mira"
    assert "1 Dog" in outcome.lines[1]
    assert (await run(node, "/same Mira")).lines[0].startswith("Mira is verified now")
    assert (await run(node, "/anders Mira")).lines[0].startswith("Mira is not verified")
    assert node.called("confirm") == [(*ids("Mira"), True), (*ids("Mira"), False)]


async def test_of_two_with_one_name_it_is_said_which_one_is_meant(node: FakeNode) -> None:
    other = node.add_peer("Sam", "circle", key="another")
    named = f"Sam · {other.tag}"
    assert f"/unblock {named}" in (await run(node, f"/block {named}")).lines[0]
    assert named in (await run(node, f"/unblock {named}")).lines[0]
    waiting = (await run(node, f"/verify {named}")).action
    assert isinstance(waiting, commands.Waiting)
    assert named in waiting.sentence
    assert f"/same {named}" in (await go_on(node, waiting.invocation)).lines[-1]
    assert (await run(node, f"/same {named}")).lines[0].startswith(f"{named} is verified")


async def test_rooms_that_are_called_alike_are_told_apart(node: FakeNode) -> None:
    sams = []
    for key in ("one", "two"):
        room = node.add_room(f"with {key}", "direct")
        node.rooms_by_id[room.id] = msgspec.structs.replace(room, name="Sam")
        sams.append(node.add_peer("Sam", f"with {key}", key=key))
    old = node.add_room("old", "private")
    node.rooms_by_id[old.id] = msgspec.structs.replace(old, name="circle", archived=True)
    names = [line.split(":")[0] for line in (await run(node, "/rooms")).lines]
    assert names[1:] == ["circle", f"Sam · {sams[0].tag}", f"Sam · {sams[1].tag}", "circle (only to be read)"]


async def test_whois_tells_the_key_and_the_ties_in_each_room(node: FakeNode) -> None:
    node.invited_by[CIRCLE, "Sam"] = "Mira"
    lines = (await run(node, "/wer-ist Sam")).lines
    assert lines[0] == f"Sam · {identity('Sam')['tag']}: here"
    assert f"Key: {node.peers_by_id[ids('Sam')[0]].fingerprint}" in lines
    assert "In circle: invited by Mira" in lines
    assert "In #lobby: known directly" in lines


# ── Tab ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("line", "first"),
    [
        ("/accept 7 guit", "/accept 7 guitar"),
        ("/accept 7-guitar-mead", "/accept 7-guitar-meadow"),
        ("/annehmen 7 gitar", "/annehmen 7 gitarre"),
        ("/reform Mira, Ott", "/reform Mira, Quiet Otter"),
        ("/present Mi", "/present Mira"),
        ("/wer-ist o", "/wer-ist Quiet Otter"),
        ("/words d", "/words de"),
        ("/schl", "/schließen"),
    ],
)
def test_tab_completes_codes_and_people(line: str, first: str) -> None:
    found = commands.complete(line, len(line), Candidates(peers=("Mira", "Quiet Otter")))
    assert line[: found[0].start] + found[0].text == first


def test_no_code_is_offered_where_no_word_has_begun() -> None:
    assert commands.complete("/accept ", 8, Candidates()) == []
    assert commands.complete("/accept 7 guitar meadow comet x", 31, Candidates()) == []


def test_the_end_of_a_meeting_is_not_the_end_of_the_program() -> None:
    meant = {word: commands.find(word) for word in ("end", "ende", "schluss", "quit", "beenden")}
    assert {word: command.id for word, command in meant.items() if command} == {
        "end": "end", "ende": "quit", "schluss": "end", "quit": "quit", "beenden": "quit",
    }  # fmt: skip
