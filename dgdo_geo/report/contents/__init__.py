"""What a report says, as blocks that the writers of PDF and HTML draw alike."""

from dgdo_geo.report.contents.assembled import booklet_of
from dgdo_geo.report.contents.compared import comparison_of

__all__ = ["booklet_of", "comparison_of"]
