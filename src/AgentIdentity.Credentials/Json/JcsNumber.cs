using System.Globalization;
using System.Text;
using System.Text.Json;

namespace AgentIdentity.Credentials.Json;

/// <summary>Numbers in canonical JSON.</summary>
internal static class JcsNumber
{
    // ECMAScript writes a number without exponent when its decimal point stands within these places of its first digit.
    private const int PlainPointMin = -5;
    private const int PlainPointMax = 21;

    public static bool TryAppendInteger(StringBuilder text, JsonElement element)
    {
        if (!element.TryGetInt64(out var number) || number is > Jcs.IntegerMax or < -Jcs.IntegerMax)
            return false;
        text.Append(number);
        return true;
    }

    /// <summary>A double as ECMAScript writes it (RFC 8785, section 3.2.2.3): the fewest digits that name it.</summary>
    public static bool TryAppendAny(StringBuilder text, JsonElement element)
    {
        if (!element.TryGetDouble(out var number) || !double.IsFinite(number))
            return false;
        if (number < 0)
            text.Append('-');
        Append(text, Shortest(Math.Abs(number)));
        return true;
    }

    // Below a power of two doubles lie closer together than above it. The class library does not see that for 2^-25 and 2^-958, and gives the digits of the number below.
    private static string Shortest(double number) =>
        number.ToString("R", CultureInfo.InvariantCulture) is var shortest && double.Parse(shortest, CultureInfo.InvariantCulture) == number ? shortest : number.ToString("G17", CultureInfo.InvariantCulture);

    private static void Append(StringBuilder text, string shortest)
    {
        var (digits, point) = DigitsAndPoint(shortest);
        if (point is < PlainPointMin or > PlainPointMax)
            AppendExponent(text, digits, point - 1);
        else if (point <= 0)
            text.Append("0.").Append('0', -point).Append(digits);
        else if (point >= digits.Length)
            text.Append(digits).Append('0', point - digits.Length);
        else
            text.Append(digits.AsSpan(0, point)).Append('.').Append(digits.AsSpan(point));
    }

    private static void AppendExponent(StringBuilder text, string digits, int exponent)
    {
        text.Append(digits[0]);
        if (digits.Length > 1)
            text.Append('.').Append(digits.AsSpan(1));
        text.Append('e').Append(exponent < 0 ? '-' : '+').Append(Math.Abs(exponent));
    }

    // The number is 0.digits times ten to the power of the point; zero is the digit 0 before its point.
    private static (string Digits, int Point) DigitsAndPoint(string shortest)
    {
        var mark = shortest.IndexOf('E', StringComparison.Ordinal);
        var mantissa = mark < 0 ? shortest : shortest[..mark];
        var exponent = mark < 0 ? 0 : int.Parse(shortest.AsSpan(mark + 1), provider: CultureInfo.InvariantCulture);
        var whole = mantissa.IndexOf('.', StringComparison.Ordinal) is var dot and >= 0 ? dot : mantissa.Length;
        var digits = mantissa.Replace(".", "", StringComparison.Ordinal);
        var significant = digits.TrimStart('0');
        return significant.Length == 0 ? ("0", 1) : (significant.TrimEnd('0'), whole - (digits.Length - significant.Length) + exponent);
    }
}
