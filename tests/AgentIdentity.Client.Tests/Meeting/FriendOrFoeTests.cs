using System.Text.Json.Nodes;
using AgentIdentity.Client.Meeting;
using AgentIdentity.Client.Tests.Fixtures;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Delegation;
using AgentIdentity.Credentials.Envelopes;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Issuing;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Meeting;
using AgentIdentity.Credentials.Status;

namespace AgentIdentity.Client.Tests.Meeting;

/// <summary>Two agents meet without their registry: what each learns of the other, and everything that must not pass for an answer.</summary>
public sealed class FriendOrFoeTests
{
    private const string Purpose = "hand over the draft";
    private static readonly RegistryName Registry = FakeRegistry.Name;
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private static readonly byte[] Channel = "a TLS exporter"u8.ToArray();

    private readonly ManualTime _clock = new();
    private readonly PrivateKey _issuer = PrivateKey.Generate(KeyAlgorithm.ES256);
    private readonly StatusBitmap _stops = new();
    private readonly Person _alice;
    private readonly Person _bob;

    public FriendOrFoeTests() => (_alice, _bob) = (new Person(this, 7), new Person(this, 8));

    [Fact]
    public void Each_learns_who_the_other_is_and_whose_command_it_is_under()
    {
        foreach (var (one, other) in new[] { (_alice, _bob), (_bob, _alice) })
        {
            var challenge = one.Ask(other);
            Assert.Equal(Refusal.None, other.Answer(challenge.Text, one, out var answer));
            Assert.Equal(Refusal.None, challenge.Verify(answer!, Minute, out var claims));
            Assert.Equal((other.Id, "Research desk"), (claims!.AgentId, claims.Sponsor));
            Assert.Equal([other.Chief], claims.Chain);
        }
    }

    [Fact]
    public void An_answer_serves_once_for_one_challenge_and_within_a_minute()
    {
        var (first, second) = (_alice.Ask(_bob), _alice.Ask(_bob));
        _bob.Answer(first.Text, _alice, out var answer);
        Assert.Equal(Refusal.NonceMismatch, second.Verify(answer!, Minute, out _));
        Assert.Equal(Refusal.None, first.Verify(answer!, Minute, out _));
        Assert.Equal(Refusal.ProofReplayed, first.Verify(answer!, Minute, out var nobody));
        Assert.Null(nobody);
        _clock.Advance(Minute + TimeSpan.FromSeconds(1));
        _bob.Answer(second.Text, _alice, out var late);
        Assert.Equal(Refusal.ProofStale, second.Verify(late!, Minute, out _));
    }

    [Fact]
    public void Who_is_asked_answers_only_whom_it_means_to_meet_for_what_and_where()
    {
        var text = _alice.Ask(_bob).Text;
        var carol = new Person(this, 9);
        Assert.Equal(Refusal.ChallengeReflected, _alice.Answer(text, _bob, out _));
        Assert.Equal(Refusal.PeerMismatch, _bob.Answer(text, carol, out _));
        Assert.Equal(Refusal.PeerMismatch, carol.Answer(text, _alice, out _));
        Assert.Equal(Refusal.ChannelMismatch, _bob.Answer(text, _alice, out _, channel: "another"u8.ToArray()));
        Assert.Equal(Refusal.PurposeMismatch, _bob.Answer(text, _alice, out var nothing, purpose: "read the mail"));
        Assert.Null(nothing);
        foreach (var malformed in new[] { "", "{}", "[]", text + " ", text.Replace("\"from\"", "\"From\"", StringComparison.Ordinal), text.Replace("{", "{\"a\":1,", StringComparison.Ordinal) })
            Assert.Equal(Refusal.ChallengeInvalid, _bob.Answer(malformed, _alice, out _));
    }

    [Fact]
    public void An_answer_for_another_peer_channel_or_purpose_is_refused_by_name()
    {
        var carol = new Person(this, 9);
        var challenge = _alice.Ask(_bob);
        Assert.True(MeetingChallenge.TryParse(challenge.Text, out var asked));
        Assert.Equal(Refusal.PeerMismatch, Verify(asked, carol));
        Assert.Equal(Refusal.PeerMismatch, Verify(asked with { From = carol.Did }, _bob));
        Assert.Equal(Refusal.PeerMismatch, Verify(asked with { From = asked.To, To = asked.From }, _bob));
        Assert.Equal(Refusal.ChannelMismatch, Verify(asked with { Channel = MeetingChallenge.ChannelOf("another"u8) }, _bob));
        Assert.Equal(Refusal.PurposeMismatch, Verify(asked with { Purpose = "read the mail" }, _bob));
        Assert.Equal(Refusal.NonceMismatch, Verify(asked with { Nonce = default }, _bob));
        Assert.Equal(Refusal.ProofKeyMismatch, challenge.Verify(MeetingAnswer.Create(asked, carol.Key, _bob.Credential, List()), Minute, out _));
        Assert.Equal(Refusal.None, Verify(asked, _bob));

        Refusal Verify(MeetingChallenge answered, Person by) => challenge.Verify(MeetingAnswer.Create(answered, by.Key, by.Credential, List()), Minute, out _);
    }

    [Fact]
    public void Who_is_stopped_or_brings_no_fresh_word_of_the_registry_is_refused()
    {
        Assert.Equal(Refusal.StatusListEnded, Meet(List(age: 60)));
        Assert.Equal(Refusal.StatusListEnded, Meet(List(age: 11), TimeSpan.FromSeconds(10)));
        Assert.Equal(Refusal.None, Meet(List(age: 10), TimeSpan.FromSeconds(10)));
        Assert.Equal(Refusal.StatusListInvalid, Meet(List(number: 1)));
        Assert.Equal(Refusal.StatusListInvalid, Meet(StatusListWriter.TokenList(0, _stops, Registry, _bob.Key, _clock.GetUtcNow())));
        Assert.Equal(Refusal.StatusListInvalid, Meet(StatusListWriter.Bitstring(0, _stops, Registry, _issuer, _clock.GetUtcNow())));
        Assert.Equal(Refusal.StatusListInvalid, Meet("nothing"));
        _stops.Stop(7);
        Assert.Equal(Refusal.None, Meet(List()));
        _stops.Stop(8);
        Assert.Equal(Refusal.PeerStopped, Meet(List()));

        Refusal Meet(string list, TimeSpan? freshness = null)
        {
            var challenge = _alice.Ask(_bob);
            Assert.Equal(Refusal.None, _bob.Answer(challenge.Text, _alice, out var answer, list: list));
            return challenge.Verify(answer!, freshness ?? Minute, out _);
        }
    }

    [Fact]
    public void An_expired_credential_and_one_of_a_stranger_prove_nothing()
    {
        var challenge = _alice.Ask(_bob);
        using var stranger = PrivateKey.Generate(KeyAlgorithm.ES256);
        _bob.Answer(challenge.Text, _alice, out var foreign, credential: _bob.Issue(stranger));
        Assert.Equal(Refusal.CredentialInvalid, challenge.Verify(foreign!, Minute, out _));
        _clock.Advance(TimeSpan.FromMinutes(10));
        var later = _alice.Ask(_bob);
        _bob.Answer(later.Text, _alice, out var expired);
        Assert.Equal(Refusal.CredentialExpired, later.Verify(expired!, Minute, out _));
    }

    [Fact]
    public void No_byte_of_an_answer_can_be_changed()
    {
        var challenge = _alice.Ask(_bob);
        _bob.Answer(challenge.Text, _alice, out var answer);
        for (var i = 0; i < answer!.Length; i++)
        {
            foreach (var mask in new[] { 1, 32 })
            {
                var changed = $"{answer[..i]}{(char)(answer[i] ^ mask)}{answer[(i + 1)..]}";
                Assert.NotEqual(Refusal.None, challenge.Verify(changed, Minute, out _));
            }
        }
        Assert.Equal(Refusal.None, challenge.Verify(answer, Minute, out _));
    }

    [Fact]
    public void No_byte_of_a_challenge_can_be_changed_on_its_way()
    {
        var challenge = _alice.Ask(_bob);
        for (var i = 0; i < challenge.Text.Length; i++)
        {
            var changed = $"{challenge.Text[..i]}{(char)(challenge.Text[i] ^ 1)}{challenge.Text[(i + 1)..]}";
            if (_bob.Answer(changed, _alice, out var answer) == Refusal.None)
                Assert.Equal(Refusal.NonceMismatch, challenge.Verify(answer!, Minute, out _));
        }
    }

    [Fact]
    public void A_part_that_is_missing_or_more_than_there_should_be_is_refused()
    {
        var challenge = _alice.Ask(_bob);
        _bob.Answer(challenge.Text, _alice, out var answer);
        foreach (var member in new[] { "credential", "proof", "status" })
        {
            var less = JsonNode.Parse(answer!)!.AsObject();
            less.Remove(member);
            Assert.Equal(Refusal.ProofInvalid, challenge.Verify(less.ToJsonString(), Minute, out _));
        }
        Assert.Equal(Refusal.ProofInvalid, challenge.Verify(answer!.Replace("{\"credential\"", "{\"more\":\"\",\"credential\"", StringComparison.Ordinal), Minute, out _));
        Assert.Equal(Refusal.ProofInvalid, challenge.Verify(new string(' ', MeetingAnswer.LengthMax) + answer, Minute, out _));
    }

    private string List(int age = 0, ulong number = 0) => StatusListWriter.TokenList(number, _stops, Registry, _issuer, _clock.GetUtcNow().AddSeconds(-age));

    /// <summary>An agent with its key and a credential that another has passed on to it.</summary>
    private sealed class Person
    {
        private readonly FriendOrFoeTests _world;
        private readonly FriendOrFoe _meeting;
        private readonly ulong _place;

        public Person(FriendOrFoeTests world, ulong place)
        {
            (_world, _place) = (world, place);
            (Id, Chief) = (SubjectId.New(world._clock.GetUtcNow()), SubjectId.New(world._clock.GetUtcNow()));
            _meeting = new FriendOrFoe(Registry, Id, id => id == world._issuer.PublicKey.KeyId ? world._issuer.PublicKey : null, world._clock);
            Credential = Issue(world._issuer);
        }

        public SubjectId Id { get; }

        public SubjectId Chief { get; }

        public string Did => Registry.AgentDid(Id);

        public PrivateKey Key { get; } = PrivateKey.Generate(KeyAlgorithm.ES256);

        public string Credential { get; }

        public OpenChallenge Ask(Person other) => _meeting.Challenge(other.Id, Purpose, Channel);

        public Refusal Answer(string challenge, Person other, out string? answer, string purpose = Purpose, byte[]? channel = null, string? credential = null, string? list = null) =>
            _meeting.Respond(challenge, other.Id, purpose, channel ?? Channel, Key, credential ?? Credential, list ?? _world.List(), out answer);

        public string Issue(PrivateKey issuer)
        {
            Assert.True(Envelope.TryParse("""[{"type":"drafts","actions":["read"],"locations":["drafts/*"]}]""", out var envelope));
            var now = _world._clock.GetUtcNow().ToUnixTimeSeconds();
            var claims = new CredentialClaims(
                SubjectId.New(_world._clock.GetUtcNow()), Id, Key.PublicKey.KeyId, "Research desk", "summariser/1", [], ["https://tools.example"], envelope, ChainOfCommand.Write([Chief], Registry, "Research desk"), now, now, now + 600, 4, 0, _place) { Chain = [Chief] };
            return CredentialWriter.Sign(claims, Registry, issuer);
        }
    }
}
