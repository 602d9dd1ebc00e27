"""The 64 emoji that two people compare (docs/protocol.md, "Words"): those of Matrix, with its names in English and German.

Whoever has verified somebody there knows them. Those that need it carry U+FE0F, as they do there, so that terminals draw them two
cells wide and in colour.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from peertalk.core.wordlist import Language

COUNT: Final = 7
_BITS: Final = 6
_BYTES: Final = 6  # that hold 7 × 6 bits


class Emoji(NamedTuple):
    """A symbol, and what it is called in each language."""

    symbol: str
    en: str
    de: str


def _read(table: str) -> Iterator[Emoji]:
    symbols_and_names = table.split()
    for symbol, names in zip(symbols_and_names[::2], symbols_and_names[1::2], strict=True):
        english, german = names.replace("_", " ").split("/")
        yield Emoji(symbol, english, german)


EMOJI: Final = tuple(
    _read("""
    🐶 Dog/Hund  🐱 Cat/Katze  🦁 Lion/Löwe  🐎 Horse/Pferd  🦄 Unicorn/Einhorn  🐷 Pig/Schwein
    🐘 Elephant/Elefant  🐰 Rabbit/Hase  🐼 Panda/Panda  🐓 Rooster/Hahn  🐧 Penguin/Pinguin
    🐢 Turtle/Schildkröte  🐟 Fish/Fisch  🐙 Octopus/Oktopus  🦋 Butterfly/Schmetterling  🌷 Flower/Blume
    🌳 Tree/Baum  🌵 Cactus/Kaktus  🍄 Mushroom/Pilz  🌏 Globe/Globus  🌙 Moon/Mond  ☁️ Cloud/Wolke  🔥 Fire/Feuer
    🍌 Banana/Banane  🍎 Apple/Apfel  🍓 Strawberry/Erdbeere  🌽 Corn/Mais  🍕 Pizza/Pizza  🎂 Cake/Kuchen
    ❤️ Heart/Herz  😀 Smiley/Lächeln  🤖 Robot/Roboter  🎩 Hat/Hut  👓 Glasses/Brille
    🔧 Spanner/Schraubenschlüssel  🎅 Santa/Weihnachtsmann  👍 Thumbs_Up/Daumen_Hoch  ☂️ Umbrella/Regenschirm
    ⌛ Hourglass/Sanduhr  ⏰ Clock/Uhr  🎁 Gift/Geschenk  💡 Light_Bulb/Glühbirne  📕 Book/Buch
    ✏️ Pencil/Bleistift  📎 Paperclip/Büroklammer  ✂️ Scissors/Schere  🔒 Lock/Schloss  🔑 Key/Schlüssel
    🔨 Hammer/Hammer  ☎️ Telephone/Telefon  🏁 Flag/Flagge  🚂 Train/Zug  🚲 Bicycle/Fahrrad
    ✈️ Aeroplane/Flugzeug  🚀 Rocket/Rakete  🏆 Trophy/Pokal  ⚽ Ball/Ball  🎸 Guitar/Gitarre
    🎺 Trumpet/Trompete  🔔 Bell/Glocke  ⚓ Anchor/Anker  🎧 Headphones/Kopfhörer  📁 Folder/Ordner
    📌 Pin/Stecknadel
    """)
)


def as_emoji(bits: bytes, language: Language) -> tuple[tuple[str, str], ...]:
    """The first 42 bits, most significant first, as seven emoji, each as (symbol, name)."""
    if len(bits) < _BYTES:
        raise ValueError("seven emoji take 42 bits")
    number = int.from_bytes(bits[:_BYTES]) >> (8 * _BYTES - COUNT * _BITS)
    places = range((COUNT - 1) * _BITS, -1, -_BITS)
    return tuple((one.symbol, getattr(one, language)) for one in (EMOJI[number >> place & 63] for place in places))
