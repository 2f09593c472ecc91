using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Keys;

namespace AgentIdentity.Storage.Keys.Pkcs11;

/// <summary>
/// The registry's keys in a PKCS#11 token, made there and never leaving it, labelled as the files would be called. Who has the token and its PIN can sign as the registry; who has the machine can only
/// while both are in it.
/// </summary>
/// <remarks>
/// The key for DID logs is a secret of which the token computes MACs: each is the seed of one update key, which exists in memory while it signs. What the token signs with the others is verified before
/// it is used, so a module that answers nonsense ends in a refusal and not in a checkpoint.
/// </remarks>
public sealed class TokenRegistryKeys : IRegistryKeys
{
    private const nuint MakeP256 = 0x1040, SignP256 = 0x1041, MakeEd25519 = 0x1055, SignEd25519 = 0x1057, MakeSecret = 0x350, MacSha512 = 0x271;
    private const nuint GenericSecret = 0x10;
    private const string New = "agentidentity-new";
    private const string Retired = "agentidentity-retired";

    // Object identifiers, DER.
    private static readonly byte[] P256Curve = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    private static readonly byte[] Ed25519Curve = [0x06, 0x03, 0x2b, 0x65, 0x70];

    private readonly Token _token;
    private readonly string _name;
    private readonly ConcurrentDictionary<(RegistryKeyUse Use, KeyId Id), Held> _keys = new();

    /// <summary>Opens the token.</summary>
    /// <param name="module">The file of its library.</param>
    /// <param name="token">Its label.</param>
    /// <param name="pin">Its user's PIN.</param>
    /// <exception cref="KeysRefusedException">The module, the token or the PIN is not what it should be, and the message says which.</exception>
    public TokenRegistryKeys(string module, string token, string pin)
        : this(Module.Open(module), token, pin)
    {
    }

    internal TokenRegistryKeys(Module module, string token, string pin)
    {
        _name = token;
        _token = new Token(module, token, Encoding.UTF8.GetBytes(pin));
        DestroyRetired();
    }

    public PrivateKey Issuer(KeyId keyId) => Open(RegistryKeyUse.Credentials, keyId).P256 ?? throw WrongKind(RegistryKeyUse.Credentials, keyId);

    public Ed25519PrivateKey Log(KeyId keyId) => Ed25519(RegistryKeyUse.Log, keyId);

    public Ed25519PrivateKey Watch(KeyId keyId) => Ed25519(RegistryKeyUse.Watch, keyId);

    public Ed25519PrivateKey Witness(KeyId keyId) => Ed25519(RegistryKeyUse.Witness, keyId);

    public PrivateKey Integrity(KeyId keyId) => PrivateKey.Of(Ed25519(RegistryKeyUse.Integrity, keyId));

    public PrivateKey DidUpdate(KeyId keyId, ReadOnlySpan<byte> name) => Derive(Open(RegistryKeyUse.Did, keyId).Handle, name);

    public PublicKey Create(RegistryKeyUse use)
    {
        var (handles, publicKey) = use switch
        {
            RegistryKeyUse.Credentials => MakePair(MakeP256, P256Curve, KeyAlgorithm.ES256),
            RegistryKeyUse.Did => MakeMaster(),
            _ => MakePair(MakeEd25519, Ed25519Curve, KeyAlgorithm.Ed25519),
        };
        Name(handles, LabelOf(use, publicKey.KeyId));
        _keys[(use, publicKey.KeyId)] = Hold(publicKey, handles[0]);
        return publicKey;
    }

    // Only its name goes now: what was decided before the rotation may still have to be signed. The rest goes when this, or the next one, ends or begins.
    public void Retire(KeyId keyId)
    {
        foreach (var use in Enum.GetValues<RegistryKeyUse>())
            Name(_token.Call((module, session) => module.Find(session, new Template().Add(Template.Label, LabelOf(use, keyId)))), Retired);
    }

    public void Dispose()
    {
        foreach (var key in _keys.Values)
            key.Dispose();
        try
        {
            DestroyRetired();
        }
        catch (KeysRefusedException)
        {
            // The token is lost, perhaps the reason for the end; the next opening destroys what this one could not.
        }
        _token.Dispose();
    }

    private Ed25519PrivateKey Ed25519(RegistryKeyUse use, KeyId keyId) => Open(use, keyId).Ed25519 ?? throw WrongKind(use, keyId);

    private Held Open(RegistryKeyUse use, KeyId keyId) => _keys.GetOrAdd((use, keyId), key => Read(key.Use, key.Id));

    private Held Read(RegistryKeyUse use, KeyId keyId)
    {
        var handle = FindOne(use, keyId, use == RegistryKeyUse.Did ? Template.SecretKeyClass : Template.PrivateKeyClass);
        var publicKey = use == RegistryKeyUse.Did
            ? PublicHalfOf(handle)
            : ReadPublic(FindOne(use, keyId, Template.PublicKeyClass), use == RegistryKeyUse.Credentials ? KeyAlgorithm.ES256 : KeyAlgorithm.Ed25519);
        return publicKey.KeyId == keyId
            ? Hold(publicKey, handle)
            : throw new KeysRefusedException($"The key {LabelOf(use, keyId)} in the token '{_name}' is another than its label says.");
    }

    private nuint FindOne(RegistryKeyUse use, KeyId keyId, nuint kind)
    {
        var label = LabelOf(use, keyId);
        var found = _token.Call((module, session) => module.Find(session, new Template().Add(Template.Class, kind).Add(Template.Label, label)));
        return found.Length == 1
            ? found[0]
            : throw new KeysRefusedException($"The token '{_name}' has {(found.Length == 0 ? "no key" : "several keys")} {label}, which the ledger names: it is another registry's token, or its keys have to be put back.");
    }

    private (nuint[] Handles, PublicKey Key) MakePair(nuint mechanism, byte[] curve, KeyAlgorithm algorithm)
    {
        var publicHalf = new Template().Add(Template.Token, true).Add(Template.Label, New).Add(Template.Verify, true).Add(Template.CurveParameters, curve);
        var (publicKey, privateKey) = _token.Call((module, session) => module.GeneratePair(session, mechanism, publicHalf, Kept()));
        return ([privateKey, publicKey], ReadPublic(publicKey, algorithm));
    }

    private (nuint[] Handles, PublicKey Key) MakeMaster()
    {
        var secret = Kept().Add(Template.KeyType, GenericSecret).Add(Template.ValueLength, (nuint)HMACSHA512.HashSizeInBytes);
        var master = _token.Call((module, session) => module.GenerateSecret(session, MakeSecret, secret));
        return ([master], PublicHalfOf(master));
    }

    private static Template Kept() =>
        new Template().Add(Template.Token, true).Add(Template.Label, New).Add(Template.Private, true).Add(Template.Sensitive, true).Add(Template.Extractable, false).Add(Template.Sign, true);

    private void Name(nuint[] handles, string label)
    {
        foreach (var handle in handles)
            _token.Call((module, session) => module.Change(session, handle, new Template().Add(Template.Label, label)));
    }

    private void DestroyRetired()
    {
        foreach (var label in new[] { New, Retired })
        {
            while (_token.Call((module, session) => module.Find(session, new Template().Add(Template.Label, label))) is { Length: > 0 } left)
                _token.Call((module, session) => module.Destroy(session, left[0]));
        }
    }

    // CKA_EC_POINT is the point in a DER OCTET STRING; of P-256 uncompressed.
    private PublicKey ReadPublic(nuint handle, KeyAlgorithm algorithm)
    {
        var wanted = new Template().Add(Template.Point, new byte[256]);
        _token.Call((module, session) => module.Read(session, handle, wanted));
        byte[] prefix = algorithm == KeyAlgorithm.ES256 ? [0x04, 0x41, 0x04] : [0x04, 0x20];
        return wanted.ValueAt(0) is { } point && point.AsSpan().StartsWith(prefix) && PublicKey.TryRead(algorithm, point.AsSpan(prefix.Length), out var key)
            ? key
            : throw new KeysRefusedException($"The token '{_name}' has a key whose public half is no {algorithm} key.");
    }

    private Held Hold(PublicKey publicKey, nuint handle) => publicKey.Algorithm switch
    {
        KeyAlgorithm.ES256 => new Held(handle, PrivateKey.Of(new TokenP256(publicKey, (hash, signature) => SignP256With(publicKey, handle, hash, signature))), null),
        _ => new Held(handle, null, Ed25519PublicKey.TryRead(publicKey.Bytes, out var key) ? Ed25519PrivateKey.HeldElsewhere(key, (message, signature) => SignEd25519With(key, handle, message, signature)) : null),
    };

    private void SignP256With(PublicKey key, nuint handle, byte[] hash, byte[] signature) =>
        Sign(handle, SignP256, hash, signature, () => key.VerifiesHash(Hash.Read(hash), signature));

    private void SignEd25519With(Ed25519PublicKey key, nuint handle, ReadOnlySpan<byte> message, Span<byte> signature)
    {
        var (data, signed) = (message.ToArray(), new byte[signature.Length]);
        Sign(handle, SignEd25519, data, signed, () => key.Verify(data, signed));
        signed.CopyTo(signature);
    }

    private void Sign(nuint handle, nuint mechanism, byte[] data, byte[] signature, Func<bool> isGenuine) => _token.Call((module, session) =>
    {
        module.Sign(session, handle, mechanism, data, signature);
        if (!isGenuine())
            throw new KeysRefusedException($"The token '{_name}' has signed with another key than its public half says, or not at all; nothing that it signed is used.");
    });

    private PublicKey PublicHalfOf(nuint master)
    {
        using var key = Derive(master, []);
        return key.PublicKey;
    }

    private PrivateKey Derive(nuint master, ReadOnlySpan<byte> name)
    {
        var mac = new byte[HMACSHA512.HashSizeInBytes];
        try
        {
            var data = name.ToArray();
            _token.Call((module, session) => module.Sign(session, master, MacSha512, data, mac));
            return PrivateKey.Of(Ed25519PrivateKey.FromSeed(mac.AsSpan(0, Ledger.Ed25519.SeedSize)));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(mac);
        }
    }

    private KeysRefusedException WrongKind(RegistryKeyUse use, KeyId keyId) => new($"The key {LabelOf(use, keyId)} in the token '{_name}' is of the wrong kind.");

    private static string LabelOf(RegistryKeyUse use, KeyId keyId) => $"{use.ToString().ToLowerInvariant()}-{keyId}";

    /// <summary>An object of the token, and the key that signs through it, by algorithm.</summary>
    private sealed record Held(nuint Handle, PrivateKey? P256, Ed25519PrivateKey? Ed25519) : IDisposable
    {
        public void Dispose()
        {
            P256?.Dispose();
            Ed25519?.Dispose();
        }
    }
}
