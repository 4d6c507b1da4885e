"""How cells are called."""


def cell_number(position: int | None) -> str:
    """Return what a cell is called: its place in the notebook, from 1; `?` where no event told it."""
    return "?" if position is None or position < 0 else str(position + 1)
