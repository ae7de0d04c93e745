# SPDX-License-Identifier: Apache-2.0
"""Drives tests/support/io_tool.cpp, and counts checks."""
import json
import subprocess
import sys


class Tool:
    def __init__(self, program, *arguments):
        self.process = subprocess.Popen([program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the tool died of {request}")
        return json.loads(line)


class Checks:
    def __init__(self):
        self.failed = 0

    def check(self, name, good, detail=""):
        self.failed += not good
        print(("PASS " if good else "FAIL ") + name + (f": {detail}" if detail else ""), flush=True)

    def leave(self):
        sys.exit(1 if self.failed else 0)
