"""What a dry run says of a file before anything in it is translated: nothing made up from too little."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from dgdo_geo import harmonise, store
from dgdo_geo.errors import InputError
from dgdo_geo.intake.area_codes import check_codes
from dgdo_geo.intake.looking import look_at_columns, look_at_place
from dgdo_geo.intake.proposing import propose, rows_nl


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


def _areas(codes: list[str], names: list[str], column: str = "code") -> gpd.GeoDataFrame:
    shapes = [shapely.box(200_000 + 2000 * i, 500_000, 201_000 + 2000 * i, 501_000) for i in range(len(codes))]
    ids = [f"gemeenten.{i:08x}" for i in range(len(codes))]
    return gpd.GeoDataFrame({"id": ids, column: codes, "naam": names}, geometry=shapes, crs=28992)


def test_municipalities_with_high_codes_are_places(workspace: store.Workspace) -> None:
    """GM0994 and GM0995 are municipalities; 997, 998 and 999 are words of statistics."""
    report = harmonise.Report(file="a", layer="gemeenten")
    check_codes(_areas(["GM0994", "GM0995"], ["Valkenburg aan de Geul", "Lelystad"]), workspace, report)
    for code in ("GM0997", "GM0998", "GM0999"):
        with pytest.raises(InputError) as caught:
            check_codes(_areas(["GM0193", code], ["Zwolle", "Buitenland"]), workspace, report)
        assert (caught.value.key, caught.value.values["code"]) == ("code_is_no_place", code)
        assert "Buitenland" in caught.value.message_nl


def test_the_code_of_an_area_goes_before_an_id_of_the_service() -> None:
    frame = _areas([f"GM{n:04d}" for n in (193, 203, 995)], ["Zwolle", "Barneveld", "Lelystad"], "gemeente")
    found = propose(look_at_columns(frame), None)
    assert found.id is not None
    assert found.id.column == "gemeente"


def test_a_column_without_a_name_is_no_name() -> None:
    frame = _areas(["a", "b", "c"], ["", "", "x"], "code").rename(columns={"naam": "Unnamed: 11"})
    assert propose(look_at_columns(frame), None).name is None


def test_one_row_is_no_rows() -> None:
    assert (rows_nl(1), rows_nl(1200)) == ("1 rij", "1.200 rijen")
