"""The German catalog is complete and right, and the small reader reads it as babel does."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

import peertalk
from peertalk import commands, i18n

PACKAGE = Path(peertalk.__file__).parent
GERMAN = i18n.LOCALES / "de" / "LC_MESSAGES" / "peertalk.po"
Source = str | tuple[str, str]


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    yield
    i18n.activate("en")


@cache
def sources() -> dict[Source, str]:
    """Every string that the package marks for translation, with the place of its first use."""
    found: dict[Source, str] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in ("_", "N_", "ngettext"):
                source = marked(call)
                if source:
                    found.setdefault(source, f"{path.relative_to(PACKAGE)}:{call.lineno}")
    return found


def marked(call: ast.Call) -> Source | None:
    texts = [arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    if isinstance(call.func, ast.Name) and call.func.id == "ngettext":
        return (texts[0], texts[1])
    return texts[0] if texts else None


@cache
def german() -> dict[Source, tuple[str, ...]]:
    with GERMAN.open("rb") as file:
        catalog = read_po(file, locale="de", abort_invalid=True)
    return {
        message.id: (message.string,) if isinstance(message.string, str) else tuple(message.string)
        for message in catalog
        if message.id and not message.fuzzy
    }


def placeholders(text: str) -> set[str]:
    return {name for _text, name, _spec, _conversion in string.Formatter().parse(text) if name is not None}


def test_every_string_of_the_program_has_a_german_translation() -> None:
    catalog = german()
    missing = [f"{place}: {source!r}" for source, place in sources().items() if not all(catalog.get(source, ("",)))]
    assert not missing, "add these to peertalk.po:\n" + "\n".join(missing)


def test_the_catalog_has_nothing_that_the_program_no_longer_says() -> None:
    unused = [source for source in german() if source not in sources()]
    assert not unused


def test_translations_have_the_placeholders_of_their_source() -> None:
    for source, translations in german().items():
        wanted = placeholders(source if isinstance(source, str) else source[1])
        for translation in translations:
            assert placeholders(translation) <= wanted, f"{source!r} → {translation!r}"
        assert placeholders(translations[-1]) == wanted, f"{source!r} → {translations[-1]!r}"


def test_placeholders_are_named() -> None:
    for source in sources():
        for text in (source,) if isinstance(source, str) else source:
            assert all(name.isidentifier() for name in placeholders(text)), text


def test_translations_begin_and_end_with_the_same_white_space_as_their_source() -> None:
    for source, translations in german().items():
        first = source if isinstance(source, str) else source[0]
        for text in translations:
            assert (text[:1].isspace(), text[-1:].isspace()) == (first[:1].isspace(), first[-1:].isspace()), text


def test_german_says_du_and_quotes_as_german_does() -> None:
    for translations in german().values():
        for text in translations:
            words = set(text.replace(",", " ").replace(".", " ").split())
            assert not words & {"Ihr", "Ihre", "Ihren", "Ihnen", "Ihrem"}, text
            assert "”" not in text, text
            assert text.count("„") == text.count("“"), text


@pytest.mark.parametrize("language", ["en", "de"])
def test_commands_are_named_as_the_screen_names_them_in_that_language(language: str) -> None:
    """And a translation names the same ones as its source."""
    first = {each.names.get(language, each.names["en"])[0]: each.id for each in commands.COMMANDS}
    english = {each.names["en"][0]: each.id for each in commands.COMMANDS}
    for source, translations in german().items():
        original = source if isinstance(source, str) else source[1]
        said = translations[-1] if language == "de" else original
        assert {first.get(name, name) for name in typed(said)} == {english.get(name, name) for name in typed(original)}, said


def typed(text: str) -> set[str]:
    """The commands that a text names. (`/back` answers a question and is none; ports have a slash too.)"""
    return set(re.findall(r"(?<![\w/}])/([a-zäöüß][\w-]*)", text)) - {"back", "zurück"}


def test_the_reader_finds_what_babel_finds() -> None:
    catalog = i18n.load("de")
    for source, translations in german().items():
        if isinstance(source, str):
            assert catalog.gettext(source) == translations[0]
        else:
            assert [catalog.ngettext(*source, n) for n in (1, 2, 0)] == [translations[0], translations[1], translations[1]]


def test_an_unknown_string_shows_as_it_is() -> None:
    i18n.activate("de")
    assert i18n._("no such string") == "no such string"
    assert [i18n.ngettext("one", "many", n) for n in (1, 2)] == ["one", "many"]


def test_activate_changes_what_is_said_and_back() -> None:
    assert i18n.activate("de") == i18n.language() == "de"
    assert i18n._("Help") == "Hilfe"
    assert i18n.activate("en") == i18n.language() == "en"
    assert i18n._("Help") == "Help"


def test_a_language_that_is_not_here_is_english() -> None:
    assert i18n.activate("fr") == "en"


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "de"),
        ({"LANG": "de"}, "de"),
        ({"LANG": "de-AT"}, "de"),
        ({"LANG": "en_GB.UTF-8"}, "en"),
        ({"LANG": "fr_FR.UTF-8"}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "de_CH.UTF-8"}, "de"),
        ({"LC_ALL": "en_US.UTF-8", "LC_MESSAGES": "de_DE.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LANGUAGE": "fr:de:en"}, "de"),
        ({"LANG": "C", "LANGUAGE": "de"}, "en"),
        ({"LC_ALL": "", "LANG": "de_DE"}, "de"),
    ],
)
def test_the_environment_chooses_by_the_rules_of_gettext(environ: dict[str, str], language: str) -> None:
    assert i18n.preferred(environ) == language


@pytest.mark.parametrize(
    "text",
    [
        'msgid "a',
        "msgid a",
        'nonsense "a"',
        'msgid ""\n"unfinished',
        'msgid "a"b"',
        'msgid "\\x41"',
        'msgid "\\"',
        '"a text without a field"',
    ],
)
def test_the_reader_refuses_what_is_malformed_and_names_the_line(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "# a comment\n" + text + "\n")
    monkeypatch.setattr(i18n, "LOCALES", tmp_path)
    with pytest.raises(ValueError, match="line"):
        i18n.load("de")


def test_fuzzy_and_empty_translations_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        '#, fuzzy\nmsgid "a"\nmsgstr "x"\n\nmsgid "b"\nmsgstr ""\n\n#, python-brace-format\nmsgid ""\n"c"\nmsgstr "\\"ja\\"\\n"\n"ö"\n'
        'msgid "d"\nmsgid_plural "ds"\nmsgstr[0] "e"\nmsgstr[1] ""\n'
    )
    write(tmp_path, text)
    monkeypatch.setattr(i18n, "LOCALES", tmp_path)
    catalog = i18n.load("de")
    assert [catalog.gettext(source) for source in ("a", "b", "c")] == ["a", "b", '"ja"\nö']
    assert catalog.ngettext("d", "ds", 1) == "d"


def write(locales: Path, text: str) -> None:
    folder = locales / "de" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "peertalk.po").write_text(text, encoding="utf-8")
