using System.Collections.Concurrent;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Tests.Wire;

namespace AgentIdentity.Server.Tests.Kills;

/// <summary>What the server said that it had done, over all its lives.</summary>
internal sealed class Acknowledged
{
    /// <summary>Identity of a statement, and the index of its entry.</summary>
    public ConcurrentDictionary<Hash, ulong> Statements { get; } = new();

    /// <summary>An agent's key, and its id.</summary>
    public ConcurrentDictionary<KeyId, SubjectId> Agents { get; } = new();

    /// <summary>A credential's jti, and where its item stands.</summary>
    public ConcurrentDictionary<SubjectId, (ulong Index, ulong Position)> Credentials { get; } = new();

    /// <summary>A stopped agent, and the index of the entry that stopped it.</summary>
    public ConcurrentDictionary<SubjectId, (ulong Index, AgentState State)> Stops { get; } = new();

    public int Count => Statements.Count + Agents.Count + Credentials.Count + Stops.Count;

    public void Add(WireAgent enrolled)
    {
        Agents[enrolled.Key.PublicKey.KeyId] = enrolled.Id;
        Add(enrolled.Credential);
    }

    public void Add(IssuedCredential credential)
    {
        Assert.True(SubjectId.TryParse(credential.Jti, out var jti));
        Credentials[jti] = (credential.LedgerIndex, credential.LedgerPosition);
    }
}

