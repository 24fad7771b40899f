"""Ask the explorer: at a point, in an area, for a region, or where something is possible."""

from dgdo_geo.query.explorer import Explorer
from dgdo_geo.query.loaded import LoadedLayer
from dgdo_geo.query.opening import open_explorer
from dgdo_geo.query.regions import RegionIndex, guess_kind

__all__ = ["Explorer", "LoadedLayer", "RegionIndex", "guess_kind", "open_explorer"]
