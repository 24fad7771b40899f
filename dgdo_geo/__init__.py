"""What can go where in the deep subsurface of the Netherlands, at which depth, and why.

>>> import dgdo_geo
>>> explorer = dgdo_geo.open_explorer()            # doctest: +SKIP
>>> explorer.for_region("GM0193").to_dict()        # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dgdo_geo.query import Explorer

__version__ = "0.1.0"

__all__ = ["__version__", "open_explorer"]


def open_explorer(workspace: str | None = None) -> Explorer:
    """Open a workspace for asking; see :func:`dgdo_geo.query.open_explorer`."""
    # Imported here, so that `dgdo-geo --help` does not load the geo packages.
    from dgdo_geo.query import open_explorer as opened

    return opened(workspace)
