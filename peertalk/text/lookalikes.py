"""Names that look alike."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

# Letters of other scripts that most fonts draw as they draw these: what looks like a capital first, then the small ones.
_ALIKE: Final = str.maketrans(
    "АВЕЅІЈКМНОРСТУХҮԚԜΑΒΕΖΗΙΚΜΝΟΡΤΥΧᎪᏴᎬᎻᏆᏦᏞᎷᎾᏢᏚᎢᎳаеорсухіјѕԁһӏԛԝкмтοναικρυχγτηωօսհոıɑɡøđħłŧᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ0"
    "ꓮꓐꓚꓓꓰꓝꓖꓧꓲꓙꓗꓡꓟꓠꓳꓑꓣꓢꓔꓴꓦꓪꓫꓬꓜⲀⲂⲤⲈⲎⲒⲔⲘⲚⲞⲢⲦⲨⲬ",
    "ABESIJKMHOPCTYXYQWABEZHIKMNOPTYXABEHIKLMOPSTWaeopcyxijsdhlqwkmtovaikpuxytnwouhniagodhltabcdefghijklmnoprstuvwyzo"
    "ABCDEFGHIJKLMNOPRSTUVWXYZABCEHIKMNOPTYX",
)
_STROKES: Final = str.maketrans("I|1ǀⅼ∣", "llllll")


@lru_cache(maxsize=1 << 15)
def look(name: str) -> str:
    """The same for names that a reader may take for one another: by letters of other scripts, marks, case, gaps, or signs that are
    drawn alike. Only to compare with."""
    bare = "".join(sign for sign in unicodedata.normalize("NFKD", name) if unicodedata.category(sign)[0] in "LNS")
    folded = bare.translate(_ALIKE).translate(_STROKES).casefold()
    return folded.replace("rn", "m").replace("vv", "w") or name
