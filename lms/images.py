"""Pictures that people upload: the one door to Pillow. Whatever comes in, a plain small JPEG goes out.

What the file says about itself is not believed, its name neither: the decoder decides by the content, among three
formats only. A bomb is refused by the size that its header claims, before a pixel is decoded. The result is painted
anew, so that nothing of the file but its pixels is kept: no place and time of a photograph, no comment, nothing hidden
behind the picture.
"""

import logging
from io import BytesIO
from typing import IO

from PIL import Image, ImageChops, UnidentifiedImageError

logger = logging.getLogger(__name__)

LARGEST_BYTES = 10 * 1024 * 1024
LARGEST_PIXELS = 50_000_000
LONGEST_SIDE = 2048
QUALITY = 85
FORMATS = ["JPEG", "PNG", "WEBP"]
ORIENTATION = 0x0112  # of Exif
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What people upload that is not taken: its first bytes, and what it is.
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

Image.MAX_IMAGE_PIXELS = LARGEST_PIXELS


class BadPicture(ValueError):
    """Not to be used as a picture; `reason` is `size`, `pixels` or `unreadable`."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def check_upload(*, size: int) -> None:
    """What can be said before the file is opened. Raises BadPicture."""
    if size > LARGEST_BYTES:
        raise BadPicture("size", f"The file exceeds the maximum size of {LARGEST_BYTES // 1024**2} MiB")


def as_jpeg(file: IO[bytes]) -> bytes:
    """The picture upright, at most LONGEST_SIDE pixels long, on white, as JPEG. Raises BadPicture.

    Up to a second of CPU and 200 MB of memory for the largest that is taken.
    """
    try:
        with Image.open(file, formats=FORMATS) as found:
            if found.width * found.height > LARGEST_PIXELS:
                raise _too_many_pixels()
            found.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))  # a JPEG is decoded small to begin with
            return _painted(found)
    except BadPicture:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels() from None
    except UnidentifiedImageError:
        raise BadPicture("unreadable", _what_it_is(file)) from None
    except Exception as error:  # hostile bytes make decoders fail in every way there is
        logger.info("A picture could not be read: %s", type(error).__name__)
        raise BadPicture("unreadable", UNREADABLE) from None


def _what_it_is(file: IO[bytes]) -> str:
    file.seek(0)
    start = file.read(64).lstrip()
    named = [what for begin, what in OTHERS if start.startswith(begin)]
    if start[4:8] == b"ftyp":
        named = [what for brand, what in BRANDS if brand in start[8:]]
    if not named:
        return UNREADABLE
    return f"Unsupported file type: the file is {named[0]}, not a readable JPEG, PNG or WebP image; save it as one"


def _painted(found: Image.Image) -> bytes:
    turn = _turn(found)
    small = _with_eight_bits(found)
    small.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    upright = (small.transpose(turn) if turn is not None else small).convert("RGBA")
    paper = Image.new("RGB", upright.size, "white")
    paper.paste(upright, mask=upright.getchannel("A"))
    out = BytesIO()
    paper.save(out, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return out.getvalue()


def _turn(found: Image.Image) -> Image.Transpose | None:
    """What makes it upright. A picture whose Exif data cannot be read is shown as it lies."""
    try:
        return TURNS.get(found.getexif().get(ORIENTATION, 1))
    except Exception:  # cameras write anything
        return None


def _with_eight_bits(found: Image.Image) -> Image.Image:
    """The picture in a mode that can be shrunk and painted: eight bits a channel, no palette. Pillow converts by
    clipping, which makes white of every 16-bit grey, and shrinks one bit by leaving lines out."""
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
    if found.mode == "CMYK" and "adobe" not in found.info:  # only Adobe's is stored inverted; Pillow takes all for it
        return ImageChops.invert(found)
    target = {"1": "L", "P": "RGB"}.get(found.mode)
    return found.convert(target) if target else found


def _too_many_pixels() -> BadPicture:
    return BadPicture("pixels", f"The image has more than {LARGEST_PIXELS // 1_000_000} million pixels")
