#!/usr/bin/env python3
"""Draws the images in images/ and writes what Pillow makes of them to test_image_golden.h.

    python3 tests/unit/make_image_golden.py        (needs Pillow; both are committed)

The pictures are synthetic. Pillow is the judge of decoding, resize and orientation; the size rule, the
centre crop and the normalisation are torchvision's, written out here.
"""

import struct
import zlib
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

HERE = Path(__file__).resolve().parent
IMAGES = HERE / "images"
ORIENTATION = 0x0112


def fnv1a64(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"0x{value:016X}u"


def noise(seed, height, width, channels=3):
    """The bytes that noise_image() in test_image_support.h makes."""
    data = bytearray(height * width * channels)
    for i in range(len(data)):
        seed = (seed * 1664525 + 1013904223) & 0xFFFFFFFF
        data[i] = seed >> 24
    return bytes(data)


def noise_image(seed, height, width):
    return Image.frombytes("RGB", (width, height), noise(seed, height, width))


def photo(width, height):
    """Smooth shades with a few hard edges, as a photograph has."""
    image = Image.new("RGB", (width, height))
    image.putdata([(255 * x // width, 255 * y // height, 128 + 127 * (x - y) // (width + height))
                   for y in range(height) for x in range(width)])
    draw = ImageDraw.Draw(image)
    draw.ellipse((8, 10, 40, 42), fill=(220, 40, 30))
    draw.rectangle((45, 20, 70, 50), fill=(30, 60, 200))
    draw.line((0, height - 1, width - 1, 0), fill=(250, 250, 240), width=2)
    return image


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def write_png(name, width, height, bits, colour, rows, extra=b"", interlaced=False):
    """PNG forms that Pillow cannot write; rows are the packed bytes of each row, unfiltered."""
    if interlaced:  # Adam7: (first column, first row, column step, row step) of the seven passes
        size = len(rows[0]) // width
        body = b""
        for x0, y0, dx, dy in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4),
                               (1, 0, 2, 2), (0, 1, 1, 2)):
            for y in range(y0, height, dy):
                line = b"".join(rows[y][x * size:(x + 1) * size] for x in range(x0, width, dx))
                body += b"\0" + line if line else b""
    else:
        body = b"".join(b"\0" + row for row in rows)
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, int(interlaced))
    (IMAGES / name).write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra +
                                chunk(b"IDAT", zlib.compress(body, 9)) + chunk(b"IEND", b""))


def split(data, height):
    size = len(data) // height
    return [data[y * size:(y + 1) * size] for y in range(height)]


def make_pngs():
    width, height = 13, 9
    picture = noise_image(1, height, width)
    picture.save(IMAGES / "rgb.png")
    write_png("interlaced.png", width, height, 8, 2, split(picture.tobytes(), height),
              interlaced=True)
    write_png("rgb16.png", width, height, 16, 2, split(noise(2, height, width, 6), height))
    write_png("grey16.png", width, height, 16, 0, split(noise(3, height, width, 2), height))
    write_png("grey_alpha16.png", width, height, 16, 4, split(noise(4, height, width, 4), height))
    write_png("grey4.png", width, height, 4, 0, split(noise(5, height, 7, 1), height))
    write_png("grey1.png", width, height, 1, 0, split(noise(6, height, 2, 1), height))
    Image.frombytes("RGBA", (width, height), noise(7, height, width, 4)).save(IMAGES / "rgba.png")
    # 16 colours, the first four more or less transparent
    write_png("palette.png", width, height, 4, 3, split(noise(8, height, 7, 1), height),
              chunk(b"PLTE", noise(9, 1, 16)) + chunk(b"tRNS", bytes((0, 90, 180, 255))))
    # one colour of an RGB image declared transparent
    write_png("rgb_key.png", width, height, 8, 2, split(picture.tobytes(), height),
              chunk(b"tRNS", struct.pack(">HHH", *picture.getpixel((0, 0)))))
    write_png("huge.png", 20000, 20000, 8, 2, [b"\0" * 64])  # 400 megapixels by its header


def png_golden():
    lines = []
    for path in sorted(IMAGES.glob("*.png")):
        if path.name == "huge.png":
            continue
        image = Image.open(path)
        width, height = image.size
        if path.name == "grey16.png":  # Pillow clips at 255; the high byte is meant
            data = bytes(v for v in noise(3, height, width, 2)[::2] for _ in range(3))
        elif path.name == "grey_alpha16.png":
            data = bytes(v for v in noise(4, height, width, 4)[::4] for _ in range(3))
            assert data == image.convert("RGB").tobytes()
        else:
            data = image.convert("RGB").tobytes()
        lines.append(f'    {{"{path.name}", {height}, {width}, {fnv1a64(data)}}},')
    return lines


def make_jpegs():
    """Each NAME.jpg has NAME.jpg.png, Pillow's decoding; libjpeg versions may differ by 1."""
    picture = photo(80, 60)
    picture.save(IMAGES / "photo.jpg", quality=80)
    picture.save(IMAGES / "progressive.jpg", quality=80, progressive=True)
    picture.convert("L").resize((40, 30)).save(IMAGES / "grey.jpg", quality=80)
    picture.resize((16, 12)).convert("CMYK").save(IMAGES / "cmyk.jpg", quality=50)
    # the same inks, declared to be YCCK by the transform byte of Adobe's marker
    data = (IMAGES / "cmyk.jpg").read_bytes()
    adobe = data.index(b"Adobe")
    assert data[adobe + 11] == 0
    (IMAGES / "ycck.jpg").write_bytes(data[: adobe + 11] + b"\2" + data[adobe + 12 :])
    for name in "photo.jpg", "grey.jpg", "cmyk.jpg", "ycck.jpg":
        Image.open(IMAGES / name).convert("RGB").save(IMAGES / f"{name}.png", optimize=True)
    assert (Image.open(IMAGES / "photo.jpg").tobytes() ==
            Image.open(IMAGES / "progressive.jpg").tobytes())


def preprocess(image, resize, crop_height, crop_width):
    """torchvision.transforms.Resize(resize) and CenterCrop((crop_height, crop_width))."""
    width, height = image.size
    if resize:
        short, long = min(width, height), max(width, height)
        longer = int(resize * long / short)
        image = image.resize((resize, longer) if width <= height else (longer, resize),
                             Image.BILINEAR)
        width, height = image.size
    top = int(round((height - crop_height) / 2.0))
    left = int(round((width - crop_width) / 2.0))
    return image.crop((left, top, left + crop_width, top + crop_height))


def resize_golden():
    cases = [(37, 53, 16, 23), (9, 7, 20, 31), (40, 30, 40, 11), (30, 40, 7, 40), (24, 24, 24, 24),
             (1, 200, 1, 3), (3, 3, 1, 1), (20, 50, 31, 17), (1, 1, 5, 4), (375, 500, 256, 341)]
    for seed, (height, width, new_height, new_width) in enumerate(cases, 100):
        image = noise_image(seed, height, width).resize((new_width, new_height), Image.BILINEAR)
        yield (f"    {{{seed}, {height}, {width}, {new_height}, {new_width}, "
               f"{fnv1a64(image.tobytes())}}},")


def preprocess_golden():
    cases = [(375, 500, 256, 224, 224), (500, 333, 256, 224, 224), (100, 73, 36, 31, 32),
             (33, 35, 0, 32, 32), (31, 30, 0, 26, 28), (40, 40, 40, 40, 40), (20, 30, 48, 48, 40)]
    for seed, (height, width, resize, crop_height, crop_width) in enumerate(cases, 200):
        image = preprocess(noise_image(seed, height, width), resize, crop_height, crop_width)
        yield (f"    {{{seed}, {height}, {width}, {resize}, {crop_height}, {crop_width}, "
               f"{fnv1a64(image.tobytes())}}},")


def float32(value):
    """Rounded once; a float32 quotient or difference taken in double first rounds the same."""
    return struct.unpack("<f", struct.pack("<f", value))[0]


def caffe_golden():
    """v - mean for B, G, R of pixels (i, 255 - i, 7 i mod 256), little-endian float32 in planes."""
    data = b""
    for mean, values in (
        (103.939, [7 * i % 256 for i in range(256)]),
        (116.779, [255 - i for i in range(256)]),
        (123.68, range(256)),
    ):
        data += b"".join(struct.pack("<f", v - float32(mean)) for v in values)
    return fnv1a64(data)


def normalise_golden():
    """(v / 255 - mean) / std for v = 0..255, R then G then B, as little-endian float32."""
    data = b""
    for mean, std in ((0.485, 0.229), (0.456, 0.224), (0.406, 0.225)):
        for v in range(256):
            centred = float32(float32(v / 255) - float32(mean))
            data += struct.pack("<f", centred / float32(std))
    return fnv1a64(data)


def orientation_golden():
    """Pillow's exif_transpose of 2 rows of 3 pixels, (0 1 2) (3 4 5), for orientations 1 to 8."""
    for orientation in range(1, 9):
        image = Image.new("L", (3, 2))
        image.putdata(range(6))
        image.getexif()[ORIENTATION] = orientation
        image = ImageOps.exif_transpose(image)
        labels = ", ".join(str(v) for v in image.tobytes())
        yield f"    {{{image.height}, {image.width}, {{{labels}}}}},"


def main():
    IMAGES.mkdir(exist_ok=True)
    for old in IMAGES.iterdir():
        old.unlink()
    make_pngs()
    pngs = png_golden()
    make_jpegs()
    photograph = Image.open(IMAGES / "photo.jpg")
    preprocess(photograph, 32, 28, 28).save(IMAGES / "photo28.png")
    preprocess(photograph, 0, 28, 28).save(IMAGES / "photo28_none.png")
    text = "\n".join([
        "/* Written by make_image_golden.py: do not edit. Hashes are FNV-1a, 64 bits, of the bytes. */",
        "/* clang-format off */",
        "#ifndef TEST_IMAGE_GOLDEN_H", "#define TEST_IMAGE_GOLDEN_H", "", "#include <stdint.h>", "",
        "typedef struct golden_png {", "    const char *file;", "    int64_t height, width;",
        "    uint64_t hash;", "} golden_png;", "", "static const golden_png golden_pngs[] = {",
        *pngs, "};", "", "/* noise of seed, height x width -> new_height x new_width */",
        "typedef struct golden_resize {",
        "    uint32_t seed;", "    int64_t height, width, new_height, new_width;",
        "    uint64_t hash;", "} golden_resize;", "",
        "static const golden_resize golden_resizes[] = {", *resize_golden(), "};", "",
        "typedef struct golden_preprocess {",
        "    uint32_t seed;", "    int64_t height, width, resize, crop_height, crop_width;",
        "    uint64_t hash;", "} golden_preprocess;", "",
        "static const golden_preprocess golden_preprocesses[] = {", *preprocess_golden(), "};", "",
        "/* The pixels (0 1 2) (3 4 5) turned by EXIF orientations 1 to 8. */",
        "typedef struct golden_orientation {",
        "    int64_t height, width;", "    uint8_t labels[6];", "} golden_orientation;", "",
        "static const golden_orientation golden_orientations[8] = {", *orientation_golden(), "};", "",
        "/* (v / 255 - mean) / std, v = 0..255, R then G then B, little-endian float32 */",
        f"#define GOLDEN_NORMALISED {normalise_golden()}", "",
        "/* v - mean for B, G, R of pixels (i, 255 - i, 7 i mod 256), little-endian float32 */",
        f"#define GOLDEN_CAFFE {caffe_golden()}", "", "#endif", ""])
    (HERE / "test_image_golden.h").write_text(text)


if __name__ == "__main__":
    main()
