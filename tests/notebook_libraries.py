"""What draws and compares notebooks, without a module of the product: imported before a process is forked."""

import sys

# As in lms.notebooks.render_worker.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]

import latex2mathml.converter  # noqa: E402, F401
import nbconvert.exporters  # noqa: E402
import nbconvert.filters.markdown_mistune  # noqa: E402, F401
import nbdime.diffing.notebooks  # noqa: E402, F401
import nbformat  # noqa: E402, F401
