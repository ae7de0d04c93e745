# SPDX-License-Identifier: Apache-2.0
"""Drives `io_tool pipeline`: encoded images in, normalised pixels out. Both directions are binary, little endian.

A job: u32 size of the image and its bytes; then, each i32, the short side it is resized to (0: not at all) and the filter of
that; top, left, height, width of the region in the resized image; the side of the result, its filter, flip, form.
A reply: u32 status, u32 byte count; float32 [3, side, side] where the status is 0, else the error's text.
"""
import struct
import subprocess
import threading
from dataclasses import dataclass

import numpy as np

BILINEAR, BICUBIC = 0, 1
EXACT, FUSED = 0, 1


@dataclass(frozen=True)
class Job:
    data: bytes
    box: tuple  # top, left, height, width
    flip: bool = False
    short_side: int = 256
    resize_filter: int = BICUBIC
    size: int = 224
    crop_filter: int = BILINEAR

    def packed(self, form):
        numbers = (self.short_side, self.resize_filter, *self.box, self.size, self.crop_filter, int(self.flip), form)
        return struct.pack("<I", len(self.data)) + self.data + struct.pack("<10i", *numbers)


class Pipeline:
    """One process for many jobs."""

    def __init__(self, *command):
        self.command = command

    def answers(self, jobs, form):
        """For each job the pixels as float32 [3, side, side], or the error's text as a str."""
        process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        feeder = threading.Thread(target=self.feed, args=(process.stdin, jobs, form))
        feeder.start()
        try:
            for number, job in enumerate(jobs):
                yield self.answer(process.stdout, job, number)
        finally:
            process.stdout.close()
            feeder.join()
            process.wait()

    @staticmethod
    def feed(stdin, jobs, form):
        try:
            for job in jobs:
                stdin.write(job.packed(form))
            stdin.close()
        except BrokenPipeError:
            pass  # it has ended: its reader says so

    @staticmethod
    def answer(stdout, job, number):
        def read(count):
            data = stdout.read(count)
            if len(data) != count:
                raise SystemExit(f"FAIL the pipeline ended at job {number}: {len(data)} of {count} bytes came")
            return data

        status, count = struct.unpack("<II", read(8))
        payload = read(count)
        if status != 0:
            return payload.decode(errors="replace")
        if count != 12 * job.size**2:
            raise SystemExit(f"FAIL job {number}: {count} bytes for 3x{job.size}x{job.size} floats")
        return np.frombuffer(payload, "<f4").reshape(3, job.size, job.size)
