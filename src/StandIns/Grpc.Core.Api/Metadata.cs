using System.Collections;
using System.Text;

namespace Grpc.Core;

/// <summary>The headers or trailers of a call, in order; a key may stand more than once.</summary>
public sealed class Metadata : IList<Metadata.Entry>
{
    /// <summary>A key with this ending carries bytes, any other carries ASCII text.</summary>
    public const string BinaryHeaderSuffix = "-bin";

    /// <summary>No entries, and none can be added.</summary>
    public static readonly Metadata Empty = new(isReadOnly: true);

    private readonly List<Entry> entries = [];

    /// <summary>An empty list to fill.</summary>
    public Metadata() : this(isReadOnly: false)
    {
    }

    private Metadata(bool isReadOnly) => IsReadOnly = isReadOnly;

    /// <summary>How many entries there are.</summary>
    public int Count => entries.Count;

    /// <summary>Whether any change is refused.</summary>
    public bool IsReadOnly { get; }

    /// <summary>The entry at a position.</summary>
    /// <param name="index">The position.</param>
    public Entry this[int index]
    {
        get => entries[index];
        set => Writable()[index] = Present(value);
    }

    /// <summary>The last entry of a key.</summary>
    /// <param name="key">The key; case does not matter.</param>
    /// <returns>The entry, or null.</returns>
    public Entry? Get(string key) => entries.FindLast(entry => entry.HasKey(key));

    /// <summary>The text of the last entry of a key; an entry of bytes is refused.</summary>
    /// <param name="key">The key; case does not matter.</param>
    /// <returns>The text, or null.</returns>
    public string? GetValue(string key) => Get(key)?.Value;

    /// <summary>The bytes of the last entry of a key; text gives its ASCII bytes.</summary>
    /// <param name="key">The key; case does not matter.</param>
    /// <returns>The bytes, or null.</returns>
    public byte[]? GetValueBytes(string key) => Get(key)?.ValueBytes;

    /// <summary>All entries of a key, in order.</summary>
    /// <param name="key">The key; case does not matter.</param>
    /// <returns>The entries.</returns>
    public IEnumerable<Entry> GetAll(string key) => entries.Where(entry => entry.HasKey(key));

    /// <summary>Adds text.</summary>
    /// <param name="key">The key, not ending in "-bin".</param>
    /// <param name="value">The text.</param>
    public void Add(string key, string value) => Add(new Entry(key, value));

    /// <summary>Adds bytes.</summary>
    /// <param name="key">The key, ending in "-bin".</param>
    /// <param name="valueBytes">The bytes.</param>
    public void Add(string key, byte[] valueBytes) => Add(new Entry(key, valueBytes));

    /// <inheritdoc/>
    public void Add(Entry item) => Writable().Add(Present(item));

    /// <inheritdoc/>
    public void Insert(int index, Entry item) => Writable().Insert(index, Present(item));

    /// <inheritdoc/>
    public bool Remove(Entry item) => Writable().Remove(item);

    /// <inheritdoc/>
    public void RemoveAt(int index) => Writable().RemoveAt(index);

    /// <inheritdoc/>
    public void Clear() => Writable().Clear();

    /// <inheritdoc/>
    public int IndexOf(Entry item) => entries.IndexOf(item);

    /// <inheritdoc/>
    public bool Contains(Entry item) => entries.Contains(item);

    /// <inheritdoc/>
    public void CopyTo(Entry[] array, int arrayIndex) => entries.CopyTo(array, arrayIndex);

    /// <inheritdoc/>
    public IEnumerator<Entry> GetEnumerator() => entries.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private List<Entry> Writable() => IsReadOnly ? throw new InvalidOperationException("Object is read only") : entries;

    private static Entry Present(Entry item)
    {
        ArgumentNullException.ThrowIfNull(item);
        return item;
    }

    /// <summary>One key with its text or its bytes; it never changes.</summary>
    public class Entry
    {
        private readonly string? text;
        private readonly byte[]? bytes;

        /// <summary>An entry of bytes.</summary>
        /// <param name="key">The key, ending in "-bin"; kept in lower case.</param>
        /// <param name="valueBytes">The bytes, copied.</param>
        public Entry(string key, byte[] valueBytes)
        {
            Key = Normalized(key);
            if (!IsBinaryKey(Key))
                throw new ArgumentException($"The key of a binary entry must end in '{BinaryHeaderSuffix}'.", nameof(key));
            ArgumentNullException.ThrowIfNull(valueBytes);
            bytes = [.. valueBytes];
        }

        /// <summary>An entry of text.</summary>
        /// <param name="key">The key, not ending in "-bin"; kept in lower case.</param>
        /// <param name="value">The text, ASCII.</param>
        public Entry(string key, string value)
        {
            Key = Normalized(key);
            if (IsBinaryKey(Key))
                throw new ArgumentException($"The key of a text entry must not end in '{BinaryHeaderSuffix}'.", nameof(key));
            ArgumentNullException.ThrowIfNull(value);
            text = value;
        }

        /// <summary>The key, in lower case.</summary>
        public string Key { get; }

        /// <summary>A copy of the bytes, or the ASCII bytes of the text.</summary>
        public byte[] ValueBytes => bytes is null ? Encoding.ASCII.GetBytes(text!) : [.. bytes];

        /// <summary>The text; an entry of bytes refuses.</summary>
        public string Value => text ?? throw new InvalidOperationException("The value of a binary entry is not text.");

        /// <summary>Whether the value is bytes.</summary>
        public bool IsBinary => text is null;

        /// <summary>Key and text; of bytes only the type's name, so that no secret gets into a log by accident.</summary>
        /// <returns>The line.</returns>
        public override string ToString() => IsBinary ? $"[Entry: key={Key}, valueBytes={bytes}]" : $"[Entry: key={Key}, value={text}]";

        internal bool HasKey(string key) => Key.Equals(key, StringComparison.OrdinalIgnoreCase);

        private static bool IsBinaryKey(string key) => key.EndsWith(BinaryHeaderSuffix, StringComparison.Ordinal);

        private static string Normalized(string key)
        {
            ArgumentNullException.ThrowIfNull(key);
            if (!key.All(IsKeyCharacter))
                throw new ArgumentException("A metadata key holds ASCII letters, digits, underscores, hyphens and dots only.", nameof(key));
            return key.ToLowerInvariant();
        }

        private static bool IsKeyCharacter(char c) => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-';
    }
}
