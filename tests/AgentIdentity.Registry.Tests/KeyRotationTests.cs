using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Dids;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Trails;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Recovery;
using AgentIdentity.Registry.Rotating;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Tests.Fixtures;
using AgentIdentity.Storage.Snapshots;
using AgentIdentity.Storage.Sqlite;

namespace AgentIdentity.Registry.Tests;

/// <summary>An agent is given another key, by itself or because somebody else may have its own: what the old key can do afterwards, and what everybody who looks later finds.</summary>
public sealed class KeyRotationTests : IDisposable
{
    private readonly string _folder = TestNode.NewFolder();
    private readonly PrivateKey _next = PrivateKey.Generate(KeyAlgorithm.Ed25519);

    public void Dispose()
    {
        _next.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData(KeyAlgorithm.ES256)]
    [InlineData(KeyAlgorithm.Ed25519)]
    public async Task An_agent_that_gives_itself_another_key_goes_on_with_it_and_its_did_log_names_it(KeyAlgorithm algorithm)
    {
        await using var registry = await TestNode.FoundAsync(_folder);
        var agent = await registry.EnrollAsync(algorithm: algorithm);
        var rotated = TestNode.Good(await RotateAsync(agent, _next));

        Assert.Equal(_next.PublicKey, rotated.Key);
        Assert.Equal((agent.Id, agent.Id), (registry.Node.State.FindAgent(_next.PublicKey.KeyId)!.Id, registry.Node.State.FindAgent(agent.KeyId)!.Id));
        var issued = TestNode.Good(await registry.Node.Issuing.IssueAsync(rotated, "", [], 0));
        Assert.Equal(_next.PublicKey.KeyId, issued.Claims.Jkt);
        Assert.Equal(Refusal.None, registry.Verify(agent.Use(issued.Token, _next)));
        var history = registry.Node.Dids.Resolve(agent.Id)!;
        Assert.Equal(2, history.Versions.Count);
        Assert.Contains(_next.PublicKey.KeyId.ToString(), history.Latest.Document, StringComparison.Ordinal);
        Assert.DoesNotContain(agent.KeyId.ToString(), history.Latest.Document, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_the_old_key_signed_stays_its_chain_is_closed_and_a_retry_of_it_is_still_answered()
    {
        await using var registry = await TestNode.FoundAsync(_folder);
        var agent = await registry.EnrollAsync();
        var chain = agent.Chain(3);
        var recorded = TestNode.Good(await agent.SendAsync(chain[0]));
        TestNode.Good(await agent.SendAsync(chain[1]));
        TestNode.Good(await RotateAsync(agent, _next));

        Assert.Equal(Refusal.KeyRotated, (await agent.SendAsync(chain[2])).Refusal);
        Assert.Equal(recorded.Index, TestNode.Good(await agent.SendAsync(chain[0])).Index);
        var renewed = new TestAgent(registry, _next, agent.Id, null!);
        await renewed.RecordAsync();
        await renewed.RecordAsync();
        Assert.Equal([2UL, 2UL], agent.Record.Chains.Select(head => head.Next));
        Assert.Equal(Refusal.SequenceFork, (await agent.SendAsync(agent.Statement(1, Sha256.Hash(chain[0]), fill: 9))).Refusal);
        await AssertProvenAsync(registry, agent);
    }

    [Fact]
    public async Task A_credential_of_the_old_key_lives_out_its_minutes_unless_the_key_is_stopped()
    {
        await using var registry = await TestNode.FoundAsync(_folder);
        var (one, other) = (await registry.EnrollAsync(), await registry.EnrollAsync());
        TestNode.Good(await RotateAsync(one, _next));
        Assert.Equal(Refusal.None, registry.Verify(one.Use()));

        TestNode.Good(await registry.StopAsync(Scope.Key(one.KeyId), StandingState.Revoked));
        Assert.Equal(Refusal.KeyStopped, registry.Verify(one.Use(nonce: "n2")));
        Assert.Equal(StandingState.Active, registry.Node.State.StandingOf(one.Record));
        Assert.Equal(Refusal.None, registry.Verify(other.Use()));
        await AssertProvenAsync(registry, one);
    }

    [Fact]
    public async Task A_call_of_the_old_key_that_waited_while_the_agent_took_another_passes_nothing_on()
    {
        await using var registry = await TestNode.FoundAsync(_folder);
        var (agent, child) = (await registry.EnrollDeepAsync(), await registry.EnrollAsync());
        var rotating = RotateAsync(agent, _next);
        var delegating = registry.DelegateAsync(agent.Credential, child.Id);

        TestNode.Good(await rotating);
        Assert.Equal(Refusal.KeyRotated, (await delegating).Refusal);
        Assert.Empty(registry.Node.State.Lineage.To(child.Id));
        var issued = TestNode.Good(await registry.Node.Issuing.IssueAsync(agent.Record, "", [], 0));
        TestNode.Good(await registry.DelegateAsync(issued.Token, child.Id));
    }

    [Fact]
    public async Task What_a_rotated_key_passed_on_is_reached_by_a_stop_of_it_and_what_the_new_one_passes_on_is_not()
    {
        await using var registry = await TestNode.FoundAsync(_folder);
        var (agent, child) = (await registry.EnrollAsync(), await registry.EnrollAsync());
        var below = await registry.LinkAsync(agent, agent.Claims.Jti, child);
        TestNode.Good(await RotateAsync(agent, _next));
        var issued = TestNode.Good(await registry.Node.Issuing.IssueAsync(agent.Record, "", [], 0));
        var belowNew = await registry.LinkAsync(agent, issued.Claims.Jti, child);

        var stop = TestNode.Good(await registry.StopAsync(Scope.Key(agent.KeyId), StandingState.Frozen));
        Assert.Equal(0, stop.Reached);
        Assert.Equal([below], registry.Node.State.Stops.Find(stop.Index)!.Denial.Credentials);
        var ofNew = TestNode.Good(await registry.StopAsync(Scope.Key(_next.PublicKey.KeyId), StandingState.Frozen));
        Assert.Equal([belowNew], registry.Node.State.Stops.Find(ofNew.Index)!.Denial.Credentials);
        Assert.Equal(1, ofNew.Reached);
    }

    [Fact]
    public async Task The_same_rotation_again_changes_nothing_and_an_older_one_is_refused()
    {
        await using var registry = await TestNode.FoundAsync(_folder);
        var agent = await registry.EnrollAsync();
        var (proof, consent) = Proofs(registry, agent.Id, agent.Key, _next);
        TestNode.Good(await registry.Node.KeyRotation.RotateAsync(proof, consent));
        var position = registry.Node.State.Position;
        TestNode.Good(await registry.Node.KeyRotation.RotateAsync(proof, consent));
        Assert.Equal(position, registry.Node.State.Position);

        using var third = PrivateKey.Generate(KeyAlgorithm.ES256);
        var (next, given) = Proofs(registry, agent.Id, _next, third);
        TestNode.Good(await registry.Node.KeyRotation.RotateAsync(next, given));
        Assert.Equal(Refusal.KeyRotated, (await registry.Node.KeyRotation.RotateAsync(proof, consent)).Refusal);
        Assert.Equal(Refusal.KeyAlreadyEnrolled, (await RotateAsync(registry, agent.Id, third, agent.Key)).Refusal);
        await AssertProvenAsync(registry, agent);
    }

    [Fact]
    public async Task Two_rotations_at_once_leave_one_key_and_one_line_of_the_log()
    {
        await using var registry = await TestNode.FoundAsync(_folder);
        var agent = await registry.EnrollAsync();
        var keys = Enumerable.Range(0, 8).Select(_ => PrivateKey.Generate(KeyAlgorithm.Ed25519)).ToArray();
        var answers = await Task.WhenAll(keys.Select(key => RotateAsync(agent, key)));

        var won = Assert.Single(keys.Zip(answers), pair => !pair.Second.IsRefused);
        Assert.Equal(won.First.PublicKey, agent.Record.Key);
        Assert.All(answers.Where(answer => answer.IsRefused), answer => Assert.Equal(Refusal.KeyRotated, answer.Refusal));
        Assert.Equal(2, registry.Node.Dids.Resolve(agent.Id)!.Versions.Count);
    }

    [Fact]
    public async Task A_rotation_is_refused_by_name_and_nothing_is_written()
    {
        await using var registry = await TestNode.FoundAsync(_folder);
        var (agent, other) = (await registry.EnrollAsync(), await registry.EnrollAsync());
        var (proof, consent) = Proofs(registry, agent.Id, agent.Key, _next);
        var position = registry.Node.State.Position;

        await RefusedAsync(Refusal.ProofMissing, "", consent);
        await RefusedAsync(Refusal.ProofInvalid, consent, proof + "A");
        await RefusedAsync(Refusal.ProofInvalid, proof, proof);
        await RefusedAsync(Refusal.ProofInvalid, proof, Proofs(registry, other.Id, agent.Key, _next).Consent);
        await RefusedAsync(Refusal.AgentUnknown, SubjectId.New(registry.Clock.GetUtcNow()), agent.Key, _next);
        await RefusedAsync(Refusal.WrongKey, agent.Id, other.Key, _next);
        await RefusedAsync(Refusal.KeyAlreadyEnrolled, agent.Id, agent.Key, other.Key);
        await RefusedAsync(Refusal.KeyAlreadyRegistered, agent.Id, agent.Key, registry.OperatorKeys[0]);
        registry.Clock.Advance(TimeSpan.FromSeconds(301));
        await RefusedAsync(Refusal.ProofStale, proof, consent);
        var now = registry.Clock.GetUtcNow();
        await RefusedAsync(
            Refusal.ChallengeInvalid, RotationProof.Create(_next, agent.Id, TestNode.Url, "made up", agent.KeyId, now), RotationProof.Create(agent.Key, agent.Id, TestNode.Url, "made up", _next.PublicKey.KeyId, now));
        Assert.Equal(position, registry.Node.State.Position);

        async Task RefusedAsync(Refusal refusal, params object[] about) => Assert.Equal(refusal, about is [string made, string given]
            ? (await registry.Node.KeyRotation.RotateAsync(made, given)).Refusal
            : (await RotateAsync(registry, (SubjectId)about[0], (PrivateKey)about[1], (PrivateKey)about[2])).Refusal);
    }

    [Fact]
    public async Task A_stopped_agent_and_a_stopped_key_rotate_nothing_and_no_new_key_leads_out_of_a_stop()
    {
        await using var registry = await TestNode.FoundAsync(_folder);
        var (frozen, copied, restricted) = (await registry.EnrollAsync(), await registry.EnrollAsync(), await registry.EnrollAsync());
        TestNode.Good(await registry.StopAsync(frozen));
        TestNode.Good(await registry.StopAsync(Scope.Key(copied.KeyId)));
        TestNode.Good(await registry.StopAsync(Scope.Key(_next.PublicKey.KeyId)));
        TestNode.Good(await registry.StopAsync(restricted, StandingState.Restricted));
        using var fresh = PrivateKey.Generate(KeyAlgorithm.ES256);

        Assert.Equal(Refusal.AgentFrozen, (await RotateAsync(frozen, fresh)).Refusal);
        Assert.Equal(Refusal.KeyStopped, (await RotateAsync(copied, fresh)).Refusal);
        Assert.Equal(Refusal.KeyStopped, (await RotateAsync(restricted, _next)).Refusal);
        TestNode.Good(await RotateAsync(restricted, fresh));
        Assert.Equal(StandingState.Restricted, registry.Node.State.StandingOf(restricted.Record));
    }

    [Fact]
    public async Task What_was_stopped_with_a_key_does_not_end_with_it_be_it_a_cut_or_a_mere_restriction()
    {
        await using var registry = await TestNode.FoundAsync(_folder);
        var (cut, cutAgent, restricted) = (await registry.EnrollAsync(), await registry.EnrollAsync(), await registry.EnrollAsync());
        var now = new LeafIndex(registry.Node.State.Position - 1);
        TestNode.Good(await registry.Node.Stopping.CutAsync(registry.Operator, Scope.Key(cut.KeyId), now, "it was copied", "", []));
        TestNode.Good(await registry.Node.Stopping.CutAsync(registry.Operator, Scope.Agent(cutAgent.Id), now, "it was copied", "", []));
        TestNode.Good(await registry.StopAsync(Scope.Key(restricted.KeyId), StandingState.Restricted));
        using var fresh = PrivateKey.Generate(KeyAlgorithm.ES256);

        Assert.Equal(Refusal.KeyStopped, (await RotateAsync(cut, fresh)).Refusal);
        Assert.NotEqual(Refusal.None, (await RotateAsync(cutAgent, fresh)).Refusal);
        Assert.Equal(Refusal.KeyStopped, (await RotateAsync(restricted, fresh)).Refusal);
        var order = TestNode.Good(await OrderAsync(cut));
        TestNode.Good(await registry.Node.KeyRotation.ReplaceAsync(Proof(registry, cut.Id, order.Token, _next), order.Token));
    }

    [Fact]
    public async Task An_order_stops_the_old_key_at_once_and_lets_one_new_key_in_once()
    {
        await using var registry = await TestNode.FoundAsync(_folder);
        registry.Node.KeepDids();
        var agent = await registry.EnrollAsync();
        await agent.RecordAsync();
        var order = TestNode.Good(await OrderAsync(agent));

        Assert.Equal(StandingState.Revoked, order.Stop!.State);
        Assert.Equal(Refusal.KeyStopped, registry.Verify(agent.Use()));
        Assert.Equal(Refusal.KeyStopped, (await RotateAsync(agent, _next)).Refusal);
        Assert.Equal(EntryClass.Quarantined, (await agent.RecordAsync()).Class);

        var proof = Proof(registry, agent.Id, order.Token, _next);
        var replaced = TestNode.Good(await registry.Node.KeyRotation.ReplaceAsync(proof, order.Token));
        Assert.Equal((_next.PublicKey, StandingState.Active), (replaced.Key, registry.Node.State.StandingOf(replaced)));
        Assert.False(replaced.IsDidEnded);
        Assert.Equal(Refusal.KeyStopped, registry.Verify(agent.Use(nonce: "n2")));
        Assert.Equal(Refusal.KeyRotated, (await agent.TryRecordAsync()).Refusal);
        var renewed = new TestAgent(registry, _next, agent.Id, null!);
        Assert.Equal(EntryClass.Activity, (await renewed.RecordAsync()).Class);
        TestNode.Good(await registry.Node.Issuing.IssueAsync(replaced, "", [], 0));

        TestNode.Good(await registry.Node.KeyRotation.ReplaceAsync(proof, order.Token));
        using var thief = PrivateKey.Generate(KeyAlgorithm.ES256);
        Assert.Equal(Refusal.TokenUsedUp, (await registry.Node.KeyRotation.ReplaceAsync(Proof(registry, agent.Id, order.Token, thief), order.Token)).Refusal);
        await AssertProvenAsync(registry, agent);
    }

    [Fact]
    public async Task The_token_of_an_order_is_good_for_its_agent_for_an_hour_and_until_the_next_order_or_rotation()
    {
        await using var registry = await TestNode.FoundAsync(_folder);
        var (agent, other) = (await registry.EnrollAsync(), await registry.EnrollAsync());
        var first = TestNode.Good(await OrderAsync(agent));
        var second = TestNode.Good(await OrderAsync(agent));
        Assert.Null(second.Stop);

        Assert.Equal(Refusal.TokenInvalid, (await ReplaceAsync(first.Token, agent.Id, _next)).Refusal);
        Assert.Equal(Refusal.TokenInvalid, (await ReplaceAsync("air_x", agent.Id, _next)).Refusal);
        Assert.Equal(Refusal.TokenInvalid, (await ReplaceAsync(agent.Token, agent.Id, _next)).Refusal);
        Assert.Equal(Refusal.ProofInvalid, (await ReplaceAsync(second.Token, other.Id, _next)).Refusal);
        Assert.Equal(Refusal.ProofInvalid, (await registry.Node.KeyRotation.ReplaceAsync(Proof(registry, agent.Id, first.Token, _next), second.Token)).Refusal);
        Assert.Equal(Refusal.ProofInvalid, (await registry.Node.KeyRotation.ReplaceAsync(Proofs(registry, agent.Id, agent.Key, _next).Proof, second.Token)).Refusal);
        Assert.Equal(Refusal.KeyAlreadyEnrolled, (await ReplaceAsync(second.Token, agent.Id, agent.Key)).Refusal);
        registry.Clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal(Refusal.TokenExpired, (await ReplaceAsync(second.Token, agent.Id, _next)).Refusal);

        var third = TestNode.Good(await OrderAsync(agent));
        TestNode.Good(await ReplaceAsync(third.Token, agent.Id, _next));
        using var own = PrivateKey.Generate(KeyAlgorithm.ES256);
        TestNode.Good(await RotateAsync(registry, agent.Id, _next, own));
        Assert.Equal(Refusal.TokenInvalid, (await ReplaceAsync(third.Token, agent.Id, _next)).Refusal);

        Task<Outcome<AgentRecord>> ReplaceAsync(string token, SubjectId id, PrivateKey key) => registry.Node.KeyRotation.ReplaceAsync(Proof(registry, id, token, key), token);
    }

    [Fact]
    public async Task The_token_of_an_order_is_good_also_after_a_clock_that_was_ahead_has_been_set_back()
    {
        await using var registry = await TestNode.FoundAsync(_folder);
        var agent = await registry.EnrollAsync();
        registry.Clock.SetForward(TimeSpan.FromHours(2));
        await registry.EnrollAsync();
        registry.Clock.SetBack(TimeSpan.FromHours(2));
        var made = TestNode.Good(await OrderAsync(agent));
        TestNode.Good(await registry.Node.KeyRotation.ReplaceAsync(Proof(registry, agent.Id, made.Token, _next), made.Token));
    }

    [Fact]
    public async Task Keys_orders_and_closed_chains_are_the_same_after_a_restart_with_and_without_a_snapshot()
    {
        SubjectId id, waiting;
        string token;
        using var old = PrivateKey.Generate(KeyAlgorithm.ES256);
        await using (var registry = await TestNode.FoundAsync(_folder))
        {
            var (agent, other) = (await registry.EnrollAsync(), await registry.EnrollAsync());
            (id, waiting) = (agent.Id, other.Id);
            TestNode.Good(await RotateAsync(agent, old));
            TestNode.Good(await RotateAsync(registry, id, old, _next));
            token = TestNode.Good(await OrderAsync(other)).Token;
        }
        foreach (var withSnapshot in new[] { true, false })
        {
            if (!withSnapshot)
                File.Delete(Path.Combine(_folder, "snapshot"));
            await using var registry = TestNode.Open(_folder);
            var agent = registry.Node.State.FindAgent(id)!;
            Assert.Equal((3, _next.PublicKey), (agent.Keys!.All.Count(), agent.Key));
            Assert.Equal(id, registry.Node.State.FindAgent(old.PublicKey.KeyId)!.Id);
            Assert.Equal(old.PublicKey, agent.KeyAt(new LeafIndex(agent.Keys.Since.Value - 1)));
            Assert.Equal(waiting, registry.Node.State.FindOrdered(Sha256.Hash(System.Text.Encoding.UTF8.GetBytes(token)))!.Id);
            Assert.Equal(Refusal.KeyAlreadyEnrolled, (await RotateAsync(registry, id, _next, old)).Refusal);
        }
    }

    [Fact]
    public async Task Enrolling_again_with_a_key_that_was_rotated_is_refused_by_name()
    {
        await using var registry = await TestNode.FoundAsync(_folder);
        var agent = await registry.EnrollAsync();
        TestNode.Good(await RotateAsync(agent, _next));
        Assert.Equal(Refusal.KeyRotated, (await registry.EnrollAsync(agent.Key, agent.Token)).Refusal);
        Assert.Equal(_next.PublicKey.KeyId, TestNode.Good(await registry.EnrollAsync(_next, agent.Token)).Credential.Claims.Jkt);
    }

    [Fact]
    public async Task A_DID_whose_next_key_the_sponsor_holds_changes_with_the_sponsors_line_and_with_no_other()
    {
        await using var registry = await TestNode.FoundAsync(_folder);
        registry.Node.KeepDids();
        using PrivateKey held = PrivateKey.Generate(KeyAlgorithm.Ed25519), after = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        var wish = new Operating.TokenWish("team", "bot/1", [], TestNode.Envelope, [TestNode.Audience], 1, 0);
        Assert.Equal(Refusal.MessageMalformed, (await registry.Node.Operating.CreateTokenAsync(registry.Operator, wish with { NextDidKeyHash = "Qm" })).Refusal);
        var agent = await registry.EnrollAsync(await registry.NewTokenAsync(wish with { NextDidKeyHash = HashOf(held) }));
        Assert.Equal([HashOf(held)], registry.Node.Dids.Resolve(agent.Id)!.Latest.Parameters.NextKeyHashes);
        Assert.Equal(Refusal.DidUnchanged, registry.Node.Dids.ChangeOf(agent.Record).Refusal);

        TestNode.Good(await RotateAsync(agent, _next));
        Assert.Single(registry.Node.Dids.Resolve(agent.Id)!.Versions);
        var asked = TestNode.Good(registry.Node.Dids.ChangeOf(agent.Record));
        Assert.True(DidChange.TryParse(System.Text.Encoding.UTF8.GetBytes(asked.ToJson()), out var carried));
        Assert.Equal(asked, carried);
        Assert.Null(asked.Sign(after, HashOf(after), null, registry.Clock.GetUtcNow(), out _));
        Assert.Null(asked.Sign(held, "Qm", null, registry.Clock.GetUtcNow(), out _));
        var other = (asked with { Document = asked.Document.Replace(_next.PublicKey.KeyId.ToString(), agent.KeyId.ToString(), StringComparison.Ordinal) }).Sign(held, HashOf(after), null, registry.Clock.GetUtcNow(), out _)!;
        var signed = asked.Sign(held, HashOf(after), null, registry.Clock.GetUtcNow(), out _)!;
        foreach (var line in new[] { "", other.Line, signed.Line + "\n" + signed.Line, signed.Line.Replace("\"2-", "\"3-", StringComparison.Ordinal) })
            Assert.Equal(Refusal.DidLineInvalid, (await SubmitAsync(agent, line)).Refusal);
        TestNode.Good(await SubmitAsync(agent, signed.Line));
        Assert.Equal(Refusal.DidUnchanged, (await SubmitAsync(agent, signed.Line)).Refusal);
        Assert.Contains(_next.PublicKey.KeyId.ToString(), registry.Node.Dids.Resolve(agent.Id)!.Latest.Document, StringComparison.Ordinal);

        TestNode.Good(await registry.StopAsync(agent, StandingState.Revoked));
        var last = TestNode.Good(registry.Node.Dids.ChangeOf(agent.Record));
        TestNode.Good(await SubmitAsync(agent, last.Sign(after, null, null, registry.Clock.GetUtcNow(), out _)!.Line));
        Assert.Equal((true, true), (last.Deactivates, agent.Record.IsDidEnded));
        await AssertProvenAsync(registry, agent);
        await using var again = TestNode.Open(_folder, registry.Clock);
        Assert.True(again.Node.State.FindAgent(agent.Id)!.IsDidHeld);

        static string HashOf(PrivateKey key) => Multikey.NextKeyHash(Multikey.Of(key.PublicKey));

        Task<Outcome<LeafIndex>> SubmitAsync(TestAgent of, string line) => registry.Node.Dids.SubmitAsync(registry.Operator.Id, of.Record, line);
    }

    private static Task<Outcome<ReplacementMade>> OrderAsync(TestAgent agent) =>
        agent.Registry.Node.KeyReplacement.OrderAsync(agent.Registry.Operator, agent.Record, "the key was copied", "incident-7", after: null);

    private static Task<Outcome<AgentRecord>> RotateAsync(TestAgent agent, PrivateKey next) => RotateAsync(agent.Registry, agent.Id, agent.Key, next);

    private static Task<Outcome<AgentRecord>> RotateAsync(TestNode registry, SubjectId agent, PrivateKey old, PrivateKey next)
    {
        var (proof, consent) = Proofs(registry, agent, old, next);
        return registry.Node.KeyRotation.RotateAsync(proof, consent);
    }

    private static (string Proof, string Consent) Proofs(TestNode registry, SubjectId agent, PrivateKey old, PrivateKey next)
    {
        var (challenge, now) = (registry.Node.Enrolment.NewChallenge(), registry.Clock.GetUtcNow());
        return (RotationProof.Create(next, agent, TestNode.Url, challenge, old.PublicKey.KeyId, now), RotationProof.Create(old, agent, TestNode.Url, challenge, next.PublicKey.KeyId, now));
    }

    private static string Proof(TestNode registry, SubjectId agent, string token, PrivateKey next) => RotationProof.Create(
        next, agent, TestNode.Url, registry.Node.Enrolment.NewChallenge(), Sha256.Hash(System.Text.Encoding.UTF8.GetBytes(token)), registry.Clock.GetUtcNow());

    // A stranger with the file finds that everything is as it should be, and so does fsck with the folder.
    private async Task AssertProvenAsync(TestNode registry, TestAgent agent)
    {
        var last = new LeafIndex(registry.Node.State.Position - 1);
        registry.Clock.Advance(TimeSpan.FromSeconds(2));
        await registry.NewTokenAsync();
        await registry.WhenSignedAsync(last);
        var export = TestNode.Good(await registry.WhileTimePassesAsync(registry.Node.TrailExports.BeginAsync(agent.Id, 0, ulong.MaxValue, CancellationToken.None)));
        Assert.True(NoteVerifierKey.TryParse(registry.Node.Checkpoints.LogKey, out var logKey, out _));
        var verdict = TrailVerifier.Verify(export.Items().SelectMany(item => item).ToArray(), logKey);
        Assert.Empty(verdict.Findings.Where(finding => finding.Result != TrailResult.Passed).Select(finding => $"{finding.Property}: {string.Join("; ", finding.Problems)}"));

        await registry.DisposeAsync();
        using var store = SqliteLedgerStore.OpenExisting(_folder);
        var findings = new List<Finding>();
        await Fsck.RunAsync(store, store, new SnapshotFile(_folder), withSignatures: true, findings.Add, _ => { }, CancellationToken.None);
        Assert.Empty(findings);
    }
}
