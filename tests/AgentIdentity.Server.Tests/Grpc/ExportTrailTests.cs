using AgentIdentity.Client;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Trails;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Server.Tests.Fixtures;
using Grpc.Core;

namespace AgentIdentity.Server.Tests.Grpc;

/// <summary>A trail file over the wire: who gets whose, in which pieces, and that it holds.</summary>
public sealed class ExportTrailTests : IAsyncLifetime
{
    // As the server promises in the proto.
    private const int PieceBytesMax = 64 * 1024;

    private TestRegistry _registry = null!;

    public async Task InitializeAsync() => _registry = await TestRegistry.StartAsync();

    public async Task DisposeAsync() => await _registry.DisposeAsync();

    [Fact]
    public async Task An_agent_its_sponsor_and_an_auditor_get_the_same_trail_and_it_holds()
    {
        var agent = await ActiveAsync();
        using var self = agent.Connect();
        using var sponsor = _registry.Connect(await _registry.RegisterAsync(Role.Sponsor, TestRegistry.Sponsor));
        using var auditor = _registry.Connect(await _registry.RegisterAsync(Role.Auditor, "auditor"));

        foreach (var reader in (RegistryConnection[])[self, sponsor, auditor])
        {
            var pieces = await ExportAsync(reader, agent.Did);
            var verdict = TrailVerifier.Verify((byte[])[.. pieces.SelectMany(piece => piece.Piece)], await LogKeyAsync());

            Assert.True(verdict.IsProven);
            Assert.True(pieces.Count > 2);
            Assert.All(pieces.SkipLast(1), piece => Assert.Equal(PieceBytesMax, piece.Piece.Length));
            Assert.InRange(pieces[^1].Piece.Length, 1, PieceBytesMax);
            Assert.Equal((ulong)verdict.Entries.Count, pieces[^1].Entries);
            Assert.Equal(pieces[^1].Entries, pieces[^1].EntriesSent);
        }
    }

    [Fact]
    public async Task Another_agent_and_another_sponsor_get_nothing()
    {
        var agent = await ActiveAsync();
        using var other = (await _registry.EnrolAsync()).Connect();
        using var stranger = _registry.Connect(await _registry.RegisterAsync(Role.Sponsor, "another desk"));

        foreach (var (reader, refusal) in new[] { (other, Refusal.NotPermitted), (stranger, Refusal.AgentUnknown) })
        {
            var refused = await Assert.ThrowsAsync<RegistryRefusedException>(() => ExportAsync(reader, agent.Did));
            Assert.Equal(refusal, refused.Refusal);
        }
    }

    [Fact]
    public async Task An_export_that_is_left_early_ends_and_the_next_begins_anew()
    {
        var agent = await ActiveAsync();
        using var self = agent.Connect();
        using (var call = self.Ledger.ExportTrail(new ExportTrailRequest { Agent = agent.Did }))
            Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));

        Assert.True((await ExportAsync(self, agent.Did)).Count > 2);
    }

    /// <summary>With statements large enough for several pieces, under a checkpoint.</summary>
    private async Task<TestAgent> ActiveAsync()
    {
        var agent = await _registry.EnrolAsync();
        using var connection = agent.Connect();
        for (var i = 0; i < 5; i++)
        {
            var statement = agent.NextStatement(commitments: 1000);
            statement.WaitFor = i == 4 ? AckLevel.Integrated : AckLevel.Sequenced;
            await connection.Ledger.RecordAsync(statement);
        }
        return agent;
    }

    private static async Task<List<ExportTrailResponse>> ExportAsync(RegistryConnection reader, string agent)
    {
        using var call = reader.Ledger.ExportTrail(new ExportTrailRequest { Agent = agent });
        var pieces = new List<ExportTrailResponse>();
        await foreach (var piece in call.ResponseStream.ReadAllAsync())
            pieces.Add(piece);
        return pieces;
    }

    private async Task<NoteVerifierKey> LogKeyAsync()
    {
        using var http = new HttpClient();
        return NoteVerifierKey.TryParse((await http.GetStringAsync($"{_registry.HttpUrl}/log-key")).Trim(), out var key, out _) ? key : throw new InvalidDataException();
    }
}
