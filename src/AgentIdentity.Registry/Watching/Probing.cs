using System.Security.Cryptography;
using System.Threading.Channels;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Envelopes;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Issuing;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Watching;

/// <summary>Keeps probes ready while somebody watches: enrols the registry's own agents, issues to them ahead of any stop, and has enforcers told.</summary>
internal sealed class Probing : IAsyncDisposable
{
    // Nobody may ever use it.
    private const string Nothing = """[{"actions":["probe"],"locations":["probe"],"type":"probe"}]""";

    // An agent of ours that holds more has seen a storm of stops; those that come now go without.
    private const int LiveMax = 256;

    // Whoever comes while some are made is answered in one turn; and after a stop everybody has better to do than to be shown what replaces its probes.
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RenewBefore = TimeSpan.FromMinutes(5);

    private readonly RegistrySettings _settings;
    private readonly RegistryState _state;
    private readonly Sequencer _sequencer;
    private readonly Issuing.Issuing _issuing;
    private readonly ReadyProbes _ready;
    private readonly Watches _watches;
    private readonly TimeProvider _clock;
    private readonly Action<string> _log;
    private readonly Envelope _envelope = Envelope.TryParse(Nothing, out var envelope) ? envelope : throw new InvalidOperationException("The envelope of probes is none.");
    private readonly Channel<bool> _wanted = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly CancellationTokenSource _ending = new();
    private readonly Task _work;
    private AgentRecord[] _agents = [];
    private long _usedAt = long.MinValue;

    public Probing(RegistrySettings settings, RegistryState state, Sequencer sequencer, Issuing.Issuing issuing, ReadyProbes ready, Watches watches, TimeProvider clock, Action<string> log)
    {
        (_settings, _state, _sequencer, _issuing, _ready, _watches, _clock, _log) = (settings, state, sequencer, issuing, ready, watches, clock, log);
        _ready.Used = Use;
        _work = settings.ProbesReady > 0 ? Task.Run(WorkAsync) : Task.CompletedTask;
    }

    /// <summary>Somebody who watches was heard.</summary>
    public void Want() => _wanted.Writer.TryWrite(true);

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync().ConfigureAwait(false);
        await _work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _ending.Dispose();
    }

    // Nobody is heard of a registry that nobody watches: it is left alone.
    private async Task WorkAsync()
    {
        while (await _wanted.Reader.WaitToReadAsync(_ending.Token).ConfigureAwait(false))
        {
            if (Volatile.Read(ref _usedAt) is var used and not long.MinValue && Pause - _clock.GetElapsedTime(used) is { Ticks: > 0 } left)
                await Task.Delay(left, _clock, _ending.Token).ConfigureAwait(false);
            _wanted.Reader.TryRead(out _);
            if (_watches.HasStreams)
                await TryFillAsync().ConfigureAwait(false);
            await Task.Delay(Pause, _clock, _ending.Token).ConfigureAwait(false);
        }
    }

    private void Use()
    {
        Volatile.Write(ref _usedAt, _clock.GetTimestamp());
        Want();
    }

    private async Task TryFillAsync()
    {
        try
        {
            await FillAsync().ConfigureAwait(false);
        }
        catch (Exception failure)
        {
            // The key that signs them does not answer, or it is a bug. Stops go without, and it is tried again when an enforcer is heard.
            _log($"No probes can be made now, so that stops go without: {failure.Message}");
        }
    }

    private async Task FillAsync()
    {
        var audiences = Audiences();
        var late = (_clock.GetUtcNow() + RenewBefore).ToUnixTimeSeconds();
        _ready.Drop(set => set.ExpiresAt <= late || !audiences.All(audience => set.For([audience]) is not null));
        var missing = _settings.ProbesReady - _ready.All.Count;
        if (audiences.Length == 0 || missing <= 0)
            return;
        var agents = Covering(audiences) ?? (await EnrolAsync(audiences).ConfigureAwait(false) ? Covering(audiences) : null);
        if (agents is null)
            return;
        var sets = await _sequencer.DecideAsync(Lane.Issuance, draft => Issue(draft, agents, missing)).ConfigureAwait(false);
        // When they may not be had now, stops go without, and it is tried again.
        if (!sets.IsRefused)
            Array.ForEach(sets.Value, set => _watches.Offer(Sign(set, agents)));
    }

    // One of each enforcer's suffices. More than so many audiences would be more probes than a stop may name.
    private string[] Audiences() =>
    [
        .. _state.Callers.Where(caller => caller.Role == CallerRole.Enforcer && caller.Audiences.Count > 0).Select(caller => caller.Audiences.Min(StringComparer.Ordinal)!)
            .Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).Take(Stop.ProbesMax * Credentials.Envelopes.Audiences.CountMax),
    ];

    private AgentRecord[]? Covering(string[] audiences)
    {
        if (!audiences.All(audience => Array.Exists(_agents, agent => agent.Grant.Terms.Audiences.Contains(audience, StringComparer.Ordinal))))
            _agents = FindCovering(audiences) ?? [];
        return _agents.Length > 0 ? _agents : null;
    }

    // The newest that reach all of them: each time that they do not, all are enrolled anew, so that the newest few always do.
    private AgentRecord[]? FindCovering(string[] audiences)
    {
        var (found, left) = (new List<AgentRecord>(), audiences.ToHashSet(StringComparer.Ordinal));
        foreach (var agent in _state.AgentsFrom(0).Where(agent => agent.IsProbe).Reverse())
        {
            var before = left.Count;
            left.ExceptWith(agent.Grant.Terms.Audiences);
            if (left.Count < before)
                found.Add(agent);
        }
        return left.Count == 0 && found.Count <= Stop.ProbesMax ? [.. found] : null;
    }

    private async Task<bool> EnrolAsync(string[] audiences)
    {
        foreach (var some in audiences.Chunk(Credentials.Envelopes.Audiences.CountMax))
        {
            var enrolled = await _sequencer.DecideAsync(Lane.Ordinary, draft => Enrol(draft, some)).ConfigureAwait(false);
            if (enrolled.IsRefused)
                return false;
        }
        return true;
    }

    private Outcome<SubjectId> Enrol(Draft draft, string[] audiences)
    {
        // Both are forgotten here: the token is used up, and without the key nobody can use what the agent is issued.
        using var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        var token = Hash.Read(RandomNumberGenerator.GetBytes(Hash.Size));
        var now = _clock.GetUtcNow();
        var (id, tokenId) = (SubjectId.New(now), SubjectId.New(now));
        var grant = new Grant(_settings.Name.Did, "probe", [], _envelope.Canonical, audiences);
        if (draft.Standing.Of(new Actor(id, key.PublicKey.KeyId, grant.Sponsor, grant.Blueprint, grant.Labels)) is var stopped and not Refusal.None)
            return Refused.Because(stopped, "Nobody like a probe may be enrolled now.");
        draft.Stage(draft.RegistryId, new TokenCreated(token, grant, 1, draft.At), tokenId);
        draft.Stage(draft.RegistryId, new AgentEnrolled(id, tokenId, key.PublicKey, grant, EnrolmentProof.Create(key, _settings.Name.PublicUrl, "probe", token, now)), id, tokenId);
        return id;
    }

    private Outcome<PendingIssuance[][]> Issue(Draft draft, AgentRecord[] agents, int count)
    {
        foreach (var agent in agents)
        {
            if (draft.Standing.RefusalOf(agent.Id) is var stopped and not Refusal.None)
                return Refused.Because(stopped, "A probe may not have credentials now.");
            if (draft.State.FindAgent(agent.Id)!.Credentials.Length >= LiveMax)
                return Refused.Because(Refusal.TooManyCredentials, $"A probe holds {LiveMax} credentials.");
        }
        return Enumerable.Range(0, count).Select(set => agents.Select(agent => Stage(draft, agent)).ToArray()).ToArray();
    }

    private PendingIssuance Stage(Draft draft, AgentRecord agent) =>
        _issuing.Stage(draft, agent.Id, agent.Key.KeyId, new Wish(_envelope, agent.Grant.Terms.Audiences, Issuing.Issuing.LifetimeMax));

    private ProbeSet Sign(PendingIssuance[] set, AgentRecord[] agents) =>
        new([.. set.Zip(agents, (pending, agent) => Sign(pending.ToLive(), agent)).OrderBy(probe => probe.Jti)]);

    private Probe Sign(LiveCredential live, AgentRecord agent) =>
        new(live.Item.Jti, _issuing.Sign(live, agent.Grant, _envelope).Token, live.Item.Audience, live.Item.ExpiresAt, live.Index);
}
