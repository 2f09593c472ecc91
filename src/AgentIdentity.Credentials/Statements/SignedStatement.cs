using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Statements;

/// <summary>What an agent signs about its activities. Format: docs/formats.md, "Signed statement". The signature is not part of it.</summary>
/// <remarks>The commitments stay where they were read; the bytes given to <see cref="TryRead"/> must not change afterwards.</remarks>
public sealed class SignedStatement
{
    /// <summary>Commitments in one statement at most.</summary>
    public const int CommitmentsMax = 1000;

    /// <summary>Bytes of a statement at most.</summary>
    public const int SizeMax = FixedSize + OriginLengthMax + (CommitmentsMax * Hash.Size);

    // Origin is a host name with a port, and later "/n".
    private const int OriginLengthMax = 300;

    // Where the fields behind the origin begin.
    private const int KeyIdAt = SubjectId.Size;
    private const int SequenceAt = KeyIdAt + KeyId.Size;
    private const int PreviousAt = SequenceAt + 8;
    private const int ClaimedAtAt = PreviousAt + Hash.Size;
    private const int KindAt = ClaimedAtAt + 8;
    private const int CountAt = KindAt + 1;
    private const int CommitmentsAt = CountAt + 2;

    // Domain, length of the origin, and the fields: all but the origin and the commitments.
    private const int FixedSize = 12 + 2 + CommitmentsAt;

    private readonly ReadOnlyMemory<byte> _bytes;

    private SignedStatement(ReadOnlyMemory<byte> bytes, string origin)
    {
        _bytes = bytes;
        Origin = origin;
        var fields = bytes.Span[(Domain.Length + 2 + origin.Length)..];
        AgentId = SubjectId.Read(fields);
        KeyId = KeyId.Read(fields.Slice(KeyIdAt, KeyId.Size));
        Sequence = BinaryPrimitives.ReadUInt64BigEndian(fields[SequenceAt..]);
        Previous = Hash.Read(fields.Slice(PreviousAt, Hash.Size));
        ClaimedAt = BinaryPrimitives.ReadUInt64BigEndian(fields[ClaimedAtAt..]);
        Kind = (StatementKind)fields[KindAt];
        Identity = Sha256.Hash(bytes.Span);
    }

    /// <summary>The log that it is for.</summary>
    public string Origin { get; }

    /// <summary>Who signs.</summary>
    public SubjectId AgentId { get; }

    /// <summary>With which key. Chains are per agent and key.</summary>
    public KeyId KeyId { get; }

    /// <summary>Its place in the chain, from 0.</summary>
    public ulong Sequence { get; }

    /// <summary>The identity of the statement before; 32 zero bytes at the start of the chain.</summary>
    public Hash Previous { get; }

    /// <summary>When the agent says it was, milliseconds since 1970. Orders nothing.</summary>
    public ulong ClaimedAt { get; }

    /// <summary>What it is about.</summary>
    public StatementKind Kind { get; }

    /// <summary>The commitments, one for each activity, where they lie in the statement.</summary>
    public ReadOnlySpan<Hash> Commitments => Hash.ReadMany(_bytes.Span[(FixedSize + Origin.Length)..]);

    /// <summary>The bytes that are signed.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes.Span;

    /// <summary>SHA-256 of the statement without its signature, since another valid signature over it makes no other statement.</summary>
    public Hash Identity { get; }

    private static ReadOnlySpan<byte> Domain => "air/stmt/v1\0"u8;

    /// <summary>The bytes of a statement, to be signed.</summary>
    /// <exception cref="ArgumentException">The fields make no statement that could be read again.</exception>
    public static byte[] Encode(
        string origin, SubjectId agentId, KeyId keyId, ulong sequence, Hash previous, ulong claimedAt, StatementKind kind, ReadOnlySpan<Hash> commitments)
    {
        var bytes = new byte[FixedSize + origin.Length + (commitments.Length * Hash.Size)];
        Domain.CopyTo(bytes);
        var rest = bytes.AsSpan(Domain.Length);
        BinaryPrimitives.WriteUInt16BigEndian(rest, (ushort)origin.Length);
        Encoding.ASCII.GetBytes(origin, rest[2..]);
        rest = rest[(2 + origin.Length)..];
        agentId.CopyTo(rest);
        keyId.CopyTo(rest[KeyIdAt..]);
        BinaryPrimitives.WriteUInt64BigEndian(rest[SequenceAt..], sequence);
        previous.CopyTo(rest[PreviousAt..]);
        BinaryPrimitives.WriteUInt64BigEndian(rest[ClaimedAtAt..], claimedAt);
        rest[KindAt] = (byte)kind;
        BinaryPrimitives.WriteUInt16BigEndian(rest[CountAt..], (ushort)commitments.Length);
        for (var i = 0; i < commitments.Length; i++)
            commitments[i].CopyTo(rest[(CommitmentsAt + (i * Hash.Size))..]);
        // Reading it again finds what was cut short or replaced on the way in.
        return TryRead(bytes, out var statement) && statement.Origin == origin ? bytes : throw new ArgumentException("These fields make no statement: docs/formats.md, \"Signed statement\".");
    }

    /// <summary>Reads a statement; false for anything that is not exactly one, the first of a chain that names a predecessor included.</summary>
    public static bool TryRead(ReadOnlyMemory<byte> bytes, [NotNullWhen(true)] out SignedStatement? statement)
    {
        statement = null;
        if (!HasForm(bytes.Span, out var originLength))
            return false;
        var origin = Encoding.ASCII.GetString(bytes.Span.Slice(Domain.Length + 2, originLength));
        var read = new SignedStatement(bytes, origin);
        if (read.Sequence == 0 && read.Previous != default)
            return false;
        statement = read;
        return true;
    }

    /// <summary>The commitments alone, where they lie in a statement; false for bytes that do not have the form of one. Hashes and copies nothing.</summary>
    public static bool TryReadCommitments(ReadOnlySpan<byte> bytes, out ReadOnlySpan<Hash> commitments)
    {
        var hasForm = HasForm(bytes, out var originLength);
        commitments = hasForm ? Hash.ReadMany(bytes[(FixedSize + originLength)..]) : default;
        return hasForm;
    }

    /// <summary>What a statement shows of an activity whose payload has this hash: SHA-256(<c>air/act/v1\0</c> ‖ salt ‖ hash).</summary>
    /// <exception cref="ArgumentException">The salt is not 32 bytes long.</exception>
    public static Hash Commitment(ReadOnlySpan<byte> salt, Hash payloadHash)
    {
        if (salt.Length != Hash.Size)
            throw new ArgumentException($"A salt is {Hash.Size} bytes; {salt.Length} were given.", nameof(salt));
        var domain = "air/act/v1\0"u8;
        Span<byte> input = stackalloc byte[domain.Length + (2 * Hash.Size)];
        domain.CopyTo(input);
        salt.CopyTo(input[domain.Length..]);
        payloadHash.CopyTo(input[(domain.Length + Hash.Size)..]);
        return Sha256.Hash(input);
    }

    /// <summary>What a statement shows of an activity with this payload.</summary>
    /// <exception cref="ArgumentException">The salt is not 32 bytes long.</exception>
    public static Hash Commitment(ReadOnlySpan<byte> salt, ReadOnlySpan<byte> payload) => Commitment(salt, Sha256.Hash(payload));

    private static bool HasForm(ReadOnlySpan<byte> bytes, out int originLength)
    {
        originLength = 0;
        if (bytes.Length < FixedSize || !bytes.StartsWith(Domain))
            return false;
        originLength = BinaryPrimitives.ReadUInt16BigEndian(bytes[Domain.Length..]);
        if (originLength is 0 or > OriginLengthMax || bytes.Length < FixedSize + originLength)
            return false;
        var isVisible = !bytes.Slice(Domain.Length + 2, originLength).ContainsAnyExceptInRange((byte)'!', (byte)'~');
        var kind = (StatementKind)bytes[FixedSize + originLength - 3];
        var count = BinaryPrimitives.ReadUInt16BigEndian(bytes[(FixedSize + originLength - 2)..]);
        return isVisible && Enum.IsDefined(kind) && count <= CommitmentsMax && (count > 0 || kind == StatementKind.Close)
            && bytes.Length == FixedSize + originLength + (count * Hash.Size);
    }
}
