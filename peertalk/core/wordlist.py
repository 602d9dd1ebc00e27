"""The 256 words that one byte is said with, in English and German (docs/protocol.md, "Words"; docs/words.md).

They are said aloud in a circle of people: things that everybody knows, kind ones, easy to say, to hear and to spell. The order is part
of the protocol. Of one language no two words

* have the same first four letters (of nearly four in five words the first three are enough), or begin or end one another,
* are less than three letters apart; two are enough if they begin with another sound and do not rhyme,
* have the same consonants to the ear and are less than four letters apart.

The first four letters of a word begin none of the other language that means something else: whoever hears it need not know which it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

Language = Literal["en", "de"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "de")

PAIRS: Final = tuple(
    tuple(pair.split("/"))
    for pair in """
    airport/flughafen album/album alpaca/alpaka alphabet/alphabet amber/bernstein anchor/anker antelope/antilope
    apricot/aprikose armchair/sessel atlas/atlas backpack/rucksack bagpipe/dudelsack balloon/ballon bamboo/bambus
    banjo/banjo basil/basilikum basket/korb bathtub/badewanne bell/glocke bench/parkbank bicycle/fahrrad bison/bison
    blueberry/blaubeere boomerang/bumerang bracelet/armband bread/brot breeze/brise broccoli/brokkoli brook/bach
    bungalow/bungalow button/knopf cabin/blockhaus cactus/kaktus cake/kuchen calendar/kalender camera/kamera
    candle/kerze canvas/leinwand caramel/karamell carnival/karneval carousel/karussell carpet/teppich
    celery/sellerie cello/cello chapter/kapitel chestnut/kastanie circle/kreis city/stadt cloud/wolke clover/klee
    cocoa/kakao coffee/kaffee comet/komet compass/kompass concert/konzert confetti/konfetti coral/koralle
    cornfield/kornfeld cottage/landhaus crocus/krokus daffodil/narzisse dahlia/dahlie daisy/margerite
    diamond/diamant dog/hund dolphin/delfin domino/domino dragonfly/libelle driftwood/treibholz drum/trommel
    echo/echo elephant/elefant emerald/smaragd excursion/ausflug farmhouse/bauernhof feather/feder fence/zaun
    fern/farn flamingo/flamingo forest/wald fox/fuchs galaxy/galaxie garden/garten giraffe/giraffe glacier/gletscher
    globe/globus goldfish/goldfisch gondola/gondel grassland/grasland grotto/grotte guitar/gitarre harvest/ernte
    haystack/heuhaufen hazelnut/haselnuss heart/herz hibiscus/hibiskus honey/honig horizon/horizont horse/pferd
    igloo/iglu iguana/leguan island/insel jasmine/jasmin journal/journal keyboard/tastatur kiosk/kiosk kiwi/kiwi
    koala/koala lantern/laterne lasagna/lasagne laurel/lorbeer lavender/lavendel lawn/rasen leaf/blatt lemon/zitrone
    leopard/leopard lime/limette linden/linde lizard/eidechse lotus/lotus magnet/magnet mango/mango maple/ahorn
    marzipan/marzipan meadow/wiese melody/melodie meteor/meteor metronome/metronom milk/milch mirror/spiegel
    moon/mond mosaic/mosaik motorbike/motorrad mountain/berg mouse/maus muffin/muffin museum/museum napkin/serviette
    necklace/halskette nectar/nektar nest/nest newspaper/zeitung noodle/nudel notebook/notizbuch novel/roman
    oasis/oase ocean/ozean octopus/oktopus olive/olive onion/zwiebel orange/orange orchid/orchidee otter/otter
    owl/eule paintbox/malkasten palace/palast panda/panda paprika/paprika parrot/papagei pearl/perle pelican/pelikan
    pencil/bleistift penguin/pinguin pepper/pfeffer photo/foto piano/klavier picnic/picknick picture/bild
    pillow/kissen pizza/pizza planet/planet platform/bahnsteig poem/gedicht popcorn/popcorn porcelain/porzellan
    postcard/postkarte pottery/keramik pretzel/brezel primrose/primel prism/prisma propeller/propeller
    pudding/pudding puzzle/puzzle pyramid/pyramide rabbit/kaninchen radish/rettich railway/eisenbahn
    raspberry/himbeere reindeer/rentier ring/ring river/fluss rooster/hahn rosehip/hagebutte rowboat/ruderboot
    ruby/rubin saffron/safran sailboat/segelboot salt/salz sandal/sandale savanna/savanne serenade/serenade
    sesame/sesam shelf/regal shore/ufer signpost/wegweiser sketch/skizze slide/rutsche snow/schnee sofa/sofa
    songbird/singvogel spinach/spinat sponge/schwamm spruce/fichte star/stern stopwatch/stoppuhr summer/sommer
    sunset/abendrot surfboard/surfbrett sushi/sushi symphony/sinfonie syrup/sirup table/tisch tandem/tandem
    tangerine/mandarine tapir/tapir teapot/teekanne teddy/teddy telescope/teleskop tennis/tennis tent/zelt
    terrace/terrasse tiger/tiger tomato/tomate tractor/traktor trail/wanderweg treasure/schatz treetop/wipfel
    triangle/dreieck trophy/pokal tuba/tuba tulip/tulpe tunnel/tunnel umbrella/schirm valley/tal vanilla/vanille
    village/dorf violin/geige wallpaper/tapete waltz/walzer window/fenster winter/winter wombat/wombat
    workshop/werkstatt xylophone/xylophon zebra/zebra zucchini/zucchini
    """.split()  # noqa: SIM905 (one pair a line would fill pages)
)
ENGLISH: Final[tuple[str, ...]] = tuple(english for english, _german in PAIRS)
GERMAN: Final[tuple[str, ...]] = tuple(german for _english, german in PAIRS)
WORDS: Final[Mapping[Language, tuple[str, ...]]] = MappingProxyType({"en": ENGLISH, "de": GERMAN})
