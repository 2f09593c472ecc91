using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Credentials.Verification;
using AgentIdentity.Registry;
using AgentIdentity.Registry.Delegating;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Verifying;
using AgentIdentity.Server.Grpc.Verifying;
using AgentIdentity.Server.Telemetry;
using Grpc.Core;
using Wire = AgentIdentity.Protocol.V1;

namespace AgentIdentity.Server.Grpc;

/// <summary>Credentials for agents, and the decision for those who are shown one.</summary>
internal sealed class CredentialsService(RegistryNode registry, CallMetrics metrics) : CredentialsMethods
{
    public override async Task<Wire.IssueResponse> Issue(Wire.IssueRequest request, ServerCallContext context)
    {
        registry.RequireEpoch(request.MinEpoch);
        var agent = CallState.Of(context).Agent!;
        var (audience, certificate) = (FromWire.Texts(request.Audience), FromWire.Certificate(request.CertificateSha256));
        var issued = (await (request.EmbeddedProof
            ? registry.Issuing.IssueWithProofAsync(agent, request.AuthorizationDetails, audience, request.LifetimeSeconds, certificate)
            : registry.Issuing.IssueAsync(agent, request.AuthorizationDetails, audience, request.LifetimeSeconds, certificate))).OrRefuse();
        return new Wire.IssueResponse { Credential = ToWire.Credential(issued), At = registry.At() };
    }

    public override async Task<Wire.RenewResponse> Renew(Wire.RenewRequest request, ServerCallContext context)
    {
        registry.RequireEpoch(request.MinEpoch);
        var issued = (await registry.Issuing.RenewAsync(CallState.Of(context).Agent!, request.Credential)).OrRefuse();
        return new Wire.RenewResponse { Credential = ToWire.Credential(issued), At = registry.At() };
    }

    public override async Task<Wire.DelegateResponse> Delegate(Wire.DelegateRequest request, ServerCallContext context)
    {
        registry.RequireEpoch(request.MinEpoch);
        var above = CallState.Of(context).Shown
            ?? throw new CallRefusedException(Refusal.CredentialInvalid, "Show the credential that is passed on from in the metadata entry authorization.");
        var child = registry.Agent(request.Agent);
        var wish = new DelegationWish(request.AuthorizationDetails, FromWire.Texts(request.Audience), request.LifetimeSeconds, FromWire.Budgets(request.Budgets));
        var issued = (await registry.Delegating.DelegateAsync(above, child, wish)).OrRefuse();
        return new Wire.DelegateResponse { Credential = ToWire.Credential(issued), At = registry.At() };
    }

    public override Task<Wire.VerifyResponse> Verify(PresentedRequest request, ServerCallContext context)
    {
        registry.RequireEpoch(request.MinEpoch);
        var tool = CallState.Of(context).Caller!;
        RequireOwnAudience(tool, request.Audience);
        if (tool.Role == CallerRole.Enforcer)
            registry.Watch.Asks(tool);
        if (request.Spend.Count > 0)
            return SpendAsync(request, tool);
        // Read before the decision: the answer must not claim a later moment than the one it was made at.
        var at = registry.At();
        var verdict = registry.Verification.Verify(Parse(request));
        return Task.FromResult(Answer(verdict, at));
    }

    private async Task<Wire.VerifyResponse> SpendAsync(PresentedRequest request, CallerRecord tool)
    {
        var spend = FromWire.Budgets(request.Spend);
        var at = registry.At();
        var verdict = await registry.Spending.VerifyAsync(Parse(request), spend, tool);
        return Answer(verdict, at);
    }

    // An enforcer speaks for the audiences that it was registered for.
    private static void RequireOwnAudience(CallerRecord caller, string audience)
    {
        if (caller.Role == CallerRole.Enforcer && !caller.Audiences.Contains(audience))
            throw new CallRefusedException(Refusal.NotPermitted, "An enforcer verifies for the audiences that it is registered for.");
    }

    private static VerificationRequest Parse(PresentedRequest request) => new(
        new TokenText(request.Credential.Memory),
        new TokenText(request.Proof.Memory),
        new RequestedUse(request.Method, request.Url, request.Nonce),
        request.Audience,
        request.Action is { } action ? new RequestedAction(action.Type, action.Action_, action.Location) : null)
    {
        Certificate = FromWire.Certificate(request.CertificateSha256),
    };

    private Wire.VerifyResponse Answer(Verdict verdict, Wire.At at)
    {
        metrics.Verified(verdict.Refusal);
        return new Wire.VerifyResponse
        {
            Allowed = verdict.Refusal == Refusal.None,
            Reason = verdict.Refusal.Name(),
            At = at,
            Presented = verdict.Presented is { } presented ? Presented(presented) : null,
            RelyUntil = verdict.Refusal == Refusal.None ? verdict.RelyUntil.ToUnixTimeMilliseconds() : 0,
            Left = { verdict.Left.Select(budget => new Wire.Budget { Unit = budget.Unit, Amount = budget.Amount }) },
        };
    }

    private Wire.Superior Superior(SubjectId agent) => new()
    {
        Did = registry.Settings.Name.AgentDid(agent),
        Sponsor = registry.State.FindAgent(agent)?.Grant.Terms.Sponsor ?? "",
    };

    private Wire.Presented Presented(PresentedCredential presented)
    {
        var claims = presented.Claims;
        return new Wire.Presented
        {
            Did = registry.Settings.Name.AgentDid(claims.AgentId),
            AgentId = ToWire.Bytes(claims.AgentId.ToArray()),
            Sponsor = claims.Sponsor,
            Blueprint = claims.Blueprint,
            Jti = claims.Jti.ToString(),
            AuthorizationDetails = claims.Envelope.Canonical,
            Act = claims.Act ?? "",
            ExpiresAt = claims.ExpiresAt,
            LedgerIndex = claims.LedgerIndex,
            Jkt = claims.Jkt.ToString(),
            Chain = { claims.Chain.Select(Superior) },
            Labels = { ToWire.Labels(claims) },
        };
    }
}
