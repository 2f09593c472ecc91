using System.Net;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;
using AgentIdentity.Registry;
using AgentIdentity.Registry.Erasing;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Registry.Reading;
using AgentIdentity.Server.Chain;
using AgentIdentity.Server.Hosting;
using Grpc.Core;
using Wire = AgentIdentity.Protocol.V1;

namespace AgentIdentity.Server.Grpc;

/// <summary>For operators: founding the registry, enrolment tokens, callers, keys.</summary>
/// <param name="anchoring">One, or none where nothing is anchored.</param>
internal sealed class AdminService(RegistryNode registry, BootstrapFile bootstrapFile, IEnumerable<ChainAnchoring> anchoring) : Wire.Admin.AdminBase
{
    private const int PageUsual = 100;
    private const int PageMost = 1000;

    public override async Task<Wire.BootstrapResponse> Bootstrap(Wire.BootstrapRequest request, ServerCallContext context)
    {
        if (context.GetHttpContext().Connection.RemoteIpAddress is not { } address || !IPAddress.IsLoopback(address))
            throw new CallRefusedException(Refusal.NotPermitted, "The bootstrap secret is redeemed on the registry's own machine.");
        var people = request.Operators.Select(person => new FirstOperator(person.Name, person.Proof)).ToArray();
        var founded = (await registry.Operating.BootstrapAsync(request.Secret, people)).OrRefuse();
        bootstrapFile.Delete();
        return new Wire.BootstrapResponse
        {
            Operators = { founded.Operators.Select(ToWire.Caller) },
            Origin = registry.State.Log.Origin,
            RegistryDid = registry.Settings.Name.Did,
            LogKey = registry.Checkpoints.LogKey,
            SingleOperator = registry.State.Founding!.SingleOperator,
            At = registry.At(),
        };
    }

    public override async Task<Wire.CreateEnrolmentTokenResponse> CreateEnrolmentToken(Wire.CreateEnrolmentTokenRequest request, ServerCallContext context)
    {
        var labels = request.Labels.Select(label => KeyValuePair.Create(label.Name, label.Value)).ToArray();
        var wish = new TokenWish(
            request.Sponsor, request.Blueprint, labels, request.MaximumEnvelope, FromWire.Texts(request.Audiences), request.Uses, request.LifetimeSeconds)
        {
            NextDidKeyHash = request.NextDidKeyHash,
            Evidence = request.Evidence,
            SessionSeconds = request.SessionSeconds,
        };
        var made = (await registry.Operating.CreateTokenAsync(CallState.Of(context).Caller!, wish)).OrRefuse();
        return new Wire.CreateEnrolmentTokenResponse
        {
            Token = made.Text,
            TokenId = ToWire.Bytes(made.Id.ToArray()),
            ExpiresAt = made.ExpiresAt,
            LedgerIndex = made.Index.Value,
            At = registry.At(),
        };
    }

    public override async Task<Wire.ListEnrolmentTokensResponse> ListEnrolmentTokens(Wire.ListEnrolmentTokensRequest request, ServerCallContext context)
    {
        var filter = new TokenFilter(request.Sponsor.Length == 0 ? null : request.Sponsor, request.Blueprint.Length == 0 ? null : request.Blueprint, request.WithClosed);
        var page = registry.Reading.ListTokens(filter, PageToken.Read(request.PageToken, filter), FromWire.PageSize(request.PageSize, PageUsual, PageMost));
        await registry.PutOnRecordAsync(CallState.Of(context), $"sponsor={filter.Sponsor} blueprint={filter.Blueprint}", page.Tokens.Count);
        return new Wire.ListEnrolmentTokensResponse
        {
            Tokens = { page.Tokens.Select(token => ToWire.Token(registry, token)) },
            NextPageToken = PageToken.Write(page.Next, filter),
            At = registry.At(),
        };
    }

    public override async Task<Wire.WithdrawEnrolmentTokenResponse> WithdrawEnrolmentToken(Wire.WithdrawEnrolmentTokenRequest request, ServerCallContext context)
    {
        var withdrawn = (await registry.Operating.WithdrawTokenAsync(CallState.Of(context).Caller!, Token(request), request.Reason)).OrRefuse();
        return new Wire.WithdrawEnrolmentTokenResponse { Token = ToWire.Token(registry, withdrawn), At = registry.At() };
    }

    private SubjectId Token(Wire.WithdrawEnrolmentTokenRequest request) => request.OfCase switch
    {
        Wire.WithdrawEnrolmentTokenRequest.OfOneofCase.TokenId when request.TokenId.Length == SubjectId.Size => SubjectId.Read(request.TokenId.Span),
        Wire.WithdrawEnrolmentTokenRequest.OfOneofCase.TokenHash when request.TokenHash.Length == Hash.Size => registry.State.FindToken(Hash.Read(request.TokenHash.Span))?.Id
            ?? throw new CallRefusedException(Refusal.EntryUnknown, "No entry has created an enrolment token with that hash."),
        _ => throw CallRefusedException.Malformed($"Name the token by its id, {SubjectId.Size} bytes, or by the SHA-256 of its text, {Hash.Size} bytes."),
    };

    public override async Task<Wire.RegisterCallerResponse> RegisterCaller(Wire.RegisterCallerRequest request, ServerCallContext context)
    {
        var role = Role(request.Role) ?? throw CallRefusedException.Malformed("A role is AUDITOR, ENFORCER or SPONSOR.");
        var made = (await registry.Operating.RegisterCallerAsync(
            CallState.Of(context).Caller!, role, request.Name, FromWire.Key(request.Key), FromWire.Texts(request.Audiences))).OrRefuse();
        return new Wire.RegisterCallerResponse { Caller = ToWire.Caller(made.Caller), LedgerIndex = made.Index.Value, At = registry.At() };
    }

    public override async Task<Wire.ListCallersResponse> ListCallers(Wire.ListCallersRequest request, ServerCallContext context)
    {
        var role = Role(request.Role);
        var callers = registry.State.Callers.Where(caller => role is null || caller.Role == role).OrderBy(caller => caller.Id).ToArray();
        await registry.PutOnRecordAsync(CallState.Of(context), $"role={role}", callers.Length);
        return new Wire.ListCallersResponse { Callers = { callers.Select(ToWire.Caller) }, At = registry.At() };
    }

    public override async Task<Wire.GetDidChangeResponse> GetDidChange(Wire.GetDidChangeRequest request, ServerCallContext context)
    {
        var agent = registry.Agent(request.Agent);
        await registry.PutOnRecordAsync(CallState.Of(context), agent);
        var change = (request.Place.Length == 0 ? registry.Dids.ChangeOf(agent) : registry.Dids.MoveOf(agent, request.Place)).OrRefuse();
        return new Wire.GetDidChangeResponse { ChangeFile = change.ToJson(), At = registry.At() };
    }

    public override async Task<Wire.SubmitDidVersionResponse> SubmitDidVersion(Wire.SubmitDidVersionRequest request, ServerCallContext context)
    {
        var index = (await registry.Dids.SubmitAsync(CallState.Of(context).Caller!.Id, registry.Agent(request.Agent), request.Line)).OrRefuse();
        return new Wire.SubmitDidVersionResponse { LedgerIndex = index.Value, At = registry.At() };
    }

    public override async Task<Wire.RotateDidKeyResponse> RotateDidKey(Wire.RotateDidKeyRequest request, ServerCallContext context)
    {
        var index = (await registry.Dids.RotateAsync(CallState.Of(context).Caller!.Id, registry.Agent(request.Agent), request.IfBehind)).OrRefuse();
        return new Wire.RotateDidKeyResponse { LedgerIndex = index.Value, At = registry.At() };
    }

    public override async Task<Wire.RotateIssuerKeyResponse> RotateIssuerKey(Wire.RotateIssuerKeyRequest request, ServerCallContext context)
    {
        var rotated = (await (request.DidKey ? registry.Operating.RotateDidKeyAsync(CallState.Of(context).Caller!) : registry.Operating.RotateIssuerKeyAsync(CallState.Of(context).Caller!))).OrRefuse();
        return new Wire.RotateIssuerKeyResponse
        {
            KeyId = rotated.Key.ToString(),
            RetiredKeyId = rotated.Retired.ToString(),
            LedgerIndex = rotated.Index.Value,
            At = registry.At(),
        };
    }

    public override Task<Wire.BeginApprovalResponse> BeginApproval(Wire.BeginApprovalRequest request, ServerCallContext context)
    {
        var begun = registry.Approvals.Begin(request.Action).OrRefuse();
        return Task.FromResult(new Wire.BeginApprovalResponse
        {
            Action = begun.Action,
            Nonce = begun.Nonce,
            ExpiresAt = begun.ExpiresAt.ToUnixTimeMilliseconds(),
            OperatorsNeeded = (uint)begun.OperatorsNeeded,
            Passkeys = { registry.State.Callers.Where(caller => caller.Passkey is not null).OrderBy(caller => caller.RegisteredAt).Select(ToWire.Passkey) },
        });
    }

    public override async Task<Wire.DefineBlueprintResponse> DefineBlueprint(Wire.DefineBlueprintRequest request, ServerCallContext context)
    {
        var reads = request.Reads.Select(read => new TypedAction(read.Type, read.Action)).ToArray();
        var index = (await registry.Operating.DefineBlueprintAsync(CallState.Of(context).Caller!, request.Name, request.Model, reads)).OrRefuse();
        return new Wire.DefineBlueprintResponse { LedgerIndex = index.Value, At = registry.At() };
    }

    public override async Task<Wire.RegisterCallerResponse> AddOperator(Wire.AddOperatorRequest request, ServerCallContext context)
    {
        var added = (await registry.People.AddOperatorAsync(CallState.Of(context).Caller!, request.Proof, FromWire.Texts(request.Approvals))).OrRefuse();
        return new Wire.RegisterCallerResponse { Caller = ToWire.Caller(added.Caller), LedgerIndex = added.Index.Value, At = registry.At() };
    }

    public override async Task<Wire.ChangedByTwoResponse> RemoveCaller(Wire.RemoveCallerRequest request, ServerCallContext context)
    {
        if (request.CallerId.Length != SubjectId.Size)
            throw CallRefusedException.Malformed($"A caller's id has {SubjectId.Size} bytes.");
        return Changed((await registry.People.RemoveCallerAsync(
            CallState.Of(context).Caller!, SubjectId.Read(request.CallerId.Span), request.Reason, FromWire.Texts(request.Approvals))).OrRefuse());
    }

    public override async Task<Wire.ChangedByTwoResponse> SetBreakGlassKey(Wire.SetBreakGlassKeyRequest request, ServerCallContext context) =>
        Changed((await registry.People.SetBreakGlassKeyAsync(CallState.Of(context).Caller!, FromWire.Key(request.Key), FromWire.Texts(request.Approvals))).OrRefuse());

    public override Task<Wire.GetRulesResponse> GetRules(Wire.GetRulesRequest request, ServerCallContext context)
    {
        var rules = registry.State.Rules;
        var answer = new Wire.GetRulesResponse { Rules = { rules.Rules.Select(rule => rule.ToString()) }, At = registry.At() };
        if (rules.Index is { } index)
            answer.LedgerIndex = index.Value;
        return Task.FromResult(answer);
    }

    public override async Task<Wire.ChangedByTwoResponse> SetRules(Wire.SetRulesRequest request, ServerCallContext context)
    {
        var rules = request.Rules.Select(text => StopRule.TryParse(text, out var rule) ? rule : throw CallRefusedException.Malformed("A rule is written TRIGGER:COUNT/SECONDS:STATE: docs/formats.md, \"Rule\"."));
        return Changed((await registry.Ruling.SetAsync(CallState.Of(context).Caller!, [.. rules], request.Reason, FromWire.Texts(request.Approvals))).OrRefuse());
    }

    private Wire.ChangedByTwoResponse Changed(LeafIndex index) => new() { LedgerIndex = index.Value, SingleOperator = registry.Approvals.IsSingleOperator, At = registry.At() };

    public override async Task<Wire.EraseResponse> Erase(Wire.EraseRequest request, ServerCallContext context)
    {
        var agent = registry.Agent(request.Agent);
        var indexes = request.LedgerIndexes.Select(index => new LeafIndex(index)).ToArray();
        var erased = (await registry.Erasing.EraseAsync(CallState.Of(context).Caller!, agent.Id, indexes, request.Reason, FromWire.Texts(request.Approvals))).OrRefuse();
        return new Wire.EraseResponse
        {
            LedgerIndex = erased.Index.Value,
            ErasedAt = erased.At,
            Erased = (uint)erased.Count,
            GoneFromDisk = erased.IsForGood,
            SingleOperator = registry.Approvals.IsSingleOperator,
            BackupsMustBeRedone = true,
            At = registry.At(),
        };
    }

    public override async Task<Wire.HoldResponse> PlaceHold(Wire.PlaceHoldRequest request, ServerCallContext context) =>
        Hold((await registry.Erasing.PlaceHoldAsync(CallState.Of(context).Caller!, registry.Agent(request.Agent).Id, request.Reason)).OrRefuse());

    public override async Task<Wire.HoldResponse> LiftHold(Wire.LiftHoldRequest request, ServerCallContext context) =>
        Hold((await registry.Erasing.LiftHoldAsync(
            CallState.Of(context).Caller!, registry.Agent(request.Agent).Id, new LeafIndex(request.HoldIndex), request.Reason, FromWire.Texts(request.Approvals))).OrRefuse());

    public override Task<Wire.GetAnchorStatusResponse> GetAnchorStatus(Wire.GetAnchorStatusRequest request, ServerCallContext context) =>
        Task.FromResult(AnchorAnswers.Of(Anchoring()));

    public override Task<Wire.GetAnchorStatusResponse> DemandAnchor(Wire.DemandAnchorRequest request, ServerCallContext context)
    {
        var anchoring = Anchoring();
        anchoring.Demand();
        return Task.FromResult(AnchorAnswers.Of(anchoring));
    }

    private ChainAnchoring Anchoring() => anchoring.SingleOrDefault() ?? throw new CallRefusedException(Refusal.LevelNotConfigured, "Nothing is anchored here: the server was started without --chain.");

    private Wire.HoldResponse Hold(HoldChanged changed) =>
        new() { LedgerIndex = changed.Index.Value, RecordedAt = changed.At, SingleOperator = registry.Approvals.IsSingleOperator, At = registry.At() };

    private static CallerRole? Role(Wire.Role role) => role switch
    {
        Wire.Role.Unspecified => null,
        Wire.Role.Operator => CallerRole.Operator,
        Wire.Role.Auditor => CallerRole.Auditor,
        Wire.Role.Enforcer => CallerRole.Enforcer,
        Wire.Role.Sponsor => CallerRole.Sponsor,
        _ => throw CallRefusedException.Malformed("A role is OPERATOR, AUDITOR, ENFORCER or SPONSOR."),
    };
}
