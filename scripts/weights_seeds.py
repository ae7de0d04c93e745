#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The first inputs of the fuzzers of weights: small archives as torch.save and torch.jit.save write them, and their
pickles (behind a byte that says whether it is a TorchScript one); and indices of shards. Without PyTorch, and without
CRCs, which a fuzzer cannot guess.

Use: weights_seeds.py weights|pickle|shard_index FOLDER
"""
import pathlib
import struct
import sys


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def name(module, member):
    return f"c{module}\n{member}\n".encode()


def dictionary(**items):
    return b"}(" + b"".join(text(key) + value for key, value in items.items()) + b"u"


def tensor(key, kind="FloatStorage", shape=b"K\2\x85", strides=b"K\1\x85"):
    storage = b"(" + text("storage") + name("torch", kind) + text(key) + text("cpu") + b"K\2tQ"
    return name("torch._utils", "_rebuild_tensor_v2") + b"(" + storage + b"K\0" + shape + strides + b"\x89" + name("collections", "OrderedDict") + b")RtR"


def module(**attributes):
    return name("__torch__", "Net") + b")\x81" + dictionary(**attributes) + b"b"


PLAIN = {
    "plain": dictionary(a=tensor("0"), b=tensor("0", shape=b"K\1K\2\x86", strides=b"K\2K\1\x86")),
    "wrapped": dictionary(epoch=b"K\3", state_dict=dictionary(**{"module.a": tensor("0")}), args=b"](K\1NG" + bytes(8) + b"e"),
    "ordered": name("collections", "OrderedDict") + b")Rq\0(" + text("a") + tensor("0") + b"u" + dictionary(_metadata=b"h\0") + b"b",
    "frames": b"\x95" + struct.pack("<Q", 25) + b"}\x94(\x8c\1a\x94\x8f\x94(K\1\x90\x8c\1b\x94h\1\x86\x94u",
}
SCRIPT = {"script": module(visual=module(weight=tensor("0")), training=b"\x88", vocab_size=b"K\7")}


def whole(body):
    return b"\x80\x02" + body + b"."


def archive(members):
    locals_, directory = b"", b""
    for member, data in members:
        head = struct.pack("<HHHIIIIHH", 0, 0, 0, 0, 0, len(data), len(data), len(member), 0)
        directory += b"PK\1\2\0\0" + head + bytes(10) + struct.pack("<I", len(locals_)) + member + b""
        locals_ += b"PK\3\4" + head + member + data
    return locals_ + directory + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, len(members), len(members), len(directory), len(locals_), 0)


def weights(body, script):
    members = [(b"w/data.pkl", whole(body)), (b"w/data/0", bytes(8)), (b"w/byteorder", b"little")]
    return archive(members + [(b"w/constants.pkl", whole(b")"))] * script)


INDICES = {
    "index": '{"metadata":{"total_size":1},"weight_map":{"a":"m-1","b":"m-2"}}',
    "spaced": ' {\n "weight_map" : { "a.b\\u00e9\\n" : "m-00001-of-00002.safetensors" } }\n',
    "twice": '{"weight_map":{"a":"m","a":"m"},"weight_map":{}}',
    "elsewhere": '{"weight_map":{"a":"../m","b":"m\\u0000","c":".."}}',
    "deep": '{"metadata":{"a":[[{"a":[1.5e3,true,null]},{"a":[-0]}]]},"weight_map":{"a":"\\ud83d\\ude00"}}',
}


def main():
    kind, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    if kind == "shard_index":
        for seed, index in INDICES.items():
            (folder / seed).write_text(index)
        return
    for script, bodies in ((False, PLAIN), (True, SCRIPT)):
        for seed, body in bodies.items():
            data = weights(body, script) if kind == "weights" else bytes([script]) + whole(body)
            (folder / seed).write_bytes(data)
    if kind == "weights":
        (folder / "index").write_text(INDICES["index"])
        header = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
        (folder / "safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))


main()
