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

    public static RandomEnvelope Of(Random random) => new([.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => new Item(
        Pick(Types, random), Some(random), Some(random), random.Next(3) == 0 ? null : random.Next(4), random.Next(2) == 0 ? null : random.Next(1, 10)))]);

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
