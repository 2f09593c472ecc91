using System.Globalization;
using System.Runtime.InteropServices;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Statements;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;
using AgentIdentity.Registry;
using AgentIdentity.Registry.Checkpoints;
using AgentIdentity.Registry.State;
using Grpc.Core;
using Wire = AgentIdentity.Protocol.V1;

namespace AgentIdentity.Server.Grpc;

/// <summary>What agents did, and the proof of it.</summary>
internal sealed class LedgerService(RegistryNode registry, Quotas quotas, IHostApplicationLifetime lifetime) : Wire.Ledger.LedgerBase
{
    private const int PageUsual = 100;
    private const int PageMost = 200;
    private const int EntriesMost = 1000;

    // Each takes a look into every run of the index: some milliseconds for all of them.
    private const int CommitmentsMost = 100;

    private const int WatchesPerAddressMax = 16;

    private readonly WatchPlaces _watches = new(WatchesPerAddressMax);

    public override async Task<Wire.RecordResponse> Record(Wire.RecordRequest request, ServerCallContext context)
    {
        var waits = WaitsForCheckpoint(request.WaitFor);
        var statement = registry.Recording.Verify(request.Statement.Memory, FromWire.Algorithm(request.Algorithm), request.Signature.Memory).OrRefuse();
        // Only what is genuine and new: with a key's id, or with a statement that was recorded before, anybody could use its quota up.
        if (statement.Statement.Sequence >= HeadOf(statement.Statement).Next)
            quotas.RequireFor(statement.Statement.KeyId);
        var outcome = await registry.Recording.RecordAsync(statement, waits, context.CancellationToken);
        if (outcome.Refusal is Refusal.SequenceGap or Refusal.SequenceFork)
            throw OutOfSequence(outcome.Refusal, outcome.Detail, statement.Statement);
        var recorded = outcome.OrRefuse();
        if (request.WaitFor == Wire.AckLevel.Witnessed)
            await UntilAsync(registry.Cosigning!.WhenWitnessedAsync(recorded.Index, context.CancellationToken), recorded.Index, "a quorum had cosigned it");
        else if (request.WaitFor == Wire.AckLevel.Anchored)
            await UntilAsync(registry.Anchors!.WhenAnchoredAsync(recorded.Index, context.CancellationToken), recorded.Index, "its anchor was final");
        return new Wire.RecordResponse
        {
            LedgerIndex = recorded.Index.Value,
            Level = request.WaitFor is Wire.AckLevel.Witnessed or Wire.AckLevel.Anchored ? request.WaitFor : recorded.IsIntegrated ? Wire.AckLevel.Integrated : Wire.AckLevel.Sequenced,
            EntryClass = ToWire.Class(recorded.Class),
            LeafHash = ToWire.Bytes(recorded.LeafHash),
            Leaf = ToWire.Bytes(recorded.Leaf),
            Salt = recorded.Opening is { } opening ? ToWire.Bytes(opening.Salt) : Google.Protobuf.ByteString.Empty,
            SubjectSequence = recorded.Opening?.SubjectSequence ?? 0,
            RecordedAt = recorded.At,
            At = registry.At(),
            Promise = recorded.Promise is { } promise ? new Wire.SignedPromise { Note = promise.Note, Path = { promise.Path.Select(ToWire.Bytes) } } : null,
        };
    }

    // The statement is signed by the chain's own key: whoever shows it may know where the chain stands.
    private CallRefusedException OutOfSequence(Refusal refusal, string detail, SignedStatement statement)
    {
        var head = HeadOf(statement);
        var facts = new Dictionary<string, string> { ["next_sequence"] = head.Next.ToString(CultureInfo.InvariantCulture), ["previous"] = head.Previous.ToBase64Url() };
        return new CallRefusedException(refusal, detail) { Facts = facts };
    }

    private ChainHead HeadOf(SignedStatement statement) => registry.State.FindAgent(statement.AgentId)!.Chain(statement.KeyId);

    public override async Task<Wire.GetAgentHeadResponse> GetAgentHead(Wire.GetAgentHeadRequest request, ServerCallContext context)
    {
        var call = CallState.Of(context);
        var agent = registry.Agent(call, request.Agent);
        var key = request.KeyId.Length == 0 ? agent.Key.KeyId : FromWire.KeyId(request.KeyId);
        await registry.PutOnRecordAsync(call, agent);
        var head = registry.State.FindAgent(agent.Id)!.Chain(key);
        return new Wire.GetAgentHeadResponse
        {
            NextSequence = head.Next,
            Previous = ToWire.Bytes(head.Previous),
            LedgerIndex = head.Index.Value,
            KeyId = ToWire.Bytes(key.ToArray()),
            At = registry.At(),
            Origin = registry.State.Log.Origin,
            Heads = request.WithProof ? await HeadsAsync(agent.Id, context.CancellationToken) : null,
        };
    }

    public override Task<Wire.GetInclusionProofResponse> GetInclusionProof(Wire.GetInclusionProofRequest request, ServerCallContext context) =>
        Task.FromResult(Inclusion(registry.LeafProofs.Prove(new LeafIndex(request.LedgerIndex)).OrRefuse()));

    public override Task<Wire.GetReceiptResponse> GetReceipt(Wire.GetReceiptRequest request, ServerCallContext context)
    {
        var index = new LeafIndex(request.LedgerIndex);
        CheckLevel(request.MinLevel);
        return Task.FromResult(request.MinLevel switch
        {
            Wire.AckLevel.Anchored => AnchoredReceipt(index),
            Wire.AckLevel.Witnessed => Receipt(registry.LeafProofs.ProveWitnessed(index, registry.Cosigning!).OrRefuse()),
            _ => Receipt(registry.LeafProofs.Prove(index).OrRefuse()),
        });
    }

    public override Task<Wire.ListWitnessesResponse> ListWitnesses(Wire.ListWitnessesRequest request, ServerCallContext context) => Task.FromResult(new Wire.ListWitnessesResponse
    {
        Witnesses = { registry.Cosigning?.Witnesses.Select(ToWire.Witness) ?? [] },
        HasQuorum = registry.Cosigning?.HasQuorum ?? false,
        WitnessedSize = registry.Cosigning?.Witnessed?.Size.Value ?? 0,
        OwnKey = registry.Witness.Vkey,
        At = registry.At(),
    });

    public override Task<Wire.GetConsistencyResponse> GetConsistency(Wire.GetConsistencyRequest request, ServerCallContext context) =>
        Task.FromResult(ToWire.Consistency(registry, registry.SeenCheckpoints.Present(request.KnownCheckpoint).OrRefuse()));

    public override async Task WatchCheckpoints(Wire.WatchCheckpointsRequest request, IServerStreamWriter<Wire.WatchCheckpointsResponse> responseStream, ServerCallContext context)
    {
        using var place = _watches.Take(context);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.ApplicationStopping);
        try
        {
            await foreach (var checkpoint in registry.WatchCheckpointsAsync(ending.Token))
                await responseStream.WriteAsync(new Wire.WatchCheckpointsResponse { Checkpoint = checkpoint.Note, At = registry.At() }, context.CancellationToken);
        }
        catch (OperationCanceledException) when (lifetime.ApplicationStopping.IsCancellationRequested && !context.CancellationToken.IsCancellationRequested)
        {
            // The server ends, and says so by ending the stream well.
        }
        if (registry.Standing.IsHalted)
            throw new CallRefusedException(registry.Standing.Everyone, "No checkpoint follows: the registry denies everything.");
    }

    public override async Task<Wire.ListTrailResponse> ListTrail(Wire.ListTrailRequest request, ServerCallContext context)
    {
        var call = CallState.Of(context);
        var agent = registry.Agent(call, request.Agent);
        var page = registry.Reading.ListTrail(agent.Id, request.FromSubjectSequence, FromWire.PageSize(request.PageSize, PageUsual, PageMost), FromWire.Period(request.FromTime, request.ToTime));
        await registry.PutOnRecordAsync(call, agent, page.Entries.Count);
        var response = new Wire.ListTrailResponse { Entries = { page.Entries.Select(ToWire.TrailEntry) }, At = registry.At() };
        if (page.Next is { } next)
            response.NextSubjectSequence = next;
        return response;
    }

    public override async Task<Wire.ListEntriesResponse> ListEntries(Wire.ListEntriesRequest request, ServerCallContext context)
    {
        var page = registry.Reading.ListEntries(request.FromIndex, FromWire.PageSize(request.PageSize, PageUsual, EntriesMost), FromWire.Period(request.FromTime, request.ToTime));
        await registry.PutOnRecordAsync(CallState.Of(context), $"from={request.FromIndex} from_time={request.FromTime} to_time={request.ToTime}", page.Entries.Count);
        var response = new Wire.ListEntriesResponse { Entries = { page.Entries.Select(ToWire.ListedEntry) }, At = registry.At() };
        if (page.Next is { } next)
            response.NextIndex = next;
        return response;
    }

    public override async Task<Wire.FindCommitmentResponse> FindCommitment(Wire.FindCommitmentRequest request, ServerCallContext context)
    {
        var call = CallState.Of(context);
        var wanted = FromWire.Commitments(request.Commitments, CommitmentsMost);
        // From before the search, which is itself put on record: else it would never seem to have searched everything.
        var at = registry.At();
        var page = registry.CommitmentSearch.Find(wanted, new LeafIndex(request.FromIndex), FromWire.PageSize(request.PageSize, PageUsual, EntriesMost), by: call.Agent?.Id);
        if (call.Agent is null)
            await registry.PutOnRecordAsync(call, Wanted(wanted), page.Found.Count);
        var response = new Wire.FindCommitmentResponse { Found = { page.Found.Select(found => ToWire.Found(registry, found)) }, SearchedSize = page.Searched.Value, At = at };
        if (page.Next is { } next)
            (response.NextCommitment, response.NextIndex) = ((uint)next.Wanted, next.From.Value);
        return response;
    }

    // On the record stands what can be held against a list of commitments later, and not the list.
    private static string Wanted(Hash[] commitments) =>
        $"commitments={commitments.Length} sha256={Sha256.Hash(MemoryMarshal.AsBytes(commitments.AsSpan())).ToBase64Url()}";

    private async Task<Wire.HeadsProof> HeadsAsync(SubjectId agent, CancellationToken cancellation)
    {
        var proof = (await registry.Heads.ProveAsync(agent, cancellation)).OrRefuse();
        return new Wire.HeadsProof
        {
            Label = ToWire.Bytes(proof.Label),
            MapProof = ToWire.Bytes(proof.Map),
            Entry = ToWire.Bytes(proof.Entry),
            Salt = ToWire.Bytes(proof.Salt),
            Inclusion = Inclusion(proof.Leaf),
        };
    }

    private Wire.GetInclusionProofResponse Inclusion(LeafProof proof) => new()
    {
        LedgerIndex = proof.Index.Value,
        Leaf = ToWire.Bytes(proof.Leaf),
        Path = { proof.Path.Select(ToWire.Bytes) },
        Checkpoint = proof.Checkpoint,
        At = registry.At(),
    };

    public override async Task ExportTrail(Wire.ExportTrailRequest request, IServerStreamWriter<Wire.ExportTrailResponse> responseStream, ServerCallContext context)
    {
        var call = CallState.Of(context);
        var agent = registry.Agent(call, request.Agent);
        var to = request.ToSubjectSequence == 0 ? ulong.MaxValue : request.ToSubjectSequence;
        var export = (await registry.TrailExports.BeginAsync(agent.Id, request.FromSubjectSequence, to, context.CancellationToken)).OrRefuse();
        await registry.PutOnRecordAsync(call, agent, checked((int)export.Entries));
        foreach (var piece in FilePieces.Of(export.Items()))
            await responseStream.WriteAsync(new Wire.ExportTrailResponse { Piece = piece, Entries = export.Entries, EntriesSent = export.EntriesMade }, context.CancellationToken);
    }

    private Wire.GetReceiptResponse AnchoredReceipt(LeafIndex index)
    {
        var (proof, anchor) = registry.LeafProofs.ProveAnchored(index).OrRefuse();
        var response = Receipt(proof);
        response.Anchor = ToWire.Bytes(anchor.ToBytes());
        return response;
    }

    private Wire.GetReceiptResponse Receipt(LeafProof proof) => new()
    {
        LedgerIndex = proof.Index.Value,
        Leaf = ToWire.Bytes(proof.Leaf),
        Receipt = ToWire.Bytes(proof.ToReceipt()),
        At = registry.At(),
    };

    private async Task UntilAsync(Task reached, LeafIndex index, string what)
    {
        if (await Task.WhenAny(reached, registry.Standing.Ended) != reached)
            throw new CallRefusedException(registry.Standing.Everyone, $"The statement is entry {index}; the registry went out of service before {what}.");
        await reached;
    }

    private bool WaitsForCheckpoint(Wire.AckLevel level)
    {
        CheckLevel(level);
        return level is not (Wire.AckLevel.Unspecified or Wire.AckLevel.Sequenced);
    }

    private void CheckLevel(Wire.AckLevel level)
    {
        if (!Enum.IsDefined(level))
            throw CallRefusedException.Malformed("The level to wait for is SEQUENCED, INTEGRATED, WITNESSED or ANCHORED.");
        if (level == Wire.AckLevel.Witnessed && registry.Cosigning is null)
            throw new CallRefusedException(Refusal.LevelNotConfigured, "Nobody is asked to cosign here: no entry becomes WITNESSED.");
        if (level == Wire.AckLevel.Anchored && registry.Anchors is null)
            throw new CallRefusedException(Refusal.LevelNotConfigured, "Nothing is anchored here: no entry becomes ANCHORED.");
    }
}
