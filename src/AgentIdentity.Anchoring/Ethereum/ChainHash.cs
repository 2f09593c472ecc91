using AgentIdentity.Ledger;

namespace AgentIdentity.Anchoring.Ethereum;

/// <summary>The Keccak-256 of a transaction, a block or an event, written as the chain's tools write it.</summary>
public readonly record struct ChainHash(Hash Value)
{
    internal static ChainHash Of(ReadOnlySpan<byte> data) => new(Hash.Read(Keccak256.Hash(data)));

    /// <exception cref="FormatException">These are not 32 bytes in hexadecimal after 0x.</exception>
    public static ChainHash Parse(string text) => Hex.Bytes(text) is { Length: Hash.Size } bytes
        ? new ChainHash(Hash.Read(bytes))
        : throw new FormatException($"A hash is {Hash.Size} bytes in hexadecimal; found {text}.");

    public override string ToString() => Hex.Of(Value.ToArray());
}
