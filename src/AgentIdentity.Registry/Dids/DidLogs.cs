using System.Text;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Dids;
using AgentIdentity.Credentials.Documents;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Checkpoints;
using AgentIdentity.Registry.Keys;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Dids;

/// <summary>The DID logs of the registry and its agents. Their lines stand in entries; memory keeps where the last one of each is.</summary>
public sealed class DidLogs(RegistrySettings settings, RegistryState state, Sequencer sequencer, ILedgerStore store, PublishedLog log, IRegistryKeys keys, TimeProvider clock)
{
    // As many lines as a resolver reads.
    private const int LinesMax = 4096;

    // Our own lines are not held against a clock that may have gone back since they were written.
    private static readonly DateTimeOffset AnyTime = DateTimeOffset.MaxValue.AddDays(-1);

    /// <summary>The first line of an agent's log; null when the registry was founded without a key for such.</summary>
    public string? FirstOf(SubjectId agent, PublicKey key, string? heldHash = null) => !state.DidKeys.IsEmpty
        ? DidLines.First(keys, state.DidKeys.Current.KeyId, agent, DidDocuments.AgentVersion(settings.Name, agent, key, WebvhLog.Placeholder), clock.GetUtcNow(), heldHash)
        : null;

    /// <summary>A subject's log as it is served; null when it has none.</summary>
    public byte[]? Read(SubjectId subject)
    {
        if (LastOf(subject) is not { } last)
            return null;
        var lines = new List<string>();
        for (var before = Take(last, lines); before is { } index; before = Take(index, lines))
        {
            if (lines.Count == LinesMax)
                throw new LedgerDamagedException($"The DID log of {subject} does not end.");
        }
        lines.Reverse();
        return Encoding.UTF8.GetBytes(string.Concat(lines.Select(line => line + "\n")));
    }

    /// <summary>A subject's log, resolved; null when it has none.</summary>
    /// <exception cref="LedgerDamagedException">The ledger holds a log that is none.</exception>
    public WebvhHistory? Resolve(SubjectId subject)
    {
        if (Read(subject) is not { } lines)
            return null;
        var resolved = WebvhResolver.Resolve(lines, default, null, AnyTime);
        return resolved.History ?? throw new LedgerDamagedException($"The DID log of {subject} is refused in line {resolved.Line}: {resolved.Refusal}.");
    }

    /// <summary>The did:webvh name of a subject; null when it has none.</summary>
    public string? NameOf(SubjectId subject)
    {
        if (LastOf(subject) is not { } last)
            return null;
        var lines = new List<string>();
        _ = Take(last, lines);
        return WebvhLog.DidOf(lines[0]);
    }

    /// <summary>Ends the DID of an agent that was revoked, if it has not ended yet.</summary>
    public Task<Outcome<LeafIndex>> DeactivateAsync(AgentRecord agent) => agent.IsDidEnded
        ? Task.FromResult<Outcome<LeafIndex>>(agent.DidIndex!.Value)
        : AppendAsync(null, agent.Id, scid => DidDocuments.AgentVersion(settings.Name, agent.Id, agent.Key, scid, deactivated: true), deactivates: true);

    /// <summary>Brings the registry's own document up to the keys that sign credentials.</summary>
    public Task<Outcome<LeafIndex>> RenewAsync() => state.Founding is { } founding
        ? AppendAsync(null, founding.RegistryId, scid => DidDocuments.RegistryVersion(settings.Name, state.PublishedIssuerKeys, state.PublishedIntegrityKeys, scid), deactivates: false)
        : Task.FromResult<Outcome<LeafIndex>>(NoLog);

    /// <summary>Adds a line to an agent's log that commits to another update key, made by the key for DID logs of now. If only logs that are behind are meant, one that commits to that key already stays as it is.</summary>
    public async Task<Outcome<LeafIndex>> RotateAsync(SubjectId actor, AgentRecord agent, bool ifBehind)
    {
        if (agent.IsDidHeld)
            return Refused.Because(Refusal.DidHeld, "The next key of this DID is its sponsor's: agentid sponsor-key.");
        if (agent.IsDidEnded || IsRevoked(agent))
            return Refused.Because(Refusal.DidUnchanged, "The DID has ended, or is about to: its agent is revoked.");
        // The key of when the line is made: it may have been rotated since the caller looked.
        return await AppendAsync(actor, agent.Id, scid => DidDocuments.AgentVersion(settings.Name, agent.Id, state.FindAgent(agent.Id)!.Key, scid), deactivates: false, always: !ifBehind).ConfigureAwait(false);
    }

    /// <summary>The line that names another key of an agent, made before the writer decides; null when the agent has no log that could go on.</summary>
    internal DidLine? LineOf(AgentRecord agent, PublicKey key) => Prepare(agent.Id, scid => DidDocuments.AgentVersion(settings.Name, agent.Id, key, scid), deactivates: false);

    /// <summary>In the writer: whether no other line has come before a prepared one.</summary>
    internal bool IsNext(Draft draft, DidLine line) => LastOf(line.Subject) == line.Before && !draft.IsFollowed(line.Before);

    /// <summary>In the writer: puts a prepared line into the group, unless its document stands already.</summary>
    internal static LeafIndex Stage(Draft draft, SubjectId actor, DidLine line) =>
        line.Text is null ? line.Before : draft.Stage(actor, new DidVersion(line.Text, line.Before, line.Deactivates), line.Subject);

    // Without an actor it is the registry's own doing.
    private async Task<Outcome<LeafIndex>> AppendAsync(SubjectId? actor, SubjectId subject, Func<string, string> document, bool deactivates, bool always = false) => Prepare(subject, document, deactivates, always) is { } line
        ? await sequencer.DecideAsync<LeafIndex>(Lane.Ordinary, draft => IsNext(draft, line) ? Stage(draft, actor ?? draft.RegistryId, line) : ChangedMeanwhile).ConfigureAwait(false)
        : NoLog;

    /// <summary>What the log of an agent should say next; refused when it says so already, or does not go on here.</summary>
    public Outcome<DidChange> ChangeOf(AgentRecord agent)
    {
        if (GoingOn(agent.Id) is not { } history)
            return NothingAsked;
        var ends = IsRevoked(agent);
        var document = DidDocuments.AgentVersion(settings.Name, agent.Id, agent.Key, history.Latest.Parameters.Scid, ends);
        return document == history.Latest.Document ? NothingAsked : Asked(agent.Id, document, ends);
    }

    /// <summary>What the log of an agent says last before it goes on at another place, given as it stands behind the SCID of a DID. Whoever holds the next key goes on there, so it must not be the registry's.</summary>
    public Outcome<DidChange> MoveOf(AgentRecord agent, string place)
    {
        if (GoingOn(agent.Id) is not { } history || IsRevoked(agent))
            return NothingAsked;
        if (!agent.IsDidHeld)
            return Refused.Because(Refusal.DidNotHeld, "The next key of this DID is the registry's, so nobody could go on with it elsewhere: agentid token create --next-did-key.");
        return WebvhDid.TryParse($"did:webvh:{history.Latest.Parameters.Scid}:{place}", out var moved) && moved.Location.Authority != settings.Name.Origin
            ? Asked(agent.Id, DidDocuments.AgentMoved(settings.Name, agent.Id, agent.Key, moved), ends: false)
            : Refused.Because(Refusal.MessageMalformed, "A place is another host than this registry's, as a did:webvh DID has it: agents.example, or agents.example%3A8443:research:reader.");
    }

    /// <summary>Takes a line that the sponsor has signed: of what was asked for, and nothing else.</summary>
    public async Task<Outcome<LeafIndex>> SubmitAsync(SubjectId actor, AgentRecord agent, string line)
    {
        if (LastOf(agent.Id) is not { } before || Read(agent.Id) is not { } log)
            return NothingAsked;
        var resolved = WebvhResolver.Resolve(Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(log) + line + "\n"), default, null, clock.GetUtcNow());
        // A move is asked for by its place, which is all that the registry does not say itself.
        var asking = resolved.History is { HasMoved: true, Latest.Did: var did } && WebvhDid.TryParse(did, out var moved) ? MoveOf(agent, moved.Place) : ChangeOf(agent);
        if (asking.IsRefused)
            return Refused.Because(asking.Refusal, asking.Detail);
        if (resolved.History is not { } history)
            return Refused.Because(Refusal.DidLineInvalid, $"The line does not go on from the log: {resolved.Refusal}.");
        if (line.Contains('\n', StringComparison.Ordinal) || !asking.Value.IsMet(history.Latest))
            return Refused.Because(Refusal.DidLineInvalid, "The line is a good one, and says something else than was asked for.");
        var signed = new DidLine(agent.Id, line, before, asking.Value.Deactivates);
        return await sequencer.DecideAsync<LeafIndex>(Lane.Ordinary, draft => IsNext(draft, signed) ? Stage(draft, actor, signed) : ChangedMeanwhile).ConfigureAwait(false);
    }

    private WebvhHistory? GoingOn(SubjectId agent) => Resolve(agent) is { IsDeactivated: false, HasMoved: false } history ? history : null;

    private DidChange Asked(SubjectId agent, string document, bool ends) => new(agent, Encoding.UTF8.GetString(Read(agent)!), document, ends);

    private static Refused NothingAsked => Refused.Because(Refusal.DidUnchanged, "The DID says already what it should, has ended, or has moved: nothing is asked of its sponsor.");

    // By what is on the record, and not by a stop on its way there: a DID that has ended does not come back when that is refused.
    private bool IsRevoked(AgentRecord agent) => state.Stops.All.Any(stop => DidKeeper.IsFinal(stop) && stop.Denial.Covers(agent.Actor));

    // A document that stands already is not written again, unless the registry has another key for DID logs since: this is also what a start calls that does not know how far the last run came.
    private DidLine? Prepare(SubjectId subject, Func<string, string> document, bool deactivates, bool always = false)
    {
        if (state.DidKeys.IsEmpty || state.FindAgent(subject) is { IsDidHeld: true } || LastOf(subject) is not { } before || Resolve(subject) is not { IsDeactivated: false } history)
            return null;
        var next = document(history.Latest.Parameters.Scid);
        var isThere = !always && next == history.Latest.Document && !deactivates && DidLines.IsCommittedTo(keys, state.DidKeys.Current, subject, history.Latest);
        return new DidLine(subject, isThere ? null : DidLines.Next(keys, state.DidKeys, subject, history.Latest, next, deactivates, clock.GetUtcNow()), before, deactivates);
    }

    internal static Refused ChangedMeanwhile => Refused.Because(Refusal.Overloaded, "The DID was changed at this moment; try again.");

    private static Refused NoLog => Refused.Because(Refusal.AgentUnknown, "There is no DID log that could go on.");

    private LeafIndex? LastOf(SubjectId subject) => subject == state.Founding?.RegistryId ? state.DidIndex : state.FindAgent(subject)?.DidIndex;

    // Adds the line of an entry, and answers where the one before it stands.
    private LeafIndex? Take(LeafIndex index, List<string> lines)
    {
        if (store.Read(index, 1) is not [var row])
            throw new LedgerDamagedException($"Entry {index}, which holds a line of a DID log, is missing.");
        Reading.Reading.RequireSigned(row, log.Newest);
        _ = Reading.Reading.Genuine(row);
        var (line, before) = Entry.TryDecode(row.Entry, out var entry) ? LineOf(entry.Body) : (null, null);
        lines.Add(line ?? throw new LedgerDamagedException($"Entry {index} holds no line of a DID log."));
        return before;
    }

    private static (string? Line, LeafIndex? Before) LineOf(EntryBody body) => body switch
    {
        Genesis genesis => (genesis.DidLine, null),
        AgentEnrolled enrolled => (enrolled.DidLine, null),
        DidVersion version => (version.Line, version.Before),
        _ => (null, null),
    };
}

/// <summary>A line that waits to be written. The text is null when the document stands already.</summary>
internal sealed record DidLine(SubjectId Subject, string? Text, LeafIndex Before, bool Deactivates);
