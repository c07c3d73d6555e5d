#!/usr/bin/env python3
"""Writes the fuzzer's first inputs to a folder: what fakeagent.py answers, as fuzz.c takes it."""

import pathlib
import struct
import sys

from fakeagent import RECORDS, n, s, slot

folder = pathlib.Path(sys.argv[1])
folder.mkdir(exist_ok=True)
directory = n(7, 1) + slot()
answer = n(0, 7) + b"results"


def told(results, rv=0, generation=7):
    body = n(rv, generation) + results
    return struct.pack("=H", len(body)) + body


every = b"".join(RECORDS.values())
objects = [b"", s(bytes(256)), s(bytes(256)), s(bytes(40)), b""]  # GET, Sign, SignFinal, Decrypt, SetAttributeValue
found = told(n(len(RECORDS)) + every)
end = [n(0x11, 0x12), s(b"wrapped"), s(bytes(100)), b""]  # GenerateKeyPair, WrapKey, GenerateRandom, SLOTS
program = [told(directory), told(b""), told(s(b"ticket")), found]
for record in RECORDS.values():
    program += [told(x) for x in objects[1:]]
program += [told(x) for x in end] + [found, told(b"", 0x82, 8)]
for name, content in {
    "answer": b"\0" + struct.pack("=II", len(answer), 0) + answer,
    "directory": b"\1" + directory,
    "records": b"\2" + every,
    "program": b"\3" + b"".join(program),
    "refused": b"\3" + told(directory) + told(b"") + told(b"", 0xA0) + found + told(b"", 0x32),
}.items():
    (folder / name).write_bytes(content)
