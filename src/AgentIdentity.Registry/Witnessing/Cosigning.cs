using System.Text;
using AgentIdentity.Credentials;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Checkpoints;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Witnessing;

/// <summary>
/// Has witnesses cosign each checkpoint before it is shown: with a quorum of them as soon as there is one, and without it after a second, because the ledger does not wait for
/// others. Who asks for a quorum is told what has one.
/// </summary>
/// <remarks>Each witness has a worker of its own, which asks about the newest checkpoint alone: a slow one delays nobody, and a new checkpoint covers what was missed.</remarks>
public sealed class Cosigning : IAsyncDisposable
{
    /// <summary>How long a checkpoint waits for its quorum.</summary>
    public static readonly TimeSpan ShownAfter = TimeSpan.FromSeconds(1);

    // A cosignature says what was the newest tree at its time; of a quiet log it is made again.
    private static readonly TimeSpan AskedAgainAfter = TimeSpan.FromMinutes(10);

    private static readonly TimeSpan LookPatience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan PauseMin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PauseMax = TimeSpan.FromSeconds(15);

    // A witness that takes longer than this many checkpoints has cosigned what nobody waits for any more.
    private const int PendingMax = 16;

    private readonly TlogPolicy _policy;
    private readonly bool _startUnwitnessed;
    private readonly CheckpointPublisher _publisher;
    private readonly PublishedLog _log;
    private readonly SeenCheckpoints _seen;
    private readonly TimeProvider _clock;
    private readonly Action<string> _say;
    private readonly HttpMessageInvoker _http;
    private readonly CancellationTokenSource _end = new();
    private readonly ITimer _due;
    private readonly Lock _lock = new();
    private readonly List<Pending> _pending = [];
    private readonly HashSet<string> _asked = new(StringComparer.Ordinal);
    private Task _workers = Task.CompletedTask;
    private volatile StoredCheckpoint? _witnessed;
    private TaskCompletionSource _signed = NewSignal();
    private TaskCompletionSource _cosigned = NewSignal();

    internal Cosigning(TlogPolicy policy, bool startUnwitnessed, HttpMessageHandler outside, CheckpointPublisher publisher, PublishedLog log, SeenCheckpoints seen, TimeProvider clock, Action<string> say)
    {
        (_policy, _startUnwitnessed, _publisher, _log, _seen, _clock, _say) = (policy, startUnwitnessed, publisher, log, seen, clock, say);
        _http = new HttpMessageInvoker(outside);
        _due = clock.CreateTimer(_ => ShowWhatIsDue(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Witnesses = [.. policy.Witnesses.Select(witness => new AskedWitness(witness, new WitnessClient(witness.Key!, new Uri(witness.Url!), _http, clock)))];
        publisher.BeforeShown = Take;
        publisher.Hold(SigningHold.Witnesses);
    }

    /// <summary>Whom it asks.</summary>
    public IReadOnlyList<AskedWitness> Witnesses { get; }

    /// <summary>The largest checkpoint that a quorum has cosigned since the start; null while there is none.</summary>
    public StoredCheckpoint? Witnessed => _witnessed;

    /// <summary>Whether a quorum has cosigned what everybody sees.</summary>
    public bool HasQuorum => _publisher.Last is { } last && _witnessed?.Size == last.Size;

    /// <summary>Whether nothing is signed, because a quorum has not said yet what it has seen of this log.</summary>
    public bool IsHolding => _publisher.IsHeldBy(SigningHold.Witnesses);

    /// <summary>Ends when a checkpoint that a quorum has cosigned covers the entry.</summary>
    public async Task WhenWitnessedAsync(LeafIndex index, CancellationToken cancellation)
    {
        while (true)
        {
            var cosigned = Volatile.Read(ref _cosigned).Task;
            if (_witnessed is { } witnessed && witnessed.Size.Contains(index))
                return;
            await cosigned.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Before anything is signed: whether a witness has seen more of this log than there is here. Then everybody is denied. Begins to have checkpoints cosigned, as soon as a quorum was asked.</summary>
    /// <remarks>A registry that was put back to an older state would else sign another history while its witnesses are silent. Those that are go on being asked.</remarks>
    public async Task StartAsync()
    {
        if (_publisher.Signed is { } signed)
            Take(signed);
        using var patience = new CancellationTokenSource(LookPatience);
        _ = await Task.WhenAll(Witnesses.Select(witness => IsAskedAsync(witness, patience.Token))).ConfigureAwait(false);
        if (_publisher.IsHeldBy(SigningHold.Witnesses) && _startUnwitnessed)
        {
            _say("Too few witnesses could be asked what they have seen of this log: if this folder was put back to an older state, nobody has noticed yet.");
            _publisher.Release(SigningHold.Witnesses);
        }
        if (_publisher.IsHeldBy(SigningHold.Witnesses))
            _say("No checkpoint is signed before a quorum of the witnesses was asked what it has seen of this log (--start-unwitnessed does not wait for them).");
        _workers = Task.WhenAll(Witnesses.Select(witness => Task.Run(() => WorkAsync(witness))));
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync().ConfigureAwait(false);
        await _workers.ConfigureAwait(false);
        await _due.DisposeAsync().ConfigureAwait(false);
        _http.Dispose();
        _end.Dispose();
    }

    // Once it has answered, it is not asked again: what it sees later it tells with its cosignatures.
    private async Task<bool> IsAskedAsync(AskedWitness witness, CancellationToken cancellation)
    {
        var name = witness.Witness.Name;
        lock (_lock)
        {
            if (_asked.Contains(name))
                return true;
        }
        if (!await HasSaidAsync(witness, cancellation).ConfigureAwait(false))
            return false;
        lock (_lock)
            Count(witness);
        return true;
    }

    // Under the lock.
    private void Count(AskedWitness witness)
    {
        if (_asked.Add(witness.Witness.Name) && _policy.IsQuorum(_asked))
            _publisher.Release(SigningHold.Witnesses);
    }

    // Whether it has said itself what it has seen of this log, by its signature. That it knows nothing says something only of a log that has signed nothing yet: anybody who stands before it can say that, and a witness need not show
    // what it has seen. Such a one counts when it cosigns what was signed here last.
    private async Task<bool> HasSaidAsync(AskedWitness witness, CancellationToken cancellation)
    {
        try
        {
            var note = await witness.Client.LatestAsync(_publisher.Verifier.Name, cancellation).ConfigureAwait(false);
            if (note is null or "")
                return note is not null && _publisher.Signed is null;
            return _seen.Present(note).Refusal != Refusal.CheckpointNotOurs && witness.Client.HasSigned(note);
        }
        catch (OperationCanceledException) when (!_end.IsCancellationRequested)
        {
            return false;
        }
    }

    // By the writer, when the checkpoint is durable.
    private void Take(StoredCheckpoint signed)
    {
        lock (_lock)
        {
            ShowNewest();
            _pending.Add(new Pending(signed));
            if (_pending.Count > PendingMax)
                _pending.RemoveAt(0);
            _due.Change(ShownAfter, Timeout.InfiniteTimeSpan);
        }
        Interlocked.Exchange(ref _signed, NewSignal()).TrySetResult();
    }

    private void ShowWhatIsDue()
    {
        lock (_lock)
            ShowNewest();
    }

    private void ShowNewest()
    {
        if (_pending is [.., { IsShown: false } newest])
            Show(newest);
    }

    private void Show(Pending pending)
    {
        pending.IsShown = true;
        _publisher.Show(pending.ToCheckpoint(_policy));
    }

    private Pending? Newest()
    {
        lock (_lock)
            return _pending is [.., var newest] ? newest : null;
    }

    private void Keep(AskedWitness witness, Pending pending, NoteSignature cosignature)
    {
        witness.Known = pending.Size;
        witness.Report = new WitnessReport(WitnessProblem.None, pending.Size, _clock.GetUtcNow());
        lock (_lock)
        {
            Count(witness);
            if (!_pending.Contains(pending))
                return;
            pending.Cosignatures[witness.Witness.Name] = cosignature;
            var isNewest = pending == _pending[^1];
            var hasQuorum = _policy.IsQuorum(pending.Cosignatures.Keys);
            if (isNewest && (hasQuorum || pending.IsShown))
                Show(pending);
            if (!hasQuorum)
                return;
            _witnessed = pending.ToCheckpoint(_policy);
            _pending.RemoveRange(0, _pending.IndexOf(pending));
        }
        Interlocked.Exchange(ref _cosigned, NewSignal()).TrySetResult();
    }

    private async Task WorkAsync(AskedWitness witness)
    {
        var pause = PauseMin;
        try
        {
            while (true)
            {
                var next = Volatile.Read(ref _signed).Task;
                var problem = Newest() is { } newest ? await AskAsync(witness, newest, _end.Token).ConfigureAwait(false) : WitnessProblem.None;
                if (!await IsAskedAsync(witness, _end.Token).ConfigureAwait(false) && problem == WitnessProblem.None)
                    problem = WitnessProblem.Unreachable;
                if (problem == WitnessProblem.None)
                {
                    pause = PauseMin;
                    await Task.WhenAny(next, Task.Delay(AskedAgainAfter, _clock, _end.Token)).ConfigureAwait(false);
                    _end.Token.ThrowIfCancellationRequested();
                    continue;
                }
                Report(witness, problem);
                await Task.Delay(pause, _clock, _end.Token).ConfigureAwait(false);
                pause = pause * 2 < PauseMax ? pause * 2 : PauseMax;
            }
        }
        catch (OperationCanceledException) when (_end.IsCancellationRequested)
        {
        }
        catch (Exception failure)
        {
            Report(witness, WitnessProblem.NotAsked);
            _say($"The witness {witness.Witness.Name} is not asked any more until a restart: {failure.Message}");
        }
    }

    private void Report(AskedWitness witness, WitnessProblem problem)
    {
        if (witness.Report.Problem != problem)
            _say($"The witness {witness.Witness.Name} does not cosign: {problem}.");
        witness.Report = witness.Report with { Problem = problem };
    }

    private async Task<WitnessProblem> AskAsync(AskedWitness witness, Pending pending, CancellationToken cancellation)
    {
        var reply = await AddAsync(witness, pending, cancellation).ConfigureAwait(false);
        // It has cosigned another size than we knew, which happens at the first question and when two processes ask.
        if (reply.OldSize is { } size && size.Value <= pending.Size.Value && size != witness.Known)
        {
            witness.Known = size;
            reply = await AddAsync(witness, pending, cancellation).ConfigureAwait(false);
        }
        if (reply.Cosignature is { } cosignature)
        {
            Keep(witness, pending, cosignature);
            return WitnessProblem.None;
        }
        var sawMore = reply.Problem == WitnessProblem.Inconsistent || reply.OldSize?.Value > pending.Size.Value;
        return sawMore && await ShowsAnotherHistoryAsync(witness, cancellation).ConfigureAwait(false) ? WitnessProblem.SawAnotherHistory : reply.Problem;
    }

    private Task<WitnessReply> AddAsync(AskedWitness witness, Pending pending, CancellationToken cancellation)
    {
        var path = ConsistencyProof.Build(witness.Known, pending.Size, _log.Under(pending.Signed).Node);
        return witness.Client.AddAsync(new WitnessRequest(witness.Known, path, pending.Note), cancellation);
    }

    // What it shows counts only if this log's key has signed it; then it is as if its caller had presented it.
    private async Task<bool> ShowsAnotherHistoryAsync(AskedWitness witness, CancellationToken cancellation) =>
        await witness.Client.LatestAsync(_publisher.Verifier.Name, cancellation).ConfigureAwait(false) is { Length: > 0 } note && _seen.Present(note).Refusal == Refusal.RolledBack;

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>A signed checkpoint, and who has cosigned it so far.</summary>
    private sealed class Pending(StoredCheckpoint signed)
    {
        public StoredCheckpoint Signed => signed;

        public TreeSize Size => signed.Size;

        public SignedNote Note { get; } = SignedNote.TryParse(Encoding.UTF8.GetBytes(signed.Note), out var note, out var why)
            ? note
            : throw new LedgerDamagedException($"The stored checkpoint is no signed note: {why}.");

        public Dictionary<string, NoteSignature> Cosignatures { get; } = new(StringComparer.Ordinal);

        public bool IsShown { get; set; }

        // In the order of the policy, so that one set of cosignatures has one spelling.
        public StoredCheckpoint ToCheckpoint(TlogPolicy policy)
        {
            var lines = policy.Witnesses.Select(witness => Cosignatures.GetValueOrDefault(witness.Name)).OfType<NoteSignature>();
            return signed with { Note = Encoding.UTF8.GetString(Note.With(lines).ToArray()) };
        }
    }
}
