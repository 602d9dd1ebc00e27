"""The colours: one palette for dark grounds, one for light, one of the terminal's own sixteen; and names in stable hues.

State is never colour alone, so all three say the same. Contrast of every text colour is at least 4.5 on ground and panel
(tests/tui/test_themes.py computes it).
"""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

from textual.theme import Theme

HUES = 12


@dataclass(frozen=True, slots=True)
class Palette:
    """What each colour is for; see shared design, screens.md. `names` are twelve muted hues of equal lightness."""

    ground: str
    panel: str
    raised: str
    line: str
    text: str
    soft: str
    accent: str
    attention: str
    danger: str
    names: tuple[str, ...]


DARK = Palette(
    ground="#16181d",
    panel="#1d2027",
    raised="#272b34",
    line="#3a3f4a",
    text="#d9d6cf",
    soft="#8b8e97",
    accent="#5fb3a1",
    attention="#d8a657",
    danger="#d4746a",
    names=(
        "#e59ea3", "#e3a387", "#d4ad76", "#bcb877", "#9dc18a", "#7fc6a7",
        "#6dc5c5", "#75c0dd", "#90b7ea", "#aeade9", "#c9a4da", "#dc9fc1",
    ),
)  # fmt: skip

LIGHT = Palette(
    ground="#faf7f2",
    panel="#f1ece4",
    raised="#e6e0d5",
    line="#cfc8bb",
    text="#2b2a28",
    soft="#6f6a62",
    accent="#1c7262",
    attention="#8f5a0e",
    danger="#b3392f",
    names=(
        "#914b52", "#8f5033", "#835a18", "#6c6619", "#4b6f35", "#1c7456",
        "#007374", "#006e8c", "#3c6598", "#5e5b97", "#785288", "#894c70",
    ),
)  # fmt: skip

_SIX = ("ansi_red", "ansi_green", "ansi_yellow", "ansi_blue", "ansi_magenta", "ansi_cyan")

SIXTEEN = Palette(
    ground="ansi_default",
    panel="ansi_default",
    raised="ansi_default",
    line="ansi_bright_black",
    text="ansi_default",
    soft="ansi_default",
    accent="ansi_cyan",
    attention="ansi_yellow",
    danger="ansi_red",
    names=_SIX + _SIX,
)


def hue(identity: str) -> int:
    """Which of the twelve hues somebody's name has: the same on every screen and at every start."""
    return crc32(identity.encode()) % HUES


def _theme(name: str, palette: Palette, *, dark: bool, ansi: bool = False) -> Theme:
    return Theme(
        name=name,
        dark=dark,
        ansi=ansi,
        primary=palette.accent,
        secondary=palette.accent,
        accent=palette.accent,
        success=palette.accent,
        warning=palette.attention,
        error=palette.danger,
        foreground=palette.text,
        background=palette.ground,
        surface=palette.panel,
        panel=palette.panel,
        boost=palette.raised,
        variables=_variables(palette, ansi=ansi),
    )


def _variables(palette: Palette, *, ansi: bool) -> dict[str, str]:
    """What the stylesheets and Textual's own widgets call our colours."""
    cursor = {"input-cursor-text-style": "reverse"} if ansi else {"input-cursor-text-style": "none"}
    return cursor | {
        "ansi-background": palette.ground,
        "ansi-foreground": palette.text,
        "ground": palette.ground,
        "raised": palette.raised,
        "line": palette.line,
        "soft": palette.soft,
        "soft-style": "dim" if ansi else "none",
        "chosen-style": "reverse" if ansi else "none",
        "attention": palette.attention,
        "danger": palette.danger,
        "border": palette.accent,
        "border-blurred": palette.line,
        "scrollbar": palette.line,
        "scrollbar-hover": palette.soft,
        "scrollbar-active": palette.accent,
        "scrollbar-background": palette.ground,
        "scrollbar-background-hover": palette.ground,
        "scrollbar-background-active": palette.ground,
        "scrollbar-corner-color": palette.ground,
        "input-cursor-background": palette.text,
        "input-cursor-foreground": palette.ground,
        "input-selection-background": palette.line,
        "screen-selection-background": palette.line,
        "screen-selection-foreground": palette.text,
        "block-cursor-background": palette.raised,
        "block-cursor-foreground": palette.text,
        "block-cursor-text-style": "reverse" if ansi else "bold",
        "block-cursor-blurred-background": palette.panel,
        "block-cursor-blurred-foreground": palette.text,
        "block-hover-background": palette.raised,
    } | {f"name-{number}": colour for number, colour in enumerate(palette.names)}  # fmt: skip


THEMES = {
    "dark": _theme("dark", DARK, dark=True),
    "light": _theme("light", LIGHT, dark=False),
    "sixteen": _theme("sixteen", SIXTEEN, dark=True, ansi=True),
}
