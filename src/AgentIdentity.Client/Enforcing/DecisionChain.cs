using System.Buffers.Binary;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;

namespace AgentIdentity.Client.Enforcing;

/// <summary>
/// All decisions since the start, as a count and the end of a hash chain. A record is 16 bytes of jti (zeros when there is no credential), 6 of boot time in
/// ms and 2 of the refusal; up to 64 of them make a link, SHA-256(the link before ‖ records).
/// </summary>
/// <remarks>Safe for all threads. A hash for each decision would cost as much as all the rest of a channel-bound one.</remarks>
internal sealed class DecisionChain(BootClock clock)
{
    private const int RecordSize = SubjectId.Size + sizeof(ulong);
    private const int LinkRecordsMax = 64;

    private readonly Lock _lock = new();

    // All below are owned by whoever holds the lock.
    private readonly byte[] _link = new byte[Hash.Size + (LinkRecordsMax * RecordSize)];
    private int _length = Hash.Size;
    private ulong _count;

    public void Add(SubjectId jti, Refusal refusal)
    {
        var at = (ulong)clock.Milliseconds;
        lock (_lock)
        {
            var record = _link.AsSpan(_length, RecordSize);
            jti.CopyTo(record);
            BinaryPrimitives.WriteUInt64BigEndian(record[SubjectId.Size..], (at << 16) | (ushort)refusal);
            _length += RecordSize;
            _count++;
            if (_length == _link.Length)
                Close();
        }
    }

    /// <summary>How many there are, and the end of the chain with all of them in it.</summary>
    public (ulong Count, Hash Head) Head()
    {
        lock (_lock)
        {
            if (_length > Hash.Size)
                Close();
            return (_count, Hash.Read(_link.AsSpan(0, Hash.Size)));
        }
    }

    private void Close()
    {
        Sha256.Hash(_link.AsSpan(0, _length)).CopyTo(_link);
        _length = Hash.Size;
    }
}
