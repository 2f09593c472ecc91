using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using AgentIdentity.Cli.Approvals;
using AgentIdentity.Cli.Home;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Protocol.V1;

namespace AgentIdentity.Cli.Verbs;

/// <summary>The sealed key: it freezes without the registry, and can do nothing else.</summary>
internal static class BreakGlassVerb
{
    private static readonly Option<string> KeyOut = new("--out") { Required = true, HelpName = "FILE", Description = "Where to write the key, to be kept sealed and offline. AGENTID_PASSPHRASE encrypts it." };
    private static readonly Option<string> Jwk = new("--public-key-file") { Required = true, HelpName = "FILE", Description = "The public JWK that agentid break-glass make printed." };
    private static readonly Option<string> KeyFile = new("--key-file") { Required = true, HelpName = "FILE", Description = "The sealed key." };
    private static readonly Option<string> Reason = new("--reason") { Required = true, HelpName = "TEXT", Description = "For the record." };
    private static readonly Option<string> OrderOut = new("--out") { Required = true, HelpName = "FILE", Description = "Where to write the order." };
    private static readonly Argument<string> ScopeArgument = ScopeText.Create();
    private static readonly Argument<string> OrderFile = new("order") { Description = "The file that agentid break-glass order wrote." };

    public static Command Create() => new("break-glass", "The sealed key, which freezes without the registry and can do nothing else.")
    {
        new Command("make", "Make the key. Needs no registry.") { KeyOut }.Does((run, _) => Task.FromResult(Make(run))),
        new Command("name", "Ask for the key to be the one that enforcers obey. Two operators sign: agentid approve.") { Jwk, ApprovalFile.Out }.Does(NameAsync),
        new Command("order", "Sign a stop with the sealed key. Needs no registry; enforcers take the file.") { ScopeArgument, KeyFile, Reason, OrderOut }.Does((run, _) => Task.FromResult(Order(run))),
        new Command("obey", "Give an order to the registry.") { OrderFile }.Does(ObeyAsync),
    };

    private static int Make(Invocation run)
    {
        if (File.Exists(run.Get(KeyOut)))
            throw Failure.Usage($"{run.Get(KeyOut)} exists; a key is never written over another.");
        using var key = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        HomeFolder.WriteKey(run.Get(KeyOut), key);
        run.Answer(new JsonObject { ["key_file"] = run.Get(KeyOut), ["public_key"] = JsonNode.Parse(key.PublicKey.ToJwk()) }, text => text.WriteLine(key.PublicKey.ToJwk()));
        return ExitCode.Fine;
    }

    private static Task<int> NameAsync(Invocation run, CancellationToken cancellationToken)
    {
        var key = OperatorsRegisterVerb.ReadPublicKey(run.Get(Jwk));
        return ApprovalFile.AskAsync(run, ApprovedAction.SetBreakGlassKey(key.KeyId), cancellationToken, key.ToJwk());
    }

    private static int Order(Invocation run)
    {
        var scope = ScopeText.Read(run, run.Get(ScopeArgument));
        if (!scope.CanCover)
            throw Failure.Refused($"An order of {scope} would stop nothing: a location is exact, or ends in /*, and a star stands nowhere else.", reason: "SCOPE_MALFORMED");
        var now = run.Clock.GetUtcNow();
        var order = new StopOrder(SubjectId.New(now), scope, run.Get(Reason), now.ToUnixTimeSeconds());
        using var key = HomeFolder.ReadKey(run.Get(KeyFile));
        PrivateFiles.WriteNew(run.Get(OrderOut), Encoding.ASCII.GetBytes(order.Sign(key, run.Registry.PublicUrl) + "\n"));
        run.Answer(
            new JsonObject { ["order"] = run.Get(OrderOut), ["scope"] = scope.ToString(), ["id"] = order.Id.ToString() },
            text => text.WriteLine($"{run.Get(OrderOut)} freezes {scope}: put it into the orders folder of each enforcer, and give it to the registry when it answers: agentid break-glass obey {run.Get(OrderOut)}"));
        return ExitCode.Fine;
    }

    private static async Task<int> ObeyAsync(Invocation run, CancellationToken cancellationToken)
    {
        var token = File.Exists(run.Get(OrderFile)) ? (await File.ReadAllTextAsync(run.Get(OrderFile), cancellationToken)).Trim() : throw Failure.Usage($"There is no file {run.Get(OrderFile)}.");
        if (!StopOrder.TryRead(token, run.Registry.PublicUrl, out var order, out _))
            throw Failure.Usage($"{run.Get(OrderFile)} is no stop order for {run.Registry.PublicUrl}.");
        using var connection = run.Connect();
        var answer = await connection.Control.ObeyAsync(new ObeyRequest { Order = token }, cancellationToken: cancellationToken);
        run.Answer(StopVerb.ToJson(run, order.Scope, answer), text => StopVerb.Write(text, run, order.Scope, answer));
        return ExitCode.Fine;
    }
}
