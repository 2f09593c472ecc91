using System.Text.Json.Nodes;
using AgentIdentity.Anchoring.Ethereum;
using AgentIdentity.Anchoring.Tests.Node;

namespace AgentIdentity.Anchoring.Tests.Ethereum;

public sealed class Signing : IDisposable
{
    // The account of this key is written in every introduction to the subject; nobody has money there for long.
    private const string KeyOne = "0000000000000000000000000000000000000000000000000000000000000001";
    private static readonly Transaction Example = new(31337, 3, 1_000_000_000, 30_000_000_000, 60_000, Address.Parse("0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"), [1, 2, 3]);

    private readonly TestKey _key = new();

    public void Dispose() => _key.Dispose();

    [Fact]
    public void A_key_has_its_known_address()
    {
        using var one = new TestKey(KeyOne);
        Assert.Equal("0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf", one.Signer.Address.ToString());
    }

    [Fact]
    public async Task What_is_signed_is_read_back_with_its_sender()
    {
        for (ulong nonce = 0; nonce < 200; nonce++)
        {
            var asked = Example with { Nonce = nonce };
            var signed = await _key.Signer.SignAsync(asked, CancellationToken.None);
            Assert.True(SignedTransaction.TryRead(signed.Raw, out var read));
            Assert.Equal((_key.Signer.Address, signed.Hash), (read.Sender, read.Hash));
            Assert.Equal(asked.SigningHash(), read.Transaction.SigningHash());
        }
    }

    [Fact]
    public async Task A_transaction_with_any_byte_changed_is_unreadable_or_somebody_elses()
    {
        var raw = (await _key.Signer.SignAsync(Example, CancellationToken.None)).Raw;
        for (var i = 0; i < raw.Length; i++)
        {
            byte[] damaged = [.. raw];
            damaged[i] ^= 1;
            Assert.False(SignedTransaction.TryRead(damaged, out var read) && read.Sender == _key.Signer.Address, $"Byte {i}.");
        }
        Assert.False(SignedTransaction.TryRead([.. raw, 0], out _));
        Assert.False(SignedTransaction.TryRead(raw.AsSpan(0, raw.Length - 1), out _));
    }

    [Fact]
    public void A_signature_is_its_keys_over_its_hash_and_nothing_elses()
    {
        var hash = Keccak256.Hash([1]);
        var signature = _key.Signer.SignHash(hash);
        Assert.Equal(_key.Signer.Address, signature.Recover(hash));
        Assert.NotEqual(_key.Signer.Address, signature.Recover(Keccak256.Hash([2])));
        Assert.NotEqual(_key.Signer.Address, (signature with { IsOdd = !signature.IsOdd }).Recover(hash));
        using var other = new TestKey();
        Assert.Null(EcdsaSignature.Of([.. signature.R, .. signature.S], hash, other.Signer.Address));
    }

    [Theory]
    [InlineData("00", "01")]
    [InlineData("01", "00")]
    [InlineData("05", "01")]
    [InlineData("01", "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a1")]
    [InlineData("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", "01")]
    public void Numbers_that_no_signature_has_are_nobodys(string r, string s) =>
        Assert.Null(new EcdsaSignature(Word(r), Word(s), IsOdd: false).Recover(Keccak256.Hash([1])));

    [Theory]
    [InlineData("")]
    [InlineData("0x12")]
    [InlineData("zz00000000000000000000000000000000000000000000000000000000000001")]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141")]
    public void A_file_that_holds_no_key_is_refused_without_telling_what_it_holds(string text)
    {
        var refusal = Assert.Throws<SigningException>(() => new TestKey(text));
        Assert.True(text.Length == 0 || !refusal.Message.Contains(text, StringComparison.Ordinal));
    }

    [SkippableFact]
    public void A_key_that_others_may_read_is_refused()
    {
        if (OperatingSystem.IsWindows())
            throw new SkipException("Files there have no mode.");
        File.SetUnixFileMode(_key.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        Assert.Contains("0600", Assert.Throws<SigningException>(() => KeyFileSigner.Open(_key.Path)).Message, StringComparison.Ordinal);
        Assert.Throws<SigningException>(() => KeyFileSigner.Open(_key.Path + "-missing"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_remote_signer_that_signs_what_it_was_asked_is_believed(bool isObject)
    {
        var asked = Example with { Data = [9] };
        var signed = await RemoteAsync(asked, raw => isObject ? new JsonObject { ["raw"] = Hex.Of(raw), ["tx"] = new JsonObject() } : Hex.Of(raw));
        Assert.Equal((_key.Signer.Address, 3UL), (signed.Sender, signed.Transaction.Nonce));
    }

    public static TheoryData<Func<Transaction, Transaction>> Alterations => new(
        asked => asked with { ChainId = 1 },
        asked => asked with { Nonce = 4 },
        asked => asked with { TipWei = 2_000_000_000 },
        asked => asked with { MaxFeeWei = 31_000_000_000 },
        asked => asked with { GasLimit = 60_001 },
        asked => asked with { To = null },
        asked => asked with { To = Address.Zero },
        asked => asked with { Data = [1, 2] });

    [Theory]
    [MemberData(nameof(Alterations))]
    public async Task A_remote_signer_that_alters_anything_is_not_believed(Func<Transaction, Transaction> alter)
    {
        var altered = (await _key.Signer.SignAsync(alter(Example), CancellationToken.None)).Raw;
        Assert.Contains("another transaction", await RefusalAsync(_ => Hex.Of(altered)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_remote_signer_that_signs_as_another_or_answers_nonsense_is_not_believed()
    {
        using var other = new TestKey();
        var theirs = (await other.Signer.SignAsync(Example, CancellationToken.None)).Raw;
        Assert.Contains(other.Signer.Address.ToString(), await RefusalAsync(_ => Hex.Of(theirs)), StringComparison.Ordinal);
        Assert.Contains("no signed transaction", await RefusalAsync(raw => Hex.Of(raw.AsSpan(1))), StringComparison.Ordinal);
        Assert.Contains("no transaction", await RefusalAsync(_ => new JsonObject()), StringComparison.Ordinal);
    }

    private async Task<string> RefusalAsync(Func<byte[], JsonNode> answer) => (await Assert.ThrowsAsync<SigningException>(() => RemoteAsync(Example, answer))).Message;

    private async Task<SignedTransaction> RemoteAsync(Transaction asked, Func<byte[], JsonNode> answer)
    {
        var raw = (await _key.Signer.SignAsync(asked, CancellationToken.None)).Raw;
        using var script = new ScriptedHttp { Instead = (_, request) => ScriptedHttp.Result(request, answer(raw)) };
        using var http = new HttpClient(script);
        return await new RemoteSigner(http, new Uri("http://signer.example"), _key.Signer.Address).SignAsync(asked, CancellationToken.None);
    }

    private static byte[] Word(string hex) => Convert.FromHexString(hex.PadLeft(64, '0'));
}
