using System.Buffers.Binary;
using AgentIdentity.Credentials.Dids;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Registry.Keys;

namespace AgentIdentity.Registry.Dids;

/// <summary>Writes lines of DID logs with the keys that the registry's key for them makes. docs/formats.md, "DID log".</summary>
internal static class DidLines
{
    private static ReadOnlySpan<byte> Domain => "air/did/v1\0"u8;

    /// <summary>The first line of a subject's log, of a document that has the placeholder for the SCID.</summary>
    public static string First(IRegistryKeys keys, KeyId didKey, SubjectId subject, string document, DateTimeOffset at)
    {
        using var key = UpdateKey(keys, didKey, subject, 1);
        return WebvhLog.First(document, key, new WebvhChange([NextHash(keys, didKey, subject, 2)]), portable: true, at);
    }

    /// <summary>The line after another one. A last one commits to nothing.</summary>
    public static string Next(IRegistryKeys keys, KeyId didKey, SubjectId subject, WebvhVersion before, string document, bool deactivates, DateTimeOffset at)
    {
        var number = before.Number + 1;
        using var key = UpdateKey(keys, didKey, subject, number);
        IReadOnlyList<string> next = deactivates ? [] : [NextHash(keys, didKey, subject, number + 1)];
        return WebvhLog.Next(before, document, key, new WebvhChange(next, Deactivates: deactivates), at);
    }

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
