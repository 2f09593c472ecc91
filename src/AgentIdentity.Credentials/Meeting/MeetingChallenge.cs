using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Meeting;

/// <summary>What one agent asks another to prove who it is. docs/formats.md, "Friend or foe".</summary>
/// <param name="From">The DID of who asks.</param>
/// <param name="To">The DID of who shall answer.</param>
/// <param name="Purpose">What they meet for.</param>
/// <param name="Channel">What the channel between them hashes to.</param>
/// <param name="Nonce">Random, so that no answer serves twice.</param>
public sealed record MeetingChallenge(string From, string To, string Purpose, Hash Channel, Hash Nonce)
{
    /// <summary>The longest purpose, and the longest name.</summary>
    public const int TextMax = 512;

    private const int LengthMax = 4096;

    /// <summary>A challenge of chance.</summary>
    public static MeetingChallenge Create(string from, string to, string purpose, ReadOnlySpan<byte> channel) =>
        new(from, to, purpose, ChannelOf(channel), Hash.Read(RandomNumberGenerator.GetBytes(Hash.Size)));

    /// <summary>What stands for a channel: a hash over what the transport says of it, for example <c>tls-exporter</c> (RFC 9266).</summary>
    public static Hash ChannelOf(ReadOnlySpan<byte> channel) => Sha256.Hash([.. "air/channel/v1\0"u8, .. channel]);

    /// <summary>The JCS form, which is sent.</summary>
    public override string ToString() => new StringBuilder($"{{\"channel\":\"{Channel.ToBase64Url()}\",\"from\":").AppendString(From)
        .Append($",\"nonce\":\"{Nonce.ToBase64Url()}\",\"purpose\":").AppendString(Purpose).Append(",\"to\":").AppendString(To).Append('}').ToString();

    /// <summary>Reads the JCS form and no other.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out MeetingChallenge? challenge)
    {
        challenge = null;
        if (text.Length > LengthMax || !StrictJson.TryParse(Encoding.UTF8.GetBytes(text), out var document))
            return false;
        using (document)
        {
            var root = document.RootElement;
            if (root.TryGetHash("channel"u8, out var channel) && root.TryGetText("from"u8, TextMax, out var from) && root.TryGetHash("nonce"u8, out var nonce)
                && root.TryGetText("purpose"u8, TextMax, out var purpose) && root.TryGetText("to"u8, TextMax, out var to))
                challenge = new MeetingChallenge(from, to, purpose, channel, nonce);
            return challenge is not null && challenge.ToString() == text;
        }
    }
}
