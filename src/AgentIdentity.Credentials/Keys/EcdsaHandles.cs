using System.Security.Cryptography;
using AgentIdentity.Credentials.Identifiers;

namespace AgentIdentity.Credentials.Keys;

/// <summary>
/// Imported P-256 public keys, shared by the process. To import one costs three times a verification, and to keep one takes about two kilobytes
/// outside the managed heap: so the busiest are kept here, and the keys themselves stay small.
/// </summary>
/// <remarks>
/// A key has one place, by its id; the last one that verified a signature holds it. Ids are hashed with a seed of the process, so nobody can choose
/// a key that drives out another. A handle that lost its place is not disposed, since another thread may be using it; the garbage collector frees it.
/// Verifying with one handle from several threads is safe: it reads the key and changes nothing.
/// </remarks>
internal static class EcdsaHandles
{
    // 8,192 handles take about 16 MB.
    private const int Places = 8192;

    private static readonly Handle?[] Kept = new Handle?[Places];

    public static bool Verifies(KeyId id, ReadOnlySpan<byte> point, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        ref var place = ref Kept[(uint)id.GetHashCode() % Places];
        var kept = Volatile.Read(ref place);
        if (kept is not null && kept.Id == id)
            return Verifies(kept.Key, data, signature);

        var imported = Import(point);
        var verifies = Verifies(imported, data, signature);
        if (verifies)
            Volatile.Write(ref place, new Handle(id, imported));
        else
            imported.Dispose();
        return verifies;
    }

    private static bool Verifies(ECDsa key, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature) =>
        key.VerifyData(data, signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);

    private static ECDsa Import(ReadOnlySpan<byte> point) => ECDsa.Create(new ECParameters
    {
        Curve = ECCurve.NamedCurves.nistP256,
        Q = new ECPoint { X = point[..P256.CoordinateSize].ToArray(), Y = point[P256.CoordinateSize..].ToArray() },
    });

    private sealed record Handle(KeyId Id, ECDsa Key);
}
