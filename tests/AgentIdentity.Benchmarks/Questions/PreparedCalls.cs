using System.Diagnostics;
using AgentIdentity.Benchmarks.Load;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Statements;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Tests.Wire;

namespace AgentIdentity.Benchmarks.Questions;

/// <summary>Makes the calls of a window before it begins: keys, signatures and proofs cost the load nothing while it runs.</summary>
internal sealed class PreparedCalls : IDisposable
{
    // More than any window of this machine sends; what is left over is thrown away. Proofs live for a minute, so a window cannot be long.
    private const int CallsPerSecondMax = 9_000;
    private const int MadeInTurn = 10;
    private static readonly TimeSpan MakingMax = TimeSpan.FromSeconds(20);
    private const int CredentialsPerAgentMax = 60;
    // An agent holds few credentials at once; this many agents hold enough for a window of several seconds.
    private const int AgentsMax = 1_200;

    private readonly RegistryWire _registry;
    private readonly PrivateKey _operator = PrivateKey.Generate(KeyAlgorithm.ES256);
    private readonly PrivateKey _enforcer = PrivateKey.Generate(KeyAlgorithm.ES256);
    private string _token = "";

    private PreparedCalls(Servers servers, WireTls? tls)
    {
        // Without the certificate: that is the tool's.
        _registry = new RegistryWire(servers.Grpc, servers.Control, tls is null ? null : new WireTls());
    }

    /// <summary>Founds the registry of the run. The key of a client certificate becomes a registered tool's.</summary>
    public static async Task<PreparedCalls> FoundAsync(Servers servers, WireTls? tls)
    {
        var calls = new PreparedCalls(servers, tls);
        await calls._registry.BootstrapAsync(calls._operator, servers.Folder);
        await calls._registry.RefreshNonceAsync(calls._operator);
        calls._token = await calls._registry.CreateTokenAsync(calls._operator, uses: 1_000_000);
        await calls._registry.RegisterEnforcerAsync(calls._operator, calls._enforcer.PublicKey);
        if (tls?.Own is { } own && Credentials.Keys.PublicKey.TryReadSubjectPublicKeyInfo(own.PublicKey.ExportSubjectPublicKeyInfo(), out var key))
            await calls._registry.RegisterEnforcerAsync(calls._operator, key, "tool with a certificate");
        return calls;
    }

    /// <summary>What a good answer to the question's calls is.</summary>
    public static Predicate<WireAnswer> Expectation(string name) => name.StartsWith("verify", StringComparison.Ordinal)
        ? answer => answer.IsGood && VerifyResponse.Parser.ParseFrom(answer.Message.Span).Allowed
        : answer => answer.IsGood;

    /// <summary>For each worker, enough calls for a window of this length.</summary>
    public async Task<IReadOnlyList<IEnumerable<WireCall>>> MakeAsync(string name, TimeSpan length)
    {
        var each = (int)(CallsPerSecondMax * length.TotalSeconds / Window.Workers);
        await _registry.RefreshNonceAsync(_operator);
        return name switch
        {
            "echo" => Workers(_ => Enumerable.Repeat(new WireCall("/grpc.testing.TestService/EmptyCall", WireCall.FrameOf([])), int.MaxValue)),
            "verify" => await MakeVerificationsAsync(each),
            CallQuestion.ByCertificate => await MakeVerificationsByCertificateAsync(each),
            "verify-new" => await MakeNewVerificationsAsync(each),
            "issue" => await MakeIssuancesAsync(each),
            "enroll" => await MakeEnrolmentsAsync(each),
            "record1" => await MakeStatementsAsync(each, commitments: 1),
            "record64" => await MakeStatementsAsync(each, commitments: 64),
            _ => throw new ArgumentOutOfRangeException(nameof(name), name, "Not a question."),
        };
    }

    /// <summary>Stops of as many agents.</summary>
    public async Task<IReadOnlyList<WireCall>> MakeStopsAsync(int count)
    {
        await _registry.RefreshNonceAsync(_operator);
        var agents = await EnrollManyAsync(count);
        return [.. agents.Select(agent => _registry.Signed(_operator, "/agentidentity.v1.Control/Stop", new StopRequest { Scope = new Scope { Agent = agent.Id.ToString() }, State = AgentState.Frozen, Reason = "odd calls" }))];
    }

    public void Dispose()
    {
        _registry.Dispose();
        _operator.Dispose();
        _enforcer.Dispose();
    }

    private static IReadOnlyList<IEnumerable<WireCall>> Workers(Func<int, IEnumerable<WireCall>> own) => [.. Enumerable.Range(0, Window.Workers).Select(own)];

    // Each worker's calls, made on all cores, a few for everybody in turn, until there are enough or the first proofs grow old.
    private static List<WireCall>[] InParallel(Func<int, IEnumerable<WireCall>> own)
    {
        var made = Enumerable.Range(0, Window.Workers).Select(_ => new List<WireCall>()).ToArray();
        var sources = made.Select((_, worker) => own(worker).GetEnumerator()).ToArray();
        var isMore = true;
        for (var watch = Stopwatch.StartNew(); isMore && watch.Elapsed < MakingMax;)
        {
            isMore = false;
            Parallel.For(0, Window.Workers, worker =>
            {
                for (var i = 0; i < MadeInTurn && sources[worker].MoveNext(); i++)
                {
                    made[worker].Add(sources[worker].Current);
                    isMore = true;
                }
            });
        }
        return made;
    }

    private async Task<IReadOnlyList<IEnumerable<WireCall>>> MakeVerificationsAsync(int each)
    {
        var agents = await EnrollManyAsync(Window.Workers);
        return InParallel(worker => Enumerable.Range(0, each).Select(_ => _registry.Verification(_enforcer, agents[worker], agents[worker].Credential)));
    }

    private async Task<IReadOnlyList<IEnumerable<WireCall>>> MakeVerificationsByCertificateAsync(int each)
    {
        var agents = await EnrollManyAsync(Window.Workers);
        return InParallel(worker => Enumerable.Range(0, each).Select(_ => RegistryWire.VerificationByCertificate(agents[worker], agents[worker].Credential)));
    }

    private async Task<IReadOnlyList<IEnumerable<WireCall>>> MakeNewVerificationsAsync(int each)
    {
        each = Math.Min(each, CredentialsPerAgentMax * AgentsMax / Window.Workers);
        var perWorker = (each + CredentialsPerAgentMax - 1) / CredentialsPerAgentMax;
        var agents = await EnrollManyAsync(perWorker * Window.Workers);
        var issued = new (WireAgent Agent, IssuedCredential Credential)[Window.Workers][];
        await Task.WhenAll(Enumerable.Range(0, Window.Workers).Select(async worker =>
        {
            issued[worker] = new (WireAgent, IssuedCredential)[each];
            for (var i = 0; i < each; i++)
            {
                var agent = agents[(worker * perWorker) + (i / CredentialsPerAgentMax)];
                issued[worker][i] = (agent, await _registry.IssueAsync(agent));
            }
        }));
        return InParallel(worker => issued[worker].Select(one => _registry.Verification(_enforcer, one.Agent, one.Credential)));
    }

    private async Task<IReadOnlyList<IEnumerable<WireCall>>> MakeIssuancesAsync(int each)
    {
        each = Math.Min(each, CredentialsPerAgentMax * AgentsMax / Window.Workers);
        var perWorker = (each + CredentialsPerAgentMax - 1) / CredentialsPerAgentMax;
        var agents = await EnrollManyAsync(perWorker * Window.Workers);
        return InParallel(worker => Enumerable.Range(0, each).Select(i => _registry.Issuance(agents[(worker * perWorker) + (i % perWorker)])));
    }

    private async Task<IReadOnlyList<IEnumerable<WireCall>>> MakeEnrolmentsAsync(int each)
    {
        var challenge = await _registry.ChallengeAsync();
        return InParallel(_ => Enumerable.Range(0, each).Select(_ =>
        {
            using var key = PrivateKey.Generate(KeyAlgorithm.ES256);
            return RegistryWire.Enrolment(key, _token, challenge);
        }));
    }

    // One chain for each worker, since a statement waits for the one before it.
    private async Task<IReadOnlyList<IEnumerable<WireCall>>> MakeStatementsAsync(int each, int commitments)
    {
        var agents = await EnrollManyAsync(Window.Workers);
        return InParallel(worker => Chain(agents[worker], each, commitments));
    }

    private static IEnumerable<WireCall> Chain(WireAgent agent, int length, int commitments)
    {
        Hash previous = default;
        for (var sequence = 0ul; sequence < (ulong)length; sequence++)
        {
            var statement = SignedStatement.Encode(
                RegistryWire.Origin, agent.Id, agent.Key.PublicKey.KeyId, sequence, previous, 1, StatementKind.Activity, new Hash[commitments]);
            previous = Sha256.Hash(statement);
            yield return RegistryWire.Record(agent.Key, statement);
        }
    }

    private async Task<WireAgent[]> EnrollManyAsync(int count)
    {
        var challenge = await _registry.ChallengeAsync();
        var agents = new WireAgent[count];
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = Window.Workers }, async (i, _) =>
            agents[i] = await _registry.EnrollAsync(PrivateKey.Generate(KeyAlgorithm.ES256), _token, challenge));
        return agents;
    }
}
