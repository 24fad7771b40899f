"""The opened workspace, shared by all sessions and routes of the server; renewed when its files change."""

from __future__ import annotations

import gc
import gzip
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache
from itertools import count
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

import pandas as pd

from dgdo_geo.catalogue import shipped_layers_dir
from dgdo_geo.knowledge import KNOWLEDGE_DIR, read_knowledge
from dgdo_geo.model import AreaAssessment, Assessment, RegionKind
from dgdo_geo.query import Explorer, open_explorer
from dgdo_geo.query.elsewhere import WayOut, ways_out
from dgdo_geo.report.rules_facts import Facts
from dgdo_geo.store import default_workspace
from dgdo_geo.web import places
from dgdo_geo.web.places import Place

T = TypeVar("T")


class Bounded(Generic[T]):
    """A cache of a fixed number of values, safe between threads; the oldest unused goes first."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[object, T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: object, make: Callable[[], T]) -> T:
        """The value of a key, made when it is not there."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        value = make()
        with self._lock:
            self._values[key] = value
            while len(self._values) > self._size:
                self._values.popitem(last=False)
        return value

    def __len__(self) -> int:
        return len(self._values)


_opening = threading.Lock()
_settled = ""
"""Fingerprint of the workspace that the garbage collector was told of."""
_areas: Bounded[AreaAssessment] = Bounded(64)
_points: Bounded[Assessment] = Bounded(64)
_ways: Bounded[WayOut] = Bounded(256)
_ranked: Bounded[pd.DataFrame] = Bounded(64)
_neighbours: Bounded[list[Place]] = Bounded(512)
_facts: Bounded[Facts] = Bounded(8)
_labels: Bounded[dict[Place, str]] = Bounded(2)
HIDDEN_MARK = "."
"""Between version and key of a hidden explorer."""
_hidden: WeakKeyDictionary[Explorer, tuple[str, dict[str, str], object]] = WeakKeyDictionary()
_serials: WeakKeyDictionary[Explorer, int] = WeakKeyDictionary()
_next_serial = count()
_numbering = threading.Lock()


def fingerprint() -> str:
    """Changes when a declaration, a rule, a concern or the choice of workspace changes. Costs a few milliseconds."""
    workspace = default_workspace()
    result = hashlib.sha256(str(workspace).encode())
    watched = (
        (shipped_layers_dir(), "**/layer.toml"),
        (workspace, "**/layer.toml"),
        (workspace, "concerns/*.toml"),
        (KNOWLEDGE_DIR, "**/*.toml"),
    )
    for folder, pattern in watched:
        for path in sorted(folder.glob(pattern)) if folder.is_dir() else ():
            status = path.stat()
            result.update(f"{path}|{status.st_mtime_ns}|{status.st_size}\n".encode())
    return result.hexdigest()[:16]


@lru_cache(maxsize=1)
def _opened(key: str) -> Explorer:
    read_knowledge.cache_clear()  # or the rules of before stay
    return open_explorer()


def explorer() -> Explorer:
    """The workspace as it is now.

    Raises
    ------
    DgdoGeoError
        If the workspace is missing or damaged, or a declaration is wrong.
    """
    global _settled
    with _opening:
        key = fingerprint()
        found = _opened(key)
        if key != _settled:
            _settled = key
            settle()
        return found


def settle() -> None:
    """Tell the garbage collector that what is loaded now will stay.

    Streamlit collects garbage after every turn of every session, and looked through a million objects of the workspace
    each time: half of the time of a click. What an earlier workspace left is collected first.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def version(opened: Explorer) -> str:
    """Short name of layers and rules together; part of the address of every layer on the map.

    Of an explorer that is hidden it holds its key as well.
    """
    name = hashlib.sha256(f"{opened.overlay.hash}|{opened.knowledge.hash}".encode()).hexdigest()[:12]
    return f"{name}{HIDDEN_MARK}{_hidden[opened][0]}" if opened in _hidden else name


def hide(opened: Explorer, key: str, layers: Mapping[str, str], held: object = None) -> None:
    """Mark an explorer as that of one visitor.

    Parameters
    ----------
    key : str
        Who does not know it, gets nothing of it.
    layers : mapping of layer id to name of the file
        The visitor's own layers.
    held : object
        Kept as long as the explorer: the folder of its workspace.
    """
    _hidden[opened] = (key, dict(layers), held)


def own_layers(opened: Explorer) -> Mapping[str, str]:
    """The visitor's own layers in an explorer, with the names of their files; empty for the server's workspace."""
    return _hidden[opened][1] if opened in _hidden else {}


def _serial(opened: Explorer) -> int:
    """Number of an opened workspace: answers of another one, with other rules or concerns, are not its answers."""
    with _numbering:
        if opened not in _serials:
            _serials[opened] = next(_next_serial)
        return _serials[opened]


def area_answer(opened: Explorer, place: Place, on: date) -> AreaAssessment:
    """The answer of a region, kept for the next session that asks the same."""
    key = (_serial(opened), place, on)
    if place.kind is RegionKind.POLYGON:
        shape, name = places.geometry(opened, place), places.name_of(opened, place)
        return _areas.get(key, lambda: opened.in_area(shape, on, name=name))
    return _areas.get(key, lambda: opened.for_region(place.code, on, kind=place.kind))


def place_labels(opened: Explorer) -> dict[Place, str]:
    """Every place that can be chosen, in the order of the list, with what the list says."""
    return _labels.get(_serial(opened), lambda: {p: places.label(opened, p) for p in places.all_places(opened)})


def neighbours(opened: Explorer, place: Place) -> list[Place]:
    """Places of the same kind that border on a place."""
    return _neighbours.get((_serial(opened), place), lambda: places.neighbours(opened, place))


def rule_facts(opened: Explorer, on: date) -> Facts:
    """The rules as a reader meets them on a day."""
    layers = {layer_id: state.layer for layer_id, state in opened.states.items()}
    return _facts.get((_serial(opened), on), lambda: Facts(opened.knowledge, layers, on))


def point_answer(opened: Explorer, x: float, y: float, on: date) -> Assessment:
    """The answer at a point."""
    return _points.get((_serial(opened), x, y, on), lambda: opened.at_point(x, y, on))


def way_out(opened: Explorer, assessment: Assessment, number: int) -> WayOut:
    """What stands in the way of one of the answers, and what is open instead.

    Parameters
    ----------
    number : int
        Position of the answer in the assessment.
    """
    key = (_serial(opened), assessment.region, assessment.on, number)
    answer = assessment.answers[number]
    return _ways.get(
        key, lambda: ways_out(opened, assessment, answer, ranked(opened, answer.activity.id, assessment.on))
    )


def ranked(opened: Explorer, activity: str, on: date) -> pd.DataFrame:
    """How open every municipality is to an activity; see ``Explorer.where_possible``."""
    return _ranked.get((_serial(opened), activity, on), lambda: opened.where_possible(activity, "NL", on))


def compressed(content: bytes) -> bytes:
    """The same bytes every time, so that the ETag of equal content is equal."""
    return gzip.compress(content, compresslevel=6, mtime=0)


def decompressed(content: bytes) -> bytes:
    """The opposite of :func:`compressed`, for the rare reader that does not take gzip."""
    return gzip.decompress(content)
