using System.Text;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Passkeys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;

namespace AgentIdentity.Tests.Passkeys;

/// <summary>An authenticator and a browser in one, as far as an assertion shows them. What either says can be changed, and is signed all the same.</summary>
internal sealed class SoftPasskey(string origin = SoftPasskey.UsualOrigin)
{
    public const string UsualOrigin = "http://localhost:5003";

    public const byte PresentAndVerified = 0x05;

    private PrivateKey _key = PrivateKey.Generate(KeyAlgorithm.ES256);

    public PublicKey Key => _key.PublicKey;

    public PasskeyOrigin Origin { get; } = PasskeyOrigin.TryParse(origin, out var parsed) ? parsed : throw new ArgumentException("not an origin", nameof(origin));

    public byte Flags { get; init; } = PresentAndVerified;

    public uint Counter { get; init; }

    /// <summary>The host whose hash the authenticator writes.</summary>
    public string RelyingParty { get; init; } = "localhost";

    /// <summary>What stands behind the counter.</summary>
    public byte[] Extra { get; init; } = [];

    /// <summary>Changes what the browser says before it is signed.</summary>
    public Func<string, string> ClientData { get; init; } = static said => said;

    /// <summary>The same key on another page.</summary>
    public SoftPasskey At(string page) => new(page) { _key = _key };

    /// <summary>The same key, and other flags.</summary>
    public SoftPasskey With(byte flags) => new() { _key = _key, Flags = flags };

    public string Prove(string publicUrl, string name, DateTimeOffset now) =>
        Sign("agentid-operator+passkey", $"{{\"aud\":\"{publicUrl}\",\"iat\":{now.ToUnixTimeSeconds()},\"name\":\"{name}\"}}");

    public string Approve(string publicUrl, string action, string nonce, DateTimeOffset now) =>
        Sign("agentid-approval+passkey", $"{{\"action\":{action},\"aud\":\"{publicUrl}\",\"iat\":{now.ToUnixTimeSeconds()},\"nonce\":\"{nonce}\"}}");

    public string Sign(string type, string claims)
    {
        var header = $$"""{"alg":"ES256","jwk":{{Key.ToJwk()}},"typ":"{{type}}"}""";
        var challenge = Sha256.Hash([.. Encoding.ASCII.GetBytes(type), 0, .. Encoding.UTF8.GetBytes(claims)]);
        var assertion = Assert(challenge);
        return string.Join('.', new[] { Encoding.UTF8.GetBytes(header), Encoding.UTF8.GetBytes(claims), assertion.AuthenticatorData.ToArray(), assertion.ClientData.ToArray(), assertion.Signature.ToArray() }
            .Select(part => CanonicalBase64Url.Encode(part)));
    }

    public PasskeyAssertion Assert(Hash challenge)
    {
        var client = Encoding.UTF8.GetBytes(ClientData($$"""{"type":"webauthn.get","challenge":"{{challenge.ToBase64Url()}}","origin":"{{Origin}}","crossOrigin":false}"""));
        byte[] authenticator = [.. Sha256.Hash(Encoding.ASCII.GetBytes(RelyingParty)).ToArray(), Flags, (byte)(Counter >> 24), (byte)(Counter >> 16), (byte)(Counter >> 8), (byte)Counter, .. Extra];
        return new PasskeyAssertion(authenticator, client, _key.Sign([.. authenticator, .. Sha256.Hash(client).ToArray()]));
    }
}
