namespace AgentIdentity.Credentials.Json;

/// <summary>What texts said that were read of late, so that a text which comes again and again (the header of a key's proofs, the envelope of a token's agents) is parsed once.</summary>
/// <remarks>
/// A table of fixed size in which a newcomer takes the place that it falls on; hashes have a seed of the process, so nobody can choose whom to drive out.
/// It answers by all bytes of the text, which had one meaning when it was read and has no other now: a crowded place costs time and nothing else.
/// </remarks>
/// <param name="places">Texts that are kept at most.</param>
/// <param name="lengthMax">A longer text is not kept.</param>
internal sealed class RecentTexts<T>(int places, int lengthMax)
    where T : class
{
    private readonly Known?[] _table = new Known?[places];

    public T? Find(ReadOnlySpan<byte> text) =>
        text.Length <= lengthMax && Volatile.Read(ref Place(text)) is { } known && text.SequenceEqual(known.Text) ? known.Meaning : null;

    public void Add(ReadOnlySpan<byte> text, T meaning)
    {
        if (text.Length <= lengthMax)
            Volatile.Write(ref Place(text), new Known(text.ToArray(), meaning));
    }

    private ref Known? Place(ReadOnlySpan<byte> text)
    {
        var hash = new HashCode();
        hash.AddBytes(text);
        return ref _table[(uint)hash.ToHashCode() % (uint)_table.Length];
    }

    private sealed record Known(byte[] Text, T Meaning);
}
