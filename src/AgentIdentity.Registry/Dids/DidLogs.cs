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
    public string? FirstOf(SubjectId agent, PublicKey key) => state.DidKey is { } didKey
        ? DidLines.First(keys, didKey.KeyId, agent, DidDocuments.AgentVersion(settings.Name, agent, key, WebvhLog.Placeholder), clock.GetUtcNow())
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
        : AppendAsync(agent.Id, scid => DidDocuments.AgentVersion(settings.Name, agent.Id, agent.Key, scid, deactivated: true), deactivates: true);

    /// <summary>Brings the registry's own document up to the keys that sign credentials.</summary>
    public Task<Outcome<LeafIndex>> RenewAsync() => state.Founding is { } founding
        ? AppendAsync(founding.RegistryId, scid => DidDocuments.RegistryVersion(settings.Name, [.. state.IssuerKeys.All], [.. state.IntegrityKeys.All], scid), deactivates: false)
        : Task.FromResult<Outcome<LeafIndex>>(NoLog);

    // A document that stands already is not written again: this is also what a start calls that does not know how far the last run came.
    private async Task<Outcome<LeafIndex>> AppendAsync(SubjectId subject, Func<string, string> document, bool deactivates)
    {
        if (state.DidKey is not { } didKey || LastOf(subject) is not { } before || Resolve(subject) is not { IsDeactivated: false } history)
            return NoLog;
        var next = document(history.Latest.Parameters.Scid);
        if (next == history.Latest.Document && !deactivates)
            return before;
        var line = DidLines.Next(keys, didKey.KeyId, subject, history.Latest, next, deactivates, clock.GetUtcNow());
        return await sequencer.DecideAsync<LeafIndex>(Lane.Ordinary, draft => LastOf(subject) == before && !draft.IsFollowed(before)
            ? draft.Stage(draft.RegistryId, new DidVersion(line, before, deactivates), subject)
            : Refused.Because(Refusal.Overloaded, "The DID was changed at this moment; try again.")).ConfigureAwait(false);
    }

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
