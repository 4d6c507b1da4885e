"""Pictures to upload, made on the spot."""

from io import BytesIO
from pathlib import Path

from PIL import Image

FIELD = Path(__file__).parents[2] / "payloads" / "field"  # files that people sent, or such as they sent


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 20), colour="red", mode: str = "RGB", **options) -> bytes:
    out = BytesIO()
    Image.new(mode, size, colour).save(out, kind, **options)
    return out.getvalue()


def opened(content: bytes) -> Image.Image:
    return Image.open(BytesIO(content))
