using AgentIdentity.Ledger;

namespace AgentIdentity.Anchoring.Ethereum;

/// <summary>
/// Carries the newest checkpoint to the chain, one step at a time. The chain's own state says what is anchored, so a step can be taken again after anything: a lost answer, a crash, a reorganisation.
/// One nonce is in flight; everything that was signed for it is in the journal before it is sent, and stays a candidate; a replacement pays more and carries the newest checkpoint.
/// The contract's sizes only grow, so the worst that a mistake here can do is to waste gas.
/// </summary>
/// <remarks>Steps are taken by one caller, one after another. <see cref="Demand"/> and <see cref="Status"/> are for all threads.</remarks>
public sealed class AnchorLoop
{
    // A node's answers may come from several machines, of which some are a block or two behind.
    private static readonly TimeSpan LagMax = TimeSpan.FromSeconds(30);

    // A transaction with the longest proof has two kilobytes, and the journal is a small document.
    private const int JournaledMax = 16;

    // One may fail because the contract changed between estimate and inclusion; what fails again fails for a reason that stays, and each costs money.
    private const int FailedMax = 2;

    private readonly IChain _chain;
    private readonly IAnchoredTree _tree;
    private readonly IAnchorJournal _journal;
    private readonly AnchorSettings _settings;
    private readonly TimeProvider _time;
    private readonly ChainAccount _account;
    private readonly AnchorContract _contract;
    private readonly AnchorSearch _search;
    private readonly AnchorCheck[] _checks;
    private readonly Hash _log;

    // Owned by whoever takes the steps. Times are timestamps, which run on when somebody sets the clock.
    private List<AnchorAttempt> _attempts;
    private bool _isInFlight;
    private bool _isCodeKnown;
    private bool _isCompared;
    private long _startedAt;
    private long _waitingForFinalSince;
    private long? _movedAt;
    private long? _searchedAt;
    private long? _strangeSince;
    private int _failedInARow;
    private AnchoredCheckpoint? _mined;

    // Where anchors were found that are not final yet: on a fast chain they soon lie further back than is searched.
    private readonly Dictionary<TreeSize, AnchoredCheckpoint> _minedBefore = [];
    private AnchoredCheckpoint? _final;
    private string? _doubt;
    private string? _contradiction;
    private TreeSize _anchored;
    private long _attemptCount;

    // Shared: the size that must be anchored, whatever timer and growth say.
    private ulong _wanted;
    private volatile AnchorStatus _status;

    /// <param name="others">Further nodes, which must agree before an anchor is called final.</param>
    /// <param name="contradiction">What an earlier process found on the chain that the ledger does not lead to; null when it found nothing.</param>
    /// <exception cref="FormatException">The journal holds what no loop wrote.</exception>
    public AnchorLoop(IChain chain, IReadOnlyList<IChain> others, ISigner signer, IAnchoredTree tree, IAnchorJournal journal, AnchorSettings settings, TimeProvider time, string? contradiction = null)
    {
        (_chain, _tree, _journal, _settings, _time, _contradiction) = (chain, tree, journal, settings, time, contradiction);
        _log = AnchorContract.NameOf(tree.Origin);
        _account = new ChainAccount(chain, signer, settings.ChainId, settings.Limits, time);
        _contract = new AnchorContract(chain, settings.Contract);
        _search = new AnchorSearch(chain, _contract, _log);
        _checks = [.. others.Prepend(chain).Select(one => new AnchorCheck(one, settings.ChainId, settings.Contract, _log))];
        // With another chain, contract, account or origin than before, what is in the journal is nobody's any more.
        _attempts = AnchorAttempt.Read(journal.Read()).FindAll(attempt => attempt.IsFor(settings.ChainId, settings.Contract, signer.Address, _log));
        _isInFlight = _attempts.Count > 0;
        _wanted = _attempts.Select(attempt => attempt.Size.Value).DefaultIfEmpty().Max();
        _movedAt = _startedAt = _waitingForFinalSince = time.GetTimestamp();
        _status = StatusOf(AnchorState.Idle);
    }

    public AnchorStatus Status => _status;

    /// <summary>Asks that what the ledger holds now be anchored without waiting for the timer.</summary>
    public void Demand() => Want(_tree.Size);

    /// <summary>Looks at the chain, does what can be done now, and says what it has come to. What it throws (the journal, the ledger) is in the status as well; nothing that is not written down was sent, and the next step tries again.</summary>
    public async Task<AnchorStatus> StepAsync(CancellationToken cancellation)
    {
        try
        {
            return _status = await AdvanceAsync(cancellation).ConfigureAwait(false);
        }
        catch (ChainException fault)
        {
            // Whatever answers next may be another machine.
            _isCodeKnown = false;
            return _status = StatusOf(StateAfter(fault.Fault), AnchorContract.ErrorOf(fault) is { } error ? $"{fault.Message} ({error})" : fault.Message);
        }
        catch (SigningException refusal)
        {
            return _status = StatusOf(AnchorState.NeedsOperator, refusal.Message);
        }
        catch (OperationCanceledException)
        {
            // What was found before the end of patience is not lost.
            _status = StatusOf(_status.State, _status.Reason);
            throw;
        }
        catch (Exception failure)
        {
            _status = StatusOf(AnchorState.NeedsOperator, failure.Message);
            throw;
        }
    }

    private async Task<AnchorStatus> AdvanceAsync(CancellationToken cancellation)
    {
        await _account.RequireChainAsync(cancellation).ConfigureAwait(false);
        // The nonce is read before what its use has changed, so that a nonce that counts an anchor comes with a state that has it.
        var nonce = await _chain.NonceAsync(_account.Address, cancellation).ConfigureAwait(false);
        var log = await _contract.FindLogAsync(_log, BlockTag.Latest, cancellation).ConfigureAwait(false);
        if (await FindObstacleAsync(log, cancellation).ConfigureAwait(false) is { } obstacle)
            return StatusOf(AnchorState.NeedsOperator, obstacle);
        _contradiction = await FindContradictionAsync(log!.Size, cancellation).ConfigureAwait(false);
        _isCompared = true;
        if ((_contradiction ?? FindDispute(log)) is { } dispute)
            return StatusOf(AnchorState.NeedsOperator, dispute);

        await FollowAsync(log, cancellation).ConfigureAwait(false);
        if (_isInFlight && !await IsSettledAsync(nonce, log, cancellation).ConfigureAwait(false))
            return await CarryOnAsync(nonce, log, cancellation).ConfigureAwait(false);
        return IsDue(log) ? await BeginAsync(nonce, log, cancellation).ConfigureAwait(false) : AtRest();
    }

    /// <summary>Why there is nothing that the ledger could be held against, until somebody does something about it.</summary>
    private async Task<string?> FindObstacleAsync(AnchoredLog? log, CancellationToken cancellation)
    {
        if (!_isCodeKnown)
        {
            if (await _contract.FindObstacleAsync(cancellation).ConfigureAwait(false) is { } obstacle)
                return obstacle;
            _isCodeKnown = true;
        }
        return log is null ? $"The contract {_settings.Contract} has no log of the origin {_tree.Origin}: its owner opens it." : null;
    }

    /// <summary>Why the contract would not take an anchor from here.</summary>
    private string? FindDispute(AnchoredLog log)
    {
        if (log.Sequencer != _account.Address)
            return $"The log's sequencer is {log.Sequencer}; this registry signs as {_account.Address}.";
        return log.WitnessesNeeded > 0 ? $"The log takes anchors with the signatures of {log.WitnessesNeeded} witnesses; this registry has none to give." : null;
    }

    /// <summary>What the chain has and the ledger does not lead to. Until the chain is seen without it again, it stands.</summary>
    private async Task<string?> FindContradictionAsync(TreeSize size, CancellationToken cancellation)
    {
        if (size.Value > _tree.Size.Value)
            return $"The chain has the log at size {size}, and this ledger is at {_tree.Size}: it was put back to an older state.";
        // What is final was held against the ledger before it was called so. Until then a reorganisation may bring another root for the same size.
        if (size.Value == 0 || (size == _final?.Size && _contradiction is null))
            return null;
        var root = await _contract.FindRootAsync(_log, size, BlockTag.Latest, cancellation).ConfigureAwait(false);
        if (root is null)
            throw new ChainException(ChainFault.Malformed, $"The node says that the log is at size {size}, and that nothing was anchored there.");
        return root != _tree.RootAt(size) ? $"The chain has another root at size {size} than this ledger: another history was anchored." : null;
    }

    /// <summary>Follows the newest anchor on its way from a block to a final one, and back when the block is taken back.</summary>
    private async Task FollowAsync(AnchoredLog log, CancellationToken cancellation)
    {
        // Whoever has nothing to wait for begins to wait now.
        if (_anchored == (_final?.Size ?? default) && log.Size != _anchored)
            _waitingForFinalSince = _time.GetTimestamp();
        _anchored = log.Size;
        if (_anchored == (_final?.Size ?? default))
        {
            (_mined, _doubt) = (_final, null);
            return;
        }
        // Asked anew each time: a reorganisation moves the transaction into another block.
        _mined = await FindMinedAsync(cancellation).ConfigureAwait(false);
        _doubt = _mined is null ? $"Where size {_anchored} was anchored is not found."
            : _mined.Root != _tree.RootAt(_mined.Size) ? $"The event at size {_mined.Size} has another root than this ledger."
            : await FindDoubtAsync(_mined, cancellation).ConfigureAwait(false);
        if (_mined is not null)
            _minedBefore[_mined.Size] = _mined;
        if (_final?.Size != _anchored)
            await FollowEarlierAsync(cancellation).ConfigureAwait(false);
    }

    // A ledger that grows is anchored again before the last anchor is final: the newest that is final is an earlier one.
    private async Task FollowEarlierAsync(CancellationToken cancellation)
    {
        if (_doubt is not null || await FindFinalLogAsync(cancellation).ConfigureAwait(false) is not { } log)
            return;
        if (log.Size.Value <= (_final?.Size.Value ?? 0) || log.Size.Value >= _anchored.Value)
            return;
        if (!_minedBefore.TryGetValue(log.Size, out var earlier))
            earlier = await _search.FindAsync(log.Size, _attempts, cancellation).ConfigureAwait(false);
        if (earlier is not null && earlier.Root == _tree.RootAt(log.Size))
            _doubt = await FindDoubtAsync(earlier, cancellation).ConfigureAwait(false);
        // A reorganisation may have moved it: then it is searched for anew.
        if (_doubt is not null)
            _minedBefore.Remove(log.Size);
    }

    // Chains without finality refuse the question.
    private async Task<AnchoredLog?> FindFinalLogAsync(CancellationToken cancellation)
    {
        try
        {
            return await _contract.FindLogAsync(_log, BlockTag.Finalized, cancellation).ConfigureAwait(false);
        }
        catch (ChainException refusal) when (refusal.Fault == ChainFault.Refused)
        {
            return null;
        }
    }

    /// <summary>Asks all nodes whether an anchor is final, and takes it for that when none says otherwise. Gives what else one of them says that it should not.</summary>
    private async Task<string?> FindDoubtAsync(AnchoredCheckpoint anchor, CancellationToken cancellation)
    {
        foreach (var check in _checks)
        {
            var (isFinal, doubt) = await AskAsync(check, anchor, cancellation).ConfigureAwait(false);
            if (!isFinal)
                return doubt;
        }
        (_final, _waitingForFinalSince) = (anchor, _time.GetTimestamp());
        foreach (var size in _minedBefore.Keys.Where(size => size.Value <= anchor.Size.Value).ToArray())
            _minedBefore.Remove(size);
        return null;
    }

    // A second node that is away keeps an anchor from being called final, and from nothing else.
    private static async Task<(bool IsFinal, string? Doubt)> AskAsync(AnchorCheck check, AnchoredCheckpoint mined, CancellationToken cancellation)
    {
        try
        {
            var finding = await check.CheckAsync(mined, cancellation).ConfigureAwait(false);
            var isExpected = finding is AnchorFinding.Confirmed or AnchorFinding.NotFinal;
            return (finding == AnchorFinding.Confirmed, isExpected ? null : $"The anchor of size {mined.Size} is not called final: {finding}.");
        }
        catch (ChainException fault)
        {
            return (false, $"The anchor of size {mined.Size} is not called final: {fault.Message}");
        }
    }

    private async Task<AnchoredCheckpoint?> FindMinedAsync(CancellationToken cancellation)
    {
        if (_attempts.Exists(attempt => attempt.Size == _anchored))
            return await _search.FindAsync(_anchored, _attempts, cancellation).ConfigureAwait(false);
        // An anchor that this journal does not know, perhaps an old one: many blocks are looked through, and not at every step.
        if (_mined?.Size != _anchored && !HasPassed(_searchedAt, _settings.Interval))
            return null;
        _searchedAt = _time.GetTimestamp();
        return await _search.FindOldAsync(_anchored, cancellation).ConfigureAwait(false);
    }

    /// <summary>Whether what was in flight is decided: included, reverted, or overtaken by what others did with the account.</summary>
    private async Task<bool> IsSettledAsync(ulong nonce, AnchoredLog log, CancellationToken cancellation)
    {
        var used = _attempts[^1].Nonce;
        if (nonce == used)
        {
            _strangeSince = null;
            return false;
        }
        // Where nonce and state do not fit together, some of the answers lag. If that lasts, the account was used by somebody else or a block was taken back: we begin again from what the chain says.
        _strangeSince ??= _time.GetTimestamp();
        var isSettled = HasPassed(_strangeSince, LagMax) || (nonce > used && await IsDecidedAsync(log, cancellation).ConfigureAwait(false));
        _isInFlight = !isSettled;
        return isSettled;
    }

    private async Task<bool> IsDecidedAsync(AnchoredLog log, CancellationToken cancellation)
    {
        if (_attempts.Exists(attempt => attempt.Size.Value <= log.Size.Value))
        {
            _failedInARow = 0;
            return true;
        }
        foreach (var attempt in _attempts)
        {
            if (await _chain.ReceiptAsync(attempt.Signed.Hash, cancellation).ConfigureAwait(false) is not { Succeeded: false })
                continue;
            // Whoever wants it all the same asks again.
            if (++_failedInARow >= FailedMax)
                Volatile.Write(ref _wanted, 0);
            return true;
        }
        return false;
    }

    /// <summary>Keeps what is in flight going: sends it again, or replaces it by what pays more.</summary>
    private async Task<AnchorStatus> CarryOnAsync(ulong nonce, AnchoredLog log, CancellationToken cancellation)
    {
        var last = _attempts[^1];
        if (nonce != last.Nonce)
            return StatusOf(AnchorState.Broadcast);
        var fees = await _chain.FeesAsync(cancellation).ConfigureAwait(false);
        var isOutbid = fees.BaseFeeWei > last.Offer.MaxFeeWei;
        if (!isOutbid && !HasPassed(_movedAt, _settings.ReplaceAfter))
            return await SendAsync(last, cancellation).ConfigureAwait(false);
        if (_settings.Limits.Replacing(last.Offer, fees) is { } offer)
            return await BroadcastAsync(nonce, log, offer, cancellation).ConfigureAwait(false);
        // At the cap the node may have forgotten it; the same bytes are sent again, and cost nothing more.
        var resent = await SendAsync(last, cancellation).ConfigureAwait(false);
        return resent.State == AnchorState.Broadcast ? StatusOf(AnchorState.HeldByFeeCap, $"The chain demands {fees.BaseFeeWei} wei, and the cap is {_settings.Limits.MaxFeeWei}.") : resent;
    }

    private bool IsDue(AnchoredLog log)
    {
        var (held, anchored) = (_tree.Size.Value, log.Size.Value);
        if (held <= anchored)
            return false;
        if (Volatile.Read(ref _wanted) > anchored || HasPassed(_startedAt, _settings.Interval))
            return true;
        return _failedInARow < FailedMax && (anchored == 0 || held - anchored >= _settings.Growth);
    }

    private async Task<AnchorStatus> BeginAsync(ulong nonce, AnchoredLog log, CancellationToken cancellation)
    {
        var fees = await _chain.FeesAsync(cancellation).ConfigureAwait(false);
        if (_settings.Limits.Offer(fees) is not { } offer)
            return StatusOf(AnchorState.HeldByFeeCap, $"The chain demands {fees.BaseFeeWei} wei and a tip, and the cap is {_settings.Limits.MaxFeeWei}.");
        return await BroadcastAsync(nonce, log, offer, cancellation).ConfigureAwait(false);
    }

    private async Task<AnchorStatus> BroadcastAsync(ulong nonce, AnchoredLog log, FeeOffer offer, CancellationToken cancellation)
    {
        var size = new TreeSize(Math.Min(_tree.Size.Value, log.Size.Value + (1UL << log.StepBits)));
        if (await TrySignAsync(nonce, log, size, offer, cancellation).ConfigureAwait(false) is not { } signed)
            return _isInFlight ? StatusOf(AnchorState.Broadcast) : AtRest();
        if (await _chain.BalanceAsync(_account.Address, cancellation).ConfigureAwait(false) is var balance && balance < signed.Transaction.CostMaxWei)
            return StatusOf(AnchorState.NoFunds, $"{_account.Address} has {balance} wei, and an anchor may cost {signed.Transaction.CostMaxWei}.");

        var attempt = new AnchorAttempt(signed, size);
        await WriteDownAsync(attempt, cancellation).ConfigureAwait(false);
        Want(size);
        return await SendAsync(attempt, cancellation).ConfigureAwait(false);
    }

    // Null when something was included since the log was read, ours or another's: the next step sees it.
    private async Task<SignedTransaction?> TrySignAsync(ulong nonce, AnchoredLog log, TreeSize size, FeeOffer offer, CancellationToken cancellation)
    {
        try
        {
            return await _account.SignAsync(_settings.Contract, Call(log, size), nonce, offer, cancellation).ConfigureAwait(false);
        }
        catch (ChainException refusal) when (refusal.Fault == ChainFault.Reverted)
        {
            if (await _contract.FindLogAsync(_log, BlockTag.Latest, cancellation).ConfigureAwait(false) == log)
                throw;
            return null;
        }
    }

    // Only then may it be sent: a transaction that nobody remembers could be included when nobody expects it.
    private async Task WriteDownAsync(AnchorAttempt attempt, CancellationToken cancellation)
    {
        List<AnchorAttempt> kept = [.. _attempts.Where(earlier => earlier.Nonce == attempt.Nonce).TakeLast(JournaledMax - 1), attempt];
        await _journal.WriteAsync(AnchorAttempt.Write(kept), cancellation).ConfigureAwait(false);
        _attempts = kept;
        (_isInFlight, _strangeSince) = (true, null);
        _attemptCount++;
        _movedAt = _startedAt = _time.GetTimestamp();
    }

    private async Task<AnchorStatus> SendAsync(AnchorAttempt attempt, CancellationToken cancellation)
    {
        try
        {
            await _chain.SendAsync(attempt.Signed, cancellation).ConfigureAwait(false);
        }
        catch (ChainException refusal) when (refusal.Fault is ChainFault.AlreadyKnown or ChainFault.NonceTooLow or ChainFault.FeeTooLow)
        {
            // The node has it, has included something with its nonce, or has no use for it while fees are so high: the next step reads which.
        }
        catch (ChainException refusal) when (refusal.Fault == ChainFault.Underpriced)
        {
            // Something with this nonce waits that we do not know: the next step offers more, and does not wait.
            _movedAt = null;
        }
        return StatusOf(AnchorState.Broadcast);
    }

    private byte[] Call(AnchoredLog log, TreeSize size)
    {
        var root = _tree.RootAt(size);
        if (!log.IsConsistent)
            return AnchorContract.Anchor(_log, size, root);
        return AnchorContract.AnchorConsistent(_log, size, root, log.Size.Value == 0 ? [] : _tree.Consistency(log.Size, size));
    }

    private AnchorStatus AtRest()
    {
        if (_failedInARow >= FailedMax)
            return StatusOf(AnchorState.NeedsOperator, $"{_attempts[^1].Signed.Hash} was included and failed, and so did what was sent before it: no more is paid until an anchor is due or demanded.");
        if (_anchored.Value == 0)
            return StatusOf(AnchorState.Idle);
        return StatusOf(_final?.Size == _anchored ? AnchorState.Final : AnchorState.Mined, _doubt);
    }

    private AnchorStatus StatusOf(AnchorState state, string? reason = null)
    {
        var isOverdue = _anchored.Value > 0 && _final?.Size != _anchored && HasPassed(_waitingForFinalSince, _settings.FinalWithin);
        return new AnchorStatus(state, reason, _anchored, _mined, _final, _isInFlight ? _attempts[^1].Signed.Hash : null, _attemptCount, isOverdue, _isCompared, _contradiction);
    }

    private bool HasPassed(long? since, TimeSpan time) => since is not { } begun || _time.GetElapsedTime(begun) >= time;

    private void Want(TreeSize size)
    {
        for (var before = Volatile.Read(ref _wanted); before < size.Value;)
            before = Interlocked.CompareExchange(ref _wanted, size.Value, before);
    }

    private static AnchorState StateAfter(ChainFault fault) => fault switch
    {
        ChainFault.NoFunds => AnchorState.NoFunds,
        ChainFault.WrongChain or ChainFault.Reverted => AnchorState.NeedsOperator,
        ChainFault.Unreachable or ChainFault.RateLimited or ChainFault.Malformed or ChainFault.Refused => AnchorState.RpcDown,
        ChainFault.NonceTooLow or ChainFault.AlreadyKnown or ChainFault.Underpriced or ChainFault.FeeTooLow => AnchorState.RpcDown,
        _ => throw new InvalidOperationException($"What follows from {fault} has not been thought of."),
    };
}
