"""One file per competitor, each with a class ``Competitor`` of the shape in `base`."""
