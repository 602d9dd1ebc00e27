"""Codes and links: what is told is understood however it is typed, and what is not a code never becomes one."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from peertalk.core.codes import Code, complete, link, parse, spoken, usable
from peertalk.core.spelling import distance, fold
from peertalk.core.wordlist import ENGLISH, GERMAN, LANGUAGES, WORDS
from peertalk.errors import RequestError

SECRET = bytes(range(16))
LINK = "peertalk:1/7/aaaqeayeaudaocajbifqydiob4"

slots = st.integers(1, 64)
indices = st.tuples(*[st.integers(0, 255)] * 3)
languages = st.sampled_from(LANGUAGES)
private_hosts = st.one_of(
    st.ip_addresses(v=4, network="10.0.0.0/8"),
    st.ip_addresses(v=4, network="172.16.0.0/12"),
    st.ip_addresses(v=4, network="192.168.0.0/16"),
    st.ip_addresses(v=6, network="fc00::/7"),
).map(str)
hints = st.lists(st.tuples(private_hosts, st.integers(1024, 65535)), max_size=4, unique=True).map(tuple)
secrets = st.binary(min_size=16, max_size=16)


def code(text: str, slot: int = 7) -> Code:
    return Code(slot, "words", bytes(ENGLISH.index(word) for word in text.split()))


def refusal(text: str) -> dict[str, object]:
    with pytest.raises(RequestError) as refused:
        parse(text)
    assert (refused.value.kind, refused.value.data["reason"]) == ("bad_code", "malformed")
    assert set(refused.value.data) == {"reason", "why", "word", "suggestions"}
    return refused.value.data


# ── what is written is read ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_code_as_it_is_said() -> None:
    three = bytes(ENGLISH.index(word) for word in ("guitar", "meadow", "comet"))
    assert spoken(7, three, "en") == "7-guitar-meadow-comet"
    assert spoken(7, tuple(three), "de") == "7-gitarre-wiese-komet"
    assert parse("7-guitar-meadow-comet") == parse("7-gitarre-wiese-komet") == Code(7, "words", three)


def test_english_and_german_words_are_one_password() -> None:
    three = bytes([1, 2, 255])
    assert {parse(spoken(64, three, language)).password for language in LANGUAGES} == {b"peertalk/1 words\x01\x02\xff"}
    assert parse(LINK).password == b"peertalk/1 link" + SECRET


@given(slots, indices, languages)
def test_what_is_said_is_understood(slot: int, three: tuple[int, ...], language: str) -> None:
    assert parse(spoken(slot, three, language)) == Code(slot, "words", bytes(three))


@given(slots, secrets, hints)
def test_a_link_is_understood(slot: int, secret: bytes, ends: tuple[tuple[str, int], ...]) -> None:
    written = link(slot, secret, ends)
    assert parse(written) == Code(slot, "link", secret, ends)
    assert len(written) < 300
    assert re.fullmatch(r"peertalk:1/[0-9]{1,2}/[a-z2-7]{26}(\?at=\S+)?", written)


def test_a_link_as_it_is_written() -> None:
    ends = [("192.168.1.20", 47000), ("fd00::1", 47000)]
    assert link(7, SECRET) == LINK
    assert link(7, SECRET, ends) == LINK + "?at=192.168.1.20:47000&at=[fd00::1]:47000"


def test_a_code_shows_no_secret() -> None:
    assert "guitar" not in repr(parse("7-guitar-meadow-comet"))
    assert repr(parse(LINK)) == "Code(slot=7, way='link', hints=())"


@pytest.mark.parametrize(("slot", "way", "length"), [(0, "words", 3), (65, "words", 3), (1, "words", 16), (1, "link", 3)])
def test_there_is_no_code_with_another_slot_or_secret(slot: int, way: str, length: int) -> None:
    with pytest.raises(ValueError, match="slot"):
        Code(slot, way, bytes(length))


# ── what is forgiven ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text",
    [
        "7 guitar meadow comet",
        "7  guitar   meadow\tcomet",
        "7guitar meadow comet",
        "07-guitar-meadow-comet",
        "guitar meadow comet 7",
        "guitar-meadow-comet-7",
        "GUITAR, Meadow. comet_7",
        "7 — guitar – meadow … comet",
        "  7\nguitar\r\nmeadow\n\ncomet\n",
        "“7-guitar-meadow-comet”",
        "'7 guitar meadow comet'.",
        "/accept 7 guitar meadow comet",
        "/annehmen 7-gitarre-wiese-komet",
        "„/accept 7-guitar-meadow-comet“",
        "/ACCEPT “7 guitar meadow comet”",
        "7 gui mea come",
        "7 gitar wies kome",
        "7 guitar wiese komet",
        "7 guitar wie come",
        "７ ｇｕｉｔａｒ meadow comet",  # wide letters
        "7-gui\u00adtar-mea\u200bdow-comet\ufeff",  # signs that nobody sees
        "7 gúitar meadów cômet",
        "٧ guitar meadow comet",  # a seven all the same
    ],
)
def test_a_code_is_read_however_it_is_typed(text: str) -> None:
    assert parse(text) == code("guitar meadow comet")


@pytest.mark.parametrize(
    "text", ["7 Haselnuß Terraße Fluß", "7 HASELNUSS TERRASSE FLUSS", "7 haseln terraß flus", "7 Haselnuẞ Terrasse FLUẞ"]
)
def test_sharp_s_is_read_as_it_was_written_once_and_is_now(text: str) -> None:
    assert parse(text) == code("hazelnut terrace river")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Möwe", "Moewe"),
        ("MÖWE", "moewe"),
        ("Mo\u0308we", "moewe"),
        ("Straße", "strasse"),
        ("Ärger", "aerger"),
        ("Tür", "tuer"),
    ],
)
def test_umlauts_are_as_good_as_their_spellings(one: str, other: str) -> None:
    assert fold(one) == fold(other) == other.casefold()


def test_the_language_of_the_other_words_decides_what_a_beginning_means() -> None:
    shared = next(
        beginning
        for beginning in sorted({word[:3] for word in ENGLISH} & {word[:3] for word in GERMAN})
        if all(sum(word.startswith(beginning) for word in words) == 1 for words in WORDS.values())
        and begins(beginning, ENGLISH) != begins(beginning, GERMAN)
    )
    assert parse(f"7 {shared} meadow window").secret[0] == begins(shared, ENGLISH)
    assert parse(f"7 {shared} wiese fenster").secret[0] == begins(shared, GERMAN)
    data = refusal(f"7 {shared} meadow fenster")
    assert (data["why"], data["word"]) == ("unknown_word", shared)
    data = refusal(f"7 {shared} {shared} {shared}")
    assert (data["why"], data["word"]) == ("unknown_word", shared)
    assert set(data["suggestions"]) == {ENGLISH[begins(shared, ENGLISH)], GERMAN[begins(shared, GERMAN)]}


def begins(beginning: str, words: tuple[str, ...]) -> int:
    return next(index for index, word in enumerate(words) if word.startswith(beginning))


@given(
    slots,
    indices,
    languages,
    st.lists(st.text(alphabet=" -,._—'\"\t\n", min_size=1, max_size=4), min_size=3, max_size=3),
    st.booleans(),
    st.sampled_from([str.upper, str.title, str.lower, str.swapcase]),
    st.integers(4, 9),
    st.sampled_from(["", "/accept ", " /annehmen  "]),
)
def test_every_forgiven_spelling_is_the_same_code(
    slot: int, three: tuple[int, ...], language: str, gaps: list[str], last: bool, cased, letters: int, command: str
) -> None:
    words = [cased(WORDS[language][index])[:letters] for index in three]
    parts = [*words, str(slot)] if last else [str(slot), *words]
    text = command + "".join(part + gap for part, gap in zip(parts, [*gaps, ""], strict=True))
    assert parse(text) == Code(slot, "words", bytes(three))


@pytest.mark.parametrize(
    "text",
    [
        f" {LINK}\n",
        f"“{LINK}”",
        f"<{LINK}>",
        f"/accept {LINK}",
        LINK.upper(),
        LINK[:20] + "\n    " + LINK[20:],
        LINK[:6] + "\r\n" + LINK[6:],
        "\n".join(LINK),
    ],
)
def test_a_link_is_read_however_it_was_copied(text: str) -> None:
    assert parse(text) == Code(7, "link", SECRET)


# ── hints ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "end",
    [
        "at=8.8.8.8:47000", "at=127.0.0.1:47000", "at=169.254.1.1:47000", "at=224.0.0.251:47000", "at=0.0.0.0:47000", "at=192.168.1.20",
        "at=192.168.1.20:1023", "at=192.168.1.20:65536", "at=192.168.1.20:0", "at=printer.local:47000", "at=192.168.1:47000",
        "at=[2001:db8::1]:47000", "at=[::1]:47000", "at=[fe80::1]:47000", "at=[fd00::1%25eth0]:47000", "at=[::ffff:192.168.1.20]:47000",
        "at=fd00::1:47000", "at=[ff02::fb]:47000", "at=100.64.0.1:47000", "at=", "at", "", "later=1", "at=192.168.1.20:47000x",
        "at=172.32.0.1:47000", "at=192.169.0.1:47000",
    ],
)  # fmt: skip
def test_a_link_sends_nobody_to_other_networks(end: str) -> None:
    assert parse(f"{LINK}?{end}&at=10.0.0.1:47000&{end}").hints == (("10.0.0.1", 47000),)


def test_a_link_holds_at_most_four_addresses_each_once() -> None:
    ends = [("10.0.0.1", 47000), ("8.8.8.8", 47000), *((f"10.0.0.{n}", 47000) for n in range(1, 9))]
    four = tuple((f"10.0.0.{n}", 47000) for n in range(1, 5))
    assert usable(ends) == parse(link(7, SECRET, ends)).hints == four
    assert parse(LINK + "?" + "&".join(f"at={host}:{port}" for host, port in ends)).hints == four


def test_addresses_that_mean_something_on_one_machine_only_are_not_told() -> None:
    assert usable([("fd00::1%eth0", 47000), ("fe80::1", 47000), ("laptop.local", 47000)]) == ()


def test_brackets_that_a_program_escaped_are_read() -> None:
    assert parse(LINK + "?at=%5Bfd00::1%5d%3A47000").hints == (("fd00::1", 47000),)


# ── what is refused, and what is said of it ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "why", "word"),
    [
        ("", "empty", ""),
        (" \n\u200b“”- ", "empty", ""),
        ("/accept", "empty", ""),
        ("guitar meadow comet", "slot", ""),
        ("0 guitar meadow comet", "slot", "0"),
        ("65-guitar-meadow-comet", "slot", "65"),
        ("1" * 1000 + " guitar meadow comet", "slot", "1" * 32),
        ("7 guitar meadow comet 7", "slot", "7 7"),
        ("guitar 7 meadow comet", "slot", "7"),
        ("½ guitar meadow comet", "slot", "1 2"),
        ("7", "words", ""),
        ("7 guitar meadow", "words", ""),
        ("7 guitar meadow comet river", "words", ""),
        ("x " * 3000, "words", ""),
        ("7 guitar meadow " + "q" * 100, "unknown_word", "q" * 32),
        ("7 guitar meadow co", "unknown_word", "co"),
        ("7 guitar meadow cometary", "unknown_word", "cometary"),
        ("7 гитара meadow comet", "unknown_word", "гитара"),
        ("peertalk:2/7/aaaqeayeaudaocajbifqydiob4", "version", "2"),
        ("peertalk:3/anything at all", "version", "3"),
        ("peertalk:0/7/aaaqeayeaudaocajbifqydiob4", "link", ""),
        ("peertalk:", "link", ""),
        ("peertalk:7/", "version", "7"),
        (LINK[:-1], "link", ""),
        (LINK + "a", "link", ""),
        (LINK[:-1] + "5", "link", ""),  # bits that no secret has
        (LINK.replace("/7/", "//"), "link", ""),
        (LINK.replace("/7/", "/0/"), "slot", "0"),
        (LINK.replace("/7/", "/65/"), "slot", "65"),
        (LINK + "?" + "x" * 3000, "link", ""),
        ("https://example.org/7/aaaqeayeaudaocajbifqydiob4", "slot", "7 4"),
    ],
)
def test_what_is_no_code_is_refused_with_its_reason(text: str, why: str, word: str) -> None:
    data = refusal(text)
    assert (data["why"], data["word"]) == (why, word)


@pytest.mark.parametrize(
    ("text", "word", "suggestions"),
    [
        ("7 gutar meadow comet", "gutar", ("guitar",)),
        ("7 guitar maedow comet", "maedow", ("meadow",)),
        ("7 guitar meadow commet", "commet", ("comet",)),
        ("7 gitarre viese komet", "viese", ("wiese",)),
        ("7 guitar meadow com", "com", ("comet", "compass")),
        ("7 guitar meadow xy", "xy", ("xylophone",)),  # too short, though nothing else begins so
        ("7 guitar meadow ca", "ca", ("cabin", "cactus", "cake", "calendar", "camera")),  # of eleven
        ("7 guitar meadow qqqqq", "qqqqq", ()),
    ],
)
def test_a_near_miss_is_suggested_and_not_taken(text: str, word: str, suggestions: tuple[str, ...]) -> None:
    data = refusal(text)
    assert (data["why"], data["word"]) == ("unknown_word", word)
    assert data["suggestions"][: len(suggestions)] == suggestions
    assert bool(data["suggestions"]) == bool(suggestions)
    assert len(data["suggestions"]) <= 5


@given(st.text(max_size=80))
@example("7 ")
@example("/accept peertalk:")
def test_any_text_is_a_code_or_refused(text: str) -> None:
    code_or_refusal(text)


def code_or_refusal(text: str) -> None:
    try:
        assert isinstance(parse(text), Code)
    except RequestError as error:
        assert (error.kind, error.data["reason"]) == ("bad_code", "malformed")
        assert len(str(error.data["word"])) <= 32


pieces = st.one_of(
    st.sampled_from([*ENGLISH, *GERMAN]),
    st.integers(0, 99).map(str),
    st.sampled_from(["peertalk:1/", LINK, "?at="]),
    st.text(max_size=4),
)


@given(st.lists(pieces, max_size=6), st.sampled_from(["", " ", "-", "/"]))
def test_any_heap_of_pieces_is_a_code_or_refused(heap: list[str], gap: str) -> None:
    code_or_refusal(gap.join(heap))


@pytest.mark.parametrize(
    ("one", "other", "far"),
    [
        ("", "", 0),
        ("", "abc", 3),
        ("comet", "comet", 0),
        ("comet", "commet", 1),
        ("comte", "comet", 1),
        ("river", "tiger", 2),
        ("abc", "ca", 3),
    ],
)
def test_distances_count_swapped_neighbours_once(one: str, other: str, far: int) -> None:
    assert distance(one, other) == distance(other, one) == far


# ── Tab ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "language", "offers"),
    [
        ("7 gui", "en", ["7 guitar"]),
        ("7-gui", "en", ["7-guitar"]),
        ("7 gui", "de", ["7 guitar"]),  # no German word begins so
        ("7 com", "en", ["7 comet", "7 compass"]),
        ("7 Gitarre-wie", "en", ["7 Gitarre-wiese"]),
        ("/accept  7_GUITAR MEA", "en", ["/accept  7_GUITAR meadow"]),
        ("guitar mead", "de", ["guitar meadow"]),
        ("7 guitar", "en", []),
        ("7 guitar ", "en", []),
        ("7", "en", []),
        ("", "en", []),
        ("7 guitar meadow comet r", "en", []),
        ("7 qq", "en", []),
        ("peer", "en", []),
        (LINK, "en", []),
        ("/acc", "en", []),
    ],
)
def test_tab_completes_the_word_that_has_begun(text: str, language: str, offers: list[str]) -> None:
    assert complete(text, language) == offers


def test_tab_offers_the_language_of_the_others_first() -> None:
    assert complete("7 wiese s", "en") == [f"7 wiese {word}" for word in GERMAN if word.startswith("s")]
    assert complete("7 s", "en") == [f"7 {word}" for word in ENGLISH if word.startswith("s")]
    assert complete("7 s", "de") == [f"7 {word}" for word in GERMAN if word.startswith("s")]


@given(slots, indices, languages, languages, st.integers(1, 9))
def test_tab_keeps_what_was_typed(slot: int, three: tuple[int, ...], told: str, language: str, letters: int) -> None:
    whole = spoken(slot, three, told)
    typed = whole[: len(whole) - letters]
    offers = complete(typed, language)
    stem = re.sub(r"[a-z]*$", "", typed)
    assert all(offer.startswith(stem) for offer in offers)
    assert all(re.fullmatch("[a-z]+", offer[len(stem) :]) for offer in offers)


def test_every_word_is_reached_by_four_letters_and_tab() -> None:
    for language, word in ((language, word) for language, words in WORDS.items() for word in words):
        assert complete(f"7 {word[:4]}", language) == ([f"7 {word}"] if len(word) > 4 else [])


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_can_be_said(language: str) -> None:
    for index in range(256):
        assert parse(spoken(64, (index, index, index), language)).secret == bytes([index] * 3)
