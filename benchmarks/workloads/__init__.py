"""One file per ratio workload, each with a class ``Workload`` of the shape in `base`."""
