using System.Buffers;
using System.Globalization;
using System.Text;

namespace AgentIdentity.Ledger;

/// <summary>Reads the lines of a policy one by one; the first that is wrong ends it.</summary>
internal sealed class PolicyReader
{
    private const string NoQuorumName = "none";

    private static readonly SearchValues<byte> Controls = SearchValues.Create(
        [.. Enumerable.Range(0, 0x20).Append(0x7f).Select(value => (byte)value).Where(value => value is not ((byte)'\t' or (byte)'\n'))]);

    private readonly List<PolicyLog> _logs = [];
    private readonly List<PolicyWitness> _witnesses = [];
    private readonly List<PolicyGroup> _groups = [];

    private readonly HashSet<string> _logKeys = new(StringComparer.Ordinal);
    private readonly HashSet<string> _witnessKeys = new(StringComparer.Ordinal);
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly HashSet<string> _members = new(StringComparer.Ordinal);

    private string? _quorum;

    /// <summary>The line that was read last, from 1; 0 before the first and after the last.</summary>
    internal int Line { get; private set; }

    internal TlogPolicy Policy() => new(_logs, _witnesses, _groups, _quorum == NoQuorumName ? null : _quorum);

    internal PolicyRefusal Read(ReadOnlySpan<byte> text)
    {
        if (text.Length > TlogPolicy.BytesMax)
            return PolicyRefusal.TooLong;
        while (!text.IsEmpty)
        {
            Line++;
            var end = text.IndexOf((byte)'\n');
            if (end < 0)
                return PolicyRefusal.UnterminatedLine;
            var refusal = ReadLine(text[..end]);
            if (refusal != PolicyRefusal.None)
                return refusal;
            text = text[(end + 1)..];
        }
        Line = 0;
        return _quorum is null ? PolicyRefusal.NoQuorum : PolicyRefusal.None;
    }

    private PolicyRefusal ReadLine(ReadOnlySpan<byte> line)
    {
        if (line.ContainsAny(Controls))
            return PolicyRefusal.NotText;
        var words = Decode(line).Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
        if (words.Length == 0 || words[0][0] == '#')
            return PolicyRefusal.None;
        return words[0] switch
        {
            "log" => words.Length is 2 or 3 ? ReadLog(words[1], words.ElementAtOrDefault(2)) : PolicyRefusal.WrongWordCount,
            "witness" => words.Length is 3 or 4 ? ReadWitness(words[1], words[2], words.ElementAtOrDefault(3)) : PolicyRefusal.WrongWordCount,
            "group" => words.Length >= 4 ? ReadGroup(words[1], words[2], words[3..]) : PolicyRefusal.WrongWordCount,
            "quorum" => words.Length == 2 ? ReadQuorum(words[1]) : PolicyRefusal.WrongWordCount,
            _ => PolicyRefusal.UnknownLine,
        };
    }

    private PolicyRefusal ReadLog(string vkey, string? url)
    {
        var refusal = ReadKey(vkey, _logKeys, out var key);
        if (refusal != PolicyRefusal.None)
            return refusal;
        if (key is not null && key.Type != NoteKeyType.Ed25519)
            return PolicyRefusal.WrongKeyType;
        _logs.Add(new PolicyLog(vkey, key, url));
        return PolicyRefusal.None;
    }

    private PolicyRefusal ReadWitness(string name, string vkey, string? url)
    {
        var refusal = ReadKey(vkey, _witnessKeys, out var key);
        if (refusal != PolicyRefusal.None)
            return refusal;
        if (key is not null && key.Type != NoteKeyType.Cosignature)
            return PolicyRefusal.WrongKeyType;
        if (!Define(name))
            return PolicyRefusal.DuplicateName;
        _witnesses.Add(new PolicyWitness(name, vkey, key, url));
        return PolicyRefusal.None;
    }

    // The same public key is a duplicate under any name, id and type.
    private static PolicyRefusal ReadKey(string text, HashSet<string> keys, out NoteVerifierKey? key)
    {
        key = null;
        if (!Vkey.TryParse(text, out var vkey) || NoteVerifierKey.Read(vkey, out key) is not (NoteRefusal.None or NoteRefusal.UnknownKeyType))
            return PolicyRefusal.BadKey;
        return keys.Add(Convert.ToHexString(vkey.Key)) ? PolicyRefusal.None : PolicyRefusal.DuplicateKey;
    }

    private PolicyRefusal ReadGroup(string name, string threshold, string[] members)
    {
        foreach (var member in members)
        {
            if (!IsDefined(member))
                return PolicyRefusal.UnknownName;
            if (!_members.Add(member))
                return PolicyRefusal.AlreadyMember;
        }
        if (!TryReadThreshold(threshold, members.Length, out var count))
            return PolicyRefusal.WrongThreshold;
        if (!Define(name))
            return PolicyRefusal.DuplicateName;
        _groups.Add(new PolicyGroup(name, count, members));
        return PolicyRefusal.None;
    }

    private PolicyRefusal ReadQuorum(string name)
    {
        if (_quorum is not null)
            return PolicyRefusal.SecondQuorum;
        if (name != NoQuorumName && !IsDefined(name))
            return PolicyRefusal.UnknownName;
        _quorum = name;
        return PolicyRefusal.None;
    }

    private bool Define(string name) => name != NoQuorumName && _names.Add(name);

    private bool IsDefined(string name) => _names.Contains(name);

    private static bool TryReadThreshold(string text, int members, out int count)
    {
        count = text == "all" ? members : 1;
        return text is "all" or "any" || (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out count)
            && count >= 1 && count <= members && text == count.ToString(CultureInfo.InvariantCulture));
    }

    // UTF-8 where it is that, and one half of a surrogate pair for each other byte, which UTF-8 never gives.
    private static string Decode(ReadOnlySpan<byte> line)
    {
        var text = new StringBuilder(line.Length);
        while (!line.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(line, out var rune, out var length) == OperationStatus.Done)
            {
                text.Append(rune.ToString());
            }
            else
            {
                length = 1;
                text.Append((char)(0xdc00 + line[0]));
            }
            line = line[length..];
        }
        return text.ToString();
    }
}
