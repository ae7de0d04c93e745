# SPDX-License-Identifier: Apache-2.0
"""Encoders for the forms of PNG, BMP and GIF that Pillow reads but does not write."""
import struct
import zlib

import numpy as np

ADAM7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def packed(rows, bits):
    """Rows of numbers of `bits` bits to whole bytes, the first number highest."""
    if bits >= 8:
        return [row.astype(">u2" if bits == 16 else np.uint8).tobytes() for row in rows]
    digits = np.unpackbits(rows.astype(np.uint8)[..., None], axis=-1)[..., 8 - bits:]
    return [np.packbits(row.reshape(-1)).tobytes() for row in digits]


def png(image, bits, colour, interlaced=False, extra=None):
    """`image` is [height, width, channels]; `extra` has the chunks before the pixels."""
    height, width = image.shape[:2]
    passes = ADAM7 if interlaced else [(0, 0, 1, 1)]
    raw = b""
    for top, left, down, right in passes:
        part = image[top::down, left::right]
        if part.size:
            raw += b"".join(b"\0" + row for row in packed(part.reshape(part.shape[0], -1), bits))
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, int(interlaced))
    chunks = [(b"IHDR", header), *(extra or {}).items(), (b"IDAT", zlib.compress(raw, 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*c) for c in chunks)


def runs_of(index, bits):
    """Run-length rows from the bottom: stretches of one index, one literal stretch, a jump where nothing but 0 follows."""
    data = b""
    for y, row in enumerate(index[::-1]):
        if y == 1:
            literal = row[:5]
            stored = b"".join(packed(literal[None], bits))
            data += b"\0\5" + stored + b"\0" * (len(stored) % 2)
            row = row[5:]
        while len(row):
            length = int(np.argmax(np.append(row != row[0], True)))
            if not row.any() and y + 1 < len(index):
                data += bytes([0, 2, length, 0])
            else:
                data += bytes([length, int(row[0]) * (17 if bits == 4 else 1)])
            row = row[length:]
        data += b"\0\0"
    return data + b"\0\1"


def bmp(image, bits, colours=None, masks=None, header=40, top_down=False, runs=False):
    """`image` is [height, width] of indexes or 16-bit pixels, or [height, width, 3 or 4] of bytes."""
    height, width = image.shape[:2]
    rows = image if top_down else image[::-1]
    if bits == 16:
        lines = [row.astype("<u2").tobytes() for row in rows]
    else:
        lines = packed(rows.reshape(height, -1), bits if bits < 8 else 8)
    pixels = runs_of(image, bits) if runs else b"".join(line + b"\0" * (-len(line) % 4) for line in lines)
    kind = (1 if bits == 8 else 2) if runs else 3 if masks else 0
    if header == 12:
        info = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        info = struct.pack("<IiiHHIIiiII", header, width, -height if top_down else height, 1, bits, kind, len(pixels), 0, 0,
                           0 if colours is None else len(colours), 0)
        info += struct.pack(f"<{len(masks)}I", *masks) if masks else b""
        info += b"\0" * max(0, header - len(info))
    palette = b""
    if colours is not None:
        palette = b"".join(bytes(c[::-1]) + b"\0" * (header != 12) for c in colours)
        if header == 12:
            palette += b"\0" * (3 * (1 << bits) - len(palette))
    start = 14 + len(info) + len(palette)
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + info + palette + pixels


def blocks(data):
    return b"".join(bytes([len(data[i:i + 255])]) + data[i:i + 255] for i in range(0, len(data), 255)) + b"\0"


def plain_lzw(indexes, bits):
    """Codes without any compression: a clear code before the code size could grow."""
    codes, clear = [], 1 << bits
    for i, index in enumerate(indexes):
        if i % (clear - 2) == 0:
            codes.append(clear)
        codes.append(int(index))
    codes.append(clear + 1)
    digits = [(code >> i) & 1 for code in codes for i in range(bits + 1)]
    return np.packbits(np.array(digits, np.uint8), bitorder="little").tobytes()


def colour_table(colours):
    bits = max(1, int(len(colours) - 1).bit_length())
    return bits - 1, colours.tobytes() + b"\0" * (3 * ((1 << bits) - len(colours)))


def gif(screen, index, at=(0, 0), palette=None, local=None, background=0, transparent=None, interlaced=False):
    """`screen` is (width, height), `index` [height, width] of palette indexes below 16."""
    height, width = index.shape
    flags, table = (0, b"") if palette is None else colour_table(palette)
    data = b"GIF89a" + struct.pack("<HHBBB", *screen, flags | (0x80 if table else 0), background, 0) + table
    data += b"!\xfe" + blocks(b"a comment")
    if transparent is not None:
        data += b"!\xf9\4\1\0\0" + bytes([transparent, 0])
    flags, table = (0, b"") if local is None else colour_table(local)
    data += b"," + struct.pack("<HHHHB", *at, width, height, flags | (0x80 if table else 0) | (0x40 if interlaced else 0)) + table
    rows = list(range(height))
    if interlaced:
        rows = rows[::8] + rows[4::8] + rows[2::4] + rows[1::2]
    return data + b"\4" + blocks(plain_lzw(index[rows].reshape(-1), 4)) + b";"
