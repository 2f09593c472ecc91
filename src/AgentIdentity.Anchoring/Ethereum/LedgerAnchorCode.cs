using System.Text.Json;

namespace AgentIdentity.Anchoring.Ethereum;

/// <summary>The contract as the pinned compiler made it, which the repository holds beside its source.</summary>
internal static class LedgerAnchorCode
{
    private static readonly JsonElement Compiled = Read();

    /// <summary>What is sent to create the contract, before the arguments of its constructor.</summary>
    public static byte[] Creation { get; } = Compiled.Member("bytecode").Bytes();

    /// <summary>What then stands at its address, for everybody the same.</summary>
    public static byte[] Deployed { get; } = Compiled.Member("deployedBytecode").Bytes();

    private static JsonElement Read()
    {
        using var stream = typeof(LedgerAnchorCode).Assembly.GetManifestResourceStream("LedgerAnchor.json")!;
        using var document = JsonDocument.Parse(stream);
        return document.RootElement.Clone();
    }
}
