"""OPeNDAP (DAP 2.0): a part of a variable, one value along every axis but x and y.

Only the wanted window travels: the axes are read first, the box is turned into
ranges of their indexes, and the server is asked for those.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import quote

import numpy as np
import pyproj
from numpy.typing import NDArray

from dgdo_geo.errors import DataError
from dgdo_geo.sources import dap2
from dgdo_geo.sources.dap2 import Attributes, MalformedError, Values, Variable
from dgdo_geo.sources.grids import GridFile
from dgdo_geo.sources.http import Client, shown
from dgdo_geo.sources.lattice import Lattice, Reading, floats
from dgdo_geo.sources.ogc_api import refuse_exception
from dgdo_geo.sources.service_types import FetchedGrids, OnPage, Service, Wanted
from dgdo_geo.sources.services import plain

BLOCK = 2_000_000
"""Values to ask for at once."""
MOST_NAMES = 40
X_NAME = re.compile(r"lon(gitude)?|x|xc|rd_?x|x_?coord(inate)?s?|easting|projection_x_coordinate", re.IGNORECASE)
Y_NAME = re.compile(r"lat(itude)?|y|yc|rd_?y|y_?coord(inate)?s?|northing|projection_y_coordinate", re.IGNORECASE)
DEGREES = re.compile(r"lon(gitude)?|lat(itude)?|degrees?_?(east|north|e|n)?", re.IGNORECASE)
KILOMETRES = ("km", "kilometer", "kilometre", "kilometers", "kilometres")
# Where nothing is said, the library of NetCDF writes these where there is no value.
DEFAULT_FILL = {"float32": 9.969209968386869e36, "float64": 9.969209968386869e36, "int32": -2147483647, "int16": -32767}
T = TypeVar("T")


def fetch(service: Service, client: Client, choices: Sequence[Wanted], on_page: OnPage | None = None) -> FetchedGrids:
    """Read grids out of a data set.

    Raises
    ------
    DataError
        See :func:`dgdo_geo.sources.services.fetch_source`.
    """
    source = _Source.open(service, client)
    parts = {choice: _Part.of(source, choice) for choice in choices}
    total = sum(part.lattice.rows * part.lattice.columns for part in parts.values())
    source.reading.check_size(total)
    done = 0

    def count(cells: int) -> None:
        nonlocal done
        done += cells
        if on_page is not None:
            on_page(done, total)

    grids = {choice: part.read(count) for choice, part in parts.items()}
    return FetchedGrids(grids, source.reading.layer, source.reading.bytes, tuple(source.reading.notes))


# The data set ----------------------------------------------------------------------------


@dataclass(slots=True)
class _Source:
    """A data set: what it holds, and its axes once they are known."""

    reading: Reading
    client: Client
    url: str
    variables: list[Variable]
    attributes: dict[str, Attributes]
    axes: dict[str, Values] = field(default_factory=dict)

    @classmethod
    def open(cls, service: Service, client: Client) -> _Source:
        """Read what there is in the data set."""
        url = re.sub(r"\.(dds|das|dods|html)$", "", service.url.partition("?")[0].rstrip("/"))
        reading = Reading(service, url.rpartition("/")[2])
        source = cls(reading, client, url, [], {})
        source.variables = source.ask(".dds", lambda body: dap2.read_dds(body.decode("utf-8", "replace")))
        source.attributes = source.ask(".das", lambda body: dap2.read_das(body.decode("utf-8", "replace")))
        return source

    def ask(self, question: str, read: Callable[[bytes], T]) -> T:
        """An answer, read; an error message of the server, or something else, is an error."""
        service = self.reading.service
        body = self.client.get(self.url + question, headers=service.headers).body
        self.reading.bytes += len(body)
        told = dap2.told_error(body)
        if told is not None:
            raise DataError("service_error", service=shown(service.url), text=plain(told))
        if body.lstrip().startswith(b"<"):
            refuse_exception(service, body, "OPeNDAP")
        try:
            return read(body)
        except MalformedError as error:
            found = plain(f"{error}: {body[:200].decode('utf-8', 'replace')}")
            raise DataError("service_answer", service=shown(service.url), expected="OPeNDAP", found=found) from error

    def values(self, *names: str) -> list[tuple[Variable, Values]]:
        """Values of variables or parts of them, as asked."""
        return self.ask(f".dods?{','.join(quote(name, safe='_.') for name in names)}", dap2.read_dods)

    def pick(self, wanted: str) -> Variable:
        """A variable with axes x and y, by its name."""
        grids = [v for v in self.variables if not v.is_map and self.place(v) is not None]
        found = [v for v in grids if v.name == wanted] or [v for v in grids if v.name.casefold() == wanted.casefold()]
        found = found or (grids if not wanted else [])
        if len(found) != 1:
            known = plain(", ".join(v.name for v in grids)) or "-"
            raise self.reading.fail("service_variable_unknown", variable=wanted, known=known)
        return found[0]

    def place(self, variable: Variable) -> tuple[int, int] | None:
        """Which axes of a variable are x and y; None when it has none."""
        x = [i for i, name in enumerate(variable.dims) if self._is_axis(name, X_NAME, "X")]
        y = [i for i, name in enumerate(variable.dims) if self._is_axis(name, Y_NAME, "Y")]
        return (x[0], y[0]) if len(x) == len(y) == 1 else None

    def _is_axis(self, name: str, names: re.Pattern[str], letter: str) -> bool:
        told = self.attributes.get(name, {})
        standard = str(told.get("standard_name", ""))
        if standard:
            return names.fullmatch(standard) is not None
        return str(told.get("axis", "")).upper() == letter or names.fullmatch(name) is not None

    def axis(self, variable: Variable, name: str) -> Values:
        """Coordinates along an axis."""
        if name not in self.axes:
            declared = [v for v in self.variables if v.name == name and len(v.shape) == 1]
            own = [v for v in declared if not v.inside] or [v for v in declared if v.inside == variable.inside]
            if not own:
                raise self.reading.fail("service_axis_missing", axis=plain(name), variable=plain(variable.name))
            asked = name if not own[0].inside else f"{own[0].inside}.{name}"
            found = [values for v, values in self.values(asked) if v.name == name and v.shape == own[0].shape]
            if len(found) != 1:
                raise self.reading.fail("service_grid_other", asked=asked, got="-")
            self.axes[name] = found[0]
        return self.axes[name]

    def crs(self, variable: Variable) -> pyproj.CRS:
        """The coordinate system of the axes: of the declaration, else as the data set says."""
        given = self.reading.service.crs
        told = self._told_crs(variable)
        if given is not None:
            try:
                used = pyproj.CRS.from_user_input(given)
            except pyproj.exceptions.CRSError as error:
                raise self.reading.fail("service_crs", crs=plain(given)) from error
            if told is not None and not told.equals(used, ignore_axis_order=True):
                self.reading.note(f"the data set says {plain(told.to_string())}; read as {given}, as declared")
        elif told is None:
            raise self.reading.fail("service_grid_crs")
        else:
            used = told
        return self.reading.projected(used)

    def _told_crs(self, variable: Variable) -> pyproj.CRS | None:
        name = str(self.attributes.get(variable.name, {}).get("grid_mapping", "")).split(":")[0].strip()
        told = self.attributes.get(name)
        if told is None:
            mappings = [a for a in self.attributes.values() if "grid_mapping_name" in a or "crs_wkt" in a]
            told = mappings[0] if len(mappings) == 1 else {}
        code = re.search(r"EPSG\D{0,3}(\d{4,6})$|^(\d{4,6})$", _text(told, "epsg_code") or _text(told, "epsg"), re.I)
        try:
            if code:
                return pyproj.CRS.from_epsg(int(code[1] or code[2]))
            if wkt := _text(told, "crs_wkt") or _text(told, "spatial_ref"):
                return pyproj.CRS.from_user_input(wkt)
            return pyproj.CRS.from_cf(dict(told)) if "grid_mapping_name" in told else None
        except (pyproj.exceptions.CRSError, KeyError, TypeError, ValueError):
            self.reading.note("the data set describes its coordinate system in a way that is not understood")
            return None


def _text(told: Attributes, name: str) -> str:
    value = told.get(name, "")
    return f"{value:.0f}" if isinstance(value, float) else str(value).strip()


# One grid --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Part:
    """The wanted part of a variable.

    Attributes
    ----------
    x_place, y_place : int
        Which axes are x and y.
    first : tuple of int
        Index of the first value along every axis.
    lattice : Lattice
        The cells of the window.
    x_turned, y_turned : bool
        x falls; y rises: then the values are turned round.
    """

    source: _Source
    variable: Variable
    x_place: int
    y_place: int
    first: tuple[int, ...]
    lattice: Lattice
    crs: pyproj.CRS
    x_turned: bool
    y_turned: bool

    @classmethod
    def of(cls, source: _Source, choice: Wanted) -> _Part:
        """Find the variable, the place along its other axes and the window."""
        reading, variable = source.reading, source.pick(choice.variable)
        place = source.place(variable)
        if place is None or choice.band != 1:
            raise reading.fail("service_band", band=choice.band, count=1)
        others = [name for i, name in enumerate(variable.dims) if i not in place]
        select = dict(choice.select)
        for name in select:
            if name not in others:
                raise reading.fail("service_axis_unknown", axis=plain(name), known=plain(", ".join(others)) or "-")
        first = [0 if i in place else _index(source, variable, n, select) for i, n in enumerate(variable.dims)]
        crs = source.crs(variable)
        x, y = (_regular(source, variable, variable.dims[i]) for i in place)
        cell = abs(x[1])
        if abs(cell - abs(y[1])) > 1e-6 * cell:
            raise reading.fail("service_grid_irregular", found=f"{cell:g} × {abs(y[1]):g}")
        shift = 0.0 if reading.service.corners else cell / 2
        if reading.service.corners:
            reading.note("the axes hold the south-west corners of the cells, as declared")
        columns, rows = (variable.shape[i] for i in place)
        low = [axis[0] + min(0.0, axis[1] * (n - 1)) - shift for axis, n in ((x, columns), (y, rows))]
        whole = Lattice(low[0], low[1] + rows * cell, cell, rows, columns)
        window = reading.wanted(whole, crs)
        left, top = round((window.west - whole.west) / cell), round((whole.north - window.north) / cell)
        x_turned, y_turned = x[1] < 0, y[1] > 0
        first[place[0]] = columns - left - window.columns if x_turned else left
        first[place[1]] = rows - top - window.rows if y_turned else top
        return cls(source, variable, *place, tuple(first), window, crs, x_turned, y_turned)

    def read(self, count: Callable[[int], None]) -> GridFile:
        """All values of the window, in blocks of rows."""
        lattice, rows_at_once = self.lattice, max(1, BLOCK // self.lattice.columns)
        blocks = []
        for start in range(0, lattice.rows, rows_at_once):
            rows = min(rows_at_once, lattice.rows - start)
            blocks.append(self._block(start, rows))
            count(rows * lattice.columns)
        values = np.concatenate(blocks)
        values = values[::-1] if self.y_turned else values
        values = np.ascontiguousarray(values[:, ::-1] if self.x_turned else values)
        return self.source.reading.grid(values, lattice, self.crs)

    def _block(self, start: int, rows: int) -> NDArray[np.floating]:
        """Some rows, in the order of the server; x runs along the second axis."""
        variable = self.variable
        sizes = [1] * len(variable.dims)
        sizes[self.x_place], sizes[self.y_place] = self.lattice.columns, rows
        first = list(self.first)
        first[self.y_place] += start
        ranges = "".join(f"[{a}:1:{a + n - 1}]" for a, n in zip(first, sizes, strict=True))
        # The name of a grid means the grid with its axes.
        name = variable.name if variable.inside in ("", variable.name) else f"{variable.inside}.{variable.name}"
        found = self.source.values(name + ranges)
        arrays = [(v, values) for v, values in found if v.name == variable.name and not v.is_map]
        if len(arrays) != 1 or arrays[0][0].shape != tuple(sizes) or isinstance(arrays[0][1], list):
            got = "; ".join(f"{v.name} {v.shape}" for v, _ in arrays) or "-"
            raise self.source.reading.fail("service_grid_other", asked=f"{name} {tuple(sizes)}", got=plain(got))
        for v, values in found:
            if v.is_map:
                self._check_axis(v.name, values, first, sizes)
        values = _decoded(arrays[0][1], variable.kind, self.source.attributes.get(variable.name, {}))
        order = [i for i in range(values.ndim) if i not in (self.y_place, self.x_place)]
        flat = values.transpose(*order, self.y_place, self.x_place)
        return flat.reshape(rows, self.lattice.columns)

    def _check_axis(self, name: str, values: Values, first: list[int], sizes: list[int]) -> None:
        """The axes that come with a grid must be those that were read before."""
        at = self.variable.dims.index(name) if name in self.variable.dims else None
        known = self.source.axes.get(name)
        if at is None or known is None:
            return
        expected = known[first[at] : first[at] + sizes[at]]
        if list(values) != list(expected):
            raise self.source.reading.fail(
                "service_grid_other", asked=plain(f"{name} {expected}"), got=plain(str(values))
            )


def _index(source: _Source, variable: Variable, name: str, select: Mapping[str, str | float]) -> int:
    """Place along an axis: by its label, or by its coordinate to within half a step."""
    size = variable.shape[variable.dims.index(name)]
    if name not in select and size == 1:
        return 0
    axis = source.axis(variable, name)
    known = _listed(axis)
    if name not in select:
        raise source.reading.fail("service_axis_choice", axis=plain(name), variable=variable.name, known=known)
    wanted = select[name]
    refused = source.reading.fail("service_axis_value", axis=plain(name), value=plain(str(wanted)), known=known)
    if isinstance(axis, list):
        exact = [i for i, label in enumerate(axis) if label == str(wanted)]
        found = exact or [i for i, label in enumerate(axis) if label.casefold() == str(wanted).casefold()]
        if len(found) != 1:
            raise refused
        return found[0]
    numbers = axis.astype(np.float64)
    if isinstance(wanted, str) and not re.fullmatch(r"[-+]?\d+(\.\d*)?", wanted):
        raise refused
    away = np.abs(numbers - float(wanted))
    nearest = int(away.argmin())
    step = np.abs(np.diff(numbers)).min() if size > 1 else 0.0
    if not away[nearest] <= max(step / 2, 1e-9):
        raise refused
    if away[nearest] > 1e-6:
        source.reading.note(f"{name} {wanted}: nearest is {numbers[nearest]:g}")
    return nearest


def _listed(axis: Values) -> str:
    """The values of an axis for a message; the ends of a long one."""
    words: Iterable[str] = axis if isinstance(axis, list) else [f"{v:g}" for v in axis.astype(np.float64)]
    words = list(words)
    return plain(", ".join(words if len(words) <= MOST_NAMES else [*words[:5], "…", *words[-5:]]))


def _regular(source: _Source, variable: Variable, name: str) -> tuple[float, float]:
    """First coordinate and step of an axis, in metres."""
    axis = source.axis(variable, name)
    told = source.attributes.get(name, {})
    unit = str(told.get("units", ""))
    if DEGREES.fullmatch(unit) or DEGREES.fullmatch(name):
        raise source.reading.fail("service_grid_degrees", crs=plain(f"{name} ({unit})"))
    if isinstance(axis, list) or len(axis) < 2 or len(axis) != variable.shape[variable.dims.index(name)]:
        raise source.reading.fail("service_grid_irregular", found=plain(f"{name}: {_listed(axis)}"))
    numbers = axis.astype(np.float64) * (1000.0 if unit.casefold() in KILOMETRES else 1.0)
    steps = np.diff(numbers)
    if not np.isfinite(numbers).all() or steps[0] == 0 or np.ptp(steps) > 1e-3 * abs(steps[0]):
        raise source.reading.fail("service_grid_irregular", found=plain(f"{name}: {_listed(axis)}"))
    return float(numbers[0]), float((numbers[-1] - numbers[0]) / len(steps))


def _decoded(stored: NDArray[np.generic], kind: str, told: Attributes) -> NDArray[np.floating]:
    """Values with scale and offset applied, and NaN where the attributes say that there is none."""
    missing = [v for name in ("_FillValue", "missing_value") for v in _numbers(told.get(name))]
    if not missing and kind in DEFAULT_FILL:
        missing = [DEFAULT_FILL[kind]]
    values = floats(stored)
    scale, offset = (_numbers(told.get("scale_factor")) or [1.0]), (_numbers(told.get("add_offset")) or [0.0])
    if (scale[0], offset[0]) != (1.0, 0.0):
        values = values * scale[0] + offset[0]
    for value in missing:
        values[stored == value] = np.nan
    return values


def _numbers(value: object) -> list[float]:
    return [v for v in (value if isinstance(value, list) else [value]) if isinstance(v, float)]
