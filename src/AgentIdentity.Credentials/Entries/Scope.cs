using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using AgentIdentity.Credentials.Envelopes;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Entries;

/// <summary>What a stop covers. Format: docs/formats.md, "Scope".</summary>
/// <param name="Kind">What the value names.</param>
/// <param name="Value">
/// The name as text: a UUID (agent, credential), a thumbprint (key), a thumbprint, <c>@</c> and an entry (issuer key), <c>name=value</c> (label),
/// a location or a pattern ending in <c>/*</c> (resource), empty (everything), or what is named itself.
/// </param>
public sealed record Scope(ScopeKind Kind, string Value)
{
    /// <summary>Bytes of a value at most: a label's name and value.</summary>
    public const int BytesMax = 1024;

    /// <summary>Everybody.</summary>
    public static Scope Everything { get; } = new(ScopeKind.Everything, "");

    /// <summary>One agent.</summary>
    public static Scope Agent(SubjectId agent) => new(ScopeKind.Agent, agent.ToString());

    /// <summary>An agent and all that authority of it has come to.</summary>
    public static Scope AgentWithDelegates(SubjectId agent) => new(ScopeKind.AgentWithDelegates, agent.ToString());

    /// <summary>One credential.</summary>
    public static Scope Credential(SubjectId jti) => new(ScopeKind.Credential, jti.ToString());

    /// <summary>A key.</summary>
    public static Scope Key(KeyId key) => new(ScopeKind.Key, key.ToString());

    /// <summary>What a key of the registry signed after an entry.</summary>
    public static Scope IssuerKey(KeyId key, LeafIndex after) => new(ScopeKind.IssuerKey, $"{key}@{after.Value}");

    /// <summary>The agents that have a label.</summary>
    public static Scope Label(string name, string value) => new(ScopeKind.Label, $"{name}={value}");

    /// <summary>The id, for agents and credentials.</summary>
    /// <exception cref="InvalidOperationException">The scope is of another kind.</exception>
    public SubjectId Id => TryGetId(out var id) ? id : throw new InvalidOperationException($"A scope of the kind {Kind} names no id.");

    /// <summary>Whether the scope is an agent, alone or with its delegates.</summary>
    public bool IsAgent => Kind is ScopeKind.Agent or ScopeKind.AgentWithDelegates;

    /// <summary>Whether the scope names credentials, one by one or all of a kind, and no agent with all that it holds.</summary>
    public bool IsOfCredentials => Kind is ScopeKind.Key or ScopeKind.Credential or ScopeKind.Audience or ScopeKind.Resource or ScopeKind.IssuerKey;

    /// <summary>The key, for keys and keys of the registry.</summary>
    public KeyId KeyId => KeyId.TryParse(Value.AsSpan(0, Math.Min(Value.Length, KeyId.TextLength)), out var key) ? key : throw new InvalidOperationException($"A scope of the kind {Kind} names no key.");

    /// <summary>For a key of the registry: the entry after which it is covered.</summary>
    public LeafIndex After => Kind == ScopeKind.IssuerKey ? new(ulong.Parse(Value.AsSpan(KeyId.TextLength + 1))) : default;

    /// <summary>The bytes that stand in an entry.</summary>
    public byte[] Encode() => Kind switch
    {
        ScopeKind.Agent or ScopeKind.AgentWithDelegates or ScopeKind.Credential => Id.ToArray(),
        ScopeKind.Key => KeyId.ToArray(),
        ScopeKind.IssuerKey => EncodeIssuerKey(),
        _ => Encoding.UTF8.GetBytes(Value),
    };

    /// <summary>Reads what stands in an entry; false for a value that does not fit the kind.</summary>
    public static bool TryDecode(ScopeKind kind, ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out Scope? scope)
    {
        scope = kind switch
        {
            ScopeKind.Agent or ScopeKind.AgentWithDelegates or ScopeKind.Credential => bytes.Length == SubjectId.Size ? new Scope(kind, SubjectId.Read(bytes).ToString()) : null,
            ScopeKind.Key => bytes.Length == KeyId.Size ? Key(KeyId.Read(bytes)) : null,
            ScopeKind.IssuerKey => bytes.Length == KeyId.Size + sizeof(ulong) ? IssuerKey(KeyId.Read(bytes[..KeyId.Size]), new(BinaryPrimitives.ReadUInt64BigEndian(bytes[KeyId.Size..]))) : null,
            _ => bytes.Length <= BytesMax ? new Scope(kind, Encoding.UTF8.GetString(bytes)) : null,
        };
        return scope is not null && scope.IsValid && bytes.SequenceEqual(scope.Encode());
    }

    /// <summary>Whether the value is one for the kind.</summary>
    public bool IsValid => Kind switch
    {
        ScopeKind.Agent or ScopeKind.AgentWithDelegates or ScopeKind.Credential => TryGetId(out _),
        ScopeKind.Key => KeyId.TryParse(Value, out _),
        ScopeKind.IssuerKey => IsIssuerKey(),
        ScopeKind.Everything => Value.Length == 0,
        ScopeKind.Label => IsText() && Value.IndexOf('=', StringComparison.Ordinal) > 0,
        ScopeKind.Blueprint or ScopeKind.Model or ScopeKind.Sponsor or ScopeKind.Audience or ScopeKind.Resource => IsText(),
        _ => false,
    };

    /// <summary>Whether anything can lie in it. Entries of earlier versions hold locations with a star where it means nothing: they are read, and not written again.</summary>
    public bool CanCover => Kind != ScopeKind.Resource || LocationPattern.IsWellFormed(Value);

    /// <summary>The kind and the value, as people and approvals write a scope: <c>agent:UUID</c>.</summary>
    public override string ToString() => Kind == ScopeKind.Everything ? Word : $"{Word}:{Value}";

    /// <summary>Reads the written form.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out Scope? scope)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        var word = colon < 0 ? text : text[..colon];
        scope = null;
        foreach (var kind in Enum.GetValues<ScopeKind>())
        {
            if (new Scope(kind, "").Word == word)
                scope = new Scope(kind, colon < 0 ? "" : text[(colon + 1)..]);
        }
        return scope is { IsValid: true } && scope.ToString() == text;
    }

    private string Word => Kind switch
    {
        ScopeKind.AgentWithDelegates => "agent-with-delegates",
        ScopeKind.IssuerKey => "issuer-key",
        _ => Kind.ToString().ToLowerInvariant(),
    };

    private bool TryGetId(out SubjectId id) => SubjectId.TryParse(Value, out id);

    private bool IsText() => Value.Length > 0 && Encoding.UTF8.GetByteCount(Value) <= BytesMax && !Value.AsSpan().ContainsAnyInRange('\0', '\x1f');

    private bool IsIssuerKey() => Value.Length > KeyId.TextLength + 1 && Value[KeyId.TextLength] == '@'
        && KeyId.TryParse(Value.AsSpan(0, KeyId.TextLength), out var key) && ulong.TryParse(Value.AsSpan(KeyId.TextLength + 1), out var after) && this == IssuerKey(key, new(after));

    private byte[] EncodeIssuerKey()
    {
        var bytes = new byte[KeyId.Size + sizeof(ulong)];
        KeyId.CopyTo(bytes);
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(KeyId.Size), After.Value);
        return bytes;
    }
}
