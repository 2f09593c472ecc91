#!/usr/bin/env python3
"""Writes the vectors beside this file with Python's own hashes and the openssl command, nothing of the project.

Run it anywhere; it must leave no difference.
"""
import base64, hashlib, hmac, json, pathlib, struct, subprocess, tempfile

HERE = pathlib.Path(__file__).parent


def sha256(data):
    return hashlib.sha256(data).digest()


def write(name, value):
    (HERE / name).write_text(json.dumps(value, indent=2) + "\n")


def leaf(leaf_class, subjects, salt, entry):
    nullifiers = sorted(hmac.new(label, b"air/null/v1\0" + struct.pack(">Q", sequence), "sha256").digest() for label, sequence in subjects)
    commitment = sha256(b"air/leaf/v1\0" + salt + entry)
    encoded = bytes([1, leaf_class]) + struct.pack(">H", len(nullifiers)) + b"".join(nullifiers) + commitment
    return {
        "class": leaf_class,
        "subjects": [{"label": label.hex(), "sequence": str(sequence)} for label, sequence in subjects],
        "salt": salt.hex(),
        "entry": entry.hex(),
        "leaf": encoded.hex(),
        "leafHash": sha256(b"\0" + encoded).hex(),
    }


def leaves():
    a, b, c = (sha256(name) for name in (b"label a", b"label b", b"label c"))
    return [
        leaf(1, [(a, 0)], sha256(b"salt 0"), b"an entry"),
        leaf(2, [(a, 1), (b, 0), (c, 2**64 - 1)], sha256(b"salt 1"), b""),
        leaf(255, [], sha256(b"salt 2"), bytes(range(256)) * 20),
        leaf(0, [(sha256(bytes([i])), 256 + i) for i in range(200)], bytes(32), b"\0"),
    ]


def root(hashes):
    if not hashes:
        return sha256(b"")
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << ((len(hashes) - 1).bit_length() - 1)
    return sha256(b"\1" + root(hashes[:split]) + root(hashes[split:]))


def sign(seed, message):
    der = bytes.fromhex("302e020100300506032b657004220420") + seed
    with tempfile.TemporaryDirectory() as folder:
        key, text = pathlib.Path(folder, "key"), pathlib.Path(folder, "text")
        key.write_bytes(der)
        text.write_bytes(message)
        command = ["openssl", "pkeyutl", "-sign", "-rawin", "-keyform", "DER", "-inkey", str(key), "-in", str(text)]
        public = ["openssl", "pkey", "-inform", "DER", "-in", str(key), "-pubout", "-outform", "DER"]
        run = lambda arguments: subprocess.run(arguments, check=True, capture_output=True).stdout
        return run(command), run(public)[-32:]


def checkpoint(origin, seed, leaf_hashes):
    text = f"{origin}\n{len(leaf_hashes)}\n{base64.b64encode(root(leaf_hashes)).decode()}\n"
    signature, public = sign(seed, text.encode())
    key_id = sha256(origin.encode() + b"\n\1" + public)[:4]
    line = base64.b64encode(key_id + signature).decode()
    return {
        "seed": seed.hex(),
        "leafHashes": [leaf_hash.hex() for leaf_hash in leaf_hashes],
        "vkey": f"{origin}+{key_id.hex()}+{base64.b64encode(bytes([1]) + public).decode()}",
        "note": f"{text}\n\u2014 {origin} {line}\n",
    }


if __name__ == "__main__":
    all_leaves = leaves()
    hashes = [bytes.fromhex(each["leafHash"]) for each in all_leaves]
    write("leaves.json", all_leaves)
    write("checkpoints.json", [checkpoint("localhost:5000", sha256(b"log key"), hashes[:size]) for size in range(5)])
