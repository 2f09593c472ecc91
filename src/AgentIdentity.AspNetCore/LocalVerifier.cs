using AgentIdentity.Client.Enforcing;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Issuing;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace AgentIdentity.AspNetCore;

/// <summary>Decides here, by an <see cref="Client.Enforcing.Enforcer"/> that holds the registry's watch.</summary>
internal sealed class LocalVerifier : IVerifier, IAsyncDisposable, IDisposable
{
    private readonly RegistryName _registry;
    private readonly PrivateKey _key;

    public LocalVerifier(IOptionsMonitor<AgentIdentityOptions> monitor, ILogger<LocalVerifier> logger)
    {
        var options = monitor.Get(AgentIdentityDefaults.Scheme);
        var connection = options.Connection(options.TimeProvider ?? TimeProvider.System);
        if (!RegistryName.TryParse(options.RegistryPublicUrl, out var registry, out var problem))
            throw new InvalidOperationException(problem);
        _registry = registry;
        _key = options.ReadKey();
        var stateFolder = options.StateFolder ?? options.KeyFile + ".watch";
        var ordersFolder = options.OrdersFolder ?? Path.Combine(stateFolder, "orders");
        var enforcer = new EnforcerOptions
        {
            Registry = connection,
            Key = _key,
            Audiences = [options.Audience],
            StateFolder = stateFolder,
            OrdersFolder = ordersFolder,
            Alarmed = alarm => logger.LogError("{Alarm}: {Detail}", alarm.Name, alarm.Detail),
        };
        var configured = options.ConfigureEnforcer?.Invoke(enforcer) ?? enforcer;
        // Made now: who brings an order in an emergency should find where to put it.
        if (configured.OrdersFolder is { } orders)
            Directory.CreateDirectory(orders);
        Enforcer = new Enforcer(configured);
    }

    public Enforcer Enforcer { get; }

    public NonceIssuer Nonces => Enforcer.Nonces;

    public ValueTask<Verdict> VerifyAsync(ToolRequest request, CancellationToken cancellationToken)
    {
        var decision = Decide(request, out var session);
        if (!decision.IsAllowed)
            return ValueTask.FromResult(Verdict.Refused(decision.Refusal.Name()));
        var claims = decision.Presented!.Claims;
        var agent = new LetIn(_registry.AgentDid(claims.AgentId), claims.Sponsor, claims.Blueprint, claims.Jti.ToString(), Labels(claims), [.. claims.Chain.Select(_registry.AgentDid)], claims.TopSponsor);
        return ValueTask.FromResult(new Verdict(decision.Refusal.Name(), agent, session));
    }

    public IDisposable? Watch(Verdict verdict, AgentAction action, Action<string> ended) =>
        Enforcer.Register(verdict.Session!, Asked(action), refusal => ended(refusal.Name()));

    public Task WaitUntilReadyAsync(CancellationToken cancellationToken) => Enforcer.WaitUntilReadyAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await Enforcer.DisposeAsync();
        _key.Dispose();
    }

    private Decision Decide(ToolRequest request, out BoundSession? session)
    {
        if (request is { Proof: null, Certificate: { } certificate })
            return Enforcer.Open(request.Credential, certificate, Asked(request.Action), request.Audience, out session);
        var binding = new RequestBinding(request.Method, request.Url, BodyHash: request.BodyHash) { Certificate = request.Certificate };
        return Enforcer.Open(request.Credential, request.Proof ?? "", binding, Asked(request.Action), request.Audience, out session);
    }

    // For a container that is disposed of without waiting: what is left to be written is written behind it.
    public void Dispose() => _ = DisposeAsync().AsTask();

    private static LabelSaid[] Labels(CredentialClaims claims) =>
    [
        .. claims.AttestedLabels.Select(label => new LabelSaid(AgentIdentityDefaults.AttestedLabelClaim, label.Key, label.Value)),
        .. claims.Labels.Select(label => new LabelSaid(AgentIdentityDefaults.LabelClaim, label.Key, label.Value)),
        .. claims.StatedLabels.Select(label => new LabelSaid(AgentIdentityDefaults.StatedLabelClaim, label.Key, label.Value)),
    ];

    private static AskedAction Asked(AgentAction action) => new(action.Type, action.Action, action.Location);
}
