"""Where a body goes: into memory, or into a file of which a part can be completed later.

Used by :mod:`dgdo_geo.sources.http` only.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import BinaryIO

from dgdo_geo.errors import DataError
from dgdo_geo.sources.addresses import plain, where

PAGES = (".html", ".htm", ".xhtml")


class Memory:
    """Keeps the body in memory."""

    page = True  # an HTML page may be what was asked for
    size = 0
    asked = False  # for the rest of a part only

    def __init__(self) -> None:
        self.data = io.BytesIO()

    def headers(self) -> dict[str, str]:
        """Headers with which the next try asks."""
        return {"Accept-Encoding": "gzip, deflate"}

    def resumes(self, headers: Mapping[str, str]) -> bool:
        """Whether a 206 is the rest of what is here."""
        return False

    def begin(self, headers: Mapping[str, str], total: int | None, resumed: bool) -> None:
        """The body is about to come: all of it, or the rest."""
        self.data, self.size = io.BytesIO(), 0

    def write(self, data: bytes) -> None:
        """Add a piece."""
        self.data.write(data)
        self.size += len(data)

    def forget(self) -> None:
        """Throw away what came."""


class Part(Memory):
    """Keeps the body in a hidden file beside the target, with a note that says of which version it is a part."""

    def __init__(self, url: str, to: Path, on_bytes: Callable[[int, int | None], None] | None) -> None:
        super().__init__()
        self._url, self._to, self._on_bytes = url, to, on_bytes
        self._part, self._note = to.with_name(f".{to.name}.part"), to.with_name(f".{to.name}.part.json")
        self._id = hashlib.sha256(url.encode()).hexdigest()  # the address itself may hold a secret
        self._validator = ""
        self._file: BinaryIO | None = None
        self._total: int | None = None
        self.page = to.suffix.lower() in PAGES

    @contextmanager
    def _disk(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = plain(error.strerror or error)
            raise DataError("source_not_saved", **where(self._url), file=self._to.name, reason=reason) from error

    def headers(self) -> dict[str, str]:
        """Headers with which the next try asks."""
        self.close()
        with self._disk():
            try:
                note = json.loads(self._note.read_bytes())
                self._validator = str(note["validator"]) if note["id"] == self._id else ""
                self.size = self._part.stat().st_size
            except (FileNotFoundError, ValueError, KeyError, TypeError):
                self.size = 0
        self.asked = bool(self.size and self._validator)
        if not self.asked:
            self.forget()
        rest = {"Range": f"bytes={self.size}-", "If-Range": self._validator} if self.asked else {}
        return {"Accept-Encoding": "identity"} | rest

    def resumes(self, headers: Mapping[str, str]) -> bool:
        """Whether a 206 is the rest of what is here: same version, from here to the end."""
        place = re.fullmatch(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})", headers.get("content-range", "").strip())
        if not (self.asked and place) or headers.get("content-encoding"):
            return False
        first, last, total = map(int, place.groups())
        same = headers.get("etag" if self._validator.startswith('"') else "last-modified", self._validator)
        return first == self.size and last + 1 == total and same == self._validator

    def begin(self, headers: Mapping[str, str], total: int | None, resumed: bool) -> None:
        """The body is about to come: all of it, or the rest."""
        self._total = total
        if not resumed:
            self.forget()
            self._validator = _strong(headers)
        with self._disk():
            if not resumed:
                self._to.parent.mkdir(parents=True, exist_ok=True)
                if self._validator:
                    self._note.write_text(json.dumps({"id": self._id, "validator": self._validator}), encoding="utf-8")
            self._file = self._part.open("ab" if resumed else "wb")

    def write(self, data: bytes) -> None:
        """Add a piece."""
        with self._disk():
            if self._file is not None:
                self._file.write(data)
        self.size += len(data)
        if self._on_bytes is not None:
            self._on_bytes(self.size, self._total)

    def finish(self) -> None:
        """Put the complete file in its place."""
        with self._disk():
            if self._file is not None:
                self._file.flush()
                os.fsync(self._file.fileno())
                self._file.close()
            self._part.replace(self._to)
            self._note.unlink(missing_ok=True)

    def forget(self) -> None:
        """Throw away what came."""
        self.size, self._validator, self.asked = 0, "", False
        with self._disk():
            if self._file is not None:
                self._file.close()
            self._part.unlink(missing_ok=True)
            self._note.unlink(missing_ok=True)

    def close(self) -> None:
        """Leave nothing behind, except a part of which the rest can be asked for."""
        with self._disk():
            if self._file is not None:
                self._file.close()
                self._file = None
        if not self._note.exists():
            self.forget()


def _strong(headers: Mapping[str, str]) -> str:
    """A validator that holds byte for byte (RFC 9110, 8.8); empty if the server gives none."""
    etag, modified = headers.get("etag", ""), headers.get("last-modified", "")
    if headers.get("content-encoding") or etag.startswith('"'):
        return "" if headers.get("content-encoding") else etag
    age = seconds(headers.get("date", "")) - seconds(modified)
    return modified if modified and age >= 60 else ""


def seconds(date: str) -> float:
    """An HTTP date as seconds; 0 when it is none."""
    try:
        return parsedate_to_datetime(date).replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        return 0.0
