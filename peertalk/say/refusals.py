"""Why somebody does not get into a room, or cannot do there what they wanted: what can be known of it, and what to do. These are read
in hard moments: short, without blame, and nothing that is not known is claimed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from peertalk import text
from peertalk.i18n import N_, _
from peertalk.say.names import listed

Data = Mapping[str, object]
MOST_CELLS: Final = 64

# ── codes (docs/protocol.md, "The joiner") ───────────────────────────────────────────────────────────────────────────

_CODES: Final[Mapping[str, str]] = {
    "not_found": N_(
        "Nobody with this code was found. Is whoever told it to you on the same network, with PeerTalk open, and is the code not "
        "older than a few minutes? If people don't find each other here at all, ask for the link: it knows the address."
    ),
    "wrong": N_("Those words don't fit. Ask for the code again, word by word: each wrong try uses up a bit of it."),
    "expired": N_("This code has run out, or was taken back. Ask for a new one: it is made in a moment."),
    "used_up": N_(
        "This code is used up: it has let in as many as it was for, or was guessed at too often. Ask for a new one. If it was for "
        "you alone, say so: somebody else may have come in with it."
    ),
    "two_rooms": N_(
        "Two different rooms answered to this code, so you are in neither. Somebody may be pretending to be the one who invited "
        "you. Ask for a new code or the link, and once you are in compare the words of the room with /words."
    ),
}

_MALFORMED: Final[Mapping[str, str]] = {
    "empty": N_("There is no code in that. It is a number and three words, such as “7 guitar meadow comet”."),
    "slot": N_("A code has one number, from 1 to 64, and three words. Ask for it again."),
    "words": N_("A code has a number and exactly three words. Is one missing, or one too many?"),
    "version": N_("This link was made by a newer PeerTalk, and this one cannot read it. Ask for the code in words, or update."),
    "link": N_("This link is not whole, or was changed on its way. Copy it once more, from “peertalk:” to the end."),
}


def bad_code(data: Data) -> str:
    """What is wrong with a code. Nothing was joined."""
    if data.get("reason") == "malformed":
        return _malformed(data)
    template = _CODES.get(str(data.get("reason")))
    return _(template) if template else _("This code did not work. Ask for a new one.")


def _malformed(data: Data) -> str:
    if data.get("why") != "unknown_word":
        template = _MALFORMED.get(str(data.get("why")))
        return (
            _(template)
            if template
            else _("That is not a code. It is a number and three words, such as “7 guitar meadow comet”.")
        )
    word = _plain(data.get("word"))
    likely = data.get("suggestions")
    likely = [_plain(each) for each in likely] if isinstance(likely, list | tuple) else []
    if likely:
        told = _("“{word}” is none of the words that codes are made of. Perhaps it was {words}?")
        return told.format(word=word, words=listed(likely, last=_("or")))
    return _("“{word}” is none of the words that codes are made of. Ask for that word again.").format(word=word)


def sealed(data: Data) -> str:
    """A room whose door is closed: one that one is in or stands before, by its name, or the one behind a code."""
    if data.get("room") is None:
        return _("The room behind this code is closed just now. Ask somebody inside to open it, then for a new code.")
    told = _("{room} is closed just now. Whoever is inside can open it with /open, or let one person in with /admit PERSON.")
    return told.format(room=_plain(data["room"]))


# ── keys and rooms ───────────────────────────────────────────────────────────────────────────────────────────────────


def key_changed(data: Data) -> str:
    """A name that was verified is here under another key: nothing is sent, with two choices."""
    told = _(
        "Not sent: {name} is here under another key than the one that you have verified. It may be a new computer, or somebody "
        "else under that name. Compare now with /verify {name}; or write nothing here until you have asked face to face."
    )
    name, tag = _plain(data.get("name")), data.get("tag")
    return told.format(name=f"{name} · {_plain(tag)}" if tag else name)


_REFUSED: Final[Mapping[str, str]] = {
    "not_private": N_("That can be done in private rooms only. /create NAME makes one."),
    "reformed": N_("This room has been started anew, so nothing new is written here. You can still read it."),
    "self": N_("That would be you yourself. To go, there is /leave."),
    "left_out": N_(
        "The people in that room have gone on without you, and their programs don't let you in. With /msg PERSON you can still "
        "write to each of them."
    ),
    "other_room": N_(
        "That room says that it goes on from one that you are in, but it is called otherwise or keeps messages for another time. "
        "So somebody made it up, and nothing was joined."
    ),
    "not_compared": N_(
        "Nothing was compared yet. /words shows the words of a room, /verify PERSON symbols for the two of you."
    ),
    "words_changed": N_(
        "Somebody among them came after the words that you compared. /words shows the new ones: compare those."
    ),
    "not_member": N_("Only somebody who is in this room can be meant here. /who lists them."),
    "nobody": N_("Say without whom: /reform PERSON does it."),
    "not_yours": N_("That is no code of yours, or it lets nobody in any more anyway."),
    "too_many": N_("Too many codes of yours are alive already. /cancel takes them back."),
    "ephemeral": N_("Nothing of this profile is kept, so there is nothing to back up."),
    "deleted": N_("That message was deleted, so nothing can be said about it any more."),
    "not_a_story": N_("Only a story has a title, and a wish about replies."),
    "off_record": N_("What is said in this room is to be kept nowhere, so it is not written into a file either."),
    "exists": N_("{path} is there already, and nothing is written over it. Choose another name."),
    "bounds": N_("A code can be for 1 to 256 people, and live for ten seconds to a day."),
}


def refused(data: Data) -> str:
    """Something that cannot be done there."""
    if data.get("why") is None:
        return _("That was refused.")
    if data["why"] == "too_many" and "limit" in data:
        return _("So many at once cannot be left out. Leave out fewer, then do it again.")
    if data["why"] == "not_yours" and "message" in data:
        return _("A message can be changed or deleted only by who wrote it.")
    if data["why"] == "folder":
        return _not_written(data)
    template = _REFUSED.get(str(data["why"]))
    return _(template).format(path=_path(data)) if template else _("That was refused: {why}").format(why=_plain(data["why"]))


_UNWRITTEN: Final[Mapping[str, str]] = {
    "full": N_(
        "There is too little room for {path} on that disk, and nothing is left of it. Make some, or choose another disk."
    ),
    "denied": N_(
        "{path} may not be written: that folder belongs to others, or nothing can be changed there. Choose another one."
    ),
    "missing": N_("The folder in which {path} was to be is not there. Make it first, or choose another one."),
    "name": N_("{path} cannot be the name of a file. Choose another one."),
}


def _not_written(data: Data) -> str:
    template = _UNWRITTEN.get(str(data.get("reason")))
    told = (
        _(template) if template else _("{path} could not be written, and nothing is left of it. Choose another folder or disk.")
    )
    return told.format(path=_path(data))


def _path(data: Data) -> str:
    return text.line(str(data.get("path", "…")))


_NO_LONGER_THERE: Final[Mapping[str, str]] = {
    "cancelled": N_("The other one has stopped comparing. Agree on it, then both type it again."),
    "timeout": N_("The other one has not joined in for ten minutes. Agree on it, then both type it again."),
    "failed": N_(
        "The connection to them was cut again and again, so there was nothing to compare. Try again, closer together."
    ),
    "gone": N_("The connection to them is gone. Try again when they are here."),
    "away": N_("They are not here right now. Try again when you are on the same network."),
    "vanished": N_("Whoever invited you was there for a moment and is gone now. Wait until they are back, then try again."),
}


def gone(data: Data) -> str:
    """Somebody cannot be reached, of whom no address is known."""
    template = _NO_LONGER_THERE.get(str(data.get("why")))
    return _(template) if template else _("There is no connection to them now. Try again when they are here.")


def _plain(value: object) -> str:
    return "…" if value is None else text.line(str(value), MOST_CELLS)


MADE: Final[Mapping[str, Callable[[Data], str]]] = {
    "bad_code": bad_code,
    "sealed": sealed,
    "key_changed": key_changed,
    "refused": refused,
}
