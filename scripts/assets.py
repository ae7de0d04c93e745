# SPDX-License-Identifier: Apache-2.0
"""The Python half of scripts/assets.sh: takes text files out of open_clip's wheel and ftfy's pattern of mojibake out of
its wheel, without running their code, and the named character references of HTML 5 out of Python's own library.

Use: assets.py WHEEL FTFY_WHEEL OUT VERSION | assets.py --check OUT VERSION
"""
import ast
import hashlib
import html
import html.entities
import os
import re
import sys
import zipfile

# What each version's files must be.
MEMBERS = {
    "3.3.0": {
        "open_clip/bpe_simple_vocab_16e6.txt.gz": "924691ac288e54409236115652ad4aa250f48203de50a9e4722a6ecd48d6804a",
        "open_clip/zero_shot_metadata.py": "3bd8adb168bdf80fd681a71258e67f2c4d0f8ed73eae9b504ed5063e1726bbe9",
    }
}
FTFY = {"ftfy/badness.py": "8ce47eb9c01f5fa2d38e650fe047474bde5537beba5971b722ca6b4079df6fd3"}
# What is made of that, and of Python's library, must be.
MOJIBAKE = "caa327a3cef4600ecc3671e09355e02a0761a773aabb3735af5c3acfce9b0c99"
ENTITIES = "48de668a99cc4e5e66bb4ef083bfdb22a7291076047c53673810da8994a0af39"
VOCABULARY, METADATA = "open_clip/bpe_simple_vocab_16e6.txt.gz", "open_clip/zero_shot_metadata.py"
BADNESS = "ftfy/badness.py"


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def read_members(wheel, members):
    files = {}
    with zipfile.ZipFile(wheel) as archive:
        for name, expected in members.items():
            files[name] = archive.read(name)
            if sha256(files[name]) != expected:
                sys.exit(f"{wheel}: {name} has sha256 {sha256(files[name])}, not {expected}: remove the file and try again")
    return files


def assigned(module, name, source):
    for node in module.body:
        if isinstance(node, ast.Assign) and node.targets[0].id == name:
            return node.value
    sys.exit(f"{source}: no {name}")


def template(function):
    """`lambda c: f'a photo of a {c}.'` as "a photo of a {}."."""
    parts = function.body.values
    return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in parts)


def html_entities():
    """A line a name: `html NAME=HEX[+HEX]` of HTML 5's; `capitals` for those that only ftfy knows: a name in capitals
    that is no HTML, but means one thing only."""

    def line(kind, name, text):
        return f"{kind} {name}=" + "+".join(f"{ord(c):X}" for c in text)

    table = html.entities.html5
    lines = [line("html", name, table[name]) for name in sorted(table)]
    for name in sorted(table):
        upper = "&" + name.upper()
        if name.endswith(";") and name == name.lower() and html.unescape(upper) == upper:
            lines.append(line("capitals", upper[1:], table[name].upper()))
    made = ("\n".join(lines) + "\n").encode()
    if sha256(made) != ENTITIES:
        sys.exit(f"Python {sys.version.split()[0]}: html.entities makes sha256 {sha256(made)}, not {ENTITIES}: use another Python")
    return made


# The parts of a pattern in Python's verbose form: a set, an escape, a comment, white space, one character.
PARTS = re.compile(r"\[(?P<set>(?:\\.|[^\]\\])+)\]|(?P<escape>\\(?:x..|.))|#[^\n]*|[ \t\n]+|(?P<one>.)", re.DOTALL)
# ICU's own classes and dot differ from these, which are Python's.
CLASSES = {
    r"\s": r"[\x{9}-\x{D}\x{1C}-\x{1F}\x{85}\p{Z}]",
    r"\w": r"[_\p{L}\p{N}]",
    ".": r"[^\x{A}]",
}


def spelled(text, operators):
    """Characters and `\\xHH` as ICU takes them in any place; `operators` stay."""
    characters = re.sub(r"\\x(..)", lambda match: chr(int(match[1], 16)), text)
    return "".join(c if c in operators or (c.isascii() and c.isalnum()) else f"\\x{{{ord(c):X}}}" for c in characters)


def mojibake(files):
    """ftfy's pattern of text that was read in a wrong encoding, in ICU's syntax: ASCII, with no flags."""
    module = ast.parse(files[BADNESS])
    categories = ast.literal_eval(assigned(module, "MOJIBAKE_CATEGORIES", BADNESS))
    # The value is a call, re.compile("...".format(**MOJIBAKE_CATEGORIES), re.VERBOSE).
    verbose = assigned(module, "BADNESS_RE", BADNESS).args[0].func.value.value.format(**categories)
    out = ""
    for part in PARTS.finditer(verbose):
        if part["set"]:
            out += "[" + spelled(part["set"], "^-") + "]"
        elif part["escape"] or part["one"]:
            out += CLASSES.get(part[0]) or spelled(part[0], "|^?")
    made = (out + "\n").encode("ascii")
    if sha256(made) != MOJIBAKE:
        sys.exit(f"{BADNESS}: it makes sha256 {sha256(made)}, not {MOJIBAKE}: use another Python")
    return made


def build(files, version):
    module = ast.parse(files[METADATA])
    templates = [template(f) for f in assigned(module, "OPENAI_IMAGENET_TEMPLATES", METADATA).elts]
    classes = list(ast.literal_eval(assigned(module, "IMAGENET_CLASSNAMES", METADATA)))
    if len(templates) != 80 or len(classes) != 1000 or any(t.count("{}") != 1 for t in templates):
        sys.exit(f"{METADATA}: {len(templates)} templates and {len(classes)} classes, not 80 and 1000")
    texts = {
        "imagenet_templates.txt": templates,
        "text_templates.txt": ["{}."] + templates,
        "imagenet_classes.txt": classes,
    }
    made = {name: ("\n".join(lines) + "\n").encode() for name, lines in texts.items()}
    made["bpe_simple_vocab_16e6.txt.gz"] = files[VOCABULARY]
    made["html_entities.txt"] = html_entities()
    lines = [f"open_clip_torch {version} (PyPI, wheel)"]
    lines += [f"sha256 {sha256(files[name])}  {name}" for name in sorted(MEMBERS[version])]
    lines += [f"html.entities of Python {sys.version.split()[0]}"]
    lines += [f"sha256 {sha256(made[name])}  {name} (here)" for name in sorted(made)]
    # Without "(here)": older checkouts, which share the folder, count those lines.
    made["mojibake.txt"] = mojibake(files)
    lines += ["ftfy 6.3.1 (PyPI, wheel)", f"sha256 {sha256(files[BADNESS])}  {BADNESS}"]
    lines += [f"sha256 {MOJIBAKE}  mojibake.txt (made of it)"]
    made["SOURCE.txt"] = ("\n".join(lines) + "\n").encode()
    return made


def write(made, out):
    os.makedirs(out, exist_ok=True)
    for name in sorted(made, key=lambda n: n == "SOURCE.txt"):  # last: it says that the rest is whole
        path = os.path.join(out, name)
        with open(path + ".part", "wb") as file:
            file.write(made[name])
        os.replace(path + ".part", path)


def is_complete(out, version):
    """Whether SOURCE.txt is of this version and every file is what it says."""
    try:
        with open(os.path.join(out, "SOURCE.txt"), encoding="utf-8") as file:
            lines = file.read().splitlines()
        here = [line.split() for line in lines if line.endswith(" (here)")]
        good = lines[0] == f"open_clip_torch {version} (PyPI, wheel)" and len(here) == 5
        for _, expected, name, _ in here + [("", MOJIBAKE, "mojibake.txt", "")]:
            with open(os.path.join(out, name), "rb") as file:
                good = good and sha256(file.read()) == expected
        return good
    except (OSError, IndexError, ValueError):
        return False


def main():
    if sys.argv[1] == "--check":
        sys.exit(0 if is_complete(sys.argv[2], sys.argv[3]) else 1)
    wheel, ftfy_wheel, out, version = sys.argv[1:]
    write(build(read_members(wheel, MEMBERS[version]) | read_members(ftfy_wheel, FTFY), version), out)
    print(f"made {out}")


main()
