using System.Text;
using System.Text.Json;
using Xunit.Abstractions;

namespace AgentIdentity.Ledger.Tests.Notes;

/// <summary>The last word of a log: its last checkpoint, and the key of the log that goes on.</summary>
public sealed class SuccessionNotes(ITestOutputHelper output) : IDisposable
{
    private readonly JsonElement _formats = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "vectors", "formats.json"))).RootElement;
    private readonly Ed25519PrivateKey _old = Ed25519PrivateKey.Generate();
    private readonly Ed25519PrivateKey _new = Ed25519PrivateKey.Generate();

    private NoteSignerKey Old => new("log.example", _old);

    private NoteVerifierKey New => new NoteSignerKey("log.example/2", _new).Verifier;

    public void Dispose()
    {
        _old.Dispose();
        _new.Dispose();
    }

    [Fact]
    public void A_note_that_another_program_made_is_read_and_is_a_checkpoint_too()
    {
        var vector = _formats.GetProperty("succession");
        var note = Encoding.UTF8.GetBytes(vector.GetProperty("note").GetString()!);
        Assert.True(SuccessionNote.TryOpen(note, LogKey(), out var succession));
        Assert.Equal((vector.GetProperty("next").GetString(), "localhost:5000/2"), (succession.Next.ToString(), succession.Next.Name));
        Assert.Equal((vector.GetProperty("size").GetUInt64(), vector.GetProperty("root").GetString()), (succession.Last.Size.Value, Convert.ToHexStringLower(succession.Last.Root.ToArray())));
        Assert.True(Checkpoint.TryOpen(note, LogKey(), out var plain, out _));
        Assert.Equal(succession.Last, plain);
    }

    [Fact]
    public void A_plain_checkpoint_names_no_successor()
    {
        Assert.False(SuccessionNote.TryOpen(Encoding.UTF8.GetBytes(_formats.GetProperty("checkpoint").GetProperty("note").GetString()!), LogKey(), out _));
    }

    [Fact]
    public void What_is_signed_is_read_back_and_by_no_other_key()
    {
        var note = Encoding.UTF8.GetBytes(Signed(New));
        Assert.True(SuccessionNote.TryOpen(note, Old.Verifier, out var succession));
        Assert.Equal(New, succession.Next);
        Assert.False(SuccessionNote.TryOpen(note, New, out _));
        Assert.False(SuccessionNote.TryOpen(note, new NoteSignerKey("log.example", _new).Verifier, out _));
    }

    [Fact]
    public void Only_the_logs_own_key_signs_and_names_another_origin_than_its_own()
    {
        Assert.Throws<ArgumentException>(() => new SuccessionNote(new Checkpoint("other.example", new TreeSize(1), default), New).Sign(Old));
        Assert.Throws<ArgumentException>(() => Signed(new NoteSignerKey("log.example", _new).Verifier));
    }

    [Theory]
    [InlineData("agentidentity.v1/successor {0}\nmore\n")]
    [InlineData("more\nagentidentity.v1/successor {0}\n")]
    [InlineData("agentidentity.v1/successor  {0}\n")]
    [InlineData("agentidentity.v1/successor {0} \n")]
    [InlineData("agentidentity.v1/Successor {0}\n")]
    [InlineData("agentidentity.v1/successor {1}\n")]
    [InlineData("agentidentity.v1/successor {2}\n")]
    [InlineData("agentidentity.v1/successor \n")]
    public void A_signed_checkpoint_with_other_lines_names_no_successor(string lines)
    {
        var witness = new NoteVerifierKey("log.example/2", New.PublicKey, NoteKeyType.Cosignature);
        var extensions = string.Format(System.Globalization.CultureInfo.InvariantCulture, lines, New, Old.Verifier, witness);
        var note = new Checkpoint("log.example", new TreeSize(1), default) { Extensions = extensions }.Sign(Old).ToArray();
        Assert.True(Checkpoint.TryOpen(note, Old.Verifier, out _, out _));
        Assert.False(SuccessionNote.TryOpen(note, Old.Verifier, out _));
    }

    [Fact]
    public void A_damaged_note_is_refused()
    {
        new Mutation(output, [Encoding.UTF8.GetBytes(Signed(New))], ["\n"u8.ToArray(), "0"u8.ToArray(), "agentidentity.v1/successor "u8.ToArray()]).Run(bytes =>
        {
            // Another signature line may stand beside ours; the text may not differ.
            if (SuccessionNote.TryOpen(bytes, Old.Verifier, out var succession))
                Assert.Equal(New, succession.Next);
        });
    }

    private string Signed(NoteVerifierKey next) => new SuccessionNote(new Checkpoint("log.example", new TreeSize(7), MerkleHash.Leaf([1])), next).Sign(Old);

    private NoteVerifierKey LogKey() => NoteVerifierKey.TryParse(_formats.GetProperty("checkpoint").GetProperty("vkey").GetString()!, out var key, out _) ? key : throw new InvalidDataException();
}
