using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Issuing;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Credentials.Verification;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Tests.Watching;

/// <summary>What enforcers are told and what they sign, held against vectors that another program made.</summary>
public sealed class WatchVectorTests
{
    private const string Origin = "localhost:5000";

    private static JsonElement Section => Vectors.Section("watch");

    private static SubjectId Jti(int number) => Vectors.Id(Vectors.Section("issuance").GetProperty("jtis")[number].GetString()!);

    private static SubjectId Delegate => SubjectId.Read(Vectors.Section("names").Hex("delegate_id"));

    private static Denial[] Denials =>
    [
        new(new LeafIndex(6), 5, StandingState.Frozen, Scope.Agent(Vectors.AgentId)),
        new(new LeafIndex(20), 8, StandingState.Frozen, Scope.Key(Vectors.Key("agent").PublicKey.KeyId), new LeafIndex(4), [], [], []),
        new(new LeafIndex(40), 12, StandingState.Revoked, Scope.AgentWithDelegates(Vectors.AgentId), null, [Delegate], [Jti(1), Jti(2)], []),
        new(new LeafIndex(41), 13, StandingState.Restricted, new Scope(ScopeKind.Model, "model-x/5"), null, [], [], [Vectors.Claims().Blueprint]),
    ];

    private static string Show(Denial denial) =>
        $"{denial.Index} {denial.Epoch} {denial.State} {denial.Scope} {denial.After} {string.Join(',', denial.Agents)} {string.Join(',', denial.Credentials)} {string.Join(',', denial.Blueprints)}";

    private static NoteVerifierKey WatchKey => NoteVerifierKey.TryParse(Section.Text("watch_key"), out var key, out _) ? key : throw new InvalidDataException();

    private static NoteSignerKey Signer => new(WatchNotes.KeyName(Origin), Vectors.Key("watch").Ed25519!);

    private static Hash View => Section.Hash("view");

    private static Hash Digest(int count) => Hash.Read(Convert.FromHexString(Section.GetProperty("digests")[count].GetString()!));

    [Fact]
    public void Denials_have_the_bytes_of_the_vectors_and_are_read_again()
    {
        foreach (var (denial, expected) in Denials.Zip(Section.GetProperty("denials").EnumerateArray()))
        {
            Assert.Equal(expected.GetString(), Convert.ToHexStringLower(DenialFormat.Encode(denial)));
            Assert.True(DenialFormat.TryDecode(DenialFormat.Encode(denial), out var read));
            Assert.Equal(Show(denial), Show(read));
        }
    }

    [Fact]
    public void What_is_reported_of_a_credential_is_the_hash_of_the_vectors_from_its_claims_and_from_the_ledger()
    {
        var issuance = Vectors.Section("issuance");
        var expected = issuance.GetProperty("accepted").EnumerateArray().Select(hash => Hash.Read(Convert.FromHexString(hash.GetString()!))).ToArray();
        var claims = Vectors.Claims();
        using var issuer = Vectors.Key("issuer");
        var name = Vectors.Name(Vectors.Section("names").Text("public_url"));
        Assert.Equal(Refusal.None, PresentedCredential.Read(CredentialWriter.Sign(claims, name, issuer), name, _ => issuer.PublicKey, out var presented));
        Assert.Equal(expected[0], AcceptedItem.HashOf(presented!));
        // The order in which labels are held is nobody's business.
        var terms = new Grant(claims.Sponsor, claims.Blueprint, [.. claims.Labels.Reverse()], claims.Envelope.Canonical, claims.Audience);
        for (var place = 0; place < expected.Length; place++)
        {
            Assert.True(IssuanceItem.TryDecode(Convert.FromHexString(issuance.GetProperty("items")[place].GetString()!), out var item));
            Assert.Equal(expected[place], AcceptedItem.HashOf(item, terms, new LeafIndex(4), (uint)place));
        }
    }

    [Fact]
    public void The_digest_of_a_list_is_that_of_its_denials_whatever_came_and_went()
    {
        var list = new DenyList();
        Assert.Equal(Digest(0), list.Digest);
        for (var i = 0; i < Denials.Length; i++)
        {
            list.Add(Denials[i]);
            Assert.Equal(Digest(i + 1), list.Digest);
        }
        Assert.Equal(Denials[1].Index, list.Remove(Denials[1].Index)!.Index);
        Assert.NotEqual(Digest(3), list.Digest);
        Assert.Null(list.Remove(Denials[1].Index));
        list.Remove(Denials[3].Index);
        list.Remove(Denials[2].Index);
        Assert.Equal(Digest(1), list.Digest);
        Assert.Throws<ArgumentException>(() => list.Add(Denials[0]));
    }

    [Fact]
    public void A_view_is_named_by_its_audiences_in_whatever_order()
    {
        var audiences = Section.GetProperty("audiences").EnumerateArray().Select(one => one.GetString()!).ToArray();
        Assert.Equal(View, ViewId.Of(audiences));
        Assert.Equal(View, ViewId.Of(audiences.Reverse()));
        Assert.NotEqual(View, ViewId.Of(audiences.Take(1)));
    }

    [Fact]
    public void Notes_have_the_text_of_the_vectors_and_are_read_again()
    {
        var logKey = new NoteSignerKey(Origin, Vectors.Key("log").Ed25519!);
        var keyNote = new WatchKeyNote(Origin, WatchKey);
        Assert.Equal(Section.Text("key_note"), keyNote.Sign(logKey));
        Assert.True(WatchKeyNote.TryOpen(Section.Text("key_note"), logKey.Verifier, out var namedKey));
        Assert.Equal(WatchKey.ToString(), namedKey.Key.ToString());

        var terms = new TermsNote(new TreeSize(42), Sha256.Hash(Vectors.Utf8("agentidentity vectors: terms")));
        Assert.Equal(Section.Text("terms"), terms.Sign(Signer));
        Assert.True(TermsNote.TryOpen(Section.Text("terms"), WatchKey, out var readTerms));
        Assert.Equal(terms, readTerms);

        var snapshot = new SnapshotNote(View, 13, 4, Digest(4));
        Assert.Equal(Section.Text("snapshot"), snapshot.Sign(Signer));
        Assert.True(SnapshotNote.TryOpen(Section.Text("snapshot"), WatchKey, out var readSnapshot));
        Assert.Equal(snapshot, readSnapshot);

        var delta = new DeltaNote(View, 12, 3, Digest(3), DeltaKind.Deny, Sha256.Hash(DenialFormat.Encode(Denials[2])));
        Assert.Equal(Section.Text("delta"), delta.Sign(Signer));
        Assert.True(DeltaNote.TryOpen(Section.Text("delta"), WatchKey, out var readDelta));
        Assert.Equal(delta, readDelta);
        Assert.True(DeltaNote.TryOpen(Section.Text("empty_delta"), WatchKey, out var empty));
        Assert.Equal(new DeltaNote(View, 14, 4, Digest(4), DeltaKind.None, null), empty);

        var heartbeat = new HeartbeatNote(View, Section.Text("nonce"), 13, 4, Digest(4), 10000, new TreeSize(42), Sha256.Hash(Vectors.Utf8("agentidentity vectors: seen root")));
        Assert.Equal(Section.Text("heartbeat"), heartbeat.Sign(Signer));
        Assert.True(HeartbeatNote.TryOpen(Section.Text("heartbeat"), WatchKey, out var readHeartbeat));
        Assert.Equal(heartbeat, readHeartbeat);
    }

    [Fact]
    public void A_note_of_another_type_or_key_is_not_taken()
    {
        Assert.False(DeltaNote.TryOpen(Section.Text("snapshot"), WatchKey, out _));
        Assert.False(TermsNote.TryOpen(Section.Text("snapshot"), WatchKey, out _));
        Assert.False(SnapshotNote.TryOpen(Section.Text("heartbeat"), WatchKey, out _));
        Assert.False(HeartbeatNote.TryOpen(Section.Text("delta"), WatchKey, out _));
        var other = new NoteSignerKey(WatchNotes.KeyName(Origin), Vectors.Key("log").Ed25519!);
        Assert.False(SnapshotNote.TryOpen(new SnapshotNote(View, 13, 4, Digest(4)).Sign(other), WatchKey, out _));
        Assert.False(DeltaNote.TryOpen(new DeltaNote(View, 12, 3, Digest(3), DeltaKind.Deny, null).Sign(Signer), WatchKey, out _));
    }

    [Fact]
    public void The_acknowledgement_of_the_vectors_is_read_and_ours_is_read_again()
    {
        var expected = new Acknowledgement(
            Origin, new TreeSize(42), Sha256.Hash(Vectors.Utf8("agentidentity vectors: seen root")), 13, View, Digest(4), Section.Text("nonce"), 17, Sha256.Hash(Vectors.Utf8("agentidentity vectors: decisions")), false);
        Assert.True(Acknowledgement.TryRead(Section.GetProperty("acknowledgement").Text("token"), "https://localhost:5000", out var read, out var key));
        Assert.Equal(expected, read);
        Assert.Equal(Vectors.Key("enforcer").PublicKey.KeyId, key.KeyId);
        var token = expected.Sign(Vectors.Key("enforcer"), "https://localhost:5000", DateTimeOffset.FromUnixTimeSeconds(Vectors.Seconds));
        Assert.Equal(Section.GetProperty("acknowledgement").Text("token").Split('.')[..2], token.Split('.')[..2]);
        Assert.False(Acknowledgement.TryRead(token, "https://elsewhere.example", out _, out _));
    }

    [Fact]
    public void What_became_of_a_probe_is_read_and_written_as_the_vectors_have_it()
    {
        var text = Section.GetProperty("probed_acknowledgement").Text("token");
        Assert.True(Acknowledgement.TryRead(text, "https://localhost:5000", out var read, out _));
        Assert.Equal(new ProbeOutcome(Jti(1), Refusal.None, Refusal.CredentialStopped), read.Probe);
        var token = read.Sign(Vectors.Key("enforcer"), "https://localhost:5000", DateTimeOffset.FromUnixTimeSeconds(Vectors.Seconds));
        Assert.Equal(text.Split('.')[..2], token.Split('.')[..2]);
    }

    [Fact]
    public void What_became_of_revokers_is_read_and_written_as_the_vectors_have_it()
    {
        var text = Section.GetProperty("revoked_acknowledgement").Text("token");
        Assert.True(Acknowledgement.TryRead(text, "https://localhost:5000", out var read, out _));
        Assert.Equal([new RevokerOutcome(new LeafIndex(12), 2, 0), new RevokerOutcome(new LeafIndex(40), 1, 1)], read.Revokers);
        var token = read.Sign(Vectors.Key("enforcer"), "https://localhost:5000", DateTimeOffset.FromUnixTimeSeconds(Vectors.Seconds));
        Assert.Equal(text.Split('.')[..2], token.Split('.')[..2]);
    }

    [Theory]
    [InlineData("[{\"done\"", "[{\"also\":1,\"done\"")]
    [InlineData("\"stop\":40", "\"stop\":12")]
    [InlineData("\"failed\":1", "\"failed\":-1")]
    [InlineData("\"done\":2", "\"done\":\"2\"")]
    [InlineData("\"revokers\":[", "\"revoked\":[")]
    public void An_acknowledgement_that_says_something_else_of_revokers_is_none(string said, string instead) => AssertNone("revoked_acknowledgement", said, instead);

    [Theory]
    [InlineData("\"NONE\"", "\"NOBODY\"")]
    [InlineData("\"before\"", "\"befour\"")]
    [InlineData("\"probe\":{", "\"prove\":{")]
    [InlineData("{\"after\"", "{\"also\":1,\"after\"")]
    [InlineData("\"jti\":\"0", "\"jti\":\"X")]
    public void An_acknowledgement_that_says_something_else_of_a_probe_is_none(string said, string instead) => AssertNone("probed_acknowledgement", said, instead);

    private static void AssertNone(string vector, string said, string instead)
    {
        var parts = Section.GetProperty(vector).Text("token").Split('.');
        var claims = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(parts[1]));
        Assert.Contains(said, claims, StringComparison.Ordinal);
        var changed = CanonicalBase64Url.Encode(Encoding.UTF8.GetBytes(claims.Replace(said, instead, StringComparison.Ordinal)));
        var signature = CanonicalBase64Url.Encode(Vectors.Key("enforcer").Sign(Encoding.ASCII.GetBytes($"{parts[0]}.{changed}")));
        Assert.False(Acknowledgement.TryRead($"{parts[0]}.{changed}.{signature}", "https://localhost:5000", out _, out _));
    }

    [Fact]
    public void A_stop_that_probes_ride_along_with_is_read_and_written_as_the_vectors_have_it()
    {
        Assert.True(Entry.TryDecode(Section.Hex("probed_stop"), out var entry));
        var stop = Assert.IsType<Stop>(entry.Body);
        Assert.Null(stop.Order);
        Assert.Equal([Jti(1), Jti(2)], stop.Probes);
        Assert.Equal(Section.Text("probed_stop"), Convert.ToHexStringLower(entry.Encode()));
        Assert.Equal(5UL, stop.Epoch);
        foreach (var probes in new SubjectId[][] { [Jti(2), Jti(1)], [Jti(1), Jti(1)], [.. Enumerable.Range(0, Stop.ProbesMax + 1).Select(i => SubjectId.Read(new byte[15].Append((byte)i).ToArray()))] })
            Assert.False(Entry.TryDecode((entry with { Body = stop with { Probes = probes } }).Encode(), out _));
    }

    [Fact]
    public void A_cut_that_a_probe_rides_along_with_is_read_and_written_as_the_vectors_have_it()
    {
        Assert.True(Entry.TryDecode(Section.Hex("probed_cut"), out var entry));
        var cut = Assert.IsType<CompromiseCut>(entry.Body);
        Assert.Equal((new LeafIndex(4), 8UL), (cut.After, cut.Epoch));
        Assert.Equal([Jti(1)], cut.Probes);
        Assert.Equal(Section.Text("probed_cut"), Convert.ToHexStringLower(entry.Encode()));
        Assert.False(Entry.TryDecode((entry with { Body = cut with { Probes = [Jti(2), Jti(1)] } }).Encode(), out _));
    }

    [Fact]
    public void The_stop_order_of_the_vectors_is_read_and_ours_is_the_same()
    {
        var expected = new StopOrder(Jti(0), Scope.AgentWithDelegates(Vectors.AgentId), "nobody answers", Vectors.Seconds);
        Assert.True(StopOrder.TryRead(Section.GetProperty("order").Text("token"), "https://localhost:5000", out var read, out var key));
        Assert.Equal(expected, read);
        Assert.Equal(Vectors.Key("break-glass").PublicKey.KeyId, key.KeyId);
        Assert.Equal(Section.GetProperty("order").Text("token"), expected.Sign(Vectors.Key("break-glass"), "https://localhost:5000"));
    }

    [Fact]
    public void Parsers_of_the_watch_take_nothing_that_was_changed()
    {
        var denial = DenialFormat.Encode(Denials[2]);
        for (var i = 0; i < denial.Length; i++)
        {
            var changed = denial.ToArray();
            changed[i] ^= 1;
            // What still reads is another denial, and encodes as itself: nothing has two forms.
            if (DenialFormat.TryDecode(changed, out var read))
                Assert.Equal(changed, DenialFormat.Encode(read));
        }
        var note = Section.Text("delta");
        for (var i = 0; i < note.Length; i++)
            Assert.False(DeltaNote.TryOpen($"{note[..i]}{(char)(note[i] ^ 1)}{note[(i + 1)..]}", WatchKey, out var opened) && opened.Digest != Digest(3));
    }
}
