using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;

namespace AgentIdentity.Credentials.Json;

/// <summary>
/// Reads a JSON object forward only, as fast as its text goes by. It must be written as JCS writes it (<see cref="Jcs"/>), without white space and with its members in that order: so none
/// can stand twice, and whoever asks for them in that order finds each by going on.
/// </summary>
/// <remarks>
/// As strict as <see cref="StrictJson"/>: what nobody asks for is passed over only when that takes it. Names, plain strings and integers are read here, which takes a third less time than to step
/// through them with the class library's reader; it reads everything else. The text is valid UTF-8. What is not JSON, or not in order, throws <see cref="JsonException"/>, half a character
/// <see cref="InvalidOperationException"/>. After an answer of false for anything but a member that may be missing nothing more can be asked.
/// </remarks>
internal ref struct OrderedObject
{
    // What a plain string has none of: an escape, and what can only stand there as one.
    private static readonly SearchValues<byte> NotPlain = SearchValues.Create([(byte)'\\', .. Enumerable.Range(0, ' ').Select(control => (byte)control)]);

    private readonly ReadOnlySpan<byte> _utf8;

    // Looked for once in all of the text, where they are rare, and not in each string.
    private readonly bool _isPlain;

    // The next member's, which is never empty; empty at the end of the object.
    private ReadOnlySpan<byte> _name;

    // The one before it, which it must come after. Who asks in order and finds what he asks for need not look: so this is looked at only when a member is passed over.
    private ReadOnlySpan<byte> _before;

    // Where the next member's value begins; behind the object, at its end.
    private int _at;
    private int _depth;

    public OrderedObject(ReadOnlySpan<byte> utf8)
    {
        _utf8 = utf8;
        _isPlain = !utf8.ContainsAny(NotPlain);
        Require(TryOpen());
    }

    /// <summary>A string that is not empty.</summary>
    public bool TryGetText(ReadOnlySpan<byte> name, out string text)
    {
        text = "";
        return TryFind(name) && TryTakeText(out text) && text.Length > 0 && GoOn(name);
    }

    /// <summary>The bytes of a string that is not empty and written without escapes, where they stand.</summary>
    public bool TryGetPlain(ReadOnlySpan<byte> name, out ReadOnlySpan<byte> text)
    {
        text = default;
        return TryFind(name) && TryTakePlain(out text) && text.Length > 0 && GoOn(name);
    }

    /// <summary>Whether a member is exactly this string, which is ASCII and needs no escapes.</summary>
    public bool HasText(ReadOnlySpan<byte> name, ReadOnlySpan<char> text) => TryFind(name) && TryTake(text) && GoOn(name);

    /// <summary>An integer, written as one, from 0 to <paramref name="most"/>.</summary>
    public bool TryGetInteger(ReadOnlySpan<byte> name, long most, out long value)
    {
        value = 0;
        if (!TryFind(name) || !char.IsAsciiDigit(Next) || !Utf8Parser.TryParse(_utf8[_at..], out value, out var length) || (Next == '0' && length > 1) || value > most)
            return false;
        _at += length;
        return GoOn(name);
    }

    /// <summary>An array of strings.</summary>
    public bool TryGetTexts(ReadOnlySpan<byte> name, int countMax, out string[] texts)
    {
        texts = [];
        if (!TryFind(name) || !TryTake('['))
            return false;
        var read = new List<string>(1);
        do
        {
            if (read.Count == countMax || !TryTakeText(out var text))
                return false;
            read.Add(text);
        }
        while (TryTake(','));
        texts = [.. read];
        return TryTake(']') && GoOn(name);
    }

    /// <summary>Whether a member is an array of exactly these strings, as <see cref="HasText"/> takes them.</summary>
    public bool HasTexts(ReadOnlySpan<byte> name, params ReadOnlySpan<string> texts)
    {
        if (!TryFind(name))
            return false;
        var before = '[';
        foreach (var text in texts)
        {
            if (!TryTake(before) || !TryTake(text))
                return false;
            before = ',';
        }
        return TryTake(']') && GoOn(name);
    }

    /// <summary>The text of a member, not looked at; false when there is none, which is no error.</summary>
    public bool TryGetRaw(ReadOnlySpan<byte> name, out ReadOnlySpan<byte> raw)
    {
        raw = default;
        if (!TryFind(name))
            return false;
        var value = Value();
        value.Skip();
        raw = _utf8.Slice(_at, (int)value.BytesConsumed);
        _at += raw.Length;
        return GoOn(name);
    }

    /// <summary>Goes into an object: what is asked for next are its members.</summary>
    public bool TryEnter(ReadOnlySpan<byte> name) => TryFind(name) && TryOpen();

    /// <summary>Goes on behind the object that was entered by this name.</summary>
    public bool Leave(ReadOnlySpan<byte> name)
    {
        PassOverRest();
        _depth--;
        return GoOn(name);
    }

    /// <summary>Whether nothing stands behind the object.</summary>
    public bool IsWhole()
    {
        PassOverRest();
        return _at == _utf8.Length;
    }

    /// <summary>Whether this member is the very next.</summary>
    public readonly bool IsNext(ReadOnlySpan<byte> name) => _name.SequenceEqual(name);

    /// <summary>Whether the object that was entered has no further member.</summary>
    public readonly bool IsAtEnd => _name.IsEmpty;

    private readonly char Next => _at < _utf8.Length ? (char)_utf8[_at] : '\0';

    private bool TryFind(ReadOnlySpan<byte> name)
    {
        while (!_name.IsEmpty)
        {
            if (_name.SequenceEqual(name))
                return true;
            if (_name.SequenceCompareTo(name) > 0)
                return false;
            PassOver();
        }
        return false;
    }

    private void PassOverRest()
    {
        while (!_name.IsEmpty)
            PassOver();
    }

    private void PassOver()
    {
        Require(_name.SequenceCompareTo(_before) > 0);
        TryGetRaw(_name, out var raw);
        Require(StrictJson.TryParse(raw.ToArray(), out var unknown));
        unknown!.Dispose();
    }

    private bool TryOpen()
    {
        if (!TryTake('{'))
            return false;
        _depth++;
        if (TryTake('}'))
            _name = default;
        else
            ReadName(before: []);
        return true;
    }

    private bool GoOn(ReadOnlySpan<byte> before)
    {
        if (TryTake('}'))
        {
            _name = default;
            return true;
        }
        Require(TryTake(','));
        ReadName(before);
        return true;
    }

    // An escape is a second spelling of a name, which would be another place in the order.
    private void ReadName(ReadOnlySpan<byte> before)
    {
        _before = before;
        Require(TryTakePlain(out _name) && !_name.IsEmpty && TryTake(':'));
    }

    private bool TryTake(char letter)
    {
        if (Next != letter)
            return false;
        _at++;
        return true;
    }

    private bool TryTake(ReadOnlySpan<char> text) => TryTakePlain(out var plain) && Ascii.Equals(plain, text);

    private bool TryTakePlain(out ReadOnlySpan<byte> plain)
    {
        plain = default;
        if (Next != '"')
            return false;
        var rest = _utf8[(_at + 1)..];
        var length = rest.IndexOf((byte)'"');
        if (length < 0 || (!_isPlain && rest[..length].ContainsAny(NotPlain)))
            return false;
        plain = rest[..length];
        _at += length + 2;
        return true;
    }

    private bool TryTakeText(out string text)
    {
        if (TryTakePlain(out var plain))
        {
            text = Encoding.UTF8.GetString(plain);
            return true;
        }
        var value = Value();
        text = value.TokenType == JsonTokenType.String ? value.GetString()! : "";
        _at += (int)value.BytesConsumed;
        return value.TokenType == JsonTokenType.String;
    }

    // The class library's reader, on the first token of the next value.
    private readonly Utf8JsonReader Value()
    {
        var value = new Utf8JsonReader(_utf8[_at..], new JsonReaderOptions { MaxDepth = StrictJson.DepthMax - _depth });
        Require(value.Read() && value.TokenStartIndex == 0);
        return value;
    }

    private static void Require(bool isInOrder)
    {
        if (!isInOrder)
            throw new JsonException("An object as JCS writes it is expected.");
    }
}
