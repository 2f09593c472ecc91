using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Watching;

/// <summary>The signed notes of the watch. docs/formats.md, "Watch".</summary>
public static class WatchNotes
{
    /// <summary>The name of the key that signs what enforcers of a log are told.</summary>
    public static string KeyName(string origin) => origin + "/watch";

    internal static string Sign(NoteSignerKey key, params ReadOnlySpan<string> lines)
    {
        var text = new StringBuilder();
        foreach (var line in lines)
            text.Append(line).Append('\n');
        return Encoding.UTF8.GetString(SignedNote.Sign(Encoding.UTF8.GetBytes(text.ToString()), key).ToArray());
    }

    /// <summary>The lines of a note of that type that the key has signed; null for anything else.</summary>
    internal static string[]? Open(string note, NoteVerifierKey key, string name, string type, int count)
    {
        if (!SignedNote.TryParse(Encoding.UTF8.GetBytes(note), out var signed, out _) || signed.Verify(key) != NoteRefusal.None)
            return null;
        var lines = Encoding.UTF8.GetString(signed.Text.Span).Split('\n');
        return lines.Length == count + 1 && lines[^1].Length == 0 && lines[0] == name && lines[1] == type ? lines : null;
    }

    internal static bool TryParse(string line, out ulong value) =>
        ulong.TryParse(line, NumberStyles.None, CultureInfo.InvariantCulture, out value) && line == value.ToString(CultureInfo.InvariantCulture);

    internal static bool TryParse(string line, out Hash hash)
    {
        Span<byte> bytes = stackalloc byte[Hash.Size];
        hash = default;
        if (!Convert.TryFromBase64String(line, bytes, out var count) || count != Hash.Size || Convert.ToBase64String(bytes) != line)
            return false;
        hash = Hash.Read(bytes);
        return true;
    }
}

/// <summary>Which key signs what enforcers are told, signed by the log's key.</summary>
public sealed record WatchKeyNote(string Origin, NoteVerifierKey Key)
{
    private const string Type = "watch-key/v1";

    /// <summary>The signed note.</summary>
    public string Sign(NoteSignerKey logKey) => WatchNotes.Sign(logKey, Origin, Type, Key.ToString());

    /// <summary>Reads a note that the log's key has signed; false for anything else.</summary>
    public static bool TryOpen(string note, NoteVerifierKey logKey, [NotNullWhen(true)] out WatchKeyNote? opened)
    {
        opened = WatchNotes.Open(note, logKey, logKey.Name, Type, 3) is { } lines && NoteVerifierKey.TryParse(lines[2], out var key, out _) && key.Name == WatchNotes.KeyName(logKey.Name)
            ? new WatchKeyNote(logKey.Name, key)
            : null;
        return opened is not null;
    }
}

/// <summary>By what an enforcer judges: operators, keys that sign credentials, blueprints' reads.</summary>
/// <param name="Size">Of the newest checkpoint when it was signed: terms from before one that the enforcer holds are old ones.</param>
/// <param name="Terms">SHA-256 of the terms, as they were sent.</param>
public sealed record TermsNote(TreeSize Size, Hash Terms)
{
    private const string Type = "terms/v1";

    /// <summary>The signed note.</summary>
    public string Sign(NoteSignerKey watchKey) => WatchNotes.Sign(watchKey, watchKey.Verifier.Name, Type, $"{Size}", Terms.ToString());

    /// <summary>Reads a note that the watch key has signed; false for anything else.</summary>
    public static bool TryOpen(string note, NoteVerifierKey watchKey, [NotNullWhen(true)] out TermsNote? opened)
    {
        opened = WatchNotes.Open(note, watchKey, watchKey.Name, Type, 4) is { } lines
            && WatchNotes.TryParse(lines[2], out ulong size) && size <= TreeSize.Max.Value && WatchNotes.TryParse(lines[3], out Hash terms)
            ? new TermsNote(new TreeSize(size), terms)
            : null;
        return opened is not null;
    }
}

/// <summary>How many denials a view shows at an epoch, and their digest.</summary>
public sealed record SnapshotNote(Hash View, ulong Epoch, ulong Count, Hash Digest)
{
    private const string Type = "snapshot/v1";

    /// <summary>The signed note.</summary>
    public string Sign(NoteSignerKey watchKey) => WatchNotes.Sign(watchKey, watchKey.Verifier.Name, Type, View.ToString(), $"{Epoch}", $"{Count}", Digest.ToString());

    /// <summary>Reads a note that the watch key has signed; false for anything else.</summary>
    public static bool TryOpen(string note, NoteVerifierKey watchKey, [NotNullWhen(true)] out SnapshotNote? opened)
    {
        opened = WatchNotes.Open(note, watchKey, watchKey.Name, Type, 6) is { } lines
            && WatchNotes.TryParse(lines[2], out Hash view) && WatchNotes.TryParse(lines[3], out ulong epoch) && WatchNotes.TryParse(lines[4], out ulong count) && WatchNotes.TryParse(lines[5], out Hash digest)
            ? new SnapshotNote(view, epoch, count, digest)
            : null;
        return opened is not null;
    }
}

/// <summary>What an epoch changes for a view.</summary>
public enum DeltaKind
{
    /// <summary>Nothing: it concerns others.</summary>
    None = 0,

    /// <summary>One more denial, which is the payload.</summary>
    Deny = 1,

    /// <summary>Denials are lifted; the payload is the entry that says so.</summary>
    Lift = 2,

    /// <summary>Something else that enforcers hold, as the entry says that is the payload: an operator, a blueprint, the break-glass key.</summary>
    Other = 3,
}

/// <summary>One epoch of a view: the one before it was <paramref name="Epoch"/> - 1.</summary>
/// <param name="View">Whose.</param>
/// <param name="Epoch">The epoch that this opens.</param>
/// <param name="Count">Denials after it.</param>
/// <param name="Digest">Their digest.</param>
/// <param name="Kind">What it changes.</param>
/// <param name="Payload">SHA-256 of the payload; null when there is none.</param>
public sealed record DeltaNote(Hash View, ulong Epoch, ulong Count, Hash Digest, DeltaKind Kind, Hash? Payload)
{
    private const string Type = "delta/v1";

    /// <summary>The signed note.</summary>
    public string Sign(NoteSignerKey watchKey) =>
        WatchNotes.Sign(watchKey, watchKey.Verifier.Name, Type, View.ToString(), $"{Epoch}", $"{Count}", Digest.ToString(), Word(Kind), Payload?.ToString() ?? "-");

    /// <summary>Reads a note that the watch key has signed; false for anything else.</summary>
    public static bool TryOpen(string note, NoteVerifierKey watchKey, [NotNullWhen(true)] out DeltaNote? opened)
    {
        opened = null;
        if (WatchNotes.Open(note, watchKey, watchKey.Name, Type, 8) is not { } lines
            || !WatchNotes.TryParse(lines[2], out Hash view) || !WatchNotes.TryParse(lines[3], out ulong epoch) || !WatchNotes.TryParse(lines[4], out ulong count) || !WatchNotes.TryParse(lines[5], out Hash digest))
            return false;
        var kind = Enum.GetValues<DeltaKind>().Cast<DeltaKind?>().FirstOrDefault(kind => Word(kind!.Value) == lines[6]);
        Hash? payload = WatchNotes.TryParse(lines[7], out Hash hash) ? hash : null;
        if (kind is null || payload is null != (lines[7] == "-") || payload is null != (kind == DeltaKind.None))
            return false;
        opened = new DeltaNote(view, epoch, count, digest, kind.Value, payload);
        return true;
    }

    private static string Word(DeltaKind kind) => kind.ToString().ToLowerInvariant();
}

/// <summary>The answer to an enforcer's nonce: it may go on until its lease ends, which runs from when it sent the nonce.</summary>
/// <param name="View">Whose.</param>
/// <param name="Nonce">The enforcer's, base64.</param>
/// <param name="Epoch">The epoch reached.</param>
/// <param name="Count">Denials at it.</param>
/// <param name="Digest">Their digest.</param>
/// <param name="LeaseMilliseconds">How long.</param>
/// <param name="Size">Of the checkpoint beside it.</param>
/// <param name="Root">Of the checkpoint beside it.</param>
public sealed record HeartbeatNote(Hash View, string Nonce, ulong Epoch, ulong Count, Hash Digest, uint LeaseMilliseconds, TreeSize Size, Hash Root)
{
    private const string Type = "heartbeat/v1";

    /// <summary>The signed note.</summary>
    public string Sign(NoteSignerKey watchKey) => WatchNotes.Sign(
        watchKey, watchKey.Verifier.Name, Type, View.ToString(), Nonce, $"{Epoch}", $"{Count}", Digest.ToString(), $"{LeaseMilliseconds}", $"{Size}", Root.ToString());

    /// <summary>Reads a note that the watch key has signed; false for anything else.</summary>
    public static bool TryOpen(string note, NoteVerifierKey watchKey, [NotNullWhen(true)] out HeartbeatNote? opened)
    {
        opened = WatchNotes.Open(note, watchKey, watchKey.Name, Type, 10) is { } lines
            && WatchNotes.TryParse(lines[2], out Hash view) && WatchNotes.TryParse(lines[4], out ulong epoch) && WatchNotes.TryParse(lines[5], out ulong count) && WatchNotes.TryParse(lines[6], out Hash digest)
            && WatchNotes.TryParse(lines[7], out ulong lease) && lease <= uint.MaxValue && WatchNotes.TryParse(lines[8], out ulong size) && size <= TreeSize.Max.Value && WatchNotes.TryParse(lines[9], out Hash root)
            ? new HeartbeatNote(view, lines[3], epoch, count, digest, (uint)lease, new TreeSize(size), root)
            : null;
        return opened is not null;
    }
}
