"""What the maps of one region share: its frame, the outlines in pixels, and the cells that are judged per map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import numpy as np
import rasterio.features
import shapely
import shapely.affinity
import shapely.geometry
from numpy.typing import NDArray
from rasterio import Affine

from dgdo_geo.model import LAND_BOUNDS, Activity, Band, Region, RegionKind
from dgdo_geo.model.patterns import PATTERNS
from dgdo_geo.query import Explorer
from dgdo_geo.query.displayed import Displayed, class_of, displayed
from dgdo_geo.query.regions import WATER_BOARDS, find_water_board

MARGIN = 0.05
"""Room around a region, as part of its longest side."""
CELLS = 640
"""About how many cells lie along the longest side of a map."""
MOST_MUNICIPALITIES = 60
"""With more of them the provinces are drawn."""
NICE_CELLS_M = (1.0, 2.0, 5.0, 10.0, 20.0, 25.0, 50.0, 100.0, 200.0, 250.0, 500.0, 1000.0)
MOST_FLAT, MOST_TALL = 0.62, 0.95
"""Height of a map as part of its width: at least and at most."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A window on the map: from EPSG:28992 in metres to pixels, north up.

    Attributes
    ----------
    west_m, north_m : float
        North-west corner.
    m_per_px : float
    width, height : float
        In pixels.
    """

    west_m: float
    north_m: float
    m_per_px: float
    width: float
    height: float

    @classmethod
    def around(cls, bounds: Sequence[float], width: float, m_per_px: float | None = None) -> Frame:
        """The frame around a rectangle in metres; at a given scale, for maps beside each other."""
        west, south, east, north = bounds
        span_x, span_y = max(east - west, 1.0), max(north - south, 1.0)
        tall = min(max(span_y / span_x, MOST_FLAT), MOST_TALL)
        height = round(width * tall)
        room = 1 - 2 * MARGIN
        scale = m_per_px or max(span_x / (width * room), span_y / (height * room))
        middle_x, middle_y = (west + east) / 2, (south + north) / 2
        return cls(middle_x - scale * width / 2, middle_y + scale * height / 2, scale, float(width), float(height))

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east and north in metres."""
        east = self.west_m + self.width * self.m_per_px
        return self.west_m, self.north_m - self.height * self.m_per_px, east, self.north_m

    def pixels(self, shapes: NDArray[np.object_]) -> NDArray[np.object_]:
        """Shapes in pixels, y downwards."""
        corner, scale = np.array([self.west_m, self.north_m]), np.array([self.m_per_px, -self.m_per_px])
        return np.asarray(shapely.transform(shapes, lambda xy: (xy - corner) / scale), object)


@dataclass(frozen=True, eq=False)
class Ground:
    """A region on paper, ready for maps of any activity; made once per region."""

    frame: Frame
    region: Region
    shape: shapely.Geometry = field(repr=False)
    cells: Displayed = field(repr=False)
    units: tuple[tuple[str, bool, shapely.Geometry], ...] = field(repr=False)
    """Name, whether it belongs to the region, and outline in pixels, of every municipality in the frame; of every
    province where the municipalities would be too many."""

    @property
    def cell_m(self) -> float:
        """Width of the cells that are judged, in metres."""
        return self.cells.grid.cell_m

    @cached_property
    def outline(self) -> shapely.Geometry:
        """The region in pixels."""
        return self.frame.pixels(np.array([self.shape], object))[0]

    @cached_property
    def _is_seen(self) -> NDArray[np.bool_]:
        """Cells in or just around the region; its outline cuts off what is too much."""
        wider = shapely.buffer(self.shape, 2 * self.cell_m, quad_segs=2)
        grid = self.cells.grid
        size, transform = (grid.rows, grid.columns), _transform(self.cells)
        burned = rasterio.features.rasterize([(wider, 1)], out_shape=size, transform=transform, dtype=np.uint8)
        return np.asarray(burned == 1)

    def parts(self, kind: str, activity: Activity, band: Band, on: date) -> dict[str, shapely.Geometry]:
        """Polygons in pixels per word, in the order of ``PATTERNS[kind]``; the outline of the region cuts them off.

        Parameters
        ----------
        kind : {"verdict", "found", "potential"}
        band : Band
            One of the activity, or a depth of the user's own.
        """
        declared = activity.bands.index(band) if band in activity.bands else None
        depth = (band.top_m, band.base_m) if declared is None else None
        judged = self.cells.parts(activity.id, declared or 0, on, depth)
        seen = np.append(class_of(kind, judged), np.uint8(255))[self._rows]
        pixels, which = self._drawn(seen)
        keys = list(PATTERNS[kind])
        return {keys[n]: shapely.multipolygons(_polygons(pixels[which == n])) for n in np.unique(which)}

    @cached_property
    def _rows(self) -> NDArray[np.int32]:
        """The row of what was judged for every cell in or around the region, -1 elsewhere."""
        return _grown(np.where(self._is_seen, self.cells.row, -1).astype(np.int32), self._is_seen)

    def _drawn(self, seen: NDArray[np.uint8]) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
        """Simplified polygons in pixels of cells with the same number, and that number; many activities look alike."""
        key = seen.tobytes()
        if key not in self._looks:
            shapes, which = [], []
            for shape, value in rasterio.features.shapes(seen, mask=seen != 255, transform=_transform(self.cells)):
                rings = [shapely.linearrings(np.array(ring)) for ring in shape["coordinates"]]
                shapes.append(shapely.polygons(rings[0], rings[1:] or None))
                which.append(int(value))
            simple = shapely.coverage_simplify(np.array(shapes, object), self.cell_m * 1.5)
            self._looks[key] = self.frame.pixels(simple), np.array(which, np.int64)
        return self._looks[key]

    @cached_property
    def _looks(self) -> dict[bytes, tuple[NDArray[np.object_], NDArray[np.int64]]]:
        return {}


def ground(
    explorer: Explorer, region: Region, shape: shapely.Geometry, width: float = 330.0, m_per_px: float | None = None
) -> Ground:
    """Prepare the maps of a region.

    Parameters
    ----------
    explorer : Explorer
    region : Region
    shape : polygon or multipolygon
        Of the region, EPSG:28992.
    width : float
        Of a map, in pixels.
    m_per_px : float, optional
        Scale; for reports that lay regions beside each other.
    """
    frame = Frame.around(shape.bounds, width, m_per_px)
    west, south, east, north = shape.bounds
    target = max(east - west, north - south) / CELLS
    cell = next((c for c in NICE_CELLS_M if c >= target), NICE_CELLS_M[-1])
    edge = 3 * cell
    window = (
        max(west - edge, LAND_BOUNDS[0]), max(south - edge, LAND_BOUNDS[1]),
        min(east + edge, LAND_BOUNDS[2]), min(north + edge, LAND_BOUNDS[3]),
    )  # fmt: skip
    return Ground(frame, region, shape, displayed(explorer, cell, window), _units(explorer, region, frame))


def shape_of(explorer: Explorer, region: Region) -> shapely.Geometry:
    """Polygon of a region that can be found by its code.

    Raises
    ------
    ValueError
        For a polygon of the user's own: only the user has it.
    """
    if region.kind in (RegionKind.POLYGON, RegionKind.POINT):
        raise ValueError(f"a {region.kind.value} has no polygon of its own")
    if region.kind is RegionKind.WATER_BOARD:
        return find_water_board(explorer.layer(WATER_BOARDS).to_gdf(), region.code)[2]
    return explorer.regions.geometry(region)


def _units(explorer: Explorer, region: Region, frame: Frame) -> tuple[tuple[str, bool, shapely.Geometry], ...]:
    """Simplified together, so that shared edges stay shared, and cut off at the frame."""
    every, inside = explorer.regions.municipalities, set(region.municipalities)
    if len(inside) > MOST_MUNICIPALITIES:
        every, inside = explorer.regions.provinces, set(region.provinces)
    near = every.iloc[np.sort(every.sindex.query(shapely.box(*frame.bounds), predicate="intersects"))]
    simple = shapely.coverage_simplify(near.geometry.to_numpy(), frame.m_per_px * 0.7)
    outer = shapely.box(-5, -5, frame.width + 5, frame.height + 5)
    pixels = shapely.intersection(shapely.make_valid(frame.pixels(simple)), outer)
    return tuple(
        (str(name), code in inside, shape)
        for code, name, shape in zip(near.index, near["name"], pixels, strict=True)
        if not shape.is_empty
    )


def _transform(cells: Displayed) -> Affine:
    grid = cells.grid
    return Affine(grid.cell_m, 0, grid.west_m, 0, -grid.cell_m, grid.north_m)


def _grown(rows: NDArray[np.int32], where: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Cells outside the country (-1) next to a judged one take its word: the coast is drawn by the outline."""
    grown = rows.copy()
    for _ in range(3):
        for axis, step in ((0, 1), (0, -1), (1, 1), (1, -1)):
            other = np.roll(grown, step, axis)
            grown = np.where((grown == -1) & where, other, grown)
    return grown


def _polygons(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    parts = shapely.get_parts(shapes)
    return parts[(shapely.get_type_id(parts) == shapely.GeometryType.POLYGON) & ~shapely.is_empty(parts)]
