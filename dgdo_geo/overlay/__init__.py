"""Exact overlay of layers: which combination of layer classes is present where.

Knows geometry, knows no rule. ``encode`` turns layers into planes of polygons,
``geos`` cuts regions into the faces between all their edges, ``table`` keeps
the sparse result, ``point`` answers for one place.
"""
