using System.Text.Json;
using AgentIdentity.Ledger;

namespace AgentIdentity.Anchoring.Ethereum;

/// <summary>What nodes answer, read strictly. A missing member or another form throws <see cref="FormatException"/>.</summary>
internal static class JsonReading
{
    public static string? TextOf(this JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    public static bool TryGetNumber(this JsonElement element, out int value)
    {
        value = 0;
        return element.ValueKind == JsonValueKind.Number && element.TryGetInt32(out value);
    }

    public static string Text(this JsonElement element) =>
        element.ValueKind == JsonValueKind.String ? element.GetString()! : throw new FormatException($"A text is expected; found {element.ValueKind}.");

    public static UInt128 Quantity(this JsonElement element) => Hex.ReadQuantity(element.Text());

    public static ulong Number(this JsonElement element) =>
        element.Quantity() is var value && value <= ulong.MaxValue ? (ulong)value : throw new FormatException("A number of at most 64 bits is expected.");

    public static byte[] Bytes(this JsonElement element) => Hex.Bytes(element.Text());

    public static ChainHash ChainHash(this JsonElement element) => Ethereum.ChainHash.Parse(element.Text());

    public static JsonElement Member(this JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value : throw new FormatException($"A member {name} is expected.");

    public static ChainBlock Block(this JsonElement block) => new(block.Member("number").Number(), block.Member("hash").ChainHash());

    public static ChainReceipt Receipt(this JsonElement receipt) => new(
        receipt.Member("transactionHash").ChainHash(),
        receipt.Member("status").Number() == 1,
        receipt.Member("blockNumber").Number(),
        receipt.Member("blockHash").ChainHash(),
        receipt.Member("gasUsed").Number(),
        receipt.TextOf("contractAddress") is { } created ? Address.Parse(created) : null,
        receipt.Member("logs").Events());

    public static IReadOnlyList<ChainEvent> Events(this JsonElement events) =>
        events.ValueKind == JsonValueKind.Array ? [.. events.EnumerateArray().Select(Event)] : throw new FormatException("A list of events is expected.");

    private static ChainEvent Event(JsonElement log) => new(
        Address.Parse(log.Member("address").Text()),
        [.. log.Member("topics").EnumerateArray().Select(topic => topic.ChainHash().Value)],
        log.Member("data").Bytes(),
        log.Member("blockNumber").Number(),
        log.Member("blockHash").ChainHash(),
        log.Member("transactionHash").ChainHash(),
        log.Member("logIndex").Number());
}
