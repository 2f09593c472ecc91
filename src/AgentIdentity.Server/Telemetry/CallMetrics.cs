using System.Diagnostics;
using System.Diagnostics.Metrics;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Verification;
using AgentIdentity.Registry;
using AgentIdentity.Registry.Verifying;
using AgentIdentity.Registry.Witnessing;
using AgentIdentity.Server.Grpc;
using AgentIdentity.Storage;

namespace AgentIdentity.Server.Telemetry;

/// <summary>What the server counts. Names of methods and reasons only: nothing of what calls carry.</summary>
internal sealed class CallMetrics : IDisposable
{
    public const string Name = "AgentIdentity";

    public static readonly ActivitySource Activities = new(Name);

    private readonly TimeProvider _clock;
    private readonly Histogram<double> _duration;
    private readonly Counter<long> _refused;

    // What Verify has answered, by refusal. It answers more often than all else, so that to count costs one addition.
    private readonly long[] _verified = new long[Enum.GetValues<Refusal>().Length];

    public CallMetrics(RegistryNode registry, DiskWatch disk, TimeProvider clock)
    {
        _clock = clock;
        Meter = new Meter(Name);
        _duration = Meter.CreateHistogram<double>("agentidentity_call_duration_seconds", "s", "Time in the server, by method and status.");
        _refused = Meter.CreateCounter<long>("agentidentity_refusals_total", null, "Refused calls, by method and reason.");
        Meter.CreateObservableGauge("agentidentity_ledger_entries", () => (long)registry.State.Position, null, "Entries applied.");
        Meter.CreateObservableGauge("agentidentity_epoch", () => (long)registry.State.Epoch, null, "The epoch.");
        Meter.CreateObservableGauge("agentidentity_agents", () => (long)registry.State.AgentCount, null, "Agents enrolled, stopped ones included.");
        Meter.CreateObservableGauge("agentidentity_checkpoint_entries", () => (long)(registry.Checkpoints.Last?.Size.Value ?? 0), null, "Entries under the last checkpoint.");
        Meter.CreateObservableCounter("agentidentity_verifications_total", Verified, null, "Answers of Verify, by reason; NONE is allowed.");
        Meter.CreateObservableCounter("agentidentity_credentials_invalid_total", () => Flaws(registry.CredentialReader), null, "Credentials that were refused as CREDENTIAL_INVALID, by what is wrong with them; who presents one is not told.");
        var rules = Meter.CreateCounter<long>("agentidentity_rules_fired_total", null, "Stops that rules wanted, by trigger, and whether they came to be.");
        registry.Ruling.Fired += (trigger, stopped) => rules.Add(1, new("trigger", trigger.Word()), new("outcome", stopped ? "stopped" : "withheld"));
        if (registry.Cosigning is { } cosigning)
            Watch(cosigning);
        Meter.CreateObservableGauge("agentidentity_clock_behind_seconds", () => registry.ClockBehind.TotalSeconds, "s", "How far the newest entry lies ahead of this machine's clock; what is issued meanwhile is not yet valid.");
        var written = Meter.CreateHistogram<double>("agentidentity_disk_write_duration_seconds", "s", "Time that writes to the data folder took, the wait for the one before included, by what was written.");
        disk.Ended += (work, took) => written.Record(took.TotalSeconds, new KeyValuePair<string, object?>("work", StallLog.Label(work)));
        Meter.CreateObservableGauge("agentidentity_oldest_write_seconds", () => registry.OldestWrite.TotalSeconds, "s", "How long the oldest write has been waiting to be durable and answered; 0 when none waits.");
        Meter.CreateObservableGauge("agentidentity_memory_bytes", () => Environment.WorkingSet, "bytes", "Resident memory.");
    }

    public Meter Meter { get; }

    private void Watch(Cosigning cosigning)
    {
        Meter.CreateObservableGauge("agentidentity_witness_quorum", () => cosigning.HasQuorum ? 1L : 0L, null, "Whether a quorum of the witnesses has cosigned the last checkpoint: 1 or 0.");
        Meter.CreateObservableGauge("agentidentity_witnessed_entries", () => (long)(cosigning.Witnessed?.Size.Value ?? 0), null, "Entries under the last checkpoint that a quorum has cosigned.");
        Meter.CreateObservableGauge("agentidentity_witness_entries", () => Each(cosigning, report => (long)report.Size.Value), null, "Entries under the last checkpoint that a witness has cosigned.");
        Meter.CreateObservableGauge("agentidentity_witness_well", () => Each(cosigning, report => report.Problem == WitnessProblem.None ? 1L : 0L), null, "Whether nothing is wrong with a witness: 1 or 0.");
        Meter.CreateObservableGauge("agentidentity_witness_problem", () => Problems(cosigning), null, "What is wrong with a witness: 1 for that, 0 for all else.");
    }

    // All of them each time: a series that is not told of keeps its last value.
    private static IEnumerable<Measurement<long>> Problems(Cosigning cosigning) =>
        from asked in cosigning.Witnesses
        from problem in Enum.GetValues<WitnessProblem>()
        where problem != WitnessProblem.None
        select new Measurement<long>(asked.Report.Problem == problem ? 1 : 0, new("witness", asked.Witness.Name), new("problem", ToWire.Name(problem)));

    private static IEnumerable<Measurement<long>> Each(Cosigning cosigning, Func<WitnessReport, long> read) =>
        cosigning.Witnesses.Select(asked => new Measurement<long>(read(asked.Report), new("witness", asked.Witness.Name), new("url", asked.Witness.Url)));

    /// <summary>Counts an answer of Verify.</summary>
    public void Verified(Refusal refusal) => Interlocked.Increment(ref _verified[(int)refusal]);

    // Reasons that never came are left out: most are no answers of Verify.
    private IEnumerable<Measurement<long>> Verified() =>
        from refusal in Enum.GetValues<Refusal>()
        let count = Interlocked.Read(ref _verified[(int)refusal])
        where count > 0 || refusal == Refusal.None
        select new Measurement<long>(count, new KeyValuePair<string, object?>("reason", refusal.Name()));

    private static IEnumerable<Measurement<long>> Flaws(CredentialReader reader) =>
        from flaw in Enum.GetValues<CredentialFlaw>()
        where flaw != CredentialFlaw.None
        select new Measurement<long>(reader.Failed(flaw), new KeyValuePair<string, object?>("flaw", flaw.ToString().ToLowerInvariant()));

    public CallWatch Begin(CallState call, IHeaderDictionary headers) =>
        new(this, call, _clock.GetTimestamp(), Activities.HasListeners() ? Activities.StartActivity(call.Row.Method, ActivityKind.Server, CallersTrace(headers)) : null);

    // W3C Trace Context. It ties what several programs record together, and says nothing about who calls.
    private static ActivityContext CallersTrace(IHeaderDictionary headers) =>
        ActivityContext.TryParse(headers.TraceParent, traceState: null, isRemote: true, out var trace) ? trace : default;

    public void Refused(string method, string reason) => _refused.Add(1, new("method", method), new("reason", reason));

    public void Dispose() => Meter.Dispose();

    internal void End(CallState call, long begun, string status) =>
        _duration.Record(_clock.GetElapsedTime(begun).TotalSeconds, new("method", call.Row.Method), new("status", status));
}
