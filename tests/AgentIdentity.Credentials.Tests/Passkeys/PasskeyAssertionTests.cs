using System.Text;
using AgentIdentity.Credentials.Passkeys;
using AgentIdentity.Ledger;
using AgentIdentity.Tests.Passkeys;

namespace AgentIdentity.Credentials.Tests.Passkeys;

public sealed class PasskeyAssertionTests
{
    private static readonly Hash Challenge = Sha256.Hash("what is to be signed"u8);

    [Fact]
    public void An_owner_who_is_present_and_verified_has_signed()
    {
        var passkey = new SoftPasskey();
        Assert.True(passkey.Assert(Challenge).TryVerify(passkey.Key, Challenge, out var origin));
        Assert.Equal(passkey.Origin, origin);
    }

    [Fact]
    public void The_counter_and_a_synchronised_key_are_no_matter()
    {
        foreach (var counter in new[] { 0U, 1U, uint.MaxValue })
            Assert.True(IsGood(new SoftPasskey { Counter = counter }));
        Assert.True(IsGood(new SoftPasskey { Flags = 0x05 | 0x08 }));
        Assert.True(IsGood(new SoftPasskey { Flags = 0x05 | 0x08 | 0x10 }));
    }

    [Theory]
    [InlineData(0x00, "nobody was there")]
    [InlineData(0x01, "somebody was there, and nobody knows who")]
    [InlineData(0x04, "somebody was known and not there")]
    [InlineData(0x05 | 0x10, "a copy of what cannot be copied")]
    [InlineData(0x05 | 0x40, "a key that is made, not used")]
    [InlineData(0x05 | 0x80, "extensions, which nobody asked for")]
    public void Every_flag_that_does_not_say_so_refuses(byte flags, string why) => Assert.False(IsGood(new SoftPasskey { Flags = flags }), why);

    [Theory]
    [InlineData("webauthn.get", "webauthn.create")]
    [InlineData("\"type\":\"webauthn.get\"", "\"type\":1")]
    [InlineData("\"type\":\"webauthn.get\",", "")]
    [InlineData("\"challenge\":", "\"chalenge\":")]
    [InlineData("\"crossOrigin\":false", "\"crossOrigin\":true")]
    [InlineData("\"crossOrigin\":false", "\"crossOrigin\":null")]
    [InlineData("\"crossOrigin\":false", "\"crossOrigin\":false,\"topOrigin\":\"http://localhost:5003\"")]
    [InlineData("http://localhost:5003", "http://localhost:5003/")]
    [InlineData("http://localhost:5003", "http://127.0.0.1:5003")]
    [InlineData("http://localhost:5003", "https://attacker.example")]
    [InlineData("http://localhost:5003", "null")]
    [InlineData("{\"type\"", "{\"type\":\"webauthn.get\",\"type\"")]
    [InlineData("{\"type\"", "{\"\":0,}{\"type\"")]
    [InlineData("false}", "false}x")]
    [InlineData("{\"type\"", " \uFEFF{\"type\"")]
    public void A_browser_that_says_something_else_refuses_though_it_is_signed(string said, string instead) =>
        Assert.False(IsGood(new SoftPasskey { ClientData = text => Replaced(text, said, instead) }));

    [Fact]
    public void What_later_browsers_say_beside_it_is_passed_over()
    {
        Assert.True(IsGood(new SoftPasskey { ClientData = text => Replaced(text, "false}", "false,\"other\":{\"keys\":[\"can be added here\"]}}") }));
        Assert.True(IsGood(new SoftPasskey { ClientData = text => Replaced(text, ",\"crossOrigin\":false", "") }));
    }

    [Fact]
    public void The_origin_is_told_so_that_another_port_of_localhost_is_another_page()
    {
        var elsewhere = new SoftPasskey("http://localhost:3000");
        Assert.True(elsewhere.Assert(Challenge).TryVerify(elsewhere.Key, Challenge, out var origin));
        Assert.NotEqual(new SoftPasskey().Origin, origin);
    }

    [Fact]
    public void Another_relying_party_and_data_of_another_length_refuse()
    {
        Assert.False(IsGood(new SoftPasskey { RelyingParty = "attacker.example" }));
        Assert.False(IsGood(new SoftPasskey { RelyingParty = "http://localhost:5003" }));
        Assert.False(IsGood(new SoftPasskey { Extra = [0] }));
    }

    [Fact]
    public void Another_challenge_or_key_refuses()
    {
        var passkey = new SoftPasskey();
        var assertion = passkey.Assert(Challenge);
        Assert.False(assertion.TryVerify(passkey.Key, Sha256.Hash("something else"u8), out _));
        Assert.False(assertion.TryVerify(new SoftPasskey().Key, Challenge, out _));
        Assert.False(assertion.TryVerify(Vectors.Key("agent").PublicKey, Challenge, out _));
    }

    [Fact]
    public void Every_bit_counts()
    {
        var passkey = new SoftPasskey { Counter = 7 };
        var genuine = passkey.Assert(Challenge);
        foreach (var changed in Changed(genuine.AuthenticatorData, data => genuine with { AuthenticatorData = data }))
            Assert.False(changed.TryVerify(passkey.Key, Challenge, out _));
        foreach (var changed in Changed(genuine.ClientData, data => genuine with { ClientData = data }))
            Assert.False(changed.TryVerify(passkey.Key, Challenge, out _));
        foreach (var changed in Changed(genuine.Signature, data => genuine with { Signature = data }))
            Assert.False(changed.TryVerify(passkey.Key, Challenge, out _));
    }

    private static bool IsGood(SoftPasskey passkey) => passkey.Assert(Challenge).TryVerify(passkey.Key, Challenge, out _);

    private static string Replaced(string text, string what, string with)
    {
        Assert.Contains(what, text, StringComparison.Ordinal);
        return text.Replace(what, with, StringComparison.Ordinal);
    }

    private static IEnumerable<PasskeyAssertion> Changed(ReadOnlyMemory<byte> bytes, Func<byte[], PasskeyAssertion> make)
    {
        for (var bit = 0; bit < bytes.Length * 8; bit++)
        {
            var changed = bytes.ToArray();
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            yield return make(changed);
        }
        yield return make(bytes.ToArray()[..^1]);
        yield return make([]);
    }
}
