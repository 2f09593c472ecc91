using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Registry;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Registry.State;
using AgentIdentity.Storage.Keys;
using AgentIdentity.Storage.Snapshots;
using AgentIdentity.Storage.Sqlite;
using AgentIdentity.Tests.Wire;

namespace AgentIdentity.Benchmarks.Load;

/// <summary>A registry inside this process, to fill a data folder faster than calls could, and to ask it without the network.</summary>
internal sealed class OwnNode : IAsyncDisposable
{
    private readonly FileRegistryKeys _keys;

    public OwnNode(string folder)
    {
        Store = SqliteLedgerStore.Open(folder);
        _keys = new FileRegistryKeys(folder);
        if (!RegistryName.TryParse(RegistryWire.PublicUrl, out var name, out var problem))
            throw new InvalidOperationException(problem);
        Node = RegistryNode.Open(new RegistrySettings(name, Dev: true, SingleOperator: true), Store, new SnapshotFile(folder), _keys, TimeProvider.System, Console.Error.WriteLine);
    }

    public SqliteLedgerStore Store { get; }

    public RegistryNode Node { get; }

    /// <summary>Redeems a bootstrap secret, and answers the one operator.</summary>
    public async Task<CallerRecord> FoundAsync(PrivateKey operatorKey)
    {
        var now = TimeProvider.System.GetUtcNow();
        Node.Operating.Secret = BootstrapSecret.Create(now, out var secret);
        var proof = BootstrapProof.Create(operatorKey, RegistryWire.PublicUrl, BootstrapSecret.HashOf(secret), "first", now);
        return Good(await Node.Operating.BootstrapAsync(secret, [new FirstOperator("first", proof)])).Operators[0];
    }

    public async Task<string> NewTokenAsync(CallerRecord actor, int uses) => Good(await Node.Operating.CreateTokenAsync(
        actor, new TokenWish("team", "bot/1", [], RegistryWire.Envelope, [RegistryWire.Audience], (uint)uses, 0))).Text;

    public static T Good<T>(Outcome<T> outcome) => outcome.IsRefused ? throw new InvalidOperationException(outcome.Detail) : outcome.Value;

    public async ValueTask DisposeAsync()
    {
        await Node.DisposeAsync();
        Store.Dispose();
        _keys.Dispose();
    }
}
