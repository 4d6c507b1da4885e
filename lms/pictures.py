"""Pictures that people upload: the one door to Pillow. Whatever comes in, a plain small JPEG goes out.

What the file says about itself is not believed: the decoder decides by the content, among three formats only. A bomb is
refused by the size that its header claims, before a pixel is decoded. The result is painted anew, so that nothing of
the file but its pixels is kept: no place and time of a photograph, no comment, nothing hidden behind the picture.
"""

import logging
from io import BytesIO
from typing import IO

from PIL import Image, ImageOps

logger = logging.getLogger(__name__)

LARGEST_BYTES = 10 * 1024 * 1024
LARGEST_PIXELS = 50_000_000
LONGEST_SIDE = 2048
QUALITY = 85
FORMATS = ["JPEG", "PNG", "WEBP"]
EXTENSIONS = ("jpg", "jpeg", "png", "webp")
CONTENT_TYPE = "image/jpeg"

Image.MAX_IMAGE_PIXELS = LARGEST_PIXELS


class BadPicture(ValueError):
    """Not to be used as a picture; `reason` is `type`, `size`, `pixels` or `unreadable`."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def check_upload(*, name: str, size: int) -> None:
    """What can be said before the file is opened. Raises BadPicture."""
    extension = name.rpartition(".")[2].lower() if "." in name else "jpg"
    if extension not in EXTENSIONS:
        raise BadPicture("type", "Unsupported file type; send .jpg, .jpeg, .png or .webp")
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
    except Exception as error:  # hostile bytes make decoders fail in every way there is
        logger.info("A picture could not be read: %s", type(error).__name__)
        raise BadPicture("unreadable", "The file is not a readable JPEG, PNG or WebP image") from None


def _painted(found: Image.Image) -> bytes:
    found.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    upright = ImageOps.exif_transpose(found).convert("RGBA")
    paper = Image.new("RGB", upright.size, "white")
    paper.paste(upright, mask=upright.getchannel("A"))
    out = BytesIO()
    paper.save(out, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return out.getvalue()


def _too_many_pixels() -> BadPicture:
    return BadPicture("pixels", f"The image has more than {LARGEST_PIXELS // 1_000_000} million pixels")
