using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Security.Cryptography.X509Certificates;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Registry;
using AgentIdentity.Registry.State;
using PublicKey = AgentIdentity.Credentials.Keys.PublicKey;

namespace AgentIdentity.Server.Grpc;

/// <summary>Whose client certificates are. A certificate stands for its key alone, which TLS has proven.</summary>
internal sealed class CertificateCallers(RegistryNode registry)
{
    // A connection has one certificate object, and its calls one key; forgotten with it.
    private readonly ConditionalWeakTable<X509Certificate2, PublicKey> _keys = [];

    /// <summary>False unless the key is P-256 or Ed25519.</summary>
    public bool TryReadKey(X509Certificate2 certificate, [NotNullWhen(true)] out PublicKey? key)
    {
        if (_keys.TryGetValue(certificate, out key))
            return true;
        if (!PublicKey.TryReadSubjectPublicKeyInfo(certificate.PublicKey.ExportSubjectPublicKeyInfo(), out key))
            return false;
        _keys.AddOrUpdate(certificate, key);
        return true;
    }

    /// <summary>The registered caller of a certificate's key. What it may do is asked where it does it.</summary>
    /// <exception cref="CallRefusedException">The key is nobody's, or serves nobody now.</exception>
    public CallerRecord Require(KeyId key)
    {
        if (registry.Standing.OfCaller(key) is { } unserved)
            throw new CallRefusedException(unserved.Refusal, unserved.Detail);
        return registry.State.FindCaller(key) ?? throw new CallRefusedException(Refusal.CallerUnknown, "The client certificate's key is not a registered caller's.");
    }
}
