using System.Text;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Dids;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;
using AgentIdentity.Registry;
using AgentIdentity.Registry.Reading;
using AgentIdentity.Registry.State;
using Google.Protobuf;
using Wire = AgentIdentity.Protocol.V1;

namespace AgentIdentity.Server.Grpc;

/// <summary>From the wire to values that are valid, or the end of the call. After this there are no wire types.</summary>
internal static class FromWire
{
    // A page of names for a list; a registry with more callers than this is read page by page one day.
    private const int ListMax = 1000;

    /// <summary>An agent that exists, by its DID in either form or its UUID, or by the did:key of its key of now. With who asks: one that is there for it.</summary>
    public static AgentRecord Agent(this RegistryNode registry, string didOrUuid, CallerRecord? asks = null)
    {
        if (Multikey.TryParseDid(didOrUuid, out var key))
            return registry.State.FindAgent(key.KeyId) is { } holder && holder.Key.KeyId == key.KeyId && asks?.Sees(holder) != false ? holder : throw Unknown(asks, "key now");
        if (!registry.Settings.Name.TryParseAgent(didOrUuid, out var id))
            throw CallRefusedException.Malformed("An agent is named by its DID at this registry or by its UUID, in lower case with hyphens.");
        if (registry.State.FindAgent(id) is not { } agent || asks?.Sees(agent) == false)
            throw Unknown(asks, "id");
        registry.RequireScid(didOrUuid, id);
        return agent;
    }

    private static CallRefusedException Unknown(CallerRecord? asks, string what) =>
        new(Refusal.AgentUnknown, asks is { Role: CallerRole.Sponsor } ? $"No agent of yours has that {what}." : $"No agent has that {what}.");

    /// <summary>A did:webvh DID is that of the log at its place, or it is another DID.</summary>
    public static void RequireScid(this RegistryNode registry, string did, SubjectId subject)
    {
        if (WebvhDid.TryParse(did, out var webvh) && registry.Dids.NameOf(subject) is var name && ScidOf(name) != webvh.Scid && (name is not null || registry.State.FindAgent(subject) is not null))
            throw new CallRefusedException(Refusal.ScidMismatch, name is null ? "There is no DID log at this place: it has a did:web alone." : $"The SCID is not that of the log at this place, which is the log of {name}.");
    }

    // Of a DID that has moved the agent's place here is a name from before.
    private static string? ScidOf(string? name) => name is not null && WebvhDid.TryParse(name, out var webvh) ? webvh.Scid : null;

    /// <summary>A scope whose value is one for its kind.</summary>
    public static Scope Scope(this RegistryNode registry, Wire.Scope? wire, CallerRecord? asks = null)
    {
        var scope = wire?.OfCase switch
        {
            Wire.Scope.OfOneofCase.Agent => Credentials.Entries.Scope.Agent(registry.Agent(wire.Agent, asks).Id),
            Wire.Scope.OfOneofCase.AgentWithDelegates => Credentials.Entries.Scope.AgentWithDelegates(registry.Agent(wire.AgentWithDelegates, asks).Id),
            Wire.Scope.OfOneofCase.Credential => new Scope(ScopeKind.Credential, wire.Credential),
            Wire.Scope.OfOneofCase.Key => new Scope(ScopeKind.Key, wire.Key),
            Wire.Scope.OfOneofCase.Blueprint => new Scope(ScopeKind.Blueprint, wire.Blueprint),
            Wire.Scope.OfOneofCase.Model => new Scope(ScopeKind.Model, wire.Model),
            Wire.Scope.OfOneofCase.Sponsor => new Scope(ScopeKind.Sponsor, wire.Sponsor),
            Wire.Scope.OfOneofCase.Audience => new Scope(ScopeKind.Audience, wire.Audience),
            Wire.Scope.OfOneofCase.Resource => new Scope(ScopeKind.Resource, wire.Resource),
            // As text, a=b with the value c would be a with the value b=c.
            Wire.Scope.OfOneofCase.Label when !wire.Label.Name.Contains('=', StringComparison.Ordinal) => Credentials.Entries.Scope.Label(wire.Label.Name, wire.Label.Value),
            Wire.Scope.OfOneofCase.IssuerKey => Credentials.Entries.Scope.IssuerKey(KeyId(wire.IssuerKey.Key), new Ledger.LeafIndex(wire.IssuerKey.After)),
            Wire.Scope.OfOneofCase.Everything when wire.Everything => Credentials.Entries.Scope.Everything,
            _ => null,
        };
        return scope is { IsValid: true } ? scope : throw new CallRefusedException(Refusal.ScopeMalformed, "A scope names one thing that can be stopped: docs/formats.md, \"Scope\".");
    }

    /// <summary>The hash of a client certificate; null where none is given.</summary>
    public static Ledger.Hash? Certificate(ByteString sha256) => sha256.Length switch
    {
        0 => null,
        Ledger.Hash.Size => Ledger.Hash.Read(sha256.Span),
        _ => throw CallRefusedException.Malformed("certificate_sha256 is the SHA-256 of a client certificate in DER, 32 bytes."),
    };

    public static KeyId KeyId(string text) => Credentials.Identifiers.KeyId.TryParse(text, out var key)
        ? key
        : throw CallRefusedException.Malformed("A key id is the base64url SHA-256 thumbprint of a JWK, 43 characters.");

    public static PublicKey Key(Wire.PublicKey? key) => key is not null && PublicKey.TryParseJwk(Encoding.UTF8.GetBytes(key.Jwk), out var read)
        ? read
        : throw new CallRefusedException(Refusal.KeyUnsupported, "A key is a public JWK, P-256 or Ed25519, with no private member.");

    public static KeyAlgorithm Algorithm(Wire.SignatureAlgorithm algorithm) => algorithm switch
    {
        Wire.SignatureAlgorithm.Es256 => KeyAlgorithm.ES256,
        Wire.SignatureAlgorithm.Ed25519 => KeyAlgorithm.Ed25519,
        _ => throw CallRefusedException.Malformed("The algorithm is ES256 or ED25519."),
    };

    /// <summary>Budgets in their order.</summary>
    public static IReadOnlyList<Budget> Budgets(IReadOnlyList<Wire.Budget> budgets) =>
        Credentials.Delegation.Budgets.TryOrder(budgets.Select(budget => new Budget(budget.Unit, budget.Amount)), out var ordered)
            ? ordered
            : throw new CallRefusedException(Refusal.BudgetMalformed, "Budgets are at most 16 distinct units of 1 to 64 printable ASCII characters, with amounts of at least 1.");

    public static int PageSize(uint asked, int usual, int most) => asked switch
    {
        0 => usual,
        _ when asked <= most => (int)asked,
        _ => throw CallRefusedException.Malformed($"A page has 1 to {most} entries."),
    };

    public static Period Period(long from, long to) => from >= 0 && to >= 0 && (to == 0 || from <= to)
        ? new Period(from, to == 0 ? long.MaxValue : to)
        : throw CallRefusedException.Malformed("Times are milliseconds since 1970, the first not after the second.");

    public static Hash[] Commitments(IReadOnlyList<ByteString> commitments, int most) =>
        commitments.Count is 0 || commitments.Count > most || commitments.Any(commitment => commitment.Length != Hash.Size)
            ? throw CallRefusedException.Malformed($"1 to {most} commitments are looked for at a time, {Hash.Size} bytes each.")
            : [.. commitments.Select(commitment => Hash.Read(commitment.Span))];

    public static IReadOnlyList<string> Texts(IReadOnlyList<string> texts) =>
        texts.Count <= ListMax ? [.. texts] : throw CallRefusedException.Malformed($"A list has at most {ListMax} members.");

    /// <summary>A caller that acted on something this node has not heard of yet must not be answered from before it.</summary>
    public static void RequireEpoch(this RegistryNode registry, ulong minEpoch)
    {
        if (registry.State.Epoch < minEpoch)
            throw new CallRefusedException(Refusal.EpochNotReached, $"Epoch {minEpoch} was demanded and {registry.State.Epoch} is reached.");
    }
}
