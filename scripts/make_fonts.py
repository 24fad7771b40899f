"""Make the fonts of the PDF reports from the variable font that Streamlit ships (Source Sans 3, SIL OFL 1.1).

Run once, when the fonts change, in an environment with ``fonttools`` and ``brotli`` (no dependencies of the project):

    python scripts/make_fonts.py FOLDER_OF_STREAMLIT

The licence asks that a changed font has another name: ours is called "DGDO Sans". The letters that are kept are
listed in ``KEPT``; ``dgdo_geo/report/letters.py`` names the same blocks, and a test compares them.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont

TARGET = Path(__file__).resolve().parent.parent / "dgdo_geo" / "report" / "fonts"
WEIGHTS = {"Regular": 400, "Bold": 700}
KEPT = (
    range(0x20, 0x250),
    range(0x300, 0x370),
    range(0x370, 0x530),
    range(0x1E00, 0x1F00),
    range(0x2000, 0x2300),
    range(0x25A0, 0x2700),
)


def made(source: Path, weight: str) -> TTFont:
    """One weight with the kept letters, under our own name."""
    font = instantiateVariableFont(TTFont(source), {"wght": WEIGHTS[weight]})
    options = subset.Options(layout_features=["kern", "liga", "mark", "mkmk", "ccmp", "locl", "tnum", "lnum"])
    options.name_IDs, options.notdef_outline, options.recalc_timestamp = ["*"], True, False
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=[code for block in KEPT for code in block])
    subsetter.subset(font)
    names = {1: "DGDO Sans", 2: weight, 3: f"DGDO Sans {weight} 1.0", 4: f"DGDO Sans {weight}", 6: f"DGDOSans-{weight}"}
    font["name"].names = [
        record for record in font["name"].names if record.nameID in (0, 1, 2, 3, 4, 5, 6, 8, 9, 11, 13, 14)
    ]
    for number, name in names.items():
        font["name"].setName(name, number, 3, 1, 0x409)
    font["OS/2"].usWeightClass = WEIGHTS[weight]
    is_bold = weight == "Bold"
    font["OS/2"].fsSelection = 0x20 if is_bold else 0x40
    font["head"].macStyle = 1 if is_bold else 0
    for table in ("STAT", "avar", "MVAR", "HVAR", "DSIG"):
        if table in font:
            del font[table]
    font.flavor = None
    return font


def main(streamlit: Path) -> None:
    """Write the fonts."""
    found = sorted(streamlit.rglob("SourceSansVF-Upright*.woff2"))
    if len(found) != 1:
        raise SystemExit(f"expected one SourceSansVF-Upright*.woff2 in the folder, found {len(found)}")
    TARGET.mkdir(exist_ok=True)
    for weight in WEIGHTS:
        path = TARGET / f"DGDOSans-{weight}.ttf"
        made(found[0], weight).save(path)
        print(path.name, path.stat().st_size)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
