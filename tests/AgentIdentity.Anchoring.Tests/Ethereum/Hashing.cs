using System.Text.Json.Nodes;
using AgentIdentity.Anchoring.Ethereum;
using AgentIdentity.Anchoring.Tests.Contract;
using AgentIdentity.Anchoring.Tests.Node;

namespace AgentIdentity.Anchoring.Tests.Ethereum;

[Collection(ContractTests.Name)]
public sealed class Hashing(AnvilNode node)
{
    // The two vectors that every description of it has.
    [Theory]
    [InlineData("", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470")]
    [InlineData("abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45")]
    public void Known_texts_have_their_known_hashes(string text, string hash) =>
        Assert.Equal(hash, Convert.ToHexStringLower(Keccak256.Hash(System.Text.Encoding.ASCII.GetBytes(text))));

    [SkippableFact]
    public async Task The_node_hashes_every_length_to_the_same()
    {
        _ = node.Chain;
        var data = new byte[300];
        new Random(7).NextBytes(data);
        for (var length = 0; length <= data.Length; length++)
        {
            var theirs = await node.ControlAsync("web3_sha3", JsonValue.Create(Hex.Of(data.AsSpan(0, length))));
            Assert.Equal((length, theirs.GetString()), (length, Hex.Of(Keccak256.Hash(data.AsSpan(0, length)))));
        }
    }
}
