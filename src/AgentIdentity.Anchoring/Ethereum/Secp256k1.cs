using System.Globalization;
using System.Numerics;

namespace AgentIdentity.Anchoring.Ethereum;

/// <summary>
/// The curve's arithmetic for public values alone: who signed. Nothing here is told a private key, since nothing here takes care
/// how long it computes; signing is left to the system's cryptography and to remote signers.
/// </summary>
internal static class Secp256k1
{
    // SEC 2, section 2.4.1: y² = x³ + 7 over the field of P, of the prime order N.
    private static readonly BigInteger P = Number("FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFC2F");
    private static readonly BigInteger N = Number("FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141");
    private static readonly Point G = new(
        Number("79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798"),
        Number("483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8"),
        BigInteger.One);

    /// <summary>The s that means the same and is not above half the order: chains accept no other since EIP-2.</summary>
    public static byte[] LowerHalf(ReadOnlySpan<byte> s)
    {
        var value = Read(s);
        return Write(value > N / 2 ? N - value : value);
    }

    /// <summary>The address of the key that made this signature (SEC 1, section 4.1.6); null when it is no signature of any key.</summary>
    public static Address? Recover(ReadOnlySpan<byte> hash, EcdsaSignature signature)
    {
        var (r, s) = (Read(signature.R), Read(signature.S));
        if (r.IsZero || r >= N || s.IsZero || s > N / 2 || PointAt(r, signature.IsOdd) is not { } point)
            return null;
        var inverse = BigInteger.ModPow(r, N - 2, N);
        var key = SumOfProducts(Modulo(-Read(hash) * inverse, N), G, Modulo(s * inverse, N), point);
        return key.Z.IsZero ? null : AddressOf(key);
    }

    /// <summary>The address of a public key: the last 20 bytes of the Keccak-256 of x ‖ y.</summary>
    public static Address AddressOf(ReadOnlySpan<byte> x, ReadOnlySpan<byte> y) => Address.Of(Keccak256.Hash([.. x, .. y]).AsSpan(^Address.Size..));

    private static Address AddressOf(Point point)
    {
        var inverse = BigInteger.ModPow(point.Z, P - 2, P);
        var square = inverse * inverse % P;
        return AddressOf(Write(point.X * square % P), Write(point.Y * (square * inverse % P) % P));
    }

    // P is 3 modulo 4, so the root of a square is a power of it.
    private static Point? PointAt(BigInteger x, bool isOdd)
    {
        var square = ((x * x * x) + 7) % P;
        var y = BigInteger.ModPow(square, (P + 1) / 4, P);
        if (y * y % P != square)
            return null;
        return new Point(x, y.IsEven == isOdd ? P - y : y, BigInteger.One);
    }

    // Both products in one pass over the bits (Shamir's trick).
    private static Point SumOfProducts(BigInteger a, Point p, BigInteger b, Point q)
    {
        var both = Add(p, q);
        var sum = new Point(BigInteger.One, BigInteger.One, BigInteger.Zero);
        for (var bit = 255; bit >= 0; bit--)
        {
            sum = Double(sum);
            var (isInA, isInB) = (!((a >> bit) & 1).IsZero, !((b >> bit) & 1).IsZero);
            if (isInA || isInB)
                sum = Add(sum, isInA && isInB ? both : isInA ? p : q);
        }
        return sum;
    }

    // Jacobian coordinates: (X/Z², Y/Z³), Z = 0 for the point at infinity. The formulas are dbl-2009-l and add-2007-bl of the Explicit-Formulas Database.
    private static Point Double(Point p)
    {
        var (a, b) = (p.X * p.X % P, p.Y * p.Y % P);
        var c = b * b % P;
        var d = 2 * (((p.X + b) * (p.X + b)) - a - c);
        var e = 3 * a;
        var x = Modulo((e * e) - (2 * d), P);
        return new Point(x, Modulo((e * (d - x)) - (8 * c), P), 2 * p.Y * p.Z % P);
    }

    private static Point Add(Point p, Point q)
    {
        if (p.Z.IsZero)
            return q;
        if (q.Z.IsZero)
            return p;
        var (pz, qz) = (p.Z * p.Z % P, q.Z * q.Z % P);
        var (u1, u2) = (p.X * qz % P, q.X * pz % P);
        var (s1, s2) = (p.Y * q.Z % P * qz % P, q.Y * p.Z % P * pz % P);
        if (u1 == u2)
            return s1 == s2 ? Double(p) : new Point(BigInteger.One, BigInteger.One, BigInteger.Zero);
        var h = u2 - u1;
        var i = 4 * h * h % P;
        var j = h * i % P;
        var r = 2 * (s2 - s1);
        var v = u1 * i % P;
        var x = Modulo((r * r) - j - (2 * v), P);
        return new Point(x, Modulo((r * (v - x)) - (2 * s1 * j), P), Modulo(2 * p.Z * q.Z * h, P));
    }

    private static BigInteger Modulo(BigInteger value, BigInteger modulus)
    {
        var rest = value % modulus;
        return rest.Sign < 0 ? rest + modulus : rest;
    }

    private static BigInteger Read(ReadOnlySpan<byte> bytes) => new(bytes, isUnsigned: true, isBigEndian: true);

    private static byte[] Write(BigInteger value)
    {
        var bytes = new byte[EcdsaSignature.IntegerSize];
        value.TryWriteBytes(bytes.AsSpan(bytes.Length - value.GetByteCount(isUnsigned: true)), out _, isUnsigned: true, isBigEndian: true);
        return bytes;
    }

    private static BigInteger Number(string digits) => BigInteger.Parse("0" + digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    private readonly record struct Point(BigInteger X, BigInteger Y, BigInteger Z);
}
