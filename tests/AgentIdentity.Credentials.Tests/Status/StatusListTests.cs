using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Status;
using AgentIdentity.Credentials.Tests.Tokens;
using AgentIdentity.Credentials.Tokens;

namespace AgentIdentity.Credentials.Tests.Status;

public sealed class StatusListTests
{
    private const ulong List = 1;

    private static readonly PrivateKey Issuer = Vectors.Key("issuer");
    private static readonly StatusListReader Reader = new(Vectors.Registry, id => id == Issuer.PublicKey.KeyId ? Issuer.PublicKey : null);
    private static readonly JsonElement Example = Vectors.Section("status_lists").EnumerateArray().Single(list => list.GetProperty("number").GetUInt64() == List);

    private delegate Refusal Read(string? token, ulong list, DateTimeOffset now, out StatusBitmap? bitmap);

    [Fact]
    public void The_first_example_of_the_draft_packs_to_its_bytes()
    {
        Assert.Equal("78dadbb918000217015d", Convert.ToHexStringLower(StatusPacking.ZLib([0xB9, 0xA3])));
        Assert.Equal([0xB9, 0xA3], StatusPacking.UnpackZLib(Convert.FromHexString("78dadbb918000217015d"), 2)!);
    }

    [Fact]
    public void The_lists_of_the_vectors_are_read_place_by_place()
    {
        foreach (var vector in Vectors.Section("status_lists").EnumerateArray())
        {
            var number = vector.GetProperty("number").GetUInt64();
            var stopped = vector.GetProperty("stopped").EnumerateArray().Select(place => place.GetInt32());
            Assert.Equal(Refusal.None, Reader.ReadTokenList(vector.GetProperty("token_list").Text("token"), number, Vectors.Now, out var token));
            Assert.Equal(stopped, Stopped(token!));
            Assert.Equal(Refusal.None, Reader.ReadBitstring(vector.GetProperty("bitstring").Text("token"), number, Vectors.Now, out var bitstring));
            Assert.Equal(stopped, Stopped(bitstring!));
        }
    }

    [Fact]
    public void What_is_written_says_what_the_vectors_say_but_for_the_compressor()
    {
        var bitmap = Bitmap(Example.GetProperty("stopped").EnumerateArray().Select(place => place.GetInt32()));
        Assert.Equal(Claims(Example.GetProperty("token_list").Text("token"), "lst"), Claims(StatusListWriter.TokenList(List, bitmap, Vectors.Registry, Issuer, Vectors.Now), "lst"));
        Assert.Equal(Claims(Example.GetProperty("bitstring").Text("token"), "encodedList"), Claims(StatusListWriter.Bitstring(List, bitmap, Vectors.Registry, Issuer, Vectors.Now), "encodedList"));
    }

    [Fact]
    public void Any_bits_come_back_as_they_were_in_both_forms()
    {
        var random = new Random(7);
        foreach (var count in new[] { 0, 1, 100, 20_000, StatusBitmap.Places / 2, StatusBitmap.Places })
        {
            var places = Enumerable.Range(0, StatusBitmap.Places).ToArray();
            random.Shuffle(places);
            var stopped = places[..count].Order().ToArray();
            var bitmap = Bitmap(stopped);
            Assert.Equal(Refusal.None, Reader.ReadTokenList(StatusListWriter.TokenList(List, bitmap, Vectors.Registry, Issuer, Vectors.Now), List, Vectors.Now, out var token));
            Assert.Equal(Refusal.None, Reader.ReadBitstring(StatusListWriter.Bitstring(List, bitmap, Vectors.Registry, Issuer, Vectors.Now), List, Vectors.Now, out var bitstring));
            Assert.Equal(stopped, Stopped(token!));
            Assert.Equal(stopped, Stopped(bitstring!));
        }
    }

    [Fact]
    public void A_list_ends_a_minute_after_it_was_made()
    {
        var (token, bitstring) = (Example.GetProperty("token_list").Text("token"), Example.GetProperty("bitstring").Text("token"));
        foreach (var (read, list) in new (Read, string)[] { (Reader.ReadTokenList, token), (Reader.ReadBitstring, bitstring) })
        {
            Assert.Equal(Refusal.None, read(list, List, Vectors.Now.AddSeconds(59), out var bitmap));
            Assert.NotNull(bitmap);
            Assert.Equal(Refusal.StatusListEnded, read(list, List, Vectors.Now.AddSeconds(60), out bitmap));
            Assert.Null(bitmap);
        }
    }

    [Fact]
    public void A_reader_whose_clock_is_slow_is_told_so_and_takes_no_list()
    {
        var (token, bitstring) = (Example.GetProperty("token_list").Text("token"), Example.GetProperty("bitstring").Text("token"));
        foreach (var (read, list) in new (Read, string)[] { (Reader.ReadTokenList, token), (Reader.ReadBitstring, bitstring) })
        {
            Assert.Equal(Refusal.None, read(list, List, Vectors.Now.AddSeconds(-30), out _));
            Assert.Equal(Refusal.StatusListNotYetValid, read(list, List, Vectors.Now.AddSeconds(-31), out var bitmap));
            Assert.Equal(Refusal.StatusListNotYetValid, read(list, List, Vectors.Now.AddHours(-1), out bitmap));
            Assert.Null(bitmap);
        }
    }

    [Fact]
    public void A_list_under_another_number_or_in_the_other_form_is_refused()
    {
        var (token, bitstring) = (Example.GetProperty("token_list").Text("token"), Example.GetProperty("bitstring").Text("token"));
        Refused(Reader.ReadTokenList, token, list: 0);
        Refused(Reader.ReadBitstring, bitstring, list: 0);
        Refused(Reader.ReadTokenList, bitstring);
        Refused(Reader.ReadBitstring, token);
        Refused(Reader.ReadTokenList, null);
        Refused(Reader.ReadBitstring, Vectors.Section("credentials")[0].Text("token"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(StatusBitmap.Size - 1)]
    [InlineData(StatusBitmap.Size + 1)]
    [InlineData(StatusBitmap.Size * 2)]
    public void Bits_that_are_not_a_whole_list_are_refused(int size)
    {
        Refused(Reader.ReadTokenList, TokenListOf(CanonicalBase64Url.Encode(StatusPacking.ZLib(new byte[size]))));
        Refused(Reader.ReadBitstring, BitstringOf("u" + CanonicalBase64Url.Encode(StatusPacking.GZip(new byte[size]))));
    }

    [Fact]
    public void A_list_that_inflates_without_end_is_given_up_at_its_size()
    {
        // Thirty thousand characters that become thirty million bytes.
        var zlib = Bomb(stream => new ZLibStream(stream, CompressionLevel.SmallestSize));
        var gzip = Bomb(stream => new GZipStream(stream, CompressionLevel.SmallestSize));
        var (token, bitstring) = (TokenListOf(CanonicalBase64Url.Encode(zlib)), BitstringOf("u" + CanonicalBase64Url.Encode(gzip)));
        var before = GC.GetAllocatedBytesForCurrentThread();
        Refused(Reader.ReadTokenList, token);
        Refused(Reader.ReadBitstring, bitstring);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 1, 2_000_000);
    }

    [Fact]
    public void Bits_that_do_not_unpack_are_refused()
    {
        var packed = StatusPacking.ZLib(RandomNumberGenerator.GetBytes(StatusBitmap.Size));
        foreach (var text in new[] { CanonicalBase64Url.Encode(packed.AsSpan(..^5)), CanonicalBase64Url.Encode(packed) + "=", "AAAA", "!", CanonicalBase64Url.Encode(packed.AsSpan(2)) })
            Refused(Reader.ReadTokenList, TokenListOf(text));
        packed = StatusPacking.GZip(RandomNumberGenerator.GetBytes(StatusBitmap.Size));
        foreach (var text in new[] { CanonicalBase64Url.Encode(packed), "z" + CanonicalBase64Url.Encode(packed), "u", "u" + CanonicalBase64Url.Encode(packed.AsSpan(..^20)), "uAAAA" })
            Refused(Reader.ReadBitstring, BitstringOf(text));
    }

    [Fact]
    public void A_list_that_another_key_has_signed_or_that_says_something_else_is_refused()
    {
        var other = Vectors.Key("next issuer");
        var bitmap = new StatusBitmap();
        Refused(Reader.ReadTokenList, StatusListWriter.TokenList(List, bitmap, Vectors.Registry, other, Vectors.Now));
        Refused(Reader.ReadBitstring, StatusListWriter.Bitstring(List, bitmap, Vectors.Registry, other, Vectors.Now));
        var (header, claims) = (Example.GetProperty("token_list").Text("header"), Example.GetProperty("token_list").Text("claims"));
        foreach (var (piece, replacement) in new[] { ("\"bits\":1", "\"bits\":2"), ("\"bits\":1,", ""), ("\"sub\"", "\"sup\""), ("\"exp\":", "\"exq\":"), ("\"iat\":", "\"iat\":9"), ("\"lst\"", "\"list\"") })
            Refused(Reader.ReadTokenList, Forge.Token(header, claims.With(piece, replacement), Issuer));
        Refused(Reader.ReadTokenList, Forge.Token(header.With("statuslist+jwt", "JWT"), claims, Issuer));
        Refused(Reader.ReadTokenList, Forge.Token(header.With("ES256", "none"), claims, []));
        (header, claims) = (Example.GetProperty("bitstring").Text("header"), Example.GetProperty("bitstring").Text("claims"));
        foreach (var (piece, replacement) in new[] { ("suspension", "revocation"), ("\"BitstringStatusList\"", "\"StatusList2021\""), ("\"issuer\":\"did:web:", "\"issuer\":\"did:key:"), ("\"BitstringStatusListCredential\"", "\"AgentCredential\""), ("credentials/v2", "credentials/v1") })
            Refused(Reader.ReadBitstring, Forge.Token(header, claims.With(piece, replacement), Issuer));
    }

    [Fact]
    public void A_place_outside_the_list_has_no_answer()
    {
        var bitmap = new StatusBitmap();
        Assert.Throws<ArgumentOutOfRangeException>(() => bitmap[-1]);
        Assert.Throws<ArgumentOutOfRangeException>(() => bitmap[StatusBitmap.Places]);
        Assert.Throws<ArgumentOutOfRangeException>(() => bitmap.Stop(StatusBitmap.Places));
    }

    [Fact]
    public void No_change_of_a_list_is_read()
    {
        var random = new Random(11);
        foreach (var (read, token) in new (Read, string)[] { (Reader.ReadTokenList, Example.GetProperty("token_list").Text("token")), (Reader.ReadBitstring, Example.GetProperty("bitstring").Text("token")) })
        {
            for (var i = 0; i < 2_000; i++)
            {
                var changed = string.Concat(Mutation.Of(Vectors.Utf8(token), random).Select(one => (char)one));
                if (changed != token)
                    Refused(read, changed);
            }
        }
    }

    private static void Refused(Read read, string? token, ulong list = List)
    {
        Assert.Equal(Refusal.StatusListInvalid, read(token, list, Vectors.Now, out var bitmap));
        Assert.Null(bitmap);
    }

    private static StatusBitmap Bitmap(IEnumerable<int> stopped)
    {
        var bitmap = new StatusBitmap();
        foreach (var place in stopped)
            bitmap.Stop(place);
        return bitmap;
    }

    private static IEnumerable<int> Stopped(StatusBitmap bitmap) => Enumerable.Range(0, StatusBitmap.Places).Where(place => bitmap[place]);

    private static string TokenListOf(string lst) => Changed(Example.GetProperty("token_list"), "lst", lst);

    private static string BitstringOf(string encoded) => Changed(Example.GetProperty("bitstring"), "encodedList", encoded);

    private static string Changed(JsonElement list, string member, string value) => Forge.Token(list.Text("header"), Without(list.Text("claims"), member, value), Issuer);

    private static (string Header, string Claims) Claims(string token, string bits) =>
        (Text(Forge.Part(token, 0)), Without(Text(Forge.Part(token, 1)), bits, ""));

    private static string Without(string claims, string member, string value)
    {
        var start = claims.IndexOf($"\"{member}\":\"", StringComparison.Ordinal) + member.Length + 4;
        return claims[..start] + value + claims[claims.IndexOf('"', start)..];
    }

    private static string Text(string part)
    {
        var bytes = new byte[CanonicalBase64Url.DecodedLength(part.Length)];
        Assert.True(CanonicalBase64Url.TryDecodeExactly(part, bytes));
        return System.Text.Encoding.UTF8.GetString(bytes);
    }

    private static byte[] Bomb(Func<Stream, Stream> packing)
    {
        using var packed = new MemoryStream();
        using (var stream = packing(packed))
        {
            for (var i = 0; i < 30; i++)
                stream.Write(new byte[1 << 20]);
        }
        return packed.ToArray();
    }
}
