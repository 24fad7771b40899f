"""Static pictures of a report as SVG: maps, bars of shares, where a region lies."""
