"""What the two companions say: which of their few subjects a message touches, and the sentence for it. No state, no I/O.

They are warm and simple, and honest about being a demonstration. What they tell of PeerTalk is true of this version.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

from peertalk import i18n
from peertalk.i18n import N_

Language = Literal["en", "de"]


@dataclass(frozen=True, slots=True)
class Persona:
    """A companion: its name, how it greets, and what it says about itself."""

    name: str
    greeting: str
    itself: str


@dataclass(frozen=True, slots=True)
class Subject:
    """A subject: the words that touch it, in both languages, and what is said, in turn; nothing: each says who it is.

    `{name}` is the person's name."""

    words: re.Pattern[str]
    says: tuple[str, ...]


MIRA: Final = Persona(
    "Mira",
    N_(
        "Hello {name}, good that you are here! I am Mira. Jonas and I keep you company in this demo. Write something, we answer."
    ),
    N_(
        "I am Mira, a small program, no person. But I run a real PeerTalk: what you write reaches me encrypted, "
        "over a network connection inside this computer."
    ),
)
JONAS: Final = Persona(
    "Jonas",
    N_("Hi {name}! I am Jonas. Ask us how this works, or who we are. F1 shows all commands and keys."),
    N_(
        "I am Jonas, a program like Mira. We know a few subjects and no more; "
        "real conversations begin when you start PeerTalk beside someone else on your network."
    ),
)
COMPANIONS: Final = (MIRA, JONAS)


def _subject(words: str, *says: str) -> Subject:
    return Subject(re.compile(rf"\b(?:{words})\b", re.IGNORECASE), says)


SUBJECTS: Final[Mapping[str, Subject]] = {
    "crisis": _subject(
        r"suicid\w*|kill myself|end my life|want to die|hurt myself"
        r"|suizid\w*|selbstmord\w*|umbringen|nicht mehr leben|sterben will|will sterben",
        N_(
            "I am only a small program and cannot be there for you the way a person can. Please talk to someone: "
            "in Europe the emergency number is 112, and in Germany the Telefonseelsorge listens day and night at 0800 1110111."
        ),
    ),
    "who": _subject(
        r"who are you|what are you|are you (?:real|human|a bot|bots|people|an? ai|a person)|wer (?:bist|seid)|was (?:bist|seid)"
        r"|(?:bist du|seid ihr) (?:echt|ein bot|bots|menschen|ein mensch|eine ki)",
    ),
    "thanks": _subject(
        r"thanks?|thank you|thx|danke\w*|vielen dank|merci",
        N_("You are welcome, {name}."),
        N_("Gladly!"),
    ),
    "bye": _subject(
        r"bye|goodbye|good night|see you|tschüss?|tschau|ciao|auf wiedersehen|gute nacht|bis bald",
        N_("Take care, {name}! /quit closes the demo, and everything that it made is removed."),
        N_("Goodbye, {name}! It was nice to have you here."),
    ),
    "feeling": _subject(
        r"how are you|how do you do|how is it going|wie geht(?:'?s| es)|alles (?:gut|klar)",
        N_("Small programs are always fine, thank you. And you, {name}?"),
        N_("Fine, thank you for asking! How are you?"),
    ),
    "safe": _subject(
        r"encrypt\w*|secure|security|safe|private|privacy|server|spy"
        r"|verschlüssel\w*|sicher\w*|privat\w*|datenschutz|abhören|mitlesen",
        N_(
            "There is no server: your program talks to ours directly, over an encrypted channel, and keeps your history in an "
            "encrypted file. Open rooms like the lobby can be read by everyone on a network; what you write with /msg cannot."
        ),
    ),
    "delivery": _subject(
        r"deliver\w*|arriv\w*|received|check ?marks?|tick|zugestellt|zustell\w*|angekommen|häkchen|haken",
        N_("The ✓ beside your message is true: “✓ 1/2” says that one of us has it on disk, “✓ everyone” that both of us have."),
    ),
    "offline": _subject(
        r"offline|away|wi-?fi|internet|network|wlan|netz\w*|weg bin",
        N_(
            "PeerTalk needs no internet, only a network between the computers. "
            "Whoever was away gets what was written from anyone who was there."
        ),
    ),
    "help": _subject(
        r"help|how does|how do i|how to|what can|commands?|features?"
        r"|hilfe|hilf|wie (?:geht|funktioniert|kann|mache)|was (?:kann|kannst|könnt)|befehle?|funktionen",
        N_(
            "Try /msg Jonas hello to write to him alone, /join #garden to enter another open room, or /nick to change your name."
        ),
        N_("F1 shows every key and command, and Ctrl+P finds rooms, people and commands by their name."),
    ),
    "greeting": _subject(
        r"hello|hi|hey|hiya|good (?:morning|evening|afternoon|day)|hallo\w*|moin|servus|grüezi|guten (?:morgen|tag|abend)|grüß\w*",
        N_("Hello {name}! How is your day?"),
        N_("Hi {name}, nice to read you!"),
    ),
    "question": Subject(
        re.compile(r"\?\s*$"),
        (
            N_("That is more than I know, I am only part of a demo. Ask me whether this is safe, or what you can do here."),
            N_("A good question for a person! I can tell you who we are, how messages arrive, or what the commands are."),
        ),
    ),
    "anything": Subject(
        re.compile(""),
        (
            N_(
                "I read you, {name}. Your message took the whole way: written, stored, encrypted, sent, and stored again by me."
            ),
            N_("Thank you for telling us. On a real network your friends would read that now."),
            N_("It arrived here. Ask us anything about PeerTalk, or write “help”."),
        ),
    ),
}


def greeting(who: Persona, person: str, language: Language) -> str:
    """What a companion says when somebody comes in."""
    return _in(language)(who.greeting).format(name=person)


def answer(who: Persona, said: str, person: str, turn: int, language: Language) -> str:
    """What a companion answers; `turn` counts what was said on the subject before, so that it is not always the same."""
    says = SUBJECTS[subject_of(said)].says or (who.itself,)
    return _in(language)(says[turn % len(says)]).format(name=person)


def subject_of(said: str) -> str:
    """The first subject that a message touches."""
    return next(name for name, subject in SUBJECTS.items() if subject.words.search(said))


def called(said: str) -> Persona | None:
    """The companion that a message names, if it names just one."""
    named = [who for who in COMPANIONS if re.search(rf"\b{who.name}\b", said, re.IGNORECASE)]
    return named[0] if len(named) == 1 else None


_GERMAN: Final = re.compile(
    r"\b(?:ich|du|ihr|wir|und|ist|bin|bist|seid|nicht|was|wer|wie|das|der|die|ein|eine|hallo|danke|hilfe|ja|nein|moin|servus|guten|tschüss?)\b|[äöüß]",
    re.IGNORECASE,
)
_ENGLISH: Final = re.compile(
    r"\b(?:i|you|we|and|is|are|am|not|what|who|how|the|this|that|an?|hello|hey|thanks?|help|yes|good|bye|it)\b", re.IGNORECASE
)


def language_of(said: str, otherwise: Language) -> Language:
    """The language that a message is written in, as far as its small words tell; `otherwise` where they don't."""
    german, english = len(_GERMAN.findall(said)), len(_ENGLISH.findall(said))
    if german == english:
        return otherwise
    return "de" if german > english else "en"


def _in(language: Language) -> Callable[[str], str]:
    return _german().gettext if language == "de" else str


@cache
def _german() -> i18n.Catalog:
    return i18n.load("de")
