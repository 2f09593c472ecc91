using System.Text.Json;
using AgentIdentity.Credentials.Dids;

namespace AgentIdentity.Credentials.Tests.Dids;

public sealed class WebvhDidTests
{
    private static readonly JsonElement Expected = Vectors.Section("dids");

    [Fact]
    public void A_DID_names_the_place_of_its_log()
    {
        foreach (var one in Expected.GetProperty("locations").EnumerateArray())
        {
            Assert.True(WebvhDid.TryParse(one.Text("did"), out var did), one.Text("did"));
            Assert.Equal(one.Text("location"), did.Location.AbsoluteUri);
            Assert.Equal(one.Text("did"), $"did:webvh:{did.Scid}:{did.Place}");
        }
    }

    [Fact]
    public void What_is_no_DID_is_refused_traversal_and_addresses_and_look_alikes_included()
    {
        Assert.True(Expected.GetProperty("bad").GetArrayLength() > 40);
        foreach (var one in Expected.GetProperty("bad").EnumerateArray())
            Assert.False(WebvhDid.TryParse(one.GetString()!, out _), one.GetString());
    }

    [Fact]
    public void A_name_without_a_dot_is_accepted_for_this_machine_only()
    {
        var scid = WebvhDid.TryParse(Expected.GetProperty("locations")[0].Text("did"), out var did) ? did.Scid : "";
        Assert.True(WebvhDid.TryParse($"did:webvh:{scid}:localhost", out _));
        Assert.False(WebvhDid.TryParse($"did:webvh:{scid}:intranet", out _));
    }
}
