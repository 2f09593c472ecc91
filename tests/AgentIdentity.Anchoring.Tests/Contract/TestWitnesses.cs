using AgentIdentity.Anchoring.Ethereum;
using AgentIdentity.Anchoring.Tests.Node;
using AgentIdentity.Ledger;

namespace AgentIdentity.Anchoring.Tests.Contract;

/// <summary>Witnesses with keys of chance, in the ascending order that the contract wants.</summary>
internal sealed class TestWitnesses(int count) : IDisposable
{
    private readonly TestKey[] _keys = [.. Enumerable.Range(0, count).Select(_ => new TestKey()).OrderBy(key => key.Signer.Address.ToString(), StringComparer.OrdinalIgnoreCase)];

    public Address[] Addresses => [.. _keys.Select(key => key.Signer.Address)];

    public void Dispose() => Array.ForEach(_keys, key => key.Dispose());

    /// <summary>The words of these witnesses for a checkpoint, over the hash that the contract itself gives.</summary>
    public async Task<WitnessWord[]> SignAsync(AnchorContract contract, Hash log, TreeSize size, Hash root, params int[] signers)
    {
        var hash = await contract.CheckpointHashAsync(log, size, root, CancellationToken.None);
        return [.. signers.Select(signer => Word((byte)signer, _keys[signer], hash))];
    }

    private static WitnessWord Word(byte index, TestKey key, Hash hash)
    {
        var signature = key.Signer.SignHash(hash.ToArray());
        byte[] vs = [.. signature.S];
        vs[0] |= (byte)(signature.IsOdd ? 0x80 : 0);
        return new WitnessWord(index, Hash.Read(signature.R), Hash.Read(vs));
    }
}
