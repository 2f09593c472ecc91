using AgentIdentity.Credentials.Meeting;

namespace AgentIdentity.Credentials.Tests.Meeting;

public sealed class MeetingVectorTests
{
    private static readonly System.Text.Json.JsonElement Section = Vectors.Section("meeting");

    [Fact]
    public void The_challenge_of_the_vectors_is_read_and_written_the_same()
    {
        Assert.True(MeetingChallenge.TryParse(Section.Text("challenge"), out var challenge));
        Assert.Equal(Section.Text("challenge"), challenge.ToString());
        Assert.Equal(MeetingChallenge.ChannelOf(Section.Hex("channel")), challenge.Channel);
    }

    [Fact]
    public void The_answer_of_the_vectors_is_made_the_same_again_and_proves_who_answers()
    {
        Assert.True(MeetingChallenge.TryParse(Section.Text("challenge"), out var challenge));
        var (credential, list) = (Vectors.Section("credentials")[0].Text("token"), Vectors.Section("status_lists")[0].GetProperty("token_list").Text("token"));
        Assert.Equal(Section.Text("answer"), MeetingAnswer.Create(challenge, Vectors.Key("agent"), credential, list));
        Assert.Equal(Refusal.None, MeetingAnswer.Verify(
            Section.Text("answer"), challenge, Vectors.Registry, id => id == Vectors.Key("issuer").PublicKey.KeyId ? Vectors.Key("issuer").PublicKey : null, TimeSpan.FromMinutes(1), Vectors.Now, out var claims));
        Assert.Equal(Vectors.AgentId, claims!.AgentId);
    }
}
