using System.Diagnostics.CodeAnalysis;
using AgentIdentity.Credentials.Anchors;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Trails;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Certificates;

/// <summary>What a certificate begins with. Nothing of it is to be believed before it was checked.</summary>
/// <param name="LogKey">A vkey line, as trustworthy as whoever sent the file.</param>
/// <param name="Incident">Which incident; empty when it is about one stop that carries none.</param>
/// <param name="Checkpoint">A signed note.</param>
public sealed record CertificateHeader(string LogKey, string Incident, string Checkpoint);

/// <summary>An entry, opened, and the items of it that are shown: credentials, or acknowledgements.</summary>
public sealed record CertificateEntry(OpenedEntry Opened, IReadOnlyList<OwnItem> Items)
{
    /// <summary>Where it stands.</summary>
    public LeafIndex Index => Opened.Index;
}

/// <summary>An item, by its entry and its place there.</summary>
public readonly record struct ItemPlace(LeafIndex Entry, uint Position);

/// <summary>An acknowledgement, and the path from a denial to the digest that it signs.</summary>
/// <param name="Acknowledgement">Which.</param>
/// <param name="Place">The place of the denial among those in the digest.</param>
/// <param name="Count">How many those are.</param>
/// <param name="Path">n × 32 bytes, leaf side first.</param>
public sealed record SignedDenial(ItemPlace Acknowledgement, ulong Place, ulong Count, ReadOnlyMemory<byte> Path);

/// <summary>What the registry says of an enforcer whose signature is not shown. Times are ms since 1970.</summary>
/// <param name="Enforcer">Who.</param>
/// <param name="Progress">Where it stands.</param>
/// <param name="At">Since when; 0 when that says nothing.</param>
/// <param name="LeaseUntil">When its lease ends or ended.</param>
public sealed record EnforcerWord(SubjectId Enforcer, EnforcerProgress Progress, long At, long LeaseUntil);

/// <summary>A stop or a cut, and what is shown of how far it has come.</summary>
/// <param name="Index">Its entry.</param>
/// <param name="Denial">As enforcers hold it.</param>
/// <param name="Exposed">For each audience of credentials in scope, the one that expires last.</param>
/// <param name="Signed">Who has signed that it refuses.</param>
/// <param name="Word">The registry's word on the others.</param>
public sealed record CertifiedStop(
    LeafIndex Index, ReadOnlyMemory<byte> Denial, IReadOnlyList<ItemPlace> Exposed, IReadOnlyList<SignedDenial> Signed, IReadOnlyList<EnforcerWord> Word);

/// <summary>That a tree which acknowledgements name goes on in that of the checkpoint. <paramref name="Path"/> is n × 32 bytes.</summary>
public sealed record CertifiedTree(TreeSize Size, ReadOnlyMemory<byte> Path);

/// <summary>A containment certificate taken apart, and not checked yet. Format: docs/formats.md, "Containment certificate".</summary>
/// <param name="Header">What it begins with.</param>
/// <param name="Entries">All entries that are shown, genesis first.</param>
/// <param name="Stops">The stops.</param>
/// <param name="Trees">Trees that acknowledgements name.</param>
/// <param name="Anchor">Where a chain holds a tree that this one goes on from; null when that is not shown.</param>
/// <param name="Seal">A signed note.</param>
/// <param name="Sealed">What the seal is over.</param>
/// <param name="ItemCount">Items before the last.</param>
public sealed record CertificateFile(
    CertificateHeader Header, IReadOnlyList<CertificateEntry> Entries, IReadOnlyList<CertifiedStop> Stops, IReadOnlyList<CertifiedTree> Trees, ShownAnchor? Anchor, string Seal, ReadOnlyMemory<byte> Sealed, ulong ItemCount)
{
    /// <summary>The only version there is.</summary>
    public const int Version = 1;

    /// <summary>Whether a file begins as a certificate does, and not as a trail file.</summary>
    public static bool Begins(ReadOnlySpan<byte> bytes) => bytes.StartsWith((ReadOnlySpan<byte>)[0x85, (byte)TrailItemKind.CertificateHeader]);

    /// <summary>Takes a certificate apart; false, with the reason, for anything that is not exactly of the form. What is given out lies in <paramref name="bytes"/>.</summary>
    public static bool TryRead(ReadOnlyMemory<byte> bytes, [NotNullWhen(true)] out CertificateFile? file, out string problem)
    {
        var items = new TrailItemReader(bytes);
        try
        {
            (file, problem) = (new CertificateFileReader(items, bytes).Read(), "");
            return true;
        }
        catch (Exception refused) when (TrailItemReader.IsRefusal(refused))
        {
            (file, problem) = (null, items.Problem(refused));
            return false;
        }
    }
}
