"""Nothing that others write can control the terminal, move other text or hide; what people really write survives."""

from __future__ import annotations

import time
import unicodedata

import pytest
import wcwidth
from hypothesis import example, given
from hypothesis import strategies as st

from peertalk import text
from peertalk.errors import RequestError
from peertalk.text import neutral, shown

# Characters that attack: controls, bidi, invisible ones, marks, parts of emoji sequences, joining scripts, spaces, Jamo.
NASTY = (
    "\x00\x07\x08\t\n\x0b\x0c\r\x1b\x1c\x7f\x85\x9b\xa0\xad\u0300\u0301\u0316\u0345\u034f\u0489\u061c\u06dd\u070f\u0903\u093c\u094d"
    "\u0958\u1100\u1160\u115f\u11a8\u17b4\u180b\u180e\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202d\u202e\u2060\u2066\u2067"
    "\u2069\u206f\u20e3\u2126\u2800\u3000\u3099\u3164\ud800\udfff\ue000\ufe00\ufe0e\ufe0f\ufeff\uffa0\ufff9\uffff❤☎"
    "\U0001d173\U0001f1e6\U0001f1fa\U0001f3f4\U0001f3fb\U0001f3ff\U0001f44d\U0001f468\U0001f469\U0001f466\U0001faff\U000e0001"
    "\U000e0067\U000e0062\U000e0065\U000e006e\U000e007f\U000e0100\U00100000aZ1#*· ✓می कষ한あ葛"
)
RAW = st.one_of(
    st.text(),
    st.text(alphabet=st.sampled_from(NASTY)),
    st.text(alphabet=st.characters(exclude_categories=())),
    st.lists(
        st.sampled_from(["👨‍👩‍👧‍👦", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "🇩🇪", "1️⃣", "❤️", *NASTY])
    ).map("".join),
)

# What people really write: each must come out as it went in.
REAL = {
    "german": "Grüße aus Köln, schöne Straße – „wirklich“ …",
    "french": "Ça va ? L’œuvre où naïf",
    "polish": "Zażółć gęślą jaźń",
    "vietnamese": "Tiếng Việt rất đẹp",
    "turkish": "İstanbul'da ılık bir gün",
    "greek": "Καλημέρα κόσμε",
    "ukrainian": "Привіт, як ся маєш? Їжак",
    "hebrew": "שָׁלוֹם עולם",
    "arabic": "السلام عليكم وَرَحْمَةُ",
    "persian": "می‌خواهم نامه‌ای بنویسم",
    "urdu": "آپ کیسے ہیں؟",
    "hindi": "क्षत्रिय हिन्दी नमस्ते",
    "marathi": "दर्‍या",
    "bengali": "বাংলা র‍্যাব",
    "sinhala": "ශ්‍රී ලංකා",
    "malayalam": "മലയാളം അവന്‍",
    "tamil": "வணக்கம்",
    "thai": "สวัสดีครับ น้ำ",
    "lao": "ສະບາຍດີ",
    "burmese": "မြန်မာ ကျွန်ုပ် လွှို့",
    "khmer": "ជំរាបសួរ",
    "tibetan": "བཀྲ་ཤིས་བདེ་ལེགས",
    "amharic": "ሰላም",
    "chinese": "你好，世界。",
    "japanese": "こんにちは、ガラス「世界」",
    "korean": "안녕하세요",
    "math": "∀x ∈ ℝ: x² ≥ 0, √2 ≠ 1½",
    "box": "│ a │ → b ├──┤ ✓ ● ░",
    "code": 'if x == "a\\n":    # not done',
    "family": "👨‍👩‍👧‍👦 👩‍👦 👨‍❤️‍👨",
    "kiss": "👩🏽‍❤️‍💋‍👨🏿",
    "skin": "👍🏽 ✊🏿 🧑🏻‍💻 👩🏾‍🚀 🏃🏽‍♀️‍➡️",
    "animals": "🐻‍❄️ 🐈‍⬛ 🐦‍🔥 🐕‍🦺",
    "signs": "❤️ ☎️ ✈️ 🏳️‍🌈 🏳️‍⚧️ 🏴‍☠️ 👁️‍🗨️ ❤️‍🔥 ⛓️‍💥 ⚠️ ☀️",
    "flags": "🇩🇪🇫🇷 🇺🇦 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "scotland": "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "old korean": "\u1112\u119e\u11ab나랏말\u110a\u119e",
    "keycaps": "1️⃣ #️⃣ *️⃣",
    "newer than this python": "\U0001fae9 \U0001fadf",
}


def forbidden(character: str) -> bool:
    """Whether a character may appear in no output whatever stands around it (the newline of a message aside)."""
    if character in "\u200c\u200d\ufe0f" or "\U000e0020" <= character <= "\U000e007f":
        return False  # judged by their neighbours
    if unicodedata.category(character) == "Cn":
        return not text.is_pictographic(character)
    invisible = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0"
    selector = "\ufe00" <= character <= "\ufe0e" or "\U000e0100" <= character <= "\U000e01ef"
    return unicodedata.category(character) in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp") or character in invisible or selector


def check_neutral(shown: str) -> None:
    """The properties of neutral text, one line."""
    assert not any(forbidden(character) for character in shown), ascii(shown)
    assert not any(character.isspace() and character != " " for character in shown), ascii(shown)
    assert unicodedata.is_normalized("NFC", shown)
    shown.encode()
    check_joiners(shown)
    check_marks(shown)
    zero = [g for g in text.graphemes(shown) if wcwidth.wcswidth(g) == 0 and unicodedata.category(g[0]) != "Mc"]
    assert not zero, ascii(shown)


def check_joiners(shown: str) -> None:
    """Every joiner, selector and tag stands in a sequence that needs it."""
    for index, character in enumerate(shown):
        before, after = shown[:index], shown[index + 1 : index + 2]
        if character in "\u200c\u200d":
            in_emoji = character == "\u200d" and any(map(text.is_pictographic, before[-2:])) and text.is_pictographic(after)
            assert in_emoji or virama(before[-1:]) or within_a_word(before[-1:], after), ascii(shown)
        if character == "\ufe0f":
            assert wcwidth.wcwidth(before[-1:]) == 1, ascii(shown)
        if "\U000e0020" <= character <= "\U000e007f":
            assert "\U0001f3f4" in before[-6:], ascii(shown)


def within_a_word(before: str, after: str) -> bool:
    return all(each != "" and unicodedata.category(each)[0] in "LM" for each in (before, after))


def virama(character: str) -> bool:
    return character != "" and unicodedata.combining(character) == 9


def check_marks(shown: str) -> None:
    run = 0
    previous = ""
    for character in shown:
        is_mark = unicodedata.category(character)[0] == "M"
        assert not (is_mark and previous in ("", " ")), ascii(shown)
        run = run + 1 if is_mark else 0
        assert run <= neutral.MAX_MARKS
        previous = character


@given(RAW)
@example("\u0301")
@example("\n\u0301")
@example("a\n\r\n\u0301")
@example("क\u200d\u200dष")
@example("👨\u200d" * 9)
@example("\u0300\u094d\u200c")
@example("\U0001f1e6\U0001f1e6\U0001f1e6")
@example("\u0627" + "\u0316" * 5 + "\u0653")
@example("1\ufe0f\u20e3\ufe0f\u20e3")
@example("\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067")
def test_a_message_is_neutral_and_neutral_text_stays_as_it_is(raw: str) -> None:
    shown = text.message(raw)
    for part in shown.split("\n"):
        check_neutral(part)
    assert text.message(shown) == shown
    assert len(shown) <= text.MAX_CHARACTERS
    assert "\n\n\n\n" not in shown
    assert bool(shown) == bool(raw.strip())


@given(RAW, st.integers(0, 60))
@example("نامه\u200cای", 5)
def test_a_line_is_neutral_and_no_wider_than_asked(raw: str, cells: int) -> None:
    shown = text.line(raw, cells)
    check_neutral(shown)
    assert text.width(shown) <= cells
    assert text.line(shown, cells) == shown
    assert shown == " ".join(shown.split(" ")).strip()


@given(RAW)
@example("Anna ✓")
@example("✓\u0301")
@example("a\u200b·\u200bb")
@example("· a ·")
@example("_" * 40 + "a")
@example("a" * 30 + "·bb")
def test_a_name_is_one_short_neutral_line_that_says_something(raw: str) -> None:
    shown = text.name(raw, "somebody")
    check_neutral(shown)
    assert text.name(shown, "x") == shown
    assert 0 < text.width(shown) <= text.NAME_CELLS
    assert not set(shown) & set("✓✔●○◆▸⏳│─")


@given(RAW)
def test_a_room_name_is_the_same_however_often_it_is_normalised(raw: str) -> None:
    try:
        shown = text.room_name(raw)
    except RequestError:
        return
    check_neutral(shown)
    assert text.room_name(shown) == text.room_name("#" + shown) == shown
    assert 0 < len(shown) <= text.ROOM_NAME_CHARACTERS


@given(RAW, st.integers(0, 40))
def test_clipped_text_is_a_beginning_of_whole_characters(raw: str, cells: int) -> None:
    shown = text.line(raw, 10_000)
    clipped = text.clip(shown, cells)
    assert text.width(clipped) <= cells
    if clipped != shown and clipped:
        assert clipped.endswith("…")
        kept = clipped[:-1]
        whole = list(text.graphemes(shown))[: len(list(text.graphemes(kept)))]
        assert "".join(whole).removeprefix(kept) in ("", "\u200c", "\u200d")  # joins nothing any more


@given(RAW)
def test_width_is_the_sum_of_the_widths_of_the_graphemes(raw: str) -> None:
    shown = text.line(raw, 10_000)
    assert "".join(text.graphemes(shown)) == shown
    assert text.width(shown) == sum(text.width(grapheme) for grapheme in text.graphemes(shown))


@pytest.mark.parametrize("real", REAL.values(), ids=REAL.keys())
def test_what_people_write_survives(real: str) -> None:
    assert text.message(real) == real
    assert text.line(real) == " ".join(real.split())
    check_neutral(real)


@pytest.mark.parametrize("real", REAL.values(), ids=REAL.keys())
def test_what_people_write_is_composed_the_same_way_for_everybody(real: str) -> None:
    assert text.message(unicodedata.normalize("NFD", real)) == unicodedata.normalize("NFC", real)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b]0;owned\x07", "\ufffd]0;owned\ufffd"),
        ("\x9b31mred", "\ufffd31mred"),
        ("a\x7fb\x00", "a\ufffdb\ufffd"),
        ("user\u202egnp.exe", "usergnp.exe"),
        ("\u2066a\u2069\u200f\u061c", "a"),
        ("a\u200bb\u2060c\ufeffd\u00ade", "abcde"),
        ("\u200b", "\ufffd"),
        ("a\tb", "a    b"),
        ("a\r\nb\rc\x85d\u2028e", "a\nb\nc d e"),
        ("a\u00a0b\u2003c", "a b c"),
        ("  indented  \n\n\n\n\n\nb\n\n", "  indented\n\n\nb"),
        ("\n\na", "a"),
        (" \n \t ", ""),
        ("\ud83d", "\ufffd"),
        ("\ue000\U0010fffd", "\ufffd\ufffd"),
        ("e\u0301", "é"),
        ("\u0301", "◌\u0301"),
        ("a\n\u0301", "a\n◌\u0301"),
        ("x" + "\u0335" * 50 + "y", "x" + "\u0335" * 4 + "y"),
        ("a\U0001f3fd", "a"),
        ("👍🏽🏽", "👍🏽"),
        ("🇩🇪🇫", "🇩🇪F"),
        ("a\u200db", "ab"),
        ("\u1161\u1161", "\ufffd\ufffd"),
        ("\u1100\u1161\u11a8", "각"),
        ("1\ufe0f", "1"),
        ("👍\ufe0f", "👍"),
        ("❤\ufe0e", "❤"),
        ("👨‍👩‍👧‍👦‍👦", "👨‍👩‍👧‍👦👦"),
        ("🏴\U000e0068\U000e0069\U000e007f", "🏴"),
        ("a\U000e0068\U000e0069", "a"),
        ("葛\U000e0100城", "葛城"),
        ("ᅠㅤ", "\ufffd"),
        ("\u2126", "Ω"),
    ],
)
def test_message_replaces_what_hides_or_controls(raw: str, shown: str) -> None:
    assert text.message(raw) == shown


def test_a_message_has_at_most_a_thousand_lines() -> None:
    shown = text.message("a\n" * 16_000)
    assert shown.count("\n") == text.MAX_LINES - 1
    assert shown.endswith("\n…")


@pytest.mark.parametrize(
    "unit", ["a", "\t", "é\u0323", "👨‍👩‍👧‍👦", "क्\u200d", "\u0316\u0301", "\n", " ", "\u200d", "\x1b", "\u0915\u094d"]
)
def test_a_message_of_any_size_is_cut_to_the_greatest_size_and_quickly(unit: str) -> None:
    raw = unit * (100_000 // len(unit))
    start = time.perf_counter()
    shown = text.message(raw)
    assert time.perf_counter() - start < 2  # sorting the marks of one base in quadratic time would take a minute
    assert len(shown) <= text.MAX_CHARACTERS
    assert text.message(shown) == shown


def test_the_fast_path_has_only_characters_that_need_no_work() -> None:
    for code in range(0x11_0000):
        character = chr(code)
        if neutral.PLAIN.fullmatch(character):
            assert not forbidden(character)
            assert unicodedata.normalize("NFC", character) == character
            assert unicodedata.category(character)[0] in "LNPSZ"
            assert not character.isspace() or character == " "
            assert neutral.single(character) == character


@given(
    st.one_of(
        RAW,
        st.text(alphabet=st.sampled_from("aZ9 .ßйא한漢–€\n\t\r\u0301\u2028")),
        st.builds(str.__add__, st.sampled_from(["", "word ", " ", "   "]), st.from_regex(neutral.PLAIN, fullmatch=True)),
        st.integers(-2, 2).map(lambda more: "a" * (text.MAX_CHARACTERS + more)),
    )
)
def test_a_message_in_which_nothing_changes_is_the_same_by_the_short_way(raw: str) -> None:
    assert text.message(raw) == shown._message(raw)


def test_no_single_character_gets_through_that_must_not() -> None:
    for code in range(0x11_0000):
        shown = text.message("a" + chr(code) + "b")
        assert shown == "a\nb" or not any(forbidden(character) for character in shown), hex(code)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("  Anna   Maria ", "Anna Maria"),
        ("Anna\nJonas: hello", "Anna Jonas: hello"),
        ("Anna ✓", "Anna"),
        ("● Anna", "Anna"),
        ("Anna • k3f9", "Anna k3f9"),
        ("Anna ・k3f9", "Anna k3f9"),
        ("Annaꞏk3f9", "Anna k3f9"),
        ("Sam · k3f9", "Sam k3f9"),
        ("Gal·la", "Gal·la"),
        ("── new ──", "new"),
        ("👩🏽‍🚀", "👩🏽‍🚀"),
        ("Mira ❤️", "Mira ❤️"),
        ("Mira ✔️", "Mira"),
        ("", "?"),
        ("\u2800\u3164", "?"),
        ("✓", "?"),
        ("\u202e", "?"),
        ("...", "?"),
        ("x" * 40, "x" * 31 + "…"),
        ("日本" * 20, "日本" * 7 + "日…"),
    ],
)
def test_name_takes_away_what_could_be_mistaken(raw: str, shown: str) -> None:
    assert text.name(raw) == shown


def test_the_fallback_of_a_name_is_what_the_caller_gives() -> None:
    assert text.name("\x00", "k3f9") == "k3f9"


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("lobby", "lobby"),
        ("#Lobby", "lobby"),
        ("  #Lobby ", "lobby"),
        ("ＬＯＢＢＹ", "lobby"),
        ("Straße", "strasse"),
        ("STRASSE", "strasse"),
        ("Grüße", "grüsse"),
        ("gru\u0308sse", "grüsse"),
        ("my room", "my-room"),
        ("24.11._a-b", "24.11._a-b"),
        ("lob\u200bby", "lobby"),
        ("नमस्ते", "नमस्ते"),
        ("Ⅳ", "iv"),
    ],
)
def test_everybody_who_means_the_same_room_gets_the_same_name(raw: str, shown: str) -> None:
    assert text.room_name(raw) == shown


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ("", "empty"),
        ("#", "empty"),
        (" \u200b ", "empty"),
        ("x" * 33, "too_long"),
        ("x" * 100_000, "too_long"),
        ("a/b", "character"),
        ("##a", "character"),
        ("a\x1bb", "character"),
        ("🐙", "character"),
        ("\u0301a", "character"),
        ("a" + "\u0335" * 9, "character"),
        ("\ue000", "character"),
    ],
)
def test_what_cannot_be_the_name_of_a_room_is_said(raw: str, why: str) -> None:
    with pytest.raises(RequestError) as caught:
        text.room_name(raw)
    assert caught.value.kind == "bad_name"
    assert caught.value.data["why"] == why
    for value in caught.value.data.values():
        assert "\x1b" not in str(value)


def test_width_and_graphemes_take_sequences_for_one_character() -> None:
    assert [text.width(shown) for shown in ("", "abc", "日本", "👨‍👩‍👧‍👦", "🇩🇪", "e\u0301", "❤️")] == [0, 3, 4, 2, 2, 1, 2]
    assert list(text.graphemes("a👨‍👩‍👧‍👦e\u0301")) == ["a", "👨‍👩‍👧‍👦", "e\u0301"]


def test_clip_marks_what_it_cut() -> None:
    assert text.clip("abcdef", 6) == "abcdef"
    assert text.clip("abcdef", 5) == "abcd…"
    assert text.clip("ab cdef", 4) == "ab…"
    assert text.clip("日本語", 4) == "日…"
    assert text.clip("abcdef", 5, "...") == "ab..."
    assert text.clip("abcdef", 0) == ""
    assert text.clip("abcdef", 2, "...") == ""


@pytest.mark.parametrize("other", ["anna", "АННА".replace("Н", "n"), "Аnnа", "Änna", "An na", "Anna.", "Αnnα", "ꓮꓠꓠꓮ", "ⲀⲚⲚⲀ"])
def test_names_that_look_alike_have_one_look(other: str) -> None:
    assert text.look(other) == text.look("Anna")


@pytest.mark.parametrize(("one", "other"), [("Alan", "AIan"), ("Emma", "Ernma"), ("Otto", "0tt0"), ("Willi", "VViIIi")])
def test_signs_that_are_drawn_alike_make_no_difference(one: str, other: str) -> None:
    assert text.look(one) == text.look(other)


@pytest.mark.parametrize(("one", "other"), [("Anna", "Ana"), ("Ben", "Bea"), ("李", "王"), ("🦊", "🐻"), ("Олег", "Ольга")])
def test_names_that_differ_look_different(one: str, other: str) -> None:
    assert text.look(one) != text.look(other)
