"""Conversion of uploaded pictures to small JPEGs. No other module imports Pillow, and this one when a picture comes.

The file's name and declared type are ignored: the decoder decides by the content, among three formats only. A
decompression bomb is refused by the size in its header, before a pixel is decoded. The result is redrawn, so that only
the pixels of the file are kept: no metadata of a photograph, no comment, no appended data.
"""

import logging
from io import BytesIO
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image, Transpose

logger = logging.getLogger(__name__)

MAX_BYTES = 10 * 1024 * 1024
LARGEST_PIXELS = 50_000_000
MAX_SIDE = 2048
QUALITY = 85
FORMATS = ["JPEG", "PNG", "WEBP"]
ORIENTATION = 0x0112  # of Exif
TURNS = {  # names of Pillow's transpositions
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
# Other formats, by their first bytes, for the error message.
OTHERS = (
    (b"GIF8", "a GIF"),
    (b"BM", "a BMP"),
    (b"II*\0", "a TIFF"),
    (b"MM\0*", "a TIFF"),
    (b"%PDF", "a PDF"),
    (b"<svg", "an SVG"),
    (b"<?xml", "an SVG or other XML"),
    (b"<!DOCTYPE", "a web page"),
    (b"<html", "a web page"),
)
BRANDS = ((b"avif", "an AVIF"), (b"avis", "an AVIF"), (b"heic", "a HEIC"), (b"heix", "a HEIC"), (b"mif1", "a HEIF"))
CONTENT_TYPE = "image/jpeg"
UNREADABLE = "The file is not a readable JPEG, PNG or WebP image"


class BadPicture(ValueError):
    """The file cannot be used as a picture. `reason` is `size`, `pixels` or `unreadable`."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def check_upload(*, size: int) -> None:
    """Check the size before the file is opened. Raises BadPicture."""
    if size > MAX_BYTES:
        raise BadPicture("size", f"The file exceeds the maximum size of {MAX_BYTES // 1024**2} MiB")


def as_jpeg(file: IO[bytes]) -> bytes:
    """Return the picture as JPEG: upright, at most MAX_SIDE pixels long, on white. Raises BadPicture.

    The largest accepted picture takes up to a second of CPU and 200 MB of memory.
    """
    from PIL import Image, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = LARGEST_PIXELS
    try:
        with Image.open(file, formats=FORMATS) as found:
            if found.width * found.height > LARGEST_PIXELS:
                raise _too_many_pixels()
            found.draft("RGB", (MAX_SIDE, MAX_SIDE))  # decode a JPEG at a reduced size
            return _redraw(found)
    except BadPicture:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels() from None
    except UnidentifiedImageError:
        raise BadPicture("unreadable", _format_error(file)) from None
    except Exception as error:  # decoders can raise anything for hostile bytes
        logger.info("A picture could not be read: %s", type(error).__name__)
        raise BadPicture("unreadable", UNREADABLE) from None


def _format_error(file: IO[bytes]) -> str:
    """Return the message for an unsupported format, by the first bytes of the file."""
    file.seek(0)
    start = file.read(64).lstrip()
    named = [what for begin, what in OTHERS if start.startswith(begin)]
    if start[4:8] == b"ftyp":
        named = [what for brand, what in BRANDS if brand in start[8:]]
    if not named:
        return UNREADABLE
    return f"Unsupported file type: the file is {named[0]}, not a readable JPEG, PNG or WebP image; save it as one"


def _redraw(found: "Image") -> bytes:
    from PIL import Image

    turn = _turn(found)
    small = _with_eight_bits(found)
    small.thumbnail((MAX_SIDE, MAX_SIDE))
    upright = (small.transpose(turn) if turn is not None else small).convert("RGBA")
    paper = Image.new("RGB", upright.size, "white")
    paper.paste(upright, mask=upright.getchannel("A"))
    out = BytesIO()
    paper.save(out, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return out.getvalue()


def _turn(found: "Image") -> "Transpose | None":
    """Return the transposition that makes the picture upright; None if its Exif data cannot be read."""
    from PIL.Image import Transpose

    try:
        name = TURNS.get(found.getexif().get(ORIENTATION, 1))
        return Transpose[name] if name else None
    except Exception:  # cameras write anything
        return None


def _with_eight_bits(found: "Image") -> "Image":
    """Convert the picture to eight bits a channel without palette, so that it can be scaled and drawn. Pillow's own
    conversion clips 16-bit grey to white, and its scaling of 1-bit pictures drops lines."""
    transparent = found.info.get("transparency")
    if found.mode.startswith("I"):  # 16 bits of grey; Pillow gives the other 16-bit kinds with eight
        grey = found.point(lambda level: level * (1 / 256)).convert("L")
        grey.info.pop("transparency", None)
        if isinstance(transparent, int):
            table = [255] * 65_536
            table[transparent] = 0
            grey.putalpha(found.convert("I").point(table, "L"))
        return grey
    if isinstance(transparent, tuple) and max(transparent) > 255:  # one colour, given with 16 bits
        found.info["transparency"] = tuple(level >> 8 for level in transparent)
    if transparent is not None or found.mode == "PA":
        return found.convert("RGBA")
    if (
        found.mode == "CMYK" and "adobe" not in found.info
    ):  # Pillow inverts all CMYK, but only Adobe's is stored inverted
        from PIL import ImageChops

        return ImageChops.invert(found)
    target = {"1": "L", "P": "RGB"}.get(found.mode)
    return found.convert(target) if target else found


def _too_many_pixels() -> BadPicture:
    return BadPicture("pixels", f"The image has more than {LARGEST_PIXELS // 1_000_000} million pixels")
