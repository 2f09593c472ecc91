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
        var x = new BigInteger(point[..CoordinateSize], isUnsigned: true, isBigEndian: true);
        var y = new BigInteger(point[CoordinateSize..], isUnsigned: true, isBigEndian: true);
        return x < Prime && y < Prime && ((y * y) - ((((x * x) - 3) * x) + B)) % Prime == 0;
    }

    private static BigInteger Number(string hex) => BigInteger.Parse("0" + hex, NumberStyles.HexNumber);
}
