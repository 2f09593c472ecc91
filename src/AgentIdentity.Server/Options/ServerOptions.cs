using System.Collections.Frozen;
using System.Net;
using AgentIdentity.Ledger;
using AgentIdentity.Server.Chain;
using AgentIdentity.Server.Hosting;

namespace AgentIdentity.Server.Options;

/// <summary>What the server was started with. docs/architecture.md tells what the listeners are for.</summary>
internal sealed record ServerOptions
{
    public HostPort Grpc { get; init; } = new(IPAddress.Loopback, 5001);

    public HostPort Http { get; init; } = new(IPAddress.Loopback, 5000);

    public HostPort Control { get; init; } = new(IPAddress.Loopback, 5002);

    public HostPort Console { get; init; } = new(IPAddress.Loopback, 5003);

    public string Data { get; init; } = "./data";

    public string PublicUrl { get; init; } = "https://localhost:5000";

    public string? TlsCertificate { get; init; }

    public string? TlsKey { get; init; }

    public bool Dev { get; init; }

    public bool SingleOperator { get; init; }

    public KeySource Keys { get; init; } = new();

    public string? Evidence { get; init; }

    public IReadOnlyDictionary<string, TimeSpan> ClassLeases { get; init; } = FrozenDictionary<string, TimeSpan>.Empty;

    public Uri? Otlp { get; init; }

    public TlogPolicy? WitnessPolicy { get; init; }

    public bool StartUnwitnessed { get; init; }

    public IReadOnlyList<NoteVerifierKey> WitnessedLogs { get; init; } = [];

    // High enough that an honest caller never meets it on a machine of this size, low enough that one caller cannot take all of it.
    public int CallsPerSecondPerKey { get; init; } = 20_000;

    // Above the one for a key: many callers may share an address.
    public int CallsPerSecondPerAddress { get; init; } = 50_000;

    public ChainOptions Chain { get; init; } = new();

    public bool HasTls => TlsCertificate is not null;
}

/// <summary>The command line, or the environment, asks for what cannot be. The message is one sentence for whoever typed it.</summary>
internal sealed class OptionsRefusedException(string message) : Exception(message);
