using System.Text.Json;
using AgentIdentity.Credentials.Delegation;
using AgentIdentity.Credentials.Verification;

namespace AgentIdentity.Credentials.Tests.Delegation;

public sealed class ChainOfCommandTests
{
    [Fact]
    public void Ten_links_are_read_and_eleven_and_every_other_form_are_not()
    {
        var read = 0;
        foreach (var example in Vectors.Section("chains").EnumerateArray())
        {
            using var act = JsonDocument.Parse(example.Text("act"));
            var isRead = ChainOfCommand.TryRead(act.RootElement, Vectors.Registry, out var chain, out var sponsor);
            Assert.True(isRead == (example.GetProperty("chain").ValueKind == JsonValueKind.Array), example.GetRawText());
            if (!isRead)
                continue;
            Assert.Equal(Dids(example), chain.Select(Vectors.Registry.AgentDid));
            Assert.Equal(example.Text("act"), ChainOfCommand.Write(chain, Vectors.Registry, sponsor));
            Assert.Equal(example.GetProperty("sponsor").GetString(), sponsor);
            read = Math.Max(read, chain.Count);
        }
        Assert.Equal(ChainOfCommand.DepthMax, read);
        Assert.Null(ChainOfCommand.Write([], Vectors.Registry, "Operations"));
    }

    [Fact]
    public void A_credential_with_ten_links_is_read_and_one_with_eleven_or_a_malformed_chain_is_not()
    {
        var key = Vectors.Key("issuer").PublicKey;
        foreach (var example in Vectors.Section("chains").EnumerateArray().Where(example => example.GetProperty("token").ValueKind == JsonValueKind.String))
        {
            var refusal = PresentedCredential.Read(example.Text("token"), Vectors.Registry, id => id == key.KeyId ? key : null, out var presented);
            var isChain = example.GetProperty("chain").ValueKind == JsonValueKind.Array;
            Assert.True(refusal == (isChain ? Refusal.None : Refusal.CredentialInvalid), example.Text("act"));
            if (!isChain)
                continue;
            Assert.Equal(Dids(example), presented!.Claims.Chain.Select(Vectors.Registry.AgentDid));
            Assert.Equal(example.Text("act"), presented.Claims.Act);
            Assert.Equal(example.GetProperty("sponsor").GetString(), presented.Claims.TopSponsor);
        }
    }

    private static string[] Dids(JsonElement example) => [.. example.GetProperty("chain").EnumerateArray().Select(did => did.GetString()!)];
}
