"""The host's side: starting backends, calling them, and knowing how each of them ended."""
