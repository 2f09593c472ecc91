using System.Text.Json;
using AgentIdentity.Anchoring.Ethereum;
using AgentIdentity.Ledger;

namespace AgentIdentity.Anchoring.Tests.Loop;

/// <summary>The journal's form, by the vector that another implementation has made.</summary>
public sealed class Journals
{
    private static readonly JsonElement Vector = Read();

    private static byte[] Journal => Bytes(Vector.GetProperty("journal"));

    [Fact]
    public void A_journal_is_read_with_its_senders_sizes_and_hashes_and_written_again()
    {
        var attempts = AnchorAttempt.Read(Journal);
        Assert.All(attempts, attempt => Assert.Equal(
            (Address.Parse(Vector.GetProperty("sender").GetString()), Address.Parse(Vector.GetProperty("contract").GetString()), 7UL, new TreeSize(Vector.GetProperty("size").GetUInt64())),
            (attempt.Signed.Sender, attempt.Signed.Transaction.To, attempt.Nonce, attempt.Size)));
        Assert.Equal(Texts("hashes"), attempts.Select(attempt => attempt.Signed.Hash.ToString()));
        Assert.Equal(new FeeOffer(1_125_000_001, 33_750_000_001), attempts[0].Offer.Raised());
        Assert.Equal(attempts[1].Offer, attempts[0].Offer.Raised());
        Assert.Equal(Journal, AnchorAttempt.Write(attempts));
        Assert.Empty(AnchorAttempt.Read([]));
    }

    [Fact]
    public void The_calls_in_it_are_those_that_we_make()
    {
        var (log, root) = (Hash.Read(Bytes(Vector.GetProperty("log"))), Hash.Read(Bytes(Vector.GetProperty("root"))));
        var path = Vector.GetProperty("path").EnumerateArray().Select(one => Hash.Read(Bytes(one)));
        var size = new TreeSize(Vector.GetProperty("size").GetUInt64());
        Assert.Equal(Texts("calls"), new[] { AnchorContract.Anchor(log, size, root), AnchorContract.AnchorConsistent(log, size, root, path) }.Select(Convert.ToHexStringLower));
        Assert.Equal(Texts("calls"), AnchorAttempt.Read(Journal).Select(attempt => Convert.ToHexStringLower(attempt.Signed.Transaction.Data)));
    }

    [Fact]
    public void A_journal_with_a_byte_changed_is_refused_or_somebody_elses()
    {
        var journal = Journal;
        var sender = Address.Parse(Vector.GetProperty("sender").GetString());
        for (var i = 0; i < journal.Length; i++)
        {
            byte[] damaged = [.. journal];
            damaged[i] ^= 1;
            Assert.False(IsAllOf(sender, damaged), $"Byte {i}.");
        }
    }

    private static bool IsAllOf(Address sender, byte[] journal)
    {
        try
        {
            return AnchorAttempt.Read(journal).TrueForAll(attempt => attempt.Signed.Sender == sender);
        }
        catch (FormatException)
        {
            return false;
        }
    }

    private static IEnumerable<string?> Texts(string name) => Vector.GetProperty(name).EnumerateArray().Select(one => one.GetString());

    private static byte[] Bytes(JsonElement hex) => Convert.FromHexString(hex.GetString()!);

    private static JsonElement Read()
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "vectors", "formats.json")));
        return document.RootElement.GetProperty("anchor_journal").Clone();
    }
}
