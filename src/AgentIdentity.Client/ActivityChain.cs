using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Statements;
using AgentIdentity.Ledger;

namespace AgentIdentity.Client;

/// <summary>Where an agent's chain of statements stands under one key, as the agent remembers it, and the statement whose outcome is unknown.</summary>
internal sealed record ActivityChain(KeyId KeyId, ulong NextSequence, Hash Previous, PendingStatement? Pending)
{
    private static readonly JsonSerializerOptions Form = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectRequiredConstructorParameters = true,
        RespectNullableAnnotations = true,
    };

    /// <summary>The chain after the pending statement has been recorded.</summary>
    public ActivityChain Advanced() => new(KeyId, NextSequence + 1, Pending!.Read().Identity, null);

    public static ActivityChain? Load(string path)
    {
        if (!File.Exists(path))
            return null;
        try
        {
            var stored = JsonSerializer.Deserialize<Stored>(File.ReadAllBytes(path), Form);
            if (stored is not null && KeyId.TryParse(stored.KeyId, out var keyId) && stored.Previous.Length == Hash.Size)
                return new ActivityChain(keyId, stored.NextSequence, Hash.Read(stored.Previous), stored.Pending);
        }
        catch (JsonException problem)
        {
            throw new InvalidDataException($"{path} does not hold the state of a chain: {problem.Message}", problem);
        }
        throw new InvalidDataException($"{path} does not hold the state of a chain.");
    }

    /// <summary>Durable when it returns.</summary>
    public void Save(string path) =>
        DurableFile.Replace(path, JsonSerializer.SerializeToUtf8Bytes(new Stored(KeyId.ToString(), NextSequence, Previous.ToArray(), Pending), Form));

    private sealed record Stored(string KeyId, ulong NextSequence, byte[] Previous, PendingStatement? Pending);
}

/// <summary>A signed statement that may or may not have been recorded. Only the very same bytes may be sent again.</summary>
internal sealed record PendingStatement(byte[] Statement, byte[] Signature)
{
    public SignedStatement Read() => SignedStatement.TryRead(Statement, out var statement)
        ? statement
        : throw new InvalidDataException("The pending statement is not one: docs/formats.md, \"Signed statement\".");
}
