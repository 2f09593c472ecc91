using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Evidence;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Statements;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using Google.Protobuf;
using Grpc.Core;
using EntryClass = AgentIdentity.Protocol.V1.EntryClass;

namespace AgentIdentity.Client.Tests.Fixtures;

internal sealed class FakeRegistryService(FakeRegistry registry) : V1.Registry.RegistryBase
{
    public override Task<BeginEnrollResponse> BeginEnroll(BeginEnrollRequest request, ServerCallContext context)
    {
        registry.Note(context);
        return Task.FromResult(new BeginEnrollResponse { Challenge = registry.Challenge, PublicUrl = registry.ClaimedUrl });
    }

    public override Task<EnrollResponse> Enroll(EnrollRequest request, ServerCallContext context)
    {
        registry.Note(context);
        var tokenHash = Sha256.Hash(System.Text.Encoding.UTF8.GetBytes(FakeRegistry.Token));
        var refusal = EnrolmentProof.Read(request.Proof, FakeRegistry.PublicUrl, tokenHash, registry.Clock.GetUtcNow(), out var proof);
        if (refusal != Refusal.None || proof!.Challenge != registry.Challenge || request.Token != FakeRegistry.Token)
            throw registry.Refuse(StatusCode.Unauthenticated, Refusal.TokenInvalid, "That is no token of this registry.");
        registry.AgentKey = proof.Key;
        RenewSession(request.Evidence, proof);
        return Task.FromResult(new EnrollResponse
        {
            Did = registry.AgentDid,
            AgentId = ByteString.CopyFrom(registry.AgentId.ToArray()),
            DidDocument = "{}",
            Credential = FakeCredentialsService.Describe(registry, registry.Issue()),
            Origin = FakeRegistry.Name.Origin,
        });
    }

    public override Task<RotateKeyResponse> RotateKey(RotateKeyRequest request, ServerCallContext context)
    {
        registry.Note(context);
        if (RotationProof.Read(request.Proof, FakeRegistry.PublicUrl, registry.Clock.GetUtcNow(), out var proof) != Refusal.None)
            throw registry.Refuse(StatusCode.Unauthenticated, Refusal.ProofInvalid, "The proof is not a good one.");
        registry.AgentKey = proof!.Key;
        return Task.FromResult(new RotateKeyResponse { Did = registry.AgentDid, Jkt = proof.Key.KeyId.ToString() });
    }

    private void RenewSession(string evidence, EnrolmentProof proof)
    {
        if (evidence.Length == 0)
            return;
        Assert.Equal(EvidenceText.HashOf(evidence), proof.EvidenceHash);
        if (!registry.UsedEvidence.Add(evidence))
            throw registry.Refuse(StatusCode.Unauthenticated, Refusal.EvidenceUsed, "The evidence has been used.");
        registry.Standing = Refusal.None;
    }
}

internal sealed class FakeCredentialsService(FakeRegistry registry) : V1.Credentials.CredentialsBase
{
    public override Task<IssueResponse> Issue(IssueRequest request, ServerCallContext context)
    {
        registry.Authenticate(request, context, registry.AgentKey);
        return Task.FromResult(new IssueResponse { Credential = Describe(registry, registry.Issue()) });
    }

    public override Task<RenewResponse> Renew(RenewRequest request, ServerCallContext context)
    {
        registry.Authenticate(request, context, registry.AgentKey);
        if (registry.Standing != Refusal.None)
            throw registry.Refuse(StatusCode.PermissionDenied, registry.Standing, "The agent is stopped.");
        // The nonce is of use to whoever calls next, and comes in the headers as well.
        context.ResponseTrailers.Add("dpop-nonce", registry.Challenge);
        return Task.FromResult(new RenewResponse { Credential = Describe(registry, registry.Issue()) });
    }

    public override Task<DelegateResponse> Delegate(DelegateRequest request, ServerCallContext context)
    {
        registry.Authenticate(request, context, registry.AgentKey);
        registry.ShownCredential = context.RequestHeaders.GetValue("authorization");
        return Task.FromResult(new DelegateResponse { Credential = Describe(registry, registry.Issue(chain: [registry.AgentId])) });
    }

    public override Task<VerifyResponse> Verify(VerifyRequest request, ServerCallContext context)
    {
        registry.Authenticate(request, context, registry.EnforcerKey);
        var refusal = registry.Judge(request, out var claims);
        var answer = new VerifyResponse { Allowed = refusal == Refusal.None, Reason = refusal.Name() };
        if (refusal == Refusal.None)
        {
            answer.Presented = new Presented { Did = registry.AgentDid, Sponsor = claims!.Sponsor, Blueprint = claims.Blueprint, Jti = claims.Jti.ToString() };
            answer.Presented.Chain.Add(claims.Chain.Select(above => new Superior { Did = FakeRegistry.Name.AgentDid(above), Sponsor = "Head office" }));
            answer.Presented.Labels.Add(FakeRegistry.Labels);
            answer.RelyUntil = claims.ExpiresAt * 1000;
        }
        return Task.FromResult(answer);
    }

    public static IssuedCredential Describe(FakeRegistry registry, string token)
    {
        var now = registry.Clock.GetUtcNow().ToUnixTimeSeconds();
        return new IssuedCredential { Token = token, Jti = "jti", NotBefore = now, ExpiresAt = now + 600, LedgerIndex = 4 };
    }
}

internal sealed class FakeLedgerService(FakeRegistry registry) : V1.Ledger.LedgerBase
{
    public override Task<RecordResponse> Record(RecordRequest request, ServerCallContext context)
    {
        registry.Note(context);
        if (registry.RecordRefusal != Refusal.None)
            throw registry.Refuse(StatusCode.FailedPrecondition, registry.RecordRefusal);
        var index = Append(request);
        if (registry.LosesNextAnswer)
        {
            registry.LosesNextAnswer = false;
            throw new RpcException(new Status(StatusCode.Unavailable, "The connection was lost."));
        }
        var recorded = registry.Statements[index];
        var at = registry.Clock.GetUtcNow().ToUnixTimeMilliseconds();
        var activity = new Activity(recorded.Bytes.ToArray(), (KeyAlgorithm)request.Algorithm, request.Signature.ToByteArray(), Quarantined: false);
        var entry = new Entry(registry.ShowsAnotherLeaf ? at + 1 : at, [new EntrySubject(recorded.AgentId, (ulong)index + 1)], recorded.AgentId, activity);
        var salt = Sha256.Hash([(byte)index]).ToArray();
        var leaf = Leaf.Encode((byte)Credentials.Entries.EntryClass.Activity, [default], salt, entry.Encode());
        return Task.FromResult(new RecordResponse
        {
            Leaf = ByteString.CopyFrom(leaf),
            Salt = ByteString.CopyFrom(salt),
            SubjectSequence = (ulong)index + 1,
            LedgerIndex = (ulong)index,
            Level = AckLevel.Sequenced,
            EntryClass = EntryClass.Activity,
            LeafHash = ByteString.CopyFrom(MerkleHash.Leaf(leaf).ToArray()),
            RecordedAt = at,
        });
    }

    public override Task<GetAgentHeadResponse> GetAgentHead(GetAgentHeadRequest request, ServerCallContext context)
    {
        registry.Authenticate(request, context, registry.AgentKey);
        Assert.Equal(registry.AgentDid, request.Agent);
        var previous = registry.Statements.Count > 0 ? registry.Statements[^1].Identity : default;
        return Task.FromResult(new GetAgentHeadResponse
        {
            NextSequence = (ulong)registry.Statements.Count,
            Previous = ByteString.CopyFrom(previous.ToArray()),
            KeyId = ByteString.CopyFrom(registry.AgentKey!.KeyId.ToArray()),
        });
    }

    public override Task<GetConsistencyResponse> GetConsistency(GetConsistencyRequest request, ServerCallContext context) =>
        Task.FromResult(registry.Log?.Invoke(request) ?? throw registry.Refuse(StatusCode.Unavailable, Refusal.NotIntegrated));

    private int Append(RecordRequest request)
    {
        if (!SignedStatement.TryRead(request.Statement.ToByteArray(), out var statement))
            throw registry.Refuse(StatusCode.InvalidArgument, Refusal.StatementMalformed);
        if (statement.Origin != FakeRegistry.Name.Origin)
            throw registry.Refuse(StatusCode.InvalidArgument, Refusal.WrongOrigin);
        if ((KeyAlgorithm)request.Algorithm != registry.AgentKey!.Algorithm || !registry.AgentKey.Verifies(statement.Bytes, request.Signature.Span))
            throw registry.Refuse(StatusCode.Unauthenticated, Refusal.SignatureInvalid);
        var recorded = registry.Statements;
        var place = (int)statement.Sequence;
        if (place < recorded.Count)
            return recorded[place].Identity == statement.Identity ? place : throw registry.Refuse(StatusCode.AlreadyExists, Refusal.SequenceFork);
        if (place > recorded.Count || statement.Previous != (place == 0 ? default : recorded[place - 1].Identity))
            throw registry.Refuse(StatusCode.FailedPrecondition, Refusal.SequenceGap);
        recorded.Add(statement);
        return place;
    }
}
