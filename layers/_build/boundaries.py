"""Municipalities and provinces as one valid coverage.

The provinces are the frame. Inside a province every spot that exactly one of
its municipalities claims is theirs; what two claim, or nobody, goes to the
nearest of those certain parts.
"""

from __future__ import annotations

import csv
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

GRID_M = 1 / 64
"""All coordinates lie on this grid: finer than 0.02 m, and exact in binary, which keeps the file small."""
FRAME_SNAP_M = 0.1
VORONOI_STEP_M = 100.0
FRAGMENT_M2 = 100_000.0
SLIT_M2 = 1_000.0
"""A gap between provinces smaller than this is a fault of the outlines; the smallest Belgian enclave is 2,100 m2."""
SIMPLIFY_M = 20.0


def build_municipalities(provinces: gpd.GeoDataFrame, raw: gpd.GeoDataFrame, sources: Path) -> gpd.GeoDataFrame:
    """Make the coverage of municipalities.

    Parameters
    ----------
    provinces : GeoDataFrame
        Outlines with ``province``.
    raw : GeoDataFrame
        Simplified, overlapping polygons with ``name``.
    sources : Path
        Folder with ``gemeenten.csv`` and ``gemeenten_namen.csv``.

    Returns
    -------
    GeoDataFrame
        Columns ``feature_id`` (GM code), ``name``, ``province``, ``geometry``; in order of code.
    """
    codes = pd.read_csv(sources / "gemeenten.csv")
    frame = provinces.set_geometry(
        list(shapely.coverage_clean(provinces.geometry.to_numpy(), snapping_distance=FRAME_SNAP_M))
    )
    claims = _claims(raw, codes, sources)
    claims = pd.concat([claims, _holes(frame, claims, codes)])
    cores = _cores(frame, claims, codes)
    lines = [frame.boundary.to_numpy(), cores.boundary.to_numpy(), _dividers(frame, cores)]
    faces = _faces(np.concatenate(lines))
    owner = _owners(faces, frame, cores)
    owner = _absorb_fragments(faces, owner, codes.set_index("gm_code")["pv_code"])
    polygons = _dissolve(faces, owner).reindex(sorted(set(codes["gm_code"])))
    polygons[:] = shapely.coverage_simplify(polygons.to_numpy(), SIMPLIFY_M)
    if not shapely.coverage_is_valid(polygons.to_numpy()):
        raise RuntimeError("the municipalities are not a valid coverage")
    table = codes.set_index("gm_code").loc[polygons.index]
    return gpd.GeoDataFrame(
        {"feature_id": polygons.index, "name": table["naam"].to_numpy(), "province": table["pv_code"].to_numpy()},
        geometry=polygons.to_numpy(),
        crs=28992,
    )


def build_provinces(municipalities: gpd.GeoDataFrame, sources: Path) -> gpd.GeoDataFrame:
    """Dissolve the municipalities to provinces.

    Returns
    -------
    GeoDataFrame
        Columns ``feature_id`` (PV code), ``name``, ``dgdo_region``, ``geometry``; in order of code.
    """
    table = pd.read_csv(sources / "provincies.csv").set_index("pv_code").sort_index()
    groups = municipalities.groupby("province").indices
    polygons = [shapely.coverage_union_all(municipalities.geometry.to_numpy()[groups[code]]) for code in table.index]
    return gpd.GeoDataFrame(
        {"feature_id": table.index, "name": table["provincie"].to_numpy(), "dgdo_region": table["dgdo_regio"].to_numpy()},
        geometry=polygons,
        crs=28992,
    )


def _claims(raw: gpd.GeoDataFrame, codes: pd.DataFrame, sources: Path) -> pd.Series:
    """Polygon per GM code, as the raw set draws it; merged municipalities dissolved."""
    with (sources / "gemeenten_namen.csv").open(encoding="utf-8", newline="") as file:
        alias = {row["bronnaam"]: row["naam"] for row in csv.DictReader(file)}
    by_name = codes.set_index("naam")["gm_code"]
    names = raw["name"].replace(alias)
    unknown = sorted(set(names) - set(by_name.index))
    if unknown:
        raise RuntimeError(f"municipality names without a code: {unknown}")
    return raw.geometry.groupby(names.map(by_name)).agg(shapely.union_all)


def _holes(frame: gpd.GeoDataFrame, claims: pd.Series, codes: pd.DataFrame) -> pd.Series:
    """Polygon of each municipality that the raw set left out: the hole around its centre.

    The hole is opened by 100 m first, to cut off the slivers along borders that hang on to it.
    """
    missing = codes[~codes["gm_code"].isin(claims.index)]
    found = {}
    for row in missing.itertuples():
        province = frame.geometry[frame["province"] == row.pv_code].iloc[0]
        gap = province.difference(shapely.union_all(claims.to_numpy())).buffer(-100).buffer(100)
        centre = shapely.Point(row.x_rd, row.y_rd)
        parts = shapely.get_parts(gap)
        found[row.gm_code] = parts[np.argmin(shapely.distance(parts, centre))].intersection(province)
    return pd.Series(found, dtype=object)


def _cores(frame: gpd.GeoDataFrame, claims: pd.Series, codes: pd.DataFrame) -> gpd.GeoDataFrame:
    """What exactly one municipality of the province claims; columns ``gm_code`` and ``province``."""
    outline = frame.set_index("province").geometry
    rows = []
    for province, members in codes.sort_values("gm_code").groupby("pv_code"):
        inside = shapely.intersection(claims.loc[members["gm_code"]].to_numpy(), outline[province])
        tree = shapely.STRtree(inside)
        for place, (code, polygon) in enumerate(zip(members["gm_code"], inside, strict=True)):
            others = [inside[i] for i in sorted(tree.query(polygon, predicate="intersects")) if i != place]
            core = _polygons_only(polygon.difference(shapely.union_all(others)))
            if core.is_empty:
                raise RuntimeError(f"{code} claims nothing of its own")
            rows.append((code, province, core))
    table = pd.DataFrame(rows, columns=["gm_code", "province", "geometry"])
    return gpd.GeoDataFrame(table, geometry="geometry", crs=28992)


def _dividers(frame: gpd.GeoDataFrame, cores: gpd.GeoDataFrame) -> np.ndarray:
    """Lines that split the undecided parts of each province halfway between the cores."""
    lines = []
    for row in frame.itertuples():
        own = cores[cores["province"] == row.province]
        undecided = row.geometry.difference(shapely.union_all(own.geometry.to_numpy()))
        vertices, place = shapely.get_coordinates(
            shapely.segmentize(own.boundary.to_numpy(), VORONOI_STEP_M), return_index=True
        )
        vertices, first = np.unique(np.round(vertices, 3), axis=0, return_index=True)
        cells = shapely.voronoi_polygons(shapely.MultiPoint(vertices), extend_to=row.geometry, ordered=True)
        cells = shapely.get_parts(cells)
        owner = place[first]
        areas = [shapely.union_all(cells[owner == i]) for i in range(len(own))]
        edges = shapely.union_all(shapely.boundary(areas))
        lines.append(shapely.intersection(edges, undecided))
    return np.array(lines, dtype=object)


def _faces(lines: np.ndarray) -> np.ndarray:
    """Node all lines on the grid and return the faces between them."""
    parts = shapely.get_parts(shapely.get_parts(lines))
    parts = parts[shapely.get_type_id(parts) == shapely.GeometryType.LINESTRING]
    noded = shapely.union_all(parts, grid_size=GRID_M)
    return shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))


def _owners(faces: np.ndarray, frame: gpd.GeoDataFrame, cores: gpd.GeoDataFrame) -> np.ndarray:
    """GM code of each face, empty outside every province; slits between provinces go to the nearest core."""
    points = shapely.point_on_surface(faces)
    owner = np.full(len(faces), "", dtype=object)
    for row in frame.itertuples():
        shapely.prepare(row.geometry)
        here = np.flatnonzero(shapely.contains(row.geometry, points))
        own = cores[cores["province"] == row.province]
        tree = shapely.STRtree(own.geometry.to_numpy())
        point, core = tree.query_nearest(points[here], all_matches=False)
        owner[here[point]] = own["gm_code"].to_numpy()[core]
    slits = np.flatnonzero((owner == "") & (shapely.area(faces) < SLIT_M2))
    slit, core = shapely.STRtree(cores.geometry.to_numpy()).query_nearest(points[slits], all_matches=False)
    owner[slits[slit]] = cores["gm_code"].to_numpy()[core]
    return owner


def _dissolve(faces: np.ndarray, owner: np.ndarray) -> pd.Series:
    """Union of the faces per owner."""
    codes = sorted(set(owner) - {""})
    return pd.Series([shapely.coverage_union_all(faces[owner == code]) for code in codes], index=codes, dtype=object)


def _absorb_fragments(faces: np.ndarray, owner: np.ndarray, province: pd.Series) -> np.ndarray:
    """Give loose bits of a municipality that lie against another one to that other one.

    A bit smaller than ``FRAGMENT_M2`` goes to the neighbour in its own province
    with the longest shared border; one smaller than ``SLIT_M2`` to any
    neighbour. A bit that touches nobody is an island and stays.
    """
    points = shapely.point_on_surface(faces)
    polygons = _dissolve(faces, owner)
    tree = shapely.STRtree(polygons.to_numpy())
    result = owner.copy()
    for code, polygon in polygons.items():
        parts = shapely.get_parts(polygon)
        areas = shapely.area(parts)
        for part in parts[(areas < FRAGMENT_M2) & (areas < areas.max())]:
            near = [polygons.index[i] for i in sorted(tree.query(part, predicate="intersects"))]
            near = [n for n in near if n != code and (province[n] == province[code] or part.area < SLIT_M2)]
            shared = {n: part.boundary.intersection(polygons[n].boundary).length for n in near}
            best = max(shared, key=shared.get, default=None)
            if best is not None and shared[best] > 0:
                result[shapely.contains(part, points)] = best
    return result


def _polygons_only(geometry: shapely.Geometry) -> shapely.Geometry:
    parts = shapely.get_parts(shapely.get_parts(geometry))
    return shapely.union_all(parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON])
