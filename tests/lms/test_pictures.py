"""Whatever picture comes in, a small plain JPEG goes out, or a reason why not."""

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image

from lms.pictures import LARGEST_BYTES, LONGEST_SIDE, BadPicture, as_jpeg, check_upload
from tests.lms.pictures import opened, picture


def painted(content: bytes) -> Image.Image:
    made = opened(as_jpeg(BytesIO(content)))
    assert (made.format, made.mode) == ("JPEG", "RGB")
    return made


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_three_formats_become_jpeg(kind):
    made = painted(picture(kind))
    assert made.size == (40, 20)
    red, green, blue = made.getpixel((5, 5))
    assert red > 240
    assert green < 20
    assert blue < 20


@pytest.mark.parametrize(("size", "expected"), [((4096, 1024), (2048, 512)), ((10, 3000), (7, LONGEST_SIDE))])
def test_it_is_shrunk(size, expected):
    assert painted(picture("PNG", size)).size == expected


@pytest.mark.parametrize(("mode", "colour"), [("RGBA", (0, 0, 0, 0)), ("LA", (0, 0))])
def test_what_is_transparent_becomes_white(mode, colour):
    assert min(painted(picture("PNG", mode=mode, colour=colour)).getpixel((5, 5))) > 250


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK"])
def test_other_kinds_of_colour(mode):
    painted(picture("JPEG" if mode == "CMYK" else "PNG", mode=mode, colour=0))


def test_it_is_turned_upright_and_what_the_camera_wrote_is_gone():
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held sideways
    exif[0x010E] = "Room 3, Hanako's desk"
    content = picture("JPEG", exif=exif, comment=b"secret remark")
    made = as_jpeg(BytesIO(content))
    assert opened(made).size == (20, 40)
    assert not opened(made).getexif()
    assert b"Hanako" in content
    assert b"Hanako" not in made
    assert b"secret remark" in content
    assert b"secret remark" not in made


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is enormous."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(8_000, 8_000), (60_000, 60_000)])
def test_a_bomb_is_refused_before_it_is_decoded(size):
    with pytest.raises(BadPicture, match="million pixels") as refusal:
        as_jpeg(BytesIO(bomb(*size)))
    assert refusal.value.reason == "pixels"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no picture",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        picture("GIF"),
        picture("BMP"),
        picture("PNG", (400, 400))[:200],
        picture("JPEG", (400, 400))[:300],
        bomb(10, 10),
    ],
    ids=["empty", "text", "svg", "gif", "bmp", "cut png", "cut jpeg", "png without pixels"],
)
def test_what_is_no_picture_is_refused(content):
    with pytest.raises(BadPicture) as refusal:
        as_jpeg(BytesIO(content))
    assert refusal.value.reason == "unreadable"


@pytest.mark.parametrize("name", ["a.gif", "a.svg", "a.jpg.exe", "a."])
def test_other_types_are_refused_by_name(name):
    with pytest.raises(BadPicture) as refusal:
        check_upload(name=name, size=10)
    assert refusal.value.reason == "type"


@pytest.mark.parametrize("name", ["a.jpg", "A.JPEG", "教室.png", "a.b.webp", "no extension"])
def test_names_that_are_taken(name):
    check_upload(name=name, size=LARGEST_BYTES)
    with pytest.raises(BadPicture, match="10 MiB"):
        check_upload(name=name, size=LARGEST_BYTES + 1)
