using System.Globalization;
using System.Text;
using System.Text.Unicode;
using AgentIdentity.Credentials.Identifiers;

namespace AgentIdentity.Credentials.Status;

/// <summary>Where the bit of a credential is: a list, and a place in it. docs/formats.md, "Status lists".</summary>
/// <param name="List">The list's number.</param>
/// <param name="Place">From 0, below <see cref="StatusBitmap.Places"/>.</param>
public readonly record struct StatusPlace(ulong List, int Place)
{
    // The public URL takes 267 at most (a host name 253), the numbers 26.
    private const int EntryIdLengthMax = 512;

    /// <summary>The place that a status index stands for.</summary>
    public static StatusPlace Of(ulong statusIndex) => new(statusIndex / StatusBitmap.Places, (int)(statusIndex % StatusBitmap.Places));

    /// <summary>The status index that stands for this place.</summary>
    public ulong Index => checked((List * StatusBitmap.Places) + (ulong)Place);

    /// <summary>What the IETF form of the list is called and where it is served.</summary>
    public string Uri(RegistryName registry) => UriOf(registry, List);

    /// <summary>What the W3C form of the list is called and where it is served.</summary>
    public string BitstringUri(RegistryName registry) => BitstringUriOf(registry, List);

    internal static string UriOf(RegistryName registry, ulong list) => $"{registry.StatusPrefix}{list}";

    internal static string BitstringUriOf(RegistryName registry, ulong list) => $"{registry.StatusPrefix}{list}/bitstring";

    /// <summary>Reads a list's URI as <see cref="Uri"/> writes it, and the place in it.</summary>
    internal static bool TryRead(ReadOnlySpan<byte> uri, long place, RegistryName registry, out StatusPlace read)
    {
        var prefix = registry.StatusPrefix;
        read = default;
        if (place is < 0 or >= StatusBitmap.Places || uri.Length <= prefix.Length || !Ascii.Equals(uri[..prefix.Length], prefix))
            return false;
        var number = uri[prefix.Length..];
        // One spelling: no leading zeros.
        if (number is [(byte)'0', _, ..] || !ulong.TryParse(number, NumberStyles.None, null, out var list) || list > ulong.MaxValue / StatusBitmap.Places)
            return false;
        read = new StatusPlace(list, (int)place);
        return true;
    }

    /// <summary>Whether the three texts of a credential's entry for the W3C form name this place: readers of either form of list must come to the same bit.</summary>
    internal bool IsNamedBy(ReadOnlySpan<byte> id, ReadOnlySpan<byte> list, ReadOnlySpan<byte> index, RegistryName registry)
    {
        Span<byte> buffer = stackalloc byte[EntryIdLengthMax];
        Utf8.TryWrite(buffer, $"{registry.StatusPrefix}{List}/bitstring#{Place}", out var length);
        var expected = buffer[..length];
        var end = expected.LastIndexOf((byte)'#');
        return id.SequenceEqual(expected) && list.SequenceEqual(expected[..end]) && index.SequenceEqual(expected[(end + 1)..]);
    }
}
