"""What all layers of one run of ``fetch`` share: what is known of the network, the bytes, and the wish to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from dgdo_geo.errors import DataError
from dgdo_geo.sources.http import Client, Reply, Validators, shown

UNREACHABLE = "source_unreachable"
SUSPECT = 2
"""After so many hosts that cannot be reached, and none that answered, the others are tried once only."""


class Stopped(Exception):
    """Somebody asked to stop."""


@dataclass
class Network:
    """What this run learnt about the hosts; shared between threads.

    Attributes
    ----------
    client : Client
    quick : Client
        Tries once: for when there seems to be no internet at all.
    """

    client: Client
    quick: Client
    stop: threading.Event = field(default_factory=threading.Event)
    down: dict[str, DataError] = field(default_factory=dict)
    has_answer: bool = False

    def ask(self, url: str, question: Callable[[Client], Reply]) -> Reply:
        """Put a question to the host of an address; one that could not be reached is not tried again.

        Raises
        ------
        DataError
            As the client does.
        Stopped
            If somebody asked to stop.
        """
        if self.stop.is_set():
            raise Stopped
        host = urlsplit(url).netloc
        if host in self.down:
            raise DataError(UNREACHABLE, **{**self.down[host].values, "url": shown(url)})
        is_offline = not self.has_answer and len(self.down) >= SUSPECT
        try:
            reply = question(self.quick if is_offline else self.client)
        except DataError as error:
            if error.key == UNREACHABLE:
                self.down[host] = error
            else:
                self.has_answer = True
            raise
        self.has_answer = True
        return reply


class Meter(Client):
    """A client for one layer that counts its bytes."""

    def __init__(self, network: Network, on_bytes: Callable[[int], None] | None = None) -> None:
        self._network = network
        self._on_bytes = on_bytes
        self.bytes = 0

    def get(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        accept: Collection[str] = (),
        known: Validators | None = None,
    ) -> Reply:
        """As :meth:`~dgdo_geo.sources.http.Client.get`."""

        def question(client: Client) -> Reply:
            return client.get(url, params, headers=headers, accept=accept, known=known)

        reply = self._network.ask(url, question)
        self._count(self.bytes + len(reply.body))
        return reply

    def download(
        self,
        url: str,
        to: Path,
        *,
        known: Validators | None = None,
        on_bytes: Callable[[int, int | None], None] | None = None,
        accept: Collection[str] = (),
    ) -> Reply:
        """As :meth:`~dgdo_geo.sources.http.Client.download`."""
        before, first = self.bytes, [-1]

        def counted(done: int, total: int | None) -> None:
            if self._network.stop.is_set():
                raise Stopped
            if first[0] < 0:
                first[0] = done
            self._count(before + done)
            if on_bytes is not None:
                on_bytes(done, total)

        def question(client: Client) -> Reply:
            return client.download(url, to, known=known, on_bytes=counted, accept=accept)

        return self._network.ask(url, question)

    def _count(self, size: int) -> None:
        self.bytes = size
        if self._on_bytes is not None:
            self._on_bytes(size)
