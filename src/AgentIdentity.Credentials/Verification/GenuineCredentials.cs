using System.Buffers;
using System.Numerics;
using System.Text;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Verification;

/// <summary>Credentials whose signature was verified, by the hash of their exact text. A table of fixed size in which a newcomer takes the place it falls on; nothing about a key proof or a stop is kept.</summary>
/// <remarks>Safe for all threads.</remarks>
public sealed class GenuineCredentials(int capacity)
{
    private readonly PresentedCredential?[] _places = new PresentedCredential?[BitOperations.RoundUpToPowerOf2((uint)capacity)];

    /// <summary>The credential with exactly this text, if it was added and has kept its place.</summary>
    public PresentedCredential? Find(string token)
    {
        var hash = HashOf(token);
        return Volatile.Read(ref Place(hash)) is { } held && held.TokenHash == hash ? held : null;
    }

    /// <summary>Keeps a credential.</summary>
    public void Add(PresentedCredential credential) => Volatile.Write(ref Place(credential.TokenHash), credential);

    private ref PresentedCredential? Place(in Hash hash) => ref _places[(uint)hash.GetHashCode() & (uint)(_places.Length - 1)];

    // The text itself is three times the size of what is kept of it. UTF-8, so that two texts never hash as one.
    private static Hash HashOf(string token)
    {
        var bytes = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(token.Length));
        var hash = Sha256.Hash(bytes.AsSpan(0, Encoding.UTF8.GetBytes(token, bytes)));
        ArrayPool<byte>.Shared.Return(bytes);
        return hash;
    }
}
