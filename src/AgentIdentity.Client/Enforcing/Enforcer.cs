using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Credentials.Verification;
using AgentIdentity.Ledger;

namespace AgentIdentity.Client.Enforcing;

/// <summary>
/// Lets agents in or keeps them out, on its own: no request is sent to the registry for a decision. It holds the registry's watch, refuses whom a stop covers, refuses everybody
/// when its lease has ended, and believes no restore that two operators have not signed. docs/formats.md, "Verifying a credential" and "Watch".
/// </summary>
/// <remarks>Safe for all threads. One for each process and state folder.</remarks>
public sealed class Enforcer : IAsyncDisposable
{
    private readonly EnforcerOptions _options;
    private readonly TimeProvider _clock;
    private readonly RegistryConnection _connection;
    private readonly EnforcerMemory _memory;
    private readonly EnforcerParts _parts;
    private readonly WatchStream _stream;
    private readonly GenuineCredentials _genuine;
    private readonly ReplayStore _replays;
    private readonly AskedLease _lease;
    private readonly (ResourceClass Class, AskedLease Lease)[] _classes;

    /// <summary>Starts watching.</summary>
    /// <exception cref="ArgumentException">The options are not complete.</exception>
    /// <exception cref="IOException">Another process has the state folder.</exception>
    /// <exception cref="InvalidDataException">What the state folder holds is damaged.</exception>
    public Enforcer(EnforcerOptions options)
    {
        if (options.Audiences.Count == 0 || options.Lease <= TimeSpan.Zero)
            throw new ArgumentException("An enforcer has an audience, and a lease.", nameof(options));
        _options = options;
        _clock = options.Registry.Clock;
        _genuine = new GenuineCredentials(options.CredentialCacheMax);
        _replays = new ReplayStore(options.ReplayCapacity, _clock, noncesAreOurs: true);
        _lease = new AskedLease((long)options.Lease.TotalMilliseconds);
        _classes = [.. options.ResourceClasses.Select(one => (one, new AskedLease((long)one.Lease.TotalMilliseconds, one.Name)))];
        Nonces = new NonceIssuer(_clock);
        var stops = new HeldStops();
        var lease = new Lease(options.BootClock);
        _parts = new EnforcerParts(stops, lease, new LiveSessions(stops, lease, failure => Raise(EnforcerAlarmKind.RevokerFailed, $"What was open was not ended: {failure.Message}")), new AcceptedCredentials(), new DecisionChain(options.BootClock), new AlarmReports());
        _connection = new RegistryConnection(options.Registry with { CheckpointFolder = null }, options.Key);
        _memory = new EnforcerMemory(options.StateFolder);
        try
        {
            _stream = new WatchStream(options, _connection, _parts, new HeldProbes(OpenProbe, DecideProbe), _memory, Raise);
        }
        catch
        {
            _memory.Dispose();
            _connection.Dispose();
            throw;
        }
        _stream.Start();
    }

    /// <summary>The nonces that key proofs for this enforcer must carry. Those of another instance, or of before a restart, are none.</summary>
    public NonceIssuer Nonces { get; }

    /// <summary>The epoch whose stops are refused.</summary>
    public ulong Epoch => _stream.Watched.Epoch;

    /// <summary>How long actions of no class may still be allowed without word from the registry.</summary>
    public TimeSpan LeaseRemaining => TimeSpan.FromMilliseconds(_parts.Lease.Remaining(_lease));

    /// <summary>Waits for the first lease. Before it everything is refused.</summary>
    public Task WaitUntilReadyAsync(CancellationToken cancellationToken = default) => _stream.Ready.WaitAsync(cancellationToken);

    /// <summary>Decides about one request.</summary>
    /// <param name="credential">As it was presented.</param>
    /// <param name="proof">The key proof that came with it. It is used up.</param>
    /// <param name="request">The request that the proof must be for; the credential's hash is added here. Without a nonce any that <see cref="Nonces"/> gave out is good.</param>
    /// <param name="action">What the agent wants to do. Null for an endpoint that only asks who it is.</param>
    /// <param name="audience">Whom the credential must be for. Null: the first of the enforcer's audiences.</param>
    public Decision Check(string credential, string proof, RequestBinding request, AskedAction? action = null, string? audience = null) =>
        Open(credential, proof, request, action, audience, out _);

    /// <summary>Decides about one request, and when it is allowed opens a session for the connection that it came on: further requests there need no proof.</summary>
    /// <param name="session">For this connection and no other. Null when refused.</param>
    /// <inheritdoc cref="Check"/>
    public Decision Open(string credential, string proof, RequestBinding request, AskedAction? action, string? audience, out BoundSession? session)
    {
        var now = _clock.GetUtcNow();
        var refusal = Read(credential, audience, now, out session);
        if (refusal == Refusal.None)
            refusal = PresentedCredential.CheckCertificate(session!.Presented.Claims, request.Certificate);
        if (refusal == Refusal.None)
            refusal = CheckProof(session!.Presented, proof, request, now);
        return Conclude(ref session, refusal, action, now);
    }

    /// <summary>Opens a session on a connection whose peer has proven its key by TLS: a credential that is bound to that key needs no proof there.</summary>
    /// <param name="credential">As it was presented.</param>
    /// <param name="channelKey">The key of the client certificate, from the connection itself and from no header.</param>
    /// <param name="action">What the agent wants to do, if that is known.</param>
    /// <param name="audience">Whom the credential must be for. Null: the first of the enforcer's audiences.</param>
    /// <param name="session">For this connection and no other. Null when refused.</param>
    public Decision Open(string credential, PublicKey channelKey, AskedAction? action, string? audience, out BoundSession? session)
    {
        var now = _clock.GetUtcNow();
        var refusal = Read(credential, audience, now, out session);
        if (refusal == Refusal.None && session!.Presented.Claims.Jkt != channelKey.KeyId)
            refusal = Refusal.ProofKeyMismatch;
        // Of the certificate only its key is known here.
        if (refusal == Refusal.None)
            refusal = PresentedCredential.CheckCertificate(session!.Presented.Claims, certificate: null);
        return Conclude(ref session, refusal, action, now);
    }

    /// <summary>Opens a session on a connection whose peer has shown a client certificate by TLS: a credential that is bound to that certificate (RFC 8705) needs no proof there, and no other is taken.</summary>
    /// <param name="credential">As it was presented.</param>
    /// <param name="certificate">SHA-256 of the certificate in DER, from the connection itself and from no header.</param>
    /// <param name="action">What the agent wants to do, if that is known.</param>
    /// <param name="audience">Whom the credential must be for. Null: the first of the enforcer's audiences.</param>
    /// <param name="session">For this connection and no other. Null when refused.</param>
    public Decision Open(string credential, Hash certificate, AskedAction? action, string? audience, out BoundSession? session)
    {
        var now = _clock.GetUtcNow();
        var refusal = Read(credential, audience, now, out session);
        if (refusal == Refusal.None && session!.Presented.Claims.Certificate != certificate)
            refusal = Refusal.CertificateMismatch;
        return Conclude(ref session, refusal, action, now);
    }

    /// <summary>Decides about a further request on the connection of a session. Lease, stops, times and envelope are asked anew each time; nothing is allocated.</summary>
    public Decision CheckBound(BoundSession session, in AskedAction action)
    {
        var now = _clock.GetUtcNow();
        var refusal = PresentedCredential.CheckTimes(session.Presented.Claims, now);
        var decision = Conclude(session, refusal, action, now);
        if (decision.IsAllowed)
            session.Accepted?.Count();
        return decision;
    }

    /// <summary>
    /// Ends something that a session has open, a stream or a connection, when a stop comes to cover it or the lease ends: <paramref name="ended"/> is called once, on a thread of
    /// the pool. At once, if that is so already. Dispose when it has ended by itself, and bear to be told nevertheless: the two may meet. What it throws is an alarm.
    /// </summary>
    public IDisposable Register(BoundSession session, AskedAction? action, Action<Refusal> ended) =>
        // Who only observes cuts nothing.
        _options.ObserveOnly ? Registration.None : _parts.Sessions.Register(session, action, action is { } asked ? LeaseOf(asked) : _lease, ended);

    /// <inheritdoc cref="Register(BoundSession, AskedAction?, Action{Refusal})"/>
    public IDisposable Register(BoundSession session, AskedAction? action, CancellationTokenSource ended) => Register(session, action, _ => Cancel(ended));

    /// <summary>Ends the watch, and with it everything that goes by it: what is registered as open is told that the lease is over, and nobody is let in any more.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync().ConfigureAwait(false);
        _parts.Lease.End();
        _parts.Sessions.Sweep();
        _connection.Dispose();
        _memory.Dispose();
    }

    // Steps 1 to 8 of "Verifying a credential"; whether the ledger holds it (6) the registry says afterwards.
    private Refusal Read(string credential, string? audience, DateTimeOffset now, out BoundSession? session)
    {
        session = null;
        // Since the start no registry was heard: which keys sign credentials is not known, and no credential is to blame for that.
        if (_stream.Watched.IssuerKeys == KeyHistory.Empty)
            return Refusal.LeaseOver;
        var presented = _genuine.Find(credential);
        if (presented is null)
        {
            TokenText text = credential;
            if (PresentedCredential.Read(text, _connection.Name, FindIssuerKey, out presented) != Refusal.None)
                return Refusal.CredentialInvalid;
            _genuine.Add(text, presented!);
        }
        var claims = presented!.Claims;
        var shownTo = audience ?? _options.Audiences[0];
        session = new BoundSession(presented, shownTo, _connection.Name.TryParseAgentDid(shownTo, out var callee) ? callee : null);
        if (_stream.Watched.IssuerKeys.InForceAt(new LeafIndex(claims.LedgerIndex)).KeyId != presented.IssuerKeyId)
            return Refusal.CredentialUnlogged;
        var times = PresentedCredential.CheckTimes(claims, now);
        return times != Refusal.None ? times : PresentedCredential.CheckAudience(claims, shownTo);
    }

    private PublicKey? FindIssuerKey(KeyId keyId)
    {
        var key = _stream.Watched.IssuerKeys.Find(keyId);
        if (key is null)
            _stream.WantKeys();
        return key;
    }

    // Step 9. Nothing of it is ever remembered but that it was used.
    private Refusal CheckProof(PresentedCredential presented, string proof, RequestBinding request, DateTimeOffset now)
    {
        var refusal = KeyProof.Read(proof, now, out var read);
        if (refusal != Refusal.None)
            return refusal;
        if (read!.Key.KeyId != presented.Claims.Jkt)
            return Refusal.ProofKeyMismatch;
        if (!Nonces.IsGood(read.Nonce))
            return Refusal.UseDpopNonce;
        refusal = read.Matches(request with { CredentialHash = presented.TokenHash.ToBase64Url() });
        return refusal != Refusal.None ? refusal : _replays.Burn(read);
    }

    private Decision Conclude(ref BoundSession? session, Refusal refusal, AskedAction? action, DateTimeOffset now)
    {
        var decision = Conclude(session, refusal, action, now);
        if (!decision.IsAllowed)
            session = null;
        else
            (session!.Accepted = _parts.Accepted.Add(session.Presented)).Count();
        return decision;
    }

    private Decision Conclude(BoundSession? session, Refusal refusal, in AskedAction? action, DateTimeOffset now)
    {
        var decision = Decide(session, refusal, action, now);
        _parts.Decisions.Add(session?.Shown.Jti ?? default, decision.Refusal);
        return decision;
    }

    // Steps 10 and 11, and the lease. Last, so that no answer is older than what it was asked of.
    private Decision Decide(BoundSession? session, Refusal refusal, in AskedAction? action, DateTimeOffset now)
    {
        var watched = Refusal.None;
        var remaining = 0L;
        if (refusal == Refusal.None)
        {
            var lease = action is { } asked ? LeaseOf(asked) : _lease;
            remaining = _parts.Lease.Remaining(lease);
            watched = remaining == 0 ? Refusal.LeaseOver : _parts.Stops.Judge(session!, action);
            if (_options.ObserveOnly)
                remaining = lease.Milliseconds;
            refusal = action is { } use && !session!.Presented.Claims.Envelope.Covers(use.Type, use.Action, use.Location, now.ToUnixTimeSeconds()) ? Refusal.EnvelopeExceeded : Refusal.None;
        }
        // Who only observes lets in whom the watch speaks against, and nobody else.
        var isAllowed = refusal == Refusal.None && (watched == Refusal.None || _options.ObserveOnly);
        var named = watched != Refusal.None ? watched : refusal;
        return new Decision(isAllowed, named, isAllowed ? RelyUntil(session!, now, remaining) : default, Epoch, session?.Presented);
    }

    // A probe names an audience of each enforcer, not which one.
    private BoundSession? OpenProbe(string credential)
    {
        var now = _clock.GetUtcNow();
        foreach (var audience in _options.Audiences)
        {
            if (Read(credential, audience, now, out var session) == Refusal.None)
                return session;
        }
        return null;
    }

    // As about a request on a bound channel, but that nobody has asked: it is not among the decisions that are counted.
    private Refusal DecideProbe(BoundSession probe)
    {
        var now = _clock.GetUtcNow();
        var decision = Decide(probe, PresentedCredential.CheckTimes(probe.Presented.Claims, now), null, now);
        return decision.IsAllowed ? Refusal.None : decision.Refusal;
    }

    private static DateTimeOffset RelyUntil(BoundSession session, DateTimeOffset now, long remaining)
    {
        var expiresAt = DateTimeOffset.FromUnixTimeSeconds(session.Presented.Claims.ExpiresAt);
        var leaseEnds = now.AddMilliseconds(remaining);
        return leaseEnds < expiresAt ? leaseEnds : expiresAt;
    }

    private AskedLease LeaseOf(in AskedAction action)
    {
        foreach (var (one, lease) in _classes)
        {
            if (one.Covers(action))
                return lease;
        }
        return _lease;
    }

    private void Raise(EnforcerAlarmKind kind, string detail)
    {
        var alarm = new EnforcerAlarm(kind, detail, _clock.GetUtcNow());
        _parts.Alarms.Add(alarm);
        try
        {
            _options.Alarmed?.Invoke(alarm);
        }
        catch (Exception)
        {
            // Code of the user: whatever it throws, the watch goes on. The registry is told of the alarm as well.
        }
    }

    private static void Cancel(CancellationTokenSource ended)
    {
        try
        {
            ended.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It ended by itself, just now.
        }
    }

    private sealed class Registration : IDisposable
    {
        public static readonly Registration None = new();

        public void Dispose()
        {
        }
    }
}
