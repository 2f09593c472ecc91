using System.Text;
using System.Text.Json;
using AgentIdentity.Server.Chain;
using AgentIdentity.Storage.Sqlite;

namespace AgentIdentity.Server.Tests.Chain;

/// <summary>The document's form, by the vector that another implementation has made.</summary>
public sealed class StoredContradictionTests : IDisposable
{
    private const string Document = "chain-contradiction";

    private readonly string _folder = Directory.CreateTempSubdirectory("agentidentity-").FullName;
    private readonly SqliteLedgerStore _store;

    public StoredContradictionTests() => _store = SqliteLedgerStore.Open(_folder);

    public void Dispose()
    {
        _store.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void What_was_found_is_read_after_a_restart_and_is_gone_when_the_chain_was_seen_without_it()
    {
        var (origin, words, document) = Vector();
        var found = Of(_store, origin);
        Assert.Null(found.Words);

        found.Keep(words);
        Assert.Equal(document, Encoding.UTF8.GetString(_store.ReadDocument(Document)!.Content.Span));
        Assert.Equal(words, Of(_store, origin).Words);

        found.Keep(null);
        Assert.True(_store.ReadDocument(Document)!.Content.IsEmpty);
        Assert.Null(Of(_store, origin).Words);
    }

    [Fact]
    public void What_was_found_of_another_log_is_none_of_this_one()
    {
        var (origin, words, _) = Vector();
        Of(_store, origin).Keep(words);
        Assert.Null(Of(_store, origin + "/2").Words);
    }

    [Fact]
    public void A_store_that_fails_is_an_alarm_once_and_does_not_end_the_anchoring()
    {
        var (origin, words, _) = Vector();
        var alarms = new List<string>();
        var store = SqliteLedgerStore.Open(Path.Combine(_folder, "failing"));
        var found = new StoredContradiction(store, origin, alarms.Add);
        store.Dispose();

        found.Keep(words);
        found.Keep(words);
        Assert.Null(found.Words);
        Assert.Single(alarms);
    }

    private static StoredContradiction Of(SqliteLedgerStore store, string origin) => new(store, origin, message => Assert.Fail(message));

    private static (string Origin, string Words, string Document) Vector()
    {
        using var document = JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "vectors/formats.json")));
        var vector = document.RootElement.GetProperty("chain_contradiction");
        return (vector.GetProperty("origin").GetString()!, vector.GetProperty("words").GetString()!, vector.GetProperty("document").GetString()!);
    }
}
