"""The lists of words, as they are promised: everything that an ear or a hurried hand could take for something else is looked for."""

from __future__ import annotations

import re
from itertools import combinations, product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peertalk.core.emoji import EMOJI, as_emoji
from peertalk.core.spelling import fold
from peertalk.core.wordlist import ENGLISH, GERMAN, LANGUAGES, WORDS, Language
from peertalk.core.words import as_words

PAGE = Path(__file__).parent.parent.parent / "docs" / "words.md"

# Letters that begin alike to the ear, wherever the one language is spoken with the accent of the other.
ALIKE = ("bp", "dt", "gkcqj", "fvw", "sz", "mn", "aeiouy")


def levenshtein(one: str, other: str) -> int:
    above = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        line = [row]
        for column, sign in enumerate(other, 1):
            line.append(min(above[column] + 1, line[-1] + 1, above[column - 1] + (letter != sign)))
        above = line
    return above[-1]


def begin_alike(one: str, other: str) -> bool:
    return one[0] == other[0] or any(one[0] in group and other[0] in group for group in ALIKE)


# What English letters sound like, from first to last; vowels are left out but at the beginning. After Metaphone.
ENGLISH_SOUNDS = (
    ("^kn|^gn", "n"), ("^wr", "r"), ("mb$", "m"), ("sch", "sk"), ("tch|ch", "C"), ("sh|(t|s)io", "S"), ("ph", "f"), ("th", "0"),
    ("gh(?=[^aeiou]|$)", ""), ("gh", "g"), ("dg(?=[eiy])|g(?=[eiy])|j", "J"), ("ck", "k"), ("c(?=[eiy])", "s"), ("c|q", "k"), ("x", "ks"),
    ("z", "s"), ("v", "f"), ("d", "t"), ("(?<=[aeiou])h(?=[^aeiou]|$)", ""), ("[wy](?![aeiou])", ""), (r"(.)\1+", r"\1"),
    ("^[aeiou]", "A"), ("[aeiou]", ""),
)  # fmt: skip


def english_sound(word: str) -> str:
    for letters, sound in ENGLISH_SOUNDS:
        word = re.sub(letters, sound, word)
    return word


# The Kölner Phonetik of Postel (1969), from first to last; capitals are what is settled.
GERMAN_SOUNDS = (
    ("ph", "3"), ("[dt](?=[csz])", "8"), ("x(?<=[ckq]x)", "8"), ("x", "48"), ("^c(?=[ahkloqrux])", "4"), ("^c", "8"), ("(?<=[sz])c", "8"),
    ("c(?=[ahkoqux])", "4"), ("c", "8"), ("[aeijouy]", "0"), ("h", ""), ("[bp]", "1"), ("[dt]", "2"), ("[fvw]", "3"), ("[gkq]", "4"),
    ("l", "5"), ("[mn]", "6"), ("r", "7"), ("[sz]", "8"), (r"(.)\1+", r"\1"), ("(?<!^)0", ""),
)  # fmt: skip


def german_sound(word: str) -> str:
    for letters, sound in GERMAN_SOUNDS:
        word = re.sub(letters, sound, word)
    return word


SOUND = {"en": english_sound, "de": german_sound}


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> Language:
    return request.param


# ── the sounds themselves ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("one", "other"),
    [("night", "knight"), ("deer", "dear"), ("write", "right"), ("sole", "soul"), ("cent", "sent")],
)
def test_what_sounds_alike_in_english_is_heard(one: str, other: str) -> None:
    assert english_sound(one) == english_sound(other)


@pytest.mark.parametrize(
    ("word", "code"), [("wikipedia", "3412"), ("breschnew", "17863"), ("schloss", "858"), ("hexe", "048"), ("phasan", "386")]
)
def test_the_koelner_phonetik_is_as_published(word: str, code: str) -> None:
    assert german_sound(word) == code


# ── each list ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_there_is_one_word_for_each_byte(language: Language) -> None:
    assert len(WORDS[language]) == len(set(WORDS[language])) == 256


def test_words_are_short_and_plain(language: Language) -> None:
    assert not [word for word in WORDS[language] if not re.fullmatch("[a-z]{3,9}", word)]
    assert not [word for word in WORDS[language] if fold(word) != word]


def test_four_letters_tell_a_word_and_mostly_three(language: Language) -> None:
    words = WORDS[language]
    assert len({word[:4] for word in words}) == 256
    assert sum(sum(word[:3] == other[:3] for other in words) == 1 for word in words) >= 200


def test_no_word_begins_or_ends_another(language: Language) -> None:
    pairs = combinations(WORDS[language], 2)
    assert not [(a, b) for a, b in pairs if a.startswith(b) or b.startswith(a) or a.endswith(b) or b.endswith(a)]


def test_no_slip_makes_one_word_another(language: Language) -> None:
    near = [(a, b, levenshtein(a, b)) for a, b in combinations(WORDS[language], 2)]
    assert not [pair for pair in near if pair[2] < 2]
    assert not [(a, b) for a, b, far in near if far == 2 and begin_alike(a, b)]


def test_no_two_words_rhyme_that_are_nearly_the_same(language: Language) -> None:
    assert not [(a, b) for a, b in combinations(WORDS[language], 2) if levenshtein(a, b) == 2 and a[-3:] == b[-3:]]


def test_no_two_words_sound_alike(language: Language) -> None:
    sound = SOUND[language]
    alike = [(a, b) for a, b in combinations(WORDS[language], 2) if sound(a) == sound(b)]
    assert not [(a, b) for a, b in alike if levenshtein(a, b) < 4]
    assert len(alike) <= 12


def syllables(word: str) -> int:
    """Of an English word, roughly: groups of vowels that are not silent."""
    spoken = re.sub(r"(?<=[^aeiouyl])es?$|(?<=[aeiouy].)e$|(?<=[aeiou])ue$", "", word)
    return len(re.findall(r"[aeiouy]+", re.sub(r"(?<=[^aeiouy])le$", "el", spoken)))


def test_english_words_have_at_most_three_syllables() -> None:
    assert [syllables(word) for word in ("avocado", "table", "cake", "magnolia", "guitar")] == [4, 2, 1, 3, 2]
    assert not [word for word in ENGLISH if syllables(word) > 3]


# ── both lists ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_in_both_lists_means_the_same() -> None:
    assert not [
        (a, b)
        for (i, a), (j, b) in product(enumerate(ENGLISH), enumerate(GERMAN))
        if i != j and (a.startswith(b) or b.startswith(a))
    ]


def test_four_letters_mean_one_thing_in_whichever_language() -> None:
    assert not [(a, b) for (i, a), (j, b) in product(enumerate(ENGLISH), enumerate(GERMAN)) if i != j and a[:4] == b[:4]]


@pytest.mark.parametrize(
    ("english", "german"),
    [
        ("river", "fluss"),
        ("meadow", "wiese"),
        ("guitar", "gitarre"),
        ("comet", "komet"),
        ("album", "album"),
        ("zucchini", "zucchini"),
    ],
)
def test_an_index_means_the_same_in_both(english: str, german: str) -> None:
    assert ENGLISH.index(english) == GERMAN.index(german)


def test_the_specification_has_the_same_words_in_the_same_order() -> None:
    rows = re.findall(r"^\| (\d+) \| `([0-9a-f]{2})` \| (\w+) \| (\w+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [(str(n), f"{n:02x}", en, de) for n, (en, de) in enumerate(zip(ENGLISH, GERMAN, strict=True))]


def test_the_specification_has_the_same_emoji_in_the_same_order() -> None:
    rows = re.findall(r"^\| (\d+) \| ([^\s`]+) \| ([\w ]+) \| ([\w ]+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [(str(n), *one) for n, one in enumerate(EMOJI)]


# ── bytes as words and emoji ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_byte_is_a_word(language: Language) -> None:
    assert as_words(b"", language) == ()
    assert as_words(bytes(range(256)), language) == WORDS[language]
    assert as_words(b"\xff\x00", "en") == ("zucchini", "airport")


def test_there_are_sixty_four_emoji_all_different() -> None:
    assert len(EMOJI) == 64
    for column in zip(*EMOJI, strict=True):
        assert len(set(column)) == 64


def test_forty_two_bits_are_seven_emoji() -> None:
    assert [symbol for symbol, _name in as_emoji(bytes(8), "en")] == ["🐶"] * 7
    assert [name for _symbol, name in as_emoji(b"\xff" * 8, "de")] == ["Stecknadel"] * 7
    bits = int("".join(f"{number:06b}" for number in (1, 2, 3, 61, 62, 63, 34)) + "1" * 22, 2).to_bytes(8)
    assert [name for _symbol, name in as_emoji(bits, "en")] == [
        "Cat",
        "Lion",
        "Horse",
        "Headphones",
        "Folder",
        "Pin",
        "Spanner",
    ]
    assert [name for _symbol, name in as_emoji(bits, "de")][-1] == "Schraubenschlüssel"


@given(st.lists(st.integers(0, 63), min_size=7, max_size=7), st.integers(0, 2**22 - 1))
def test_only_the_first_forty_two_bits_count(numbers: list[int], rest: int) -> None:
    value = 0
    for number in numbers:
        value = value << 6 | number
    assert [EMOJI[number][:2] for number in numbers] == list(as_emoji((value << 22 | rest).to_bytes(8), "en"))


def test_too_few_bits_are_no_emoji() -> None:
    with pytest.raises(ValueError, match="42"):
        as_emoji(bytes(5), "en")
