"""The table of commands."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Final

from peertalk import i18n
from peertalk.commands import creating, doors, handlers, leaving, privacy, reforming, speaking, trusting
from peertalk.commands.keys import BINDINGS, ROOMS_BY_NUMBER, Binding, key_name
from peertalk.commands.model import Asked, AskFirst, AskWhich, Command, Context, Invocation, Option, Outcome, Parameter, Waiting
from peertalk.i18n import N_, _
from peertalk.say.nobody import Way

if TYPE_CHECKING:
    from peertalk.node.node import Node

_ROOM: Final = Parameter("room", "room", N_("ROOM"))
_PERSON: Final = Parameter("peer", "peer", N_("PERSON"))
_PEOPLE: Final = Parameter("people", "people", N_("PERSON[, PERSON…]"))

COMMANDS: Final = (
    Command(
        "help",
        {"en": ("help",), "de": ("hilfe",)},
        N_("Show all commands and keys, or explain one command."),
        handlers.show_help,
        (Parameter("command", "command", N_("COMMAND"), optional=True),),
    ),
    Command(
        "msg",
        {"en": ("msg",), "de": ("an",)},
        N_("Write to one person: only you two can read it."),
        handlers.message,
        (_PERSON, Parameter("text", "text", N_("TEXT"), optional=True)),
    ),
    Command(
        "room",
        {"en": ("room",), "de": ("raum",)},
        N_("Switch to one of your rooms, or say which one is open."),
        handlers.room,
        (replace(_ROOM, optional=True),),
        ask=handlers.ask_room,
    ),
    Command("rooms", {"en": ("rooms",), "de": ("räume", "raeume")}, N_("List your rooms."), handlers.rooms),
    Command("older", {"en": ("older",), "de": ("älter", "aelter")}, N_("Go back to older messages."), handlers.older),
    Command(
        "edit",
        {"en": ("edit",), "de": ("ändern", "aendern")},
        N_("Have your last message here say something else."),
        speaking.edit,
        (Parameter("text", "text", N_("TEXT")),),
    ),
    Command(
        "delete",
        {"en": ("delete",), "de": ("löschen", "loeschen")},
        N_("Delete your last message here, for everybody."),
        speaking.delete,
        ask=speaking.ask_delete,
    ),
    Command(
        "react",
        {"en": ("react",), "de": ("geste",)},
        N_("Answer the last message of others by hear, metoo, thanks, strength, hope or one emoji. Once more takes it back."),
        speaking.react,
        (Parameter("gesture", "gesture", N_("GESTURE")),),
    ),
    Command(
        "search",
        {"en": ("search",), "de": ("suchen",)},
        N_("Find messages in all your rooms by their words."),
        speaking.search,
        (Parameter("words", "text", N_("WORDS")),),
    ),
    Command(
        "export",
        {"en": ("export",), "de": ("exportieren",)},
        N_("Write all messages of this room into a file that only you can read."),
        speaking.export,
        (Parameter("file", "text", N_("FILE"), optional=True),),
    ),
    Command(
        "join",
        {"en": ("join",), "de": ("beitreten", "betreten")},
        N_("Enter an open room. Anyone on this network who knows its name can read it."),
        handlers.join,
        (Parameter("name", "room_name", N_("NAME")),),
    ),
    Command(
        "create",
        {"en": ("create",), "de": ("anlegen",)},
        N_("Make a private room. Only who is invited comes in."),
        creating.create,
        (Parameter("name", "text", N_("NAME"), optional=True),),
        ask=creating.ask_create,
    ),
    Command(
        "invite",
        {"en": ("invite",), "de": ("einladen",)},
        N_("Make a code that lets one person into this room, or as many as you say."),
        creating.invite,
        (Parameter("uses", "number", N_("NUMBER"), optional=True),),
    ),
    Command(
        "accept",
        {"en": ("accept",), "de": ("annehmen",)},
        N_("Come into a room by the code that somebody told you."),
        creating.accept,
        (Parameter("code", "code", N_("CODE"), optional=True),),
        wait=creating.wait_accept,
    ),
    Command(
        "cancel",
        {"en": ("cancel",), "de": ("zurückziehen", "zurueckziehen")},
        N_("Stop waiting, or take back the codes of this room."),
        creating.cancel,
        (Parameter("code", "code", N_("CODE"), optional=True),),
    ),
    Command(
        "leave",
        {"en": ("leave",), "de": ("verlassen",)},
        N_("Leave this room, or the one you name."),
        leaving.leave,
        (replace(_ROOM, optional=True),),
        ask=leaving.ask_leave,
    ),
    Command(
        "who",
        {"en": ("who",), "de": ("wer",)},
        N_("List the people in this room, or in the one you name."),
        handlers.who,
        (replace(_ROOM, optional=True),),
    ),
    Command(
        "whois",
        {"en": ("whois",), "de": ("wer-ist", "werist")},
        N_("Say what is known of a person: their key, and how sure you can be of it."),
        trusting.whois,
        (_PERSON,),
    ),
    Command(
        "verify",
        {"en": ("verify",), "de": ("vergleichen",)},
        N_("Compare seven symbols with one person, to be sure of each other. Both type it."),
        trusting.verify,
        (_PERSON,),
        wait=trusting.wait_verify,
    ),
    Command(
        "same",
        {"en": ("same",), "de": ("gleich",)},
        N_("The symbols were the same: the person is verified."),
        trusting.same,
        (_PERSON,),
    ),
    Command(
        "different",
        {"en": ("different",), "de": ("anders",)},
        N_("The symbols were not the same: the person is not verified."),
        trusting.different,
        (_PERSON,),
    ),
    Command(
        "words",
        {"en": ("words",), "de": ("wörter", "woerter")},
        N_("Show the ten words of this room: if all have the same, nobody sits in between."),
        trusting.words,
        (Parameter("language", "language", "en|de", optional=True, choices=("en", "de")),),
    ),
    Command(
        "present",
        {"en": ("present",), "de": ("anwesend",)},
        N_("Say who is really there and has the same words: they are verified then."),
        trusting.present,
        (_PEOPLE,),
        ask=trusting.ask_present,
    ),
    Command(
        "seal",
        {"en": ("seal",), "de": ("schließen", "schliessen")},
        N_("Close the door of this room: nobody else comes in."),
        doors.seal,
    ),
    Command("open", {"en": ("open",), "de": ("öffnen", "oeffnen")}, N_("Open the door of this room again."), doors.unseal),
    Command(
        "admit",
        {"en": ("admit",), "de": ("einlassen",)},
        N_("Let one person into this closed room."),
        doors.admit,
        (_PERSON,),
    ),
    Command(
        "end",
        {"en": ("end",), "de": ("schluss",)},
        N_("End the meeting in this room for you. The others are told."),
        leaving.end,
        ask=leaving.ask_end,
    ),
    Command(
        "reform",
        {"en": ("reform",), "de": ("neubilden",)},
        N_("Start this room anew without somebody. The others are asked to come along."),
        reforming.reform,
        (_PEOPLE,),
        ask=reforming.ask_reform,
    ),
    Command(
        "offers",
        {"en": ("offers",), "de": ("angebote",)},
        N_("Show who asks you to come along to a room started anew."),
        reforming.offers,
    ),
    Command(
        "follow",
        {"en": ("follow",), "de": ("mitgehen",)},
        N_("Come along to a room started anew. PERSON is who started it."),
        reforming.follow,
        (replace(_PERSON, optional=True),),
        ask=reforming.ask_follow,
    ),
    Command(
        "decline",
        {"en": ("decline",), "de": ("bleiben",)},
        N_("Stay in the old room. Nobody is told."),
        reforming.decline,
        (replace(_PERSON, optional=True),),
        ask=reforming.ask_decline,
    ),
    Command(
        "nick",
        {"en": ("nick", "name"), "de": ("name",)},
        N_("Change the name that others see."),
        handlers.nick,
        (Parameter("name", "name", N_("NAME")),),
    ),
    Command(
        "connect",
        {"en": ("connect",), "de": ("verbinden",)},
        N_("Reach a computer that is not found by itself, by its address and port."),
        handlers.connect,
        (Parameter("address", "address", N_("HOST:PORT")),),
    ),
    Command(
        "doctor",
        {"en": ("doctor",), "de": ("diagnose",)},
        N_("Find out why nobody shows up on this network."),
        handlers.doctor,
    ),
    Command(
        "block",
        {"en": ("block",), "de": ("blockieren",)},
        N_("Hide what a person writes, and keep no connection to their computer. Only for you."),
        handlers.block,
        (_PERSON,),
    ),
    Command(
        "unblock",
        {"en": ("unblock",), "de": ("freigeben",)},
        N_("Show what a blocked person writes again."),
        handlers.unblock,
        (_PERSON,),
    ),
    Command(
        "theme",
        {"en": ("theme",), "de": ("farben",)},
        N_("Light or dark colours, or those of the terminal."),
        handlers.theme,
        (Parameter("theme", "theme", "dark|light|auto", choices=("dark", "light", "auto")),),
    ),
    Command(
        "lang",
        {"en": ("lang",), "de": ("sprache",)},
        N_("Choose the language: English or German."),
        handlers.lang,
        (Parameter("language", "language", "en|de", choices=("en", "de")),),
    ),
    Command(
        "quit",
        {"en": ("quit", "exit"), "de": ("beenden", "ende")},
        N_("Close PeerTalk. Nothing is lost."),
        handlers.leave_program,
    ),
)


@cache
def names() -> dict[str, Command]:
    """Every name of every command, in all languages, as it is compared."""
    return {name.casefold(): command for command in COMMANDS for group in command.names.values() for name in group}


def find(word: str) -> Command | None:
    """The command called `word` (without the slash), in any language, whatever its case."""
    return names().get(unicodedata.normalize("NFC", word).casefold())


async def run(node: Node, invocation: Invocation, context: Context) -> Outcome:
    """Carry out a command, or ask first, or say what it is going to wait for. What it cannot do comes as PeerTalkError, for say.error."""
    command, arguments = invocation.command, invocation.arguments
    if command.ask and not invocation.confirmed:
        asked = await command.ask(node, arguments, context)
        if asked is not None:
            return Outcome(action=_question(command, asked))
    if command.wait and not invocation.confirmed:
        waited = await command.wait(node, arguments, context)
        if waited is not None:
            sentence, arguments = waited
            return Outcome((sentence,), Waiting(sentence, Invocation(command, arguments, confirmed=True)))
    return await command.handler(node, arguments, context)


def _question(command: Command, asked: Asked) -> AskFirst | AskWhich:
    options = [Option(way.title, way.meaning, Invocation(command, way.arguments, confirmed=True)) for way in asked.ways]
    if len(options) == 1:
        return AskFirst(asked.question, options[0].title, options[0].invocation)
    return AskWhich(asked.question, tuple(options))


def usage(command: Command) -> str:
    """`/msg PERSON [TEXT]`, in the person's language."""
    parts = [f"[{_(p.label)}]" if p.optional else _(p.label) for p in command.parameters]
    return " ".join(["/" + command.name, *parts])


def written(way: Way) -> str:
    """`/connect 192.168.1.7:47000`: what a way to try is, as it is typed in the person's language."""
    command = next(each for each in COMMANDS if each.id == way.command)
    return f"/{command.name} {way.argument}" if way.argument else usage(command)


def help_lines(command: Command | None = None, bound: Sequence[Binding] = BINDINGS) -> tuple[str, ...]:
    """The help, one line each: of one command, or of all commands and keys."""
    if command is not None:
        aliases = [f"/{name}" for group in command.names.values() for name in group if name != command.name]
        also = (_("The same: {names}").format(names=", ".join(dict.fromkeys(aliases))),) if aliases else ()
        return (usage(command), _(command.help), *also)
    column = max(len(usage(each)) for each in COMMANDS)
    lines = [f"{usage(each):<{column}}  {_(each.help)}" for each in COMMANDS]
    visible = f"{topic_usage()}: {privacy.title()}"
    return (*lines, _("A text that begins with a slash: write two slashes."), visible, "", *key_lines(bound))


def topic_usage() -> str:
    """`/help privacy`, in the person's language."""
    return f"/{COMMANDS[0].name} {privacy.WORDS[i18n.language()]}"


def key_lines(bound: Sequence[Binding] = BINDINGS) -> tuple[str, ...]:
    """The keys, one line each; those of the rooms by number on one."""
    last = next((key_name(each.keys[0]) for each in bound if each.id == f"room_{ROOMS_BY_NUMBER}" and each.keys), "")
    rows = [(_keys(binding, last), _(binding.help)) for binding in bound if binding.help and binding.keys]
    column = max((len(keys) for keys, _help in rows), default=0)
    return tuple(f"{keys:<{column}}  {text}" for keys, text in rows)


def _keys(binding: Binding, last: str) -> str:
    if binding.id == "room_1":
        return f"{key_name(binding.keys[0])} … {last}"
    return ", ".join(key_name(key) for key in binding.keys)
