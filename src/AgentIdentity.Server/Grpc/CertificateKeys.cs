using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Security.Cryptography.X509Certificates;
using PublicKey = AgentIdentity.Credentials.Keys.PublicKey;

namespace AgentIdentity.Server.Grpc;

/// <summary>The keys of client certificates. A certificate stands for its key alone, which TLS has proven.</summary>
internal sealed class CertificateKeys
{
    // A connection has one certificate object, and its calls one key; forgotten with it.
    private readonly ConditionalWeakTable<X509Certificate2, PublicKey> _keys = [];

    /// <summary>False unless the key is P-256 or Ed25519.</summary>
    public bool TryRead(X509Certificate2 certificate, [NotNullWhen(true)] out PublicKey? key)
    {
        if (_keys.TryGetValue(certificate, out key))
            return true;
        if (!PublicKey.TryReadSubjectPublicKeyInfo(certificate.PublicKey.ExportSubjectPublicKeyInfo(), out key))
            return false;
        _keys.AddOrUpdate(certificate, key);
        return true;
    }
}
