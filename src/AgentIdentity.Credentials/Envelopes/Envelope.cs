using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using AgentIdentity.Credentials.Issuing;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Envelopes;

/// <summary>What a credential allows at most: <c>authorization_details</c> (RFC 9396) in the narrow form of docs/formats.md, "Envelope".</summary>
public sealed class Envelope
{
    /// <summary>Bytes of an envelope's text at most, so that it leaves room for the rest of a credential.</summary>
    public const int TextBytesMax = 8192;

    private const int ItemsMax = 32;

    // The credentials of one enrolment token's agents mostly carry the same one. What is kept is about four times its text: 4 MB at most.
    private static readonly RecentTexts<Envelope> Recent = new(places: 1024, lengthMax: 1024);

    private readonly EnvelopeItem[] _items;
    private readonly Hash _ownAuthority;

    private Envelope(EnvelopeItem[] items, string canonical)
    {
        _items = items;
        Canonical = canonical;
        _ownAuthority = Sha256.Hash(Encoding.UTF8.GetBytes($"{{\"authorization_details\":{canonical}}}"));
    }

    /// <summary>The array in JCS form.</summary>
    public string Canonical { get; }

    /// <summary>Reads an envelope; false for anything else, an unknown or repeated member included.</summary>
    public static bool TryParse(ReadOnlySpan<byte> utf8, [NotNullWhen(true)] out Envelope? envelope)
    {
        envelope = Recent.Find(utf8);
        if (envelope is not null)
            return true;
        if (utf8.Length > TextBytesMax || !StrictJson.TryParse(utf8.ToArray(), out var document))
            return false;
        using (document)
            return TryRead(document.RootElement, out envelope);
    }

    /// <inheritdoc cref="TryParse(ReadOnlySpan{byte}, out Envelope)"/>
    public static bool TryParse(string json, [NotNullWhen(true)] out Envelope? envelope) => TryParse(Encoding.UTF8.GetBytes(json), out envelope);

    /// <summary>Whether each item is covered by one single item of the parent.</summary>
    public bool IsWithin(Envelope parent) => IsWithin(parent, out _);

    /// <summary>Whether each item is covered by one single item of the parent.</summary>
    /// <param name="parent">The wider envelope.</param>
    /// <param name="expiryMax">
    /// When so: the latest expiry (seconds since 1970) of a credential with this envelope. An item that names no end of its own ends with the
    /// credential, and must not outlast the item that covers it. Null when nothing limits it.
    /// </param>
    public bool IsWithin(Envelope parent, out long? expiryMax) => IsWithin(parent, static (grant, item) => grant.Covers(item), out expiryMax);

    /// <summary>Whether the holder of the parent may pass this on: as <see cref="IsWithin(Envelope)"/>, and of less depth than the item that covers it, item by item.</summary>
    /// <param name="parent">What is passed on from.</param>
    /// <param name="expiryMax">As for <see cref="IsWithin(Envelope, out long?)"/>; the parent's credential ends it besides.</param>
    public bool IsPassedOnFrom(Envelope parent, out long? expiryMax) => IsWithin(parent, static (grant, item) => grant.CoversPassedOn(item), out expiryMax);

    /// <summary>Whether one item covers the action and the location, both, and has not ended.</summary>
    public bool Covers(string type, string action, string location, long nowSeconds)
    {
        // Asked on each decision of an enforcer, where a lambda would be an allocation.
        foreach (var item in _items)
        {
            if (item.Covers(type, action, location, nowSeconds))
                return true;
        }
        return false;
    }

    /// <summary>Whether something that it grants lies under the pattern, or the pattern under it.</summary>
    public bool Touches(string pattern) => Array.Exists(_items, item => item.Touches(pattern));

    /// <summary>What an issuance item says of a credential's authority: the hash of the JCS of its envelope, its chain of command and the client certificate that it is bound to.</summary>
    /// <param name="envelope">The envelope.</param>
    /// <param name="actJcs">JCS of <c>act</c>, or null.</param>
    /// <param name="certificate"><c>cnf.x5t#S256</c>, or null.</param>
    public static Hash AuthorityHash(Envelope envelope, string? actJcs, Hash? certificate = null)
    {
        if (actJcs is null && certificate is null)
            return envelope._ownAuthority;
        var act = actJcs is null ? "" : $"\"act\":{actJcs},";
        var bound = certificate is { } hash ? $",\"{CredentialFormat.CertificateMember}\":\"{hash.ToBase64Url()}\"" : "";
        return Sha256.Hash(Encoding.UTF8.GetBytes($"{{{act}\"authorization_details\":{envelope.Canonical}{bound}}}"));
    }

    internal static bool TryRead(JsonElement element, [NotNullWhen(true)] out Envelope? envelope)
    {
        var text = JsonMarshal.GetRawUtf8Value(element);
        envelope = Recent.Find(text);
        if (envelope is not null)
            return true;
        if (!TryReadItems(element, out var items) || !Jcs.TryCanonicalize(element, out var canonical))
            return false;
        Recent.Add(text, envelope = new Envelope(items, canonical));
        return true;
    }

    private static bool TryReadItems(JsonElement element, out EnvelopeItem[] items)
    {
        items = [];
        if (element.ValueKind != JsonValueKind.Array || element.GetArrayLength() is 0 or > ItemsMax)
            return false;
        items = new EnvelopeItem[element.GetArrayLength()];
        var next = 0;
        foreach (var item in element.EnumerateArray())
        {
            if (!EnvelopeItem.TryRead(item, out items[next++]))
                return false;
        }
        return true;
    }

    private bool IsWithin(Envelope parent, Func<EnvelopeItem, EnvelopeItem, bool> covers, out long? expiryMax)
    {
        expiryMax = null;
        foreach (var item in _items)
        {
            if (!parent.Covers(item, covers, out var itemExpiryMax))
                return false;
            if (itemExpiryMax is not null && (expiryMax is null || itemExpiryMax < expiryMax))
                expiryMax = itemExpiryMax;
        }
        return true;
    }

    private bool Covers(EnvelopeItem child, Func<EnvelopeItem, EnvelopeItem, bool> covers, out long? expiryMax)
    {
        var covering = Array.FindAll(_items, item => covers(item, child));
        var isLimited = child.NotAfter is null && Array.TrueForAll(covering, item => item.NotAfter is not null);
        expiryMax = isLimited ? covering.Max(item => item.NotAfter) : null;
        return covering.Length > 0;
    }
}
