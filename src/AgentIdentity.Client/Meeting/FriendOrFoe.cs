using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Issuing;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Meeting;

namespace AgentIdentity.Client.Meeting;

/// <summary>
/// Two agents prove to each other who they are, whose command they are under, and that neither is stopped: a challenge and an answer each way, over whatever
/// they talk by, and without the registry. docs/formats.md, "Friend or foe". Safe for all threads.
/// </summary>
/// <param name="registry">Whose agents both are.</param>
/// <param name="self">This agent.</param>
/// <param name="issuerKeys">Finds a key that signs this registry's credentials, from its DID document. Null for any other id.</param>
/// <param name="clock">This agent's clock.</param>
public sealed class FriendOrFoe(RegistryName registry, SubjectId self, Func<KeyId, PublicKey?> issuerKeys, TimeProvider clock)
{
    /// <summary>Asks another agent who it is.</summary>
    /// <param name="peer">Whom this agent means to meet.</param>
    /// <param name="purpose">What for: both must say the same.</param>
    /// <param name="channel">What the transport says of the channel between the two, for example the <c>tls-exporter</c> of their connection (RFC 9266).</param>
    public OpenChallenge Challenge(SubjectId peer, string purpose, ReadOnlySpan<byte> channel) =>
        new(MeetingChallenge.Create(registry.AgentDid(self), registry.AgentDid(peer), purpose, channel), registry, issuerKeys, clock);

    /// <summary>Answers another agent that asks, if it is the one that is met, for this purpose, on this channel.</summary>
    /// <param name="challenge">What came.</param>
    /// <param name="peer">Whom this agent means to meet.</param>
    /// <param name="purpose">What for.</param>
    /// <param name="channel">What the transport says of the channel.</param>
    /// <param name="key">The key of this agent's credential.</param>
    /// <param name="credential">Its credential.</param>
    /// <param name="statusList">The status list that the credential names, fetched from the registry within the last minute.</param>
    /// <param name="answer">What to send back, when nothing is refused.</param>
    public Refusal Respond(string challenge, SubjectId peer, string purpose, ReadOnlySpan<byte> channel, PrivateKey key, string credential, string statusList, out string? answer)
    {
        var refusal = Read(challenge, peer, purpose, channel, out var asked);
        answer = refusal == Refusal.None ? MeetingAnswer.Create(asked!, key, credential, statusList) : null;
        return refusal;
    }

    /// <summary>Whether this agent answers a challenge at all.</summary>
    internal Refusal Read(string challenge, SubjectId peer, string purpose, ReadOnlySpan<byte> channel, out MeetingChallenge? asked)
    {
        if (!MeetingChallenge.TryParse(challenge, out asked))
            return Refusal.ChallengeInvalid;
        if (asked.From == registry.AgentDid(self))
            return Refusal.ChallengeReflected;
        if (asked.From != registry.AgentDid(peer) || asked.To != registry.AgentDid(self))
            return Refusal.PeerMismatch;
        if (asked.Channel != MeetingChallenge.ChannelOf(channel))
            return Refusal.ChannelMismatch;
        return asked.Purpose == purpose ? Refusal.None : Refusal.PurposeMismatch;
    }
}

/// <summary>A challenge that waits for its answer. It takes one, within a minute.</summary>
public sealed class OpenChallenge
{
    /// <summary>How long an answer may take.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly MeetingChallenge _challenge;
    private readonly RegistryName _registry;
    private readonly Func<KeyId, PublicKey?> _issuerKeys;
    private readonly TimeProvider _clock;
    private readonly long _asked;
    private int _isAnswered;

    internal OpenChallenge(MeetingChallenge challenge, RegistryName registry, Func<KeyId, PublicKey?> issuerKeys, TimeProvider clock)
    {
        (_challenge, _registry, _issuerKeys, _clock) = (challenge, registry, issuerKeys, clock);
        _asked = clock.GetTimestamp();
    }

    /// <summary>What is sent.</summary>
    public string Text => _challenge.ToString();

    /// <summary>Holds the answer against the challenge.</summary>
    /// <param name="answer">What came back.</param>
    /// <param name="freshness">How old the registry's word that the other is not stopped may be; it never serves for longer than a minute.</param>
    /// <param name="peer">Who has answered, with its sponsor and its chain of command, when nothing is refused.</param>
    public Refusal Verify(string answer, TimeSpan freshness, out CredentialClaims? peer)
    {
        peer = null;
        if (_clock.GetElapsedTime(_asked) > Patience)
            return Refusal.ProofStale;
        var refusal = MeetingAnswer.Verify(answer, _challenge, _registry, _issuerKeys, freshness, _clock.GetUtcNow(), out var claims);
        if (refusal == Refusal.None && Interlocked.Exchange(ref _isAnswered, 1) == 1)
            refusal = Refusal.ProofReplayed;
        peer = refusal == Refusal.None ? claims : null;
        return refusal;
    }
}
