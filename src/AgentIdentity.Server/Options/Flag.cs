using System.Collections.Frozen;
using System.Globalization;
using AgentIdentity.Anchoring.Ethereum;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;

namespace AgentIdentity.Server.Options;

/// <summary>One thing that can be said at the start: on the command line, or in the environment.</summary>
/// <param name="Name">As it stands on the command line, with its dashes.</param>
/// <param name="Value">What its value is, for the help; null for a switch.</param>
/// <param name="Help">What it does.</param>
/// <param name="Apply">Takes the value over, or throws an <see cref="OptionsRefusedException"/>.</param>
internal sealed record Flag(string Name, string? Value, string Help, Func<ServerOptions, string, ServerOptions> Apply)
{
    public static IReadOnlyList<Flag> All { get; } =
    [
        new("--grpc", "HOST:PORT", "gRPC for agents and enforcers (127.0.0.1:5001)", (to, text) => to with { Grpc = Address("--grpc", text) }),
        new("--http", "HOST:PORT", "DID documents, keys, checkpoint, probes (127.0.0.1:5000)", (to, text) => to with { Http = Address("--http", text) }),
        new("--control", "HOST:PORT", "gRPC for operators (127.0.0.1:5002)", (to, text) => to with { Control = Address("--control", text) }),
        new("--console", "HOST:PORT", "operators' page, on the name localhost, and metrics (127.0.0.1:5003)", (to, text) => to with { Console = Address("--console", text) }),
        new("--data", "FOLDER", "the folder that holds all state (./data)", (to, text) => to with { Data = text }),
        new("--public-url", "URL", "the registry's name for ever: it stands in DIDs (https://localhost:5000)", (to, text) => to with { PublicUrl = Url(text) }),
        new("--tls-cert", "FILE", "certificate chain, PEM; needed unless all listeners are on loopback", (to, text) => to with { TlsCertificate = text }),
        new("--tls-key", "FILE", "its private key, PEM", (to, text) => to with { TlsKey = text }),
        new("--dev", null, "for trying out: one operator is enough, and a public URL on localhost enrols", (to, text) => to with { Dev = Switch("--dev", text) }),
        new("--single-operator", null, "one operator is enough; every report will say so", (to, text) => to with { SingleOperator = Switch("--single-operator", text) }),
        new("--passphrase-file", "FILE", "its first line encrypts the registry's key files", (to, text) => to with { Keys = to.Keys with { PassphraseFile = text } }),
        new("--keys", "files|pkcs11", "where the registry's keys are: below the data folder, or in a token (files)", (to, text) => to with { Keys = to.Keys with { Kind = text } }),
        new("--pkcs11-module", "FILE", "the token's library", (to, text) => to with { Keys = to.Keys with { Module = text } }),
        new("--pkcs11-token", "LABEL", "the token's label", (to, text) => to with { Keys = to.Keys with { Label = text } }),
        new("--pkcs11-pin-file", "FILE", "its first line is the PIN of the token's user", (to, text) => to with { Keys = to.Keys with { PinFile = text } }),
        new("--evidence", "FILE", "whose evidence counts when agents enrol: issuers and trust domains, JSON", (to, text) => to with { Evidence = text }),
        new("--class-leases", "NAME=SECONDS,...", "classes of actions that enforcers may go on with for longer than 10 s without word from here (none)", (to, text) => to with { ClassLeases = Leases(text) }),
        new("--witness-policy", "FILE", "who cosigns the checkpoints of this registry (C2SP tlog-policy, a URL for each witness)", (to, text) => to with { WitnessPolicy = WitnessSettings.Policy(text) }),
        new("--start-unwitnessed", null, "sign checkpoints before a quorum of the witnesses was asked what it has seen of this log", (to, text) => to with { StartUnwitnessed = Switch("--start-unwitnessed", text) }),
        new("--witness-log", "VKEY", "cosign for the log with this key, as its /log-key shows it; can stand more than once", (to, text) => to with { WitnessedLogs = WitnessSettings.AlsoLog(to.WitnessedLogs, text) }),
        new("--otlp", "URL", "send traces and metrics to this OpenTelemetry collector", (to, text) => to with { Otlp = Collector(text) }),
        new("--quota-per-key", "CALLS", "calls a second from one key (20000)", (to, text) => to with { CallsPerSecondPerKey = Rate("--quota-per-key", text) }),
        new("--quota-per-address", "CALLS", "calls a second from one address (50000)", (to, text) => to with { CallsPerSecondPerAddress = Rate("--quota-per-address", text) }),
        new("--chain", "URL", "anchor checkpoints on the chain behind this node (docs/ethereum.md)", (to, text) => to with { Chain = to.Chain with { Url = Node("--chain", text) } }),
        new("--chain-id", "NUMBER", "the chain that is meant; a node of another one is refused", (to, text) => to with { Chain = to.Chain with { Id = Number("--chain-id", text, ulong.MaxValue) } }),
        new("--chain-contract", "0x…", "the anchor contract", (to, text) => to with { Chain = to.Chain with { Contract = Account("--chain-contract", text) } }),
        new("--chain-key", "FILE", "the key that pays: 64 hexadecimal digits, mode 0600", (to, text) => to with { Chain = to.Chain with { KeyFile = text } }),
        new("--chain-signer", "URL", "or the signer that has it (eth_signTransaction)", (to, text) => to with { Chain = to.Chain with { Signer = Node("--chain-signer", text) } }),
        new("--chain-account", "0x…", "the account that the signer signs for", (to, text) => to with { Chain = to.Chain with { Account = Account("--chain-account", text) } }),
        new("--chain-check", "URL", "a second node, which must agree that an anchor is final", (to, text) => to with { Chain = to.Chain with { CheckUrl = Node("--chain-check", text) } }),
        new("--chain-interval", "MINUTES", "an anchor is due so long after the last one (10)", (to, text) => to with { Chain = to.Chain with { Interval = TimeSpan.FromMinutes(Number("--chain-interval", text, 100_000)) } }),
        new("--chain-growth", "ENTRIES", "and as soon as the ledger has grown by so many (100000)", (to, text) => to with { Chain = to.Chain with { Growth = Number("--chain-growth", text, uint.MaxValue) } }),
        new("--chain-block-time", "SECONDS", "how often the chain makes a block (12)", (to, text) => to with { Chain = to.Chain with { BlockTime = TimeSpan.FromSeconds(Number("--chain-block-time", text, 3_600)) } }),
        new("--chain-max-fee", "GWEI", "the most that is paid for each unit of gas (100)", (to, text) => to with { Chain = to.Chain with { MaxFeeGwei = Number("--chain-max-fee", text, 1_000_000) } }),
        new("--chain-after-stop", null, "anchor after every stop, without waiting", (to, text) => to with { Chain = to.Chain with { AfterStop = Switch("--chain-after-stop", text) } }),
    ];

    /// <summary>The same in the environment: <c>--public-url</c> is <c>AGENTIDENTITY_PUBLIC_URL</c>.</summary>
    public string EnvironmentName => "AGENTIDENTITY_" + Name[2..].Replace('-', '_').ToUpperInvariant();

    private static HostPort Address(string flag, string text) => HostPort.TryParse(text, out var address)
        ? address
        : throw new OptionsRefusedException($"{flag} takes HOST:PORT with an IP address or localhost, for example 127.0.0.1:5001, and '{text}' is none.");

    private static string Url(string text) =>
        RegistryName.TryParse(text, out _, out var problem) ? text : throw new OptionsRefusedException($"--public-url cannot be '{text}': {problem}");

    private static bool Switch(string flag, string text) => text switch
    {
        "1" or "true" => true,
        "0" or "false" => false,
        _ => throw new OptionsRefusedException($"{flag} is true or false, and '{text}' is neither."),
    };

    private static Uri Collector(string text) => Url("--otlp", text, "http://127.0.0.1:4317");

    private static Uri Node(string flag, string text)
    {
        var url = Url(flag, text, "http://127.0.0.1:8545");
        return url.Scheme == "https" || url.IsLoopback ? url : throw new OptionsRefusedException($"{flag} is asked in cleartext, which is for loopback only; give its https URL.");
    }

    private static Uri Url(string flag, string text, string example) => Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
        ? url
        : throw new OptionsRefusedException($"{flag} takes an http or https URL, for example {example}, and '{text}' is none.");

    private static Address Account(string flag, string text) => Anchoring.Ethereum.Address.TryParse(text, out var address)
        ? address
        : throw new OptionsRefusedException($"{flag} takes 0x and 40 hexadecimal digits, with the checksum if in mixed case, and '{text}' is none.");

    private static ulong Number(string flag, string text, ulong max) => ulong.TryParse(text, out var number) && number > 0 && number <= max
        ? number
        : throw new OptionsRefusedException($"{flag} takes a number from 1 to {max}, and '{text}' is none.");

    // Longer than a credential lives at most would be for ever.
    private static FrozenDictionary<string, TimeSpan> Leases(string text)
    {
        const int SecondsMax = 900;
        var leases = new Dictionary<string, TimeSpan>(StringComparer.Ordinal);
        foreach (var part in text.Split(','))
        {
            if (part.Split('=') is not [{ Length: > 0 and <= ClassLease.NameMax } name, var number] || !int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
                || seconds is 0 or > SecondsMax || !leases.TryAdd(name, TimeSpan.FromSeconds(seconds)))
                throw new OptionsRefusedException($"--class-leases takes names with 1 to {SecondsMax} seconds each, for example reads=60,reports=300, and '{part}' is none, or there twice.");
        }
        if (leases.Count > LeasesGranted.ClassesMax)
            throw new OptionsRefusedException($"--class-leases takes at most {LeasesGranted.ClassesMax} classes, and these are {leases.Count}.");
        return leases.ToFrozenDictionary(StringComparer.Ordinal);
    }

    private static int Rate(string flag, string text) => int.TryParse(text, out var rate) && rate is > 0 and <= 1_000_000
        ? rate
        : throw new OptionsRefusedException($"{flag} takes a number from 1 to 1,000,000, and '{text}' is none.");
}
