using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Checkpoints;

namespace AgentIdentity.Registry.Watching;

/// <summary>What an enforcer is told. docs/formats.md, "Watch".</summary>
public abstract record WatchMessage
{
    private protected WatchMessage()
    {
    }
}

/// <summary>First: which key signs what follows, and how the log that signs that key goes on from the one that the enforcer knows; null when it is the same. The terms, by which the enforcer judges, are the state's, the agents among its audiences with them, and signed as they are sent.</summary>
public sealed record Greeting(string WatchKeyNote, TimeSpan Lease, IReadOnlyList<ClassLease> Classes, Consistency? Succession, IReadOnlyList<SubjectId> Callees, Func<byte[], string> SignTerms) : WatchMessage;

/// <summary>All that the view shows.</summary>
public sealed record Snapshot(string Note, IReadOnlyList<Denial> Denials) : WatchMessage;

/// <summary>One epoch.</summary>
public sealed record Delta(string Note, byte[] Payload) : WatchMessage;

/// <summary>Where the entry behind a delta stands.</summary>
public sealed record EntryProof(LeafIndex Index, byte[] Entry, Hash Salt, string Receipt) : WatchMessage;

/// <summary>A credential that will ride along with a stop. docs/formats.md, "Probe".</summary>
public sealed record ProbeShown(string Credential) : WatchMessage;

/// <summary>The answer to a nonce.</summary>
public sealed record Heartbeat(string Note, string Checkpoint, Hash[] Consistency) : WatchMessage;

/// <summary>Of what the enforcer has let in, the items that the ledger does not hold.</summary>
public sealed record Unlogged(IReadOnlyList<Hash> Items) : WatchMessage;
