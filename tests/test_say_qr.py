"""QR codes: what the terminal shows is read again by a reader of its own, from the squares to the text."""

from __future__ import annotations

from itertools import product

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st

from peertalk.core.codes import link, parse
from peertalk.say import qr

LINK = link(7, bytes(range(16)), [("192.168.1.20", 47000), ("fd00::1", 47000)])
HALVES = {" ": (0, 0), "▀": (1, 0), "▄": (0, 1), "█": (1, 1)}

# ISO/IEC 18004: where the middles of alignment patterns are, and (blocks, codewords of data in each) at the levels L M Q H.
ALIGNED = {1: [], 2: [6, 18], 3: [6, 22], 4: [6, 26], 5: [6, 30], 6: [6, 34]}
BLOCKS = {
    1: ([19], [16], [13], [9]),
    2: ([34], [28], [22], [16]),
    3: ([55], [44], [17] * 2, [13] * 2),
    4: ([80], [32] * 2, [24] * 2, [9] * 4),
    5: ([108], [43] * 2, [15, 15, 16, 16], [11, 11, 12, 12]),
    6: ([68] * 2, [27] * 4, [19] * 4, [15] * 4),
}
LEVELS = {1: 0, 0: 1, 3: 2, 2: 3}  # the two bits of a level → its place above
MASKS = (
    lambda r, c: (r + c) % 2 == 0,
    lambda r, c: r % 2 == 0,
    lambda r, c: c % 3 == 0,
    lambda r, c: (r + c) % 3 == 0,
    lambda r, c: (r // 2 + c // 3) % 2 == 0,
    lambda r, c: r * c % 2 + r * c % 3 == 0,
    lambda r, c: (r * c % 2 + r * c % 3) % 2 == 0,
    lambda r, c: ((r + c) % 2 + r * c % 3) % 2 == 0,
)


def squares(lines: list[str], *, plain: bool, drawn: int) -> list[list[int]]:
    """Terminal lines → rows of squares, 1 is dark, without what is around them."""
    if plain:
        assert all(len(line) % 2 == 0 and line[::2] == line[1::2] for line in lines)
        rows = [[int(sign == "#") for sign in line[::2]] for line in lines]
    else:
        rows = [[HALVES[sign][half] for sign in line] for line in lines for half in (0, 1)]
    dark = [[int(square == drawn) for square in row] for row in rows][: len(rows[0])]
    quiet = qr.QUIET
    frame = [
        square
        for r, row in enumerate(dark)
        for c, square in enumerate(row)
        if not quiet <= r < len(row) - quiet or not quiet <= c < len(row) - quiet
    ]
    assert len(dark) == len(dark[0])
    assert not any(frame)
    return [row[quiet:-quiet] for row in dark[quiet:-quiet]]


def is_function(r: int, c: int, size: int, version: int) -> bool:
    corners = (r < 9 and c < 9) or (r < 9 and c >= size - 8) or (r >= size - 8 and c < 9)
    middles = [(y, x) for y, x in product(ALIGNED[version], repeat=2) if (y, x) not in {(6, 6), (6, size - 7), (size - 7, 6)}]
    return corners or r == 6 or c == 6 or any(abs(r - y) <= 2 and abs(c - x) <= 2 for y, x in middles)


def bits_of(dark: list[list[int]], version: int, mask: int) -> list[int]:
    """What the squares say that hold data, from the lower right corner up and down, two columns at a time."""
    size = len(dark)
    rights = [right if right > 6 else right - 1 for right in range(size - 1, 0, -2)]
    places = (
        (r, c)
        for number, right in enumerate(rights)
        for r in (range(size) if number % 2 else range(size - 1, -1, -1))
        for c in (right, right - 1)
    )
    return [dark[r][c] ^ MASKS[mask](r, c) for r, c in places if not is_function(r, c, size, version)]


def read(dark: list[list[int]]) -> str:
    """The text of a code of versions 1 to 6 in byte mode, without correcting anything."""
    version = (len(dark) - 17) // 4
    form = int("".join(map(str, dark[8][:5])), 2) ^ 0b10101
    level, mask = LEVELS[form >> 3], form & 7
    bits = bits_of(dark, version, mask)
    codewords = [int("".join(map(str, bits[at : at + 8])), 2) for at in range(0, len(bits) // 8 * 8, 8)]
    lengths = BLOCKS[version][level]
    blocks: list[list[int]] = [[] for _ in lengths]
    order = [block for place in range(max(lengths)) for block, length in enumerate(lengths) if place < length]
    for block, codeword in zip(order, codewords, strict=False):
        blocks[block].append(codeword)
    stream = "".join(f"{codeword:08b}" for block in blocks for codeword in block)
    assert stream[:4] == "0100"
    count = int(stream[4:12], 2)
    return bytes(int(stream[at : at + 8], 2) for at in range(12, 12 + 8 * count, 8)).decode()


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("invert", [False, True])
@pytest.mark.parametrize("text", [LINK, link(1, bytes(16)), "peertalk"])
def test_what_is_shown_is_the_code(text: str, plain: bool, invert: bool) -> None:
    dark = squares(qr.lines(text, ascii=plain, invert=invert), plain=plain, drawn=int(invert))
    assert dark == [list(row) for row in segno.make_qr(text, error="l").matrix]
    assert read(dark) == text


@given(
    st.integers(1, 64),
    st.binary(min_size=16, max_size=16),
    st.lists(st.tuples(st.ip_addresses(v=4, network="192.168.0.0/16").map(str), st.integers(1024, 65535)), max_size=3),
)
def test_a_link_is_read_from_the_terminal(slot: int, secret: bytes, ends: list[tuple[str, int]]) -> None:
    written = link(slot, secret, ends)
    assert parse(read(squares(qr.lines(written), plain=False, drawn=0))) == parse(written)


def test_a_link_fits_beside_a_conversation() -> None:
    shown = qr.lines(LINK)
    assert len(shown) <= 22
    assert {len(line) for line in shown} == {len(shown[0])}
    assert len(shown[0]) <= 44


def test_ascii_is_ascii_and_twice_as_wide() -> None:
    shown = qr.lines(LINK, ascii=True)
    assert all(line.isascii() for line in shown)
    assert all(len(line) == 2 * len(shown) for line in shown)


def test_more_than_a_code_holds_is_refused() -> None:
    with pytest.raises(ValueError, match=r"[Dd]ata"):
        qr.lines("x" * 3000)
