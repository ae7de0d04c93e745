# SPDX-License-Identifier: Apache-2.0
"""Encodes pictures as JPEG and PNG in the forms that files have."""
import io
import struct

import numpy as np
from PIL import Image, ImageFile

ImageFile.MAXBLOCK = 1 << 24  # Pillow's progressive encoder wants the whole file in one buffer
SUBSAMPLINGS = {"4:4:4": 0, "4:2:2": 1, "4:2:0": 2}
PNG_MODES = ("RGB", "RGBA", "L", "LA", "P")


def png(image, mode="RGB"):
    data = io.BytesIO()
    image.convert(mode).save(data, "PNG", compress_level=1)
    return data.getvalue()


def jpeg(image, sampling, **options):
    """`sampling`: "4:4:4", "4:2:2", "4:2:0", "4:4:0" or "grey"."""
    if sampling == "4:4:0":
        return jpeg_440(image, **options)
    data = io.BytesIO()
    if sampling == "grey":
        image.convert("L").save(data, "JPEG", **options)
    else:
        image.save(data, "JPEG", subsampling=SUBSAMPLINGS[sampling], **options)
    return data.getvalue()


def jpeg_440(image, **options):
    """Baseline 4:4:0, which Pillow does not write: a 4:2:2 file whose blocks are laid out for it, with another header.

    Both have two luma blocks to one of each chroma, side by side in 4:2:2, one below the other in 4:4:0.
    """
    pixels = np.asarray(image.convert("YCbCr"))
    height, width = pixels.shape[:2]
    pixels = np.pad(pixels, ((0, -height % 16), (0, -width % 8), (0, 0)), "edge")
    rows, columns = pixels.shape[0] // 16, pixels.shape[1] // 8
    blocks = pixels.reshape(rows, 2, 8, columns, 8, 3).transpose(0, 2, 3, 1, 4, 5)
    laid = blocks.reshape(rows * 8, columns * 16, 3).copy()
    chroma = pixels[..., 1:].reshape(rows * 8, 2, columns * 8, 2).mean(1)
    laid[..., 1:] = np.repeat(chroma.round().astype(np.uint8), 2, axis=1)
    data = io.BytesIO()
    Image.fromarray(laid, "YCbCr").save(data, "JPEG", subsampling=SUBSAMPLINGS["4:2:2"], **options)
    return with_frame(data.getvalue(), height, width, luma_sampling=0x12)


def with_frame(data, height, width, luma_sampling):
    """A JPEG with another size and luma sampling in its baseline frame header."""
    frame = data.index(b"\xff\xc0")
    size = struct.pack(">HH", height, width)
    return data[:frame + 5] + size + data[frame + 9:frame + 11] + bytes([luma_sampling]) + data[frame + 12:]


def is_440(data):
    """Whether these bytes are a file of jpeg_440."""
    frame = data.find(b"\xff\xc0")
    return data[:2] == b"\xff\xd8" and frame > 0 and data[frame + 11] == 0x12
