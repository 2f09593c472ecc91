"""An anchor of a checkpoint as an Ethereum transaction: Keccak-256, RLP and the ABI, for make_formats.py."""
from curves import SECP256K1

MASK = 2**64 - 1


def turn(lane, count):
    return ((lane << count) | (lane >> (64 - count))) & MASK if count else lane


def round_constants():
    """The bits of the linear feedback shift register of FIPS 202, algorithm 5."""
    register, constants = 1, []
    for _ in range(24):
        constant = 0
        for j in range(7):
            constant |= (register & 1) << (2**j - 1)
            register <<= 1
            if register & 0x100:
                register ^= 0x171
        constants.append(constant)
    return constants


def permute(lanes):
    for constant in round_constants():
        columns = [lanes[x][0] ^ lanes[x][1] ^ lanes[x][2] ^ lanes[x][3] ^ lanes[x][4] for x in range(5)]
        lanes = [[lanes[x][y] ^ columns[x - 1] ^ turn(columns[(x + 1) % 5], 1) for y in range(5)] for x in range(5)]
        x, y, moved = 1, 0, [row[:] for row in lanes]
        for t in range(24):
            moved[x][y] = turn(lanes[x][y], (t + 1) * (t + 2) // 2 % 64)
            x, y = y, (2 * x + 3 * y) % 5
        stirred = [[0] * 5 for _ in range(5)]
        for x in range(5):
            for y in range(5):
                stirred[y][(2 * x + 3 * y) % 5] = moved[x][y]
        lanes = [[stirred[x][y] ^ (~stirred[(x + 1) % 5][y] & MASK & stirred[(x + 2) % 5][y]) for y in range(5)] for x in range(5)]
        lanes[0][0] ^= constant
    return lanes


def keccak(data):
    rate = 136
    padded = bytearray(data) + b"\1" + bytes(-(len(data) + 1) % rate)
    padded[-1] |= 0x80
    lanes = [[0] * 5 for _ in range(5)]
    for start in range(0, len(padded), rate):
        for i in range(rate // 8):
            lanes[i % 5][i // 5] ^= int.from_bytes(padded[start + 8 * i:start + 8 * i + 8], "little")
        lanes = permute(lanes)
    return b"".join(lanes[i][0].to_bytes(8, "little") for i in range(4))


def rlp(value):
    if isinstance(value, int):
        value = value.to_bytes((value.bit_length() + 7) // 8, "big")
    if isinstance(value, bytes) and len(value) == 1 and value[0] < 0x80:
        return value
    body, base = (value, 0x80) if isinstance(value, bytes) else (b"".join(map(rlp, value)), 0xC0)
    if len(body) <= 55:
        return bytes([base + len(body)]) + body
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([base + 55 + len(length)]) + length + body


def address(secret):
    x, y = SECP256K1.point(secret)
    return keccak(x.to_bytes(32, "big") + y.to_bytes(32, "big"))[12:]


def sign(secret, digest):
    """The s of the lower half; the parity is that of the point that goes with it."""
    (x, y), s = SECP256K1.sign(secret, digest)
    return (y & 1, x, s) if s <= SECP256K1.n // 2 else (1 - (y & 1), x, SECP256K1.n - s)


def word(value):
    return value.to_bytes(32, "big") if isinstance(value, int) else value


def anchor_call(log, size, root, path=None):
    if path is None:
        return keccak(b"anchor(bytes32,uint64,bytes32)")[:4] + log + word(size) + root
    return keccak(b"anchorConsistent(bytes32,uint64,bytes32,bytes32[])")[:4] + log + word(size) + root + word(128) + word(len(path)) + b"".join(path)


def transaction(secret, fields):
    unsigned = keccak(b"\2" + rlp(fields))
    return b"\2" + rlp([*fields, *sign(secret, unsigned)])


def anchor_journal(log, size, root, path):
    """Two attempts with one nonce: the second pays more and carries a proof, as after the owner has asked for proofs."""
    secret, contract = 1, address(2)
    calls = [anchor_call(log, size, root), anchor_call(log, size, root, path)]
    raws = [transaction(secret, [31337, 7, tip, fee, gas, contract, 0, call, []])
            for call, tip, fee, gas in zip(calls, (10**9, 1_125_000_001), (3 * 10**10, 33_750_000_001), (57_000, 90_000))]
    return {
        "sender": "0x" + address(secret).hex(), "contract": "0x" + contract.hex(), "log": log.hex(), "size": size, "root": root.hex(), "path": [one.hex() for one in path],
        "calls": [call.hex() for call in calls], "hashes": ["0x" + keccak(raw).hex() for raw in raws], "journal": rlp(raws).hex(),
    }


assert keccak(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
