using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Keys;

namespace AgentIdentity.Registry.Tests.Fixtures;

/// <summary>Keys that may fail once and then go on, as those in a token do when a single call to it goes wrong.</summary>
internal sealed class FaultyKeys(IRegistryKeys keys) : IRegistryKeys
{
    private static readonly KeysRefusedException Failure = new("The token answers CKR_DEVICE_ERROR.");
    private int _issuersToFail;

    /// <summary>Called before the watch key signs; what it throws is what the token answers.</summary>
    public Action BeforeWatchSigns { get; set; } = static () => { };

    /// <summary>Called before a key is made.</summary>
    public Action<RegistryKeyUse> BeforeCreates { get; set; } = static _ => { };

    /// <summary>Has the next signature of the watch key fail, and none after it.</summary>
    public void FailNextWatch() => BeforeWatchSigns = () =>
    {
        BeforeWatchSigns = static () => { };
        throw Failure;
    };

    /// <summary>Has the key that signs credentials fail the next time that it is asked for.</summary>
    public void FailNextIssuer() => Volatile.Write(ref _issuersToFail, 1);

    public PrivateKey Issuer(KeyId keyId) => Interlocked.Exchange(ref _issuersToFail, 0) == 0 ? keys.Issuer(keyId) : throw Failure;

    public Ed25519PrivateKey Log(KeyId keyId) => keys.Log(keyId);

    public Ed25519PrivateKey Watch(KeyId keyId)
    {
        var key = keys.Watch(keyId);
        return Ed25519PrivateKey.HeldElsewhere(key.PublicKey, (message, signature) =>
        {
            BeforeWatchSigns();
            key.Sign(message, signature);
        });
    }

    public Ed25519PrivateKey Witness(KeyId keyId) => keys.Witness(keyId);

    public PrivateKey DidUpdate(KeyId keyId, ReadOnlySpan<byte> name) => keys.DidUpdate(keyId, name);

    public PrivateKey Integrity(KeyId keyId) => keys.Integrity(keyId);

    public PublicKey Create(RegistryKeyUse use)
    {
        BeforeCreates(use);
        return keys.Create(use);
    }

    public void Retire(KeyId keyId) => keys.Retire(keyId);

    public void Dispose() => keys.Dispose();
}
