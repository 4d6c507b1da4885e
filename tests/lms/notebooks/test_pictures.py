"""Whatever picture comes in, a small plain JPEG goes out, or a reason why not."""

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image

from lms.images import MAX_BYTES, MAX_SIDE, BadPicture, as_jpeg, check_upload
from tests.lms.notebooks.pictures import FIELD, opened, picture


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


@pytest.mark.parametrize(("size", "expected"), [((4096, 1024), (2048, 512)), ((10, 3000), (7, MAX_SIDE))])
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


def test_a_file_that_is_too_large_is_not_opened():
    check_upload(size=MAX_BYTES)
    with pytest.raises(BadPicture, match="10 MiB") as refusal:
        check_upload(size=MAX_BYTES + 1)
    assert refusal.value.reason == "size"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (picture("GIF"), "is a GIF"),
        (picture("BMP"), "is a BMP"),
        (picture("TIFF"), "is a TIFF"),
        ((FIELD / "pic_avif.jpg").read_bytes(), "is an AVIF"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "is a HEIC"),
        (b"%PDF-1.7", "is a PDF"),
        (b" <svg xmlns='http://www.w3.org/2000/svg'/>", "is an SVG"),
        (b"text", "The file is not a readable"),
    ],
)
def test_what_it_is_instead_is_said(content, words):
    with pytest.raises(BadPicture, match=words):
        as_jpeg(BytesIO(content))


# --- Colours: by what they look like --------------------------------------------------------------------------------


def png(depth: int, kind: int, left: tuple[int, ...], right: tuple[int, ...], *extra: tuple[bytes, bytes]) -> bytes:
    """A PNG of 40 x 20 pixels, its left half of one colour, its right half of another; `kind` is the colour type."""
    form = f">{len(left)}{'H' if depth == 16 else 'B'}"
    row = b"\0" + struct.pack(form, *left) * 20 + struct.pack(form, *right) * 20
    chunks = b"".join(chunk(*each) for each in extra)
    header = struct.pack(">IIBBBBB", 40, 20, depth, kind, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunks + chunk(b"IDAT", zlib.compress(row * 20)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


GREY, GREY_ALPHA, RGB, RGBA, PALETTE = 0, 4, 2, 6, 3
RED, WHITE = (200, 30, 30), (255, 255, 255)


def tRNS(*levels: int) -> tuple[bytes, bytes]:
    return b"tRNS", struct.pack(f">{len(levels)}H", *levels)


@pytest.mark.parametrize(
    ("content", "left", "right"),
    [
        (png(16, GREY, (0x2000,), (0xE000,)), (32,) * 3, (224,) * 3),
        (png(16, GREY, (0,), (0xFFFF,)), (0,) * 3, WHITE),
        (png(16, GREY, (0x00FF,), (0x0100,)), (0,) * 3, (1,) * 3),
        (png(16, GREY, (0x2000,), (0xE000,), tRNS(0x2000)), WHITE, (224,) * 3),
        (png(16, GREY_ALPHA, (0x2000, 0xFFFF), (0x2000, 0)), (32,) * 3, WHITE),
        (png(16, RGB, (0xC801, 0x1E00, 0x1E00), (0, 0, 0)), RED, (0, 0, 0)),
        (png(16, RGB, (0xC801, 0x1E00, 0x1E00), (0, 0, 0), tRNS(0xC801, 0x1E00, 0x1E00)), WHITE, (0, 0, 0)),
        (png(16, RGBA, (0xC800, 0x1E00, 0x1E00, 0xFFFF), (0, 0, 0, 0)), RED, WHITE),
        (png(8, RGB, RED, (0, 0, 0), tRNS(*RED)), WHITE, (0, 0, 0)),
        (png(8, GREY, (30,), (200,), tRNS(30)), WHITE, (200,) * 3),
        (png(8, PALETTE, (0,), (1,), (b"PLTE", bytes([*RED, 0, 0, 200])), (b"tRNS", b"\0")), WHITE, (0, 0, 200)),
    ],
    ids=[
        *("16 bits", "16 bits to the ends", "16 bits, dark", "16 bits, one grey transparent", "16 bits and alpha"),
        *("48 bits", "48 bits, one colour transparent", "64 bits", "24 bits, one colour transparent"),
        *("8 bits, one grey transparent", "palette, one colour transparent"),
    ],
)
def test_a_png_of_any_kind_looks_as_it_is(content, left, right):
    made = painted(content)
    for at, expected in ((5, left), (34, right)):
        found = made.getpixel((at, 10))
        assert all(abs(a - b) <= 3 for a, b in zip(found, expected, strict=True)), (found, expected)


def test_a_large_plan_of_16_bits_is_shrunk_and_stays_a_plan():
    row = struct.pack("<H", 0x2000) * 2100 + struct.pack("<H", 0xE000) * 2100
    drawn, out = Image.frombytes("I;16", (4200, 30), row * 30), BytesIO()
    drawn.save(out, "PNG")
    made = painted(out.getvalue())
    assert made.size == (2048, 15)
    assert abs(made.getpixel((100, 7))[0] - 32) < 4
    assert abs(made.getpixel((1900, 7))[0] - 224) < 4


@pytest.mark.parametrize("mode", ["1", "P"])
def test_thin_lines_of_a_scan_are_not_left_out(mode):
    """Each fourth column is black: shrunk by four, all is grey. Leaving columns out made it white or black."""
    scan = Image.new("L", (8192, 40), 255)
    for x in range(2, 8192, 4):
        scan.paste(0, (x, 0, x + 1, 40))
    out = BytesIO()
    scan.convert(mode).save(out, "PNG")
    found = painted(out.getvalue()).crop((500, 0, 600, 10)).resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    assert all(abs(level - 191) < 12 for level in found), found


def without_adobe(jpeg: bytes) -> bytes:
    at = jpeg.index(b"\xff\xee")
    return jpeg[:at] + jpeg[at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big") :]


def test_cmyk_is_inverted_where_adobe_says_so():
    content = picture("JPEG", mode="CMYK", colour=(0, 255, 255, 0))
    assert b"Adobe" in content
    assert painted(content).getpixel((5, 5)) == pytest.approx((255, 0, 0), abs=6)
    plain = without_adobe(picture("JPEG", mode="CMYK", colour=(255, 0, 0, 255)))  # as stored: not inverted
    assert b"Adobe" not in plain
    assert painted(plain).getpixel((5, 5)) == pytest.approx((255, 0, 0), abs=6)


# --- Files of the field ---------------------------------------------------------------------------------------------

REFUSED = {"pic_avif.jpg", "pic_gif.png", "pic_png_crc.png", "pic_png_ztxt.png", "pic_trunc.jpg"}
GREYS = {"pic_plan.jpg", "pic_plan16.png"}
OTHER = {"pic_thin.png"}
FILES = sorted(file.name for file in FIELD.glob("pic_*"))


@pytest.mark.filterwarnings("ignore")  # Pillow's, about broken Exif data
@pytest.mark.parametrize("name", sorted(set(FILES) - REFUSED - GREYS - OTHER))
def test_a_red_picture_of_the_field_is_red_and_upright(name):
    made = painted((FIELD / name).read_bytes())
    assert made.size == ((150, 200) if "exif" in name and "empty" not in name else (200, 150))
    small = made.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    red = (254, 0, 0) if "cmyk" in name else RED
    assert all(abs(a - b) < 6 for a, b in zip(small, red, strict=True)), small


@pytest.mark.parametrize("name", sorted(GREYS))
def test_a_plan_of_16_bits_is_no_white_sheet(name):
    made = painted((FIELD / name).read_bytes())
    assert abs(made.getpixel((5, 5))[0] - 195) < 4
    assert abs(made.getpixel((100, 75))[0] - 78) < 4


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_file_of_the_field_that_is_none_is_refused(name):
    with pytest.raises(BadPicture) as refusal:
        as_jpeg(BytesIO((FIELD / name).read_bytes()))
    assert refusal.value.reason == "unreadable"


def test_a_thin_picture_keeps_a_row():
    assert painted((FIELD / "pic_thin.png").read_bytes()).size == (MAX_SIDE, 1)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "exif", [b"Exif\0\0", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff", b"Exif\0\0" + b"\xff" * 40, b"nonsense"]
)
def test_broken_exif_data_loses_no_picture(exif):
    assert painted(picture("JPEG", exif=exif)).size == (40, 20)


@pytest.mark.parametrize(
    ("value", "size"), [(1, (40, 20)), (3, (40, 20)), (8, (20, 40)), (0, (40, 20)), (77, (40, 20))]
)
def test_orientations(value, size):
    exif = Image.Exif()
    exif[0x0112] = value
    assert painted(picture("JPEG", exif=exif)).size == size
