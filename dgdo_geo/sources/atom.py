"""ATOM (INSPIRE download service): a feed, or a feed of feeds, with links to files."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit
from xml.etree import ElementTree

from dgdo_geo.sources.downloads import download
from dgdo_geo.sources.http import Client, Validators, shown
from dgdo_geo.sources.lattice import Reading
from dgdo_geo.sources.ogc_api import local, number, read_xml, refuse_exception
from dgdo_geo.sources.service_types import FetchedFile, NotChanged, OnPage, Service
from dgdo_geo.sources.services import plain

MOST_FEEDS = 40
"""Feeds that are read to find an entry."""
DEEPEST = 3
FILE_LINKS = ("alternate", "section", "enclosure", "")
# Pages about the data, and the search of the service, stand among the links too.
NO_FILES = ("text/html", "application/opensearchdescription+xml", "application/xml", "text/xml")


@dataclass(frozen=True, slots=True)
class Link:
    """A link of an entry.

    Attributes
    ----------
    url : str
        In full.
    file : str
        Last part of the address.
    names : frozenset of str
        Lower case: titles and ids of the entry and of those it was found through, title and file of the link.
    is_feed : bool
    length : int, optional
        Size in bytes that the feed tells.
    """

    url: str
    file: str
    names: frozenset[str]
    is_feed: bool
    length: int | None = None

    def fits(self, pattern: str) -> bool:
        """Whether one of its names is the one that is meant."""
        return any(fnmatch.fnmatchcase(n, pattern) if "*" in pattern else n == pattern for n in self.names)


def fetch(
    service: Service, client: Client, folder: Path, known: Validators | None = None, on_bytes: OnPage | None = None
) -> FetchedFile | NotChanged:
    """Download the file of the entry that the layer names: by its title, its id or the name of its file.

    Raises
    ------
    DataError
        See :func:`dgdo_geo.sources.services.fetch_source`.
    """
    reading = Reading(service, service.layer)
    link = find(reading, client)
    found = download(reading, client, link.url, folder, known, on_bytes)
    if isinstance(found, FetchedFile) and link.length not in (None, found.bytes):
        note = f"the feed says {link.length} bytes; the server sent {found.bytes}, and that is all"
        found = replace(found, notes=(*found.notes, note))
    return found


def find(reading: Reading, client: Client) -> Link:
    """The link to the file.

    Raises
    ------
    DataError
        If there is none; or more than one, while the layer is no pattern.
    """
    service = reading.service
    pattern = service.layer.casefold()
    level = [Link(service.url, "", frozenset(), is_feed=True)]
    known: dict[str, None] = {}
    read: set[str] = set()
    for _ in range(DEEPEST):
        links = [link for feed in level for link in _links(reading, client, feed, read)]
        there = [link for link in links if not link.is_feed]
        feeds = [link for link in links if link.is_feed and link.url not in read]
        known |= dict.fromkeys(link.file for link in there or feeds)
        found = {link.url: link for link in there if not pattern or link.fits(pattern)}
        if found:
            return _one(reading, list(found.values()))
        # A data set that is named leads to its own feed only; the name need not occur there once more.
        level = [feed for feed in feeds if pattern and feed.fits(pattern)] or feeds
        level = list({feed.url: feed for feed in level}.values())
        if not level:
            break
    raise reading.fail("service_layer_unknown", known=plain(", ".join(known)) or "-")


def _one(reading: Reading, found: list[Link]) -> Link:
    """The only one, or of a pattern the last in the order of their files."""
    found.sort(key=lambda link: link.file)
    if len(found) > 1 and "*" not in reading.service.layer:
        raise reading.fail("atom_many", count=len(found), known=plain(", ".join(link.file for link in found)))
    if len(found) > 1:
        reading.note(f"{len(found)} files fit; {found[-1].file} is the last of them")
    return found[-1]


def _links(reading: Reading, client: Client, feed: Link, read: set[str]) -> Iterator[Link]:
    """Links of all entries of a feed."""
    service = reading.service
    read.add(feed.url)
    if len(read) > MOST_FEEDS:
        raise reading.fail("atom_feeds", max=MOST_FEEDS)
    reply = client.get(feed.url, headers=service.headers)
    reading.bytes += len(reply.body)
    root = read_xml(service, reply.body)
    if local(root.tag) != "feed":
        refuse_exception(service, reply.body, "ATOM (feed)")
    for entry in root:
        if local(entry.tag) == "entry":
            yield from _of_entry(reading, feed, reply.url, entry)


def _of_entry(reading: Reading, feed: Link, base: str, entry: ElementTree.Element) -> Iterator[Link]:
    names = {(e.text or "").strip() for e in entry if local(e.tag) in ("title", "id")}
    names |= {name.rstrip("/").rpartition("/")[2] for name in names}
    for element in entry:
        if local(element.tag) != "link" or not element.get("href") or element.get("rel", "") not in FILE_LINKS:
            continue
        kind = (element.get("type") or "").partition(";")[0].strip().casefold()
        url = _full(reading, base, element.get("href", ""))
        file = unquote(urlsplit(url).path.rstrip("/").rpartition("/")[2])
        is_feed = kind == "application/atom+xml" or (not kind and file.casefold().endswith(".xml"))
        if kind in NO_FILES and not file.casefold().endswith((".gml", ".zip")):
            continue
        own = {element.get("title", "").strip(), file, Path(file).stem, url}
        all_names = frozenset(n.casefold() for n in names | own if n) | feed.names
        yield Link(url, file, all_names, is_feed, number(element.get("length")))


def _full(reading: Reading, base: str, link: str) -> str:
    """The full address of a link; an http link of an https feed is followed on the same host, over https."""
    try:
        url = urljoin(base, link.strip())
        ours, theirs = urlsplit(base), urlsplit(url)
        is_same = ours.hostname == theirs.hostname and ours.port == theirs.port
    except ValueError:
        url, theirs, is_same = link, urlsplit(""), False
        ours = urlsplit(base)
    if theirs.scheme not in ("http", "https") or not theirs.hostname:
        raise reading.fail("atom_link", link=plain(shown(url)))
    if ours.scheme == "https" and theirs.scheme == "http":
        if not is_same:
            raise reading.fail("atom_link", link=plain(shown(url)))
        url = urlunsplit(theirs._replace(scheme="https"))
    return url
