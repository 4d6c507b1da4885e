"""The axes of charts and plots: round numbers to put beside them, and where on them a value is. Pure."""

MOST_TICKS = 4


def scale(largest: int, *, most: int = MOST_TICKS) -> list[int]:
    """Round numbers from zero to at least the largest; whole ones, because halves of a run do not exist."""
    step, sizes = 1, (1, 2, 5)
    index = 0
    while step * most < largest:
        index += 1
        step = sizes[index % 3] * 10 ** (index // 3)
    count = max(1, -(-largest // step))
    return [step * number for number in range(count + 1)]


def down(value: float, most: float, *, height: float, top: float = 0) -> float:
    """Pixels from the top, of a panel that begins at `top` and ends at zero."""
    return round(top + height * (1 - value / most), 2)


def percent(value: float, most: float) -> float:
    """From the left, of what the full width stands for."""
    return round(min(100.0, 100 * value / most), 2) if most else 0.0
