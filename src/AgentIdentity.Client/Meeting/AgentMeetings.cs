using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Issuing;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Meeting;

namespace AgentIdentity.Client.Meeting;

/// <summary>What a meeting came to at the one who asked: why the other is no friend, or who it is.</summary>
public readonly record struct Met(Refusal Refusal, CredentialClaims? Peer);

/// <summary>What a challenge came to at the one who was asked: why it is not answered, or what to send back.</summary>
public readonly record struct MeetingReply(Refusal Refusal, string? Answer);

/// <summary>
/// Friend or foe, with all that it takes from the registry: its keys, and the word of the last half minute that this agent is not stopped. Both are fetched when they are needed and kept for as long as they serve, so that
/// meetings go on for a while when the registry is away: who asks needs its keys, of the last 15 minutes; who answers its list, of the last minute. Safe for all threads.
/// </summary>
public sealed class AgentMeetings : IDisposable
{
    private readonly HeldIdentitySource _identity;
    private readonly RegistryWord _word;
    private readonly FriendOrFoe _meeting;

    /// <summary>For an agent whose key may be rotated.</summary>
    /// <param name="options">Where the registry is: its HTTP listener alone is asked.</param>
    /// <param name="self">This agent.</param>
    /// <param name="identity">Gives its key and credential, for example <see cref="RotatingKeeper.GetAsync"/>.</param>
    /// <exception cref="ArgumentException">A URL is not one, has a path, or goes in the open to another machine.</exception>
    public AgentMeetings(ConnectionOptions options, SubjectId self, HeldIdentitySource identity)
        : this(options, self, identity, Handler(options))
    {
    }

    /// <summary>For an agent with one key.</summary>
    /// <param name="options">Where the registry is: its HTTP listener alone is asked.</param>
    /// <param name="self">This agent.</param>
    /// <param name="key">Its key; stays the caller's to dispose of.</param>
    /// <param name="credentials">Gives its credential, for example <see cref="CredentialKeeper.GetAsync"/>.</param>
    /// <exception cref="ArgumentException">A URL is not one, has a path, or goes in the open to another machine.</exception>
    public AgentMeetings(ConnectionOptions options, SubjectId self, PrivateKey key, CredentialSource credentials)
        : this(options, self, async cancellationToken => new HeldIdentity(key, await credentials(cancellationToken).ConfigureAwait(false)))
    {
    }

    internal AgentMeetings(ConnectionOptions options, SubjectId self, HeldIdentitySource identity, HttpMessageHandler handler)
    {
        (_identity, _word) = (identity, new RegistryWord(options, handler));
        _meeting = new FriendOrFoe(_word.Registry, self, _word.Find, options.Clock);
    }

    /// <summary>Asks another agent who it is.</summary>
    /// <param name="peer">Whom this agent means to meet.</param>
    /// <param name="purpose">What for: both must say the same.</param>
    /// <param name="channel">What the transport says of the channel between the two, for example the <c>tls-exporter</c> of their connection (RFC 9266).</param>
    public OpenMeeting Challenge(SubjectId peer, string purpose, ReadOnlySpan<byte> channel) => new(_meeting.Challenge(peer, purpose, channel), _word);

    /// <summary>Answers another agent that asks, if it is the one that is met, for this purpose, on this channel. For others nothing is fetched.</summary>
    /// <param name="challenge">What came.</param>
    /// <param name="peer">Whom this agent means to meet.</param>
    /// <param name="purpose">What for.</param>
    /// <param name="channel">What the transport says of the channel.</param>
    /// <param name="cancellationToken">Ends the wait for credential and registry.</param>
    /// <exception cref="RegistryRefusedException">The registry gives this agent no credential any more.</exception>
    public async ValueTask<MeetingReply> RespondAsync(string challenge, SubjectId peer, string purpose, ReadOnlyMemory<byte> channel, CancellationToken cancellationToken = default)
    {
        var refusal = _meeting.Read(challenge, peer, purpose, channel.Span, out var asked);
        if (refusal != Refusal.None)
            return new MeetingReply(refusal, null);
        var (key, credential) = await _identity(cancellationToken).ConfigureAwait(false);
        (refusal, var statusList) = await _word.ListOfAsync(credential ?? "", cancellationToken).ConfigureAwait(false);
        return new MeetingReply(refusal, refusal == Refusal.None ? MeetingAnswer.Create(asked!, key, credential!, statusList) : null);
    }

    public void Dispose() => _word.Dispose();

    private static SocketsHttpHandler Handler(ConnectionOptions options)
    {
        var handler = TrustedCertificates.HandlerFor(options.TrustedCertificateFile);
        // What is at another place is another's word.
        handler.AllowAutoRedirect = false;
        return handler;
    }
}

/// <summary>A challenge that waits for its answer. It takes one, within a minute.</summary>
public sealed class OpenMeeting
{
    private readonly OpenChallenge _challenge;
    private readonly RegistryWord _word;

    internal OpenMeeting(OpenChallenge challenge, RegistryWord word) => (_challenge, _word) = (challenge, word);

    /// <summary>What is sent.</summary>
    public string Text => _challenge.Text;

    /// <summary>Holds the answer against the challenge.</summary>
    /// <param name="answer">What came back.</param>
    /// <param name="freshness">How old the registry's word that the other is not stopped may be; it never serves for longer than a minute.</param>
    /// <param name="cancellationToken">Ends the wait for the registry's keys.</param>
    public async ValueTask<Met> VerifyAsync(string answer, TimeSpan freshness, CancellationToken cancellationToken = default)
    {
        CredentialClaims? peer = null;
        var refusal = await _word.JudgeAsync(() => _challenge.Verify(answer, freshness, out peer), cancellationToken).ConfigureAwait(false);
        return new Met(refusal, peer);
    }
}
