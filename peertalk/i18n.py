"""The person's language: gettext with English sources and a complete German catalog.

The catalog is the committed `locales/de/LC_MESSAGES/peertalk.po` itself: it is read at start by a small strict reader (about
2 ms, and only where German is active), so a plain clone and an installed wheel work alike, with no compiled file and no
build step that could be forgotten. A test holds the reader against babel's and the catalog against the sources.
"""

from __future__ import annotations

import ast
import gettext
import locale
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

LANGUAGES = ("en", "de")
LOCALES = Path(__file__).parent / "locales"


class Catalog(gettext.NullTranslations):
    """Translations read from a .po file. Fuzzy and empty ones are left out, so that the English source shows instead."""

    def __init__(self, single: Mapping[str, str], plural: Mapping[tuple[str, str], tuple[str, str]]) -> None:
        super().__init__()
        self._single = single
        self._plural = plural

    def gettext(self, message: str) -> str:
        return self._single.get(message, message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        one, many = self._plural.get((msgid1, msgid2), (msgid1, msgid2))
        return one if n == 1 else many


_english = Catalog({}, {})
_state: tuple[str, Catalog] = ("en", _english)


def _(message: str) -> str:
    """`message` in the active language."""
    return _state[1].gettext(message)


def ngettext(one: str, many: str, n: int) -> str:
    """`one` or `many`, as `n` asks for, in the active language."""
    return _state[1].ngettext(one, many, n)


def N_(message: str) -> str:  # noqa: N802 (the name that gettext's tools look for)
    """Marks a string for translation where it cannot be translated yet (a table made at import)."""
    return message


def language() -> str:
    """The active language: `en` or `de`."""
    return _state[0]


def activate(lang: str | None) -> str:
    """Speak `lang` from now on, or what the environment asks for if it is None. Returns what is spoken: `en` or `de`."""
    global _state  # noqa: PLW0603 (one process speaks one language)
    wanted = preferred(os.environ) if lang is None else _supported(lang) or "en"
    if wanted != _state[0]:
        _state = (wanted, _english if wanted == "en" else load(wanted))
    return wanted


def preferred(environ: Mapping[str, str]) -> str:
    """The language that the locale variables ask for, by gettext's rules; on Windows also that of the user interface."""
    for variable in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = environ.get(variable, "")
        if variable == "LANGUAGE" and environ.get("LC_ALL", environ.get("LANG", "")) in ("C", "POSIX"):
            continue
        if value:
            return next((found for part in value.split(":") if (found := _supported(part))), "en")
    return _windows_language() or "en"


def load(lang: str) -> Catalog:
    """The catalog of `lang`, read from the package. ValueError with the line where it is malformed."""
    text = (LOCALES / lang / "LC_MESSAGES" / "peertalk.po").read_text(encoding="utf-8")
    single: dict[str, str] = {}
    plural: dict[tuple[str, str], tuple[str, str]] = {}
    for entry in _entries(text):
        if "msgid_plural" in entry and entry.get("msgstr[0]") and entry.get("msgstr[1]"):
            plural[entry["msgid"], entry["msgid_plural"]] = (entry["msgstr[0]"], entry["msgstr[1]"])
        elif entry.get("msgid") and entry.get("msgstr"):
            single[entry["msgid"]] = entry["msgstr"]
    return Catalog(single, plural)


_STRING = re.compile(r'"(?:[^"\\]|\\["\\nt])*"')
_FIELDS = ("msgid", "msgid_plural", "msgstr", "msgstr[0]", "msgstr[1]")


def _entries(text: str) -> Iterator[dict[str, str]]:
    """The entries of a .po text that are not fuzzy: its fields with their joined strings."""
    entry: dict[str, str] = {}
    field, fuzzy, next_fuzzy = "", False, False
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if line.startswith("#"):
            next_fuzzy = next_fuzzy or (line.startswith("#,") and "fuzzy" in line)
            continue
        if not line:
            continue
        if not line.startswith('"'):
            field, _space, line = line.partition(" ")
            if field == "msgid":
                if entry and not fuzzy:
                    yield entry
                entry, fuzzy, next_fuzzy = {}, next_fuzzy, False
        if field not in _FIELDS or not _STRING.fullmatch(line):
            raise ValueError(f"peertalk.po, line {number}")
        entry[field] = entry.get(field, "") + (str(ast.literal_eval(line)) if "\\" in line else line[1:-1])
    if entry and not fuzzy:
        yield entry


def _supported(tag: str) -> str | None:
    """`de_DE.UTF-8` → `de`; None for a language that is not here. `C` and `POSIX` are English."""
    code = tag.replace("-", "_").partition(".")[0].partition("_")[0].lower()
    if code in ("c", "posix"):
        return "en"
    return code if code in LANGUAGES else None


def _windows_language() -> str | None:
    """The language of the Windows user interface (untried: written from Microsoft's reference)."""
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 (Windows only)

        number = ctypes.windll.kernel32.GetUserDefaultUILanguage()
        return _supported(locale.windows_locale.get(number, ""))
    return None
