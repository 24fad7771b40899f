"""What a dry run says of a file before anything in it is translated: nothing made up from too little."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from dgdo_geo import harmonise, store
from dgdo_geo.intake.looking import look_at_place


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> store.Workspace:
    return store.open_workspace(tmp_path_factory.mktemp("werkmap"), create=True)


def _ring(vertices: int, step: float) -> gpd.GeoDataFrame:
    """A circle of 10 km with its coordinates rounded to a step."""
    angle = np.linspace(0, 2 * np.pi, vertices, endpoint=False)
    points = np.column_stack([200_000 + 10_000 * np.cos(angle), 500_000 + 10_000 * np.sin(angle)])
    return gpd.GeoDataFrame(geometry=[shapely.Polygon(np.round(points / step) * step)], crs=28992)


@pytest.mark.parametrize(
    ("vertices", "step", "rounding", "detail"),
    [(8, 1000.0, None, None), (400, 100.0, 100.0, 50.0), (400, 0.001, None, 15.7)],
)
def test_rounding_is_told_of_many_vertices_only(
    workspace: store.Workspace, vertices: int, step: float, rounding: float | None, detail: float | None
) -> None:
    """Eight corners on whole kilometres may be exact; four hundred points of a circle on whole hectometres are not."""
    frame = _ring(vertices, step)
    place = look_at_place(frame, frame, workspace, harmonise.Report(file="a", layer="b"))
    assert place.rounding_m == rounding
    assert place.detail_m == (None if detail is None else pytest.approx(detail, rel=0.05))
