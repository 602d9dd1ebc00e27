"""`python -m peertalk`."""

from __future__ import annotations

from peertalk.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
