using System.Text;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Issuing;
using AgentIdentity.Credentials.Status;

namespace AgentIdentity.Registry.Tests.Fixtures;

/// <summary>What somebody learns of a credential who reads nothing but the lists.</summary>
internal static class StatusBits
{
    /// <summary>Its bit, which is the same in both forms; null when its list is not published.</summary>
    public static bool? Status(this TestNode registry, CredentialClaims claims)
    {
        var place = StatusPlace.Of(claims.StatusIndex);
        if (registry.Node.StatusLists.Find(place.List) is not { } list)
            return null;
        var (reader, now) = (new StatusListReader(registry.Node.Settings.Name, registry.Node.State.IssuerKeys.Find), registry.Clock.GetUtcNow());
        Assert.Equal(Refusal.None, reader.ReadTokenList(Encoding.ASCII.GetString(list.Token), place.List, now, out var token));
        Assert.Equal(Refusal.None, reader.ReadBitstring(Encoding.ASCII.GetString(list.Bitstring), place.List, now, out var bitstring));
        Assert.Equal(token![place.Place], bitstring![place.Place]);
        return token[place.Place];
    }

    /// <summary>Lets the lists be made anew.</summary>
    public static void NextLists(this TestNode registry) => registry.Clock.Advance(StatusListFormat.Cadence);
}
