using System.Text;
using AgentIdentity.Client.Tests.Fixtures;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Statements;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using Grpc.Core;
using PrivateKey = AgentIdentity.Credentials.Keys.PrivateKey;

namespace AgentIdentity.Client.Tests;

public sealed class ActivityRecorderTests : IAsyncLifetime
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory();
    private readonly PrivateKey _key = PrivateKey.Generate(KeyAlgorithm.ES256);
    private FakeRegistry _registry = null!;
    private RegistryConnection _connection = null!;

    private string StateFile => Path.Combine(_folder.FullName, "chain.json");

    private string SaltsFile => Path.Combine(_folder.FullName, "salts.jsonl");

    public async Task InitializeAsync()
    {
        _registry = await FakeRegistry.StartAsync(new ManualTime());
        _registry.AgentKey = _key.PublicKey;
        _connection = _registry.Connect(_key);
    }

    public async Task DisposeAsync()
    {
        _connection.Dispose();
        await _registry.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Statements_make_a_chain_that_goes_on_after_the_agent_was_started_again()
    {
        using (var recorder = Open())
        {
            Assert.Equal(0ul, (await recorder.RecordAsync(Payloads("one"))).Sequence);
            Assert.Equal(1ul, (await recorder.RecordAsync(Payloads("two", "three"), StatementKind.Intent)).Sequence);
        }
        using (var recorder = Open())
            Assert.Equal(2ul, (await recorder.RecordAsync([], StatementKind.Close)).Sequence);

        Assert.Equal([StatementKind.Activity, StatementKind.Intent, StatementKind.Close], _registry.Statements.Select(statement => statement.Kind));
        Assert.Equal(_registry.Statements[1].Identity, _registry.Statements[2].Previous);
        // At the very start only; the first attempt fetched the nonce.
        Assert.Equal(2, _registry.Calls.Count(call => call == "GetAgentHead"));
    }

    [Fact]
    public async Task A_registry_that_shows_the_leaf_of_something_else_is_not_believed()
    {
        using var recorder = Open();
        Assert.True((await recorder.RecordAsync(Payloads("one"))).IsOpened);
        _registry.ShowsAnotherLeaf = true;
        await Assert.ThrowsAsync<InvalidDataException>(() => recorder.RecordAsync(Payloads("two")));
        _registry.ShowsAnotherLeaf = false;
        Assert.Equal(1ul, (await recorder.ResumeAsync())!.Sequence);
    }

    [Fact]
    public async Task Each_commitment_is_opened_by_a_line_of_the_salts_file()
    {
        await File.WriteAllTextAsync(SaltsFile, "{\"commitment\":\"torn by a cra");
        using var recorder = Open();
        await recorder.RecordAsync(Payloads("one", "one", "two"));

        var openings = File.ReadLines(SaltsFile).Select(ActivityOpening.FromLine).OfType<ActivityOpening>().ToList();
        var commitments = _registry.Statements.Single().Commitments.ToArray();
        Assert.Equal(3, commitments.Distinct().Count());
        Assert.Equal(commitments.Select(commitment => commitment.ToBase64Url()), openings.Select(opening => opening.Commitment));
        var salt = new byte[Hash.Size];
        Assert.True(CanonicalBase64Url.TryDecodeExactly(openings[2].Salt, salt));
        Assert.Equal(commitments[2], SignedStatement.Commitment(salt, "two"u8));
        Assert.Equal(Sha256.Hash("two"u8).ToBase64Url(), openings[2].PayloadHash);
    }

    [Fact]
    public async Task A_statement_whose_answer_was_lost_is_sent_again_as_it_was_even_by_another_process()
    {
        _registry.LosesNextAnswer = true;
        using (var recorder = Open())
            await Assert.ThrowsAsync<RpcException>(() => recorder.RecordAsync(Payloads("one")));
        using (var recorder = Open())
        {
            var resumed = await recorder.ResumeAsync();
            Assert.Equal(_registry.Statements.Single().Identity, resumed!.Statement);
            Assert.Null(await recorder.ResumeAsync());
            Assert.Equal(1ul, (await recorder.RecordAsync(Payloads("two"))).Sequence);
        }
    }

    [Fact]
    public async Task A_statement_that_never_arrived_is_sent_before_the_next_one()
    {
        using var recorder = Open();
        await recorder.RecordAsync(Payloads("zero"));
        await _registry.StopAsync();
        await Assert.ThrowsAsync<RpcException>(() => recorder.RecordAsync(Payloads("one")));
        await _registry.StartAsync();
        Assert.Equal(2ul, (await recorder.RecordAsync(Payloads("two"))).Sequence);
        Assert.Equal(3, _registry.Statements.Count);
    }

    [Fact]
    public async Task A_recorder_whose_state_is_gone_goes_on_from_what_the_registry_holds()
    {
        using (var recorder = Open())
            await recorder.RecordAsync(Payloads("one"));
        File.Delete(StateFile);
        using (var recorder = Open())
            Assert.Equal(1ul, (await recorder.RecordAsync(Payloads("two"))).Sequence);
    }

    [Fact]
    public async Task A_recorder_whose_state_is_old_catches_up_and_records_the_same_commitments_behind()
    {
        using (var recorder = Open())
            await recorder.RecordAsync(Payloads("one"));
        var old = await File.ReadAllBytesAsync(StateFile);
        using (var recorder = Open())
            await recorder.RecordAsync(Payloads("two"));
        await File.WriteAllBytesAsync(StateFile, old);
        using (var recorder = Open())
            Assert.Equal(2ul, (await recorder.RecordAsync(Payloads("three"))).Sequence);
        Assert.Equal(3, File.ReadLines(SaltsFile).Count());
    }

    [Fact]
    public async Task A_recorder_never_signs_again_for_a_place_that_a_registry_has_acknowledged_and_lost()
    {
        using var recorder = Open();
        await recorder.RecordAsync(Payloads("one"));
        await recorder.RecordAsync(Payloads("two"));
        _registry.Statements.RemoveAt(1);
        await Assert.ThrowsAsync<InvalidDataException>(() => recorder.RecordAsync(Payloads("three")));
        Assert.Single(_registry.Statements);
    }

    [Fact]
    public async Task A_statement_that_is_refused_for_good_leaves_its_place_free()
    {
        using (var recorder = Open(origin: "elsewhere:5000"))
        {
            var refusal = await Assert.ThrowsAsync<RegistryRefusedException>(() => recorder.RecordAsync(Payloads("one")));
            Assert.Equal(Refusal.WrongOrigin, refusal.Refusal);
        }
        using (var recorder = Open())
            Assert.Equal(0ul, (await recorder.RecordAsync(Payloads("one"))).Sequence);
    }

    [Theory]
    [InlineData(Refusal.RolledBack)]
    [InlineData(Refusal.LevelNotConfigured)]
    [InlineData(Refusal.WrongKey)]
    public async Task A_statement_whose_answer_was_lost_is_kept_whatever_refuses_the_next_attempt(Refusal refusal)
    {
        using var recorder = Open();
        var pending = await LoseAnswerAsync(recorder);
        _registry.RecordRefusal = refusal;
        Assert.Equal(refusal, (await Assert.ThrowsAsync<RegistryRefusedException>(() => recorder.ResumeAsync())).Refusal);
        Assert.Equal(pending, await File.ReadAllTextAsync(StateFile));

        // It was an old folder; now the right one is back.
        _registry.RecordRefusal = Refusal.None;
        Assert.Equal(1ul, (await recorder.RecordAsync(Payloads("two"))).Sequence);
    }

    [Fact]
    public async Task A_statement_whose_answer_was_lost_is_kept_when_there_is_no_credential_to_send_it_again_with()
    {
        var isStopped = false;
        using var showing = _registry.Connect(_key, _ => isStopped ? throw RegistryRefusedException.From(_registry.Refuse(StatusCode.PermissionDenied, Refusal.KeyRotated))! : new(_registry.Issue()));
        using var recorder = new ActivityRecorder(showing, Agent(), _key, StateFile, SaltsFile);
        var pending = await LoseAnswerAsync(recorder);
        isStopped = true;
        await Assert.ThrowsAsync<RegistryRefusedException>(() => recorder.ResumeAsync());
        Assert.Equal(pending, await File.ReadAllTextAsync(StateFile));
    }

    [Fact]
    public async Task A_statement_that_the_registry_takes_no_writes_for_is_sent_again_and_not_replaced()
    {
        using var recorder = Open();
        _registry.RecordRefusal = Refusal.RolledBack;
        await Assert.ThrowsAsync<RegistryRefusedException>(() => recorder.RecordAsync(Payloads("one")));
        _registry.RecordRefusal = Refusal.None;
        Assert.Equal(0ul, (await recorder.ResumeAsync())!.Sequence);
    }

    [Fact]
    public async Task A_statement_is_on_disk_before_it_is_sent()
    {
        await _registry.StopAsync();
        await File.WriteAllTextAsync(StateFile, $$"""{"key_id":"{{_key.PublicKey.KeyId}}","next_sequence":0,"previous":"{{Convert.ToBase64String(new byte[32])}}","pending":null}""");
        using var recorder = Open();
        await Assert.ThrowsAsync<RpcException>(() => recorder.RecordAsync(Payloads("one")));
        Assert.Contains("\"statement\"", await File.ReadAllTextAsync(StateFile), StringComparison.Ordinal);
        Assert.Single(await File.ReadAllLinesAsync(SaltsFile));
    }

    [Fact]
    public void Two_recorders_cannot_use_one_state_file()
    {
        using var recorder = Open();
        Assert.Throws<IOException>(() => Open());
    }

    [Fact]
    public async Task A_recorder_that_is_disposed_of_while_it_sends_has_its_state_file_until_the_outcome_is_known()
    {
        using var relay = new Relay(_registry.GrpcUrl);
        using var slow = new RegistryConnection(_registry.Options() with { GrpcUrl = relay.Url, Deadline = TimeSpan.FromSeconds(2) }, _key);
        var recorder = new ActivityRecorder(slow, Agent(), _key, StateFile, SaltsFile);
        await recorder.RecordAsync(Payloads("one"));
        relay.Freeze();
        var recording = recorder.RecordAsync(Payloads("two"));
        recorder.Dispose();
        Assert.Throws<IOException>(() => Open());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => recorder.RecordAsync(Payloads("three")));
        await Assert.ThrowsAsync<RpcException>(() => recording);
        using var next = Open();
        Assert.Equal(1ul, (await next.ResumeAsync())!.Sequence);
    }

    [Fact]
    public async Task A_statement_that_cannot_be_put_on_disk_behind_what_the_registry_holds_stays_pending()
    {
        var clock = new ToldClock(_registry.Clock);
        using var connection = new RegistryConnection(_registry.Options() with { Clock = clock }, _key);
        using var recorder = new ActivityRecorder(connection, Agent(), _key, StateFile, SaltsFile);
        await recorder.RecordAsync(Payloads("one"));
        using (var elsewhere = new ActivityRecorder(_connection, Agent(), _key, StateFile + ".copy", SaltsFile + ".copy"))
            await elsewhere.RecordAsync(Payloads("two"));

        // When it signs anew, for the place behind "two".
        clock.Asked = () =>
        {
            if (_registry.Calls.Count(call => call == "Record") > 2)
                Directory.CreateDirectory(StateFile + ".next");
        };
        await Assert.ThrowsAsync<UnauthorizedAccessException>(() => recorder.RecordAsync(Payloads("three")));
        clock.Asked = () => { };
        Directory.Delete(StateFile + ".next");
        Assert.Equal(3ul, (await recorder.RecordAsync(Payloads("four"))).Sequence);
        Assert.Equal(4, _registry.Statements.Count);
    }

    private sealed class ToldClock(TimeProvider clock) : TimeProvider
    {
        public System.Action Asked { get; set; } = () => { };

        public override DateTimeOffset GetUtcNow()
        {
            Asked();
            return clock.GetUtcNow();
        }
    }

    [Fact]
    public async Task The_state_of_another_key_and_what_is_no_state_are_refused()
    {
        using (var recorder = Open())
            await recorder.RecordAsync(Payloads("one"));
        using var other = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        Assert.Throws<InvalidDataException>(() => new ActivityRecorder(_connection, Agent(), other, StateFile, SaltsFile));
        foreach (var content in new[] { "", "null", "[]", "{}", "{\"key_id\":\"x\",\"next_sequence\":0,\"previous\":\"\",\"pending\":null}" })
        {
            await File.WriteAllTextAsync(StateFile, content);
            Assert.Throws<InvalidDataException>(() => Open());
        }
    }

    // What the state file holds then.
    private async Task<string> LoseAnswerAsync(ActivityRecorder recorder)
    {
        _registry.LosesNextAnswer = true;
        await Assert.ThrowsAsync<RpcException>(() => recorder.RecordAsync(Payloads("one")));
        Assert.Single(_registry.Statements);
        return await File.ReadAllTextAsync(StateFile);
    }

    private ActivityRecorder Open(string? origin = null) => new(_connection, Agent(origin), _key, StateFile, SaltsFile);

    private AgentState Agent(string? origin = null) =>
        new(_registry.AgentDid, _registry.AgentId, origin ?? FakeRegistry.Name.Origin, FakeRegistry.PublicUrl);

    private static ReadOnlyMemory<byte>[] Payloads(params string[] texts) => [.. texts.Select(text => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(text))];
}
