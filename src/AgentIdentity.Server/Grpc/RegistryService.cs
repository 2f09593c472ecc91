using System.Text;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Dids;
using AgentIdentity.Credentials.Documents;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Registry;
using AgentIdentity.Registry.Reading;
using AgentIdentity.Registry.State;
using AgentIdentity.Server.Http;
using Grpc.Core;
using Wire = AgentIdentity.Protocol.V1;

namespace AgentIdentity.Server.Grpc;

/// <summary>Getting an identity, and looking identities up.</summary>
internal sealed class RegistryService(RegistryNode registry) : Wire.Registry.RegistryBase
{
    private const int PageUsual = 100;
    private const int PageMost = 1000;

    public override Task<Wire.BeginEnrollResponse> BeginEnroll(Wire.BeginEnrollRequest request, ServerCallContext context) =>
        Task.FromResult(new Wire.BeginEnrollResponse { Challenge = registry.Enrolment.NewChallenge(), PublicUrl = registry.Settings.Name.PublicUrl });

    public override async Task<Wire.EnrollResponse> Enroll(Wire.EnrollRequest request, ServerCallContext context)
    {
        var enrolled = (await registry.Enrolment.EnrollAsync(request.Token, request.Proof, FromWire.Texts(request.Audience), request.LifetimeSeconds, request.Evidence)).OrRefuse();
        var (agent, name) = (enrolled.Agent, registry.Settings.Name);
        return new Wire.EnrollResponse
        {
            Did = name.AgentDid(agent.Id),
            AgentId = ToWire.Bytes(agent.Id.ToArray()),
            DidDocument = Encoding.UTF8.GetString(DidDocuments.Agent(name, agent.Id, agent.Key, webvh: enrolled.Webvh)),
            Credential = ToWire.Credential(enrolled.Credential),
            Origin = registry.State.Log.Origin,
            At = registry.At(),
        };
    }

    public override async Task<Wire.GetAgentResponse> GetAgent(Wire.GetAgentRequest request, ServerCallContext context)
    {
        var call = CallState.Of(context);
        registry.RequireEpoch(request.MinEpoch);
        var agent = registry.Agent(call, request.Agent);
        await registry.PutOnRecordAsync(call, agent);
        // As it stands after the entry about this look.
        return new Wire.GetAgentResponse { Agent = ToWire.Agent(registry, registry.State.FindAgent(agent.Id)!, call.Caller), At = registry.At() };
    }

    public override async Task<Wire.ListAgentsResponse> ListAgents(Wire.ListAgentsRequest request, ServerCallContext context)
    {
        var call = CallState.Of(context);
        var filter = Filter(request, call);
        var pageSize = FromWire.PageSize(request.PageSize, PageUsual, PageMost);
        var page = registry.Reading.ListAgents(filter, PageToken.Read(request.PageToken, filter), pageSize);
        await registry.PutOnRecordAsync(call, $"sponsor={filter.Sponsor} blueprint={filter.Blueprint} state={filter.State}{(filter.Token is { } token ? $" token={token}" : "")}", page.Agents.Count);
        return new Wire.ListAgentsResponse
        {
            Agents = { page.Agents.Select(agent => ToWire.Agent(registry, agent, call.Caller)) },
            NextPageToken = PageToken.Write(page.Next, filter),
            At = registry.At(),
        };
    }

    public override Task<Wire.ResolveDidResponse> ResolveDid(Wire.ResolveDidRequest request, ServerCallContext context)
    {
        if (WebvhDid.TryParse(request.Did, out var webvh) && DidResolver.SubjectAt(registry, webvh) is { } subject)
            registry.RequireScid(request.Did, subject);
        var document = DidDocumentReader.Read(registry, request.Did) ?? throw Unresolved(request.Did);
        return Task.FromResult(new Wire.ResolveDidResponse { DidDocument = Encoding.UTF8.GetString(document), At = registry.At() });
    }

    public override async Task<Wire.RotateKeyResponse> RotateKey(Wire.RotateKeyRequest request, ServerCallContext context)
    {
        var rotation = registry.KeyRotation;
        var agent = (await (request.Token.Length > 0 ? rotation.ReplaceAsync(request.Proof, request.Token) : rotation.RotateAsync(request.Proof, request.Consent))).OrRefuse();
        return new Wire.RotateKeyResponse
        {
            Did = registry.Settings.Name.AgentDid(agent.Id),
            Jkt = agent.Key.KeyId.ToString(),
            DidDocument = Encoding.UTF8.GetString(DidDocumentReader.Read(registry, agent.Id)!),
            At = registry.At(),
        };
    }

    private CallRefusedException Unresolved(string did) => registry.Settings.Name.TryParseAgent(did, out _)
        ? new CallRefusedException(Refusal.AgentUnknown, "No agent has that DID.")
        : CallRefusedException.Malformed($"A DID of this registry is {registry.Settings.Name.Did}, or an agent's, which goes on with :agents: and a UUID; either as did:webvh too. Others are resolved if they are a did:key.");

    private static AgentFilter Filter(Wire.ListAgentsRequest request, CallState call)
    {
        StandingState? state = request.State switch
        {
            Wire.AgentState.Unspecified => null,
            Wire.AgentState.Active => StandingState.Active,
            Wire.AgentState.Restricted => StandingState.Restricted,
            Wire.AgentState.Frozen => StandingState.Frozen,
            Wire.AgentState.Revoked => StandingState.Revoked,
            _ => throw CallRefusedException.Malformed("A state is ACTIVE, RESTRICTED, FROZEN or REVOKED."),
        };
        return new AgentFilter(Sponsor(request, call), request.Blueprint.Length == 0 ? null : request.Blueprint, state)
        {
            WithProbes = request.WithProbes && call.Caller is not { Role: CallerRole.Sponsor },
            Token = request.TokenId.Length switch
            {
                0 => null,
                SubjectId.Size => SubjectId.Read(request.TokenId.Span),
                _ => throw CallRefusedException.Malformed($"A token's id has {SubjectId.Size} bytes."),
            },
        };
    }

    private static string? Sponsor(Wire.ListAgentsRequest request, CallState call)
    {
        var asked = request.Sponsor.Length == 0 ? null : request.Sponsor;
        if (call.Caller is not { Role: CallerRole.Sponsor } sponsor)
            return asked;
        return asked is null || asked == sponsor.Name ? sponsor.Name : throw new CallRefusedException(Refusal.NotPermitted, "A sponsor sees its own agents only.");
    }
}
