"""Static pictures: they show what the layers show, and say that they are for display only."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import rasterio
from rasterio.errors import NotGeoreferencedWarning
from worlds import at

from dgdo_geo.errors import DataError, InputError
from dgdo_geo.maps import PRESENCE_COLOURS, layer_picture
from dgdo_geo.model import LAND_BOUNDS
from dgdo_geo.query import Explorer
from dgdo_geo.texts import text

CELL = 500.0


def pixels(png: bytes) -> tuple[np.ndarray, dict[str, str]]:
    """Colours as (rows, columns, 4), and the tags of the file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.MemoryFile(png) as memory, memory.open() as picture:
            return np.moveaxis(picture.read(), 0, -1), picture.tags()


def test_a_layer_is_drawn_where_it_lies_and_labelled(tiny: Explorer) -> None:
    seen, tags = pixels(layer_picture(tiny, "zones", CELL))
    assert "alleen weergave" in " ".join(tags.values())
    west, _, _, north = LAND_BOUNDS
    inside = np.array(PRESENCE_COLOURS[3])

    def colour(x: float, y: float) -> np.ndarray:
        east, top = at(x, y)
        return seen[int((north - top) // CELL), int((east - west) // CELL)]

    assert (colour(3.7, 3.7) == inside).all()
    assert colour(7.5, 7.5)[3] == 0
    # Zone A is 4 by 4 km and zone B 4 by 2; a pixel is a quarter of a square kilometre.
    assert (seen == inside).all(axis=2).sum() >= (16 + 8) * 4


def test_a_picture_of_nothing_is_refused(tiny: Explorer) -> None:
    with pytest.raises(InputError, match="layer"):
        layer_picture(tiny, "bestaat_niet")
    with pytest.raises(DataError):
        layer_picture(tiny, "gemeenten")
    assert text("map", "display_only") == "alleen weergave"
