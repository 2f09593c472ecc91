using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Registry;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Watching;
using Google.Protobuf;
using Wire = AgentIdentity.Protocol.V1;

namespace AgentIdentity.Server.Grpc;

/// <summary>What enforcers are told, as messages of a size that every client takes.</summary>
internal static class WatchPieces
{
    private const int PartBytes = 128 * 1024;

    public static IEnumerable<Wire.RegistryMessage> WatchParts(this RegistryNode registry, WatchMessage message) => message switch
    {
        Delta delta => Parts(delta),
        Snapshot snapshot => Parts(snapshot),
        Heartbeat heartbeat => [new() { Heartbeat = new() { Note = heartbeat.Note, Checkpoint = heartbeat.Checkpoint, Consistency = { heartbeat.Consistency.Select(ToWire.Bytes) } } }],
        EntryProof proof => [new() { Proof = new() { LedgerIndex = proof.Index.Value, Entry = ToWire.Bytes(proof.Entry), Salt = ToWire.Bytes(proof.Salt), Receipt = proof.Receipt } }],
        ProbeShown probe => [new() { Probe = new() { Credential = probe.Credential } }],
        Unlogged unlogged => [new() { Unlogged = new() { Items = { unlogged.Items.Select(ToWire.Bytes) } } }],
        Greeting greeting => [new() { Greeting = Greet(registry, greeting) }],
        _ => throw new InvalidOperationException($"No wire message for {message.GetType().Name}."),
    };

    private static IEnumerable<Wire.RegistryMessage> Parts(Delta delta)
    {
        for (var from = 0; from == 0 || from < delta.Payload.Length; from += PartBytes)
        {
            var end = Math.Min(from + PartBytes, delta.Payload.Length);
            yield return new Wire.RegistryMessage
            {
                Delta = new() { Note = from == 0 ? delta.Note : "", Payload = UnsafeByteOperations.UnsafeWrap(delta.Payload.AsMemory(from..end)), HasMore = end < delta.Payload.Length },
            };
        }
    }

    private static IEnumerable<Wire.RegistryMessage> Parts(Snapshot snapshot)
    {
        var part = new Wire.WatchSnapshot { Note = snapshot.Note };
        var size = 0;
        foreach (var denial in snapshot.Denials.Select(DenialFormat.Encode))
        {
            if (part.Denials.Count > 0 && size + denial.Length > PartBytes)
            {
                part.HasMore = true;
                yield return new Wire.RegistryMessage { Snapshot = part };
                (part, size) = (new Wire.WatchSnapshot(), 0);
            }
            part.Denials.Add(ToWire.Bytes(denial));
            size += denial.Length;
        }
        yield return new Wire.RegistryMessage { Snapshot = part };
    }

    private static Wire.WatchGreeting Greet(RegistryNode registry, Greeting greeting)
    {
        var state = registry.State;
        var terms = new Wire.WatchTerms
        {
            SingleOperator = state.Founding!.SingleOperator,
            Operators = { state.Callers.Where(caller => caller.Role == CallerRole.Operator).OrderBy(caller => caller.Id).Select(caller => Operator(caller)) },
            BreakGlassKey = state.BreakGlassKey is { } key ? new() { Jwk = key.ToJwk() } : null,
            IssuerKeys = { state.IssuerKeys.Spans.Select(span => new Wire.IssuerKeyPeriod { Key = new() { Jwk = span.Key.ToJwk() }, From = span.From.Value }) },
            Blueprints = { state.Stops.Blueprints.Select(Blueprint) },
            LeaseMilliseconds = (uint)greeting.Lease.TotalMilliseconds,
            ClassLeases = { greeting.Classes.Select(one => new Wire.WatchClassLease { Name = one.Name, Milliseconds = one.Milliseconds }) },
            Callees = { greeting.Callees.Select(state.FindAgent).OfType<AgentRecord>().Select(agent => Callee(agent.Actor)) },
        }.ToByteArray();
        return new Wire.WatchGreeting
        {
            WatchKeyNote = greeting.WatchKeyNote,
            LogKey = registry.Checkpoints.LogKey,
            Origin = state.Log.Origin,
            Succession = greeting.Succession is { } succession ? ToWire.Consistency(registry, succession) : null,
            Terms = ByteString.CopyFrom(terms),
            TermsNote = greeting.SignTerms(terms),
        };
    }

    private static Wire.WatchOperator Operator(CallerRecord caller) => new()
    {
        CallerId = ToWire.Bytes(caller.Id.ToArray()),
        Name = caller.Name,
        Key = new() { Jwk = caller.Key.ToJwk() },
        OfGenesis = caller.IsFounder,
        RegisteredAt = caller.RegisteredAt,
        PasskeyOrigin = caller.Passkey?.Text ?? "",
    };

    private static Wire.WatchCallee Callee(Actor agent) => new()
    {
        AgentId = ToWire.Bytes(agent.Agent.ToArray()),
        KeyId = ToWire.Bytes(agent.Key.Value),
        Sponsor = agent.Sponsor,
        Blueprint = agent.Blueprint,
        Labels = { agent.Labels.Select(label => new Wire.Label { Name = label.Key, Value = label.Value }) },
    };

    private static Wire.BlueprintReads Blueprint(BlueprintRecord blueprint) => new()
    {
        Name = blueprint.Name,
        Model = blueprint.Model,
        Reads = { blueprint.Reads.Select(read => new Wire.ReadAction { Type = read.Type, Action = read.Action }) },
    };
}
