using System.Text.Json;
using AgentIdentity.Credentials.Envelopes;

namespace AgentIdentity.Credentials.Tests.Envelopes;

/// <summary>Small envelopes over few values, so that they often lie within one another.</summary>
internal sealed record RandomEnvelope(IReadOnlyList<RandomEnvelope.Item> Items)
{
    private static readonly string[] Values = ["a", "b", "a/", "a/b", "a/b/c", "ab/c", "a/b/*", "a/*", "/*", "/a", "b/*"];
    private static readonly string[] Types = ["t", "t", "u"];
    private Envelope? _read;

    internal sealed record Item(string Type, string[] Actions, string[] Locations, int? MaxDepth, long? NotAfter);

    public static RandomEnvelope Of(Random random, int depthLeast = 0) => new([.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => new Item(
        Pick(Types, random), Some(random), Some(random), depthLeast == 0 && random.Next(3) == 0 ? null : random.Next(depthLeast, 4), random.Next(2) == 0 ? null : random.Next(1, 10)))]);

    /// <summary>What an envelope says, as a reader of its JSON alone sees it.</summary>
    public static RandomEnvelope Of(Envelope envelope)
    {
        using var json = JsonDocument.Parse(envelope.Canonical);
        return new([.. json.RootElement.EnumerateArray().Select(item => new Item(
            item.GetProperty("type").GetString()!,
            [.. item.GetProperty("actions").EnumerateArray().Select(value => value.GetString()!)],
            [.. item.GetProperty("locations").EnumerateArray().Select(value => value.GetString()!)],
            item.TryGetProperty("maxDepth", out var depth) ? depth.GetInt32() : null,
            item.TryGetProperty("notAfter", out var end) ? end.GetInt64() : null))]);
    }

    /// <summary>The same with less depth than any item of the other has.</summary>
    public RandomEnvelope ShallowerThan(RandomEnvelope other)
    {
        var most = Math.Max(0, other.Items.Max(item => item.MaxDepth ?? 0) - 1);
        return new([.. Items.Select(item => item with { MaxDepth = Math.Min(item.MaxDepth ?? 0, most) })]);
    }

    /// <summary>Items of the parent with some of their values, usually narrower ones; now and then wider by accident.</summary>
    public static RandomEnvelope Narrower(RandomEnvelope parent, Random random) => new([.. Enumerable.Range(0, random.Next(1, 4)).Select(_ =>
    {
        var item = parent.Items[random.Next(parent.Items.Count)];
        return new Item(
            item.Type,
            [.. item.Actions.Where(_ => random.Next(4) > 0).Select(value => Narrow(value, random))],
            [.. item.Locations.Where(_ => random.Next(4) > 0).Select(value => Narrow(value, random))],
            random.Next(2) == 0 ? null : Math.Max(0, (item.MaxDepth ?? 0) - random.Next(-1, 3)),
            random.Next(2) == 0 ? null : Math.Max(1, (item.NotAfter ?? 10) - random.Next(-1, 4)));
    })]);

    public static (string Type, string Action, string Location, long Now) Use(Random random) =>
        (Pick(Types, random), Concrete(random), Concrete(random), random.Next(0, 12));

    public RandomEnvelope EndingAt(long? expiry) =>
        expiry is null ? this : new([.. Items.Select(item => item with { NotAfter = item.NotAfter ?? expiry })]);

    public Envelope Read() => _read ??= Vectors.ReadEnvelope(JsonSerializer.Serialize(Items.Select(Members)));

    private static Dictionary<string, object> Members(Item item)
    {
        var members = new Dictionary<string, object> { ["type"] = item.Type, ["actions"] = item.Actions, ["locations"] = item.Locations };
        if (item.MaxDepth is { } maxDepth)
            members["maxDepth"] = maxDepth;
        if (item.NotAfter is { } notAfter)
            members["notAfter"] = notAfter;
        return members;
    }

    private static string[] Some(Random random) => [.. Enumerable.Range(0, random.Next(0, 4)).Select(_ => Pick(Values, random))];

    private static string Narrow(string value, Random random) => random.Next(6) switch
    {
        0 => Pick(Values, random),
        1 or 2 when value.EndsWith('*') => string.Concat(value.AsSpan(0, value.Length - 1), "b/*"),
        3 or 4 when value.EndsWith('*') => string.Concat(value.AsSpan(0, value.Length - 1), "c"),
        _ => value,
    };

    private static string Concrete(Random random) => Pick(Values, random).Replace("*", Pick(["b", "b/c", "", "*"], random), StringComparison.Ordinal);

    private static string Pick(string[] among, Random random) => among[random.Next(among.Length)];
}
