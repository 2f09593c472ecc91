using System.Buffers.Binary;
using System.Net;
using System.Text;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Server.Tests.Fixtures;
using Fetch = AgentIdentity.Server.Tests.Fixtures.Http;

namespace AgentIdentity.Server.Tests.Http;

/// <summary>A registry whose log has a little more than one full tile.</summary>
public sealed class GrownLog : IAsyncLifetime
{
    public TestRegistry Registry { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Registry = await TestRegistry.StartAsync();
        var agent = await Registry.EnrolAsync();
        using var runtime = agent.Connect();
        var statements = Enumerable.Range(0, 300).Select(_ => agent.NextStatement()).ToArray();
        statements[^1].WaitFor = AckLevel.Integrated;
        foreach (var statement in statements)
            await runtime.Ledger.RecordAsync(statement);
    }

    public async Task DisposeAsync() => await Registry.DisposeAsync();
}

public sealed class LogEndpointsTests(GrownLog log) : IClassFixture<GrownLog>
{
    private const string ForEver = "public, max-age=31536000, immutable";

    private readonly TestRegistry _registry = log.Registry;

    [Fact]
    public async Task The_bundles_and_tiles_of_a_log_lead_to_its_signed_root()
    {
        var checkpoint = await CheckpointAsync();
        var leaves = new List<Hash>();
        for (ulong tile = 0; (ulong)leaves.Count < checkpoint.Size.Value; tile++)
        {
            var width = new TileId(0, tile).WidthAt(checkpoint.Size);
            var bundle = Leaves(await BytesAsync(Tile.EntriesPath(tile, width))).Select(leaf => MerkleHash.Leaf(leaf)).ToArray();
            Assert.Equal(bundle, Hash.ReadMany(await BytesAsync(Tile.Path(new TileId(0, tile), width))).ToArray());
            leaves.AddRange(bundle);
        }
        Assert.Equal(checkpoint.Root, MerkleHash.Root([.. leaves]));
        Assert.Equal(MerkleHash.Root(leaves.GetRange(0, 256).ToArray()), Hash.Read(await BytesAsync("tile/1/000.p/1")));
    }

    [Theory]
    [InlineData("tile/0/000")]
    [InlineData("tile/0/000.p/1")]
    [InlineData("tile/0/000.p/255")]
    [InlineData("tile/0/001.p/7")]
    [InlineData("tile/1/000.p/1")]
    [InlineData("tile/entries/000")]
    [InlineData("tile/entries/000.p/77")]
    [InlineData("tile/entries/001.p/2")]
    public async Task Every_width_that_was_ever_published_is_served_and_may_be_kept_for_ever(string path)
    {
        using var response = await Fetch.RespondAsync($"{_registry.HttpUrl}/{path}");
        Assert.Equal((HttpStatusCode.OK, "application/octet-stream"), (response.StatusCode, response.Content.Headers.ContentType!.ToString()));
        Assert.Equal(ForEver, Header(response, "Cache-Control"));
    }

    [Fact]
    public async Task A_narrow_tile_is_the_beginning_of_a_wider_one()
    {
        var full = await BytesAsync("tile/0/000");
        var bundle = await BytesAsync("tile/entries/000");
        Assert.Equal(Tile.BytesMax, full.Length);
        Assert.Equal(full[..(19 * Hash.Size)], await BytesAsync("tile/0/000.p/19"));
        var part = await BytesAsync("tile/entries/000.p/19");
        Assert.Equal(19, Leaves(part).Count);
        Assert.Equal(bundle[..part.Length], part);
    }

    [Theory]
    [InlineData("tile/0/001")]
    [InlineData("tile/0/001.p/255")]
    [InlineData("tile/0/002.p/1")]
    [InlineData("tile/1/000.p/2")]
    [InlineData("tile/2/000.p/1")]
    [InlineData("tile/63/000.p/1")]
    [InlineData("tile/entries/001")]
    [InlineData("tile/entries/x999/999")]
    [InlineData("tile/0/x018/x446/x744/x073/x709/x551/615")]
    [InlineData("tile/0/000.p/0")]
    [InlineData("tile/0/000.p/256")]
    [InlineData("tile/0/000.p/01")]
    [InlineData("tile/0/000.p/-1")]
    [InlineData("tile/0/000.p/")]
    [InlineData("tile/0/000.p/1/")]
    [InlineData("tile/0/000/")]
    [InlineData("tile/0//000")]
    [InlineData("tile/0/0")]
    [InlineData("tile/0/0000")]
    [InlineData("tile/0/x000/000")]
    [InlineData("tile/0/000/000")]
    [InlineData("tile/0/+00")]
    [InlineData("tile/0/\u0660\u0660\u0660")]
    [InlineData("tile/00/000")]
    [InlineData("tile/64/000")]
    [InlineData("tile/-1/000")]
    [InlineData("tile/8/0/000")]
    [InlineData("tile/entries")]
    [InlineData("tile/Entries/000")]
    [InlineData("TILE/0/000")]
    [InlineData("tile/")]
    public async Task What_no_checkpoint_covers_or_nobody_should_spell_so_is_not_found_and_not_kept(string path)
    {
        using var response = await Fetch.RespondAsync($"{_registry.HttpUrl}/{path}");
        Assert.Equal((HttpStatusCode.NotFound, null), (response.StatusCode, Header(response, "Cache-Control")));
    }

    [Fact]
    public async Task A_path_far_too_long_is_not_found()
    {
        using var response = await Fetch.RespondAsync($"{_registry.HttpUrl}/tile/0/{string.Concat(Enumerable.Repeat("x000/", 600))}000");
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    [Theory]
    [InlineData("/tile/0/000", 8192)]
    [InlineData("/checkpoint", null)]
    public async Task A_head_request_gets_the_headers_alone(string path, int? length)
    {
        using var client = new HttpClient();
        using var response = await client.SendAsync(new HttpRequestMessage(HttpMethod.Head, _registry.HttpUrl + path));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Empty(await response.Content.ReadAsByteArrayAsync());
        if (length is not null)
            Assert.Equal(length, response.Content.Headers.ContentLength);
    }

    [Fact]
    public async Task Before_the_genesis_entry_there_is_no_log()
    {
        await using var unfounded = await TestRegistry.StartUnfoundedAsync();
        foreach (var path in (string[])["log-key", "checkpoint", "tile/0/000.p/1", "tile/0/000", "tile/entries/000.p/1"])
        {
            using var response = await Fetch.RespondAsync($"{unfounded.HttpUrl}/{path}");
            Assert.Equal((path, HttpStatusCode.NotFound, null), (path, response.StatusCode, Header(response, "Cache-Control")));
        }
    }

    private async Task<Checkpoint> CheckpointAsync()
    {
        Assert.True(NoteVerifierKey.TryParse((await _registry.GetAsync("/log-key")).TrimEnd('\n'), out var key, out _));
        Assert.True(Checkpoint.TryOpen(Encoding.UTF8.GetBytes(await _registry.GetAsync("/checkpoint")), key, out var checkpoint, out _));
        return checkpoint;
    }

    private async Task<byte[]> BytesAsync(string path)
    {
        using var response = await Fetch.RespondAsync($"{_registry.HttpUrl}/{path}");
        response.EnsureSuccessStatusCode();
        return await response.Content.ReadAsByteArrayAsync();
    }

    private static List<byte[]> Leaves(ReadOnlySpan<byte> bundle)
    {
        var leaves = new List<byte[]>();
        while (!bundle.IsEmpty)
        {
            var length = BinaryPrimitives.ReadUInt16BigEndian(bundle);
            leaves.Add(bundle[2..(2 + length)].ToArray());
            bundle = bundle[(2 + length)..];
        }
        return leaves;
    }

    private static string? Header(HttpResponseMessage response, string name) => response.Headers.TryGetValues(name, out var values) ? string.Join(", ", values) : null;
}
