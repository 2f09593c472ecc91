using System.Security.Cryptography;
using System.Text;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Tests.Tokens;
using AgentIdentity.Credentials.Tokens;

namespace AgentIdentity.Credentials.Tests.Proofs;

/// <summary>Tokens that must not be taken for a key proof, by name, for either algorithm; signed by the key that they show where that can be.</summary>
internal static class ProofAttacks
{
    private static readonly RequestBinding Request = new("POST", "https://localhost:5000/a", "the-nonce", "the-hash", "the-body");
    private static readonly string Claims = KeyProof.Claims(Request, Vectors.Now, "a-jti-of-some-length");

    public static Dictionary<string, string> All { get; } = new([.. Of(KeyAlgorithm.ES256), .. Of(KeyAlgorithm.Ed25519)]);

    public static string Control(KeyAlgorithm algorithm)
    {
        var key = Key(algorithm);
        return Forge.Token(Header(key), Claims, key);
    }

    private static IEnumerable<KeyValuePair<string, string>> Of(KeyAlgorithm algorithm) =>
        Attacks(Key(algorithm)).Select(attack => new KeyValuePair<string, string>($"{algorithm}: {attack.Name}", attack.Token));

    private static PrivateKey Key(KeyAlgorithm algorithm) => Vectors.Key(algorithm == KeyAlgorithm.ES256 ? "enforcer" : "agent");

    private static string Header(PrivateKey key) => $$"""{"alg":"{{Jose.Name(key.PublicKey.Algorithm)}}","jwk":{{key.PublicKey.ToJwk()}},"typ":"dpop+jwt"}""";

    private static IEnumerable<(string Name, string Token)> Attacks(PrivateKey key) => [.. Headers(key), .. Keys(key), .. Signatures(key), .. Forms(key), .. ClaimValues(key), .. OtherTokens(key)];

    private static IEnumerable<(string Name, string Token)> Headers(PrivateKey key)
    {
        var header = Header(key);
        var alg = $"\"alg\":\"{Jose.Name(key.PublicKey.Algorithm)}\"";
        var otherAlg = key.PublicKey.Algorithm == KeyAlgorithm.ES256 ? "EdDSA" : "ES256";
        foreach (var other in new[] { "none", "None", "NONE", "nOnE", "", "HS256", "RS256", "ES384", "ES256K", "PS256", "es256", "eddsa", "ED25519", "Ed448", otherAlg })
            yield return ($"alg {other}", Forge.Token(header.With(alg, $"\"alg\":\"{other}\""), Claims, key));
        foreach (var other in new[] { "null", "1", "[]" })
            yield return ($"alg is {other}", Forge.Token(header.With(alg, $"\"alg\":{other}"), Claims, key));
        yield return ("no alg", Forge.Token(header.With(alg + ",", ""), Claims, key));
        foreach (var typ in new[] { "JWT", "DPOP+JWT", "dpop+JWT", "application/dpop+jwt", "vc+jwt", "secevent+jwt", "agentid-enrol+jwt", "agentid-bootstrap+jwt", "" })
            yield return ($"typ {typ}", Forge.Token(header.With("dpop+jwt", typ), Claims, key));
        yield return ("no typ", Forge.Token(header.With(",\"typ\":\"dpop+jwt\"", ""), Claims, key));
        foreach (var extra in new[] { "\"crit\":[]", "\"crit\":[\"iat\"]", "\"b64\":false", "\"zip\":\"DEF\"", "\"kid\":\"a\"", "\"jku\":\"https://attacker.example\"", "\"x5u\":\"https://attacker.example\"", "\"x5c\":[]", "\"cty\":\"JWT\"" })
            yield return ($"header with {extra}", Forge.Token(header.With("{\"alg\"", $"{{{extra},\"alg\""), Claims, key));
        yield return ("alg twice", Forge.Token(header.With("{\"alg\"", $"{{{alg},\"alg\""), Claims, key));
        yield return ("alg twice, once escaped", Forge.Token(header.With("{\"alg\"", $"{{\"\\u0061lg\":\"none\",\"alg\""), Claims, key));
        yield return ("jwk twice", Forge.Token(header.With("\"jwk\":", "\"jwk\":{},\"jwk\":"), Claims, key));
    }

    private static IEnumerable<(string Name, string Token)> Keys(PrivateKey key)
    {
        var header = Header(key);
        var jwk = key.PublicKey.ToJwk();
        var other = Vectors.Key(key.PublicKey.Algorithm == KeyAlgorithm.ES256 ? "issuer" : "log");
        foreach (var (name, value) in new[]
        {
            ("no members", "{}"), ("null", "null"), ("a string", $"\"{key.PublicKey.KeyId}\""), ("an array", $"[{jwk}]"), ("another key", other.PublicKey.ToJwk()),
            ("a private member", jwk.With("{\"crv\"", "{\"d\":\"AAAA\",\"crv\"")), ("a symmetric key", """{"kty":"oct","k":"AAAA"}"""), ("an RSA key", """{"kty":"RSA","n":"AAAA","e":"AQAB"}"""),
            ("a certificate", jwk.With("{\"crv\"", "{\"x5c\":[],\"crv\"")), ("a key for encryption", jwk.With("{\"crv\"", "{\"use\":\"enc\",\"crv\"")), ("another alg", jwk.With("{\"crv\"", "{\"alg\":\"HS256\",\"crv\"")),
            ("x padded", jwk.With("\"x\":\"", "\"x\":\"=")), ("x too long", jwk.With("\"x\":\"", "\"x\":\"AAAA")), ("x twice", jwk.With("\"x\":", "\"x\":\"\",\"x\":")),
            ("kty in lower case", key.PublicKey.Algorithm == KeyAlgorithm.ES256 ? jwk.With("\"EC\"", "\"ec\"") : jwk.With("\"OKP\"", "\"okp\"")),
            ("another curve", key.PublicKey.Algorithm == KeyAlgorithm.ES256 ? jwk.With("P-256", "P-384") : jwk.With("Ed25519", "X25519")),
            ("a small-order key", $$"""{"crv":"Ed25519","kty":"OKP","x":"{{CanonicalBase64Url.Encode([1, .. new byte[31]])}}"}"""),
            ("the point at infinity", $$"""{"crv":"P-256","kty":"EC","x":"{{CanonicalBase64Url.Encode(new byte[32])}}","y":"{{CanonicalBase64Url.Encode(new byte[32])}}"}"""),
        })
            yield return ($"jwk is {name}", Forge.Token(header.With(jwk, value), Claims, key));
        yield return ("no jwk", Forge.Token(header.With($",\"jwk\":{jwk}", ""), Claims, key));
    }

    private static IEnumerable<(string Name, string Token)> Signatures(PrivateKey key)
    {
        var header = Header(key);
        var signingInput = Encoding.ASCII.GetBytes($"{CanonicalBase64Url.Encode(Vectors.Utf8(header))}.{CanonicalBase64Url.Encode(Vectors.Utf8(Claims))}");
        var genuine = key.Sign(signingInput);
        yield return ("no signature", Forge.Token(header, Claims, []));
        yield return ("zero signature", Forge.Token(header, Claims, new byte[64]));
        yield return ("all-ones signature", Forge.Token(header, Claims, [.. Enumerable.Repeat((byte)0xff, 64)]));
        yield return ("signature cut short", Forge.Token(header, Claims, genuine[..63]));
        yield return ("signature with a byte more", Forge.Token(header, Claims, [.. genuine, 0]));
        yield return ("first half zero", Forge.Token(header, Claims, [.. new byte[32], .. genuine[32..]]));
        yield return ("second half zero", Forge.Token(header, Claims, [.. genuine[..32], .. new byte[32]]));
        yield return ("halves exchanged", Forge.Token(header, Claims, [.. genuine[32..], .. genuine[..32]]));
        yield return ("HMAC under the public key", Forge.Token(header, Claims, [.. HMACSHA256.HashData(key.PublicKey.Bytes, signingInput), .. new byte[32]]));
        yield return ("claims changed after signing", Forge.Token(header, Claims.With("the-nonce", "the-other"), genuine));
        yield return ("signed by another key", Forge.Token(header, Claims, Vectors.Key(key.PublicKey.Algorithm == KeyAlgorithm.ES256 ? "issuer" : "log")));
    }

    private static IEnumerable<(string Name, string Token)> Forms(PrivateKey key)
    {
        var genuine = Forge.Token(Header(key), Claims, key);
        yield return ("dots", "..");
        yield return ("two parts", genuine[..genuine.LastIndexOf('.')]);
        yield return ("four parts", genuine + ".AAAA");
        yield return ("five parts", genuine + ".AAAA.AAAA");
        foreach (var (name, stray) in new[] { ("space", " "), ("new line", "\n"), ("NUL", "\0"), ("padding", "="), ("comma", ","), ("second proof", "," + genuine) })
        {
            yield return ($"{name} in front", stray + genuine);
            yield return ($"{name} behind", genuine + stray);
        }
        yield return ("stray bits behind the signature", Forge.WithPart(genuine, 2, Forge.WithStrayBits(Forge.Part(genuine, 2))));
        yield return ("longer than 4,096 characters", Forge.Token(Header(key), Claims.With("the-nonce", new string('n', 3000)), key));
        yield return ("payload is an array", Forge.Token(Header(key), $"[{Claims}]", key));
        yield return ("payload is empty", Forge.Token(Header(key), "", key));
        yield return ("bytes behind the payload", Forge.Token(Header(key), Claims + " 1", key));
        yield return ("nested seventeen deep", Forge.Token(Header(key), Claims.With("{\"ath\"", "{\"a\":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]],\"ath\""), key));
        yield return ("half a surrogate", Forge.Token(Header(key), Claims.With("the-nonce", "\\udc00"), key));
    }

    private static IEnumerable<(string Name, string Token)> ClaimValues(PrivateKey key)
    {
        var iat = $"\"iat\":{Vectors.Seconds}";
        foreach (var value in new[] { $"\"{Vectors.Seconds}\"", $"{Vectors.Seconds}.0", $"{Vectors.Seconds}.5", "1e400", "1e9", $"-{Vectors.Seconds}", "253402300800", "18446744073709551616", "null", "true", "[]" })
            yield return ($"iat is {value}", Signed(iat, $"\"iat\":{value}"));
        yield return ("no iat", Signed(iat + ",", ""));
        foreach (var (claim, value) in new[] { ("htm", "POST"), ("htu", "https://localhost:5000/a"), ("jti", "a-jti-of-some-length"), ("nonce", "the-nonce"), ("ath", "the-hash"), ("body_sha256", "the-body") })
        {
            foreach (var wrong in new[] { "1", "null", $"[\"{value}\"]", "{}", "\"\"", "true" })
                yield return ($"{claim} is {wrong}", Signed($"\"{claim}\":\"{value}\"", $"\"{claim}\":{wrong}"));
            yield return ($"{claim} twice", Signed($"\"{claim}\":", $"\"{claim}\":\"{value}\",\"{claim}\":"));
        }
        yield return ("no htm", Signed("\"htm\":\"POST\",", ""));
        yield return ("no htu", Signed("\"htu\":\"https://localhost:5000/a\",", ""));
        yield return ("no jti", Signed("\"jti\":\"a-jti-of-some-length\",", ""));
        yield return ("jti of 7 characters", Signed("a-jti-of-some-length", "seven77"));
        yield return ("jti of 129 characters", Signed("a-jti-of-some-length", new string('j', 129)));
        yield return ("an unknown claim twice", Signed("{\"ath\"", "{\"a\":1,\"a\":1,\"ath\""));

        string Signed(string piece, string replacement) => Forge.Token(Header(key), Claims.With(piece, replacement), key);
    }

    private static IEnumerable<(string Name, string Token)> OtherTokens(PrivateKey key)
    {
        yield return ("an enrolment proof", EnrolmentProof.Create(key, Vectors.Registry.PublicUrl, "challenge", default, Vectors.Now));
        yield return ("a bootstrap proof", BootstrapProof.Create(key, Vectors.Registry.PublicUrl, default, "name", Vectors.Now));
        yield return ("a credential", Vectors.Section("credentials")[0].Text("token"));
    }
}
