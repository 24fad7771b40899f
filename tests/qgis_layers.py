"""What QGIS makes of layers of a GeoPackage; run by QGIS's own Python with the file and the names, prints JSON."""

from __future__ import annotations

import json
import sys

from qgis.core import QgsApplication, QgsVectorLayer

QgsApplication.setPrefixPath("/usr", True)
app = QgsApplication([], False)
app.initQgis()
path, *names = sys.argv[1:]
found = {}
for name in names:
    layer = QgsVectorLayer(f"{path}|layername={name}", name, "ogr")
    _, has_style = layer.loadDefaultStyle()
    drawn = layer.renderer()
    found[name] = {
        "valid": layer.isValid(),
        "spatial": layer.isSpatial(),
        "count": layer.featureCount(),
        "crs": layer.crs().authid(),
        "style": has_style,
        "labels": [item.label() for item in drawn.legendSymbolItems()] if drawn else [],
    }
    del layer, drawn
print(json.dumps(found), flush=True)
app.exitQgis()
