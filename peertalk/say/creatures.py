"""Kind words and harmless animals for made-up names: 64 of each, so that two random bytes choose evenly."""

from __future__ import annotations

from typing import Final

QUALITIES: Final = tuple(
    """Quiet Gentle Kind Merry Calm Bright Brave Cheerful Patient Friendly Curious Sunny Warm Happy Honest Playful
    Clever Swift Golden Silver Amber Lively Steady Humble Jolly Tender Loyal Graceful Hopeful Peaceful Nimble Dreamy
    Wise Witty Cosy Dapper Eager Fearless Generous Glad Helpful Mellow Mindful Modest Noble Polite Proud Radiant
    Relaxed Rosy Serene Sincere Smiling Snug Soft Sparkling Thankful Thoughtful Tidy Trusty Vivid Watchful Whistling
    Wonderful""".split()  # noqa: SIM905 (one word a line would fill a page)
)
ANIMALS: Final = tuple(
    """Otter Owl Fox Badger Hedgehog Robin Swallow Dolphin Seal Heron Beaver Squirrel Hare Deer Elk Lynx Sparrow Finch
    Wren Lark Magpie Raven Stork Crane Swan Goose Duck Penguin Puffin Turtle Tortoise Frog Newt Salmon Trout Whale Walrus
    Panda Koala Wombat Alpaca Llama Camel Horse Pony Donkey Goat Lamb Kitten Puppy Mouse Dormouse Marten Bison Bear Ibis
    Kiwi Firefly Ladybird Dragonfly Cricket Butterfly Bumblebee Starling""".split()  # noqa: SIM905 (one word a line would fill a page)
)

# Stems, and the gender of each animal, for the ending: leiser Otter, leise Eule, leises Reh.
EIGENSCHAFTEN: Final = tuple(
    """leis sanft lieb heiter ruhig hell mutig froh geduldig freundlich neugierig sonnig warm glücklich ehrlich verspielt
    klug flink golden silbern munter stet lebhaft bescheiden lustig zart treu anmutig zuversichtlich friedlich wendig
    verträumt weis witzig gemütlich fein eifrig furchtlos großzügig vergnügt hilfsbereit mild achtsam höflich tapfer stolz
    strahlend gelassen rosig still aufrichtig lächelnd sacht weich funkelnd dankbar nachdenklich emsig bunt wach pfeifend
    wunderbar gutmütig fröhlich""".split()  # noqa: SIM905 (one word a line would fill a page)
)
TIERE: Final = tuple(
    (animal, gender)
    for animal, _colon, gender in (
        word.partition(":")
        for word in """Otter:m Eule:f Fuchs:m Dachs:m Igel:m Schwalbe:f Delfin:m Robbe:f Reiher:m Biber:m Hase:m Reh:n Elch:m
        Luchs:m Spatz:m Fink:m Zaunkönig:m Lerche:f Elster:f Rabe:m Storch:m Kranich:m Schwan:m Gans:f Ente:f Pinguin:m
        Möwe:f Schildkröte:f Frosch:m Molch:m Lachs:m Forelle:f Wal:m Walross:n Panda:m Koala:m Wombat:m Alpaka:n Lama:n
        Kamel:n Pferd:n Pony:n Esel:m Ziege:f Lamm:n Kätzchen:n Maus:f Marder:m Bison:n Bär:m Ibis:m Kiwi:m Libelle:f
        Grille:f Falter:m Hummel:f Star:m Amsel:f Meise:f Drossel:f Specht:m Uhu:m Hirsch:m Gämse:f""".split()  # noqa: SIM905 (the same)
    )
)
ENDINGS: Final = {"m": "er", "f": "e", "n": "es"}
