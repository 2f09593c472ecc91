using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Questions;

/// <summary>What an answer is about: everything up to an entry, and the time that it was then.</summary>
/// <param name="Entry">The last entry that counts.</param>
/// <param name="At">Ms since 1970: of the entry, or of the question when it is asked about now.</param>
/// <param name="IsNow">Whether nothing had been written after it when it was asked. A later page of the same answer keeps that.</param>
public sealed record AsOf(LeafIndex Entry, long At, bool IsNow)
{
    /// <summary>Whether the entry had been written.</summary>
    public bool Includes(LeafIndex index) => index.Value <= Entry.Value;

    /// <summary>Whether the agent had been enrolled.</summary>
    public bool Includes(AgentRecord agent) => Includes(agent.EnrolledIndex);

    /// <summary>Whether something that ends then had not ended. Seconds since 1970, exclusive.</summary>
    public bool IsBefore(long expiresAt) => At / 1000 < expiresAt;
}

/// <summary>The stops as they stood at an entry, those that were lifted since among them.</summary>
public sealed class StandingThen
{
    private readonly RegistryState _state;
    private readonly AsOf _asOf;

    public StandingThen(RegistryState state, AsOf asOf)
    {
        (_state, _asOf) = (state, asOf);
        foreach (var stop in Known.Where(IsInForce))
            Denials.Add(stop.Denial);
    }

    /// <summary>What decisions would have asked.</summary>
    public DenyState Denials { get; } = new();

    /// <summary>Cuts that were in force, oldest first.</summary>
    public IEnumerable<Denial> Cuts => Known.Where(stop => stop.Denial.After is not null && IsInForce(stop)).Select(stop => stop.Denial);

    /// <summary>All stops and cuts up to then, oldest first.</summary>
    public IEnumerable<StopRecord> Known => _state.Stops.All.Where(stop => _asOf.Includes(stop.Denial.Index)).OrderBy(stop => stop.Denial.Index.Value);

    public bool IsInForce(StopRecord stop) => stop.Lifted is not { } lifted || !_asOf.Includes(lifted.By);

    /// <summary>The agent whose DID an audience is, as stops saw it; null when it is no agent's.</summary>
    public Actor? Callee(RegistryName name, string audience) => _state.Callee(name, audience, _asOf.Entry);

    /// <summary>What was left of an agent's own authority.</summary>
    public Denied Left(AgentRecord agent) => Denials.Of(agent.ActorAt(_asOf.Entry));

    public StandingState Of(AgentRecord agent) => Left(agent).State;

    /// <summary>Stops and cuts that reached the agent itself, those that had been lifted too.</summary>
    public IEnumerable<StopThen> StopsOf(AgentRecord agent) =>
        Known.Where(stop => stop.Denial.Covers(agent.ActorAt(_asOf.Entry))).Select(stop => new StopThen(stop, IsInForce(stop)));
}

/// <summary>A stop or cut, and whether it was in force.</summary>
public sealed record StopThen(StopRecord Stop, bool WasInForce);

/// <summary>A part of a long answer. <paramref name="Next"/> is where to go on, or null at the end.</summary>
public sealed record Part<T>(IReadOnlyList<T> Items, int? Next)
{
    /// <summary>The same part with more said about its members: what is costly is done for one page only.</summary>
    internal Part<TMore> With<TMore>(Func<T, TMore> describe) => new([.. Items.Select(describe)], Next);
}

/// <summary>Which part of a long answer is wanted.</summary>
public readonly record struct Page(int From, int Size)
{
    /// <summary>Members of a page at most: each with its names stays far below what a message may hold.</summary>
    public const int SizeMax = 1000;

    internal Part<T> Of<T>(IEnumerable<T> all)
    {
        var items = all.Skip(From).Take(Size + 1).ToList();
        if (items.Count <= Size)
            return new Part<T>(items, null);
        items.RemoveAt(Size);
        return new Part<T>(items, From + Size);
    }
}
