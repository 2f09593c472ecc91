using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Server.Grpc;
using AgentIdentity.Server.Hosting;
using AgentIdentity.Server.Tests.Fixtures;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using AgentState = AgentIdentity.Protocol.V1.AgentState;
using PrivateKey = AgentIdentity.Credentials.Keys.PrivateKey;

namespace AgentIdentity.Server.Tests.Grpc.Fuzz;

/// <summary>A registry in which something is there to be named, callers of each kind, and what is asked of each answer.</summary>
internal sealed class FuzzWorld : IAsyncDisposable
{
    // Streams that nobody ends are ended by their deadline, so many at a time.
    private const int StreamsAtOnce = 16;
    private const int StreamMessagesMax = 4;

    // What is said before a handler sees the message.
    private static readonly string[] AtTheDoor = ["PROOF_MISSING", "CALLER_UNKNOWN", "NOT_PERMITTED", "USE_DPOP_NONCE", "BODY_MISMATCH", "QUOTA_EXCEEDED", "NOT_BOOTSTRAPPED"];

    // Written by rule beside a refusal, or by the registry itself after something that was allowed before.
    private static readonly EntryKind[] ByRule = [EntryKind.CallsRefused, EntryKind.PrivateDataRead, EntryKind.DidVersion];

    private readonly TestRegistry _registry;
    private readonly Random _random;
    private readonly List<(Callers Role, RawCaller OnGrpc, RawCaller OnControl)> _callers = [];
    private MessageFuzzer _fuzzer = null!;

    private FuzzWorld(TestRegistry registry, int seed) => (_registry, _random) = (registry, new Random(seed));

    public static async Task<FuzzWorld> StartAsync(int seed)
    {
        var world = new FuzzWorld(await TestRegistry.StartAsync("--quota-per-address=1000000", "--quota-per-key=1000000"), seed);
        await world.PrepareAsync();
        return world;
    }

    public async Task SendAsync(AccessRow row, int messages)
    {
        var type = Pipeline.Served.SelectMany(file => file.Services).Single(service => row.Method.StartsWith($"/{service.FullName}/", StringComparison.Ordinal)).FindMethodByName(row.Method.Split('/')[2]);
        RawCaller[] callers = [.. _callers.Where(caller => row.Callers.HasFlag(caller.Role)).Select(caller => row.Listeners.HasFlag(Listeners.Control) ? caller.OnControl : caller.OnGrpc)];
        if (row.IsStream)
            await Parallel.ForEachAsync(Streams(type, messages).Index(), new ParallelOptions { MaxDegreeOfParallelism = StreamsAtOnce }, async (stream, _) => await StreamAsync(row, callers[stream.Index % callers.Length], stream.Item));
        else
        {
            var reached = 0;
            for (var i = 0; i < messages; i++)
                reached += await CallAsync(row, callers[i % callers.Length], _fuzzer.Draw(type.InputType)) ? 1 : 0;
            Assert.True(reached > messages / 4, $"{row.Method}: {reached} of {messages} messages came through the door.");
        }
    }

    public async Task RequireHealthAsync()
    {
        using var anyone = new RawCaller(_registry.GrpcUrl, _registry.PublicUrl);
        Assert.Equal(StatusCode.OK, (await anyone.SendAsync("/grpc.health.v1.Health/Check", [])).Status);
        await _registry.AsOperator.Admin.CreateEnrolmentTokenAsync(new CreateEnrolmentTokenRequest { Sponsor = "s", Blueprint = "b", MaximumEnvelope = TestRegistry.MaximumEnvelope, Audiences = { TestRegistry.Mail }, Uses = 1 });
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (_, onGrpc, onControl) in _callers)
        {
            onGrpc.Dispose();
            onControl.Dispose();
        }
        await _registry.DisposeAsync();
    }

    private async Task PrepareAsync()
    {
        var agents = new[] { await _registry.EnrolAsync(), await _registry.EnrolAsync(KeyAlgorithm.Ed25519), await _registry.EnrolAsync() };
        var stopped = await _registry.StopAgentAsync(agents[2].Did);
        var statement = agents[0].NextStatement(2);
        using (var runtime = agents[0].Connect())
            await runtime.Ledger.RecordAsync(statement);
        AddCaller(Callers.Anyone, null);
        AddCaller(Callers.Agents, agents[0].Key);
        AddCaller(Callers.Agents, agents[1].Key, agents[1].Credential);
        AddCaller(Callers.Operators, _registry.Operator);
        AddCaller(Callers.Auditors, await _registry.RegisterAsync(Role.Auditor, "auditor"));
        AddCaller(Callers.Enforcers, await _registry.RegisterAsync(Role.Enforcer, "documents"));
        AddCaller(Callers.Sponsors, await _registry.RegisterAsync(Role.Sponsor, TestRegistry.Sponsor));
        _fuzzer = new MessageFuzzer(_random, (await GoodAsync(agents, stopped.LedgerIndex)).ToLookup(value => value.Field, value => value.Value));
    }

    private void AddCaller(Callers role, PrivateKey? key, string? credential = null) =>
        _callers.Add((role, new RawCaller(_registry.GrpcUrl, _registry.PublicUrl, key) { Credential = credential }, new RawCaller(_registry.ControlUrl, _registry.PublicUrl, key)));

    // By the name of the field: what is there already, and what is as it should be.
    private async Task<List<(string Field, object Value)>> GoodAsync(TestAgent[] agents, ulong stop)
    {
        var good = new List<(string Field, object Value)>();
        void Add(object value, params string[] fields) => good.AddRange(fields.Select(field => (field, value)));
        foreach (var agent in agents)
        {
            Add(agent.Did, "agent", "agent_with_delegates", "did");
            Add(agent.Credential, "credential");
            Add("DPoP " + agent.Credential, "authorization");
            Add(agent.Presents().Proof, "proof", "dpop");
            Add(agent.Key.PublicKey.KeyId.ToString(), "key");
            var next = agent.NextStatement();
            Add(next.Statement, "statement");
            Add(next.Signature, "signature");
            Add(next.Algorithm, "algorithm");
        }
        Add(await _registry.CreateTokenAsync(uses: 1000), "token");
        Add(new Protocol.V1.PublicKey { Jwk = PrivateKey.Generate(KeyAlgorithm.ES256).PublicKey.ToJwk() }, "key");
        Add(TestRegistry.MaximumEnvelope, "authorization_details", "maximum_envelope");
        Add(TestRegistry.Documents, "audience", "audiences", "resource", "location");
        Add(TestRegistry.Sponsor, "sponsor");
        Add("summariser/2.1 model-x/5", "blueprint");
        Add("GET", "method");
        Add("/documents/report?sort=up", "path");
        Add("https://tools.example", "origin");
        foreach (var name in new[] { "origin", "audience", "type", "action", "location" })
            Add(name, "context_extensions");
        foreach (var name in new[] { "authorization", "dpop" })
            Add(name, "headers");
        Add(TestAgent.ToolUrl, "url");
        Add(TestAgent.Nonce, "nonce");
        Add(AgentState.Frozen, "state");
        Add("odd calls", "reason", "incident");
        Add(stop, "stop", "stops", "after", "ledger_index", "ledger_indexes", "hold_index");
        Add(Role.Enforcer, "role");
        return good;
    }

    // Whether a handler saw it.
    private async Task<bool> CallAsync(AccessRow row, RawCaller caller, byte[] message)
    {
        var before = _registry.Host.Registry.State.Position;
        var answer = await caller.SendAsync(row.Method, message);
        RequireProper(row, message, answer);
        if (answer.Status != StatusCode.OK)
            Assert.All(_registry.WrittenSince(before), kind => Assert.True(ByRule.Contains(kind), $"{row.Method} was refused with {answer} and wrote {kind}: {Convert.ToHexString(message)}"));
        return !AtTheDoor.Contains(answer.Reason);
    }

    private List<byte[][]> Streams(MethodDescriptor method, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => Enumerable.Range(0, method.IsClientStreaming ? _random.Next(1, StreamMessagesMax + 1) : 1).Select(_ => _fuzzer.Draw(method.InputType)).ToArray())];

    private static async Task StreamAsync(AccessRow row, RawCaller caller, byte[][] messages)
    {
        var answer = await caller.SendAsync(row.Method, messages[0], request =>
        {
            request.Content = RawCaller.Stream(messages);
            request.Headers.Remove("grpc-timeout");
            request.Headers.Add("grpc-timeout", "2S");
        });
        if (answer.Status != StatusCode.DeadlineExceeded)
            RequireProper(row, [.. messages.SelectMany(RawCaller.Framed)], answer);
    }

    // The standard's own answer about a service that is not known has no name of ours.
    private static void RequireProper(AccessRow row, byte[] message, RawAnswer answer)
    {
        var isProper = answer.Status == StatusCode.OK || (answer.Reason.Length > 0 && answer.Status is not (null or StatusCode.Internal or StatusCode.Unknown));
        Assert.True(isProper || (answer.Status == StatusCode.NotFound && row.Method.StartsWith("/grpc.health.v1.", StringComparison.Ordinal)), $"{row.Method} was answered with {answer}: {Convert.ToHexString(message)}");
    }
}
