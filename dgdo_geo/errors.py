"""The five exceptions of dgdo-geo.

An exception names a message in ``knowledge/texts/*.toml`` and the values that
go into it. ``str(error)`` is English, for logs and code; ``error.message_nl``
is the Dutch sentence for the screen. Both come from the same entry, so they
cannot drift apart.
"""

from __future__ import annotations

from dgdo_geo.texts import message


class DgdoGeoError(Exception):
    """Base of all errors that a user can meet.

    Parameters
    ----------
    key : str
        Entry below ``[errors]`` in ``knowledge/texts/*.toml``.
    **values
        Values for the placeholders of the message.

    Attributes
    ----------
    exit_code : int
        Exit code of the command line: 2 wrong input, 3 data or source failure.
    message_nl : str
        The Dutch message for the screen.
    """

    exit_code = 3

    def __init__(self, key: str, **values: object) -> None:
        self.key = key
        self.values = values
        english, self.message_nl = message(key, values)
        super().__init__(english)


class InputError(DgdoGeoError):
    """The user asked for something that cannot be asked like this."""

    exit_code = 2


class NotInForceError(InputError):
    """The date asked for lies before the rule base begins."""


class DeclarationError(DgdoGeoError):
    """A file of ours (layer, rule, text) is wrong: names the file and the key."""


class DataError(DgdoGeoError):
    """A product, the workspace or a source cannot be read."""
