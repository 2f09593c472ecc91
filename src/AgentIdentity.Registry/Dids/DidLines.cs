using System.Buffers.Binary;
using AgentIdentity.Credentials.Dids;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Verification;
using AgentIdentity.Registry.Keys;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Dids;

/// <summary>Writes lines of DID logs with the keys that the registry's key for them makes. docs/formats.md, "DID log".</summary>
internal static class DidLines
{
    private static ReadOnlySpan<byte> Domain => "air/did/v1\0"u8;

    /// <summary>The first line of a subject's log, of a document that has the placeholder for the SCID.</summary>
    /// <remarks>It commits to the next of the registry's keys, unless somebody else holds that.</remarks>
    public static string First(IRegistryKeys keys, KeyId didKey, SubjectId subject, string document, DateTimeOffset at, string? heldHash = null)
    {
        using var key = UpdateKey(keys, didKey, subject, 1);
        return WebvhLog.First(document, key, new WebvhChange([heldHash ?? NextHash(keys, didKey, subject, 2)]), portable: true, at);
    }

    /// <summary>The line after another one, signed with the key that that one commits to, whichever of the registry's keys made it. A last one commits to nothing.</summary>
    /// <exception cref="LedgerDamagedException">The line before commits to a key that none of the registry's makes.</exception>
    public static string Next(IRegistryKeys keys, KeyHistory didKeys, SubjectId subject, WebvhVersion before, string document, bool deactivates, DateTimeOffset at)
    {
        var number = before.Number + 1;
        var committed = didKeys.All.LastOrDefault(didKey => IsCommittedTo(keys, didKey, subject, before))
            ?? throw new LedgerDamagedException($"Version {before.Number} of the DID of {subject} commits to a key that is not the registry's.");
        using var key = UpdateKey(keys, committed.KeyId, subject, number);
        IReadOnlyList<string> next = deactivates ? [] : [NextHash(keys, didKeys.Current.KeyId, subject, number + 1)];
        return WebvhLog.Next(before, document, key, new WebvhChange(next, Deactivates: deactivates), at);
    }

    /// <summary>Whether the line after this version is to be signed with what this key makes.</summary>
    public static bool IsCommittedTo(IRegistryKeys keys, PublicKey didKey, SubjectId subject, WebvhVersion version) =>
        version.Parameters.NextKeyHashes.Contains(NextHash(keys, didKey.KeyId, subject, version.Number + 1));

    private static string NextHash(IRegistryKeys keys, KeyId didKey, SubjectId subject, int number)
    {
        using var next = UpdateKey(keys, didKey, subject, number);
        return Multikey.NextKeyHash(Multikey.Of(next.PublicKey));
    }

    private static PrivateKey UpdateKey(IRegistryKeys keys, KeyId didKey, SubjectId subject, int number)
    {
        Span<byte> name = stackalloc byte[Domain.Length + SubjectId.Size + sizeof(ulong)];
        Domain.CopyTo(name);
        subject.ToArray().CopyTo(name[Domain.Length..]);
        BinaryPrimitives.WriteUInt64BigEndian(name[^sizeof(ulong)..], (ulong)number);
        return keys.DidUpdate(didKey, name);
    }
}
