using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Keys;

/// <summary>
/// Imported P-256 public keys, shared by the process. To keep one takes about two kilobytes outside the managed heap: so the busiest are kept here,
/// and the keys themselves stay small.
/// </summary>
/// <remarks>
/// A key has one place, by its id; the last one that verified a signature holds it. Ids are hashed with a seed of the process, so nobody can choose
/// a key that drives out another. A handle that lost its place is not disposed, since another thread may be using it; the garbage collector frees it.
/// </remarks>
internal static class P256Handles
{
    // 8,192 handles take about 16 MB.
    private const int Places = 8192;

    private static readonly Handle?[] Kept = new Handle?[Places];

    public static bool Verifies(KeyId id, ReadOnlySpan<byte> point, in Hash hash, ReadOnlySpan<byte> signature)
    {
        ref var place = ref Kept[(uint)id.GetHashCode() % Places];
        var kept = Volatile.Read(ref place);
        if (kept is not null && kept.Id == id)
            return kept.Key.Verify(hash, signature);

        if (!P256PublicKey.TryImport(point, out var imported))
            return false;
        var verifies = imported.Verify(hash, signature);
        if (verifies)
            Volatile.Write(ref place, new Handle(id, imported));
        else
            imported.Dispose();
        return verifies;
    }

    private sealed record Handle(KeyId Id, P256PublicKey Key);
}
