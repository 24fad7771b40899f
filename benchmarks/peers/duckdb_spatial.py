"""Peer in an environment of its own: DuckDB with its spatial extension."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.inputs import DISSOLVED, MUNICIPALITIES, read_manifest
from benchmarks.task import Inputs, Task

# Further conditions beside ST_Intersects would switch off DuckDB's spatial join.
QUERY = """
    SELECT m.id AS region, l.layer AS layer, SUM(ST_Area(ST_Intersection(m.geometry, l.geometry))) AS area_m2
    FROM municipalities m JOIN layers l ON ST_Intersects(m.geometry, l.geometry)
    GROUP BY ALL
"""


def layer_areas(inputs: Inputs, *, threads: int = 2) -> Task:
    """Area of every layer in every municipality; DuckDB has no joint combinations."""
    import duckdb
    import duckdb_extension_spatial

    workload = read_manifest(inputs.workload)
    shape = (workload.spec.municipalities, len(workload.layers))
    extension = next(Path(duckdb_extension_spatial.__file__).parent.rglob("spatial.duckdb_extension"))
    connection = duckdb.connect(config={"threads": threads, "allow_unsigned_extensions": "true"})
    connection.execute(f"LOAD '{extension}'")
    for table, path in (("municipalities", inputs.workload / MUNICIPALITIES), ("layers", inputs.scratch / DISSOLVED)):
        connection.execute(
            f"CREATE TABLE {table} AS SELECT * REPLACE (geometry::GEOMETRY AS geometry) FROM read_parquet('{path}')"
        )

    def run() -> dict[str, NDArray[Any]]:
        return connection.execute(QUERY).fetchnumpy()

    def keep(found: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        area = np.zeros(shape)
        np.add.at(area, (np.asarray(found["region"]), np.asarray(found["layer"])), np.asarray(found["area_m2"]))
        return {"area_m2": area}

    return Task(run, keep)
