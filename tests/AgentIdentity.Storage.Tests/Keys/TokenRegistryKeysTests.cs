using System.Runtime.InteropServices;
using System.Text;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.Keys;
using AgentIdentity.Storage.Keys.Pkcs11;
using AgentIdentity.Tests.Tokens;

namespace AgentIdentity.Storage.Tests.Keys;

/// <summary>The registry's keys in tokens of SoftHSM2.</summary>
public sealed class TokenRegistryKeysTests
{
    private const nuint PrivateValue = 0x11;
    private static readonly byte[] Message = "what is signed"u8.ToArray();

    public TokenRegistryKeysTests() => Skip.IfNot(SoftToken.IsInstalled, "softhsm2 is not installed.");

    [SkippableFact]
    public void Each_kind_of_key_is_made_in_the_token_signs_there_and_is_found_again()
    {
        var token = SoftToken.Take();
        PublicKey issuer, log, watch, did;
        using (var keys = Open(token))
        {
            (issuer, log, watch) = (keys.Create(RegistryKeyUse.Credentials), keys.Create(RegistryKeyUse.Log), keys.Create(RegistryKeyUse.Watch));
            did = keys.Create(RegistryKeyUse.Did);
            AssertSign(keys);
        }
        using (var keys = Open(token))
            AssertSign(keys);

        void AssertSign(TokenRegistryKeys keys)
        {
            Assert.True(issuer.Verifies(Message, keys.Issuer(issuer.KeyId).Sign(Message)));
            Assert.True(log.Verifies(Message, keys.Log(log.KeyId).Sign(Message)));
            Assert.True(watch.Verifies(Message, keys.Watch(watch.KeyId).Sign(Message)));
            using var root = keys.DidUpdate(did.KeyId, []);
            Assert.Equal(did, root.PublicKey);
        }
    }

    [SkippableFact]
    public void A_name_has_one_update_key_and_each_name_another()
    {
        var token = SoftToken.Take();
        using var keys = Open(token);
        var did = keys.Create(RegistryKeyUse.Did).KeyId;
        using var first = keys.DidUpdate(did, "one"u8);
        using var again = keys.DidUpdate(did, "one"u8);
        using var other = keys.DidUpdate(did, "two"u8);
        Assert.Equal(first.PublicKey, again.PublicKey);
        Assert.NotEqual(first.PublicKey, other.PublicKey);
        Assert.True(first.PublicKey.Verifies(Message, again.Sign(Message)));
    }

    [SkippableFact]
    public async Task Many_threads_sign_at_once()
    {
        using var keys = Open(SoftToken.Take());
        var (issuer, log) = (keys.Create(RegistryKeyUse.Credentials), keys.Create(RegistryKeyUse.Log));
        await Parallel.ForAsync(0, 200, new ParallelOptions { MaxDegreeOfParallelism = 8 }, (i, _) =>
        {
            var message = BitConverter.GetBytes(i);
            Assert.True(issuer.Verifies(message, keys.Issuer(issuer.KeyId).Sign(message)));
            Assert.True(log.Verifies(message, keys.Log(log.KeyId).Sign(message)));
            return ValueTask.CompletedTask;
        });
    }

    [SkippableFact]
    public void A_retired_key_signs_what_was_decided_before_and_is_gone_at_the_next_opening()
    {
        var token = SoftToken.Take();
        PublicKey old, next;
        using (var keys = Open(token))
        {
            (old, next) = (keys.Create(RegistryKeyUse.Credentials), keys.Create(RegistryKeyUse.Credentials));
            var held = keys.Issuer(old.KeyId);
            keys.Retire(old.KeyId);
            Assert.True(old.Verifies(Message, held.Sign(Message)));
        }
        using var later = Open(token);
        AssertRefused("has no key credentials-", () => later.Issuer(old.KeyId));
        Assert.True(next.Verifies(Message, later.Issuer(next.KeyId).Sign(Message)));
    }

    [SkippableFact]
    public void What_is_private_does_not_leave_the_token()
    {
        var label = SoftToken.Take();
        using var keys = Open(label);
        keys.Create(RegistryKeyUse.Credentials);
        keys.Create(RegistryKeyUse.Did);
        using var token = new Token(Module.Open(SoftToken.Module), label, Encoding.ASCII.GetBytes(SoftToken.Pin));
        foreach (var kind in new[] { Template.PrivateKeyClass, Template.SecretKeyClass })
        {
            var key = Assert.Single(token.Call((module, session) => module.Find(session, new Template().Add(Template.Class, kind))));
            Assert.Throws<KeysRefusedException>(() => token.Call((module, session) => module.Read(session, key, new Template().Add(PrivateValue, new byte[256]))));
        }
    }

    [SkippableFact]
    public void What_cannot_be_opened_is_refused_by_name()
    {
        var token = SoftToken.Take();
        AssertRefused("CKR_PIN_INCORRECT: the PIN in the file", () => new TokenRegistryKeys(SoftToken.Module, token, "4321"));
        AssertRefused("has no token labelled 'nobody's'", () => new TokenRegistryKeys(SoftToken.Module, "nobody's", SoftToken.Pin));
        AssertRefused("cannot be loaded", () => new TokenRegistryKeys("/nowhere/module.so", token, SoftToken.Pin));
        AssertRefused("has no C_GetFunctionList", () => new TokenRegistryKeys(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "libSystem.Native.so"), token, SoftToken.Pin));
        AssertRefused("no PKCS#11 module of version 2 or 3", () => new Module("a list", 0));
        AssertRefused("no PKCS#11 module of version 2 or 3", () => new Module("a list", LyingModule.ListOfVersion(1)));
        using var keys = Open(token);
        foreach (var open in new Func<object>[] { () => keys.Issuer(default), () => keys.Log(default), () => keys.Watch(default), () => keys.DidUpdate(default, []) })
            AssertRefused("which the ledger names", open);
    }

    [SkippableFact]
    public void A_key_under_anothers_label_is_refused()
    {
        using var keys = Open(SoftToken.Take());
        var log = keys.Create(RegistryKeyUse.Log);
        AssertRefused("has no key watch-", () => keys.Watch(log.KeyId));
    }

    [SkippableFact]
    public void A_module_that_answers_nonsense_signs_nothing()
    {
        var token = SoftToken.Take();
        PublicKey issuer, log;
        using (var keys = Open(token))
            (issuer, log) = (keys.Create(RegistryKeyUse.Credentials), keys.Create(RegistryKeyUse.Log));
        foreach (var (module, words) in new[] { (LyingModule.OfZeros(), "signed with another key"), (LyingModule.OfTooManyBytes(), "1048576 bytes"), (LyingModule.Removed(), "the token is lost") })
        {
            using var keys = new TokenRegistryKeys(module, token, SoftToken.Pin);
            AssertRefused(words, () => keys.Issuer(issuer.KeyId).Sign(Message));
            AssertRefused(words, () => keys.Log(log.KeyId).Sign(Message));
        }
        using var good = Open(token);
        Assert.True(issuer.Verifies(Message, good.Issuer(issuer.KeyId).Sign(Message)));
    }

    private static TokenRegistryKeys Open(string token) => new(SoftToken.Module, token, SoftToken.Pin);

    private static void AssertRefused(string words, Func<object> act) => Assert.Contains(words, Assert.Throws<KeysRefusedException>(act).Message, StringComparison.Ordinal);
}
