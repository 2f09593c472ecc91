namespace AgentIdentity.Ledger.Tests.Notes;

public sealed class VerifierKeys
{
    [Fact]
    public void A_key_is_written_as_it_is_read()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var key = SignedNotes.Signer("localhost:5000/2", seed).Verifier;
            Assert.True(NoteVerifierKey.TryParse(key.ToString(), out var parsed, out var refusal), refusal.ToString());
            Assert.Equal(key, parsed);
            Assert.Equal(NoteRefusal.None, refusal);
        }
    }

    [Fact]
    public void A_key_under_another_name_has_another_id() =>
        Assert.NotEqual(SignedNotes.Signer("a", 1).Verifier.KeyId, SignedNotes.Signer("b", 1).Verifier.KeyId);

    [Theory]
    [InlineData("", NoteRefusal.MalformedKey)]
    [InlineData("++", NoteRefusal.MalformedKey)]
    [InlineData("example.com/foo", NoteRefusal.MalformedKey)]
    [InlineData("example.com/foo+530d903a", NoteRefusal.MalformedKey)]
    [InlineData("example.com/foo+530d903a+", NoteRefusal.MalformedKey)]
    [InlineData("+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", NoteRefusal.MalformedKey)]
    [InlineData("example.com foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", NoteRefusal.MalformedKey)]
    [InlineData("example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", NoteRefusal.MalformedKey)]
    [InlineData("example.com/foo+0x0d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", NoteRefusal.MalformedKey)]
    [InlineData("example.com/foo+ 30d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", NoteRefusal.MalformedKey)]
    [InlineData("example.com/foo+0530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", NoteRefusal.MalformedKey)]
    [InlineData("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k ", NoteRefusal.MalformedKey)]
    [InlineData("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\n", NoteRefusal.MalformedKey)]
    [InlineData("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U0=", NoteRefusal.MalformedKey)]
    [InlineData("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2kAA==", NoteRefusal.MalformedKey)]
    [InlineData("example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", NoteRefusal.WrongKeyId)]
    [InlineData("example.com/bar+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", NoteRefusal.WrongKeyId)]
    [InlineData("example.com/foo+530d903a+BOkyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", NoteRefusal.WrongKeyId)]
    [InlineData("example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", NoteRefusal.UnknownKeyType)]
    [InlineData("example.com/foo+530d903a+Bg==", NoteRefusal.UnknownKeyType)]
    public void Any_other_spelling_is_refused_by_name(string vkey, NoteRefusal refusal)
    {
        Assert.False(NoteVerifierKey.TryParse(vkey, out _, out var found));
        Assert.Equal(refusal, found);
    }

    [Fact]
    public void A_key_has_another_id_for_each_type_of_signature_and_none_for_a_type_that_is_not_known()
    {
        var publicKey = SignedNotes.Signer("a", 1).Verifier.PublicKey;
        var cosigner = new NoteVerifierKey("a", publicKey, NoteKeyType.Cosignature);
        Assert.NotEqual(new NoteVerifierKey("a", publicKey).KeyId, cosigner.KeyId);
        Assert.NotEqual(new NoteVerifierKey("a", publicKey), cosigner);
        Assert.True(NoteVerifierKey.TryParse(cosigner.ToString(), out var parsed, out _));
        Assert.Equal(cosigner, parsed);
        Assert.Throws<ArgumentOutOfRangeException>(() => new NoteVerifierKey("a", publicKey, (NoteKeyType)0x06));
    }

    [Fact]
    public void A_key_of_small_order_is_refused_though_its_id_is_right()
    {
        // name ‖ LF ‖ 0x01 ‖ the neutral element
        byte[] typedKey = [1, 1, .. new byte[31]];
        var id = System.Security.Cryptography.SHA256.HashData([.. "weak\n"u8, .. typedKey]).AsSpan(0, 4);
        Assert.False(NoteVerifierKey.TryParse($"weak+{Convert.ToHexStringLower(id)}+{Convert.ToBase64String(typedKey)}", out _, out var refusal));
        Assert.Equal(NoteRefusal.WeakKey, refusal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("a+b")]
    [InlineData("a\u00a0b")]
    [InlineData("a\u2028b")]
    [InlineData("a\nb")]
    [InlineData("a\u0001b")]
    public void A_name_that_could_not_be_read_back_is_not_given_to_a_key(string name) =>
        Assert.Throws<ArgumentException>(() => SignedNotes.Signer(name, 1));

    [Fact]
    public void A_name_with_half_a_surrogate_pair_is_not_given_to_a_key()
    {
        // Not in the table above: strings in attributes are stored as UTF-8, which has no such halves.
        Assert.Throws<ArgumentException>(() => SignedNotes.Signer("a\ud800", 1));
        Assert.Throws<ArgumentException>(() => SignedNotes.Signer("\udc00", 1));
        Assert.False(NoteVerifierKey.TryParse("a\ud800+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", out _, out _));
        Assert.False(NoteVerifierKey.TryParse("a+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2\ud800", out _, out _));
    }
}
