using System.Text;
using System.Text.Json;
using AgentIdentity.Credentials.Envelopes;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Issuing;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Tests;

/// <summary>tests/vectors/formats.json: what an implementation that shares nothing with ours makes of the formats.</summary>
internal static class Vectors
{
    private static readonly JsonDocument Document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "formats.json")));

    public static JsonElement Root => Document.RootElement;

    public static RegistryName Registry { get; } = Name("https://localhost:5000");

    public static SubjectId AgentId { get; } = SubjectId.Read(Root.GetProperty("names").Hex("agent_id"));

    public static long Seconds { get; } = Root.GetProperty("times").GetProperty("seconds").GetInt64();

    public static DateTimeOffset Now => DateTimeOffset.FromUnixTimeSeconds(Seconds);

    public static RegistryName Name(string publicUrl) =>
        RegistryName.TryParse(publicUrl, out var name, out var problem) ? name : throw new InvalidOperationException(problem);

    public static JsonElement Section(string name) => Root.GetProperty(name);

    public static byte[] Hex(this JsonElement owner, string name) => Convert.FromHexString(owner.Text(name));

    public static Hash Hash(this JsonElement owner, string name) => Ledger.Hash.Read(owner.Hex(name));

    public static string Text(this JsonElement owner, string name) => owner.GetProperty(name).GetString()!;

    public static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    /// <summary>A key of the vectors by its name there.</summary>
    public static PrivateKey Key(string name)
    {
        var key = Section("keys").EnumerateArray().Single(key => key.Text("name") == name);
        return PrivateKey.FromSecret((KeyAlgorithm)key.GetProperty("alg").GetByte(), key.Hex("secret"))!;
    }

    public static Envelope ReadEnvelope(string json) => Envelope.TryParse(json, out var envelope) ? envelope : throw new InvalidOperationException(json);

    /// <summary>The claims of the first credential of the vectors, made by hand.</summary>
    public static CredentialClaims Claims()
    {
        var grant = Section("grant");
        return new CredentialClaims(
            Jti: Id(Section("credentials")[0].Text("jti")),
            AgentId: AgentId,
            Jkt: Key("agent").PublicKey.KeyId,
            Sponsor: grant.Text("sponsor"),
            Blueprint: grant.Text("blueprint"),
            Labels: [.. grant.GetProperty("labels").EnumerateArray().Select(label => KeyValuePair.Create(label[0].GetString()!, label[1].GetString()!))],
            Audience: [.. grant.GetProperty("audiences").EnumerateArray().Select(audience => audience.GetString()!)],
            Envelope: ReadEnvelope(grant.Text("envelope")),
            Act: null,
            IssuedAt: Seconds,
            NotBefore: Seconds,
            ExpiresAt: Seconds + 600,
            LedgerIndex: 4,
            LedgerPosition: 0,
            StatusIndex: 0);
    }

    /// <summary>What the agent that states labels says of itself.</summary>
    public static KeyValuePair<string, string>[] StatedLabels =>
        [.. Section("stating").GetProperty("labels").EnumerateArray().Select(label => KeyValuePair.Create(label[0].GetString()!, label[1].GetString()!))];

    /// <summary>What evidence says of the agent that brings some.</summary>
    public static KeyValuePair<string, string>[] AttestedLabels =>
        [.. Section("evidence").GetProperty("labels").EnumerateArray().Select(label => KeyValuePair.Create(label[0].GetString()!, label[1].GetString()!))];

    public static SubjectId Id(string uuid) => SubjectId.TryParse(uuid, out var id) ? id : throw new InvalidOperationException(uuid);
}
