using System.Buffers.Binary;

namespace AgentIdentity.Credentials.Keys;

/// <summary>Public keys that were checked of late. Whoever proves a key sends it along each time: the curve's equation and the thumbprint need not be computed again for the same bytes.</summary>
/// <remarks>A table of fixed size in which a newcomer takes the place that it falls on. It holds public keys only and answers by all their bytes, so a crowded place costs time and nothing else.</remarks>
internal static class RecentKeys
{
    private const int Places = 8192;

    private static readonly PublicKey?[] Keys = new PublicKey?[Places];

    public static PublicKey? Find(KeyAlgorithm algorithm, ReadOnlySpan<byte> bytes) =>
        bytes.Length >= sizeof(uint) && Volatile.Read(ref Keys[PlaceOf(bytes)]) is { } key && key.Algorithm == algorithm && key.Bytes.SequenceEqual(bytes) ? key : null;

    public static void Add(PublicKey key) => Volatile.Write(ref Keys[PlaceOf(key.Bytes)], key);

    // Coordinates are as good as random.
    private static int PlaceOf(ReadOnlySpan<byte> bytes) => (int)(BinaryPrimitives.ReadUInt32LittleEndian(bytes) % Places);
}
