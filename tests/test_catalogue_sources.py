"""The catalogue of sources: every ``fetch.toml`` holds together, and ``docs/sources.md`` tells the same."""

from __future__ import annotations

import re
import zipfile
from datetime import date
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import rasterio
import rasterio.shutil
import shapely
from affine import Affine
from pyogrio import read_dataframe

from dgdo_geo import store
from dgdo_geo.catalogue import CatalogueEntry, read_catalogue, shipped_layers_dir
from dgdo_geo.intake.fetching import FetchFile, fetch_files
from dgdo_geo.intake.grid_loading import bring_in_grid, grid_source
from dgdo_geo.intake.loading import Intake, bring_in
from dgdo_geo.intake.rasters import GridChoice, GridOptions
from dgdo_geo.intake.recipe import Declaration, RecipeLayer, read_recipe
from dgdo_geo.knowledge import read_knowledge
from dgdo_geo.model import Family
from dgdo_geo.sources.grids import GridFile
from dgdo_geo.sources.service_types import FEATURES, FILES, GRIDS
from dgdo_geo.toml_files import read_toml

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "sources.md"
BEGIN, END = "<!-- sources: begin -->\n", "<!-- sources: end -->"
NOT_SURE = ("niet nagegaan", "niet vermeld", "geen licentie vermeld")
PROVINCES = {f"PV{number}" for number in range(20, 32)}
HOST = re.compile(r"`([a-z0-9-]+(?:\.[a-z0-9-]+)+)`")


@cache
def entries() -> dict[str, CatalogueEntry]:
    return read_catalogue([shipped_layers_dir()])


@cache
def files() -> dict[str, FetchFile]:
    return fetch_files()


def each() -> list[str]:
    return sorted(files())


# The page --------------------------------------------------------------------------------


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "&#124;").split())


def table() -> str:
    """The table of ``docs/sources.md``, from the declarations."""
    rows = ["| layer | owner | protocol | address and layer there | licence | evidence | last fetched for real |"]
    rows.append("|---|---|---|---|---|---|---|")
    for layer_id, file in files().items():
        declared, service = file.declare, file.service
        layer = entries()[layer_id].layer
        there = f" `{service.layer}`" if service.layer else ""
        day = "never" if file.last_verified is None else file.last_verified.isoformat()
        cells = (
            f"`{layer_id}`: {layer.title_nl}", declared.owner or layer.owner, service.protocol,
            f"<{service.url}>{there}", declared.licence, file.evidence_nl, day,
        )  # fmt: skip
        rows.append(f"| {' | '.join(map(_cell, cells))} |")
    return "\n".join(rows) + "\n"


def _rewritten(page: str) -> str:
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{table()}\n{END}{tail}"


def found() -> list[tuple[str, set[str], str]]:
    """Rows of what was found, kept by hand: source, hosts, and what became of it."""
    text = PAGE.read_text(encoding="utf-8").partition(END)[2]
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in text.splitlines() if line.startswith("| ")]
    rows = [[cell.strip() for cell in row] for row in rows if row[0].strip() != "source"]
    assert all(len(row) == 3 for row in rows)
    return [(source, set(HOST.findall(host)), use) for source, host, use in rows]


def test_the_page_shows_the_fetch_files_of_today() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page.count(BEGIN) == page.count(END) == 1
    assert page == _rewritten(page), "run: python tests/test_catalogue_sources.py"


def test_the_page_says_what_became_of_every_source() -> None:
    rows = found()
    assert len(rows) > 60
    wrong = []
    for source, _, use in rows:
        layers = re.findall(r"`([a-z0-9_]+)`", use)
        if use.startswith("Not used: "):
            wrong += [] if len(use) > 22 else [f"{source}: no reason"]
        elif not (set(layers) & set(files())):
            wrong.append(f"{source}: names no layer that can be fetched")
        wrong += [f"{source}: no layer {name}" for name in layers if "_" in name and name not in entries()]
    assert wrong == []


def test_every_layer_that_can_be_fetched_is_found_with_its_host() -> None:
    missing = []
    for layer_id, file in files().items():
        host = urlsplit(file.service.url).hostname
        used = [hosts for _, hosts, use in found() if f"`{layer_id}`" in use and not use.startswith("Not used")]
        if len(used) != 1 or host not in used[0]:
            missing.append((layer_id, host, used))
    assert len(files()) > 50
    assert missing == []


# The files -------------------------------------------------------------------------------


@pytest.mark.parametrize("layer_id", each())
def test_a_fetch_file_is_honest_and_complete(layer_id: str) -> None:
    file, entry = files()[layer_id], entries()[layer_id]
    declared = file.declare
    assert urlsplit(file.service.url).scheme == "https"
    assert len(file.evidence_nl) > 40
    assert file.evidence_nl.endswith(".")
    # Either somebody called it and the day stands there, or the text says that nobody did.
    assert (file.last_verified is None) == ("niet zelf aangeroepen" in file.evidence_nl)
    assert declared.quality in ("official", "generalised")
    assert declared.scale_nl
    assert declared.attribution
    assert set(declared.coverage or ()) <= PROVINCES
    if any(words in declared.licence.casefold() for words in NOT_SURE):
        assert declared.downloadable is False
    if entry.layer.product is None:
        assert f"‘dgdo-geo fetch {layer_id}’" in entry.layer.how_to_get_nl
    head = (entry.folder / "fetch.toml").read_text(encoding="utf-8").splitlines()[0]
    assert head.startswith("# Haalt deze laag op met ‘dgdo-geo fetch ")
    assert layer_id in head


@pytest.mark.parametrize("layer_id", each())
def test_a_fetch_file_names_only_classes_of_its_layer(layer_id: str) -> None:
    file = files()[layer_id]
    known = {item.id for item in entries()[layer_id].layer.classes}
    named = {*file.classes.values.values(), *([file.classes.fixed] if file.classes.fixed else [])}
    named |= {file.classes.other} if file.classes.other else set()
    if file.grid is not None:
        named |= set(file.grid.named_classes)
        assert file.grid.no_data in ("", "geen_gegevens")
    assert named <= known
    assert named or file.classes.columns or len(known) == 1


@pytest.mark.parametrize("layer_id", each())
def test_a_fetch_file_says_enough_for_its_protocol(layer_id: str) -> None:
    file = files()[layer_id]
    protocol = file.service.protocol
    assert protocol in (*FEATURES, *FILES, *GRIDS)
    if protocol in GRIDS:
        assert file.grid is not None
        assert entries()[layer_id].layer.geometry == "polygon"
    if protocol == "opendap":
        assert file.grid is not None
        assert file.grid.variable
        assert file.service.crs
    if protocol in FEATURES:
        assert file.grid is None
        assert file.service.layer or protocol == "fdsn_event"
    if file.grid is not None and file.service.url.endswith(".zip"):
        assert file.grid.file
        assert file.crs
        assert file.why_crs_nl


def test_a_layer_of_a_province_covers_that_province() -> None:
    codes = {"zuid_holland": "PV28", "limburg": "PV31", "flevoland": "PV24", "zeeland": "PV29"}
    for name, code in codes.items():
        [layer_id] = [i for i in files() if i.endswith(name)]
        assert files()[layer_id].declare.coverage == (code,)
        assert entries()[layer_id].layer.coverage == (code,)


def test_the_same_is_said_before_and_after_a_fetch() -> None:
    compared = 0
    for layer_id, file in files().items():
        layer = entries()[layer_id].layer
        if layer.product is not None:
            continue
        said = file.declare.model_dump(exclude_none=True)
        for key in ("owner", "accuracy_m", "scale_nl", "quality"):
            compared += 1
            assert said[key] == getattr(layer, key), (layer_id, key)
        # Before a fetch a declaration may promise what the official source has; a fetch never promises more.
        assert said["absence"] in ("unknown", layer.absence), layer_id
    assert compared > 100


def test_only_complete_sources_say_that_an_empty_place_is_empty() -> None:
    conclusive = {i for i, file in files().items() if file.declare.absence == "conclusive"}
    assert conclusive == {
        "gemeenten", "provincies", "waterschappen", "gasvelden", "mijnbouwvergunningen", "bevingen_knmi", "natura2000",
    }  # fmt: skip


def test_a_layer_without_a_rule_says_so() -> None:
    knowledge = read_knowledge()
    used = {rule.layer for rule in knowledge.rules} | {
        layer_id for activity in knowledge.activities.values() for layer_id in activity.potential_layers
    }
    unused = [e.layer for i, e in entries().items() if i not in used and e.layer.family is not Family.BOUNDARIES]
    assert len(unused) > 30
    for layer in unused:
        assert "zij is er om te bekijken en te vergelijken" in layer.description_nl, layer.id
        # What no rule reads may not look like an answer either.
        assert {item.potential for item in layer.classes} <= {None, "unknown"}, layer.id


# The mappings ----------------------------------------------------------------------------


def as_recipe(layer_id: str, file: FetchFile) -> RecipeLayer:
    said = file.declare.model_dump(exclude={"reference_date"})
    declare = Declaration.model_validate({**said, "reference_date": date(2026, 1, 1)})
    return RecipeLayer(layer=layer_id, file="test", columns=file.columns, classes=file.classes, declare=declare)


def example(layer_id: str, file: FetchFile) -> gpd.GeoDataFrame:
    """Features as the service would send them: one for each value that the file translates or skips."""
    columns, classes = file.columns, file.classes
    values = [*classes.values, *classes.skip, *(["zelden gezien"] if classes.other else [])] or ["x"]
    if classes.columns and not classes.values:  # the mapping is open: only ids of classes need no translation
        values = [item.id for item in entries()[layer_id].layer.classes]
    codes = [list(lookup.values) for lookup in columns.lookup.values()]
    values = values if not codes else codes[0]
    kind = entries()[layer_id].layer.geometry
    shapes = []
    for number, _ in enumerate(values):
        square = shapely.box(150_000 + 2_000 * number, 450_000, 151_000 + 2_000 * number, 451_000)
        shapes.append({"polygon": square, "line": square.boundary, "point": square.centroid}[kind])
    frame = gpd.GeoDataFrame(geometry=shapes, crs="EPSG:28992")
    named = [columns.id, columns.name, columns.part_of, *columns.extra.values()]
    for name in filter(None, named):
        frame[name] = [f"{name} {number}" for number in range(len(values))]
    for lookup in columns.lookup.values():
        frame[lookup.column] = values
    if classes.columns and not columns.lookup:
        parts = [value.split("|") for value in values]
        for position, name in enumerate(classes.columns):
            frame[name] = [part[position] for part in parts]
    return frame


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> store.Workspace:
    return store.open_workspace(tmp_path_factory.mktemp("catalogue"), create=True)


@pytest.mark.parametrize("layer_id", [i for i in each() if files()[i].grid is None])
def test_what_a_service_sends_becomes_the_declared_layer(layer_id: str, workspace: store.Workspace) -> None:
    file = files()[layer_id]
    raw = example(layer_id, file)
    intake = bring_in(raw, as_recipe(layer_id, file), workspace)
    layer = intake.layer
    skipped = set(file.classes.skip)
    assert len(intake.frame) == len(raw) - len(skipped) > 0
    assert set(intake.frame["class"]) <= {item.id for item in layer.classes}
    if file.classes.values:
        assert set(intake.frame["class"]) >= set(file.classes.values.values())
    assert intake.frame["name"].str.len().min() > 0
    for ours in file.columns.extra:
        assert ours in intake.frame.columns
    assert (layer.source, layer.licence) == (file.declare.source, file.declare.licence)
    shipped = entries()[layer_id].layer
    if shipped.quality == "schematic":
        assert layer.description_nl != shipped.description_nl, "the description is that of the sketch"


def test_a_sketch_that_is_replaced_no_longer_calls_itself_a_sketch() -> None:
    replaced = [i for i in each() if entries()[i].layer.product is not None]
    assert {"gemeenten", "provincies", "grondwaterbescherming", "potentie_rot"} <= set(replaced)
    for layer_id in replaced:
        said = files()[layer_id].declare.description_nl
        assert said is not None
        assert "schets" not in said
        assert "vereenvoudigd" not in said


def test_licences_are_read_as_from_a_file_of_the_same_source(real_data: Path, workspace: store.Workspace) -> None:
    raw = read_dataframe(real_data / "mining" / "nlog_licences.geojson")
    service = raw.rename(
        columns={
            "licence_ty": "licence_type_cd",
            "licence_re": "licence_resource_cd",
            "licence_st": "licence_status_cd",
        }
    )
    fetched = bring_in(service, as_recipe("mijnbouwvergunningen", files()["mijnbouwvergunningen"]), workspace)
    recipe = read_recipe(ROOT / "docs" / "recipes" / "real-data.toml", real_data)
    [item] = [item for item in recipe.layers if item.layer == "mijnbouwvergunningen"]
    [states] = item.read.where.values()
    added: Intake = bring_in(raw[raw["licence_st"].isin(states)], item, workspace)
    assert fetched.report.classes == added.report.classes
    assert sum(fetched.report.classes.values()) > 250
    assert (raw["licence_st"] == "APPLIED").sum() > 0


# Grids -----------------------------------------------------------------------------------

GRID_LAYERS = [i for i in each() if files()[i].grid is not None]


def grid_recipe(layer_id: str, name: str = "test") -> RecipeLayer:
    file = files()[layer_id]
    update = {"file": name, "grid": file.grid, "crs": file.crs, "why_crs_nl": file.why_crs_nl}
    return as_recipe(layer_id, file).model_copy(update=update)


def cells_for(options: GridOptions) -> np.ndarray:
    """One cell in each class, the last one without a value."""
    if options.values:
        return np.array([[*options.codes, np.nan]])
    steps = options.thresholds
    low = [steps[0] - 1] if steps else [1.0]
    return np.array([[*low, *steps, np.nan]])  # a value on a threshold belongs to the class above it


def test_there_are_grids_of_every_kind() -> None:
    assert {files()[i].service.protocol for i in GRID_LAYERS} == {"file", "opendap", "wms"}


@pytest.mark.parametrize("layer_id", GRID_LAYERS)
def test_the_cells_of_a_grid_get_the_declared_classes(layer_id: str, workspace: store.Workspace) -> None:
    options = files()[layer_id].grid
    assert options is not None
    values = cells_for(options)
    depth = np.full(values.shape, 1500.0 if options.positive == "down" else -1500.0)

    def source(choice: GridChoice) -> GridFile:
        held = depth - 100 if choice == options.base else depth if choice == options.top else values
        return GridFile(held, 150_000.0, 450_000.0, 1000.0, "EPSG:28992")

    frame = bring_in_grid(source, grid_recipe(layer_id).model_copy(update={"crs": None}), workspace).frame
    no_data = [options.no_data] if options.no_data else []
    assert sorted(frame["class"]) == sorted([*options.named_classes, *no_data])
    area = frame.geometry.area.sum()
    assert area == pytest.approx(1e6 * (values.size if no_data else values.size - 1), rel=1e-3)
    filled = frame[frame["class"] != options.no_data]
    if options.top is not None:
        # Ground level lies between -7 and 323 m NAP, and depths are rounded outwards.
        assert (filled["top_min_m"].between(1400, 1493)).all()
        assert (filled["top_max_m"].between(1823, 1900)).all()
    if options.base is not None:
        assert (filled["base_min_m"].between(1550, 1593)).all()


def netcdf(path: Path, values: np.ndarray) -> None:
    """A NetCDF with the variable ``data`` in RD New, as ThermoGIS has them."""
    place = Affine(1000, 0, 150_000, 0, -1000, 502_000)
    picture = path.with_suffix(".tif")
    shape = {"height": values.shape[0], "width": values.shape[1], "count": 1}
    with rasterio.open(picture, "w", driver="GTiff", dtype="float32", crs="EPSG:28992", transform=place, **shape) as f:
        f.write(values.astype("float32"), 1)
        f.update_tags(1, NETCDF_VARNAME="data")
    rasterio.shutil.copy(picture, path, driver="netCDF")


def test_thermogis_is_read_from_its_zip(tmp_path: Path, workspace: store.Workspace) -> None:
    power = np.array([[4.9, 5.0], [10.0, np.nan]])
    given = {"power_p50": power, "power_p50_HP": power + 50, "depth": np.full((2, 2), 2000.0)}
    folder = "ThermoGIS_grids_2_5_1/6_Permian/Slochteren Fm & Upper Slochteren Mb (ROSL&ROSLU)/BaseCase"
    with zipfile.ZipFile(tmp_path / "grids.zip", "w") as archive:
        for name, values in given.items():
            netcdf(tmp_path / f"{name}.nc", values)
            archive.write(tmp_path / f"{name}.nc", f"{folder}/ROSL_ROSLU_{name}.nc")
        archive.write(
            tmp_path / "power_p50.nc",
            "ThermoGIS_grids_2_5_1/6_Permian/Upper Rotliegend Gp (RO)/BaseCase/RO_STACKED_power_p50.nc",
        )
    item = grid_recipe("potentie_rot", "grids.zip")
    intake = bring_in_grid(grid_source(tmp_path / "grids.zip", item.read, item.crs), item, workspace)
    at = {(150_500, 501_500): "unknown", (151_500, 501_500): "possible", (150_500, 500_500): "promising"}
    for place, class_id in at.items():
        assert list(intake.frame.loc[intake.frame.contains(shapely.Point(place)), "class"]) == [class_id]
    empty = intake.frame[intake.frame.contains(shapely.Point(151_500, 500_500))]
    assert list(empty["class"]) == ["geen_gegevens"]


def test_dgm_is_read_from_its_zip_in_its_own_coordinates(tmp_path: Path, workspace: store.Workspace) -> None:
    to_utm = pyproj.Transformer.from_crs("EPSG:28992", "EPSG:23031", always_xy=True)
    east, north = (round(v) for v in to_utm.transform(200_000, 500_000))
    header = f"@ZE GRID HEADER, GRID, 4\n15, 1.0E+30, , 4, 1\n2, 2, {east}, {east + 250}, {north}, {north + 250}"
    columns = [f"{upper:>15}{lower:>15}" for upper, lower in (("-499.0", "-4000.5"), ("-1250.0", "1.0E+30"))]
    text = "\n".join(["! test", f"{header}, 0, 0", "0, 0, 0", "@", *columns, ""])
    with zipfile.ZipFile(tmp_path / "10-ze.zip", "w") as archive:
        archive.writestr("10-ze/ZE_tvd_on_offshore_merge_DGM50_ED50_UTM31.zmap", text)
        archive.writestr("10-ze/ZE_dZ_on_offshore_merge_DGM50_ED50_UTM31.zmap", text.replace("-4000.5", " 9000.5"))
    item = grid_recipe("dgm_ze", "10-ze.zip")
    intake = bring_in_grid(grid_source(tmp_path / "10-ze.zip", item.read, item.crs), item, workspace)
    assert intake.report.crs_used == "EPSG:23031"
    corner = shapely.Point(200_000, 500_000)
    # Columns run from the north; nodes are centres. Read as ETRS89 the cells would lie some 100 m off.
    nearest = intake.frame.iloc[[intake.frame.distance(corner).argmin()]]
    assert list(nearest["class"]) == ["dieper_dan_4000"]
    assert nearest.geometry.iloc[0].centroid.distance(corner) < 5
    assert sorted(intake.frame["class"]) == [
        "dieper_dan_4000", "geen_gegevens", "ondieper_dan_500", "van_500_tot_1250"
    ]  # fmt: skip


def test_every_fetch_file_stands_beside_a_declaration() -> None:
    paths = sorted(shipped_layers_dir().glob("*/*/fetch.toml"))
    assert len(paths) == len(files())
    for path in paths:
        assert read_toml(path.with_name("layer.toml"))["id"] == path.parent.name


if __name__ == "__main__":
    PAGE.write_text(_rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
