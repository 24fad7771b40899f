"""Static pictures and maps: they show what the layers show, say that they are for display only, and ask no other server."""

from __future__ import annotations

import warnings
from datetime import date

import folium
import numpy as np
import pytest
import rasterio
from rasterio.errors import NotGeoreferencedWarning
from worlds import at

from dgdo_geo import maps
from dgdo_geo.errors import DataError, InputError
from dgdo_geo.maps import PRESENCE_COLOURS, layer_picture
from dgdo_geo.model import LAND_BOUNDS, RegionKind
from dgdo_geo.query import Explorer
from dgdo_geo.texts import text
from dgdo_geo.web import mapview
from dgdo_geo.web.places import Place
from dgdo_geo.web.state import View

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


PLACES = {
    "nothing": None,
    "municipality": Place(RegionKind.MUNICIPALITY, "GM0050"),
    "province": Place(RegionKind.PROVINCE, "PV24"),
    "region": Place(RegionKind.DGDO_REGION, "Oost"),
    "country": Place(RegionKind.COUNTRY, "NL"),
}
OVER = ("breuken", "drinkwaterwinningen", "boringsvrije_zones")


def map_of(explorer: Explorer, place: Place | None) -> tuple[folium.Map, list[folium.FeatureGroup]]:
    view = View("geothermie", date.today(), place, layers=OVER, point=(159_178.0, 484_914.0))
    answer = None if place is None else explorer.for_region(place.code, activities=["geothermie"]).answers[0]
    over, problems = mapview.overlays(explorer, view)
    assert problems == []
    return mapview.base_map(explorer, place), mapview.changing_layers(explorer, view, answer, over)


def names_in(groups: list[folium.FeatureGroup]) -> list[str]:
    return [child._name for group in groups for child in group._children.values()]


@pytest.mark.parametrize("place", list(PLACES))
def test_no_map_asks_another_server(explorer: Explorer, place: str) -> None:
    base, groups = map_of(explorer, PLACES[place])
    assert maps.foreign_addresses(base) == []
    assert [address for group in groups for address in maps.foreign_addresses(group)] == []
    assert maps.foreign_addresses(folium.Map()), "the guard must see what folium does by default"


@pytest.mark.parametrize("place", list(PLACES))
def test_online_only_the_base_map_is_asked(explorer: Explorer, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DGDO_ONLINE", "1")
    base, groups = map_of(explorer, PLACES[place])
    foreign = maps.foreign_addresses(base)
    assert len(foreign) == 1 and foreign[0].startswith("https://service.pdok.nl/")
    assert [address for group in groups for address in maps.foreign_addresses(group)] == []


@pytest.mark.parametrize("place", [name for name in PLACES if name != "nothing"])
def test_cells_are_called_cells_and_sketches_are_marked(explorer: Explorer, place: str) -> None:
    found = names_in(map_of(explorer, PLACES[place])[1])
    assert "Watermark" in found
    is_exact = place == "municipality"
    assert ("Label" in found, "Tiles" in found) == (not is_exact, not is_exact)
    assert found.count("UrlLayer") == len(OVER) + is_exact


def test_a_sketch_over_the_map_is_marked_before_anything_is_chosen(explorer: Explorer) -> None:
    assert "Watermark" in names_in(map_of(explorer, None)[1])
