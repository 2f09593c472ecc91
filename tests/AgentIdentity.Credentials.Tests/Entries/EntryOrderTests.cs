using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Tests.Entries;

/// <summary>What a body lists in an order is refused in any other, and when a thing stands twice: one content has one spelling.</summary>
public sealed class EntryOrderTests
{
    private static readonly SubjectId Registry = SubjectId.New(DateTimeOffset.UnixEpoch);
    private static readonly SubjectId[] People = [.. Enumerable.Range(1, 2).Select(second => SubjectId.New(DateTimeOffset.UnixEpoch.AddSeconds(second)))];

    [Fact]
    public void Keys_and_operators_of_genesis_ascend()
    {
        RegistryKey[] keys = [new(RegistryKeyUse.Credentials, Key(KeyAlgorithm.ES256)), new(RegistryKeyUse.Log, Key(KeyAlgorithm.Ed25519))];
        GenesisOperator[] people = [.. People.Select(id => new GenesisOperator(id, "a name", Key(KeyAlgorithm.Ed25519), "a proof"))];

        AssertOnlyInOrder(keys, ordered => new Genesis("https://localhost:5000", "localhost:5000", ordered, people, SingleOperator: false));
        AssertOnlyInOrder(people, ordered => new Genesis("https://localhost:5000", "localhost:5000", keys, ordered, SingleOperator: false));
    }

    [Fact]
    public void Labels_and_audiences_of_a_token_and_of_an_enrolment_ascend()
    {
        KeyValuePair<string, string>[] labels = [new("jurisdiction", "eu"), new("team", "a")];
        string[] audiences = ["https://tools.example/a", "https://tools.example/b"];

        AssertOnlyInOrder(labels, ordered => Token(ordered, audiences));
        AssertOnlyInOrder(audiences, ordered => Token(labels, ordered));
        AssertOnlyInOrder(labels, ordered => new AgentEnrolled(People[0], People[1], Key(KeyAlgorithm.Ed25519), Grant(ordered, audiences), "a proof"));
        AssertOnlyInOrder(labels, ordered => new AgentEnrolled(People[0], People[1], Key(KeyAlgorithm.Ed25519), Grant([], audiences) with { StatedLabels = ordered }, "a proof"));
    }

    [Fact]
    public void An_agent_states_no_label_that_its_sponsor_gives()
    {
        var grant = Grant([new("team", "a")], []) with { StatedLabels = [new("team", "a")] };
        var entry = new Entry(1, [new(People[0], 1, null)], People[0], new AgentEnrolled(People[0], People[1], Key(KeyAlgorithm.Ed25519), grant, "a proof"));
        Assert.False(Entry.TryDecode(entry.Encode(), out _));
        entry = entry with { Body = (AgentEnrolled)entry.Body with { Grant = grant with { StatedLabels = [new("crew", "a")] } } };
        Assert.True(Entry.TryDecode(entry.Encode(), out _));
    }

    [Fact]
    public void Refused_calls_ascend_by_method_reason_and_key()
    {
        var key = new KeyId(Sha256.Hash([1]));
        RefusedCalls first = new("/a", "B", null, 1);

        AssertOnlyInOrder([first, first with { Method = "/b", Reason = "A" }], ordered => new CallsRefused(ordered));
        AssertOnlyInOrder([first, first with { Reason = "C" }], ordered => new CallsRefused(ordered));
        AssertOnlyInOrder([first, first with { KeyId = key }], ordered => new CallsRefused(ordered));
    }

    [Fact]
    public void Reads_of_a_blueprint_and_hashes_of_unlogged_credentials_ascend()
    {
        AssertOnlyInOrder([new TypedAction("documents", "list"), new("documents", "read")], ordered => new BlueprintDefined("a blueprint", "", ordered, 1));
        AssertOnlyInOrder([new TypedAction("documents", "read"), new("mail", "list")], ordered => new BlueprintDefined("a blueprint", "", ordered, 1));
        AssertOnlyInOrder([default, Sha256.Hash([1])], ordered => new CredentialsUnlogged(Registry, ordered));
    }

    private static void AssertOnlyInOrder<T>(T[] items, Func<T[], EntryBody> make)
    {
        Assert.True(Reads(make(items)));
        Assert.True(Reads(make([items[0]])));
        Assert.False(Reads(make([items[1], items[0]])));
        Assert.False(Reads(make([items[0], items[0]])));
    }

    private static bool Reads(EntryBody body) => Entry.TryDecode(new Entry(1, [new EntrySubject(Registry, 1)], Registry, body).Encode(), out _);

    private static TokenCreated Token(KeyValuePair<string, string>[] labels, string[] audiences) => new(default, Grant(labels, audiences), 1, 1);

    private static Grant Grant(KeyValuePair<string, string>[] labels, string[] audiences) => new("a sponsor", "a blueprint", labels, "[]", audiences);

    private static PublicKey Key(KeyAlgorithm algorithm)
    {
        using var key = PrivateKey.Generate(algorithm);
        return key.PublicKey;
    }
}
