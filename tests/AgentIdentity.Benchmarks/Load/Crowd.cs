using System.Diagnostics;
using System.Globalization;
using System.Net;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Statements;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Tests.Wire;
using Grpc.Net.Client;
using PublicKey = AgentIdentity.Credentials.Keys.PublicKey;

namespace AgentIdentity.Benchmarks.Load;

/// <summary>Enforcers that watch, or agents that record, in a process of their own: the responder whose time is taken does not wait for their threads. They go on until their standard input ends.</summary>
internal sealed class Crowd : IAsyncDisposable
{
    public const string Verb = "crowd";

    private const string Enforcers = "enforcers";
    private const string Recorders = "recorders";
    private const string Ready = "ready";
    private static readonly TimeSpan BeatEvery = TimeSpan.FromSeconds(3);
    private static readonly string[] Audiences = [RegistryWire.Audience];

    private readonly Process _process;

    private Crowd(params string[] arguments) =>
        _process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [Verb, .. arguments]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;

    /// <summary>Processor time of the process since its start.</summary>
    public TimeSpan Cpu => ServerProcess.CpuOf(_process.Id);

    /// <summary>Enforcers with a key each, which they tell so that somebody registers it.</summary>
    public static async Task<(Crowd Crowd, PublicKey[] Keys)> MakeEnforcersAsync(int count)
    {
        var crowd = new Crowd(Enforcers, count.ToString(CultureInfo.InvariantCulture));
        var keys = new PublicKey[count];
        for (var i = 0; i < count; i++)
        {
            if (!PublicKey.TryParseJwk(System.Text.Encoding.UTF8.GetBytes(await crowd.ReadAsync()), out keys[i]!))
                throw new InvalidOperationException("An enforcer told a key that is none.");
        }
        return (crowd, keys);
    }

    /// <summary>Agents of one token that record statements one after the other.</summary>
    public static Crowd StartRecorders(ServerProcess server, string token, int count) =>
        new(Recorders, count.ToString(CultureInfo.InvariantCulture), server.Address("grpc").ToString(), server.Address("control").ToString(), token);

    /// <summary>Lets enforcers watch, and answers when all of them have signed their snapshot.</summary>
    public async Task WatchAsync(ServerProcess server)
    {
        await _process.StandardInput.WriteLineAsync(server.Address("grpc").ToString());
        if (await ReadAsync() != Ready)
            throw new InvalidOperationException("The enforcers did not begin to watch.");
    }

    /// <summary>Ends them, and answers the last thing that they said.</summary>
    public async Task<string> EndAsync()
    {
        _process.StandardInput.Close();
        var said = await _process.StandardOutput.ReadToEndAsync();
        await _process.WaitForExitAsync();
        return said.Trim();
    }

    /// <summary>What the process does.</summary>
    public static Task<int> RunAsync(string[] arguments) => arguments switch
    {
        [Enforcers, var count] => EnforceAsync(int.Parse(count, CultureInfo.InvariantCulture)),
        [Recorders, var count, var grpc, var control, var token] => RecordAsync(int.Parse(count, CultureInfo.InvariantCulture), IPEndPoint.Parse(grpc), IPEndPoint.Parse(control), token),
        _ => throw new ArgumentException($"No crowd is made of {string.Join(' ', arguments)}.", nameof(arguments)),
    };

    public ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<string> ReadAsync() => await _process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("The crowd has gone.");

    private static async Task<int> EnforceAsync(int count)
    {
        var keys = Enumerable.Range(0, count).Select(_ => PrivateKey.Generate(KeyAlgorithm.ES256)).ToArray();
        foreach (var key in keys)
            Console.WriteLine(key.PublicKey.ToJwk());
        using var channel = GrpcChannel.ForAddress($"http://{await Console.In.ReadLineAsync()}", new GrpcChannelOptions { HttpHandler = new SocketsHttpHandler { EnableMultipleHttp2Connections = true } });
        var client = new Access.AccessClient(channel);
        var nonce = await WireEnforcer.NonceAsync(client, RegistryWire.PublicUrl);
        var enforcers = new WireEnforcer[count];
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 32 }, async (i, _) =>
        {
            enforcers[i] = WireEnforcer.Begin(client, keys[i], RegistryWire.PublicUrl, Audiences, nonce);
            await enforcers[i].UntilAsync(RegistryMessage.OfOneofCase.Snapshot);
            await enforcers[i].HeartbeatAsync();
            await enforcers[i].SignAsync();
        });
        Console.WriteLine(Ready);
        using var ending = new CancellationTokenSource();
        var watching = enforcers.Select((enforcer, i) => EnforceAsync(enforcer, TimeSpan.FromMilliseconds(i * BeatEvery.TotalMilliseconds / count), ending.Token)).ToArray();
        await Console.In.ReadToEndAsync();
        await ending.CancelAsync();
        await Task.WhenAll(watching);
        return 0;
    }

    // Signs what it is told at once, and asks for a heartbeat every three seconds.
    private static async Task EnforceAsync(WireEnforcer enforcer, TimeSpan offset, CancellationToken ending)
    {
        using var ended = ending.Register(enforcer.Dispose);
        using var timer = new Timer(_ => _ = BeatAsync(enforcer), null, offset, BeatEvery);
        try
        {
            while (true)
            {
                await enforcer.UntilAsync(RegistryMessage.OfOneofCase.Delta);
                await enforcer.SignAsync();
            }
        }
        catch (Exception) when (ending.IsCancellationRequested)
        {
            // Measured.
        }
    }

    private static async Task BeatAsync(WireEnforcer enforcer)
    {
        try
        {
            await enforcer.SendNonceAsync();
        }
        catch (Exception ended) when (ended is InvalidOperationException or Grpc.Core.RpcException or ObjectDisposedException)
        {
            // The stream has ended, which whoever reads it says.
        }
    }

    private static async Task<int> RecordAsync(int count, IPEndPoint grpc, IPEndPoint control, string token)
    {
        using var registry = new RegistryWire(grpc, control);
        using var ending = new CancellationTokenSource();
        var recording = Enumerable.Range(0, count).Select(_ => RecordAsync(registry, token, ending.Token)).ToArray();
        await Console.In.ReadToEndAsync();
        await ending.CancelAsync();
        Console.WriteLine((await Task.WhenAll(recording)).Sum());
        return 0;
    }

    private static async Task<long> RecordAsync(RegistryWire registry, string token, CancellationToken ending)
    {
        using var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        var agent = await registry.EnrollAsync(key, token, await registry.ChallengeAsync());
        Hash previous = default;
        var sequence = 0UL;
        for (; !ending.IsCancellationRequested; sequence++)
        {
            var statement = SignedStatement.Encode(RegistryWire.Origin, agent.Id, key.PublicKey.KeyId, sequence, previous, 1, StatementKind.Activity, new Hash[1]);
            await registry.RecordAsync(key, statement);
            previous = Sha256.Hash(statement);
        }
        return (long)sequence;
    }
}
