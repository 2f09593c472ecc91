using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Verification;
using AgentIdentity.Ledger;
using AgentIdentity.Registry;
using AgentIdentity.Registry.Delegating;
using AgentIdentity.Registry.Enrolling;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Registry.Stopping;
using AgentIdentity.Storage.Keys;
using AgentIdentity.Storage.Snapshots;
using AgentIdentity.Storage.Sqlite;

namespace AgentIdentity.Server.Hosting;

/// <summary>
/// Stops a made-up agent and what it has set in motion, in a registry of its own in a folder of the data folder, which is removed afterwards. Code is compiled when it first runs, and the
/// first stop of a process must not be the one that waits for that.
/// </summary>
internal sealed class Rehearsal : IAsyncDisposable
{
    // Not while a start has better things to do, nor for a process that ends at once.
    private static readonly TimeSpan AfterStart = TimeSpan.FromSeconds(5);

    // One name, in a folder that one process holds: what a process leaves that is killed in the middle of it, the next one removes.
    private const string FolderName = "rehearsal";

    private const string Envelope = """[{"type":"notes","actions":["read"],"locations":["notes/*"],"maxDepth":1}]""";
    private const string PassedOn = """[{"type":"notes","actions":["read"],"locations":["notes/*"]}]""";
    private static readonly string[] Audience = ["https://tool.rehearsal.invalid"];

    private readonly CancellationTokenSource _ended = new();
    private readonly Task _running;

    public Rehearsal(string dataFolder, Action<string> log)
    {
        _running = RunAsync(dataFolder, log);
    }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await _running;
        _ended.Dispose();
    }

    /// <summary>Carries it out once, at once.</summary>
    public static async Task PlayAsync(string dataFolder)
    {
        var folder = Path.Combine(dataFolder, FolderName);
        Remove(folder);
        try
        {
            await PlayInAsync(folder);
        }
        finally
        {
            Remove(folder);
        }
    }

    private static void Remove(string folder)
    {
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    }

    private async Task RunAsync(string dataFolder, Action<string> log)
    {
        try
        {
            await Task.Delay(AfterStart, _ended.Token);
            await PlayAsync(dataFolder);
        }
        catch (OperationCanceledException)
        {
        }
        catch (Exception failure)
        {
            // Nothing depends on it but the time of the first stop.
            log($"A stop could not be rehearsed, so that the first may take a tenth of a second longer: {failure.Message}");
        }
    }

    private static async Task PlayInAsync(string folder)
    {
        using var store = SqliteLedgerStore.Open(folder);
        using var keys = new FileRegistryKeys(folder);
        if (!RegistryName.TryParse("https://rehearsal.invalid", out var name, out var problem))
            throw new InvalidOperationException(problem);
        var settings = new RegistrySettings(name, SingleOperator: true) { ReplayCapacity = 64, OperatorReplayCapacity = 64, CredentialCacheMax = 64, ProbesReady = 0 };
        await using var node = RegistryNode.Open(settings, store, new SnapshotFile(folder), keys, TimeProvider.System, _ => { });

        var founder = await FoundAsync(node);
        var wish = new TokenWish("rehearsal", "rehearsal/1", [], Envelope, Audience, Uses: 2, LifetimeSeconds: 0);
        var token = Good(await node.Operating.CreateTokenAsync(founder, wish)).Text;
        var (above, child) = (await EnrollAsync(node, token), await EnrollAsync(node, token));
        if (PresentedCredential.Read(above.Credential.Token, name, node.State.IssuerKeys.Find, out var credential) != Refusal.None)
            throw new InvalidOperationException("A credential of the rehearsal is not good.");
        Good(await node.Delegating.DelegateAsync(credential!, child.Agent, new DelegationWish(PassedOn, [], 0, [])));

        var scope = Scope.AgentWithDelegates(above.Agent.Id);
        Good(node.Stopping.Preview(scope));
        var stopped = Good(await node.Stopping.StopAsync(founder, new StopWish(scope, StandingState.Frozen, "rehearsal", "")));
        Good(node.Propagation.Of(stopped.Index));
    }

    private static async Task<Registry.State.CallerRecord> FoundAsync(RegistryNode node)
    {
        var now = TimeProvider.System.GetUtcNow();
        node.Operating.Secret = BootstrapSecret.Create(now, out var secret);
        using var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        var proof = BootstrapProof.Create(key, node.Settings.Name.PublicUrl, BootstrapSecret.HashOf(secret), "rehearsal", now);
        return Good(await node.Operating.BootstrapAsync(secret, [new FirstOperator("rehearsal", proof)])).Operators[0];
    }

    private static async Task<Enrolled> EnrollAsync(RegistryNode node, string token)
    {
        using var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        var tokenHash = Sha256.Hash(System.Text.Encoding.UTF8.GetBytes(token));
        var proof = EnrolmentProof.Create(key, node.Settings.Name.PublicUrl, node.Enrolment.NewChallenge(), tokenHash, TimeProvider.System.GetUtcNow());
        return Good(await node.Enrolment.EnrollAsync(token, proof, [], lifetimeSeconds: 0));
    }

    private static T Good<T>(Outcome<T> outcome) => outcome.IsRefused ? throw new InvalidOperationException($"{outcome.Refusal.Name()}: {outcome.Detail}") : outcome.Value;
}
