"""An error → a sentence that names what is wrong and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from peertalk import text
from peertalk.errors import PeerTalkError, RemoteError
from peertalk.i18n import N_, _, ngettext
from peertalk.say import refusals
from peertalk.say.names import address, listed

MOST_CELLS: Final = 160

Data = Mapping[str, object]


def error(wrong: PeerTalkError) -> str:
    """The sentence. What a person or a peer wrote is neutral in it, whatever it was."""
    if wrong.kind in _MADE:
        return _MADE[wrong.kind](wrong.data)
    template = _FIXED.get(wrong.kind)
    if template is not None:
        return _(template).format_map(_Shown(wrong.data))
    if isinstance(wrong, RemoteError):
        return _("The program of somebody on this network broke the rules ({kind}). The connection to it was closed.").format(
            kind=_plain(wrong.kind)
        )
    return _("PeerTalk could not do that ({kind}). Nothing was changed.").format(kind=_plain(wrong.kind))


_FIXED: Final[Mapping[str, str]] = {
    "unknown_room": N_("You are in no room called “{room}”. Check the spelling, or join it first."),
    "no_room": N_("No room is open here. Name the one you mean."),
    "unknown_peer": N_("Nobody called “{peer}” is known here. Check the spelling, or wait until they have come."),
    "unknown_message": N_("That message is not here, or not any more."),
    "bad_address": N_("“{address}” is no address. It looks like 192.168.1.20:47000, or like [fe80::1%eth0]:47000."),
    "locked": N_("PeerTalk is locked. Unlock it with your passphrase first."),
    "missing_argument": N_("Something is missing there. It is written like this: {usage}"),
    "extra_argument": N_("That is more than this command takes. It is written like this: {usage}"),
    "bad_choice": N_("“{value}” is not one of: {allowed}."),
    "newer_database": N_(
        "A newer PeerTalk wrote this profile, and this one cannot read it. Nothing was changed. "
        "Install the newer PeerTalk, or choose another folder with --home."
    ),
    "not_understood": N_(
        "The PeerTalk that runs with this profile is of another version, and what it answered cannot be read. "
        "End it, then try again."
    ),
    "no_profile": N_("There is no profile in {home}. Another folder is chosen with --home."),
    "profile_exists": N_(
        "There is a profile in {home} already, and nothing was changed. With --set-aside it is moved into a folder of its own first; "
        "another folder is chosen with --home."
    ),
    "file_exists": N_("{file} is there already, and was not touched. Choose another name."),
    "broken_backup": N_("{file} is no backup of PeerTalk, or is not whole any more. Nothing was changed."),
    "newer_backup": N_(
        "A newer PeerTalk made {file}, and this one cannot read it. Nothing was changed. Install the newer PeerTalk."
    ),
    "not_running": N_("PeerTalk is not running with this profile, or has just ended. Start it first."),
    "port_denied": N_("This computer does not let PeerTalk use port {port}. Choose one above 1023, or leave --port out."),
    "no_home": N_("{home} cannot be used as the folder for your profile. Choose another one with --home."),
    "unknown_offer": N_("That offer is not there any more; perhaps you have answered it already. /offers shows what is open."),
    "no_peers": N_("Nobody is in that room yet, so it waits here until somebody comes."),
}


def _ambiguous_name(data: Data) -> str:
    candidates = [each for each in _several(data.get("candidates")) if "·" in str(each)]  # people, with their tags
    if candidates:
        told = _("More than one person could be meant by “{name}”: {candidates}. Add the tag to say who.")
        return told.format(name=_plain(data.get("name")), candidates=listed([_plain(each) for each in candidates]))
    rooms = [_plain(each) for each in _several(data.get("candidates"))]
    if rooms:
        told = _("More than one room could be meant by “{name}”. Give the id of the one you mean: {candidates}")
        return told.format(name=_plain(data.get("name")), candidates=listed(rooms, last=_("or")))
    return _("More than one could be meant by “{name}”. Say it exactly.").format(name=_plain(data.get("name")))


_NOT_REACHABLE: Final = {
    "no_shared_room": N_(
        "A PeerTalk answers at {address}, but you have no room in common. Join one that they are in, then try again."
    ),
    "blocked": N_("You have blocked the person at {address}. Unblock them first."),
    "self": N_("At {address} it is your own PeerTalk that answers."),
}


def _not_reachable(data: Data) -> str:
    if data.get("host") is None:
        return refusals.gone(data)
    why = _NOT_REACHABLE.get(str(data.get("why")))
    told = _("No PeerTalk answers at {address}. Is it running there, on this network, and does the firewall there let it in?")
    port = data.get("port")
    return (_(why) if why else told).format(address=address(_plain(data["host"]), port if isinstance(port, int) else 0))


def _too_large(data: Data) -> str:
    limit = data.get("limit")
    if not isinstance(limit, int):
        return _("That is too long for one message. Send it in parts.")
    return _("That is too long for one message, which holds about {limit} characters. Send it in parts.").format(limit=limit)


def _bad_text(data: Data) -> str:
    limit = data.get("limit")
    if data.get("why") == "too_long" and isinstance(limit, int):
        return _("A title or a content note has at most {limit} characters.").format(limit=limit)
    return _("There is nothing in that which others could see, so it was not sent.")


def _bad_name(data: Data) -> str:
    if data.get("why") == "too_long":
        limit = data.get("limit")
        count = limit if isinstance(limit, int) else 0
        return ngettext("That name is longer than {n} character.", "That name is longer than {n} characters.", count).format(
            n=count
        )
    if data.get("why") == "character":
        told = _("“{character}” cannot be in the name of a room. Letters, digits, and - _ . can.")
        return told.format(character=_plain(data.get("character")))
    if data.get("why") == "hidden":
        return _("In that name is a character that cannot be seen, or that changes what stands beside it. Type it without.")
    return _("A name needs at least one letter or digit.")


def _unknown_command(data: Data) -> str:
    told = _("There is no command {command}, and nothing was sent.").format(command=_plain(data.get("command")))
    suggestions = _several(data.get("suggestions"))
    if suggestions:
        hint = _("Did you mean {commands}?").format(commands=listed([_plain(each) for each in suggestions], last=_("or")))
    else:
        hint = _("/help shows all of them.")
    return " ".join([told, hint, _("A text that begins with a slash is written with two.")])


def _profile_in_use(data: Data) -> str:
    told = _("PeerTalk is running with this profile already.")
    if data.get("pid") is not None:
        told = _("PeerTalk is running with this profile already (process {pid}).").format(pid=_plain(data["pid"]))
    return told + " " + _("Use that one, or choose another folder with --home.")


def _broken_database(data: Data) -> str:
    told = _(
        "The stored history is damaged and cannot be read. Nothing was deleted or changed. If you have a backup, “peertalk restore "
        "--set-aside BACKUP” brings it back. “peertalk reset” begins anew, and saves what can still be read of your rooms and people."
    )
    return _at(told, data)


def _broken_key(data: Data) -> str:
    told = _("The file with the key to your stored history is damaged. Nothing was deleted or changed.")
    if data.get("why") == "lost":
        told = _("The file with the key to your stored history is not there. Nothing was deleted or changed.")
    more = _(
        "Without it nobody can read the history. If you have a copy of that file, put it back. If you have a backup, “peertalk "
        "restore --set-aside BACKUP” brings it back. “peertalk reset” begins anew."
    )
    return _at(f"{told} {more}", data)


def _needs_passphrase(data: Data) -> str:
    if data.get("question"):  # one of those that `peertalk backup` and `restore` ask
        told = _("{question}: it is needed. Do this in a terminal, where you are asked for it, or use --passphrase-file.")
        return told.format(question=_plain(data["question"]))
    return _(
        "This profile is protected by a passphrase. Start PeerTalk in a terminal, where it asks for it, or use --passphrase-file."
    )


def _wrong_passphrase(data: Data) -> str:
    if data.get("file"):
        return _at(_("That passphrase does not open this backup. Nothing was changed, so try again."), data)
    return _("That passphrase does not open this profile. Nothing was changed, so try again.")


def _at(told: str, data: Data) -> str:
    """With the file that it is about, if one is named."""
    return f"{told} ({_plain(data['file'])})" if data.get("file") else told


def _port_in_use(data: Data) -> str:
    return _("Port {port} cannot be used: another program has it. Choose another one, or leave --port out.").format(
        port=_plain(data.get("port"))
    )


def _no_interface(data: Data) -> str:
    if data.get("name") is None:
        return _("This computer is in no network. Connect it to one, then start PeerTalk again.")
    return _("This computer has no network interface or address “{name}”.").format(name=_plain(data["name"]))


_DISKS: Final = {
    "full": N_("The disk is full: nothing more can be stored. Make some room, then start PeerTalk again."),
    "denied": N_("The files of your profile cannot be used: permission was denied, or the disk is read-only."),
    "gone": N_("The files of your profile were deleted or moved while PeerTalk was running: nothing more can be stored."),
    "missing": N_("There is no such file or folder."),
    "busy": N_("Another program holds the files of your profile, a backup perhaps. Wait for it, then start PeerTalk again."),
    "memory": N_("This computer has no memory left for PeerTalk. Close something else, then start it again."),
}


def _disk(data: Data) -> str:
    template = _DISKS.get(str(data.get("why")))
    told = _(template) if template else _("The disk reported an error. What was shown as stored before it is safe.")
    return _at(told, data)


_WHERE_TAKEN: Final = {
    "text": N_("a text"),
    "port": N_("a number from 0 to 65535"),
    "yes_no": N_("true or false"),
    "list": N_('a list of texts, such as ["eth0"]'),
    "path": N_("the path of a file"),
    "address": N_("addresses with a port, such as 192.168.1.20:47000"),
    "keys": N_('keys, such as palette = "ctrl+p"'),
}


def _bad_config(data: Data) -> str:
    """Where it is, what is wrong there, and what is right."""
    file, key = data.get("file"), _plain(data.get("key"))
    where = f"{_plain(file)}: " if file else ""
    match data.get("why"):
        case "syntax" if data.get("line") is None:
            told = _("The file is incomplete, or too deeply nested.")
        case "syntax":
            told = _("Line {line}, column {column} cannot be understood.").format(line=data["line"], column=data["column"])
        case "unreadable":
            told = _("The file cannot be read: {reason}.").format(reason=_plain(data.get("error")))
        case "unwritable":
            told = _("The file cannot be written: {reason}.").format(reason=_plain(data.get("error")))
        case "unknown_key":
            allowed = ", ".join(_plain(each) for each in _several(data.get("allowed")))
            told = _("There is no setting “{key}”. There are: {allowed}.").format(key=key, allowed=allowed)
        case "key_taken":
            taken = {"key": key, "value": _plain(data.get("value")), "by": _plain(data.get("by"))}
            told = _("{key}: the key {value} is taken by “{by}”.").format_map(taken)
        case _:
            told = _("{key} takes {expected}, not “{value}”.").format(
                key=key, expected=_expected(data), value=_plain(data.get("value"))
            )
    return where + told


def _expected(data: Data) -> str:
    template = _WHERE_TAKEN.get(str(data.get("expected")))
    return _(template) if template else listed([_plain(each) for each in _several(data.get("allowed"))], last=_("or"))


_MADE: Final[Mapping[str, Callable[[Data], str]]] = {
    **refusals.MADE,
    "ambiguous_name": _ambiguous_name,
    "not_reachable": _not_reachable,
    "too_large": _too_large,
    "bad_name": _bad_name,
    "bad_text": _bad_text,
    "unknown_command": _unknown_command,
    "profile_in_use": _profile_in_use,
    "broken_database": _broken_database,
    "broken_key": _broken_key,
    "needs_passphrase": _needs_passphrase,
    "wrong_passphrase": _wrong_passphrase,
    "port_in_use": _port_in_use,
    "no_interface": _no_interface,
    "disk": _disk,
    "bad_config": _bad_config,
}


class _Shown(dict[str, object]):
    """Data for a template, neutral; what is missing shows as `…`."""

    def __init__(self, data: Data) -> None:
        super().__init__({key: _plain(value) for key, value in data.items()})

    def __missing__(self, key: str) -> str:
        return "…"


def _plain(value: object) -> str:
    """A value as it may stand in a sentence."""
    if value is None:
        return "…"
    if isinstance(value, list | tuple):
        return ", ".join(_plain(each) for each in value)
    return text.line(str(value), MOST_CELLS)


def _several(value: object) -> list[object] | tuple[object, ...]:
    return value if isinstance(value, list | tuple) else ()
