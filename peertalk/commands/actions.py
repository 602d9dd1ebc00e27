"""What a front end is to do after a command: values only. Whoever has no screen for one of them says the lines of the outcome, which
tell the same."""

from __future__ import annotations

from dataclasses import dataclass

from peertalk.core.events import Emoji, Invite, Offer, Peer, Report, Room, Words


@dataclass(frozen=True, slots=True)
class SwitchRoom:
    """Open this room (its id)."""

    room: str


@dataclass(frozen=True, slots=True)
class ShowOlder:
    """Go back to older messages of the open room."""


@dataclass(frozen=True, slots=True)
class Quit:
    """Close PeerTalk."""


@dataclass(frozen=True, slots=True)
class SetTheme:
    """`dark`, `light` or `auto`; it has been asked for, so keep it (config.save)."""

    theme: str


@dataclass(frozen=True, slots=True)
class SetLanguage:
    """`en` or `de`; it has been asked for, so keep it (config.save) and call i18n.activate."""

    language: str


@dataclass(frozen=True, slots=True)
class ShowHelp:
    """Open the help, at this command if one is named."""

    command: str | None = None


@dataclass(frozen=True, slots=True)
class ShowReport:
    """Tell what the doctor found."""

    report: Report


@dataclass(frozen=True, slots=True)
class AskAccept:
    """Ask for the code that was said."""


@dataclass(frozen=True, slots=True)
class AskCreate:
    """Ask what the new room is to be called, and for how long it keeps what is said (`make`)."""


@dataclass(frozen=True, slots=True)
class ShowInvite:
    """Show an invitation of ours into a room."""

    invite: Invite
    room: Room


@dataclass(frozen=True, slots=True)
class ShowWords:
    """Show the words of a room, and ask who is really there (`verified`)."""

    words: Words
    room: Room


@dataclass(frozen=True, slots=True)
class ShowEmoji:
    """Show seven symbols, and ask whether the other one sees the same (`compared`)."""

    emoji: Emoji
    peer: Peer


@dataclass(frozen=True, slots=True)
class ShowOffer:
    """Show that somebody has started a room anew, and ask whether to come along."""

    offer: Offer


@dataclass(frozen=True, slots=True)
class StopWaiting:
    """Give up what is being waited for."""
