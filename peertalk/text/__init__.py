"""Text of others, made safe to show: it cannot control the terminal, move other text, or hide anything.

`message`, `name`, `line` and `room_name` are called once, at the boundary where something of others is decoded for display.
They are idempotent, and their output is NFC. (`spoken` then makes a name fit for a sentence that is read aloud.) What happens to what:

* newline stays in `message` (at most two blank lines in a row, 1,000 lines); a tab becomes four spaces; other spaces and line
  separators become spaces;
* control characters (ESC, C1, DEL …), private use, surrogates, unassigned and other format characters become U+FFFD;
  characters that Unicode will only ever use for emoji stay, since other people have a newer Unicode than this Python;
* what is invisible goes: bidi marks, embeddings, overrides and isolates, zero-width and filler characters, soft hyphens,
  variation selectors, tags. Exceptions: U+FE0F where it makes an emoji of a character; ZWJ between emoji (at most four
  joined); the tags of the flags of England, Scotland and Wales; ZWJ and ZWNJ within words of Arabic-like or Indic scripts,
  where they change shapes. A skin tone stays on people and hands, and goes elsewhere;
* a regional indicator without a partner becomes its letter;
* Hangul vowels and final consonants without a syllable to belong to, which have no width of their own, become U+FFFD;
* at most 4 diacritics that combine with anything, and 8 marks of any kind, on one base; a mark without one gets `◌`.

What cannot be solved here: terminals that don't know an emoji sequence show its parts side by side, and those that order
right-to-left text themselves order the row by their own rules.
"""

from peertalk.text.cells import clip, graphemes, width
from peertalk.text.emoji import emoji
from peertalk.text.lookalikes import look
from peertalk.text.references import Named, compared, meant, pick, spellings
from peertalk.text.room_names import PRIVATE_NAME_CHARACTERS, ROOM_NAME_CHARACTERS, private_room_name, room_name
from peertalk.text.sequences import is_pictographic
from peertalk.text.shown import LINE_CELLS, MAX_CHARACTERS, MAX_LINES, NAME_CELLS, gathered, line, message, name, spoken

__all__ = [
    "LINE_CELLS",
    "MAX_CHARACTERS",
    "MAX_LINES",
    "NAME_CELLS",
    "PRIVATE_NAME_CHARACTERS",
    "ROOM_NAME_CHARACTERS",
    "Named",
    "clip",
    "compared",
    "emoji",
    "gathered",
    "graphemes",
    "is_pictographic",
    "line",
    "look",
    "meant",
    "message",
    "name",
    "pick",
    "private_room_name",
    "room_name",
    "spellings",
    "spoken",
    "width",
]
