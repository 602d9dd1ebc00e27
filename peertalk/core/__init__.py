"""The pure core: no I/O, no clock, no randomness of its own. Bytes, calls and `now` in; bytes, effects and events out."""
