"""Every error that PeerTalk raises on purpose.

    PeerTalkError
    ├── RemoteError    a peer did something wrong: it costs that peer its link, and nobody anything else
    ├── RequestError   a caller (a person, a program) asked for something that cannot be: nothing was changed
    └── StartError     the program cannot start or go on as it was asked to

Errors carry a `kind` (a stable word) and data, never prose: `say.py` makes the sentence in the person's language.
"""

from __future__ import annotations


class PeerTalkError(Exception):
    """Base of all; `kind` is one of the words listed at the subclasses, `data` what the sentence needs."""

    def __init__(self, kind: str, **data: object) -> None:
        super().__init__(kind)
        self.kind = kind
        self.data = data

    def __str__(self) -> str:
        details = " ".join(f"{key}={value!r}" for key, value in self.data.items())
        return f"{self.kind} {details}".rstrip()


class RemoteError(PeerTalkError):
    """What came from a peer is wrong. `kind` names the rule it broke, e.g. `malformed`, `decrypt`, `too_large`,
    `handshake_timeout`, `bad_signature`, `void_entry`, `flood`. Data never holds secrets or message text."""


class RequestError(PeerTalkError):
    """A request that cannot be fulfilled; the kinds are those of docs/rpc.md: `unknown_room`, `unknown_peer`,
    `unknown_message`, `unknown_offer`, `ambiguous_name`, `not_reachable`, `too_large`, `refused`, `sealed`, `bad_code`, `key_changed`,
    `bad_name`, `bad_text`, `bad_address`, `locked`, and those of commands: `unknown_command`, `missing_argument`, `extra_argument`,
    `bad_choice`, `no_room`."""


class StartError(PeerTalkError):
    """Why the program cannot start: `wrong_passphrase`, `needs_passphrase`, `newer_database`, `broken_database`, `broken_key`,
    `profile_in_use`, `port_in_use`, `port_denied`, `no_interface`, `bad_config`, `no_home`, `disk`, `not_running`; and of backups
    `no_profile`, `profile_exists`, `file_exists`, `broken_backup`, `newer_backup`."""
