"""The 256 words that one byte is said with, in English and German (docs/protocol.md, "Words"; docs/words.md).

They are said aloud in a circle of people: things that everybody knows, kind ones, easy to say, to hear and to spell. The order is part
of the protocol. Of one language no two words

* have the same first four letters, or are one the beginning of the other,
* are less than three letters apart; two letters, if they begin with another sound,
* have the same consonants to the ear and are less than four letters apart.

No word of one language begins a word of the other that means something else: whoever hears one needs not know which language it is.
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
    album/album almond/mandel alpaca/alpaka alphabet/alphabet amber/bernstein anchor/anker apple/apfel
    apricot/aprikose arena/arena armchair/sessel atlas/atlas avenue/allee backpack/rucksack badger/dachs
    balloon/ballon bamboo/bambus banjo/banjo basil/basilikum basket/korb bell/glocke bench/parkbank bicycle/fahrrad
    bison/bison book/buch bracelet/armband bread/brot breeze/brise broccoli/brokkoli button/knopf cabin/blockhaus
    cactus/kaktus cake/kuchen calendar/kalender camera/kamera candle/kerze canvas/leinwand caramel/karamell
    carnival/karneval carpet/teppich cello/cello chapter/kapitel chestnut/kastanie cinema/kino circle/kreis
    clay/lehm cloud/wolke clover/klee cocoon/kokon coffee/kaffee comet/komet compass/kompass concert/konzert
    condor/kondor copper/kupfer cricket/grille crocus/krokus curtain/vorhang cutlery/besteck dahlia/dahlie
    daisy/margerite diamond/diamant disco/disko dog/hund dolphin/delfin domino/domino doorbell/klingel
    dragonfly/libelle drum/trommel duck/ente easel/staffelei echo/echo elephant/elefant emerald/smaragd
    envelope/umschlag feather/feder fennel/fenchel fern/farn finch/fink flamingo/flamingo forest/wald fox/fuchs
    frame/rahmen galaxy/galaxie garden/garten gazelle/gazelle giraffe/giraffe glass/glas globe/globus gold/gold
    gondola/gondel grotto/grotte guitar/gitarre hamster/hamster harp/harfe haystack/heuhaufen hazelnut/haselnuss
    hibiscus/hibiskus honey/honig horizon/horizont hourglass/sanduhr igloo/iglu island/insel jacket/jacke
    jasmine/jasmin jungle/dschungel keyboard/tastatur kiosk/kiosk koala/koala lagoon/lagune lamp/lampe
    lantern/laterne lasagna/lasagne laurel/lorbeer lavender/lavendel leaf/blatt lemon/zitrone lentil/linse
    leopard/leopard lizard/eidechse lobster/hummer lotus/lotus magnet/magnet mango/mango maple/ahorn
    marathon/marathon marzipan/marzipan meadow/wiese melody/melodie milk/milch mirror/spiegel mixer/mixer moon/mond
    mosaic/mosaik mountain/berg mouse/maus muffin/muffin museum/museum mustard/senf napkin/serviette nectar/nektar
    nest/nest newspaper/zeitung noodle/nudel notebook/notizbuch nutmeg/muskat oasis/oase ocean/ozean octopus/oktopus
    olive/olive onion/zwiebel orange/orange orchid/orchidee otter/otter palace/palast panda/panda paprika/paprika
    parrot/papagei path/pfad pearl/perle pencil/bleistift penguin/pinguin pepper/pfeffer photo/foto piano/klavier
    picnic/picknick picture/bild pillow/kissen pineapple/ananas pizza/pizza planet/planet poem/gedicht
    polenta/polenta poncho/poncho popcorn/popcorn poplar/pappel postcard/postkarte potato/kartoffel pretzel/brezel
    primrose/primel prism/prisma pudding/pudding puzzle/puzzle pyramid/pyramide rabbit/kaninchen radio/radio
    raisin/rosine raspberry/himbeere reindeer/rentier ring/ring river/fluss root/wurzel ruby/rubin saddle/sattel
    saffron/safran sailboat/segelboot salt/salz savanna/savanne scooter/roller sesame/sesam shelf/regal ship/schiff
    shore/ufer silver/silber slide/rutsche slipper/pantoffel snow/schnee sofa/sofa spinach/spinat sponge/schwamm
    spruce/fichte star/stern strudel/strudel studio/studio summer/sommer sunset/abendrot sushi/sushi
    sweater/pullover symphony/sinfonie syrup/sirup table/tisch tandem/tandem tapir/tapir teapot/teekanne teddy/teddy
    telescope/teleskop tennis/tennis tent/zelt terrace/terrasse tiger/tiger toaster/toaster tomato/tomate
    tractor/traktor trail/wanderweg treasure/schatz tripod/stativ trophy/pokal trout/forelle tuba/tuba tulip/tulpe
    tunnel/tunnel unicorn/einhorn valley/tal vanilla/vanille veranda/veranda village/dorf vinegar/essig violin/geige
    wallpaper/tapete walnut/walnuss water/wasser window/fenster wombat/wombat wood/holz zebra/zebra zoo/zoo
    zucchini/zucchini
    """.split()  # noqa: SIM905 (one pair a line would fill pages)
)
ENGLISH: Final[tuple[str, ...]] = tuple(english for english, _german in PAIRS)
GERMAN: Final[tuple[str, ...]] = tuple(german for _english, german in PAIRS)
WORDS: Final[Mapping[Language, tuple[str, ...]]] = MappingProxyType({"en": ENGLISH, "de": GERMAN})
