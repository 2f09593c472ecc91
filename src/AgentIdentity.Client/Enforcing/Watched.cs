using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Passkeys;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Credentials.Verification;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using Google.Protobuf;
using Acknowledgement = AgentIdentity.Credentials.Watching.Acknowledgement;
using PublicKey = AgentIdentity.Credentials.Keys.PublicKey;

namespace AgentIdentity.Client.Enforcing;

/// <summary>What follows from a message of the registry.</summary>
internal enum WatchStep
{
    /// <summary>The next one.</summary>
    Next,

    /// <summary>The enforcer signs what it refuses now.</summary>
    Acknowledge,

    /// <summary>The stream ends, and another begins with a fresh snapshot. What is refused stays so; the lease is not extended.</summary>
    End,
}

/// <summary>
/// What an enforcer knows by the watch, and by which rules it learns: docs/formats.md, "Watch". Nothing here reads or writes a connection or a file.
/// </summary>
/// <remarks>One thread at a time. Decisions read <see cref="Epoch"/>, <see cref="IssuerKeys"/> and the deny state, from any thread.</remarks>
internal sealed class Watched
{
    // More than any registry has stopped at once, and not enough to exhaust memory with.
    private const int DenialsMax = 1_000_000;
    private const int NonceSize = 24;

    // Heartbeats that are on their way at most.
    private const int NoncesMax = 16;

    private readonly RegistryName _name;
    private readonly Hash _view;
    private readonly EnforcerOptions _options;
    private readonly HeldStops _stops;
    private readonly Lease _lease;
    private readonly BootClock _boot;
    private readonly TimeProvider _clock;
    private readonly Action<EnforcerAlarmKind, string> _alarm;
    private readonly Expectations _expectations;
    private readonly DenialBook _denials;
    private readonly Authority _authority;

    // What is remembered over a restart.
    private readonly List<string> _successions = [];
    private NoteVerifierKey? _logKey;
    private KnownCheckpoint? _checkpoint;
    private ulong _epoch;
    private (string Note, byte[] Payload) _newest = ("", []);

    // What is presented: the newest from before anything was lifted, or anybody came who may lift, whose proof has not come, since the registry proves what came after it.
    private (string Note, byte[] Payload) _presented = ("", []);

    // What the registry has signed for that epoch, which is not always what can be computed from its deltas.
    private (ulong Count, Hash Digest)? _signed;

    private readonly HashSet<Hash> _unprovenPeople = [];

    // Denials that a snapshot did not show any more, and whose lift nobody has proven. Another connection, or process, proves nothing.
    private readonly HashSet<ulong> _missing = [];
    private bool _isChanged;

    // What belongs to one connection.
    private readonly Dictionary<string, SentNonce> _nonces = new(StringComparer.Ordinal);
    private NoteVerifierKey? _watchKey;
    private SnapshotNote? _snapshotNote;
    private string _snapshotText = "";
    private DenyList? _snapshot;
    private (DeltaNote Note, string Text, MemoryStream Payload)? _delta;
    private bool _isLive;
    private string _answeredNonce = "";

    public Watched(EnforcerOptions options, RegistryName name, HeldStops stops, Lease lease, EnforcerState state, Action<EnforcerAlarmKind, string> alarm)
    {
        (_options, _name, _stops, _lease, _alarm) = (options, name, stops, lease, alarm);
        (_boot, _clock) = (options.BootClock, options.Registry.Clock);
        _view = ViewId.Of(options.Audiences);
        _expectations = new Expectations(_boot, alarm);
        _denials = new DenialBook(stops.DenyState);
        _authority = new Authority(name.PublicUrl, _denials, stops.DenyState, _clock, alarm);
        _logKey = options.LogKey;
        Remember(state);
    }

    /// <summary>The epoch whose denials are held.</summary>
    public ulong Epoch => Volatile.Read(ref _epoch);

    /// <summary>The keys that sign credentials.</summary>
    public KeyHistory IssuerKeys { get; private set; } = KeyHistory.Empty;

    /// <summary>Whether the stream has brought its snapshot.</summary>
    public bool IsLive => _isLive;

    /// <summary>Whether there is a nonce to sign under: one of this stream was answered.</summary>
    public bool CanAcknowledge => _answeredNonce.Length > 0;

    /// <summary>What the registry grants, as it greets.</summary>
    public TimeSpan Granted { get; private set; } = TimeSpan.MaxValue;

    /// <summary>Whether there is something to write down. Asking forgets.</summary>
    public bool TakeIsChanged()
    {
        var isChanged = _isChanged;
        _isChanged = false;
        return isChanged;
    }

    /// <summary>Called for each denial that was not refused before.</summary>
    public Action<Denial> Denied { get; init; } = static _ => { };

    /// <summary>Gives the credentials that stand for an item that the ledger does not hold.</summary>
    public Func<Hash, IEnumerable<(SubjectId Jti, long ExpiresAt)>> FindAccepted { get; init; } = static _ => [];

    /// <summary>Called for each probe that the registry shows.</summary>
    public Action<string> Probed { get; init; } = static _ => { };

    /// <summary>The first message of a connection.</summary>
    public WatchBegin Begin()
    {
        _nonces.Clear();
        (_watchKey, _snapshotNote, _snapshot, _delta, _isLive, _answeredNonce) = (null, null, null, null, false, "");
        return new WatchBegin
        {
            KnownCheckpoint = _checkpoint?.Note ?? "",
            LastNote = _presented.Note,
            LastPayload = ByteString.CopyFrom(_presented.Payload),
            Orders = { _authority.Orders.Select(order => order.Token) },
            ObserveOnly = _options.ObserveOnly,
        };
    }

    /// <summary>A nonce, which the lease runs from. To be sent at once.</summary>
    public WatchNonce NextNonce()
    {
        // The oldest is not going to be answered any more.
        if (_nonces.Count >= NoncesMax)
            _nonces.Remove(_nonces.MinBy(nonce => nonce.Value.At).Key);
        var nonce = RandomNumberGenerator.GetBytes(NonceSize);
        _nonces[CanonicalBase64Url.Encode(nonce)] = new SentNonce(_boot.Milliseconds, _checkpoint?.Checkpoint);
        return new WatchNonce { Nonce = ByteString.CopyFrom(nonce), TreeSize = _checkpoint?.Checkpoint.Size.Value ?? 0 };
    }

    /// <summary>What the enforcer signs now.</summary>
    public Acknowledgement Acknowledge(ulong decisions, Hash chain) => new(
        _logKey?.Name ?? _name.Origin, _checkpoint?.Checkpoint.Size ?? new TreeSize(0), _checkpoint?.Checkpoint.Root ?? MerkleHash.Empty, _epoch, _view, _denials.Digest, _answeredNonce, decisions, chain, _options.ObserveOnly);

    /// <summary>What time alone brings: alarms over what has not come, and keys that come of age.</summary>
    public void Tick()
    {
        _expectations.RaiseOverdue();
        if (_authority.Waiting.Count > 0)
            _authority.JudgeWaiting();
        _stops.Forget(_clock.GetUtcNow().ToUnixTimeSeconds(), _boot.Milliseconds);
    }

    /// <summary>The key that orders are held against, if one is known.</summary>
    public PublicKey? BreakGlassKey => _authority.BreakGlassKey;

    /// <summary>Obeys a break-glass order. True when it is a new one, which the registry has not been told of.</summary>
    public bool Obey(string token)
    {
        if (_authority.Obey(token) is not { } denial)
            return false;
        _isChanged = true;
        _alarm(EnforcerAlarmKind.OrderObeyed, $"The break-glass key has frozen {denial.Scope}.");
        Denied(denial);
        return true;
    }

    /// <summary>Takes a message of the registry.</summary>
    public WatchStep Take(RegistryMessage message)
    {
        var step = TakeByKind(message);
        if (!_denials.HasHeld && _unprovenPeople.Count == 0)
            _presented = _newest;
        return step;
    }

    private WatchStep TakeByKind(RegistryMessage message) => message.OfCase switch
    {
        RegistryMessage.OfOneofCase.Greeting => Take(message.Greeting),
        _ when _watchKey is null => End(EnforcerAlarmKind.NoteForged, "The registry did not greet first."),
        RegistryMessage.OfOneofCase.Snapshot => Take(message.Snapshot),
        RegistryMessage.OfOneofCase.Proof => Take(message.Proof),
        RegistryMessage.OfOneofCase.Unlogged => Take(message.Unlogged),
        RegistryMessage.OfOneofCase.Probe => Take(message.Probe),
        _ when !_isLive => End(EnforcerAlarmKind.NoteForged, "The registry began without a snapshot."),
        RegistryMessage.OfOneofCase.Delta => Take(message.Delta),
        RegistryMessage.OfOneofCase.Heartbeat => Take(message.Heartbeat),
        _ => End(EnforcerAlarmKind.NoteForged, "The registry sent an empty message, or one that this library does not know."),
    };

    /// <summary>What is to be remembered over a restart.</summary>
    public EnforcerState Capture() => new()
    {
        LogKey = _logKey?.ToString(),
        Successions = [.. _successions],
        Checkpoint = _checkpoint?.Note,
        Epoch = _epoch,
        LastNote = _presented.Note,
        LastPayload = _presented.Payload,
        Count = _signed?.Count ?? 0,
        Digest = _signed?.Digest.ToArray(),
        Denials = [.. _denials.Shown.Select(DenialFormat.Encode)],
        Held = [.. _denials.Held.Select(DenialFormat.Encode)],
        Missing = [.. _missing.Order()],
        LiftedOrders = [.. _authority.LiftedOrders],
        SingleOperator = _authority.Pins.IsSingleOperator,
        Operators = [.. _authority.Pins.Pinned.Select(pinned => new StoredOperator(pinned.Caller.ToString(), pinned.Name, pinned.Key.ToJwk(), pinned.Since, pinned.Passkey?.Text))],
        UsedNonces = [.. _authority.Pins.UsedNonces.Select(used => new StoredNonce(used.Key, used.Value.Value))],
        BreakGlassKey = _authority.BreakGlassKey?.ToJwk(),
        Orders = [.. _authority.Orders.Select(order => new StoredOrder(order.Token, order.Entry?.Value))],
        Waiting = [.. _authority.Waiting.Select(waiting => new StoredEntry(waiting.Index.Value, waiting.Entry.Encode()))],
        Unlogged = [.. _stops.Unlogged.Select(unlogged => new StoredUnlogged(unlogged.Key.ToString(), unlogged.Value.ExpiresAt))],
    };

    private WatchStep Take(WatchGreeting greeting)
    {
        if (!LogOrigin.IsAtOrBefore(_name.Origin, greeting.Origin) || !NoteVerifierKey.TryParse(greeting.LogKey, out var logKey, out _) || logKey.Name != greeting.Origin)
            return End(EnforcerAlarmKind.LogChanged, $"Expected the log {_name.Origin}, found {greeting.Origin}.");
        if (_logKey is not null && logKey != _logKey && !TryFollow(_logKey, logKey, greeting.Succession))
            return End(EnforcerAlarmKind.LogChanged, $"Expected the log key {_logKey}, found {logKey}.");
        if (!WatchKeyNote.TryOpen(greeting.WatchKeyNote, logKey, out var watchKey))
            return End(EnforcerAlarmKind.WatchKeyForged, "The watch key is not signed by the log's key.");
        if (!TryOpenTerms(greeting, watchKey.Key, out var terms, out var size))
            return End(EnforcerAlarmKind.NoteForged, "The terms are not signed by the watch key.");
        if (_checkpoint?.Checkpoint is { } seen && size.Value < seen.Size.Value)
            return End(EnforcerAlarmKind.RegistryRolledBack, $"The registry greets with the terms of a log of {size} entries; it had signed {seen.Size} before.");
        (_logKey, _watchKey, _isChanged) = (logKey, watchKey.Key, true);
        Granted = TimeSpan.FromMilliseconds(terms.LeaseMilliseconds);
        _lease.GrantClasses(terms.ClassLeases.DistinctBy(one => one.Name).ToFrozenDictionary(one => one.Name, one => (long)one.Milliseconds, StringComparer.Ordinal));
        if (!TryLearnKeys(terms))
            return End(EnforcerAlarmKind.NoteForged, "The terms name keys that are none.");
        if (!_stops.LearnReads(terms.Blueprints.Select(blueprint => (blueprint.Name, blueprint.Reads.Select(read => new TypedAction(read.Type, read.Action)).ToFrozenSet()))))
            _alarm(EnforcerAlarmKind.NoteForged, "The registry names other actions as reads of a blueprint than before; those that were known first stay.");
        if (!terms.Callees.All(IsActor))
            return End(EnforcerAlarmKind.NoteForged, "The terms name agents that are none.");
        if (!_stops.LearnCallees(terms.Callees.Select(ToActor)))
            _alarm(EnforcerAlarmKind.NoteForged, "The registry names another sponsor or blueprint of an agent than before; those that were known first stay.");
        return HoldAgainstPins(terms);
    }

    // Whoever stands on the connection and has no key of the registry could else slip in a key of his own that signs credentials.
    private static bool TryOpenTerms(WatchGreeting greeting, NoteVerifierKey watchKey, [NotNullWhen(true)] out WatchTerms? terms, out TreeSize size)
    {
        (terms, size) = (null, default);
        if (!TermsNote.TryOpen(greeting.TermsNote, watchKey, out var note) || note.Terms != Sha256.Hash(greeting.Terms.Span))
            return false;
        size = note.Size;
        try
        {
            terms = WatchTerms.Parser.ParseFrom(greeting.Terms);
            return true;
        }
        catch (InvalidProtocolBufferException)
        {
            return false;
        }
    }

    private static bool IsActor(WatchCallee callee) => callee.AgentId.Length == SubjectId.Size && callee.KeyId.Length == KeyId.Size;

    private static Actor ToActor(WatchCallee callee) => new(
        SubjectId.Read(callee.AgentId.Span), KeyId.Read(callee.KeyId.Span), callee.Sponsor, callee.Blueprint, [.. callee.Labels.Select(label => KeyValuePair.Create(label.Name, label.Value))]);

    // The key that is pinned names the next by its last signature, and the tree goes on: docs/formats.md, "Succession note".
    private bool TryFollow(NoteVerifierKey pinned, NoteVerifierKey next, GetConsistencyResponse? answer)
    {
        if (answer is null || ShownLog.Open(pinned, answer) is not { } shown || shown.Newest.Key != next || shown.FindProblem(_checkpoint, answer) is not null)
            return false;
        _successions.AddRange(shown.Links.Select(link => link.Text));
        _checkpoint = shown.Newest;
        return true;
    }

    private bool TryLearnKeys(WatchTerms terms)
    {
        var keys = KeyHistory.Empty;
        foreach (var period in terms.IssuerKeys.OrderBy(period => period.From))
        {
            if (!TryParse(period.Key, out var key))
                return false;
            keys = keys.Then(key, new LeafIndex(period.From));
        }
        IssuerKeys = keys;
        return terms.IssuerKeys.Count > 0;
    }

    // Trust on first use, unless options name the keys. From then on operators come and go by approved entries, and the greeting is only held against them.
    private WatchStep HoldAgainstPins(WatchTerms terms)
    {
        var pins = _authority.Pins;
        var named = new List<PinnedOperator>();
        foreach (var found in terms.Operators)
        {
            if (!TryParse(found.Key, out var key) || found.CallerId.Length != SubjectId.Size)
                return End(EnforcerAlarmKind.NoteForged, "The terms name an operator without a key.");
            DateTimeOffset? since = found.OfGenesis || _options.OperatorKeys is not null ? null : _clock.GetUtcNow();
            if (!TryParse(found.PasskeyOrigin, out var passkey))
                return End(EnforcerAlarmKind.NoteForged, "The terms name a passkey of no page.");
            named.Add(new PinnedOperator(SubjectId.Read(found.CallerId.Span), found.Name, key, since) { Passkey = passkey });
        }
        var breakGlassKey = TryParse(terms.BreakGlassKey, out var sealedKey) ? sealedKey : null;
        if (pins.Pinned.Count == 0)
        {
            pins.Pinned.AddRange(_options.OperatorKeys is { } trusted ? named.Where(one => trusted.Contains(one.Key)) : named);
            (pins.IsSingleOperator, _authority.BreakGlassKey) = (terms.SingleOperator, breakGlassKey);
            if (terms.SingleOperator)
                _alarm(EnforcerAlarmKind.SingleOperator, "The registry is run by one operator, whose word alone lifts stops.");
        }
        if (pins.Pinned.Count == 0)
            return End(EnforcerAlarmKind.OperatorsChanged, "The registry names none of the operators that this enforcer trusts.");
        var isAsPinned = terms.SingleOperator == pins.IsSingleOperator && Equals(breakGlassKey, _authority.BreakGlassKey) && named.All(one => pins.Pinned.Exists(pinned => pinned.Key.Equals(one.Key) && pinned.Passkey == one.Passkey));
        if (!isAsPinned && _options.OperatorKeys is null)
            _expectations.Expect("operators", EnforcerAlarmKind.OperatorsChanged, "The registry names other operators, or another break-glass key, than are pinned here, and proves no approved change.");
        return WatchStep.Next;
    }

    private WatchStep Take(WatchSnapshot part)
    {
        if (_isLive)
            return End(EnforcerAlarmKind.NoteForged, "A second snapshot came on one stream.");
        if (_snapshotNote is null)
        {
            if (!SnapshotNote.TryOpen(part.Note, _watchKey!, out var note) || note.View != _view)
                return End(EnforcerAlarmKind.NoteForged, "The snapshot is not signed by the watch key for this enforcer's view.");
            if (note.Epoch < _epoch)
                return End(EnforcerAlarmKind.EpochWentBack, $"The snapshot is of epoch {note.Epoch}; this enforcer has seen {_epoch}.");
            (_snapshotNote, _snapshotText, _snapshot) = (note, part.Note, new DenyList());
        }
        foreach (var bytes in part.Denials)
        {
            if (!TryAdd(_snapshot!, bytes.Memory))
                return End(EnforcerAlarmKind.NoteForged, "The snapshot holds something else than denials in the order of their entries.");
        }
        return part.HasMore ? WatchStep.Next : TakeWhole(_snapshotNote, _snapshot!);
    }

    private static bool TryAdd(DenyList list, ReadOnlyMemory<byte> bytes)
    {
        if (!DenialFormat.TryDecode(bytes, out var denial) || list.Count >= DenialsMax)
            return false;
        try
        {
            list.Add(denial);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private WatchStep TakeWhole(SnapshotNote note, DenyList snapshot)
    {
        if ((ulong)snapshot.Count != note.Count || snapshot.Digest != note.Digest)
            return End(EnforcerAlarmKind.NoteForged, "The denials of the snapshot are not those that its note is about.");
        if (note.Epoch == _epoch && _signed is { } signed && (note.Count, note.Digest) != signed)
            return End(EnforcerAlarmKind.DenyStateForked, $"For epoch {_epoch} the registry shows another deny state than it has signed before.");
        if (snapshot.Denials.FirstOrDefault(_denials.Contradicts) is { } changed)
            return End(EnforcerAlarmKind.DenyStateForked, $"The registry shows the denial of entry {changed.Index} otherwise than before.");

        var known = snapshot.Denials.Where(denial => !_denials.IsDenied(denial.Index)).ToArray();
        foreach (var missing in _denials.Replace(snapshot))
            Miss(missing);
        SettleMissing();
        foreach (var denial in known)
            Denied(denial);
        Volatile.Write(ref _epoch, note.Epoch);
        (_newest, _signed) = ((_snapshotText, []), (note.Count, note.Digest));
        (_isLive, _isChanged, _snapshot) = (true, true, null);
        return WatchStep.Next;
    }

    private WatchStep Take(WatchDelta part)
    {
        if (_delta is null)
        {
            if (!DeltaNote.TryOpen(part.Note, _watchKey!, out var note) || note.View != _view)
                return End(EnforcerAlarmKind.NoteForged, "A delta is not signed by the watch key for this enforcer's view.");
            _delta = (note, part.Note, new MemoryStream());
        }
        var (opened, text, payload) = _delta.Value;
        payload.Write(part.Payload.Span);
        if (payload.Length > SignedNote.BytesMax * 64)
            return End(EnforcerAlarmKind.NoteForged, "The payload of a delta has no end.");
        if (part.HasMore)
            return WatchStep.Next;
        _delta = null;
        return Take(opened, text, payload.ToArray());
    }

    private WatchStep Take(DeltaNote note, string text, byte[] payload)
    {
        if (note.Payload is { } hash ? Sha256.Hash(payload) != hash : payload.Length > 0)
            return End(EnforcerAlarmKind.NoteForged, "The payload of a delta is not the one that its note is about.");
        if (note.Epoch <= _epoch)
            return End(EnforcerAlarmKind.EpochWentBack, $"A delta of epoch {note.Epoch} came again, or late; this enforcer is at {_epoch}.");
        // Deny first: a gap before it is no reason to let somebody in.
        if (!TryTakePayload(note, payload))
            return End(EnforcerAlarmKind.NoteForged, $"The payload of the delta of epoch {note.Epoch} is not one.");
        if (note.Epoch != _epoch + 1)
            return WatchStep.End;
        Volatile.Write(ref _epoch, note.Epoch);
        (_newest, _signed, _isChanged) = ((text, note.Kind == DeltaKind.Deny ? payload : []), (note.Count, note.Digest), true);
        if (note.Count != _denials.Count || note.Digest != _denials.Digest)
            return WatchStep.End;
        // Before the first nonce of this stream is answered there is none to sign under; its heartbeat comes next.
        return CanAcknowledge ? WatchStep.Acknowledge : WatchStep.Next;
    }

    private bool TryTakePayload(DeltaNote note, byte[] payload)
    {
        switch (note.Kind)
        {
            case DeltaKind.None:
                return true;
            case DeltaKind.Deny:
                return DenialFormat.TryDecode(payload, out var denial) && denial.Epoch == note.Epoch && TryDeny(denial);
            default:
                if (!Entry.TryDecode(payload, out var entry))
                    return false;
                _expectations.Expect($"entry {Sha256.Hash(payload)}", EnforcerAlarmKind.DeltaUnproven, $"The entry of epoch {note.Epoch} ({entry.Body.Kind}) was not proven in time. Nothing was lifted.");
                if (ChangesPeople(entry.Body))
                    _unprovenPeople.Add(Sha256.Hash(payload));
                Unlist(note, entry.Body);
                return true;
        }
    }

    private bool TryDeny(Denial denial)
    {
        var isNew = !_denials.IsDenied(denial.Index);
        if (!isNew && _denials.Contradicts(denial))
            return false;
        _denials.Deny(denial);
        _expectations.Expect($"denial {denial.Index}", EnforcerAlarmKind.DeltaUnproven, $"The stop of entry {denial.Index} ({denial.Scope}) was not proven in time. It is refused all the same.");
        if (isNew)
            Denied(denial);
        return true;
    }

    private void Unlist(DeltaNote note, EntryBody body)
    {
        switch (body)
        {
            case Restored restored:
                foreach (var stop in restored.Stops)
                    _denials.Unlist(stop);
                break;
            case CompromiseCut cut:
                // The cut that takes their place comes with a snapshot: whom it reaches the entry does not say.
                foreach (var older in _denials.CutsBefore(cut.Scope, new LeafIndex(ulong.MaxValue)).Where(index => _denials.Find(index)!.Epoch < note.Epoch))
                    _denials.Unlist(older);
                break;
        }
    }

    private WatchStep Take(WatchProof proof)
    {
        var bytes = proof.Entry.ToByteArray();
        var index = new LeafIndex(proof.LedgerIndex);
        if (!Entry.TryDecode(bytes, out var entry) || !Opens(proof, index, bytes, entry))
            return End(EnforcerAlarmKind.ProofForged, $"The proof of entry {index} does not show that the pinned log holds it.");
        if (_denials.Find(index) is { } denial && !IsOf(denial, entry.Body))
            return End(EnforcerAlarmKind.ProofForged, $"Entry {index} is not the stop that the denial of that entry is of.");
        _expectations.Met($"denial {index}");
        var hash = Sha256.Hash(bytes);
        _expectations.Met($"entry {hash}");
        _unprovenPeople.Remove(hash);
        _authority.Apply(index, entry);
        LearnReads(entry.Body);
        SettleMissing();
        _isChanged = true;
        return WatchStep.Next;
    }

    // The receipt carries the leaf; what is in it is ours when salt and entry commit to it.
    private bool Opens(WatchProof proof, LeafIndex index, byte[] bytes, Entry entry)
    {
        if (proof.Salt.Length != Leaf.SaltSize || !TlogProof.TryParse(Encoding.UTF8.GetBytes(proof.Receipt), out var receipt, out _) || receipt.Index != index
            || !Leaf.TryDecode(receipt.Extra.Span, out var leaf) || leaf.Class != (byte)entry.Body.Class || leaf.Commitment != Leaf.Commit(proof.Salt.Span, bytes)
            || receipt.Verify(MerkleHash.Leaf(receipt.Extra.Span), TlogPolicy.LogAlone(_logKey!), out _, out _) != TlogProofRefusal.None)
            return false;
        return !IsOtherHistory(receipt.Checkpoint);
    }

    // Two roots of one size are two histories, whatever their proofs say.
    private bool IsOtherHistory(Checkpoint shown) => _checkpoint is { Checkpoint: var held } && held.Size == shown.Size && held.Root != shown.Root;

    private static bool IsOf(Denial denial, EntryBody body) => body switch
    {
        Stop stop => denial.Scope == stop.Scope && denial.State == stop.State && denial.Epoch == stop.Epoch && denial.After is null,
        CompromiseCut cut => denial.Scope == cut.Scope && denial.Epoch == cut.Epoch && denial.After == cut.After,
        _ => false,
    };

    private void LearnReads(EntryBody body)
    {
        if (body is BlueprintDefined blueprint)
            _stops.LearnReads([(blueprint.Name, blueprint.Reads.ToFrozenSet())]);
        if (ChangesPeople(body))
            _expectations.Met("operators");
    }

    private static bool ChangesPeople(EntryBody body) => body is OperatorAdded or CallerRemoved or BreakGlassKeySet;

    private void Miss(Denial denial)
    {
        _missing.Add(denial.Index.Value);
        _expectations.Expect($"lift {denial.Index}", EnforcerAlarmKind.DenyStateShrunk, $"The registry shows the denial of entry {denial.Index} ({denial.Scope}) no more, and does not prove that it was lifted. It goes on being refused.");
    }

    // What waits for a key to be a day old is proven: it goes on being refused, and the registry has kept its word.
    private void SettleMissing()
    {
        foreach (var index in _missing.Where(index => IsSettled(new LeafIndex(index))).ToArray())
        {
            _missing.Remove(index);
            _expectations.Met($"lift {index}");
        }
    }

    private bool IsSettled(LeafIndex index) => !_denials.IsDenied(index) || _denials.IsShown(index) || _authority.WaitsToLift(index);

    private WatchStep Take(WatchHeartbeat heartbeat)
    {
        if (!HeartbeatNote.TryOpen(heartbeat.Note, _watchKey!, out var note) || note.View != _view)
            return End(EnforcerAlarmKind.NoteForged, "A heartbeat is not signed by the watch key for this enforcer's view.");
        if (!_nonces.Remove(note.Nonce, out var sent))
            return End(EnforcerAlarmKind.NoteForged, "A heartbeat answers a nonce that is not this enforcer's, or was answered before.");
        if (note.Epoch < _epoch)
            return End(EnforcerAlarmKind.EpochWentBack, $"The registry is at epoch {note.Epoch}; this enforcer has seen {_epoch}.");
        if (note.Epoch > _epoch)
            return WatchStep.End;
        if (note.Count != _denials.Count || note.Digest != _denials.Digest)
            return End(EnforcerAlarmKind.DenyStateForked, $"At epoch {_epoch} the registry has another deny state than it has sent.");
        if (!TryAdvance(heartbeat, note, sent))
            return WatchStep.End;
        _answeredNonce = note.Nonce;
        // With a denial gone that nobody proved to be lifted, the registry has no word that could be relied on.
        if (_missing.Count == 0)
            _lease.Extend(sent.At, note.LeaseMilliseconds);
        return WatchStep.Acknowledge;
    }

    private bool TryAdvance(WatchHeartbeat heartbeat, HeartbeatNote note, SentNonce sent)
    {
        if (!Checkpoint.TryOpen(Encoding.UTF8.GetBytes(heartbeat.Checkpoint), _logKey!, out var shown, out _) || shown.Size != note.Size || shown.Root != note.Root)
        {
            _alarm(EnforcerAlarmKind.LogChanged, "The checkpoint of a heartbeat is not one of the pinned log, or not the one that the heartbeat names.");
            return false;
        }
        var path = heartbeat.Consistency.Where(hash => hash.Length == Hash.Size).Select(hash => Hash.Read(hash.Span)).ToArray();
        if (IsOtherHistory(shown))
        {
            _alarm(EnforcerAlarmKind.RegistryRolledBack, $"The registry shows another log of {shown.Size} entries than it had signed before.");
            return false;
        }
        if (sent.Known is { } known && !(shown.Size.Value >= known.Size.Value && ConsistencyProof.Verify(known.Size, shown.Size, known.Root, shown.Root, path)))
        {
            _alarm(EnforcerAlarmKind.RegistryRolledBack, $"The registry's log of {shown.Size} entries does not go on from the {known.Size} that it had signed before.");
            return false;
        }
        if (_checkpoint is null || shown.Size.Value > _checkpoint.Checkpoint.Size.Value)
            (_checkpoint, _isChanged) = (new KnownCheckpoint(_logKey!, heartbeat.Checkpoint, shown), true);
        return true;
    }

    // Nothing follows from it: it is a credential like another, and refused like another.
    private WatchStep Take(WatchProbe probe)
    {
        Probed(probe.Credential);
        return WatchStep.Next;
    }

    private WatchStep Take(UnloggedCredentials unlogged)
    {
        foreach (var item in unlogged.Items.Where(item => item.Length == Hash.Size))
        {
            foreach (var (jti, expiresAt) in FindAccepted(Hash.Read(item.Span)))
            {
                if (!_stops.DenyUnlogged(jti, Ending(expiresAt)))
                    continue;
                _isChanged = true;
                _alarm(EnforcerAlarmKind.CredentialUnlogged, $"The credential {jti} was let in, is signed by a key of the registry, and is not in the ledger. It is refused from now on.");
            }
        }
        return WatchStep.Next;
    }

    private UnloggedCredential Ending(long expiresAt) => new(expiresAt, _boot.Milliseconds + (Math.Max(0, expiresAt - _clock.GetUtcNow().ToUnixTimeSeconds()) * 1000));

    private WatchStep End(EnforcerAlarmKind kind, string detail)
    {
        _alarm(kind, detail);
        return WatchStep.End;
    }

    private void Remember(EnforcerState state)
    {
        if (state.LogKey is { } vkey)
        {
            var key = NoteVerifierKey.TryParse(vkey, out var parsed, out _) ? parsed : throw new InvalidDataException("it names no log key.");
            _successions.AddRange(state.Successions);
            if (_logKey is not null && key != _logKey && !LeadsTo(_logKey, key))
                throw new InvalidDataException($"it is about the log {key}, and the log {_logKey} is expected.");
            _logKey = key;
        }
        if (state.Checkpoint is { } note)
            _checkpoint = _logKey is not null && Checkpoint.TryOpen(Encoding.UTF8.GetBytes(note), _logKey, out var checkpoint, out _) ? new KnownCheckpoint(_logKey, note, checkpoint) : throw new InvalidDataException("its checkpoint is not the log's.");
        _epoch = state.Epoch;
        _newest = _presented = (state.LastNote, state.LastPayload);
        _signed = state.Digest is { Length: Hash.Size } digest ? (state.Count, Hash.Read(digest)) : null;
        foreach (var denial in state.Denials)
            _denials.Deny(Decode(denial));
        foreach (var held in state.Held)
            _denials.Hold(Decode(held));
        // Said once more: whoever looks at this process has not seen what the one before has said.
        foreach (var missing in state.Missing?.Select(index => _denials.Find(new LeafIndex(index))).OfType<Denial>() ?? state.Held.Select(Decode))
            Miss(missing);
        RememberAuthority(state);
    }

    private bool LeadsTo(NoteVerifierKey trusted, NoteVerifierKey key)
    {
        foreach (var note in _successions)
        {
            if (SuccessionNote.TryOpen(Encoding.UTF8.GetBytes(note), trusted, out var opened) && LogOrigin.IsNext(trusted.Name, opened.Next.Name))
                trusted = opened.Next;
        }
        return trusted == key;
    }

    private void RememberAuthority(EnforcerState state)
    {
        _authority.Pins.IsSingleOperator = state.SingleOperator;
        foreach (var stored in state.Operators)
            _authority.Pins.Pinned.Add(new PinnedOperator(DecodeId(stored.Caller), stored.Name, DecodeKey(stored.Key), stored.Since) { Passkey = DecodePasskey(stored.Passkey) });
        foreach (var used in state.UsedNonces)
            _authority.Pins.Remember(used.Nonce, new LeafIndex(used.Entry));
        _authority.BreakGlassKey = state.BreakGlassKey is { } key ? DecodeKey(key) : null;
        foreach (var lifted in state.LiftedOrders)
            _authority.RememberLifted(lifted);
        foreach (var order in state.Orders)
            _authority.RememberObeyed(order.Token, order.LedgerIndex is { } index ? new LeafIndex(index) : null);
        foreach (var waiting in state.Waiting)
            _authority.Wait(new LeafIndex(waiting.Index), Entry.TryDecode(waiting.Entry, out var entry) ? entry : throw new InvalidDataException("it holds something else than entries."));
        foreach (var unlogged in state.Unlogged)
            _stops.DenyUnlogged(DecodeId(unlogged.Jti), Ending(unlogged.ExpiresAt));
    }

    private static Denial Decode(byte[] bytes) => DenialFormat.TryDecode(bytes, out var denial) ? denial : throw new InvalidDataException("it holds something else than denials.");

    private static SubjectId DecodeId(string text) => SubjectId.TryParse(text, out var id) ? id : throw new InvalidDataException($"'{text}' is no id.");

    private static PublicKey DecodeKey(string jwk) => PublicKey.TryParseJwk(Encoding.UTF8.GetBytes(jwk), out var key) ? key : throw new InvalidDataException("it holds a key that is none.");

    private static PasskeyOrigin? DecodePasskey(string? text) => TryParse(text, out var origin) ? origin : throw new InvalidDataException($"'{text}' is no page of a passkey.");

    // Empty for a key that is no passkey.
    private static bool TryParse(string? text, out PasskeyOrigin? origin)
    {
        origin = null;
        return string.IsNullOrEmpty(text) || PasskeyOrigin.TryParse(text, out origin);
    }

    private static bool TryParse(Protocol.V1.PublicKey? wire, out PublicKey key)
    {
        key = null!;
        return wire is not null && PublicKey.TryParseJwk(Encoding.UTF8.GetBytes(wire.Jwk), out key!);
    }

    private sealed record SentNonce(long At, Checkpoint? Known);
}
