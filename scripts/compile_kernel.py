"""Compile the kernel of the overlay and keep it, as the first large question would; ./test calls it.

A second call finds what the first one kept, and takes a few seconds.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from dgdo_geo.overlay.compiled import cache_folder
from dgdo_geo.query import open_explorer


def main() -> None:
    """Ask for the country and for a point, which are the two ways into the kernel."""
    with TemporaryDirectory() as folder:
        explorer = open_explorer(Path(folder, "workspace"), create=True)
        explorer.build_overlay()
        explorer.encoded.warm()
        explorer.at_point(203_500.0, 503_000.0)
    print(f"{len(list(cache_folder().rglob('*.nbc')))} functions kept")


if __name__ == "__main__":
    main()
