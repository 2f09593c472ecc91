using System.Buffers.Binary;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Tests.Fixtures;

/// <summary>States as a start makes them from a snapshot, without a ledger that they came from.</summary>
internal static class StateCopies
{
    public static RegistryState Of(IReadOnlyList<AgentRecord> agents, IReadOnlyList<DelegationEdge> edges, ulong position) =>
        RegistryState.From(new StateCopy(position, 0, 0, StatusPlacesCopy.None, null, [], [], [], agents, [], [], [], null, [], [], new LineageCopy(edges, [], []), [], null, []));

    /// <summary>A key by its number: bytes that were never a key pair's.</summary>
    public static PublicKey Key(int number)
    {
        var seed = new byte[32];
        BinaryPrimitives.WriteInt32BigEndian(seed, number + 1);
        return PublicKey.TryRead(KeyAlgorithm.Ed25519, Ed25519PrivateKey.FromSeed(seed).PublicKey.Bytes.ToArray(), out var key) ? key : throw new InvalidOperationException();
    }
}
