"""One table of commands and keys: what a line means, what comes of it, and that nothing of it ends up in a room by a slip."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertalk import commands, i18n, say
from peertalk.commands import Context, Invocation, Outcome, Problem, SwitchRoom, Text
from peertalk.core.events import IdentityView, Member, Peer, Room
from peertalk.errors import RequestError, StartError

LOBBY = Room(id="r1", name="lobby", kind="open", members=3, online=2)
CIRCLE = Room(id="r2", name="Tuesday circle", kind="private", members=6, online=6, unread=3)
MIRA = Peer(id="aa", name="Mira", tag="m1ra", online=True)
OTTER = Peer(id="bb", name="Quiet Otter", tag="otr9")
ANNA = Peer(id="cc", name="Anna", tag="k3f9")
ANNA_TOO = Peer(id="dd", name="anna", tag="x7q2")


class FakeNode:
    """The part of Node that commands use; it writes down what it was asked to do."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.all_rooms = [LOBBY, CIRCLE]

    async def rooms(self) -> list[Room]:
        return self.all_rooms

    async def room(self, room: str) -> Room:
        for each in self.all_rooms:
            if room.removeprefix("#") in (each.id, each.name):
                return each
        raise RequestError("unknown_room", room=room)

    async def join(self, name: str) -> Room:
        self.asked.append(("join", name))
        return Room(id="r9", name=name, kind="open")

    async def leave(self, room: str, forget: bool = False) -> None:
        self.asked.append(("leave", room, forget))
        self.all_rooms = [each for each in self.all_rooms if each.id != room]

    async def members(self, room: str) -> list[Member]:
        return [
            Member(id="aa", name="Mira", tag="m1ra", online=False, via="Ben"),
            Member(id="me", name="Jonas", tag="j0na", me=True),
            Member(id="bb", name="Tarek", tag="tark", online=True, trust="verified"),
        ]

    async def peers(self) -> list[Peer]:
        return [MIRA, OTTER, ANNA, ANNA_TOO]

    async def open_direct(self, peer: str) -> Room:
        self.asked.append(("open_direct", peer))
        return Room(id="d-" + peer, name="somebody", kind="direct")

    async def send(self, room: str, text: str) -> None:
        self.asked.append(("send", room, text))

    async def set_name(self, name: str) -> IdentityView:
        self.asked.append(("set_name", name))
        return IdentityView(id="me", name=name.strip(), tag="j0na")

    async def connect(self, host: str, port: int) -> None:
        self.asked.append(("connect", host, port))

    async def block(self, peer: str) -> Peer:
        self.asked.append(("block", peer))
        return MIRA

    async def unblock(self, peer: str) -> Peer:
        self.asked.append(("unblock", peer))
        return MIRA


@pytest.fixture
def node() -> FakeNode:
    return FakeNode()


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    i18n.activate("en")
    yield
    i18n.activate("en")


async def run(node: FakeNode, line: str, room: str | None = "r1") -> Outcome:
    invocation = commands.parse(line)
    assert isinstance(invocation, Invocation)
    return await commands.run(node, invocation, Context(room))  # type: ignore[arg-type]  # a fake


def problem(line: str) -> RequestError:
    found = commands.parse(line)
    assert isinstance(found, Problem), found
    return found.error


# ── what a line means ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("line", ["hello", " a / b", "1/2", "", "\n", "http://x", "a\n/quit"])
def test_a_line_without_a_slash_in_front_is_text(line: str) -> None:
    assert commands.parse(line) == Text(line)


@pytest.mark.parametrize(("line", "text"), [("//me waves", "/me waves"), ("  // x", "/ x"), ("///", "//"), ("//", "/")])
def test_two_slashes_begin_a_text_with_one(line: str, text: str) -> None:
    assert commands.parse(line) == Text(text)


@pytest.mark.parametrize(
    ("line", "id", "arguments"),
    [
        ("/help", "help", {}),
        ("/help join", "help", {"command": "join"}),
        ("/join #workshop", "join", {"name": "#workshop"}),
        ("  /JOIN   my room  ", "join", {"name": "my room"}),
        ("/beitreten werkstatt", "join", {"name": "werkstatt"}),
        ("/räume", "rooms", {}),
        ("/ra\u0308ume", "rooms", {}),
        ("/msg Quiet Otter see you  at 8", "msg", {"peer": "Quiet Otter see you  at 8"}),
        ("/msg Mira line one\nline two", "msg", {"peer": "Mira line one\nline two"}),
        ("/msg\tMira", "msg", {"peer": "Mira"}),
        ("/leave", "leave", {}),
        ("/leave Tuesday circle", "leave", {"room": "Tuesday circle"}),
        ("/name Quiet Otter", "nick", {"name": "Quiet Otter"}),
        ("/theme DARK", "theme", {"theme": "DARK"}),
        ("/exit", "quit", {}),
    ],
)
def test_a_command_is_found_by_any_of_its_names(line: str, id: str, arguments: dict[str, str]) -> None:
    found = commands.parse(line)
    assert isinstance(found, Invocation)
    assert (found.command.id, found.arguments, found.confirmed) == (id, arguments, False)


@pytest.mark.parametrize(
    "line", ["/jion x", "/", "/ join x", "/ ", "/usr/bin/python", "/* code */", "/quit2", "\n/nope", "\t/nope"]
)
def test_what_looks_like_a_command_and_is_none_is_never_sent(line: str) -> None:
    error = problem(line)
    assert error.kind == "unknown_command"
    assert "nothing was sent" in say.error(error)


@pytest.mark.parametrize(
    ("line", "suggestion"),
    [("/jion x", "/join"), ("/qiut", "/quit"), ("/mgs Ben", "/msg"), ("/lea", "/leave"), ("/hlep", "/help")],
)
def test_the_nearest_command_is_suggested(line: str, suggestion: str) -> None:
    error = problem(line)
    assert error.data["suggestions"][0] == suggestion  # type: ignore[index]
    assert suggestion in say.error(error)


def test_nothing_is_suggested_for_what_is_like_nothing() -> None:
    assert problem("/xyzzyplugh").data["suggestions"] == ()


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("/join", "missing_argument"),
        ("/msg  ", "missing_argument"),
        ("/quit now", "extra_argument"),
        ("/rooms all", "extra_argument"),
        ("/theme pink", "bad_choice"),
        ("/lang fr", "bad_choice"),
    ],
)
def test_wrong_arguments_are_said_with_how_it_is_written(line: str, kind: str) -> None:
    error = problem(line)
    assert error.kind == kind
    usage = error.data.get("usage")
    assert usage is None or str(usage) in say.error(error)


@given(st.text())
def test_any_line_is_text_or_a_command_or_a_problem_and_a_slash_in_front_is_never_text(line: str) -> None:
    found = commands.parse(line)
    if line.lstrip().startswith("/") and not line.lstrip().startswith("//"):
        assert not isinstance(found, Text)
    else:
        assert isinstance(found, Text)


@given(st.sampled_from(commands.COMMANDS), st.text(max_size=30), st.sampled_from(["en", "de"]))
def test_any_arguments_are_taken_or_refused_with_a_sentence(command: commands.Command, rest: str, language: str) -> None:
    i18n.activate(language)
    found = commands.parse(f"/{command.name} {rest}")
    if isinstance(found, Problem):
        assert say.error(found.error)
    else:
        assert isinstance(found, Invocation)
        assert found.command is command
        assert all(argument.strip() for argument in found.arguments.values())


# ── what comes of it ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_join_opens_the_room_and_says_who_can_read_it(node: FakeNode) -> None:
    outcome = await run(node, "/join workshop")
    assert node.asked == [("join", "workshop")]
    assert outcome.action == SwitchRoom("r9")
    assert "#workshop" in outcome.lines[0]


async def test_msg_opens_the_direct_room_and_sends_what_was_written(node: FakeNode) -> None:
    outcome = await run(node, "/msg Mira see you at 8\nor 9")
    assert node.asked == [("open_direct", "aa"), ("send", "d-aa", "see you at 8\nor 9")]
    assert outcome.action == SwitchRoom("d-aa")


async def test_msg_without_a_text_only_opens_the_room(node: FakeNode) -> None:
    await run(node, "/msg Mira")
    assert node.asked == [("open_direct", "aa")]


@pytest.mark.parametrize(
    ("line", "peer", "text"),
    [
        ("/msg Quiet Otter hello", "bb", "hello"),
        ("/msg quiet otter", "bb", None),
        ('/msg "Quiet Otter" hello', "bb", "hello"),
        ("/msg @Mira hello", "aa", "hello"),
        ("/msg Anna · k3f9 hello", "cc", "hello"),
        ("/msg anna·x7q2 hello", "dd", "hello"),
        ("/msg k3f9", "cc", None),
        ("/msg dd hello", "dd", "hello"),
        ("/msg Mira Quiet Otter is here", "aa", "Quiet Otter is here"),
    ],
)
async def test_a_person_is_meant_by_name_tag_or_both_with_spaces_or_not(
    node: FakeNode, line: str, peer: str, text: str | None
) -> None:
    await run(node, line)
    assert node.asked[0] == ("open_direct", peer)
    assert [asked[2] for asked in node.asked[1:]] == ([text] if text else [])


async def test_two_people_of_one_name_are_never_guessed_between(node: FakeNode) -> None:
    for line in ("/msg Anna secret", "/block Anna"):
        with pytest.raises(RequestError) as caught:
            await run(node, line)
        assert caught.value.kind == "ambiguous_name"
        assert "Anna · k3f9 and anna · x7q2" in say.error(caught.value)
    assert node.asked == []


async def test_an_unknown_person_is_said_and_nothing_is_sent(node: FakeNode) -> None:
    with pytest.raises(RequestError) as caught:
        await run(node, "/msg Zoe secret")
    assert caught.value.data == {"peer": "Zoe"}
    assert node.asked == []


async def test_leave_asks_first_and_a_yes_is_about_the_room_that_was_asked_about(node: FakeNode) -> None:
    asked = (await run(node, "/leave", room="r2")).action
    assert isinstance(asked, commands.AskWhich)
    assert "Tuesday circle" in asked.question
    assert node.asked == []
    assert [option.title for option in asked.options] == ["Leave, and keep what was said", "Leave and forget it"]
    outcome = await commands.run(node, asked.options[0].invocation, Context("r1"))  # type: ignore[arg-type]  # by now another is open
    assert node.asked == [("leave", "r2", False)]
    assert outcome == Outcome(("You left Tuesday circle.",))


async def test_leaving_the_open_room_opens_another(node: FakeNode) -> None:
    asked = (await run(node, "/leave")).action
    assert isinstance(asked, commands.AskFirst)
    outcome = await commands.run(node, asked.invocation, Context("r1"))  # type: ignore[arg-type]  # a fake
    assert outcome.action == SwitchRoom("r2")


async def test_only_what_hurts_asks() -> None:
    hurts, which = ["delete", "leave", "present", "end", "reform"], ["room", "create", "follow", "decline"]
    assert [command.id for command in commands.COMMANDS if command.ask and command.id not in which] == hurts


@pytest.mark.parametrize("line", ["/leave", "/who"])
async def test_without_an_open_room_one_has_to_be_named(node: FakeNode, line: str) -> None:
    with pytest.raises(RequestError) as caught:
        await run(node, line, room=None)
    assert caught.value.kind == "no_room"


async def test_who_lists_who_is_here_first(node: FakeNode) -> None:
    assert (await run(node, "/who")).lines == (
        "3 people in #lobby",
        "Jonas · j0na: you",
        "Tarek · tark: here, verified",
        "Mira · m1ra: away, known through Ben",
    )


async def test_rooms_and_room(node: FakeNode) -> None:
    assert (await run(node, "/rooms")).lines == ("#lobby: 2 here", "Tuesday circle: 6 here, 3 unread")
    assert (await run(node, "/room Tuesday circle")).action == SwitchRoom("r2")
    with pytest.raises(RequestError):
        await run(node, "/room nowhere")
    assert await run(node, "/room", room="r2") == Outcome(("Tuesday circle: 6 here, 3 unread",))
    assert (await run(node, "/older")).action == commands.ShowOlder()
    node.all_rooms = []
    assert "no room" in (await run(node, "/rooms")).lines[0]


async def test_nick_connect_block_and_unblock_do_what_they_say(node: FakeNode) -> None:
    lines = [
        *(await run(node, "/nick Tarek")).lines,
        *(await run(node, "/connect [fe80::1%eth0]:47000")).lines,
        *(await run(node, "/block Mira")).lines,
        *(await run(node, "/unblock Mira")).lines,
    ]
    assert node.asked == [("set_name", "Tarek"), ("connect", "fe80::1%eth0", 47000), ("block", "aa"), ("unblock", "aa")]
    assert lines[:2] == ["You are called Tarek now.", "Connected to [fe80::1%eth0]:47000."]
    assert all("Mira" in line for line in lines[2:])


async def test_connect_refuses_what_is_no_address(node: FakeNode) -> None:
    with pytest.raises(RequestError) as caught:
        await run(node, "/connect 192.168.1.20")
    assert caught.value.kind == "bad_address"
    assert node.asked == []


async def test_what_the_front_end_is_to_do(node: FakeNode) -> None:
    assert (await run(node, "/quit")).action == commands.Quit()
    assert (await run(node, "/theme Light")).action == commands.SetTheme("light")
    assert (await run(node, "/lang DE")).action == commands.SetLanguage("de")


async def test_help_is_of_all_or_of_one(node: FakeNode) -> None:
    everything = await run(node, "/help")
    assert everything.action == commands.ShowHelp(None)
    assert all(any(line.startswith("/" + command.name) for line in everything.lines) for command in commands.COMMANDS)
    one = await run(node, "/help /beitreten")
    assert one.action == commands.ShowHelp("join")
    assert one.lines[0] == "/join NAME"
    assert "/beitreten" in one.lines[-1]
    with pytest.raises(RequestError) as caught:
        await run(node, "/help jion")
    assert caught.value.data["suggestions"] == ("/join",)


@pytest.mark.parametrize("line", ["/help privacy", "/help sichtbar", "/hilfe /Sichtbar"])
async def test_help_says_what_others_can_see(node: FakeNode, line: str) -> None:
    told = await run(node, line)
    assert told.action == commands.ShowHelp("privacy")
    assert told.lines == commands.privacy.lines()
    assert told.lines[0] == "What others can see"
    assert any(line == "/help privacy: What others can see" for line in commands.help_lines())
    i18n.activate("de")
    assert commands.privacy.lines()[0] == "Was andere sehen können"
    assert any(line == "/hilfe sichtbar: Was andere sehen können" for line in commands.help_lines())


# ── the tables ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_no_two_commands_share_a_name_and_all_can_be_typed() -> None:
    owners: dict[str, set[str]] = {}
    for command in commands.COMMANDS:
        for group in command.names.values():
            for name in group:
                owners.setdefault(name, set()).add(command.id)
                assert name == name.lower()
                assert not any(character.isspace() or character == "/" for character in name)
    assert {name: ids for name, ids in owners.items() if len(ids) > 1} == {}


def test_every_command_of_the_first_release_is_there_in_both_languages() -> None:
    ids = {command.id for command in commands.COMMANDS}
    first = (
        "help msg room rooms older join leave who nick connect doctor block unblock theme lang quit "
        "create invite accept cancel whois verify same different words present seal open admit end reform offers follow decline "
        "edit delete react search export"
    )
    assert " ".join(sorted(ids)) == " ".join(sorted(first.split()))
    assert all(set(command.names) == set(i18n.LANGUAGES) for command in commands.COMMANDS)


def test_usage_and_help_speak_the_persons_language() -> None:
    command = commands.find("msg")
    assert command is not None
    assert commands.usage(command) == "/msg PERSON [TEXT]"
    i18n.activate("de")
    assert commands.usage(command) == "/an PERSON [TEXT]"
    assert any(line.startswith("/beitreten NAME ") for line in commands.help_lines())
    assert any(line.startswith("Strg+P ") for line in commands.key_lines())


def test_each_key_and_each_id_stands_once_and_names_a_command_that_exists() -> None:
    ids = [binding.id for binding in commands.BINDINGS]
    keys = [key for binding in commands.BINDINGS for key in binding.keys]
    assert len(ids) == len(set(ids))
    assert len(keys) == len(set(keys))
    known = {command.id for command in commands.COMMANDS}
    assert {binding.command for binding in commands.BINDINGS} <= known | {None}


def test_the_rooms_by_number_are_one_line_of_help() -> None:
    assert sum("Alt+1" in line for line in commands.key_lines()) == 1
    assert not any("Alt+5" in line for line in commands.key_lines())
    assert any(line.startswith("Alt+1 … Alt+9 ") for line in commands.key_lines())


def test_keys_can_be_changed_by_id() -> None:
    changed = {binding.id: binding for binding in commands.bindings({"palette": "F2, ctrl+k", "help": ""})}
    assert changed["palette"].keys == ("f2", "ctrl+k")
    assert changed["help"].keys == ()
    assert changed["quit"].keys == ("ctrl+q",)
    lines = commands.key_lines(tuple(changed.values()))
    assert any(line.startswith("F2, Ctrl+K ") for line in lines)
    assert not any(line.startswith("F1 ") for line in lines)


@pytest.mark.parametrize(("changed", "why"), [({"pallete": "f2"}, "unknown_key"), ({"palette": "ctrl+q"}, "key_taken")])
def test_wrong_keys_are_said(changed: dict[str, str], why: str) -> None:
    with pytest.raises(StartError) as caught:
        commands.bindings(changed)
    assert caught.value.kind == "bad_config"
    assert caught.value.data["why"] == why
    assert "pal" in say.error(caught.value)


def test_the_handlers_need_no_running_loop_to_be_named() -> None:
    assert all(asyncio.iscoroutinefunction(command.handler) for command in commands.COMMANDS)
