"""The table of keys. Every one can be changed in config.toml: `[keys]`, then `palette = "f2"`; several are divided by commas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from peertalk.errors import StartError
from peertalk.i18n import N_, _

ROOMS_BY_NUMBER: Final = 9


@dataclass(frozen=True, slots=True)
class Binding:
    """A key with its id. `keys` and `action` are written as Textual writes them; `command` is the id of the command that does the
    same where a terminal keeps the key for itself; `help` is empty for those that one line of help tells together."""

    id: str
    keys: tuple[str, ...]
    action: str
    help: str
    command: str | None = None
    footer: bool = False


def _room(number: int) -> Binding:
    text = N_("Switch to the first, second … ninth room") if number == 1 else ""
    return Binding(f"room_{number}", (f"alt+{number}",), f"room({number})", text, "room")


BINDINGS: Final = (
    Binding("palette", ("ctrl+p",), "palette", N_("Find anything: rooms, people, commands"), footer=True),
    Binding("help", ("f1",), "help", N_("Help"), "help", footer=True),
    Binding("previous_room", ("alt+up",), "previous_room", N_("Previous room"), "room"),
    Binding("next_room", ("alt+down",), "next_room", N_("Next room"), "room"),
    *(_room(number) for number in range(1, ROOMS_BY_NUMBER + 1)),
    Binding("rooms", ("f7",), "toggle_rooms", N_("Show or hide the rooms"), "rooms"),
    Binding("members", ("f8",), "toggle_members", N_("Show or hide the people in this room"), "who", footer=True),
    Binding("invite", ("f9",), "invite", N_("Invite somebody into this room"), "invite"),
    Binding("words", ("f6",), "words", N_("Compare the words of this room"), "words"),
    Binding("answer", ("f5",), "answer", N_("Open what waits for your answer, above the place where you write"), "offers"),
    Binding("page_up", ("pageup",), "page_up", N_("Back to older messages"), "older"),
    Binding("page_down", ("pagedown",), "page_down", N_("On to newer messages")),
    Binding("newest", ("end",), "newest", N_("To the newest message")),
    Binding("back", ("escape",), "back", N_("Close what is open, and go back to writing")),
    Binding("quit", ("ctrl+q",), "quit", N_("Close PeerTalk"), "quit"),
)


def bindings(changed: Mapping[str, str]) -> tuple[Binding, ...]:
    """The table with the keys of `Settings.keys`. StartError("bad_config") for an id that is none, or a key that is taken."""
    known = {binding.id: binding for binding in BINDINGS}
    for id, keys in changed.items():
        if id not in known:
            raise StartError("bad_config", file=None, key=f"keys.{id}", why="unknown_key", allowed=tuple(known))
        known[id] = replace(known[id], keys=tuple(key.strip().lower() for key in keys.split(",") if key.strip()))
    taken: dict[str, str] = {}
    for id, binding in known.items():
        for key in binding.keys:
            if taken.setdefault(key, id) != id:
                raise StartError("bad_config", file=None, key=f"keys.{id}", why="key_taken", value=key, by=taken[key])
    return tuple(known.values())


_NAMES: Final = {
    "ctrl": N_("Ctrl"),
    "alt": N_("Alt"),
    "shift": N_("Shift"),
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "pageup": N_("PgUp"),
    "pagedown": N_("PgDn"),
    "home": N_("Home"),
    "end": N_("End"),
    "escape": N_("Esc"),
    "enter": N_("Enter"),
    "tab": N_("Tab"),
    "space": N_("Space"),
}


def key_name(key: str) -> str:
    """A key as a person reads it: `ctrl+p` → `Ctrl+P`, in German `Strg+P`."""
    return "+".join(_(_NAMES[part]) if part in _NAMES else part.upper() for part in key.split("+"))
