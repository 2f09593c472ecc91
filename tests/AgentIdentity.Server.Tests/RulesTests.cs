using System.Diagnostics;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Server.Tests.Fixtures;
using Grpc.Core;
using AgentState = AgentIdentity.Protocol.V1.AgentState;

namespace AgentIdentity.Server.Tests;

/// <summary>Rules over the wire: who may see and set them, what is no rule, and what a stop by one shows to those who watch the server.</summary>
public sealed class RulesTests : IAsyncLifetime
{
    private const string Reason = "nobody is awake at night";

    private TestRegistry _registry = null!;

    public async Task InitializeAsync() => _registry = await TestRegistry.StartAsync();

    public async Task DisposeAsync() => await _registry.DisposeAsync();

    [Fact]
    public async Task A_rules_stop_says_which_rule_it_is_by_and_is_counted()
    {
        var agent = await _registry.EnrolAsync();
        var set = await _registry.AsOperator.Admin.SetRulesAsync(await SignedAsync("envelope-exceeded:2/60:restricted"));
        using var tool = _registry.Connect(await _registry.RegisterAsync(Role.Enforcer, "documents"));
        for (var i = 0; i < 2; i++)
        {
            var request = agent.Presents();
            request.Action = new Protocol.V1.Action { Type = "documents", Action_ = "delete", Location = TestRegistry.Documents + "/1" };
            Assert.Equal("ENVELOPE_EXCEEDED", (await tool.Credentials.VerifyAsync(request)).Reason);
        }

        var counted = await UntilCountedAsync();

        Assert.Contains("\nagentidentity_rules_fired_total{trigger=\"envelope-exceeded\",outcome=\"stopped\"} 1\n", counted, StringComparison.Ordinal);
        var stop = Assert.Single((await _registry.AsOperator.Control.ListStopsAsync(new ListStopsRequest())).Stops);
        Assert.Equal(("envelope-exceeded", AgentState.Restricted), (stop.Rule, stop.State));
        Assert.EndsWith($":agents:{stop.Scope.Agent}", agent.Did, StringComparison.Ordinal);
        Assert.Contains($"of entry {set.LedgerIndex}:", stop.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Operators_and_auditors_see_the_rules_and_enforcers_do_not()
    {
        await _registry.AsOperator.Admin.SetRulesAsync(await SignedAsync("fork:1/60:frozen"));
        using var auditor = _registry.Connect(await _registry.RegisterAsync(Role.Auditor, "auditor"));
        using var enforcer = _registry.Connect(await _registry.RegisterAsync(Role.Enforcer, "enforcer"));
        Assert.Equal(["fork:1/60:frozen"], (await auditor.Admin.GetRulesAsync(new GetRulesRequest())).Rules);
        await Refused.BecauseAsync(Refusal.NotPermitted, StatusCode.PermissionDenied, auditor.Admin.SetRulesAsync(await SignedAsync()));
        await Refused.BecauseAsync(Refusal.NotPermitted, StatusCode.PermissionDenied, enforcer.Admin.GetRulesAsync(new GetRulesRequest()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("fork")]
    [InlineData("fork:1/60:revoked")]
    [InlineData("FORK:1/60:frozen")]
    [InlineData("fork:0/60:frozen")]
    [InlineData("fork:1/86401:frozen")]
    public async Task What_is_no_rule_is_malformed(string rule)
    {
        await Refused.BecauseAsync(Refusal.MessageMalformed, StatusCode.InvalidArgument, _registry.AsOperator.Admin.SetRulesAsync(new SetRulesRequest { Rules = { rule }, Reason = Reason }));
        Assert.False((await _registry.AsOperator.Admin.GetRulesAsync(new GetRulesRequest())).HasLedgerIndex);
    }

    // A request that the one operator of this registry has signed.
    private async Task<SetRulesRequest> SignedAsync(params string[] rules)
    {
        var action = ApprovedAction.SetRules([.. rules.Select(text => StopRule.TryParse(text, out var rule) ? rule : throw new ArgumentException(text, nameof(rules)))], Reason);
        var begun = await _registry.AsOperator.Admin.BeginApprovalAsync(new BeginApprovalRequest { Action = action });
        return new SetRulesRequest { Rules = { rules }, Reason = Reason, Approvals = { Approval.Create(_registry.Operator, _registry.PublicUrl, action, begun.Nonce, TimeProvider.System.GetUtcNow()) } };
    }

    private async Task<string> UntilCountedAsync()
    {
        using var http = new HttpClient();
        for (var patience = Stopwatch.StartNew(); patience.Elapsed < TimeSpan.FromSeconds(60); await Task.Delay(TimeSpan.FromMilliseconds(50)))
        {
            var metrics = await http.GetStringAsync(new Uri(_registry.ConsoleUrl + "/metrics"));
            if (metrics.Contains("agentidentity_rules_fired_total{", StringComparison.Ordinal))
                return metrics;
        }
        throw new TimeoutException("No rule has fired.");
    }
}
