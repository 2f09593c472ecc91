"""ECDSA with the nonces of RFC 6979, on curves y² = x³ + ax + b with a cofactor of 1, in affine coordinates: slow and short."""
import hmac


class Curve:
    def __init__(self, p, a, n, base):
        self.p, self.a, self.n, self.base = p, a, n, base

    def add(self, one, other):
        if one is None or other is None:
            return one or other
        (x1, y1), (x2, y2) = one, other
        if x1 == x2 and (y1 + y2) % self.p == 0:
            return None
        slope = (3 * x1 * x1 + self.a) * pow(2 * y1, -1, self.p) if one == other else (y2 - y1) * pow(x2 - x1, -1, self.p)
        x3 = (slope * slope - x1 - x2) % self.p
        return (x3, (slope * (x1 - x3) - y1) % self.p)

    def multiply(self, point, scalar):
        result = None
        while scalar:
            if scalar & 1:
                result = self.add(result, point)
            point = self.add(point, point)
            scalar >>= 1
        return result

    def point(self, scalar):
        return self.multiply(self.base, scalar)

    def nonce(self, secret, digest):
        seed = secret.to_bytes(32, "big") + (int.from_bytes(digest, "big") % self.n).to_bytes(32, "big")
        v, k = b"\1" * 32, b"\0" * 32
        for separator in (b"\0", b"\1"):
            k = hmac.digest(k, v + separator + seed, "sha256")
            v = hmac.digest(k, v, "sha256")
        nonce = int.from_bytes(hmac.digest(k, v, "sha256"), "big")
        assert 0 < nonce < self.n
        return nonce

    def sign(self, secret, digest):
        """The point whose x is the first half of the signature, and the second half."""
        nonce = self.nonce(secret, digest)
        x, y = self.point(nonce)
        return (x, y), pow(nonce, -1, self.n) * (int.from_bytes(digest, "big") + x * secret) % self.n


P256 = Curve(
    2**256 - 2**224 + 2**192 + 2**96 - 1, -3, 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    (0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296, 0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5))
SECP256K1 = Curve(
    2**256 - 2**32 - 977, 0, 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141,
    (0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798, 0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8))
