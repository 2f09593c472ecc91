using AgentIdentity.Credentials.Verification;

namespace AgentIdentity.Registry.Verifying;

/// <summary>Credentials whose signature was verified, by their exact text. A table of fixed size in which a newcomer takes the place it falls on; nothing about a key proof or a stop is kept.</summary>
internal sealed class GenuineCredentials(int capacity)
{
    private readonly Slot?[] _slots = new Slot?[System.Numerics.BitOperations.RoundUpToPowerOf2((uint)capacity)];

    public PresentedCredential? Find(string token) =>
        Volatile.Read(ref _slots[Place(token)]) is { } slot && slot.Token == token ? slot.Credential : null;

    public void Add(string token, PresentedCredential credential) => Volatile.Write(ref _slots[Place(token)], new Slot(token, credential));

    // The signature is the part of the text that nobody can choose, and the end of it.
    private uint Place(string token) => (uint)string.GetHashCode(token.AsSpan(Math.Max(0, token.Length - 40))) & (uint)(_slots.Length - 1);

    private sealed record Slot(string Token, PresentedCredential Credential);
}
