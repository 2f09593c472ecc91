using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Questions;

/// <summary>By what a responder knows somebody.</summary>
public abstract record Asked;

/// <summary>By the agent.</summary>
public sealed record AskedAgent(SubjectId Id) : Asked;

/// <summary>By the thumbprint of its key.</summary>
public sealed record AskedKey(KeyId Key) : Asked;

/// <summary>By a credential that was seen somewhere.</summary>
public sealed record AskedCredential(SubjectId Jti) : Asked;

/// <summary>By an entry of the ledger.</summary>
public sealed record AskedEntry(LeafIndex Index) : Asked;

/// <summary>Who somebody was: an agent with its stops and unexpired credentials.</summary>
public sealed record IdentityThen(AgentRecord Agent, StandingState State, IReadOnlyList<StopThen> Stops, IReadOnlyList<LiveCredential> Credentials);

/// <summary>Who was meant. <paramref name="Caller"/> is there when the key is that of somebody who is no agent.</summary>
public sealed record WhoIsAnswer(Part<IdentityThen> Agents, CallerRecord? Caller);

/// <summary>A chain of command: from an agent, over the links above it, to the one that acted under its own authority. Its sponsor answers for all of it.</summary>
/// <param name="Jti">The credential at the lower end; null for an agent's own authority.</param>
/// <param name="Links">Nearest first; empty when nobody delegated.</param>
/// <param name="Root">Who acted under its own authority.</param>
/// <param name="IsWhole">Whether every link was found, up to the one of depth 1.</param>
public sealed record CommandChain(AgentRecord Agent, SubjectId? Jti, IReadOnlyList<DelegationLink> Links, AgentRecord Root, bool IsWhole);

/// <summary>What two agents have in common.</summary>
[Flags]
public enum Kinship
{
    None = 0,
    Sponsor = 1,
    Blueprint = 2,

    /// <summary>The enrolment token, and with it sponsor, blueprint and envelope.</summary>
    Token = 4,

    /// <summary>The digest of the image that evidence says it runs: what turned the one may turn the other, whatever it is called.</summary>
    Image = 8,
}

/// <summary>An agent that has something in common with the one that was asked about.</summary>
public sealed record Kin(AgentRecord Agent, Kinship Kinship);

/// <summary>Kin, nearest first, with how many share what.</summary>
public sealed record KinAnswer(int SameToken, int SameBlueprint, int SameSponsor, Part<Kin> Kin)
{
    public int SameImage { get; init; }
}

/// <summary>Answers who somebody was, who answers for it, and who else is like it.</summary>
public sealed class Identities
{
    // As the documents name it for claims of platforms: docs/formats.md, "Evidence".
    private const string ImageLabel = "image.digest";

    private const int LinksMax = AgentIdentity.Credentials.Delegation.ChainOfCommand.DepthMax;

    private readonly RegistryState _state;
    private readonly LedgerLookups _ledger;

    internal Identities(RegistryState state, LedgerLookups ledger) => (_state, _ledger) = (state, ledger);

    /// <param name="asked">Who is meant.</param>
    /// <param name="asOf">The moment.</param>
    /// <param name="page">Which part.</param>
    /// <param name="asks">Who asks; null for who sees all.</param>
    public Outcome<WhoIsAnswer> WhoIs(Asked asked, AsOf asOf, Page page, CallerRecord? asks = null)
    {
        var caller = asked is AskedKey { Key: var key } && asks is not { Role: CallerRole.Sponsor } ? _state.FindCaller(key) : null;
        var agents = Agents(asked, asOf).Where(agent => asks?.Sees(agent) != false).ToArray();
        if (caller is null && agents.Length == 0)
            return Refused.Because(Refusal.AgentUnknown, "No agent that had been enrolled by then is meant.");
        var then = new StandingThen(_state, asOf);
        return new WhoIsAnswer(page.Of(agents).With(agent => new IdentityThen(agent, then.Of(agent), [.. then.StopsOf(agent)], Credentials(agent, asOf))), caller);
    }

    /// <summary>The chains of a credential, of a delegation, or of each credential that an entry issued; else all that each agent had: its own authority first, then each unexpired link.</summary>
    public Outcome<Part<CommandChain>> ChainOfCommand(Asked asked, AsOf asOf, Page page)
    {
        var agents = Agents(asked, asOf);
        if (agents.Count == 0)
            return Refused.Because(Refusal.AgentUnknown, "No agent that had been enrolled by then is meant.");
        return Given(asked, agents) is { Count: > 0 } given
            ? page.Of(given).With(credential => Climb(credential.Agent, credential.Jti))
            : page.Of(agents.SelectMany(agent => Authorities(agent, asOf)));
    }

    public KinAnswer WhoElse(AgentRecord agent, AsOf asOf, Page page)
    {
        var (sponsor, blueprint) = (agent.Grant.Terms.Sponsor, agent.Grant.Terms.Blueprint);
        var ofBlueprint = Known(_state.OfBlueprint(blueprint), agent, asOf);
        var ofSponsor = Known(_state.OfSponsor(sponsor), agent, asOf);
        var ofImage = Image(agent) is null ? [] : Known(Enumerable.Range(0, _state.AgentCount), agent, asOf).Where(other => SharesImage(agent, other)).ToArray();
        var nearest = ofBlueprint.Where(other => other.TokenId == agent.TokenId)
            .Concat(ofBlueprint.Where(other => other.TokenId != agent.TokenId))
            .Concat(ofImage.Where(other => other.Grant.Terms.Blueprint != blueprint))
            .Concat(ofSponsor.Where(other => other.Grant.Terms.Blueprint != blueprint && !SharesImage(agent, other)));
        return new KinAnswer(
            ofBlueprint.Count(other => other.TokenId == agent.TokenId), ofBlueprint.Count(), ofSponsor.Count(),
            page.Of(nearest.Select(other => new Kin(other, KinshipOf(agent, other))))) { SameImage = ofImage.Length };
    }

    /// <summary>The agents that are meant, those only that had been enrolled.</summary>
    internal IReadOnlyList<AgentRecord> Agents(Asked asked, AsOf asOf)
    {
        IEnumerable<AgentRecord?> meant = asked switch
        {
            AskedAgent agent => [_state.FindAgent(agent.Id)],
            AskedKey key => [_state.FindAgent(key.Key)],
            AskedCredential credential => [_ledger.Issuance(credential.Jti) is { } issued && asOf.Includes(issued.Index) ? _state.FindAgent(issued.Item.AgentId) : null],
            AskedEntry entry => asOf.Includes(entry.Index) ? AgentsOf(_ledger.Entry(entry.Index)) : [],
            _ => throw new InvalidOperationException($"Nobody is meant by {asked}."),
        };
        return [.. meant.OfType<AgentRecord>().Where(asOf.Includes)];
    }

    /// <summary>The unexpired credentials of an agent: from memory, or for an earlier entry from the ledger.</summary>
    internal IReadOnlyList<LiveCredential> Credentials(AgentRecord agent, AsOf asOf) => asOf.IsNow
        ? [.. agent.Credentials.Where(credential => asOf.Includes(credential.Index) && asOf.IsBefore(credential.Item.ExpiresAt))]
        : _ledger.Unexpired(agent.Id, asOf);

    internal IReadOnlyList<DelegationLink> LinksTo(AgentRecord agent, AsOf asOf) => asOf.IsNow
        ? [.. _state.Lineage.LinksTo(agent.Id, asOf.At / 1000).Where(link => asOf.Includes(link.Index))]
        : _ledger.LinksTo(agent.Id, asOf);

    private IEnumerable<AgentRecord?> AgentsOf(Entry? entry) => entry?.Body is Delegated link
        ? [_state.FindAgent(link.Child), _state.FindAgent(link.Parent)]
        : (entry?.Subjects ?? []).Select(subject => _state.FindAgent(subject.Id));

    // What is asked about is credentials, when it is: one, or all of an entry.
    private List<(AgentRecord Agent, SubjectId Jti)> Given(Asked asked, IReadOnlyList<AgentRecord> agents) => asked switch
    {
        AskedCredential credential => [(agents[0], credential.Jti)],
        AskedEntry entry when _ledger.Entry(entry.Index)?.Body is Delegated link => [(agents[0], link.ChildJti)],
        AskedEntry entry => [.. _ledger.IssuedBy(entry.Index).Select(credential => (agents.First(agent => agent.Id == credential.Item.AgentId), credential.Item.Jti))],
        _ => [],
    };

    private IEnumerable<CommandChain> Authorities(AgentRecord agent, AsOf asOf) =>
        LinksTo(agent, asOf).Select(link => Climb(agent, link.Body.ChildJti)).Prepend(new CommandChain(agent, null, [], agent, IsWhole: true));

    /// <summary>A credential of an agent, expired or not.</summary>
    internal LiveCredential? Credential(SubjectId agent, SubjectId jti) => _state.FindAgent(agent)?.Credential(jti) ?? _ledger.Issuance(jti);

    /// <summary>Who was given a credential, expired or not; null when nobody was.</summary>
    internal SubjectId? HolderOf(SubjectId jti) => _state.Lineage.Link(jti)?.Body.Child ?? _ledger.Issuance(jti)?.Item.AgentId;

    internal CommandChain Climb(AgentRecord agent, SubjectId jti)
    {
        var links = new List<DelegationLink>();
        var (at, credential) = (agent, jti);
        while (links.Count < LinksMax && Link(at.Id, credential) is { } link && _state.FindAgent(link.Body.Parent) is { } parent)
        {
            links.Add(link);
            (at, credential) = (parent, link.Body.ParentJti);
        }
        return new CommandChain(agent, jti, links, at, IsWhole: links.Count == 0 || links[^1].Body.Depth == 1);
    }

    /// <summary>The link under which an agent was given a credential, expired or not; null for one that nobody delegated.</summary>
    internal DelegationLink? Link(SubjectId agent, SubjectId jti) => _state.Lineage.Link(jti) ?? _ledger.Link(agent, jti);

    private IEnumerable<AgentRecord> Known(IEnumerable<int> places, AgentRecord but, AsOf asOf) =>
        places.Select(_state.AgentAt).Where(other => other.Id != but.Id && asOf.Includes(other));

    private static bool SharesImage(AgentRecord agent, AgentRecord other) => Image(agent) is { } image && Image(other) == image;

    private static string? Image(AgentRecord agent) => agent.Grant.Terms.AttestedLabels.FirstOrDefault(label => label.Key == ImageLabel).Value;

    private static Kinship KinshipOf(AgentRecord agent, AgentRecord other) =>
        (SharesImage(agent, other) ? Kinship.Image : Kinship.None)
        | (other.TokenId == agent.TokenId ? Kinship.Token : Kinship.None)
        | (other.Grant.Terms.Blueprint == agent.Grant.Terms.Blueprint ? Kinship.Blueprint : Kinship.None)
        | (other.Grant.Terms.Sponsor == agent.Grant.Terms.Sponsor ? Kinship.Sponsor : Kinship.None);
}
