using System.Collections.Frozen;
using System.Text;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Status;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Registry.Keys;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Status;

/// <summary>A status list as it is served, in both forms.</summary>
public sealed record StatusList(byte[] Token, byte[] Bitstring);

/// <summary>Makes the status lists: all of them at once, once in each quarter of a minute of the clock, and whether or not anything was stopped. docs/formats.md, "Status lists".</summary>
/// <remarks>They are made for the first who asks in such a quarter: where nobody reads lists they cost nothing, and nobody can learn of a stop sooner by asking more often.</remarks>
public sealed class StatusLists(RegistrySettings settings, RegistryState state, Standing standing, IRegistryKeys keys, TimeProvider clock)
{
    // Places are given faster than lists are made: who is given one in the next list finds it. Twice 98,304 credentials in a quarter of a minute are more than one registry issues.
    private const int ListsAhead = 2;

    private readonly Lock _making = new();
    private volatile Edition? _newest;

    /// <summary>A list; null for one that is not published, and when the registry signs nothing.</summary>
    public StatusList? Find(ulong number) =>
        state.IsBootstrapped && !standing.IsHalted ? Newest(clock.GetUtcNow())?.Lists.GetValueOrDefault(number) : null;

    // While one caller makes the lists the others are given the last ones, so that no crowd of readers takes the threads that stops need. Null: there are none yet, or they have ended.
    private Edition? Newest(DateTimeOffset now)
    {
        var turn = now.ToUnixTimeMilliseconds() / (long)StatusListFormat.Cadence.TotalMilliseconds;
        if (_newest is { } known && known.Turn == turn)
            return known;
        if (!_making.TryEnter())
            return _newest is { } last && now < last.MadeAt + StatusListFormat.Life ? last : null;
        try
        {
            return _newest is { } made && made.Turn == turn ? made : _newest = new Edition(turn, now, Make(now));
        }
        finally
        {
            _making.Exit();
        }
    }

    /// <summary>All lists as of now.</summary>
    internal FrozenDictionary<ulong, StatusList> Make(DateTimeOffset now)
    {
        var issuer = keys.Issuer(state.IssuerKeys.Current.KeyId);
        return Bitmaps(now.ToUnixTimeSeconds()).ToFrozenDictionary(list => list.Key, list => Sign(list.Key, list.Value, issuer, now));
    }

    private StatusList Sign(ulong number, StatusBitmap bitmap, PrivateKey issuer, DateTimeOffset now) => new(
        Encoding.ASCII.GetBytes(StatusListWriter.TokenList(number, bitmap, settings.Name, issuer, now)),
        Encoding.ASCII.GetBytes(StatusListWriter.Bitstring(number, bitmap, settings.Name, issuer, now)));

    private Dictionary<ulong, StatusBitmap> Bitmaps(long seconds)
    {
        var bitmaps = new Dictionary<ulong, StatusBitmap>();
        for (var ahead = 0; ahead <= ListsAhead; ahead++)
            bitmaps.Add(state.StatusPlaces.Open + (ulong)ahead, new StatusBitmap());
        foreach (var agent in state.AgentsFrom(0))
        {
            foreach (var credential in agent.Credentials)
            {
                if (credential.Item.ExpiresAt > seconds)
                    Enter(bitmaps, agent, credential);
            }
        }
        return bitmaps;
    }

    private void Enter(Dictionary<ulong, StatusBitmap> bitmaps, AgentRecord agent, LiveCredential credential)
    {
        var place = StatusPlace.Of(credential.Item.StatusIndex);
        if (!bitmaps.TryGetValue(place.List, out var bitmap))
            bitmaps.Add(place.List, bitmap = new StatusBitmap());
        if (IsStopped(agent.Actor, credential))
            bitmap.Stop(place.Place);
    }

    // One bit for all audiences: where one of them is stopped, only no is safe.
    private bool IsStopped(in Actor actor, in LiveCredential credential)
    {
        var issuer = state.IssuerKeys.InForceAt(credential.Index).KeyId;
        SubjectId[] chain = [.. state.Lineage.LinksAbove(credential.Item.Jti).Select(link => link.Body.Parent)];
        foreach (var audience in credential.Item.Audience)
        {
            var shown = new Presentation(credential.Item.Jti, credential.Index, issuer, chain, audience);
            if (state.Stops.DenyState.Of(actor, shown).State != StandingState.Active)
                return true;
        }
        return false;
    }

    private sealed record Edition(long Turn, DateTimeOffset MadeAt, FrozenDictionary<ulong, StatusList> Lists);
}
