using System.Text;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Dids;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Keys;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Stopping;
using AgentIdentity.Registry.Tests.Fixtures;

namespace AgentIdentity.Registry.Tests.Dids;

public sealed class DidLogTests : IDisposable
{
    private readonly string _folder = TestNode.NewFolder();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task An_enrolled_agent_has_a_log_that_names_its_key_and_its_other_name()
    {
        await using var registry = await TestNode.FoundAsync(_folder);
        var agent = await registry.EnrollAsync();
        var version = Resolve(registry, agent.Id, registry.Node.Dids.NameOf(agent.Id)).Latest;
        Assert.Equal(1, version.Number);
        Assert.Contains(agent.Key.PublicKey.KeyId.ToString(), version.Document, StringComparison.Ordinal);
        Assert.Contains($"\"alsoKnownAs\":[\"{registry.Node.Settings.Name.AgentDid(agent.Id)}\"]", version.Document, StringComparison.Ordinal);
        Assert.True(version.Parameters.Portable);
        Assert.Single(version.Parameters.NextKeyHashes);
    }

    [Fact]
    public async Task No_two_logs_share_an_update_key_or_commit_to_the_same_one()
    {
        await using var registry = await TestNode.FoundAsync(_folder);
        SubjectId[] subjects = [registry.Node.State.Founding!.RegistryId, (await registry.EnrollAsync()).Id, (await registry.EnrollAsync()).Id];
        var parameters = subjects.Select(subject => Resolve(registry, subject).Latest.Parameters).ToArray();
        Assert.Equal(3, parameters.Select(one => one.UpdateKeys.Single()).Distinct().Count());
        Assert.Equal(3, parameters.Select(one => one.NextKeyHashes.Single()).Distinct().Count());
    }

    [Fact]
    public async Task The_same_enrolment_again_brings_no_second_log()
    {
        await using var registry = await TestNode.FoundAsync(_folder);
        var agent = await registry.EnrollAsync();
        var log = registry.Node.Dids.Read(agent.Id);
        var again = TestNode.Good(await registry.EnrollAsync(agent.Key, agent.Token));
        Assert.Equal(registry.Node.Dids.NameOf(agent.Id), again.Webvh);
        Assert.Equal(log, registry.Node.Dids.Read(agent.Id));
    }

    [Fact]
    public async Task A_revoked_agents_log_ends_once_and_stays_ended_over_restarts_with_and_without_a_snapshot()
    {
        SubjectId id;
        byte[] ended;
        await using (var registry = await TestNode.FoundAsync(_folder))
        {
            var agent = await registry.EnrollAsync();
            id = agent.Id;
            registry.Node.KeepDids();
            await RevokeAsync(registry, agent.Id);
            await UntilAsync(() => registry.Node.State.FindAgent(id)!.IsDidEnded);
            Assert.True(Resolve(registry, id).IsDeactivated);
            var last = registry.Node.State.FindAgent(id)!.DidIndex;
            Assert.Equal(last, TestNode.Good(await registry.Node.Dids.DeactivateAsync(registry.Node.State.FindAgent(id)!)));
            ended = registry.Node.Dids.Read(id)!;
            Assert.Equal(2, Encoding.UTF8.GetString(ended).Count(letter => letter == '\n'));
        }
        await using (var registry = TestNode.Open(_folder))
            AssertEnded(registry, id, ended);
        File.Delete(Path.Combine(_folder, "snapshot"));
        await using (var registry = TestNode.Open(_folder))
            AssertEnded(registry, id, ended);
    }

    [Fact]
    public async Task What_was_revoked_while_nobody_kept_the_logs_is_ended_at_the_next_start()
    {
        await using var registry = await TestNode.FoundAsync(_folder);
        var (revoked, other) = (await registry.EnrollAsync(), await registry.EnrollAsync());
        await RevokeAsync(registry, revoked.Id);
        registry.Node.KeepDids();
        await UntilAsync(() => registry.Node.State.FindAgent(revoked.Id)!.IsDidEnded);
        Assert.False(registry.Node.State.FindAgent(other.Id)!.IsDidEnded);
    }

    [Fact]
    public async Task The_registrys_log_follows_the_keys_that_sign_credentials()
    {
        await using var registry = await TestNode.FoundAsync(_folder);
        var subject = registry.Node.State.Founding!.RegistryId;
        registry.Node.KeepDids();
        var rotated = TestNode.Good(await registry.Node.Operating.RotateIssuerKeyAsync(registry.Operator));
        await UntilAsync(() => Resolve(registry, subject).Latest.Number == 2);
        var document = Resolve(registry, subject).Latest.Document;
        Assert.All([rotated.Key, rotated.Retired], key => Assert.Contains($"#{key}\"", document, StringComparison.Ordinal));
        // Nothing has changed since: nothing is written.
        Assert.Equal(registry.Node.State.DidIndex, TestNode.Good(await registry.Node.Dids.RenewAsync()));
    }

    [Fact]
    public async Task A_key_of_the_registry_that_is_stopped_is_in_no_document_until_it_is_restored()
    {
        await using var registry = await TestNode.FoundAsync(_folder);
        var (subject, agent) = (registry.Node.State.Founding!.RegistryId, await registry.EnrollAsync());
        registry.Node.KeepDids();
        var rotated = TestNode.Good(await registry.Node.Operating.RotateIssuerKeyAsync(registry.Operator));
        var (old, entry) = (rotated.Retired, new LeafIndex(0));
        Assert.Equal(1, TestNode.Good(registry.Node.Stopping.Preview(Scope.IssuerKey(old, entry))).LiveCredentials);
        var stopped = TestNode.Good(await registry.StopAsync(Scope.IssuerKey(old, entry)));
        Assert.Equal((0, 1), (stopped.Reached, stopped.Credentials));
        Assert.Equal([rotated.Key], registry.Node.State.PublishedIssuerKeys.Select(key => key.KeyId));
        await UntilAsync(() => !Resolve(registry, subject).Latest.Document.Contains($"#{old}\"", StringComparison.Ordinal));
        Assert.Contains($"#{rotated.Key}\"", Resolve(registry, subject).Latest.Document, StringComparison.Ordinal);

        TestNode.Good(await registry.RestoreAsync(stopped.Index));
        Assert.Equal([old, rotated.Key], registry.Node.State.PublishedIssuerKeys.Select(key => key.KeyId));
        await UntilAsync(() => Resolve(registry, subject).Latest.Document.Contains($"#{old}\"", StringComparison.Ordinal));
        Assert.Equal(Refusal.None, registry.Verify(agent.Use()));
    }

    [Fact]
    public async Task An_agents_update_key_is_rotated_by_one_call_and_those_that_are_behind_by_another()
    {
        await using var registry = await TestNode.FoundAsync(_folder);
        var (agent, actor) = (await registry.EnrollAsync(), registry.Operator.Id);
        var first = Resolve(registry, agent.Id).Latest;
        TestNode.Good(await registry.Node.Dids.RotateAsync(actor, agent.Record, ifBehind: false));
        var second = Resolve(registry, agent.Id).Latest;
        Assert.Equal((2, first.Document), (second.Number, second.Document));
        Assert.Equal(first.Parameters.NextKeyHashes.Single(), Multikey.NextKeyHash(second.Parameters.UpdateKeys.Single()));
        Assert.NotEqual(first.Parameters.NextKeyHashes, second.Parameters.NextKeyHashes);

        // Not behind: nothing is written. After a rotation it is, once.
        Assert.Equal(agent.Record.DidIndex, TestNode.Good(await registry.Node.Dids.RotateAsync(actor, agent.Record, ifBehind: true)));
        TestNode.Good(await registry.Node.Operating.RotateDidKeyAsync(registry.Operator));
        foreach (var _ in Enumerable.Range(0, 2))
            TestNode.Good(await registry.Node.Dids.RotateAsync(actor, agent.Record, ifBehind: true));
        Assert.Equal(3, Resolve(registry, agent.Id).Latest.Number);

        await RevokeAsync(registry, agent.Id);
        Assert.Equal(Refusal.DidUnchanged, (await registry.Node.Dids.RotateAsync(actor, agent.Record, ifBehind: false)).Refusal);
    }

    [Fact]
    public async Task With_another_key_for_logs_each_goes_on_from_what_it_committed_to_and_commits_to_the_new_one()
    {
        await using var registry = await TestNode.FoundAsync(_folder);
        var (subject, agent) = (registry.Node.State.Founding!.RegistryId, await registry.EnrollAsync());
        registry.Node.KeepDids();
        var rotated = TestNode.Good(await registry.Node.Operating.RotateDidKeyAsync(registry.Operator));
        await UntilAsync(() => Resolve(registry, subject).Latest.Number == 2);
        Assert.Equal(1, Resolve(registry, agent.Id).Latest.Number);
        Assert.Equal(2, registry.Node.State.DidKeys.All.Count());
        Assert.Equal(rotated.Key, registry.Node.State.DidKeys.Current.KeyId);

        await RevokeAsync(registry, agent.Id);
        await UntilAsync(() => registry.Node.State.FindAgent(agent.Id)!.IsDidEnded);
        Assert.True(Resolve(registry, agent.Id).IsDeactivated);
        // Twice from the new key: what it committed to is what it signs with.
        TestNode.Good(await registry.Node.Operating.RotateIssuerKeyAsync(registry.Operator));
        await UntilAsync(() => Resolve(registry, subject).Latest.Number == 3);
        Assert.Equal(1, Resolve(registry, (await registry.EnrollAsync()).Id).Latest.Number);
        Assert.Equal(registry.Node.State.DidIndex, TestNode.Good(await registry.Node.Dids.RenewAsync()));
    }

    [Fact]
    public async Task Keys_for_logs_are_known_after_a_restart_with_and_without_a_snapshot_and_an_old_one_that_is_gone_keeps_it_from_starting()
    {
        KeyRotated rotated;
        await using (var registry = await TestNode.FoundAsync(_folder))
            rotated = TestNode.Good(await registry.Node.Operating.RotateDidKeyAsync(registry.Operator));
        await using (var registry = TestNode.Open(_folder))
            Assert.Equal([rotated.Retired, rotated.Key], registry.Node.State.DidKeys.All.Select(key => key.KeyId));
        File.Delete(Path.Combine(_folder, "snapshot"));
        await using (var registry = TestNode.Open(_folder))
            Assert.Equal([rotated.Retired, rotated.Key], registry.Node.State.DidKeys.All.Select(key => key.KeyId));
        File.Delete(Directory.EnumerateFiles(Path.Combine(_folder, "keys"), $"did-{rotated.Retired}*").Single());
        Assert.Throws<KeysRefusedException>(() => TestNode.Open(_folder));
    }

    [Fact]
    public async Task A_clock_that_went_back_neither_hides_a_log_nor_lets_it_go_back()
    {
        await using var registry = await TestNode.FoundAsync(_folder);
        var agent = registry.Node.State.FindAgent((await registry.EnrollAsync()).Id)!;
        registry.Clock.SetBack(TimeSpan.FromHours(1));
        TestNode.Good(await registry.Node.Dids.DeactivateAsync(agent));
        var versions = registry.Node.Dids.Resolve(agent.Id)!.Versions;
        Assert.Equal(versions[0].At.AddSeconds(1), versions[1].At);
    }

    [Fact]
    public async Task Two_changes_at_once_do_not_both_follow_the_same_line()
    {
        await using var registry = await TestNode.FoundAsync(_folder);
        var agent = registry.Node.State.FindAgent((await registry.EnrollAsync()).Id)!;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => registry.Node.Dids.DeactivateAsync(agent))));
        Assert.Equal(2, Resolve(registry, agent.Id).Versions.Count);
    }

    private static void AssertEnded(TestNode registry, SubjectId agent, byte[] log)
    {
        Assert.True(registry.Node.State.FindAgent(agent)!.IsDidEnded);
        Assert.Equal(log, registry.Node.Dids.Read(agent));
    }

    private static async Task RevokeAsync(TestNode registry, SubjectId agent) =>
        TestNode.Good(await registry.Node.Stopping.StopAsync(registry.Operator, new StopWish(Scope.Agent(agent), StandingState.Revoked, "it has gone bad", "")));

    private static WebvhHistory Resolve(TestNode registry, SubjectId subject, string? did = null)
    {
        var resolved = WebvhResolver.Resolve(registry.Node.Dids.Read(subject)!, default, did, registry.Clock.GetUtcNow());
        Assert.Equal((WebvhRefusal.None, 0), (resolved.Refusal, resolved.Line));
        return resolved.History!;
    }

    private static async Task UntilAsync(Func<bool> isSo)
    {
        using var patience = new CancellationTokenSource(TestNode.Patience);
        while (!isSo())
            await Task.Delay(TimeSpan.FromMilliseconds(20), patience.Token);
    }
}
