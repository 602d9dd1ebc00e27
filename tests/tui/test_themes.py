from __future__ import annotations

from dataclasses import fields

import pytest

from peertalk.tui.themes import DARK, HUES, LIGHT, SIXTEEN, THEMES, Palette, hue

TEXTS = ("text", "soft", "accent", "attention", "danger")


def luminance(colour: str) -> float:
    """WCAG 2 relative luminance of #rrggbb."""
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_what_wcag_says_it_is() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("palette", [DARK, LIGHT], ids=["dark", "light"])
def test_every_text_can_be_read_on_both_grounds(palette: Palette) -> None:
    for ground in (palette.ground, palette.panel):
        for colour in (*(getattr(palette, name) for name in TEXTS), *palette.names):
            assert contrast(colour, ground) >= 4.5, (colour, ground)


@pytest.mark.parametrize("palette", [DARK, LIGHT], ids=["dark", "light"])
def test_no_name_shouts(palette: Palette) -> None:
    contrasts = [contrast(name, palette.ground) for name in palette.names]
    assert max(contrasts) / min(contrasts) < 1.2


@pytest.mark.parametrize("palette", [DARK, LIGHT], ids=["dark", "light"])
def test_what_is_chosen_can_still_be_read(palette: Palette) -> None:
    assert contrast(palette.text, palette.raised) >= 7
    assert contrast(palette.accent, palette.raised) >= 4.0


def test_sixteen_colours_are_the_terminals_own() -> None:
    values = [value for field in fields(SIXTEEN) for value in _flat(getattr(SIXTEEN, field.name))]
    assert all(value.startswith("ansi_") for value in values)


def _flat(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else (value,)


def test_all_themes_name_the_same_colours() -> None:
    names = [set(theme.variables) for theme in THEMES.values()]
    assert names[0] == names[1] == names[2]
    assert {f"name-{number}" for number in range(HUES)} <= names[0]


def test_a_name_has_the_same_hue_everywhere_and_all_are_used() -> None:
    assert [hue("ab" * 32), hue("cd" * 32)] == [3, 10]
    assert {hue(f"{number:064x}") for number in range(500)} == set(range(HUES))
