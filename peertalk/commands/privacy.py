"""What others can see: the same for F1, `/help privacy`, and who reads it aloud. README.md says the same."""

from __future__ import annotations

from typing import Final

from peertalk.i18n import N_, _

TOPIC: Final = "privacy"
WORDS: Final = {"en": "privacy", "de": "sichtbar"}
"""What is written after `/help`; each works in every language."""

_TITLE: Final = N_("What others can see")
_SEEN: Final = (
    (
        N_("Strangers"),
        N_(
            "Who shares no room with you sees that this computer runs PeerTalk, with which addresses it talks, when, and roughly "
            "how much. No name, no key, no room, no text."
        ),
    ),
    (
        N_("The lobby"),
        N_(
            "Everyone on this network who runs PeerTalk is in it, reads it, and sees your name, your key and your address there. "
            "--no-lobby leaves it out."
        ),
    ),
    (
        N_("Open rooms"),
        N_(
            "Whoever knows or guesses the name is in, and sees the same. Your key is the same in all of them, so people can tell "
            "that it is you, whatever you are called."
        ),
    ),
    (
        N_("Other rooms"),
        N_("Direct: only you two; nobody can prove to others what you wrote. Private: only who had the code, or overheard it."),
    ),
    (
        N_("What stays"),
        N_(
            "What others have read stays with them. The lobby forgets when nobody has been there for two hours, and what is a day "
            "old; other open rooms after a week alone, and what is a month old."
        ),
    ),
    (
        N_("This computer"),
        N_("Everything on the disk is encrypted. Without a passphrase, whoever can use your account here can open it."),
    ),
)


def title() -> str:
    """What stands over it."""
    return _(_TITLE)


def seen() -> tuple[tuple[str, str], ...]:
    """By whom or where → what; a row each."""
    return tuple((_(where), _(what)) for where, what in _SEEN)


def lines() -> tuple[str, ...]:
    """The same, one line each."""
    return (title(), "", *(f"{where}: {what}" for where, what in seen()))
