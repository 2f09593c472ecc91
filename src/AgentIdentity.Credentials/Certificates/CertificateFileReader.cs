using System.Formats.Cbor;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Trails;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Certificates;

/// <summary>Reads the items of a certificate in the one order that they have. What does not fit throws; <see cref="CertificateFile.TryRead"/> answers false.</summary>
internal sealed class CertificateFileReader(TrailItemReader items, ReadOnlyMemory<byte> bytes)
{
    // Where the item begins that was begun last: the seal is over what stands before it.
    private int _begun;

    public CertificateFile Read()
    {
        var header = ReadHeader();
        var entries = new List<CertificateEntry>();
        for (Begin(); items.Kind is TrailItemKind.Registry or TrailItemKind.WithItems; Begin())
            entries.Add(items.Ended(ReadEntry()));
        var stops = new List<CertifiedStop>();
        for (; items.Kind == TrailItemKind.Stop; Begin())
            stops.Add(items.Ended(ReadStop(items.Cbor)));
        var trees = new List<CertifiedTree>();
        for (; items.Kind == TrailItemKind.Tree; Begin())
            trees.Add(items.Ended(new CertifiedTree(new TreeSize(items.Cbor.ReadUInt64()), TrailItemReader.ReadPath(items.Cbor))));
        var anchor = items.ReadAnchor(Begin);
        items.Require(TrailItemKind.Seal);
        var before = bytes[.._begun];
        var seal = items.Ended(items.Cbor.ReadTextString());
        items.Begin();
        items.ReadEnd();
        return new CertificateFile(header, entries, stops, trees, anchor, seal, before, items.Items - 1);
    }

    private void Begin()
    {
        _begun = items.Position;
        items.Begin();
    }

    private CertificateHeader ReadHeader()
    {
        items.Begin();
        items.Require(TrailItemKind.CertificateHeader);
        if (items.Cbor.ReadInt32() != CertificateFile.Version)
            throw new FormatException("the file is of an unknown version");
        return items.Ended(new CertificateHeader(items.Cbor.ReadTextString(), items.Cbor.ReadTextString(), items.Cbor.ReadTextString()));
    }

    private CertificateEntry ReadEntry()
    {
        var opened = items.ReadOpenedEntry(items.ReadIndex());
        if (items.Kind == TrailItemKind.Registry)
            return new CertificateEntry(opened, []);
        var shown = items.ReadItems();
        return shown.Length > 0 ? new CertificateEntry(opened, shown) : throw new FormatException("an entry is shown for its items, and shows none");
    }

    private static CertifiedStop ReadStop(CborReader cbor) => new(
        new LeafIndex(cbor.ReadUInt64()), cbor.ReadDefiniteLengthByteString(), cbor.ReadArrayOf(ReadExposed), cbor.ReadArrayOf(ReadSigned), cbor.ReadArrayOf(ReadWord));

    private static ItemPlace ReadExposed(CborReader cbor)
    {
        BeginArray(cbor, 2);
        return Ended(cbor, ReadPlace(cbor));
    }

    private static SignedDenial ReadSigned(CborReader cbor)
    {
        BeginArray(cbor, 5);
        return Ended(cbor, new SignedDenial(ReadPlace(cbor), cbor.ReadUInt64(), cbor.ReadUInt64(), TrailItemReader.ReadPath(cbor)));
    }

    private static EnforcerWord ReadWord(CborReader cbor)
    {
        BeginArray(cbor, 4);
        return Ended(cbor, new EnforcerWord(cbor.ReadId(), cbor.ReadEnum<EnforcerProgress>(), cbor.ReadInstant(), cbor.ReadInstant()));
    }

    private static ItemPlace ReadPlace(CborReader cbor) => new(new LeafIndex(cbor.ReadUInt64()), cbor.ReadUInt32());

    private static void BeginArray(CborReader cbor, int length)
    {
        if (cbor.ReadStartArray() != length)
            throw new FormatException($"expected {length} values");
    }

    private static T Ended<T>(CborReader cbor, T read)
    {
        cbor.ReadEndArray();
        return read;
    }
}
