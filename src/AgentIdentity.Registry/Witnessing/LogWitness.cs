using System.Security.Cryptography;
using System.Text;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Checkpoints;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Witnessing;

/// <summary>What a witness answers: a cosignature, or why there is none, and then what it has cosigned last.</summary>
public sealed record WitnessAnswer(WitnessRefusal Refusal, TreeSize Last, NoteSignature? Cosignature);

/// <summary>Cosigns what the logs of other registries have signed, as long as it goes on from everything that it has cosigned of them (C2SP tlog-witness). For all threads.</summary>
/// <remarks>
/// What it cosigns is durable, in the place of what it cosigned before, before anybody sees the cosignature; one log's requests are judged one after the other. So neither two that
/// race nor an end between the two can make it sign two histories.
/// </remarks>
public sealed class LogWitness
{
    // What the store takes; a checkpoint without long extension lines is some hundred bytes.
    private const int DocumentBytesMax = 64 * 1024;

    // A log has one signature by its key; what else claims to be one costs a check.
    private const int SignaturesMax = 4;

    // Whoever has a log's checkpoint can send it again: no more than this often is it written down again.
    private static readonly TimeSpan AgainAfter = TimeSpan.FromMinutes(1);

    // What its ledger holds of each log grows by this much at most.
    private static readonly TimeSpan RecordedAfter = TimeSpan.FromMinutes(1);

    private readonly ILedgerStore _store;
    private readonly Func<CosignerKey> _openKey;
    private readonly Lock _keyLock = new();
    private CosignerKey? _key;
    private readonly Standing _standing;
    private readonly CheckpointPublisher _checkpoints;
    private readonly TimeProvider _clock;
    private readonly Dictionary<string, WatchedLog> _logs;

    internal LogWitness(ILedgerStore store, Func<CosignerKey> openKey, IReadOnlyList<NoteVerifierKey> logs, Standing standing, CheckpointPublisher checkpoints, TimeProvider clock)
    {
        (_store, _openKey, _standing, _checkpoints, _clock) = (store, openKey, standing, checkpoints, clock);
        _logs = logs.ToDictionary(log => log.Name, log => new WatchedLog(log), StringComparer.Ordinal);
        foreach (var log in _logs.Values)
            log.Last = Read(log);
    }

    /// <summary>The line by which others know its cosignatures. The key is made when somebody first asks for it.</summary>
    /// <exception cref="StoreFullException">There is no room to remember which key it is.</exception>
    public string Vkey => Key.Verifier.ToString();

    /// <summary>Whether there is any log that it cosigns for.</summary>
    public bool HasLogs => _logs.Count > 0;

    /// <summary>False while this registry denies everybody, or a chain has more of its log: one that has lost a part of its own ledger has lost as much of what it has cosigned.</summary>
    /// <remarks>True while its own witnesses have not been asked: two that witness each other would wait for each other's word for ever.</remarks>
    public bool IsInService => !_standing.IsHalted && !_checkpoints.IsHeldBy(SigningHold.Chain);

    /// <summary>Judges a request, the body of add-checkpoint.</summary>
    /// <exception cref="StoreFullException">There is no room to remember it, so it is not cosigned.</exception>
    public WitnessAnswer Add(ReadOnlySpan<byte> body)
    {
        if (!WitnessRequest.TryParse(body, out var request, out var refusal))
            return new WitnessAnswer(refusal, default, null);
        if (!_logs.TryGetValue(request.Checkpoint.Origin, out var log))
            return new WitnessAnswer(WitnessRefusal.UnknownLog, default, null);
        var note = request.Note.By(log.Key);
        if (note.Signatures.Count is 0 or > SignaturesMax)
            return new WitnessAnswer(WitnessRefusal.NotSigned, default, null);
        lock (log.Lock)
            return Judge(log, new WitnessRequest(request.OldSize, request.Path, note));
    }

    /// <summary>The last checkpoint of a log that it has cosigned, with the signatures of the log and of this witness; null if there is none.</summary>
    /// <param name="originHash">SHA-256 of the log's origin in lower-case hexadecimal digits.</param>
    public byte[]? LastOf(string originHash) => _logs.Values.FirstOrDefault(log => log.OriginHash == originHash)?.Last?.Note.ToArray();

    /// <summary>Puts what it has cosigned last of each log into the ledger, if it is news there: whatever is written behind it is younger than those trees. By the writer, with others' entries alone.</summary>
    /// <remarks>So a registry in which nothing happens does not grow, and two that watch each other do not keep each other growing.</remarks>
    internal void Record(Draft draft)
    {
        foreach (var log in _logs.Values)
        {
            if (log.Last is not { } last || last.Checkpoint.Size.Value <= log.RecordedSize.Value || draft.At - log.RecordedAt < (long)RecordedAfter.TotalMilliseconds)
                continue;
            var cosigned = new LogCosigned(Encoding.UTF8.GetString(last.Note.ToArray()));
            // Also when there is no room for it: with it the whole group is refused, which may not happen to each.
            log.RecordedAt = draft.At;
            if (cosigned.ReadCheckpoint() is not null)
                draft.Stage(draft.RegistryId, cosigned, draft.RegistryId);
        }
    }

    /// <summary>Told by the writer of what is in the ledger since the start; before that, nothing is known of it, and a log's first is recorded again.</summary>
    internal void Remember(Entry entry)
    {
        if (entry.Body is LogCosigned cosigned && _logs.TryGetValue(cosigned.ReadCheckpoint()!.Origin, out var log))
            (log.RecordedSize, log.RecordedAt) = (cosigned.ReadCheckpoint()!.Size, entry.At);
    }

    private WitnessAnswer Judge(WatchedLog log, WitnessRequest request)
    {
        var last = log.Last;
        var refusal = WitnessRule.Judge(request, log.Key, last?.Checkpoint);
        if (refusal != WitnessRefusal.None)
            return new WitnessAnswer(refusal, last?.Checkpoint.Size ?? default, null);
        var now = _clock.GetUtcNow();
        if (last is { Cosignature: { } again } && last.Checkpoint.Size == request.Checkpoint.Size && (now - last.At).Duration() < AgainAfter)
            return new WitnessAnswer(WitnessRefusal.None, last.Checkpoint.Size, again);
        var cosignature = Key.Sign(request.Checkpoint, now);
        var next = new Cosigned(request.Checkpoint, request.Note.With(cosignature), (last?.Version ?? 0) + 1) { Cosignature = cosignature, At = now };
        var note = next.Note.ToArray();
        if (note.Length > DocumentBytesMax)
            return new WitnessAnswer(WitnessRefusal.Malformed, default, null);
        if (!_store.TryWriteDocument(log.Document, next.Version - 1, note))
            throw new LedgerDamagedException($"Somebody else has written what this witness has cosigned of {log.Key.Name}.");
        log.Last = next;
        return new WitnessAnswer(WitnessRefusal.None, next.Checkpoint.Size, cosignature);
    }

    // Written by us, or by the key before ours; the log's signature alone makes it a checkpoint of that log.
    private Cosigned? Read(WatchedLog log)
    {
        if (_store.ReadDocument(log.Document) is not { } held)
            return null;
        return Checkpoint.TryOpen(held.Content.Span, log.Key, out var checkpoint, out var refusal) && SignedNote.TryParse(held.Content.Span, out var note, out _)
            ? new Cosigned(checkpoint, note, held.Version)
            : throw new LedgerDamagedException($"What this witness has cosigned of {log.Key.Name} cannot be read ({refusal}): its key may have changed. Cosigning it again would forget it.");
    }

    private CosignerKey Key
    {
        get
        {
            lock (_keyLock)
                return _key ??= _openKey();
        }
    }

    private sealed record Cosigned(Checkpoint Checkpoint, SignedNote Note, long Version)
    {
        // Of this process: what another one has cosigned is cosigned again.
        public NoteSignature? Cosignature { get; init; }

        public DateTimeOffset At { get; init; }
    }

    private sealed class WatchedLog(NoteVerifierKey key)
    {
        private volatile Cosigned? _last;

        public NoteVerifierKey Key => key;

        public Lock Lock { get; } = new();

        public string OriginHash { get; } = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key.Name)));

        public string Document => "witnessed-" + OriginHash;

        // What the ledger holds of it, and since when. The writer's own.
        public TreeSize RecordedSize { get; set; }

        public long RecordedAt { get; set; }

        public Cosigned? Last
        {
            get => _last;
            set => _last = value;
        }
    }
}
