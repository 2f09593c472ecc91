using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;

namespace AgentIdentity.Registry.Keys;

/// <summary>Where the registry's private keys are: files, or a token that signs.</summary>
/// <remarks>
/// Durability: a key that was created is on stable storage before the call returns. Concurrency: any thread. A key that is missing or cannot
/// be opened is a <see cref="KeysRefusedException"/> whose message says what to do.
/// </remarks>
public interface IRegistryKeys : IDisposable
{
    /// <summary>The key with this id, which must sign credentials.</summary>
    PrivateKey Issuer(KeyId keyId);

    /// <summary>The log's key with this id.</summary>
    Ed25519PrivateKey Log(KeyId keyId);

    /// <summary>The key with this id, which must sign what enforcers are told.</summary>
    Ed25519PrivateKey Watch(KeyId keyId);

    /// <summary>The key with this id, which must cosign for other registries.</summary>
    Ed25519PrivateKey Witness(KeyId keyId);

    /// <summary>The key that signs one line of a DID log: what the key with this id makes of a name. The caller disposes it.</summary>
    PrivateKey DidUpdate(KeyId keyId, ReadOnlySpan<byte> name);

    /// <summary>The key with this id, which must sign embedded proofs.</summary>
    PrivateKey Integrity(KeyId keyId);

    /// <summary>Makes a key for a use.</summary>
    /// <exception cref="Sequencing.StoreFullException">There is no room to keep it, and it is not there.</exception>
    PublicKey Create(RegistryKeyUse use);

    /// <summary>Forgets a key that was replaced. What it signed stays verifiable.</summary>
    void Retire(KeyId keyId);
}

/// <summary>The registry's keys cannot be used, and the message says in one sentence why and what to do.</summary>
public sealed class KeysRefusedException(string message, Exception? inner = null) : Exception(message, inner);
