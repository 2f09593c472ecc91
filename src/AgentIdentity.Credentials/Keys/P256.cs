using System.Globalization;
using System.Numerics;

namespace AgentIdentity.Credentials.Keys;

/// <summary>The equation of P-256. Held against public points only, so that a wrong one is refused before OpenSSL is asked to import it.</summary>
internal static class P256
{
    public const int CoordinateSize = 32;

    private static readonly BigInteger Prime = Number("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");
    private static readonly BigInteger B = Number("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b");

    /// <summary>Whether x ‖ y is a point of the curve, both coordinates below the prime. The curve's cofactor is 1, so no order is small.</summary>
    public static bool IsOnCurve(ReadOnlySpan<byte> point)
    {
        var x = Read(point[..CoordinateSize]);
        var y = Read(point[CoordinateSize..]);
        return x < Prime && y < Prime && ((y * y) - RightSide(x)) % Prime == 0;
    }

    /// <summary>The point as 33 bytes: 2 or 3 for an even or odd y, and x.</summary>
    public static byte[] Compress(ReadOnlySpan<byte> point) => [(byte)(2 | (point[^1] & 1)), .. point[..CoordinateSize]];

    /// <summary>x ‖ y of 33 compressed bytes. False when no point has this x, or they are none of its forms.</summary>
    public static bool TryDecompress(ReadOnlySpan<byte> compressed, out byte[] point)
    {
        point = new byte[2 * CoordinateSize];
        if (compressed.Length != 1 + CoordinateSize || compressed[0] is not (2 or 3))
            return false;
        var x = Read(compressed[1..]);
        // The prime is 3 modulo 4, so a square's root is its power of (p + 1) / 4; of what is no square that is not a root.
        var root = BigInteger.ModPow(Positive(RightSide(x)), (Prime + 1) / 4, Prime);
        var y = root.IsEven == (compressed[0] == 2) ? root : Prime - root;
        compressed[1..].CopyTo(point);
        Write(y, point.AsSpan(CoordinateSize));
        return IsOnCurve(point);
    }

    private static BigInteger RightSide(BigInteger x) => (((x * x) - 3) * x) + B;

    private static BigInteger Positive(BigInteger value) => ((value % Prime) + Prime) % Prime;

    private static BigInteger Read(ReadOnlySpan<byte> coordinate) => new(coordinate, isUnsigned: true, isBigEndian: true);

    private static void Write(BigInteger value, Span<byte> coordinate)
    {
        var bytes = value.ToByteArray(isUnsigned: true, isBigEndian: true);
        bytes.CopyTo(coordinate[^bytes.Length..]);
    }

    private static BigInteger Number(string hex) => BigInteger.Parse("0" + hex, NumberStyles.HexNumber);
}
