using System.Diagnostics.CodeAnalysis;
using AgentIdentity.Credentials.Anchors;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Trails;

/// <summary>What a trail file begins with. Nothing of it is to be believed before it was checked.</summary>
/// <param name="LogKey">A vkey line, as trustworthy as whoever sent the file.</param>
/// <param name="AgentId">Whom the file is about.</param>
/// <param name="Label">The agent's label.</param>
/// <param name="Checkpoint">A signed note.</param>
public sealed record TrailHeader(string LogKey, SubjectId AgentId, Hash Label, string Checkpoint);

/// <summary>An entry with what opens its leaf and leads to the root. <paramref name="Path"/> is n × 32 bytes, leaf side first.</summary>
public sealed record OpenedEntry(LeafIndex Index, ReadOnlyMemory<byte> Leaf, ReadOnlyMemory<byte> Path, ReadOnlyMemory<byte> Entry, Hash Salt);

/// <summary>An issuance item of the agent, its place, and its path to the root in the entry.</summary>
public sealed record OwnItem(uint Position, ReadOnlyMemory<byte> Item, ReadOnlyMemory<byte> Path);

/// <summary>What stays of an activity that was erased, and the path from its leaf to the root.</summary>
public sealed record ErasedEntry(LeafIndex Index, ReadOnlyMemory<byte> Path, ReadOnlyMemory<byte> Stub);

/// <summary>An entry about the agent: opened, or erased, or else an activity that stays closed.</summary>
public sealed record AgentEntry(ulong Sequence, ReadOnlyMemory<byte> Leaf, OpenedEntry? Opened, IReadOnlyList<OwnItem> Items)
{
    /// <summary>What stays of an activity that was erased.</summary>
    public ErasedEntry? Erased { get; init; }

    /// <summary>Where it stands; null when it stays closed.</summary>
    public LeafIndex? Index => Opened?.Index ?? Erased?.Index;

    /// <summary>Whether nothing but its leaf is shown.</summary>
    public bool IsClosed => Index is null;
}

/// <summary>A trail file taken apart, and not checked yet. Format: docs/formats.md, "Trail file".</summary>
/// <param name="Header">What it begins with.</param>
/// <param name="RegistryEntries">Genesis and rotations.</param>
/// <param name="Entries">All entries about the agent, in their order.</param>
/// <param name="Heads">The heads entry.</param>
/// <param name="MapProof">What the heads map holds under the label.</param>
/// <param name="Anchor">Where a chain holds a tree that this one goes on from; null when that is not shown.</param>
/// <param name="ItemCount">Items before the last.</param>
public sealed record TrailFile(
    TrailHeader Header, IReadOnlyList<OpenedEntry> RegistryEntries, IReadOnlyList<AgentEntry> Entries, OpenedEntry Heads, ReadOnlyMemory<byte> MapProof, ShownAnchor? Anchor, ulong ItemCount)
{
    /// <summary>The only version there is.</summary>
    public const int Version = 1;

    /// <summary>Takes a file apart; false, with the reason, for anything that is not exactly of the form. What is given out lies in <paramref name="bytes"/>.</summary>
    public static bool TryRead(ReadOnlyMemory<byte> bytes, [NotNullWhen(true)] out TrailFile? file, out string problem)
    {
        var items = new TrailItemReader(bytes);
        try
        {
            (file, problem) = (new TrailFileReader(items).Read(), "");
            return true;
        }
        catch (Exception refused) when (TrailItemReader.IsRefusal(refused))
        {
            (file, problem) = (null, items.Problem(refused));
            return false;
        }
    }
}
