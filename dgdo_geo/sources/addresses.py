"""Web addresses: taken apart, and shown without what is secret."""

from __future__ import annotations

import re
from typing import Any

from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

_ACCOUNT = re.compile(r"(^|//)[^/?#]*@")
_SECRET = re.compile(r"([?&;][^=&;#]*(?:key|token|api|secret|passw|signature|credential)[^=&;#]*=)[^&#]*", re.I)


def shown(url: str) -> str:
    """Return an address fit for a message: without account, fragment and secret values.

    >>> shown("https://me:pw@example.nl/wfs?token=abc&count=1#top")
    'https://example.nl/wfs?token=***&count=1'
    """
    return plain(_SECRET.sub(r"\1***", _ACCOUNT.sub(r"\1", url.partition("#")[0])))


def plain(words: object) -> str:
    """One short printable line: what a server sends may hold anything."""
    return "".join(c if c.isprintable() else "?" for c in str(words))[:300]


def parsed(url: str) -> Url | None:
    """Parts of an address that can be fetched; None when it cannot."""
    try:
        parts = parse_url(url)
    except LocationParseError:
        return None
    return parts if parts.scheme in ("http", "https") and parts.host and parts.auth is None else None


def where(url: str) -> dict[str, Any]:
    """Host and address for a message."""
    parts = parsed(url)
    return {"host": plain(parts.host if parts else "?"), "url": shown(url)}
