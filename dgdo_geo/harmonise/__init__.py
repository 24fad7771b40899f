"""From a raw frame to our schema: RD New, valid geometry, declared classes, metres below ground level.

Nothing happens in silence: every repair, every dropped or translated value is
counted in the :class:`Report`.
"""

from dgdo_geo.harmonise.crs import SEA_BOUNDS, guess_crs, guessed_nl, lonlat_to_rd, median_distance, parse_crs, to_rd
from dgdo_geo.harmonise.report import Report
from dgdo_geo.harmonise.schema import as_text, joined_values, look_up, map_classes, numbers, require_columns, to_schema
from dgdo_geo.harmonise.shapes import clean_coverage, drop_outside, repair

__all__ = [
    "SEA_BOUNDS",
    "Report",
    "as_text",
    "clean_coverage",
    "drop_outside",
    "guess_crs",
    "guessed_nl",
    "lonlat_to_rd",
    "joined_values",
    "look_up",
    "map_classes",
    "median_distance",
    "numbers",
    "parse_crs",
    "repair",
    "require_columns",
    "to_rd",
    "to_schema",
]
