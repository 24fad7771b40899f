"""A short id of what a report rests on: the same for all files of a report."""

from dgdo_geo.report.snapshot import snapshot_of

__all__ = ["snapshot_of"]
