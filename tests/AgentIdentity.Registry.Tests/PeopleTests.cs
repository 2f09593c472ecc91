using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Registry.Stopping;
using AgentIdentity.Registry.Tests.Fixtures;
using AgentIdentity.Tests.Passkeys;

namespace AgentIdentity.Registry.Tests;

/// <summary>Who may do what takes two people is changed by two people; and the sealed key, which can only freeze.</summary>
public sealed class PeopleTests
{
    [Fact]
    public async Task A_new_operator_approves_nothing_for_a_day()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        TestNode.Good(await AddAsync(registry, key, "third"));
        var agent = await registry.EnrollAsync();
        var stop = TestNode.Good(await registry.StopAsync(agent)).Index;

        registry.OperatorKeys = [registry.OperatorKeys[0], key];
        Assert.Equal(Refusal.ApproverUnknown, (await registry.RestoreAsync(stop)).Refusal);
        registry.Clock.Advance(TimeSpan.FromHours(24));
        TestNode.Good(await registry.RestoreAsync(stop));
    }

    [Fact]
    public async Task What_was_approved_more_than_an_hour_from_the_ledgers_time_is_not_done_since_enforcers_and_auditors_would_call_it_forged()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var stop = TestNode.Good(await registry.StopAsync(await registry.EnrollAsync())).Index;
        registry.Clock.SetForward(TimeSpan.FromHours(3));
        await registry.EnrollAsync();
        registry.Clock.SetBack(TimeSpan.FromHours(3));
        Assert.Equal(Refusal.ApprovalStale, (await registry.RestoreAsync(stop)).Refusal);

        registry.Clock.Advance(TimeSpan.FromMinutes(121));
        TestNode.Good(await registry.RestoreAsync(stop));
    }

    [Fact]
    public async Task One_person_adds_nobody_and_a_proof_for_another_name_or_by_a_known_key_is_none()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var key = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        var proof = OperatorProof.Create(key, TestNode.Url, "third", registry.Clock.GetUtcNow());
        var approvals = registry.ApprovalsOf(ApprovedAction.AddOperator(key.PublicKey.KeyId, "third"));
        Assert.Equal(Refusal.NeedsTwoOperators, (await registry.Node.People.AddOperatorAsync(registry.Operator, proof, approvals[..1])).Refusal);
        var otherName = OperatorProof.Create(key, TestNode.Url, "fourth", registry.Clock.GetUtcNow());
        Assert.Equal(Refusal.ApprovalMismatch, (await registry.Node.People.AddOperatorAsync(registry.Operator, otherName, approvals)).Refusal);
        var elsewhere = OperatorProof.Create(key, "https://elsewhere.example", "third", registry.Clock.GetUtcNow());
        Assert.Equal(Refusal.ProofInvalid, (await registry.Node.People.AddOperatorAsync(registry.Operator, elsewhere, approvals)).Refusal);
        Assert.Equal(Refusal.KeyAlreadyRegistered, (await AddAsync(registry, registry.OperatorKeys[1], "third")).Refusal);
        Assert.Equal(Refusal.NameTaken, (await AddAsync(registry, key, "second")).Refusal);
        Assert.Equal(2, registry.Node.State.Callers.Count());
    }

    [Fact]
    public async Task An_operator_is_removed_by_two_when_enough_are_left_over_restarts()
    {
        var folder = TestNode.NewFolder();
        SubjectId removed;
        await using (var registry = await TestNode.FoundByTwoAsync(folder))
        {
            removed = registry.Node.State.FindCaller(registry.OperatorKeys[1].PublicKey.KeyId)!.Id;
            Assert.Equal(Refusal.NeedsTwoOperators, (await RemoveAsync(registry, removed)).Refusal);
            TestNode.Good(await AddAsync(registry, PrivateKey.Generate(KeyAlgorithm.ES256), "third"));
            // Who may not approve yet lifts no stop either.
            Assert.Equal(Refusal.NeedsTwoOperators, (await RemoveAsync(registry, removed)).Refusal);
            registry.Clock.Advance(TimeSpan.FromHours(24));
            TestNode.Good(await RemoveAsync(registry, removed));
            Assert.Equal(Refusal.ApproverUnknown, (await RemoveAsync(registry, registry.Operator.Id)).Refusal);
        }
        for (var restart = 0; restart < 2; restart++)
        {
            await using var again = TestNode.Open(folder);
            Assert.DoesNotContain(again.Node.State.Callers, caller => caller.Id == removed);
            Assert.Equal(2, again.Node.State.Callers.Count(caller => caller.Role == CallerRole.Operator));
            await again.DisposeAsync();
            File.Delete(Path.Combine(folder, "snapshot"));
        }
    }

    [Fact]
    public async Task An_approval_of_an_operator_who_is_removed_counts_no_more_in_that_very_group()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var (first, second, third) = (registry.OperatorKeys[0], registry.OperatorKeys[1], PrivateKey.Generate(KeyAlgorithm.ES256));
        TestNode.Good(await AddAsync(registry, third, "third"));
        registry.Clock.Advance(TimeSpan.FromHours(24));
        var (agent, other) = (await registry.EnrollAsync(), await registry.EnrollAsync());
        var stop = TestNode.Good(await registry.StopAsync(agent)).Index;
        Task<Refusal>[] decided = [];
        await registry.InOneGroupAsync(other, () => decided = [RemoveSecondAsync(), RestoreAsync()]);

        Assert.Equal([Refusal.None, Refusal.ApproverUnknown], await Task.WhenAll(decided));
        Assert.Equal(StandingState.Frozen, registry.Node.State.StandingOf(agent.Record));

        async Task<Refusal> RemoveSecondAsync()
        {
            registry.OperatorKeys = [first, third];
            return (await RemoveAsync(registry, registry.Node.State.FindCaller(second.PublicKey.KeyId)!.Id)).Refusal;
        }

        async Task<Refusal> RestoreAsync()
        {
            registry.OperatorKeys = [first, second];
            return (await registry.RestoreAsync(stop)).Refusal;
        }
    }

    [Theory]
    [InlineData(true, Refusal.CallerUnknown)]
    [InlineData(false, Refusal.KeyStopped)]
    public async Task What_an_operator_gives_out_behind_being_removed_or_stopped_in_one_group_is_refused_and_whom_it_stops_is_stopped(bool isRemoved, Refusal refusal)
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var third = PrivateKey.Generate(KeyAlgorithm.ES256);
        TestNode.Good(await AddAsync(registry, third, "third"));
        registry.Clock.Advance(TimeSpan.FromHours(24));
        var (agent, other) = (await registry.EnrollAsync(), await registry.EnrollAsync());
        var (operating, gone) = (registry.Node.Operating, registry.Node.State.FindCaller(third.PublicKey.KeyId)!);
        Task<Refusal> going = Task.FromResult(Refusal.None), stopping = going;
        Task<Refusal>[] giving = [];
        await registry.InOneGroupAsync(other, () =>
        {
            going = isRemoved ? RefusalOf(RemoveAsync(registry, gone.Id)) : RefusalOf(registry.StopAsync(Scope.Key(third.PublicKey.KeyId)));
            giving =
            [
                RefusalOf(operating.CreateTokenAsync(gone, new TokenWish("team", "bot/1", [], TestNode.Envelope, [TestNode.Audience], 1, 0))),
                RefusalOf(operating.RegisterCallerAsync(gone, CallerRole.Auditor, "friend", PrivateKey.Generate(KeyAlgorithm.ES256).PublicKey, [])),
                RefusalOf(operating.DefineBlueprintAsync(gone, "bot/2", "", [])),
                RefusalOf(operating.RotateIssuerKeyAsync(gone)),
                RefusalOf(operating.RotateDidKeyAsync(gone)),
            ];
            stopping = RefusalOf(registry.Node.Stopping.StopAsync(gone, new StopWish(Scope.Agent(agent.Id), StandingState.Frozen, "odd calls", "")));
        });

        Assert.Equal((Refusal.None, Refusal.None), (await going, await stopping));
        Assert.All(await Task.WhenAll(giving), found => Assert.Equal(refusal, found));
        Assert.Equal(StandingState.Frozen, registry.Node.State.StandingOf(agent.Record));
        Assert.Equal(refusal, (await registry.Node.KeyReplacement.OrderAsync(gone, other.Record, "copied", "", null)).Refusal);
        Assert.Single(Directory.GetFiles(Path.Combine(registry.Folder, "keys"), "credentials-*"));

        static async Task<Refusal> RefusalOf<T>(Task<Outcome<T>> outcome) => (await outcome).Refusal;
    }

    [Fact]
    public async Task An_enforcer_is_not_removed_by_one()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var enforcer = TestNode.Good(await registry.Node.Operating.RegisterCallerAsync(
            registry.Operator, CallerRole.Enforcer, "gateway", PrivateKey.Generate(KeyAlgorithm.ES256).PublicKey, [TestNode.Audience])).Caller;
        var approvals = registry.ApprovalsOf(ApprovedAction.RemoveCaller(enforcer.Id, "it lies"));
        Assert.Equal(Refusal.NeedsTwoOperators, (await registry.Node.People.RemoveCallerAsync(registry.Operator, enforcer.Id, "it lies", approvals[..1])).Refusal);
        TestNode.Good(await registry.Node.People.RemoveCallerAsync(registry.Operator, enforcer.Id, "it lies", approvals));
        Assert.Null(registry.Node.State.FindCaller(enforcer.Key.KeyId));
    }

    [Fact]
    public async Task The_break_glass_key_freezes_once_for_each_order_and_two_operators_lift_it()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var agent = await registry.EnrollAsync();
        var key = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        var order = new StopOrder(SubjectId.New(registry.Clock.GetUtcNow()), Scope.Agent(agent.Id), "nobody answers", registry.Clock.GetUtcNow().ToUnixTimeSeconds());
        Assert.Equal(Refusal.OrderInvalid, (await registry.Node.Stopping.ObeyAsync(order.Sign(key, TestNode.Url))).Refusal);
        TestNode.Good(await registry.Node.People.SetBreakGlassKeyAsync(registry.Operator, key.PublicKey, registry.ApprovalsOf(ApprovedAction.SetBreakGlassKey(key.PublicKey.KeyId))));

        Assert.Equal(Refusal.OrderInvalid, (await registry.Node.Stopping.ObeyAsync(order.Sign(key, "https://elsewhere.example"))).Refusal);
        Assert.Equal(Refusal.OrderInvalid, (await registry.Node.Stopping.ObeyAsync(order.Sign(PrivateKey.Generate(KeyAlgorithm.Ed25519), TestNode.Url))).Refusal);
        // It would be acknowledged and stop nothing.
        Assert.Equal(Refusal.ScopeMalformed, (await registry.Node.Stopping.ObeyAsync((order with { Scope = new Scope(ScopeKind.Sponsor, "team*") }).Sign(key, TestNode.Url))).Refusal);
        var stopped = TestNode.Good(await registry.Node.Stopping.ObeyAsync(order.Sign(key, TestNode.Url)));
        Assert.Equal(stopped.Index, TestNode.Good(await registry.Node.Stopping.ObeyAsync(order.Sign(key, TestNode.Url))).Index);
        Assert.Equal(Refusal.AgentFrozen, registry.Verify(agent.Use()));
        Assert.Equal(order.Sign(key, TestNode.Url), Assert.Single(registry.Bodies().OfType<Stop>()).Order);
        TestNode.Good(await registry.RestoreAsync(stopped.Index));
        Assert.Equal(Refusal.None, registry.Verify(agent.Use(nonce: "n2")));
        Assert.Equal(Refusal.OrderInvalid, (await registry.Node.Stopping.ObeyAsync(order.Sign(key, TestNode.Url))).Refusal);
    }

    [Fact]
    public async Task The_break_glass_key_becomes_nobodys_in_the_group_that_sets_it_and_later()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var (token, agent, key) = (await registry.NewTokenAsync(), await registry.EnrollAsync(), PrivateKey.Generate(KeyAlgorithm.ES256));
        var approvals = registry.ApprovalsOf(ApprovedAction.SetBreakGlassKey(key.PublicKey.KeyId));
        Task<Refusal>[] claims = [];
        await registry.InOneGroupAsync(agent, () => claims = [SetAsync(), RegisterAsync(), EnrollAsync()]);
        Assert.Equal([Refusal.None, Refusal.KeyAlreadyRegistered, Refusal.KeyAlreadyRegistered], await Task.WhenAll(claims));
        Assert.Equal(
            [Refusal.KeyAlreadyRegistered, Refusal.KeyAlreadyRegistered, Refusal.KeyAlreadyRegistered],
            [await RegisterAsync(), await EnrollAsync(), (await AddAsync(registry, key, "third")).Refusal]);

        async Task<Refusal> SetAsync() => (await registry.Node.People.SetBreakGlassKeyAsync(registry.Operator, key.PublicKey, approvals)).Refusal;
        async Task<Refusal> RegisterAsync() => (await registry.Node.Operating.RegisterCallerAsync(registry.Operator, CallerRole.Auditor, "auditor", key.PublicKey, [])).Refusal;
        async Task<Refusal> EnrollAsync() => (await registry.EnrollAsync(key, token)).Refusal;
    }

    [Fact]
    public async Task An_order_freezes_no_key_of_an_operator_who_may_have_to_lift_it()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var key = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        TestNode.Good(await registry.Node.People.SetBreakGlassKeyAsync(registry.Operator, key.PublicKey, registry.ApprovalsOf(ApprovedAction.SetBreakGlassKey(key.PublicKey.KeyId))));
        Task<Outcome<Stopped>> ObeyAsync(PrivateKey operatorKey) => registry.Node.Stopping.ObeyAsync(new StopOrder(
            SubjectId.New(registry.Clock.GetUtcNow()), Scope.Key(operatorKey.PublicKey.KeyId), "everybody out", registry.Clock.GetUtcNow().ToUnixTimeSeconds()).Sign(key, TestNode.Url));
        Assert.All(await Task.WhenAll(registry.OperatorKeys.Select(ObeyAsync)), outcome => Assert.Equal(Refusal.OrderInvalid, outcome.Refusal));

        // Nor when enough others are left: what is told again a day later is refused again.
        TestNode.Good(await AddAsync(registry, PrivateKey.Generate(KeyAlgorithm.ES256), "third"));
        registry.Clock.Advance(TimeSpan.FromHours(24));
        Assert.Equal(Refusal.OrderInvalid, (await ObeyAsync(registry.OperatorKeys[0])).Refusal);
        Assert.Empty(registry.Bodies().OfType<Stop>());
        TestNode.Good(await ObeyAsync(PrivateKey.Generate(KeyAlgorithm.ES256)));
    }

    [Fact]
    public async Task An_order_that_many_enforcers_tell_at_once_is_one_stop()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var agent = await registry.EnrollAsync();
        var key = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        TestNode.Good(await registry.Node.People.SetBreakGlassKeyAsync(registry.Operator, key.PublicKey, registry.ApprovalsOf(ApprovedAction.SetBreakGlassKey(key.PublicKey.KeyId))));
        var order = new StopOrder(SubjectId.New(registry.Clock.GetUtcNow()), Scope.Agent(agent.Id), "nobody answers", registry.Clock.GetUtcNow().ToUnixTimeSeconds()).Sign(key, TestNode.Url);

        // The first is being written while the others are decided: none of them has seen it.
        var held = registry.Store.HoldAppends();
        var told = new List<Task<Outcome<Stopped>>> { registry.Node.Stopping.ObeyAsync(order) };
        await held;
        told.AddRange(Enumerable.Range(0, 8).Select(_ => registry.Node.Stopping.ObeyAsync(order)));
        registry.Store.LetAppendsGo();
        var stopped = Array.ConvertAll(await Task.WhenAll(told), TestNode.Good);
        Assert.Single(registry.Bodies().OfType<Stop>());
        Assert.Single(stopped.Select(one => one.Index).Distinct());
        Assert.Equal(Refusal.AgentFrozen, registry.Verify(agent.Use()));
        TestNode.Good(await registry.RestoreAsync(stopped[0].Index));
        Assert.Equal(Refusal.None, registry.Verify(agent.Use(nonce: "n2")));
    }

    [Fact]
    public async Task An_order_that_is_told_twice_in_one_group_is_one_stop()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var (agent, other) = (await registry.EnrollAsync(), await registry.EnrollAsync());
        var key = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        TestNode.Good(await registry.Node.People.SetBreakGlassKeyAsync(registry.Operator, key.PublicKey, registry.ApprovalsOf(ApprovedAction.SetBreakGlassKey(key.PublicKey.KeyId))));
        var order = new StopOrder(SubjectId.New(registry.Clock.GetUtcNow()), Scope.Agent(agent.Id), "nobody answers", registry.Clock.GetUtcNow().ToUnixTimeSeconds()).Sign(key, TestNode.Url);

        var held = registry.Store.HoldAppends();
        var first = other.RecordAsync();
        await held;
        Task<Outcome<Stopped>>[] told = [registry.Node.Stopping.ObeyAsync(order), registry.Node.Stopping.ObeyAsync(order)];
        registry.Store.LetAppendsGo();
        await first;
        Assert.Single(Array.ConvertAll(await Task.WhenAll(told), TestNode.Good).Select(one => one.Index).Distinct());
        Assert.Single(registry.Bodies().OfType<Stop>());
    }

    [Fact]
    public async Task An_operator_whose_key_is_stopped_is_not_counted_among_those_who_are_left()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var (third, fourth) = (PrivateKey.Generate(KeyAlgorithm.ES256), PrivateKey.Generate(KeyAlgorithm.ES256));
        TestNode.Good(await AddAsync(registry, third, "third"));
        TestNode.Good(await registry.StopAsync(Scope.Key(third.PublicKey.KeyId)));
        var second = registry.Node.State.FindCaller(registry.OperatorKeys[1].PublicKey.KeyId)!.Id;

        Assert.Equal(Refusal.NeedsTwoOperators, (await RemoveAsync(registry, second)).Refusal);
        TestNode.Good(await AddAsync(registry, fourth, "fourth"));
        registry.Clock.Advance(TimeSpan.FromHours(24));
        TestNode.Good(await RemoveAsync(registry, second));
    }

    [Fact]
    public async Task A_passkey_is_added_by_two_and_approves_after_a_day_over_restarts()
    {
        var folder = TestNode.NewFolder();
        var passkey = new SoftPasskey();
        await using (var registry = await TestNode.FoundByTwoAsync(folder))
            TestNode.Good(await AddAsync(registry, passkey, "third"));
        for (var restart = 0; restart < 2; restart++)
        {
            await using var again = TestNode.Open(folder);
            Assert.Equal(passkey.Origin, again.Node.State.FindCaller(passkey.Key.KeyId)!.Passkey);
            await again.DisposeAsync();
            File.Delete(Path.Combine(folder, "snapshot"));
        }
    }

    [Fact]
    public async Task A_passkey_and_a_script_key_of_two_people_restore()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var passkey = new SoftPasskey();
        TestNode.Good(await AddAsync(registry, passkey, "third"));
        var agent = await registry.EnrollAsync();
        var stop = TestNode.Good(await registry.StopAsync(agent)).Index;

        Assert.Equal(Refusal.ApproverUnknown, (await RestoreAsync(registry, stop, passkey)).Refusal);
        registry.Clock.Advance(TimeSpan.FromHours(24));
        Assert.Equal(Refusal.ApproverUnknown, (await RestoreAsync(registry, stop, new SoftPasskey())).Refusal);
        TestNode.Good(await RestoreAsync(registry, stop, passkey));
        Assert.Equal(2, Assert.Single(registry.Bodies().OfType<Restored>()).Approvals.Count);
    }

    [Fact]
    public async Task A_passkey_under_an_operators_name_is_another_key_of_that_person()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var passkey = new SoftPasskey();
        var first = registry.Node.State.FindCaller(registry.OperatorKeys[0].PublicKey.KeyId)!;
        Assert.Equal(first.Id, TestNode.Good(await AddAsync(registry, passkey, first.Name)).Caller.Id);
        Assert.Equal(3, registry.Node.State.Callers.Count());
        registry.Clock.Advance(TimeSpan.FromHours(24));
        var stop = TestNode.Good(await registry.StopAsync(await registry.EnrollAsync())).Index;

        // The key and the passkey of the first operator are one person, not two.
        Assert.Equal(Refusal.NeedsTwoOperators, (await RestoreAsync(registry, stop, passkey)).Refusal);
        registry.OperatorKeys = [registry.OperatorKeys[1]];
        TestNode.Good(await RestoreAsync(registry, stop, passkey));
    }

    [Fact]
    public async Task Who_is_removed_is_removed_with_every_key_and_a_passkey_makes_nobody_two_people()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var passkey = new SoftPasskey();
        TestNode.Good(await AddAsync(registry, passkey, "second"));
        var second = registry.Node.State.FindCaller(passkey.Key.KeyId)!.Id;
        Assert.Equal(Refusal.NeedsTwoOperators, (await RemoveAsync(registry, second)).Refusal);
        TestNode.Good(await AddAsync(registry, PrivateKey.Generate(KeyAlgorithm.ES256), "third"));
        registry.Clock.Advance(TimeSpan.FromHours(24));
        TestNode.Good(await RemoveAsync(registry, second));
        Assert.Null(registry.Node.State.FindCaller(passkey.Key.KeyId));
        Assert.Null(registry.Node.State.FindCaller(registry.OperatorKeys[1].PublicKey.KeyId));
    }

    [Fact]
    public async Task A_passkey_that_signs_on_another_page_or_without_its_owner_approves_nothing()
    {
        await using var registry = await TestNode.FoundByTwoAsync();
        var passkey = new SoftPasskey();
        TestNode.Good(await AddAsync(registry, passkey, "third"));
        registry.Clock.Advance(TimeSpan.FromHours(24));
        var stop = TestNode.Good(await registry.StopAsync(await registry.EnrollAsync())).Index;

        Assert.Equal(Refusal.ApproverUnknown, (await RestoreAsync(registry, stop, passkey.At("http://localhost:3000"))).Refusal);
        Assert.Equal(Refusal.ApprovalInvalid, (await RestoreAsync(registry, stop, passkey.With(0x01))).Refusal);
        Assert.Equal(Refusal.ApprovalMismatch, (await RestoreAsync(registry, stop, passkey, reason: "another reason")).Refusal);
        TestNode.Good(await RestoreAsync(registry, stop, passkey));
    }

    private static Task<Outcome<CallerMade>> AddAsync(TestNode registry, SoftPasskey passkey, string name) => registry.Node.People.AddOperatorAsync(
        registry.Operator, passkey.Prove(TestNode.Url, name, registry.Clock.GetUtcNow()), registry.ApprovalsOf(ApprovedAction.AddOperator(passkey.Key.KeyId, name, passkey.Origin)));

    // The first script key that is left, and the passkey.
    private static Task<Outcome<Decided>> RestoreAsync(TestNode registry, AgentIdentity.Ledger.LeafIndex stop, SoftPasskey passkey, string reason = "it was a false alarm")
    {
        var nonce = TestNode.Good(registry.Node.Approvals.Begin(ApprovedAction.Restore([stop], "it was a false alarm"))).Nonce;
        var byKey = Approval.Create(registry.OperatorKeys[0], TestNode.Url, ApprovedAction.Restore([stop], "it was a false alarm"), nonce, registry.Clock.GetUtcNow());
        var byPasskey = passkey.Approve(TestNode.Url, ApprovedAction.Restore([stop], reason), nonce, registry.Clock.GetUtcNow());
        return registry.Node.Stopping.RestoreAsync(registry.Operator, [stop], "it was a false alarm", [byKey, byPasskey]);
    }

    private static Task<Outcome<CallerMade>> AddAsync(TestNode registry, PrivateKey key, string name) => registry.Node.People.AddOperatorAsync(
        registry.Operator, OperatorProof.Create(key, TestNode.Url, name, registry.Clock.GetUtcNow()), registry.ApprovalsOf(ApprovedAction.AddOperator(key.PublicKey.KeyId, name)));

    private static Task<Outcome<AgentIdentity.Ledger.LeafIndex>> RemoveAsync(TestNode registry, SubjectId caller) =>
        registry.Node.People.RemoveCallerAsync(registry.Operator, caller, "left the team", registry.ApprovalsOf(ApprovedAction.RemoveCaller(caller, "left the team")));
}
