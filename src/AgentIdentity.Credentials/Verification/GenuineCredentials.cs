using System.Numerics;
using System.Text;
using AgentIdentity.Credentials.Tokens;

namespace AgentIdentity.Credentials.Verification;

/// <summary>Credentials whose signature was verified, by their exact text. A table of fixed size in which a newcomer drives out the oldest of the few that share its places; nothing about a key proof or a stop is kept.</summary>
/// <remarks>
/// Safe for all threads. The places are told by the last letters of the text, which are the signature's: as good as random, and only what the registry signed is kept. Found is what has all of
/// its letters, so a crowded place costs time and nothing else. The text is kept for that, since to compare it takes a tenth of the time of a hash.
/// </remarks>
public sealed class GenuineCredentials(int capacity)
{
    // With four, 1,000 credentials that come in turn to 8,192 places have in one table of four a group of five that drive each other out for ever, each verified anew each time.
    private const int Sharing = 8;
    private const int PlaceLetters = 6;

    private readonly PresentedCredential?[] _places = new PresentedCredential?[BitOperations.RoundUpToPowerOf2((uint)Math.Max(capacity, Sharing))];

    /// <summary>The credential with exactly this text, if it was added and has kept its place.</summary>
    public PresentedCredential? Find(TokenText token)
    {
        var ascii = token.Ascii.Span;
        foreach (ref var place in PlacesOf(ascii))
        {
            if (Volatile.Read(ref place) is { } held && held.Ascii.Length == ascii.Length && held.Ascii[EndOf(ascii)].SequenceEqual(ascii[EndOf(ascii)]) && held.Ascii.SequenceEqual(ascii))
                return held;
        }
        return null;
    }

    /// <summary>The same, and no bytes are made of the text for it: to find one takes less time than that.</summary>
    public PresentedCredential? Find(string token)
    {
        var text = token.AsSpan();
        foreach (ref var place in PlacesOf(text))
        {
            if (Volatile.Read(ref place) is { } held && held.Ascii.Length == text.Length && Ascii.Equals(held.Ascii[EndOf(text)], text[EndOf(text)]) && Ascii.Equals(held.Ascii, text))
                return held;
        }
        return null;
    }

    /// <summary>Keeps a credential.</summary>
    public void Add(TokenText token, PresentedCredential credential)
    {
        // By several threads at once one may be lost or stand twice, which costs a verification.
        var places = PlacesOf(token.Ascii.Span);
        for (var i = Sharing - 1; i > 0; i--)
            Volatile.Write(ref places[i], Volatile.Read(ref places[i - 1]));
        Volatile.Write(ref places[0], credential);
    }

    private Span<PresentedCredential?> PlacesOf<T>(ReadOnlySpan<T> token)
        where T : unmanaged, IBinaryInteger<T>
    {
        var hash = 0u;
        foreach (var letter in token[EndOf(token)])
            hash = (hash * 67) + uint.CreateTruncating(letter);
        return _places.AsSpan((int)(hash % (uint)(_places.Length / Sharing)) * Sharing, Sharing);
    }

    // Credentials begin alike and end in their signatures, so those that differ are told apart by a few letters.
    private static Range EndOf<T>(ReadOnlySpan<T> token) => Math.Max(0, token.Length - PlaceLetters)..;
}
