"""Checks a transcript without the program that wrote it.

    python3 check.py TRANSCRIPT PUBLIC-KEY

It needs Python's standard library, and the program openssl for Ed25519. It
prints the number of entries, or ends with a message and status 1.
"""

import base64
import hashlib
import json
import os
import subprocess
import sys
import tempfile


def sha256(data):
    return hashlib.sha256(data).digest()


def tree_head(leaves):
    """MTH of RFC 6962, section 2.1."""
    if len(leaves) == 0:
        return sha256(b"")
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0])
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return sha256(b"\x01" + tree_head(leaves[:k]) + tree_head(leaves[k:]))


def check(condition, number, message):
    if not condition:
        sys.exit("line %d: %s" % (number, message))


def public_key(text):
    """ORIGIN+ID+KEY of c2sp.org/signed-note: origin, ID, 32 bytes."""
    origin, identifier, encoded = text.strip().split("+", 2)
    raw = base64.b64decode(encoded, validate=True)
    identifier = bytes.fromhex(identifier)
    if len(raw) != 33 or raw[0] != 1:
        sys.exit("the public key is not one for Ed25519")
    if sha256(origin.encode() + b"\n" + raw)[:4] != identifier:
        sys.exit("the public key does not have its ID")
    return origin, identifier, raw[1:]


def verifies(key, text, signature):
    """Whether openssl takes an Ed25519 signature (SPKI of RFC 8410)."""
    with tempfile.TemporaryDirectory() as directory:
        def file(name, content):
            path = os.path.join(directory, name)
            with open(path, "wb") as f:
                f.write(content)
            return path

        spki = bytes.fromhex("302a300506032b6570032100") + key
        command = ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER",
                   "-inkey", file("key", spki), "-in", file("text", text), "-sigfile", file("signature", signature)]
        return subprocess.run(command, capture_output=True).returncode == 0


def main(transcript, key_file):
    with open(key_file, encoding="utf-8") as f:
        origin, identifier, key = public_key(f.read())
    with open(transcript, "rb") as f:
        lines = f.read().split(b"\n")
    check(lines.pop() == b"", len(lines) + 1, "has no newline at its end")
    leaves, previous = [], ""
    for number, line in enumerate(lines, 1):
        start, end = len(b'{"entry":'), line.rindex(b',"head":')
        leaves.append(line[start:end])
        value = json.loads(line)
        check(json.loads(leaves[-1]) == value["entry"], number, "the entry is not where it should be")
        check(value["entry"]["index"] == number - 1, number, "has another index")
        check(value["entry"]["previous"] == previous, number, "does not follow the line before")
        previous = sha256(line).hex()

        text, signature = value["head"].split("\n\n")
        root = base64.b64encode(tree_head(leaves)).decode()
        check(text == "%s\n%d\n%s" % (origin, number, root), number, "has another tree head")
        dash, name, encoded = signature.split()
        raw = base64.b64decode(encoded, validate=True)
        check((dash, name, raw[:4]) == ("\u2014", origin, identifier), number, "is signed by another key")
        check(verifies(key, (text + "\n").encode(), raw[4:]), number, "has a wrong signature")
    print(len(lines))


main(*sys.argv[1:])
