"""The node: asyncio around the core. It moves bytes and carries out what the core decided."""
