using System.Net;
using System.Text;
using AgentIdentity.Client.Meeting;
using AgentIdentity.Client.Tests.Fixtures;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Documents;
using AgentIdentity.Credentials.Envelopes;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Issuing;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Status;

namespace AgentIdentity.Client.Tests.Meeting;

/// <summary>What the client fetches so that two agents can meet: how seldom, from where, and what it makes of a registry that is away or is none.</summary>
public sealed class AgentMeetingsTests : IDisposable
{
    private const string Purpose = "hand over the draft";
    private const string Document = "/.well-known/did.json";
    private static readonly RegistryName Registry = FakeRegistry.Name;
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private static readonly byte[] Channel = "a TLS exporter"u8.ToArray();

    private readonly ManualTime _clock = new();
    private readonly Shelf _shelf = new();
    private readonly SubjectId _alice = SubjectId.New(DateTimeOffset.UnixEpoch);
    private readonly SubjectId _bob = SubjectId.New(DateTimeOffset.UnixEpoch);
    private readonly PrivateKey _key = PrivateKey.Generate(KeyAlgorithm.Ed25519);
    private readonly AgentMeetings _ofAlice;
    private readonly AgentMeetings _ofBob;
    private PrivateKey _issuer = PrivateKey.Generate(KeyAlgorithm.ES256);
    private string _credential;

    public AgentMeetingsTests()
    {
        _credential = Issue(_issuer);
        (_ofAlice, _ofBob) = (MeetingsOf(_alice), MeetingsOf(_bob));
        Publish();
    }

    public void Dispose()
    {
        _ofAlice.Dispose();
        _ofBob.Dispose();
        _key.Dispose();
        _issuer.Dispose();
        _shelf.Dispose();
    }

    [Fact]
    public async Task Keys_and_list_are_fetched_when_they_are_needed_and_kept_while_they_serve()
    {
        for (var round = 0; round < 3; round++)
            Assert.Equal(Refusal.None, await MeetAsync());
        Assert.Equal([Document, "/status/0", Document], _shelf.Asked);
        _clock.Advance(TimeSpan.FromSeconds(11));
        Publish();
        Assert.Equal(Refusal.None, await MeetAsync());
        Assert.Equal("/status/0", _shelf.Asked[^1]);
        Assert.Equal(4, _shelf.Asked.Count);
    }

    [Fact]
    public async Task A_registry_that_is_away_is_missed_when_its_last_word_is_too_old()
    {
        Assert.Equal(Refusal.None, await MeetAsync());
        var early = _ofAlice.Challenge(_bob, Purpose, Channel);
        _shelf.Things.Clear();
        _clock.Advance(TimeSpan.FromSeconds(59));
        var reply = await RespondAsync(early.Text);
        Assert.Equal(Refusal.None, (await early.VerifyAsync(reply.Answer!, Minute)).Refusal);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(Refusal.RegistryUnheard, (await RespondAsync(_ofAlice.Challenge(_bob, Purpose, Channel).Text)).Refusal);
        // Who asks has the keys for longer, and what it is answered ends by itself.
        Assert.Equal(Refusal.StatusListEnded, (await early.VerifyAsync(reply.Answer!, Minute)).Refusal);
        _clock.Advance(TimeSpan.FromMinutes(14));
        Assert.Equal(Refusal.RegistryUnheard, (await _ofAlice.Challenge(_bob, Purpose, Channel).VerifyAsync(reply.Answer!, Minute)).Refusal);
    }

    [Fact]
    public async Task While_nobody_answers_those_who_ask_do_not_each_knock()
    {
        _shelf.Things.Clear();
        for (var round = 0; round < 5; round++)
            Assert.Equal(Refusal.RegistryUnheard, (await RespondAsync(_ofAlice.Challenge(_bob, Purpose, Channel).Text)).Refusal);
        Assert.Single(_shelf.Asked);
        Publish();
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(Refusal.None, await MeetAsync());
    }

    [Fact]
    public async Task A_new_key_of_the_registry_is_looked_for_and_forged_answers_do_not_make_it_look_more_often()
    {
        Assert.Equal(Refusal.None, await MeetAsync());
        _clock.Advance(TimeSpan.FromSeconds(11));
        _issuer = PrivateKey.Generate(KeyAlgorithm.ES256);
        _credential = Issue(_issuer);
        Publish();
        Assert.Equal(Refusal.None, await MeetAsync());
        var asked = _shelf.Asked.Count;
        using var stranger = PrivateKey.Generate(KeyAlgorithm.ES256);
        for (var round = 0; round < 5; round++)
        {
            var challenge = _ofAlice.Challenge(_bob, Purpose, Channel);
            var forged = (await RespondAsync(challenge.Text)).Answer!.Replace(_credential, Issue(stranger), StringComparison.Ordinal);
            Assert.Equal(Refusal.CredentialInvalid, (await challenge.VerifyAsync(forged, Minute)).Refusal);
        }
        Assert.Equal(asked, _shelf.Asked.Count);
    }

    [Fact]
    public async Task A_stranger_who_asks_makes_nobody_fetch_anything()
    {
        var text = _ofAlice.Challenge(_bob, Purpose, Channel).Text;
        Assert.Equal(Refusal.PeerMismatch, (await _ofBob.RespondAsync(text, SubjectId.New(_clock.GetUtcNow()), Purpose, Channel)).Refusal);
        Assert.Equal(Refusal.PurposeMismatch, (await _ofBob.RespondAsync(text, _alice, "read the mail", Channel)).Refusal);
        Assert.Equal(Refusal.ChallengeReflected, (await _ofAlice.RespondAsync(text, _bob, Purpose, Channel)).Refusal);
        Assert.Equal(Refusal.ChallengeInvalid, (await _ofBob.RespondAsync(text + " ", _alice, Purpose, Channel)).Refusal);
        Assert.Empty(_shelf.Asked);
    }

    [Fact]
    public async Task What_is_no_registrys_word_is_refused_by_name()
    {
        var (document, list) = (_shelf.Things[Document], _shelf.Things["/status/0"]);
        Assert.True(RegistryName.TryParse("https://other.example", out var other, out _));
        foreach (var wrong in new[] { "", "{}", "[]", "<html>", new string(' ', 300_000) + document, Encoding.UTF8.GetString(DidDocuments.Registry(other, [_issuer.PublicKey], [])), document.Replace("assertionMethod", "authentication", StringComparison.Ordinal) })
            Assert.Equal(Refusal.RegistryUnheard, await WithAsync(Document, wrong));
        using var stranger = PrivateKey.Generate(KeyAlgorithm.ES256);
        Assert.Equal(Refusal.CredentialInvalid, await WithAsync(Document, Encoding.UTF8.GetString(DidDocuments.Registry(Registry, [stranger.PublicKey], []))));
        Assert.Equal(Refusal.RegistryUnheard, await WithAsync("/status/0", new string('a', 300_000)));
        foreach (var wrong in new[] { "", "nothing", list + "A", _credential, StatusListWriter.TokenList(1, new StatusBitmap(), Registry, _issuer, _clock.GetUtcNow()), StatusListWriter.TokenList(0, new StatusBitmap(), Registry, stranger, _clock.GetUtcNow()) })
            Assert.Equal(Refusal.StatusListInvalid, await WithAsync("/status/0", wrong));
        Assert.Equal(Refusal.StatusListEnded, await WithAsync("/status/0", StatusListWriter.TokenList(0, new StatusBitmap(), Registry, _issuer, _clock.GetUtcNow() - Minute)));

        async Task<Refusal> WithAsync(string path, string content)
        {
            (_shelf.Things[Document], _shelf.Things["/status/0"]) = (document, list);
            _shelf.Things[path] = content;
            using var fresh = MeetingsOf(_bob);
            return (await fresh.RespondAsync(_ofAlice.Challenge(_bob, Purpose, Channel).Text, _alice, Purpose, Channel)).Refusal;
        }
    }

    [Fact]
    public async Task A_registry_that_never_finishes_is_not_waited_for_and_a_caller_who_gives_up_is_not_answered()
    {
        _shelf.Failure = new TaskCanceledException("the time is over");
        Assert.Equal(Refusal.RegistryUnheard, (await RespondAsync(_ofAlice.Challenge(_bob, Purpose, Channel).Text)).Refusal);
        _clock.Advance(Minute);
        using var given = new CancellationTokenSource();
        await given.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await _ofBob.RespondAsync(_ofAlice.Challenge(_bob, Purpose, Channel).Text, _alice, Purpose, Channel, given.Token));
    }

    [Theory]
    [InlineData("http://registry.example")]
    [InlineData("ftp://localhost")]
    [InlineData("localhost:5000")]
    [InlineData("https://registry.example/under/a/path")]
    [InlineData("https://registry.example/?with=a-query")]
    public void Keys_do_not_travel_in_the_open_and_come_from_no_other_path(string url) => Assert.Throws<ArgumentException>(() => new AgentMeetings(Options() with { HttpUrl = url }, _alice, _key, _ => default));

    private async Task<Refusal> MeetAsync()
    {
        var challenge = _ofAlice.Challenge(_bob, Purpose, Channel);
        var reply = await RespondAsync(challenge.Text);
        Assert.Equal(Refusal.None, reply.Refusal);
        var met = await challenge.VerifyAsync(reply.Answer!, Minute);
        Assert.Equal(met.Refusal == Refusal.None ? _bob : (SubjectId?)null, met.Peer?.AgentId);
        return met.Refusal;
    }

    private ValueTask<MeetingReply> RespondAsync(string challenge) => _ofBob.RespondAsync(challenge, _alice, Purpose, Channel);

    private void Publish() => (_shelf.Things[Document], _shelf.Things["/status/0"]) =
        (Encoding.UTF8.GetString(DidDocuments.Registry(Registry, [_issuer.PublicKey], [])), StatusListWriter.TokenList(0, new StatusBitmap(), Registry, _issuer, _clock.GetUtcNow()));

    private AgentMeetings MeetingsOf(SubjectId agent) => new(Options(), agent, _ => new ValueTask<HeldIdentity>(new HeldIdentity(_key, _credential)), _shelf);

    private ConnectionOptions Options() => new() { GrpcUrl = "http://127.0.0.1:1", PublicUrl = FakeRegistry.PublicUrl, Clock = _clock };

    private string Issue(PrivateKey issuer)
    {
        Assert.True(Envelope.TryParse("""[{"type":"drafts","actions":["read"],"locations":["drafts/*"]}]""", out var envelope));
        var now = _clock.GetUtcNow().ToUnixTimeSeconds();
        var claims = new CredentialClaims(SubjectId.New(_clock.GetUtcNow()), _bob, _key.PublicKey.KeyId, "Research desk", "summariser/1", [], ["https://tools.example"], envelope, null, now, now, now + 3600, 4, 0, 7);
        return CredentialWriter.Sign(claims, Registry, issuer);
    }

    /// <summary>What lies where, for whoever asks.</summary>
    private sealed class Shelf : HttpMessageHandler
    {
        public Dictionary<string, string> Things { get; } = [];

        public List<string> Asked { get; } = [];

        public Exception? Failure { get; set; }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var path = request.RequestUri!.AbsolutePath;
            Asked.Add(path);
            if (Failure is not null)
                return Task.FromException<HttpResponseMessage>(Failure);
            return Task.FromResult(Things.TryGetValue(path, out var thing) ? new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent(thing) } : new HttpResponseMessage(HttpStatusCode.NotFound));
        }
    }
}
