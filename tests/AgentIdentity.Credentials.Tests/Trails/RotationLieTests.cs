using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Trails;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Tests.Trails;

/// <summary>Keys that an agent was given in truth, and those that only the keeper of the log has given it.</summary>
public sealed class RotationLieTests
{
    private readonly TrailLog _log = new();
    private readonly PrivateKey _next = PrivateKey.Generate(KeyAlgorithm.ES256);
    private readonly PrivateKey _third = PrivateKey.Generate(KeyAlgorithm.Ed25519);

    [Fact]
    public void Each_key_has_its_chain_its_credentials_and_its_time()
    {
        _log.Record();
        _log.RotateKey(_next);
        _log.Record();
        _log.Record();
        _log.Issue();
        StopKey();
        _log.Record(quarantined: true);
        var order = _log.OrderKey("token");
        _log.RotateKey(_third, rotated => TrailLog.Ordered(rotated, _third, order, "token"));
        _log.Record();
        _log.Issue();

        var verdict = TrailVerifier.Verify(_log.Export(), _log.LogKey);
        Assert.Equal([], Failed(verdict));
        Assert.Contains($"another key since entry 3; entry 10 as entry {order} ordered", verdict[TrailProperty.Statements].Words, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_that_has_ended_signs_no_statement_and_gets_no_credential()
    {
        var old = _log.Key;
        _log.RotateKey(_next);
        _log.Issue(old.PublicKey.KeyId);
        AssertFails(TrailProperty.Credentials);

        _log.Record(signer: old);
        AssertFails(TrailProperty.Statements, TrailProperty.Credentials);
    }

    [Fact]
    public void The_new_keys_chain_begins_from_nothing()
    {
        _log.Record();
        _log.RotateKey(_next);
        var before = _log.Statement(1, Sha256.Hash("before"u8), "done");
        _log.Append(new Activity(before, _next.PublicKey.Algorithm, _next.Sign(before), Quarantined: false), TrailLog.Agent);
        AssertFails(TrailProperty.Statements);
    }

    [Fact]
    public void A_rotation_without_the_old_keys_consent_fails()
    {
        _log.RotateKey(_next, rotated => rotated with { Consent = rotated.Proof });
        AssertFails(TrailProperty.Statements);
    }

    [Fact]
    public void A_rotation_that_ends_another_key_than_the_agents_fails()
    {
        _log.RotateKey(_next, rotated => rotated with { Retired = _third.PublicKey.KeyId });
        AssertFails(TrailProperty.Statements);
    }

    [Fact]
    public void A_rotation_that_the_new_key_did_not_ask_for_fails()
    {
        _log.RotateKey(_next, rotated => rotated with { Key = _third.PublicKey });
        AssertFails(TrailProperty.Statements);
    }

    [Fact]
    public void An_order_lets_in_whoever_has_its_token_and_nobody_else()
    {
        var order = _log.OrderKey("token");
        _log.RotateKey(_next, rotated => TrailLog.Ordered(rotated, _next, order, "another"));
        AssertFails(TrailProperty.Statements);
    }

    [Fact]
    public void An_order_that_was_never_given_lets_nobody_in()
    {
        _log.RotateKey(_next, rotated => TrailLog.Ordered(rotated, _next, 1, "token"));
        AssertFails(TrailProperty.Statements);
    }

    [Fact]
    public void An_order_lets_in_once()
    {
        var order = _log.OrderKey("token");
        _log.RotateKey(_next, rotated => TrailLog.Ordered(rotated, _next, order, "token"));
        Assert.Equal([], Failed(TrailVerifier.Verify(_log.Export(), _log.LogKey)));
        _log.RotateKey(_third, rotated => TrailLog.Ordered(rotated, _third, order, "token"));
        AssertFails(TrailProperty.Statements);
    }

    [Fact]
    public void An_order_that_is_over_or_that_a_later_one_has_ended_lets_nobody_in()
    {
        var order = _log.OrderKey("token", lifeMilliseconds: 0);
        _log.RotateKey(_next, rotated => TrailLog.Ordered(rotated, _next, order, "token"));
        AssertFails(TrailProperty.Statements);

        var other = new TrailLog();
        var first = other.OrderKey("token");
        other.OrderKey("later");
        other.RotateKey(_next, rotated => TrailLog.Ordered(rotated, _next, first, "token"));
        Assert.Equal([TrailProperty.Statements], Failed(TrailVerifier.Verify(other.Export(), other.LogKey)));
    }

    [Fact]
    public void A_stop_of_the_agent_goes_on_for_its_new_key_and_one_of_the_old_key_does_not()
    {
        StopKey();
        _log.RotateKey(_next);
        _log.Record();
        Assert.Equal([], Failed(TrailVerifier.Verify(_log.Export(), _log.LogKey)));

        _log.Stop();
        _log.RotateKey(_third);
        _log.Record();
        AssertFails(TrailProperty.Quarantine);
    }

    private void StopKey() => _log.Append(new Stop(Scope.Key(_log.Key.PublicKey.KeyId), StandingState.Revoked, "copied", "", 3), TrailLog.Agent);

    private void AssertFails(params TrailProperty[] expected) => Assert.Equal(expected, Failed(TrailVerifier.Verify(_log.Export(), _log.LogKey)));

    private static TrailProperty[] Failed(TrailVerdict verdict) => [.. verdict.Findings.Where(finding => finding.Result == TrailResult.Failed).Select(finding => finding.Property)];
}
