using System.Text;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Watching;

/// <summary>What an enforcer signs: what it refuses from here on, and what it has seen of the log. docs/formats.md, "Acknowledgement".</summary>
/// <param name="Origin">Which log.</param>
/// <param name="Size">Of the largest checkpoint that it holds; 0 when it holds none.</param>
/// <param name="Root">Of that checkpoint.</param>
/// <param name="Epoch">The epoch that it enforces.</param>
/// <param name="View">The view that it watches.</param>
/// <param name="Digest">Of the denials that it holds.</param>
/// <param name="Nonce">The last nonce of its own that was answered, base64url.</param>
/// <param name="Decisions">How many decisions it has taken since it was started.</param>
/// <param name="Chain">The end of the hash chain over them.</param>
/// <param name="IsObserving">Whether it only reports what it would refuse.</param>
public sealed record Acknowledgement(
    string Origin, TreeSize Size, Hash Root, ulong Epoch, Hash View, Hash Digest, string Nonce, ulong Decisions, Hash Chain, bool IsObserving)
{
    private const string Type = "agentid-ack+jwt";
    private const int MembersCount = 12;

    /// <summary>What became of the last probe that rode along with a stop; null when none has.</summary>
    public ProbeOutcome? Probe { get; init; }

    /// <summary>What became of the revokers of the last stops for which all of them have ended, ascending by entry; empty when there are none.</summary>
    public IReadOnlyList<RevokerOutcome> Revokers { get; init; } = [];

    /// <summary>Signs it.</summary>
    /// <param name="key">The enforcer's registered key.</param>
    /// <param name="publicUrl">The registry's public URL.</param>
    /// <param name="now">The enforcer's clock.</param>
    public string Sign(PrivateKey key, string publicUrl, DateTimeOffset now)
    {
        var claims = new StringBuilder("{\"aud\":").AppendString(publicUrl)
            .Append($",\"chain\":\"{Chain.ToBase64Url()}\",\"decisions\":{Decisions},\"digest\":\"{Digest.ToBase64Url()}\",\"epoch\":{Epoch},\"iat\":{now.ToUnixTimeSeconds()},\"nonce\":").AppendString(Nonce)
            .Append($",\"observe_only\":{(IsObserving ? 1 : 0)},\"origin\":").AppendString(Origin)
            .Append(Probe is { } probe ? $",\"probe\":{{\"after\":\"{probe.After.Name()}\",\"before\":\"{probe.Before.Name()}\",\"jti\":\"{probe.Jti}\"}}" : "")
            .Append(Revokers.Count > 0 ? $",\"revokers\":[{string.Join(',', Revokers.Select(one => one.ToJson()))}]" : "")
            .Append($",\"root\":\"{Root.ToBase64Url()}\",\"size\":{Size},\"view\":\"{View.ToBase64Url()}\"}}");
        return JwkSignedToken.Sign(Type, claims.ToString(), key);
    }

    /// <summary>Reads an acknowledgement for this registry and verifies its signature. Whose key it is, and whether it says the truth, is the caller's question.</summary>
    public static bool TryRead(string? token, string publicUrl, out Acknowledgement acknowledgement, out PublicKey key) =>
        TryRead(token, publicUrl, isVerified: true, out acknowledgement, out key);

    /// <summary>The same without the signature, for what was checked before it was written down.</summary>
    public static bool TryReadKept(string? token, string publicUrl, out Acknowledgement acknowledgement, out PublicKey key) =>
        TryRead(token, publicUrl, isVerified: false, out acknowledgement, out key);

    private static bool TryRead(string? token, string publicUrl, bool isVerified, out Acknowledgement acknowledgement, out PublicKey key)
    {
        acknowledgement = null!;
        if (!JwkSignedToken.TryRead(token, Type, out var jws, out key!, isVerified: isVerified))
            return false;
        using (jws)
        {
            var claims = jws.Payload;
            var isProbed = claims.TryGetProperty("probe"u8, out var probe);
            ProbeOutcome? outcome = null;
            var hasRevoked = claims.TryGetProperty("revokers"u8, out var revokers);
            RevokerOutcome[]? revoked = [];
            if (claims.GetPropertyCount() != MembersCount + (isProbed ? 1 : 0) + (hasRevoked ? 1 : 0) || (hasRevoked && !RevokerOutcome.TryReadAll(revokers, out revoked)) || (isProbed && !ProbeOutcome.TryRead(probe, out outcome)) || !claims.HasText("aud"u8, publicUrl)
                || !claims.TryGetText("origin"u8, int.MaxValue, out var origin) || !claims.TryGetText("nonce"u8, int.MaxValue, out var nonce)
                || !claims.TryGetInteger("size"u8, Jcs.IntegerMax, out var size) || !claims.TryGetInteger("epoch"u8, Jcs.IntegerMax, out var epoch)
                || !claims.TryGetInteger("decisions"u8, Jcs.IntegerMax, out var decisions) || !claims.TryGetInteger("observe_only"u8, 1, out var observing)
                || !claims.TryGetInteger("iat"u8, NumericDate.Max, out _)
                || !claims.TryGetHash("root"u8, out var root) || !claims.TryGetHash("view"u8, out var view) || !claims.TryGetHash("digest"u8, out var digest) || !claims.TryGetHash("chain"u8, out var chain))
                return false;
            acknowledgement = new Acknowledgement(origin, new TreeSize((ulong)size), root, (ulong)epoch, view, digest, nonce, (ulong)decisions, chain, observing == 1) { Probe = outcome, Revokers = revoked! };
            return true;
        }
    }
}
