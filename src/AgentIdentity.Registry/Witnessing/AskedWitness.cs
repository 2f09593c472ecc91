using AgentIdentity.Ledger;

namespace AgentIdentity.Registry.Witnessing;

/// <summary>A witness that this registry asks, and how that went.</summary>
public sealed class AskedWitness
{
    private volatile WitnessReport _report = new(WitnessProblem.NotAsked, default, null);

    internal AskedWitness(PolicyWitness witness, WitnessClient client) => (Witness, Client) = (witness, client);

    /// <summary>As the policy names it.</summary>
    public PolicyWitness Witness { get; }

    /// <summary>How it stands.</summary>
    public WitnessReport Report
    {
        get => _report;
        internal set => _report = value;
    }

    internal WitnessClient Client { get; }

    /// <summary>The size that it has cosigned last, as far as is known. Only its worker reads and writes it.</summary>
    internal TreeSize Known { get; set; }
}

/// <summary>How a witness stands.</summary>
/// <param name="Problem">What is wrong with it.</param>
/// <param name="Size">The largest tree of this log that it has cosigned for this process.</param>
/// <param name="CosignedAt">When, by this registry's clock; null before the first.</param>
public sealed record WitnessReport(WitnessProblem Problem, TreeSize Size, DateTimeOffset? CosignedAt);
