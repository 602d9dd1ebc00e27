"""F1: all commands and keys, from the tables."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from peertalk import commands
from peertalk.i18n import _
from peertalk.tui.wrap import wrap

Rows = list[tuple[str, str]]


class Help(ModalScreen[None]):
    """Commands and keys, or one command, or what others can see."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,q,enter", "dismiss", show=False),
        Binding("up", "scroll(-1)", show=False),
        Binding("down", "scroll(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown,space", "page(1)", show=False),
    ]

    def __init__(self, keys: tuple[commands.Binding, ...], command: str | None = None) -> None:
        super().__init__(classes="-overlay")
        self._keys = keys
        self._topic = command
        self._command = next((each for each in commands.COMMANDS if each.id == command), None)

    def compose(self) -> ComposeResult:
        with Vertical(id="sheet"):
            with VerticalScroll(can_focus=False):
                for title, rows in self._sections():
                    yield Static(Content(title), classes="title", markup=False)
                    yield Table(rows)
            yield Static(Content(_("Esc closes")), classes="keys", markup=False)

    def on_mount(self) -> None:
        self.watch(self.query_one(VerticalScroll), "virtual_size", self._say_keys)

    def on_resize(self) -> None:
        self.call_after_refresh(self._say_keys)

    def _say_keys(self) -> None:
        """How to go on reading, where there is more than fits."""
        more = [_("↑ ↓ scroll")] if self.query_one(VerticalScroll).max_scroll_y > 0 else []
        self.query_one(".keys", Static).update(Content("   ".join([*more, _("Esc closes")])))

    def _sections(self) -> list[tuple[str, Rows]]:
        if self._command is not None:
            usage, *about = commands.help_lines(self._command)
            return [(usage, [("", line) for line in about])]
        visible = (commands.privacy.title(), list(commands.privacy.seen()))
        if self._topic == commands.privacy.TOPIC:
            return [visible]
        written = [(commands.usage(each), _(each.help)) for each in commands.COMMANDS]
        keys = [(_key_names(each), _(each.help)) for each in self._keys if each.help]
        return [
            (_("Writing"), _writing()),
            (_("Keys"), keys),
            (_("Commands"), written),
            visible,
        ]

    def action_scroll(self, step: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=step, animate=False)

    def action_page(self, step: int) -> None:
        pane = self.query_one(VerticalScroll)
        pane.scroll_relative(y=step * max(pane.size.height - 2, 1), animate=False)


class Table(Static):
    """Two columns; the second one wraps within itself."""

    def __init__(self, rows: Rows) -> None:
        super().__init__(markup=False)
        self._rows = rows

    def on_resize(self) -> None:
        self.update(self._content(self.size.width))

    def on_mount(self) -> None:
        self.update(self._content(self.app.size.width))

    def _content(self, width: int) -> Content:
        column = min(max((len(left) for left, _right in self._rows), default=0) + 3, max(width // 2, 1))
        lines: list[Content] = []
        for left, right in self._rows:
            for number, part in enumerate(wrap(right, max(width - column, 20))):
                lead = left if number == 0 else ""
                lines.append(Content.assemble((f"{lead:<{column}}" if column > 3 else "", "$accent"), (part, "")))
        return Content("\n").join(lines)


def _key_names(binding: commands.Binding) -> str:
    return ", ".join(commands.key_name(key) for key in binding.keys)


def _writing() -> Rows:
    return [
        (commands.key_name("enter"), _("Send")),
        (f"{commands.key_name('ctrl+j')}, {commands.key_name('shift+enter')}", _("A new line in the same message")),
        (commands.key_name("tab"), _("Complete a name or a command")),
        ("//", _("A message that begins with a slash")),
    ]
