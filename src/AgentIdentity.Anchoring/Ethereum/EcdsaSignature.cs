namespace AgentIdentity.Anchoring.Ethereum;

/// <summary>A secp256k1 signature as transactions carry it: r and s of 32 bytes each, s of the lower half, and which of two points R was.</summary>
internal sealed record EcdsaSignature(byte[] R, byte[] S, bool IsOdd)
{
    public const int IntegerSize = 32;

    /// <summary>Makes the form that a chain accepts of what an ECDSA implementation gives, by the key that must have signed.</summary>
    /// <param name="rs">r ‖ s, with s of either half.</param>
    /// <returns>Null when these are not the signature of that key over that hash.</returns>
    public static EcdsaSignature? Of(ReadOnlySpan<byte> rs, ReadOnlySpan<byte> hash, Address signer)
    {
        if (rs.Length != 2 * IntegerSize)
            return null;
        var even = new EcdsaSignature(rs[..IntegerSize].ToArray(), Secp256k1.LowerHalf(rs[IntegerSize..]), IsOdd: false);
        if (even.Recover(hash) == signer)
            return even;
        var odd = even with { IsOdd = true };
        return odd.Recover(hash) == signer ? odd : null;
    }

    /// <summary>Who signed this hash; null when nobody can have. A signature whose s is of the upper half is nobody's.</summary>
    public Address? Recover(ReadOnlySpan<byte> hash) => Secp256k1.Recover(hash, this);
}
