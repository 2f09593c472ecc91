using System.Net;
using System.Text;
using AgentIdentity.Client;
using AgentIdentity.Credentials;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Server.Options;
using AgentIdentity.Server.Tests.Fixtures;
using AgentIdentity.Tests;
using Grpc.Core;
using Fetch = AgentIdentity.Server.Tests.Fixtures.Http;

namespace AgentIdentity.Server.Tests;

/// <summary>Two registries with keys and folders of their own cosign each other's checkpoints: two settings each.</summary>
public sealed class WitnessTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("agentidentity-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Two_registries_witness_each_other_and_an_entry_becomes_witnessed()
    {
        var (north, south) = await FoundBothAsync();
        await using var first = await StartAsync(north, south);
        await using var second = await StartAsync(south, north);
        var index = await RecordAsync(first, AckLevel.Witnessed);
        using var anyone = first.Connect();

        var receipt = await anyone.Ledger.GetReceiptAsync(new GetReceiptRequest { LedgerIndex = index, MinLevel = AckLevel.Witnessed });

        Assert.True(TlogPolicy.TryParse(await File.ReadAllBytesAsync(north.PolicyFile), out var policy, out _, out _));
        Assert.True(NoteVerifierKey.TryParse(north.LogKey, out var logKey, out _));
        Assert.True(TlogProof.TryParse(receipt.Receipt.Span, out var proof, out _));
        Assert.Equal(TlogProofRefusal.None, proof.Verify(MerkleHash.Leaf(receipt.Leaf.Span), policy.With(logKey), out _, out _));
        var standing = await anyone.Ledger.ListWitnessesAsync(new ListWitnessesRequest());
        Assert.Equal(("south", "", true), (Assert.Single(standing.Witnesses).Name, standing.Witnesses[0].Problem, standing.WitnessedSize > index));
        Assert.Equal("ready\nwitnesses quorum\n", await first.GetAsync("/health/ready"));
        Assert.Contains("\nagentidentity_witness_quorum 1\n", await MetricsAsync(first), StringComparison.Ordinal);
        Assert.Contains("\n— " + proof.Checkpoint.Origin, await second.GetAsync($"/witness/{Hex(logKey.Name)}/checkpoint"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_ledger_of_one_put_back_to_a_backup_is_refused_by_the_other_and_its_quorum_mark_disappears()
    {
        var (north, south) = await FoundBothAsync();
        Folders.Copy(north.Data, north.Data + "-backup");
        await using (var first = await StartAsync(north, south))
        {
            await using var witness = await StartAsync(south, north);
            await RecordAsync(first, AckLevel.Witnessed);
        }

        // The other one is not there when it starts, and it is told not to wait, so that it signs another history before anybody can say a word.
        await using var restored = await StartAsync(north with { Data = north.Data + "-backup" }, south, "--start-unwitnessed");
        await RecordAsync(restored, AckLevel.Integrated);
        Assert.Equal("ready\nwitnesses no quorum south UNREACHABLE\n", await UntilAsync(restored, text => text.Contains("UNREACHABLE", StringComparison.Ordinal)));
        Assert.Contains("\nagentidentity_witness_problem{witness=\"south\",problem=\"UNREACHABLE\"} 1\n", await MetricsAsync(restored), StringComparison.Ordinal);
        await using var second = await StartAsync(south, north);

        Assert.Equal("rolled back\n", await UntilAsync(restored, text => text == "rolled back\n"));
        Assert.Contains("\nagentidentity_witness_quorum 0\n", await MetricsAsync(restored), StringComparison.Ordinal);
        // Nor does it cosign for the other any more: it has forgotten what it has cosigned.
        await RecordAsync(second, AckLevel.Integrated);
        Assert.Equal("ready\nwitnesses no quorum north OUT_OF_SERVICE\n", await UntilAsync(second, text => text.Contains("north OUT_OF_SERVICE", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Where_nobody_is_asked_no_level_waits_for_a_witness()
    {
        await using var registry = await TestRegistry.StartAsync();
        var agent = await registry.EnrolAsync();
        using var runtime = agent.Connect();
        var statement = agent.NextStatement();
        statement.WaitFor = AckLevel.Witnessed;

        await Refused.BecauseAsync(Refusal.LevelNotConfigured, StatusCode.FailedPrecondition, runtime.Ledger.RecordAsync(statement));
        await Refused.BecauseAsync(Refusal.LevelNotConfigured, StatusCode.FailedPrecondition, runtime.Ledger.GetReceiptAsync(new GetReceiptRequest { MinLevel = AckLevel.Witnessed }));

        Assert.Empty((await runtime.Ledger.ListWitnessesAsync(new ListWitnessesRequest())).Witnesses);
    }

    [Fact]
    public async Task The_witness_answers_over_http_with_the_codes_of_the_specification()
    {
        using var logKey = Ed25519PrivateKey.Generate();
        var signer = new NoteSignerKey("other.example/log", logKey);
        await using var registry = await TestRegistry.StartAsync($"--witness-log={signer.Verifier}");
        var leaf = MerkleHash.Leaf("entry"u8);
        var good = Encoding.UTF8.GetString(new WitnessRequest(default, [], new Checkpoint("other.example/log", new TreeSize(1), leaf).Sign(signer)).ToArray());
        Assert.Equal((HttpStatusCode.NotFound, ""), (await GetAsync(registry, $"/witness/{Hex("other.example/log")}/checkpoint")).Plain);

        var cosigned = await PostAsync(registry, good);

        Assert.True(NoteVerifierKey.TryParse((await registry.GetAsync("/witness/key")).TrimEnd('\n'), out var witnessKey, out _));
        Assert.True(SignedNote.TryParse(Encoding.UTF8.GetBytes(good[(good.IndexOf("\n\n", StringComparison.Ordinal) + 2)..] + cosigned.Body), out var note, out _));
        Assert.Equal((HttpStatusCode.OK, NoteRefusal.None), (cosigned.Status, note.Verify(witnessKey)));
        Assert.Equal((HttpStatusCode.Conflict, "text/x.tlog.size", "1\n"), await PostAsync(registry, good));
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(registry, good.Replace("old 0", "old 1", StringComparison.Ordinal))).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await PostAsync(registry, good.Replace("old 0", "old 2", StringComparison.Ordinal))).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await PostAsync(registry, new string('x', WitnessRequest.BytesMax + 100))).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await PostAsync(registry, good.Replace("\n1\n", "\n2\n", StringComparison.Ordinal))).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await PostAsync(registry, good.Replace("other.example", "third.example", StringComparison.Ordinal))).Status);
        var other = new Checkpoint("other.example/log", new TreeSize(1), MerkleHash.Leaf("another"u8)).Sign(signer);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await PostAsync(registry, Encoding.UTF8.GetString(new WitnessRequest(new TreeSize(1), [], other).ToArray()))).Status);
        Assert.Equal(HttpStatusCode.OK, (await GetAsync(registry, $"/witness/{Hex("other.example/log")}/checkpoint")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await GetAsync(registry, $"/witness/{Hex("other.example/log").ToUpperInvariant()}/checkpoint")).Status);
    }

    [Theory]
    [InlineData("quorum none\n", "nobody would be asked")]
    [InlineData("witness w {0} \nquorum w\n", "has no URL to ask")]
    [InlineData("witness w {0} http://elsewhere.example/witness\nquorum w\n", "cleartext")]
    [InlineData("witness a {0} https://one.example/w\nwitness b {0} https://two.example/w\nquorum a\n", "DuplicateKey in line 2")]
    [InlineData("witness a {0} https://one.example/w\nwitness b {1} https://one.example/w2\ngroup all 2 a b\nquorum all\n", "organisations count, not keys")]
    [InlineData("witness a {0} https://one.example/w\nwitness b {1} https://one.example/w2\nwitness c {2} https://two.example/w\ngroup one any a c\ngroup all 2 one b\nquorum all\n", "organisations count, not keys")]
    [InlineData("witness a {0} https://w1.org.example/w\nwitness b {1} https://w2.org.example/w\ngroup all 2 a b\nquorum all\n", "organisations count, not keys")]
    [InlineData("witness a {0} https://one.example./w\nwitness b {1} https://one.example/w\ngroup all 2 a b\nquorum all\n", "organisations count, not keys")]
    [InlineData("witness a {0} http://127.0.0.1:7001/w\nwitness b {1} http://localhost:7001/w\ngroup all 2 a b\nquorum all\n", "organisations count, not keys")]
    [InlineData("witness a {0} https://192.0.2.1/w\nwitness b {1} https://192.0.2.1:8443/w\ngroup all 2 a b\nquorum all\n", "organisations count, not keys")]
    public void A_policy_that_would_not_hold_what_it_says_is_refused_before_anything_starts(string policy, string reason)
    {
        var keys = Enumerable.Range(0, 3).Select(number => new NoteVerifierKey($"w{number}.example", Ed25519PrivateKey.Generate().PublicKey, NoteKeyType.Cosignature)).ToArray();
        var file = Path.Combine(_folder, "policy");
        File.WriteAllText(file, string.Format(System.Globalization.CultureInfo.InvariantCulture, policy, keys[0], keys[1], keys[2]));

        var refused = Assert.Throws<OptionsRefusedException>(() => CommandLine.Read([$"--witness-policy={file}"], _ => null));

        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
    }

    private async Task<(Side North, Side South)> FoundBothAsync()
    {
        var (north, south) = (await FoundAsync("north"), await FoundAsync("south"));
        await File.WriteAllTextAsync(north.PolicyFile, $"witness south {south.WitnessKey} http://{south.Http}/witness\nquorum south\n");
        await File.WriteAllTextAsync(south.PolicyFile, $"witness north {north.WitnessKey} http://{north.Http}/witness\nquorum north\n");
        return (north, south);
    }

    private async Task<Side> FoundAsync(string name)
    {
        var data = Path.Combine(_folder, name);
        await using var registry = await TestRegistry.StartInAsync(data, $"--public-url=https://{name}.localhost");
        await registry.FoundAsync();
        return new Side(name, data, Path.Combine(_folder, name + "-policy"), $"{registry.Host.Bound.Http}", (await registry.GetAsync("/log-key")).TrimEnd('\n'), (await registry.GetAsync("/witness/key")).TrimEnd('\n'), registry.Operator);
    }

    private static async Task<TestRegistry> StartAsync(Side side, Side other, params string[] flags) => await TestRegistry.StartInAsync(
        side.Data, [$"--public-url=https://{side.Name}.localhost", $"--http={side.Http}", $"--witness-policy={side.PolicyFile}", $"--witness-log={other.LogKey}", .. flags]);

    // Nobody is known to this instance's operator key: what grows the log is a refused call on the control listener.
    private static async Task<ulong> RecordAsync(TestRegistry registry, AckLevel level)
    {
        var before = registry.Host.Registry.State.Position;
        await Assert.ThrowsAsync<RegistryRefusedException>(() => registry.StopAgentAsync("0192f0c1-7a00-7def-8123-456789abcdef"));
        var index = new LeafIndex(before);
        await (level == AckLevel.Witnessed
            ? registry.Host.Registry.Cosigning!.WhenWitnessedAsync(index, CancellationToken.None)
            : registry.Host.Registry.Checkpoints.WhenCoversAsync(index, CancellationToken.None)).WaitAsync(Patience);
        return before;
    }

    private static async Task<string> MetricsAsync(TestRegistry registry)
    {
        using var response = await Fetch.RespondAsync(registry.ConsoleUrl + "/metrics");
        return await response.Content.ReadAsStringAsync();
    }

    private static async Task<string> UntilAsync(TestRegistry registry, Func<string, bool> holds)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            using var response = await Fetch.RespondAsync(registry.HttpUrl + "/health/ready");
            var text = await response.Content.ReadAsStringAsync();
            if (holds(text))
                return text;
            await Task.Delay(100, patience.Token);
        }
    }

    private static async Task<(HttpStatusCode Status, string Type, string Body)> PostAsync(TestRegistry registry, string body)
    {
        using var client = new HttpClient();
        using var response = await client.PostAsync(new Uri(registry.HttpUrl + "/witness/add-checkpoint"), new ByteArrayContent(Encoding.UTF8.GetBytes(body)));
        return (response.StatusCode, response.Content.Headers.ContentType?.MediaType ?? "", await response.Content.ReadAsStringAsync());
    }

    private static async Task<Answer> GetAsync(TestRegistry registry, string path)
    {
        using var response = await Fetch.RespondAsync(registry.HttpUrl + path);
        return new Answer(response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    private static string Hex(string origin) => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(origin)));

    private sealed record Answer(HttpStatusCode Status, string Body)
    {
        public (HttpStatusCode, string) Plain => (Status, Body);
    }

    private sealed record Side(string Name, string Data, string PolicyFile, string Http, string LogKey, string WitnessKey, Credentials.Keys.PrivateKey Operator);
}
