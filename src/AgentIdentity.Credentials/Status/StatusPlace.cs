using AgentIdentity.Credentials.Identifiers;

namespace AgentIdentity.Credentials.Status;

/// <summary>Where the bit of a credential is: a list, and a place in it. docs/formats.md, "Status lists".</summary>
/// <param name="List">The list's number.</param>
/// <param name="Place">From 0, below <see cref="StatusBitmap.Places"/>.</param>
public readonly record struct StatusPlace(ulong List, int Place)
{
    /// <summary>The place that a status index stands for.</summary>
    public static StatusPlace Of(ulong statusIndex) => new(statusIndex / StatusBitmap.Places, (int)(statusIndex % StatusBitmap.Places));

    /// <summary>The status index that stands for this place.</summary>
    public ulong Index => checked((List * StatusBitmap.Places) + (ulong)Place);

    /// <summary>What the IETF form of the list is called and where it is served.</summary>
    public string Uri(RegistryName registry) => UriOf(registry, List);

    /// <summary>What the W3C form of the list is called and where it is served.</summary>
    public string BitstringUri(RegistryName registry) => BitstringUriOf(registry, List);

    internal static string UriOf(RegistryName registry, ulong list) => $"{Prefix(registry)}{list}";

    internal static string BitstringUriOf(RegistryName registry, ulong list) => $"{Prefix(registry)}{list}/bitstring";

    /// <summary>Reads a list's URI as <see cref="Uri"/> writes it, and the place in it.</summary>
    internal static bool TryRead(string uri, long place, RegistryName registry, out StatusPlace read)
    {
        var prefix = Prefix(registry);
        read = default;
        if (place is < 0 or >= StatusBitmap.Places || !uri.StartsWith(prefix, StringComparison.Ordinal)
            || !ulong.TryParse(uri.AsSpan(prefix.Length), System.Globalization.NumberStyles.None, null, out var list) || list > ulong.MaxValue / StatusBitmap.Places)
            return false;
        read = new StatusPlace(list, (int)place);
        // One spelling: no leading zeros.
        return uri == read.Uri(registry);
    }

    private static string Prefix(RegistryName registry) => registry.PublicUrl + "/status/";
}
