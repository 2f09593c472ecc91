using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Verification;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Trails;

/// <summary>Goes through the entries about an agent and finds rotations of its key that neither the old key nor an order stands behind.</summary>
public sealed class RotationChecks
{
    // Version 1, kind 28: what an entry about a rotation begins with, so that not every entry is decoded twice.
    private static readonly byte[] RotationHead = [0xA6, 0x00, 0x01, 0x01, 0x18, (byte)EntryKind.AgentKeyRotated];

    private readonly SubjectId _agent;
    private readonly KeyHistory? _keys;
    private readonly string? _publicUrl;
    private (LeafIndex Index, KeyReplacementOrdered Body)? _order;

    internal RotationChecks(SubjectId agent, KeyHistory? keys, Genesis? genesis) => (_agent, _keys, _publicUrl) = (agent, keys, genesis?.PublicUrl);

    /// <summary>The keys that an agent has had after another entry about it; null while the first is not known.</summary>
    public static KeyHistory? Then(KeyHistory? keys, LeafIndex index, EntryBody body) => body switch
    {
        AgentEnrolled enrolled when keys is null => KeyHistory.Empty.Then(enrolled.Key, index),
        AgentKeyRotated rotated => keys?.Then(rotated.Key, index),
        _ => keys,
    };

    // Needed before the entries have been checked; whether each is the agent's, and under the root, shows there.
    internal static KeyHistory? KeysOf(TrailFile file)
    {
        KeyHistory? keys = null;
        foreach (var opened in file.Entries.Select(entry => entry.Opened).OfType<OpenedEntry>())
        {
            if (keys is null || opened.Entry.Span.StartsWith(RotationHead))
                keys = Entry.TryDecode(opened.Entry, out var entry) ? Then(keys, opened.Index, entry.Body) : keys;
            if (keys is null)
                return null;
        }
        return keys;
    }

    internal void Take(EntryCheck check)
    {
        switch (check.Entry?.Body)
        {
            case KeyReplacementOrdered ordered:
                if (ordered.AgentId != _agent)
                    check.Add(TrailProperty.Statements, "it orders another agent's key to be replaced");
                _order = (check.Shown.Index!.Value, ordered);
                break;
            case AgentKeyRotated rotated:
                if (!IsGood(check, rotated))
                    check.Add(TrailProperty.Statements, "it gives the agent a key without a proof of it, and of the key before or of an order that stood");
                _order = null;
                break;
        }
    }

    private bool IsGood(EntryCheck check, AgentKeyRotated rotated)
    {
        var index = check.Shown.Index!.Value;
        if (index.Value == 0 || rotated.AgentId != _agent || _keys is null || _publicUrl is null)
            return false;
        if (rotated.Order is { } order && (_order?.Index != order || check.Entry!.At >= _order?.Body.ExpiresAt))
            return false;
        return RotationProof.AreKeptBy(rotated, _keys.InForceAt(new LeafIndex(index.Value - 1)), _order?.Body.TokenHash, _publicUrl);
    }
}
