using System.Text.Json;

namespace AgentIdentity.Credentials.Json;

/// <summary>
/// Reads a JSON object forward only, as fast as its text goes by. Its members must stand in JCS order (<see cref="Jcs"/>): so none can stand twice, and whoever asks for them in
/// that order finds each by going on.
/// </summary>
/// <remarks>
/// As strict as <see cref="StrictJson"/>: what nobody asks for is passed over only when that takes it. What is not JSON, or not in order, throws <see cref="JsonException"/>, half a
/// character <see cref="InvalidOperationException"/>. After an answer of false for anything but a member that may be missing nothing more can be asked.
/// </remarks>
internal ref struct OrderedObject
{
    private readonly ReadOnlySpan<byte> _utf8;

    // Stands on the name of the next member, or at the end of the object.
    private Utf8JsonReader _json;

    public OrderedObject(ReadOnlySpan<byte> utf8)
    {
        _utf8 = utf8;
        _json = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = StrictJson.DepthMax });
        _json.Read();
        Require(_json.TokenType == JsonTokenType.StartObject);
        GoOn(after: []);
    }

    /// <summary>A string that is not empty.</summary>
    public bool TryGetText(ReadOnlySpan<byte> name, out string text)
    {
        text = TryFind(name) && _json.TokenType == JsonTokenType.String ? _json.GetString()! : "";
        return text.Length > 0 && GoOn(name);
    }

    /// <summary>Whether a member is exactly this string.</summary>
    public bool HasText(ReadOnlySpan<byte> name, ReadOnlySpan<char> text) =>
        TryFind(name) && _json.TokenType == JsonTokenType.String && _json.ValueTextEquals(text) && GoOn(name);

    /// <summary>An integer, written as one, from 0 to <paramref name="most"/>.</summary>
    public bool TryGetInteger(ReadOnlySpan<byte> name, long most, out long value)
    {
        value = 0;
        return TryFind(name) && _json.TokenType == JsonTokenType.Number && _json.TryGetInt64(out value) && value >= 0 && value <= most && GoOn(name);
    }

    /// <summary>An array of strings.</summary>
    public bool TryGetTexts(ReadOnlySpan<byte> name, int countMax, out string[] texts)
    {
        texts = [];
        if (!TryFind(name) || _json.TokenType != JsonTokenType.StartArray)
            return false;
        var read = new List<string>(1);
        while (_json.Read() && _json.TokenType == JsonTokenType.String && read.Count < countMax)
            read.Add(_json.GetString()!);
        texts = [.. read];
        return _json.TokenType == JsonTokenType.EndArray && GoOn(name);
    }

    /// <summary>Whether a member is an array of exactly these strings.</summary>
    public bool HasTexts(ReadOnlySpan<byte> name, params ReadOnlySpan<string> texts)
    {
        if (!TryFind(name) || _json.TokenType != JsonTokenType.StartArray)
            return false;
        foreach (var text in texts)
        {
            _json.Read();
            if (_json.TokenType != JsonTokenType.String || !_json.ValueTextEquals(text))
                return false;
        }
        _json.Read();
        return _json.TokenType == JsonTokenType.EndArray && GoOn(name);
    }

    /// <summary>The text of a member, not looked at; false when there is none, which is no error.</summary>
    public bool TryGetRaw(ReadOnlySpan<byte> name, out ReadOnlySpan<byte> raw)
    {
        raw = default;
        if (!TryFind(name))
            return false;
        var start = (int)_json.TokenStartIndex;
        _json.Skip();
        raw = _utf8[start..(int)_json.BytesConsumed];
        return GoOn(name);
    }

    /// <summary>Goes into an object: what is asked for next are its members.</summary>
    public bool TryEnter(ReadOnlySpan<byte> name) => TryFind(name) && _json.TokenType == JsonTokenType.StartObject && GoOn(after: []);

    /// <summary>Goes on behind the object that was entered by this name.</summary>
    public bool Leave(ReadOnlySpan<byte> name)
    {
        PassOverRest();
        return GoOn(name);
    }

    /// <summary>Whether nothing stands behind the object.</summary>
    public bool IsWhole()
    {
        PassOverRest();
        return !_json.Read();
    }

    /// <summary>Whether this member is the very next.</summary>
    public readonly bool IsNext(ReadOnlySpan<byte> name) => _json.TokenType == JsonTokenType.PropertyName && _json.ValueSpan.SequenceEqual(name);

    /// <summary>Whether the object that was entered has no further member.</summary>
    public readonly bool IsAtEnd => _json.TokenType == JsonTokenType.EndObject;

    private bool TryFind(ReadOnlySpan<byte> name)
    {
        while (_json.TokenType == JsonTokenType.PropertyName)
        {
            var order = _json.ValueSpan.SequenceCompareTo(name);
            if (order > 0)
                return false;
            if (order == 0)
                return _json.Read();
            PassOver();
        }
        return false;
    }

    private void PassOverRest()
    {
        while (_json.TokenType == JsonTokenType.PropertyName)
            PassOver();
    }

    private void PassOver()
    {
        TryGetRaw(_json.ValueSpan, out var raw);
        Require(StrictJson.TryParse(raw.ToArray(), out var unknown));
        unknown!.Dispose();
    }

    // An escape is a second spelling of a name, which would be another place in the order.
    private bool GoOn(ReadOnlySpan<byte> after)
    {
        _json.Read();
        Require(_json.TokenType == JsonTokenType.EndObject || (!_json.ValueIsEscaped && _json.ValueSpan.SequenceCompareTo(after) > 0));
        return true;
    }

    private static void Require(bool isInOrder)
    {
        if (!isInOrder)
            throw new JsonException("An object with its members in JCS order is expected.");
    }
}
