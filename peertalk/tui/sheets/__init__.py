"""What stands on the sheets over a conversation: lines and choices, as values. Pure; peertalk/tui/screens shows them."""
