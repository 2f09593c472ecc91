using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Registry;
using AgentIdentity.Registry.Attesting;
using AgentIdentity.Registry.Keys;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Server.Options;
using AgentIdentity.Storage;
using AgentIdentity.Storage.Snapshots;
using AgentIdentity.Storage.Sqlite;

namespace AgentIdentity.Server.Hosting;

/// <summary>The registry on its data folder: store, keys, node, and the bootstrap secret while there is no genesis entry. Closes them in reverse.</summary>
internal sealed class OpenRegistry : IAsyncDisposable
{
    private readonly IRegistryKeys _keys;
    private readonly EvidenceSources? _evidence;

    private OpenRegistry(SqliteLedgerStore store, IRegistryKeys keys, EvidenceSources? evidence, RegistryNode node, BootstrapFile bootstrapFile)
    {
        (Store, Disk, _keys, _evidence, Node, BootstrapFile) = (store, store.Disk, keys, evidence, node, bootstrapFile);
    }

    public RegistryNode Node { get; }

    public ILedgerStore Store { get; }

    /// <summary>What the store waits for.</summary>
    public DiskWatch Disk { get; }

    public BootstrapFile BootstrapFile { get; }

    public static async Task<OpenRegistry> OpenAsync(ServerOptions options, TimeProvider clock, Action<string> log, Action<string> alarm)
    {
        var openKeys = options.Keys.Prepare();
        var evidence = options.Evidence is { } file ? EvidenceSources.Open(file, clock, log) : null;
        try
        {
            return Open(options, openKeys, evidence, clock, log, alarm);
        }
        catch
        {
            if (evidence is not null)
                await evidence.DisposeAsync();
            throw;
        }
    }

    private static OpenRegistry Open(ServerOptions options, Func<string, IRegistryKeys> openKeys, EvidenceSources? evidence, TimeProvider clock, Action<string> log, Action<string> alarm)
    {
        var store = SqliteLedgerStore.Open(options.Data);
        IRegistryKeys? keys = null;
        try
        {
            log($"SQLite {SqliteLedgerStore.SqliteVersion}, data folder {Path.GetFullPath(options.Data)}.");
            keys = openKeys(options.Data);
            var node = RegistryNode.Open(Settings(options, evidence) with { Alarmed = alarm }, store, new SnapshotFile(options.Data), keys, clock, log);
            var open = new OpenRegistry(store, keys, evidence, node, new BootstrapFile(options.Data));
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
        Store.Dispose();
        if (_evidence is not null)
            await _evidence.DisposeAsync();
    }

    private static RegistrySettings Settings(ServerOptions options, EvidenceSources? evidence) => RegistryName.TryParse(options.PublicUrl, out var name, out var problem)
        ? new RegistrySettings(name, options.Dev, options.SingleOperator || options.Dev)
        {
            ClassLeases = options.ClassLeases,
            WitnessPolicy = options.WitnessPolicy,
            StartUnwitnessed = options.StartUnwitnessed,
            WitnessedLogs = options.WitnessedLogs,
            IsAnchored = options.Chain.Url is not null,
            EvidenceTrust = () => evidence?.Current ?? EvidenceTrust.None,
        }
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
