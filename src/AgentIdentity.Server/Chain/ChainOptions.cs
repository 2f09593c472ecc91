using AgentIdentity.Anchoring.Ethereum;

namespace AgentIdentity.Server.Chain;

/// <summary>What the server was told of the chain; nothing is anchored unless it was told all that is needed.</summary>
internal sealed record ChainOptions
{
    public Uri? Url { get; init; }

    /// <summary>A second node, which must agree before an anchor is called final.</summary>
    public Uri? CheckUrl { get; init; }

    public ulong? Id { get; init; }

    public Address? Contract { get; init; }

    public string? KeyFile { get; init; }

    public Uri? Signer { get; init; }

    /// <summary>The account that the remote signer signs for.</summary>
    public Address? Account { get; init; }

    public TimeSpan Interval { get; init; } = TimeSpan.FromMinutes(10);

    public TimeSpan BlockTime { get; init; } = TimeSpan.FromSeconds(12);

    public ulong MaxFeeGwei { get; init; } = 100;

    public bool AfterStop { get; init; }
}
