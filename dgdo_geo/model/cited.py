"""Sources: a list of publications, and citations that point into it."""

from __future__ import annotations

import re
from datetime import date, datetime
from difflib import get_close_matches
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, model_validator

Identifier = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]


def _published(value: object) -> object:
    is_day = isinstance(value, date) and not isinstance(value, datetime)
    is_part = isinstance(value, str) and re.fullmatch(r"\d{4}(-(0[1-9]|1[0-2]))?", value)
    if not (is_day or is_part):
        raise ValueError('write a day as 2018-03-09, and a month or year in quotes: "2018-03", "2018"')
    return value


Published = Annotated[date | str, BeforeValidator(_published)]
"""A day, or only the month or year ("2018-03", "2018") where the day was not seen."""
SOURCES = "sources"
"""Key of the validation context that holds the publications, by id."""


class Declared(BaseModel):
    """Base of everything that people write in files: frozen, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Publication(Declared):
    """One entry of the list of sources: what it is, and how it was read."""

    id: Identifier
    title: str
    kind: Literal["wet", "kamerstuk", "verordening", "beleid", "rapport", "webpagina", "nieuws", "kennis", "eigen"]
    url: Annotated[str, Field(pattern=r"^(https://.*)?$")] = ""
    published: Published | None = None
    read_as_nl: str


class Source(Declared):
    """Where a statement comes from: a publication, and the place in it.

    In a file only ``id``, ``article`` and ``quote_nl`` are written; the rest
    is filled in from the list of sources when there is one in the validation
    context.
    """

    id: str = ""
    title: str
    article: str = ""
    url: str = ""
    published: Published | None = None
    quote_nl: str = ""
    read_as_nl: str = ""

    @model_validator(mode="before")
    @classmethod
    def _from_list(cls, data: object, info: ValidationInfo) -> object:
        known = (info.context or {}).get(SOURCES)
        if known is None or not isinstance(data, dict):
            return data
        wanted = data.get("id")
        if not isinstance(wanted, str):
            raise ValueError("a source is named by its `id` in sources/*.toml")
        if wanted not in known:
            near = get_close_matches(wanted, known, 1)
            raise ValueError(f"unknown source {wanted!r}" + (f" (did you mean {near[0]!r}?)" if near else ""))
        strange = sorted(set(data) - {"id", "article", "quote_nl"})
        if strange:
            raise ValueError(f"{strange[0]} of a source stands in sources/*.toml, not here")
        entry = known[wanted]
        filled = {"title": entry.title, "url": entry.url, "published": entry.published, "read_as_nl": entry.read_as_nl}
        return {**data, **filled}

    @model_validator(mode="after")
    def _short_quote(self) -> Source:
        if len(self.quote_nl.split()) > 25:
            raise ValueError("quote_nl has more than 25 words")
        return self
