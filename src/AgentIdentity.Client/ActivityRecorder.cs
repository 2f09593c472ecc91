using System.Security.Cryptography;
using System.Text;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Statements;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using Grpc.Core;

namespace AgentIdentity.Client;

/// <summary>A statement that the registry has recorded.</summary>
/// <param name="Sequence">Its place in the agent's chain.</param>
/// <param name="Statement">Its identity.</param>
/// <param name="LedgerIndex">The entry that holds it.</param>
/// <param name="LeafHash">The hash of that entry's leaf in the tree.</param>
/// <param name="EntryClass">What it counts as: what a stopped key hands in is quarantined.</param>
/// <param name="Level">How far it had come when the registry answered.</param>
/// <param name="RecordedAt">The registry's clock.</param>
/// <param name="Promise">There until a checkpoint covers the entry.</param>
/// <param name="IsOpened">Whether the leaf was computed here from the statement, so that promise and receipts are about it. False only when the activity was erased.</param>
/// <param name="Kind">What the statement says of itself.</param>
/// <param name="Commitments">What it commits to. The salts file opens them: so whoever resumed can tell what of.</param>
public sealed record RecordedActivity(
    ulong Sequence, Hash Statement, ulong LedgerIndex, Hash LeafHash, EntryClass EntryClass, AckLevel Level, DateTimeOffset RecordedAt, RecordingPromise? Promise, bool IsOpened,
    StatementKind Kind, IReadOnlyList<Hash> Commitments);

/// <summary>
/// Records what an agent does: signs statements of commitments and keeps their chain whole over crashes and lost answers. A statement is on disk before it
/// is sent, and as long as its outcome is unknown only the very same one is sent again: two different statements in one place would be a fork.
/// Safe for all threads; one recorder at a time may use a state file.
/// </summary>
public sealed class ActivityRecorder : IDisposable
{
    private readonly RegistryConnection _connection;
    private readonly AgentState _agent;
    private readonly PrivateKey _key;
    private readonly string _stateFile;
    private readonly string _saltsFile;
    private readonly FileStream _lock;
    private readonly SemaphoreSlim _turn = new(1);
    private volatile bool _isEnded;

    // Whoever has the turn reads and changes these. The chain is null until the registry has told where it stands.
    private ActivityChain? _chain;
    private string _origin;

    /// <param name="connection">Signs with the agent's key.</param>
    /// <param name="agent">Who records.</param>
    /// <param name="key">The agent's key.</param>
    /// <param name="stateFile">Remembers where the chain stands. When it is missing, the registry is asked.</param>
    /// <param name="saltsFile">Gets a line of JSON for each activity: commitment, salt, payload hash. Whoever loses it can open no commitment any more.</param>
    /// <exception cref="IOException">Another recorder uses the state file.</exception>
    /// <exception cref="InvalidDataException">The state file is not one, or is another key's.</exception>
    public ActivityRecorder(RegistryConnection connection, AgentState agent, PrivateKey key, string stateFile, string saltsFile)
    {
        _connection = connection;
        _agent = agent;
        _origin = agent.Origin;
        _key = key;
        _stateFile = stateFile;
        _saltsFile = saltsFile;
        _lock = new FileStream(stateFile + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        try
        {
            _chain = ActivityChain.Load(stateFile);
            if (_chain is not null && _chain.KeyId != key.PublicKey.KeyId)
                throw new InvalidDataException($"{stateFile} holds the chain of the key {_chain.KeyId}; this key is {key.PublicKey}.");
        }
        catch
        {
            _lock.Dispose();
            throw;
        }
    }

    /// <summary>Records activities by their payloads, which stay here: 1 to 1,000 of them in one statement.</summary>
    /// <inheritdoc cref="RecordHashesAsync"/>
    public Task<RecordedActivity> RecordAsync(
        IReadOnlyList<ReadOnlyMemory<byte>> payloads,
        StatementKind kind = StatementKind.Activity,
        AckLevel waitFor = AckLevel.Sequenced,
        CancellationToken cancellationToken = default) =>
        RecordHashesAsync([.. payloads.Select(payload => Sha256.Hash(payload.Span))], kind, waitFor, cancellationToken);

    /// <summary>Records activities by the SHA-256 of their payloads.</summary>
    /// <exception cref="RegistryRefusedException">The registry refused. Unless that was about the statement itself, it stays pending, and <see cref="ResumeAsync"/> or the next activity sends it again.</exception>
    /// <exception cref="RpcException">The outcome is unknown: the statement may be recorded. <see cref="ResumeAsync"/>, or the next activity, finds out.</exception>
    public async Task<RecordedActivity> RecordHashesAsync(
        IReadOnlyList<Hash> payloadHashes,
        StatementKind kind = StatementKind.Activity,
        AckLevel waitFor = AckLevel.Sequenced,
        CancellationToken cancellationToken = default)
    {
        await EnterAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await SettleAsync(AckLevel.Sequenced, cancellationToken).ConfigureAwait(false);
            var commitments = Commit(payloadHashes);
            _chain ??= await AskForChainAsync(cancellationToken).ConfigureAwait(false);
            Sign(_chain, commitments, kind);
            return (await SettleAsync(waitFor, cancellationToken, isFirst: true).ConfigureAwait(false))!;
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>Sends the statement again whose outcome is unknown. Null when there is none.</summary>
    /// <inheritdoc cref="RecordHashesAsync"/>
    public async Task<RecordedActivity?> ResumeAsync(AckLevel waitFor = AckLevel.Sequenced, CancellationToken cancellationToken = default)
    {
        await EnterAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await SettleAsync(waitFor, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>What is being sent goes on to its outcome, and the state file is free behind it.</summary>
    public void Dispose()
    {
        _isEnded = true;
        FreeStateFile();
    }

    private async Task EnterAsync(CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_isEnded, this);
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        if (!_isEnded)
            return;
        Leave();
        throw new ObjectDisposedException(nameof(ActivityRecorder));
    }

    private void Leave()
    {
        _turn.Release();
        if (_isEnded)
            FreeStateFile();
    }

    // Whoever has the turn writes the file, and frees it when leaving.
    private void FreeStateFile()
    {
        if (!_turn.Wait(0))
            return;
        _lock.Dispose();
        _turn.Release();
    }

    /// <summary>Brings the pending statement, if there is one, to a known outcome. It is sent for the first time when it was signed just now.</summary>
    private async Task<RecordedActivity?> SettleAsync(AckLevel waitFor, CancellationToken cancellationToken, bool isFirst = false)
    {
        if (_chain?.Pending is not { } pending)
            return null;
        try
        {
            return await SendAsync(waitFor, isFirst, cancellationToken).ConfigureAwait(false);
        }
        catch (RegistryRefusedException refusal) when (refusal.Refusal is Refusal.SequenceFork or Refusal.SequenceGap)
        {
            // The chain went on without this file: a copy of it was used, or an old one was put back.
            await CatchUpAsync(refusal, cancellationToken).ConfigureAwait(false);
            return await SendAsync(waitFor, isFirst: true, cancellationToken).ConfigureAwait(false);
        }
        catch (RegistryRefusedException refusal) when (refusal.Refusal is Refusal.WrongOrigin)
        {
            // A recorded one would have been answered, so this is new, and the log that it names was succeeded.
            if (!await TryFollowAsync(pending.Read(), refusal, cancellationToken).ConfigureAwait(false))
                throw;
            return await SendAsync(waitFor, isFirst: true, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<RecordedActivity> SendAsync(AckLevel waitFor, bool isFirst, CancellationToken cancellationToken)
    {
        var pending = _chain!.Pending!;
        var request = new RecordRequest
        {
            Statement = Google.Protobuf.ByteString.CopyFrom(pending.Statement),
            Algorithm = (SignatureAlgorithm)_key.PublicKey.Algorithm,
            Signature = Google.Protobuf.ByteString.CopyFrom(pending.Signature),
            WaitFor = waitFor,
        };
        RecordResponse answer;
        try
        {
            answer = await _connection.Ledger.RecordAsync(request, cancellationToken: cancellationToken).ConfigureAwait(false);
        }
        catch (RegistryRefusedException refusal) when (isFirst && IsUnrecorded(refusal))
        {
            // Nobody holds it, and it was never sent before: its place is free. Of one that was, the registry may have answered from an older folder than the one that took it.
            Keep(_chain with { Pending = null });
            throw;
        }
        var statement = pending.Read();
        var isOpened = RecordedLeaf.Commits(answer, statement, request);
        Keep(_chain.Advanced());
        return new RecordedActivity(
            statement.Sequence,
            statement.Identity,
            answer.LedgerIndex,
            Hash.Read(answer.LeafHash.Span),
            answer.EntryClass,
            answer.Level,
            DateTimeOffset.FromUnixTimeMilliseconds(answer.RecordedAt),
            answer.Promise is { } promise ? new RecordingPromise(answer.LedgerIndex, Hash.Read(answer.LeafHash.Span), promise) : null,
            isOpened,
            statement.Kind,
            statement.Commitments.ToArray());
    }

    // What is answered before a statement is put on record, and to none that is. ROLLED_BACK is not among them: a statement may be recorded and then wait for a checkpoint that does not come.
    private static bool IsUnrecorded(RegistryRefusedException refusal) => refusal.Refusal
        is Refusal.StatementMalformed or Refusal.SignatureInvalid or Refusal.WrongKey or Refusal.AgentUnknown or Refusal.KeyRotated or Refusal.WrongOrigin or Refusal.LevelNotConfigured;

    /// <summary>Puts the pending commitments behind what the registry holds.</summary>
    private async Task CatchUpAsync(RegistryRefusedException refusal, CancellationToken cancellationToken)
    {
        var pending = _chain!.Pending!.Read();
        var head = await AskForChainAsync(cancellationToken).ConfigureAwait(false);
        // Going back would put a second statement where the registry has acknowledged one: better to stop and let people look.
        if (head.NextSequence <= _chain.NextSequence)
            throw new InvalidDataException(
                $"The registry's chain stands at {head.NextSequence} and the agent's at {_chain.NextSequence}, and they do not fit: statements have been lost.", refusal);
        Sign(head, pending.Commitments.ToArray(), pending.Kind);
    }

    /// <summary>Signs the pending commitments for the log that goes on, in the same place of the same chain. False when no other log does.</summary>
    private async Task<bool> TryFollowAsync(SignedStatement pending, RegistryRefusedException refusal, CancellationToken cancellationToken)
    {
        var before = _origin;
        var head = await AskForChainAsync(cancellationToken).ConfigureAwait(false);
        if (_origin == before)
            return false;
        if (head.NextSequence != _chain!.NextSequence || head.Previous != _chain.Previous)
            throw new InvalidDataException($"The registry's log is {_origin} and its chain stands at {head.NextSequence}, the agent's at {_chain!.NextSequence} of {before}, and they do not fit: statements may have been lost.", refusal);
        Sign(_chain, pending.Commitments.ToArray(), pending.Kind);
        return true;
    }

    // Forward only, and within one registry: nobody else's log is signed for because a registry says so.
    private void Adopt(string origin)
    {
        if (origin.Length == 0 || origin == _origin)
            return;
        _origin = LogOrigin.IsAtOrBefore(_origin, origin) ? origin : throw new InvalidDataException($"The registry names the log {origin}, which does not succeed {_origin}.");
    }

    private async Task<ActivityChain> AskForChainAsync(CancellationToken cancellationToken)
    {
        var request = new GetAgentHeadRequest { Agent = _agent.Did, KeyId = _key.PublicKey.KeyId.ToString() };
        var head = await _connection.Ledger.GetAgentHeadAsync(request, cancellationToken: cancellationToken).ConfigureAwait(false);
        Adopt(head.Origin);
        return new ActivityChain(_key.PublicKey.KeyId, head.NextSequence, Hash.Read(head.Previous.Span), null);
    }

    // What was pending until then stays so when this cannot be put on disk.
    private void Sign(ActivityChain chain, Hash[] commitments, StatementKind kind)
    {
        var claimedAt = (ulong)_connection.Clock.GetUtcNow().ToUnixTimeMilliseconds();
        var statement = SignedStatement.Encode(
            _origin, _agent.AgentId, chain.KeyId, chain.NextSequence, chain.Previous, claimedAt, kind, commitments);
        Keep(chain with { Pending = new PendingStatement(statement, _key.Sign(statement)) });
    }

    // On disk before it counts here, and before anything is sent.
    private void Keep(ActivityChain chain)
    {
        chain.Save(_stateFile);
        _chain = chain;
    }

    /// <summary>Commits to the payloads, each with a salt of its own. The salts are on disk when it returns: a commitment without its salt proves nothing.</summary>
    private Hash[] Commit(IReadOnlyList<Hash> payloadHashes)
    {
        var commitments = new Hash[payloadHashes.Count];
        var lines = new StringBuilder();
        for (var i = 0; i < commitments.Length; i++)
        {
            var salt = RandomNumberGenerator.GetBytes(Hash.Size);
            commitments[i] = SignedStatement.Commitment(salt, payloadHashes[i]);
            lines.Append(new ActivityOpening(commitments[i].ToBase64Url(), CanonicalBase64Url.Encode(salt), payloadHashes[i].ToBase64Url()).ToLine());
        }
        if (lines.Length > 0)
            DurableFile.AppendLines(_saltsFile, Encoding.UTF8.GetBytes(lines.ToString()));
        return commitments;
    }
}
