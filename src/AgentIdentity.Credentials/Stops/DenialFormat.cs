using System.Diagnostics.CodeAnalysis;
using System.Formats.Cbor;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Stops;

/// <summary>A denial as bytes. docs/formats.md, "Denial".</summary>
public static class DenialFormat
{
    private const int Version = 1;

    /// <summary>The deterministic CBOR form.</summary>
    public static byte[] Encode(Denial denial)
    {
        var cbor = new CborWriter(CborConformanceMode.Ctap2Canonical, initialCapacity: 256);
        cbor.WriteStartArray(10);
        cbor.WriteInt32(Version);
        cbor.WriteUInt64(denial.Index.Value);
        cbor.WriteUInt64(denial.Epoch);
        cbor.WriteInt32((int)denial.State);
        cbor.WriteInt32((int)denial.Scope.Kind);
        cbor.WriteByteString(denial.Scope.Encode());
        // A list of none or one: there is no null in our formats.
        cbor.WriteStartArray(denial.After is null ? 0 : 1);
        if (denial.After is { } after)
            cbor.WriteUInt64(after.Value);
        cbor.WriteEndArray();
        cbor.WriteArrayOf(denial.Agents, static (cbor, id) => cbor.WriteId(id));
        cbor.WriteArrayOf(denial.Credentials, static (cbor, id) => cbor.WriteId(id));
        cbor.WriteTexts(denial.Blueprints);
        cbor.WriteEndArray();
        return cbor.Encode();
    }

    /// <summary>Reads a denial; false for anything that is not exactly its deterministic form, lists out of order included.</summary>
    public static bool TryDecode(ReadOnlyMemory<byte> bytes, [NotNullWhen(true)] out Denial? denial)
    {
        denial = null;
        try
        {
            var cbor = new CborReader(bytes, CborConformanceMode.Ctap2Canonical);
            if (cbor.ReadStartArray() != 10 || cbor.ReadInt32() != Version)
                return false;
            var (index, epoch) = (new LeafIndex(cbor.ReadUInt64()), cbor.ReadUInt64());
            var (state, kind) = (cbor.ReadEnum<StandingState>(), cbor.ReadEnum<ScopeKind>());
            if (state == StandingState.Active || !Scope.TryDecode(kind, cbor.ReadDefiniteLengthByteString().Span, out var scope))
                return false;
            var after = cbor.ReadArrayOf(static item => new LeafIndex(item.ReadUInt64()));
            var read = new Denial(
                index, epoch, state, scope, after.Length == 0 ? null : after[0],
                cbor.ReadArrayOf(static item => item.ReadId()), cbor.ReadArrayOf(static item => item.ReadId()), cbor.ReadTexts());
            cbor.ReadEndArray();
            if (cbor.BytesRemaining != 0 || after.Length > 1 || !Ascend(read.Agents) || !Ascend(read.Credentials) || !Ascend(read.Blueprints, StringComparer.Ordinal))
                return false;
            denial = read;
            return true;
        }
        catch (Exception refused) when (refused is CborContentException or InvalidOperationException or OverflowException or FormatException)
        {
            return false;
        }
    }

    private static bool Ascend<T>(IReadOnlyList<T> items, IComparer<T>? order = null)
    {
        for (var i = 1; i < items.Count; i++)
        {
            if ((order ?? Comparer<T>.Default).Compare(items[i - 1], items[i]) >= 0)
                return false;
        }
        return true;
    }
}
