using System.Text;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Verification;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Issuing;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.Tests.Fixtures;

namespace AgentIdentity.Registry.Tests;

/// <summary>Credentials with an embedded proof, and the key that signs it.</summary>
public sealed class EmbeddedProofTests : IDisposable
{
    private readonly string _folder = TestNode.NewFolder();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Both_forms_are_one_credential_of_one_item_in_the_ledger()
    {
        await using var registry = await TestNode.FoundAsync(_folder);
        var agent = await registry.EnrollAsync();
        var issued = await IssueAsync(registry, agent);
        var document = Read(registry, issued);
        Assert.Equal(Refusal.None, PresentedCredential.Read(issued.Token, registry.Node.Settings.Name, registry.Node.State.IssuerKeys.Find, out var token));
        Assert.Equal((token!.Claims.Jti, token.Claims.StatusIndex, token.Claims.LedgerIndex, token.AuthorityHash), (document.Claims.Jti, document.Claims.StatusIndex, document.Claims.LedgerIndex, document.AuthorityHash));
        Assert.Single(agent.Record.Credentials, credential => credential.Item.Jti == document.Claims.Jti);
    }

    [Fact]
    public async Task The_key_is_made_once_by_who_asks_first_and_is_in_force_at_every_credential_that_it_signed()
    {
        await using var registry = await TestNode.FoundAsync(_folder);
        var agent = await registry.EnrollAsync();
        Assert.Null(registry.Node.State.IntegrityKeys.Newest);
        var issued = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => IssueAsync(registry, agent)));
        var key = Assert.Single(registry.Node.State.IntegrityKeys.All);
        Assert.Equal(KeyAlgorithm.Ed25519, key.Algorithm);
        Assert.All(issued, one => Assert.True(registry.Node.State.IntegrityKeys.Spans.Single().From.Value < Read(registry, one).Claims.LedgerIndex));
    }

    [Fact]
    public async Task Who_asks_for_no_document_gets_none_and_no_key_is_made()
    {
        await using var registry = await TestNode.FoundAsync(_folder);
        var agent = await registry.EnrollAsync();
        Assert.Null(TestNode.Good(await registry.Node.Issuing.IssueAsync(agent.Record, "", [], 0)).Document);
        Assert.Null(registry.Node.State.IntegrityKeys.Newest);
    }

    [Fact]
    public async Task Both_keys_are_rotated_together_and_what_the_old_ones_signed_stays_verifiable()
    {
        await using var registry = await TestNode.FoundAsync(_folder);
        var agent = await registry.EnrollAsync();
        var before = await IssueAsync(registry, agent);
        TestNode.Good(await registry.Node.Operating.RotateIssuerKeyAsync(registry.Operator));
        var after = await IssueAsync(registry, agent);
        KeyId[] signers = [Read(registry, before).IssuerKeyId, Read(registry, after).IssuerKeyId];
        Assert.Equal(registry.Node.State.IntegrityKeys.All.Select(key => key.KeyId), signers);
        Assert.NotEqual(signers[0], signers[1]);
        Assert.False(File.Exists(Path.Combine(_folder, "keys", $"integrity-{signers[0]}.json")));
        Assert.True(File.Exists(Path.Combine(_folder, "keys", $"integrity-{signers[1]}.json")));
    }

    [Fact]
    public async Task The_keys_are_known_again_after_a_restart_with_and_without_a_snapshot()
    {
        (PublicKey, LeafIndex)[] known;
        await using (var registry = await TestNode.FoundAsync(_folder))
        {
            await IssueAsync(registry, await registry.EnrollAsync());
            TestNode.Good(await registry.Node.Operating.RotateIssuerKeyAsync(registry.Operator));
            known = [.. registry.Node.State.IntegrityKeys.Spans];
            Assert.Equal(2, known.Length);
        }
        await using (var registry = TestNode.Open(_folder))
            Assert.Equal(known, registry.Node.State.IntegrityKeys.Spans);
        File.Delete(Path.Combine(_folder, "snapshot"));
        await using (var registry = TestNode.Open(_folder))
            Assert.Equal(known, registry.Node.State.IntegrityKeys.Spans);
    }

    [Fact]
    public async Task A_rotation_whose_second_key_finds_no_room_leaves_no_first_one_behind()
    {
        await using var registry = await TestNode.FoundAsync(_folder);
        await IssueAsync(registry, await registry.EnrollAsync());
        var before = KeyFiles();
        registry.Keys.BeforeCreates = use =>
        {
            if (use == RegistryKeyUse.Integrity)
                throw new StoreFullException("No room.");
        };
        await Assert.ThrowsAsync<StoreFullException>(() => registry.Node.Operating.RotateIssuerKeyAsync(registry.Operator));
        Assert.Equal(before, KeyFiles());
    }

    [Fact]
    public async Task A_registry_whose_key_for_proofs_is_gone_does_not_start()
    {
        await using (var registry = await TestNode.FoundAsync(_folder))
            await IssueAsync(registry, await registry.EnrollAsync());
        File.Delete(Directory.GetFiles(Path.Combine(_folder, "keys"), "integrity-*").Single());
        Assert.Throws<Keys.KeysRefusedException>(() => TestNode.Open(_folder));
    }

    private string[] KeyFiles() => [.. Directory.GetFiles(Path.Combine(_folder, "keys")).Order(StringComparer.Ordinal)];

    private static async Task<Issued> IssueAsync(TestNode registry, TestAgent agent) => TestNode.Good(await registry.Node.Issuing.IssueWithProofAsync(agent.Record, "", [], 0));

    private static PresentedCredential Read(TestNode registry, Issued issued)
    {
        var refusal = PresentedCredential.ReadDocument(
            Encoding.UTF8.GetBytes(issued.Document!), registry.Node.Settings.Name, registry.Node.State.IntegrityKeys.Find, registry.Clock.GetUtcNow(), out var document);
        Assert.Equal(Refusal.None, refusal);
        return document!;
    }
}
