"""The screens. They own the state and do the waiting."""
