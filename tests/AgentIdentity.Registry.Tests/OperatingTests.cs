using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Registry.Operating;
using AgentIdentity.Registry.Tests.Fixtures;

namespace AgentIdentity.Registry.Tests;

/// <summary>What operators do, and what is written down about those who are turned away.</summary>
public sealed class OperatingTests
{
    private readonly PrivateKey _key = PrivateKey.Generate(KeyAlgorithm.ES256);

    [Fact]
    public async Task The_bootstrap_secret_founds_one_registry_once_though_many_redeem_it_together()
    {
        await using var registry = TestNode.Open();
        var secret = NewSecret(registry);
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => BootstrapAsync(registry, secret))));
        Assert.Equal(1, answers.Count(answer => !answer.IsRefused));
        Assert.Equal(7, answers.Count(answer => answer.Refusal == Refusal.BootstrapClosed));
        Assert.Equal(Refusal.BootstrapClosed, (await BootstrapAsync(registry, secret)).Refusal);
        Assert.Single(registry.Bodies().OfType<Genesis>());
    }

    [Fact]
    public async Task A_wrong_or_old_bootstrap_secret_founds_nothing()
    {
        await using var registry = TestNode.Open();
        Assert.Equal(Refusal.BootstrapClosed, (await BootstrapAsync(registry, "aib_x")).Refusal);
        var secret = NewSecret(registry);
        Assert.Equal(Refusal.BootstrapInvalid, (await BootstrapAsync(registry, secret + "x")).Refusal);
        Assert.Equal(Refusal.NeedsTwoOperators, (await registry.Node.Operating.BootstrapAsync(secret, [])).Refusal);
        Assert.Equal(Refusal.ProofInvalid,
            (await registry.Node.Operating.BootstrapAsync(secret, [new FirstOperator("second", ProofOf(registry, secret))])).Refusal);
        registry.Clock.Advance(TimeSpan.FromMinutes(15));
        Assert.Equal(Refusal.BootstrapInvalid, (await BootstrapAsync(registry, secret)).Refusal);
        Assert.Empty(registry.Bodies());
    }

    [Fact]
    public async Task Names_and_keys_of_callers_are_taken_once_also_within_a_group()
    {
        await using var registry = await TestNode.FoundAsync();
        using var other = PrivateKey.Generate(KeyAlgorithm.ES256);
        var held = registry.Store.HoldAppends();
        var filler = registry.NewTokenAsync();
        await held;
        var first = RegisterAsync(registry, "one", _key);
        var sameKey = RegisterAsync(registry, "two", _key);
        var sameName = RegisterAsync(registry, "one", other);
        registry.Store.LetAppendsGo();
        await filler;
        TestNode.Good(await first);
        Assert.Equal((Refusal.KeyAlreadyRegistered, Refusal.NameTaken), ((await sameKey).Refusal, (await sameName).Refusal));
        Assert.Equal(Refusal.KeyAlreadyRegistered, (await RegisterAsync(registry, "two", _key)).Refusal);
        Assert.Equal(Refusal.NameTaken, (await RegisterAsync(registry, "one", other)).Refusal);
        Assert.Equal(Refusal.NotPermitted,
            (await registry.Node.Operating.RegisterCallerAsync(registry.Operator, CallerRole.Operator, "op", other.PublicKey, [])).Refusal);
    }

    [Fact]
    public async Task Rotations_that_are_asked_for_together_follow_each_other_and_leave_one_key_file()
    {
        await using var registry = await TestNode.FoundAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => registry.Node.Operating.RotateIssuerKeyAsync(registry.Operator)));
        var rotated = answers.Select(TestNode.Good).OrderBy(rotation => rotation.Index.Value).ToArray();
        Assert.Equal(rotated[..^1].Select(rotation => rotation.Key), rotated[1..].Select(rotation => rotation.Retired));
        Assert.Equal(rotated[^1].Key, registry.Node.State.IssuerKeys.Current.KeyId);
        Assert.EndsWith($"credentials-{rotated[^1].Key}.json",
            Assert.Single(Directory.GetFiles(Path.Combine(registry.Folder, "keys"), "credentials-*")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_whose_deletion_a_kill_prevented_is_deleted_at_the_next_start()
    {
        await using var before = await TestNode.FoundAsync();
        var file = Path.Combine(before.Folder, "keys", $"credentials-{before.Node.State.IssuerKeys.Current.KeyId}.json");
        var content = await File.ReadAllBytesAsync(file);
        TestNode.Good(await before.Node.Operating.RotateIssuerKeyAsync(before.Operator));
        await before.DisposeAsync();
        await File.WriteAllBytesAsync(file, content);

        await using var after = TestNode.Open(before.Folder, before.Clock);

        Assert.False(File.Exists(file));
        TestNode.Good(await after.Node.Operating.RotateIssuerKeyAsync(after.Operator));
    }

    [Fact]
    public async Task Refusals_are_gathered_into_one_entry_and_wait_while_there_is_no_room()
    {
        await using var registry = await TestNode.FoundAsync();
        for (var i = 0; i < 300; i++)
            registry.Node.Refusals.Note($"/method{i}", "REASON", null);
        registry.Node.Refusals.Note("/method0", "REASON", null);
        registry.Store.OnAppend = Fault.Full;
        await registry.Node.Refusals.FlushAsync();
        Assert.Empty(registry.Bodies().OfType<CallsRefused>());
        registry.Store.OnAppend = Fault.None;
        await registry.Node.Refusals.FlushAsync();
        await registry.Node.Refusals.FlushAsync();

        var written = Assert.Single(registry.Bodies().OfType<CallsRefused>()).Refused;
        Assert.Equal(257, written.Count);
        Assert.Equal(301, written.Sum(calls => calls.Count));
        Assert.Equal(("*", 44u), (written[0].Method, written[0].Count));
        Assert.Equal(2u, written.Single(calls => calls.Method == "/method0").Count);
    }

    [Fact]
    public async Task However_long_there_is_no_room_so_many_kinds_of_refusals_are_kept_and_all_are_counted()
    {
        await using var registry = await TestNode.FoundAsync();
        registry.Store.OnAppend = Fault.Full;
        for (var second = 0; second < 3; second++)
        {
            for (var i = 0; i < 300; i++)
                registry.Node.Refusals.Note($"/method{second}/{i}", "REASON", null);
            await registry.Node.Refusals.FlushAsync();
        }
        registry.Store.OnAppend = Fault.None;
        await registry.Node.Refusals.FlushAsync();

        var written = Assert.Single(registry.Bodies().OfType<CallsRefused>()).Refused;
        Assert.Equal((257, 900), (written.Count, written.Sum(calls => calls.Count)));
    }

    [Fact]
    public async Task A_key_proof_opens_one_request_with_a_nonce_that_is_younger_than_five_minutes()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        var nonce = registry.Node.Nonces.Current();
        string Prove(PrivateKey key, string? with) =>
            KeyProof.Create(key, new RequestBinding("POST", TestNode.Url + "/x", with, BodyHash: "body"), registry.Clock.GetUtcNow());
        Refusal Check(string proof, string path = "/x", string body = "body") => registry.Node.Proofs.Check(proof, TestNode.Url + path, null, body).Refusal;

        var good = Prove(agent.Key, nonce);
        Assert.Equal(Refusal.ProofRequestMismatch, Check(good, path: "/y"));
        Assert.Equal(Refusal.BodyMismatch, Check(good, body: "other"));
        Assert.Equal(Refusal.None, Check(good));
        Assert.Equal(Refusal.ProofReplayed, Check(good));
        Assert.Equal(Refusal.CallerUnknown, Check(Prove(_key, nonce)));
        Assert.Equal(Refusal.UseDpopNonce, Check(Prove(agent.Key, null)));
        Assert.Equal(Refusal.UseDpopNonce, Check(Prove(agent.Key, registry.Node.Enrolment.NewChallenge())));
        registry.Clock.Advance(TimeSpan.FromMinutes(5) - TimeSpan.FromMilliseconds(1));
        Assert.Equal(Refusal.None, Check(Prove(agent.Key, nonce)));
        registry.Clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(Refusal.UseDpopNonce, Check(Prove(agent.Key, nonce)));
        Assert.Equal(Refusal.None, Check(Prove(agent.Key, registry.Node.Nonces.Current())));
    }

    private static string NewSecret(TestNode registry)
    {
        registry.Node.Operating.Secret = BootstrapSecret.Create(registry.Clock.GetUtcNow(), out var secret);
        return secret;
    }

    private string ProofOf(TestNode registry, string secret) =>
        BootstrapProof.Create(_key, TestNode.Url, BootstrapSecret.HashOf(secret), "first", registry.Clock.GetUtcNow());

    private Task<Outcome<Bootstrapped>> BootstrapAsync(TestNode registry, string secret) =>
        registry.Node.Operating.BootstrapAsync(secret, [new FirstOperator("first", ProofOf(registry, secret))]);

    private static Task<Outcome<CallerMade>> RegisterAsync(TestNode registry, string name, PrivateKey key) =>
        registry.Node.Operating.RegisterCallerAsync(registry.Operator, CallerRole.Auditor, name, key.PublicKey, []);
}
