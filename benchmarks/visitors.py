"""Visitors of the web app without a browser: they speak the protocol of Streamlit over a WebSocket and click on the map."""

from __future__ import annotations

import asyncio
import json
import random
import time
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import pyproj
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Origin, Subprotocol

LARGEST = 64 * 2**20
"""Bytes of the largest message."""
PATIENCE_S = 60.0
MAP = "streamlit_folium.st_folium"
_DONE = ForwardMsg.ScriptFinishedStatus.FINISHED_SUCCESSFULLY
_TO_LONLAT = pyproj.Transformer.from_crs(28992, 4326, always_xy=True)
_TO_RD = pyproj.Transformer.from_crs(4326, 28992, always_xy=True)


@dataclass
class Visitor:
    """One visitor: what he opened, where he clicks, and what came of it.

    Attributes
    ----------
    query : str
        Address of the page, after the question mark.
    places : list of (x, y)
        Where he clicks, EPSG:28992.
    seconds : list of float
        From every click to the last part of the page.
    problems : list of str
        Clicks that were not answered, or not with the clicked place.
    """

    query: str
    places: list[tuple[float, float]]
    seconds: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    _map: str = ""

    async def visit(self, url: str, wait_s: float, every_s: float, until: float) -> None:
        """Open the page, then click every few seconds until a moment of ``time.monotonic``."""
        await asyncio.sleep(wait_s)
        address = f"{url.replace('http', 'ws', 1)}/_stcore/stream"
        try:
            async with connect(
                address,
                subprotocols=[Subprotocol("streamlit")],
                origin=Origin(url),
                max_size=LARGEST,
                ping_interval=None,
            ) as socket:
                await self._turn(socket, None)
                if not self._map:
                    self.problems.append("the page has no map")
                    return
                for place in self.places:
                    await asyncio.sleep(every_s * random.uniform(0.8, 1.2))
                    if time.monotonic() > until:
                        return
                    began = time.perf_counter()
                    seen = await self._turn(socket, place)
                    self.seconds.append(time.perf_counter() - began)
                    if "punt" not in parse_qs(self.query) or f"X {place[0]:.0f}".encode() not in seen:
                        self.problems.append(f"no answer for {place[0]:.0f}, {place[1]:.0f}")
        except (OSError, TimeoutError, WebSocketException) as error:
            self.problems.append(f"{type(error).__name__}: {error}")

    async def _turn(self, socket: ClientConnection, place: tuple[float, float] | None) -> bytes:
        """One run of the page; returns all that was sent."""
        message = BackMsg()
        message.rerun_script.query_string = self.query
        if place is not None:
            longitude, latitude = _TO_LONLAT.transform(*place)
            state = message.rerun_script.widget_states.widgets.add()
            state.id = self._map
            state.json_value = json.dumps({"last_clicked": {"lat": latitude, "lng": longitude}})
        await socket.send(message.SerializeToString())
        seen = b""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                got = await socket.recv()
                data = got if isinstance(got, bytes) else got.encode()
                seen += data
                answer = ForwardMsg.FromString(data)
                kind = answer.WhichOneof("type")
                if kind == "delta":
                    self._look(answer)
                elif kind == "page_info_changed":
                    self.query = answer.page_info_changed.query_string
                elif kind == "script_finished" and answer.script_finished == _DONE:
                    return seen

    def _look(self, answer: ForwardMsg) -> None:
        element = answer.delta.new_element
        kind = element.WhichOneof("type")
        if kind == "component_instance" and element.component_instance.component_name == MAP:
            self._map = element.component_instance.id
        if kind == "exception":
            self.problems.append(f"exception on the page: {element.exception.message[:200]}")


def whole_metres(x: float, y: float) -> tuple[float, float]:
    """The point that the app makes of a click there: RD in whole metres after a turn through degrees."""
    east, north = _TO_RD.transform(*_TO_LONLAT.transform(round(x), round(y)))
    return float(round(east)), float(round(north))
