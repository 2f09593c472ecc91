using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Registry;
using AgentIdentity.Registry.Keys;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Server.Options;
using AgentIdentity.Storage.Keys;
using AgentIdentity.Storage.Snapshots;
using AgentIdentity.Storage.Sqlite;

namespace AgentIdentity.Server.Hosting;

/// <summary>The registry on its data folder: store, keys, node, and the bootstrap secret while there is no genesis entry. Closes them in reverse.</summary>
internal sealed class OpenRegistry : IAsyncDisposable
{
    private readonly ILedgerStore _store;
    private readonly IRegistryKeys _keys;

    private OpenRegistry(ILedgerStore store, IRegistryKeys keys, RegistryNode node, BootstrapFile bootstrapFile)
    {
        (_store, _keys, Node, BootstrapFile) = (store, keys, node, bootstrapFile);
    }

    public RegistryNode Node { get; }

    public BootstrapFile BootstrapFile { get; }

    public static OpenRegistry Open(ServerOptions options, TimeProvider clock, Action<string> log)
    {
        var passphrase = Passphrase.Read(options.PassphraseFile);
        var store = SqliteLedgerStore.Open(options.Data);
        FileRegistryKeys? keys = null;
        try
        {
            log($"SQLite {SqliteLedgerStore.SqliteVersion}, data folder {Path.GetFullPath(options.Data)}.");
            keys = new FileRegistryKeys(options.Data, passphrase);
            var node = RegistryNode.Open(Settings(options), store, new SnapshotFile(options.Data), keys, clock, log);
            var open = new OpenRegistry(store, keys, node, new BootstrapFile(options.Data));
            open.OfferBootstrap(clock, log);
            node.KeepDids();
            return open;
        }
        catch
        {
            keys?.Dispose();
            store.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Node.DisposeAsync();
        _keys.Dispose();
        _store.Dispose();
    }

    private static RegistrySettings Settings(ServerOptions options) => RegistryName.TryParse(options.PublicUrl, out var name, out var problem)
        ? new RegistrySettings(name, options.Dev, options.SingleOperator || options.Dev) { ClassLeases = options.ClassLeases, WitnessPolicy = options.WitnessPolicy, WitnessedLogs = options.WitnessedLogs }
        : throw new OptionsRefusedException($"--public-url cannot be '{options.PublicUrl}': {problem}");

    private void OfferBootstrap(TimeProvider clock, Action<string> log)
    {
        if (Node.State.IsBootstrapped)
        {
            // An end between the genesis entry and the deletion leaves the file behind.
            BootstrapFile.Delete();
            return;
        }

        Node.Operating.Secret = BootstrapSecret.Create(clock.GetUtcNow(), out var secret);
        BootstrapFile.Write(secret);
        log($"This registry has no operators yet. The secret that enrols the first {(Node.Settings.SingleOperator ? "one" : "two")} is in {BootstrapFile.Path}, good for 15 minutes.");
    }
}
