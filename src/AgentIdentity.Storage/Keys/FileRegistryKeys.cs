using System.Collections.Concurrent;
using System.Security.Cryptography;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Keys;
using AgentIdentity.Registry.Sequencing;

namespace AgentIdentity.Storage.Keys;

/// <summary>The registry's keys in files of mode 0600 below the data folder, under a passphrase when there is one. Who can read them can sign as the registry.</summary>
public sealed class FileRegistryKeys : IRegistryKeys
{
    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    private readonly string _folder;
    private readonly string _passphrase;
    private readonly ConcurrentDictionary<KeyId, PrivateKey> _keys = new();

    public FileRegistryKeys(string dataFolder, string passphrase = "")
    {
        _folder = Path.Combine(dataFolder, "keys");
        _passphrase = passphrase;
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(_folder);
        else
            Directory.CreateDirectory(_folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    public PrivateKey Issuer(KeyId keyId) => _keys.GetOrAdd(keyId, id => Read(RegistryKeyUse.Credentials, id));

    public Ed25519PrivateKey Log(KeyId keyId) => Ed25519(RegistryKeyUse.Log, keyId);

    public Ed25519PrivateKey Watch(KeyId keyId) => Ed25519(RegistryKeyUse.Watch, keyId);

    public Ed25519PrivateKey Witness(KeyId keyId) => Ed25519(RegistryKeyUse.Witness, keyId);

    public PrivateKey DidUpdate(KeyId keyId, ReadOnlySpan<byte> name) => _keys.GetOrAdd(keyId, id => Read(RegistryKeyUse.Did, id)).Derive(name);

    public PrivateKey Integrity(KeyId keyId) => _keys.GetOrAdd(keyId, id => Read(RegistryKeyUse.Integrity, id));

    public PublicKey Create(RegistryKeyUse use)
    {
        var key = PrivateKey.Generate(use == RegistryKeyUse.Credentials ? KeyAlgorithm.ES256 : KeyAlgorithm.Ed25519);
        var content = key.ToKeyFile(_passphrase);
        try
        {
            DurableFile.Replace(PathOf(use, key.PublicKey.KeyId), stream => stream.Write(content));
        }
        catch (IOException failure) when (DurableFile.IsFull(failure))
        {
            key.Dispose();
            throw new StoreFullException("There is no room on the disk of the data folder for a key; nothing was written.", failure);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(content);
        }
        _keys[key.PublicKey.KeyId] = key;
        return key.PublicKey;
    }

    // The open key stays until the process ends: what was decided before the rotation may still have to be signed.
    public void Retire(KeyId keyId)
    {
        foreach (var use in Enum.GetValues<RegistryKeyUse>())
            File.Delete(PathOf(use, keyId));
    }

    public void Dispose()
    {
        foreach (var key in _keys.Values)
            key.Dispose();
    }

    private Ed25519PrivateKey Ed25519(RegistryKeyUse use, KeyId keyId) => _keys.GetOrAdd(keyId, id => Read(use, id)).Ed25519
        ?? throw new KeysRefusedException($"The key file {PathOf(use, keyId)} is not of an Ed25519 key; put it back from the backup of the keys.");

    private PrivateKey Read(RegistryKeyUse use, KeyId keyId)
    {
        var path = PathOf(use, keyId);
        if (!File.Exists(path))
            throw new KeysRefusedException($"The key file {path}, which the ledger names, is missing; put it back from the backup of the keys, or say --keys pkcs11 and where the token is that has it.");
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & Others) != 0)
            throw new KeysRefusedException($"The key file {path} can be read or changed by others than its owner; run chmod 600 on it, and rotate the key if others had access.");
        var content = File.ReadAllBytes(path);
        var isRead = PrivateKey.TryReadKeyFile(content, _passphrase, out var key, out var problem);
        CryptographicOperations.ZeroMemory(content);
        if (!isRead)
            throw new KeysRefusedException($"The key file {path} cannot be opened: {problem}");
        return key!.PublicKey.KeyId == keyId ? key : throw new KeysRefusedException($"The key file {path} holds another key than its name says; put it back from the backup of the keys.");
    }

    private string PathOf(RegistryKeyUse use, KeyId keyId) => Path.Combine(_folder, $"{use.ToString().ToLowerInvariant()}-{keyId}.json");
}
