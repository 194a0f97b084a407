"""How Sphinx builds the documentation: ``make docs``, where a warning is an error."""

from __future__ import annotations

from typing import Any

import bridgekit
from bridgekit._version import __version__

project = "bridgekit"
author = "The bridgekit developers"
copyright = "2026, The bridgekit developers"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.intersphinx"]
# Nothing is fetched while building: a build must give the same pages without a network.
intersphinx_mapping: dict[str, tuple[str, str | None]] = {}

source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

autoclass_content = "both"
autodoc_default_options = {"members": True, "member-order": "bysource", "show-inheritance": True}
autodoc_typehints = "signature"
python_maximum_signature_line_length = 88

# Wire examples are shown as they are, errors and all. Both faces have a Backend, a Stream and an
# EventQueue: an annotation that names one of them may be linked to the other.
suppress_warnings = ["misc.highlighting_failure", "ref.python"]

html_theme = "furo"
html_title = f"bridgekit {__version__}"
html_copy_source = False
html_show_sphinx = False


def setup(app: Any) -> None:
    """Let the page of the blocking face leave out what the main page documents already."""

    def documented(
        app: Any, what: str, name: str, value: object, skip: bool, options: Any
    ) -> bool | None:
        elsewhere = app.env.docname != "reference/bridgekit"
        return True if elsewhere and getattr(bridgekit, name, None) is value else None

    app.connect("autodoc-skip-member", documented)
