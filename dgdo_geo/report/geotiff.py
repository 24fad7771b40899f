"""The verdict as a grid: one cloud-optimised GeoTIFF for every activity and band. For display: a cell speaks for its centre."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import rasterio.shutil
from numpy.typing import NDArray
from rasterio import Affine
from rasterio.features import rasterize
from rasterio.io import MemoryFile

from dgdo_geo.model import RD_NEW, Answer
from dgdo_geo.model.patterns import PATTERNS
from dgdo_geo.query import Explorer
from dgdo_geo.query.displayed import class_of
from dgdo_geo.report.document import Report
from dgdo_geo.report.pictures.ground import Ground, ground
from dgdo_geo.texts import section, text

NODATA = 255
"""Value of a cell outside the region."""


def tiffs_of(explorer: Explorer, report: Report) -> Iterator[tuple[Answer, bytes]]:
    """For every answer the grid as bytes; equal for equal input."""
    one = ground(explorer, report.answer.region, report.shape)
    size = (one.cells.grid.rows, one.cells.grid.columns)
    inside = rasterize([(report.shape, 1)], out_shape=size, transform=_transform(one), dtype=np.uint8) == 1
    for item in report.answer.answers:
        declared = item.activity.bands.index(item.band) if item.band in item.activity.bands else None
        depth = (item.band.top_m, item.band.base_m) if declared is None else None
        judged = one.cells.parts(item.activity.id, declared or 0, report.answer.on, depth)
        numbers = np.append(class_of("verdict", judged), np.uint8(NODATA))
        cells = np.where(inside, numbers[one.cells.row], np.uint8(NODATA)).astype(np.uint8)
        yield item, _tiff(cells, one, item, report)


def _transform(one: Ground) -> Affine:
    grid = one.cells.grid
    return Affine(grid.cell_m, 0, grid.west_m, 0, -grid.cell_m, grid.north_m)


def _tiff(cells: NDArray[np.uint8], one: Ground, item: Answer, report: Report) -> bytes:
    words = section("verdict")
    tags = {f"CLASS_{i}": words[key] for i, key in enumerate(PATTERNS["verdict"])}
    tags |= {
        "TITLE": f"{report.answer.region.name}: {item.activity.name_nl}, {item.band.top_m:g}-{item.band.base_m:g} m",
        "SNAPSHOT": report.snapshot,
        "DAY": report.answer.on.isoformat(),
        "NOTE": text("report_words", "display_only"),
    }
    if report.is_schematic:
        tags["MARK"] = text("report", "mark")
    profile = {
        "driver": "GTiff", "height": cells.shape[0], "width": cells.shape[1], "count": 1, "dtype": "uint8",
        "crs": f"EPSG:{RD_NEW}", "transform": _transform(one), "nodata": NODATA,
    }  # fmt: skip
    with MemoryFile() as plain, MemoryFile(ext=".tif") as result:
        with plain.open(**profile) as target:
            target.write(cells, 1)
            target.write_colormap(1, _colours())
            target.update_tags(**tags)
            target.set_band_description(1, text("report_words", "verdict"))
        with plain.open() as source:
            rasterio.shutil.copy(
                source, result.name, driver="COG", compress="DEFLATE", resampling="NEAREST", overview_count="2"
            )
        return bytes(result.read())


def _colours() -> dict[int, tuple[int, int, int, int]]:
    found = {NODATA: (255, 255, 255, 0)}
    for i, pattern in enumerate(PATTERNS["verdict"].values()):
        red, green, blue = (int(pattern.colour[j : j + 2], 16) for j in (1, 3, 5))
        found[i] = (red, green, blue, 255)
    return found
