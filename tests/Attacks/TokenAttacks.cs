using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Tokens;

namespace AgentIdentity.Tests.Attacks;

/// <summary>
/// What is tried on everything that takes a token, made from a genuine one and the key that signed it, P-256 or Ed25519. Where it can be, that key has signed the attack too: so it is refused for what its name says and
/// not for its signature. Each is wrong in a way that shows before a signature is verified, or because it does not verify.
/// </summary>
internal static class TokenAttacks
{
    private const string GroupOrder = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

    // RFC 8032, section 5.1.
    private static readonly BigInteger Ed25519Order = BigInteger.Pow(2, 252) + BigInteger.Parse("27742317777372353535851937790883648493", System.Globalization.CultureInfo.InvariantCulture);

    public static IEnumerable<(string Name, string Token)> On(string genuine, PrivateKey key)
    {
        var parts = genuine.Split('.');
        var made = new Made(Text(parts[0]), Text(parts[1]), Decode(parts[2]), genuine, key);
        return [.. Algorithms(made), .. Headers(made), .. Keys(made), .. Signatures(made), .. Forms(made), .. Payloads(made), .. Times(made)];
    }

    private static IEnumerable<(string, string)> Algorithms(Made made)
    {
        string[] others = made.IsEd25519 ? ["ES256", "eddsa", "ed25519", "Ed448", "EdDSA-ph"] : ["EdDSA", "Ed25519", "es256", "ES256K"];
        foreach (var alg in new[] { "none", "None", "NONE", "nOnE", "", "ES384", "ES512", "RS256", "PS256", "HS256" }.Concat(others))
            yield return ($"alg {alg}", made.WithHeader("alg", alg));
        yield return ("alg is null", made.WithHeader("alg", null));
        yield return ("alg is an array", made.WithHeader("alg", new JsonArray((string)JsonNode.Parse(made.Header)!["alg"]!)));
        yield return ("no alg", made.WithoutHeader("alg"));
        yield return ("alg none and no signature", $"{Part(Set(made.Header, "alg", "none"))}.{Part(made.Claims)}.");
        var spki = SubjectPublicKeyInfo(made.Key.PublicKey);
        var hmac = $"{Part(Set(made.Header, "alg", "HS256"))}.{Part(made.Claims)}";
        foreach (var (form, secret) in new[]
        {
            ("DER", spki), ("PEM", Encoding.ASCII.GetBytes(PemEncoding.WriteString("PUBLIC KEY", spki))), ("JWK", Encoding.ASCII.GetBytes(made.Key.PublicKey.ToJwk())), ("a point", made.Key.PublicKey.Bytes.ToArray()), ("nothing", []),
        })
            yield return ($"HMAC under the public key as {form}", $"{hmac}.{Part(HMACSHA256.HashData(secret, Encoding.ASCII.GetBytes(hmac)))}");
    }

    private static IEnumerable<(string, string)> Headers(Made made)
    {
        var own = (string)JsonNode.Parse(made.Header)!["typ"]!;
        string[] ours = [.. new[] { "approval", "stop", "ack", "bootstrap", "rotate", "operator", "enrol" }.Select(subject => $"agentid-{subject}+jwt")];
        foreach (var typ in new[] { "", "JWT", own.ToUpperInvariant(), "application/" + own, "vc+jwt", "dpop+jwt", "statuslist+jwt", "secevent+jwt", "at+jwt" }.Concat(ours).Where(typ => typ != own))
            yield return ($"typ {typ}", made.WithHeader("typ", typ));
        yield return ("no typ", made.WithoutHeader("typ"));
        foreach (var extra in new[] { "\"crit\":[]", "\"crit\":[\"exp\"],\"exp\":1", "\"b64\":false,\"crit\":[\"b64\"]", "\"zip\":\"DEF\"", "\"enc\":\"A256GCM\"", "\"jku\":\"https://attacker.example/\"", "\"x5u\":\"https://attacker.example/\"", "\"x5c\":[\"MIIB\"]", "\"x5t\":\"AA\"" })
            yield return ($"header with {extra}", made.Sign($"{{{extra},{made.Header[1..]}", made.Claims));
        foreach (var (name, value) in JsonNode.Parse(made.Header)!.AsObject())
            yield return ($"header with {name} twice", made.Sign($"{{\"{name}\":{value!.ToJsonString()},{made.Header[1..]}", made.Claims));
        yield return ("header with alg twice, once escaped", made.Sign($"{{\"\\u0061lg\":\"none\",{made.Header[1..]}", made.Claims));
        yield return ("header nested deep", made.Sign($"{{\"a\":{new string('[', 40)}{new string(']', 40)},{made.Header[1..]}", made.Claims));
        yield return ("bytes behind the header", made.Sign(made.Header + "{}", made.Claims));
        yield return ("header is an array", made.Sign($"[{made.Header}]", made.Claims));
    }

    // A token names its key, or brings it along.
    private static IEnumerable<(string, string)> Keys(Made made)
    {
        var jwk = JsonNode.Parse(made.Key.PublicKey.ToJwk())!;
        if (JsonNode.Parse(made.Header)!["kid"] is { } kid)
        {
            var id = (string)kid!;
            foreach (var other in new[]
            {
                "", "#" + id.Split('#')[^1], id.Split('#')[^1], "../../../../dev/null", "' OR 1=1 --", id + "\0", id.Replace("#", "\0#", StringComparison.Ordinal), "https://attacker.example/key", new string('k', 9000), id + " ", id + "=",
                id.Replace("%3A", "%3a", StringComparison.Ordinal), id.Replace("did:web", "DID:WEB", StringComparison.Ordinal), "did:web:attacker.example#" + id.Split('#')[^1], id.Split('#')[0] + "#" + new string('A', 43), id.Replace("o", "о", StringComparison.Ordinal),
            }.Where(other => other != id))
                yield return ($"kid {(other.Length > 80 ? "very long" : other)}", made.WithHeader("kid", other));
            yield return ("kid is a number", made.WithHeader("kid", 1));
            yield return ("no kid", made.WithoutHeader("kid"));
            yield return ("its own key brought along", made.WithHeader("jwk", jwk));
            yield break;
        }
        using var thief = PrivateKey.Generate(made.Key.PublicKey.Algorithm);
        using var stranger = PrivateKey.Generate(made.IsEd25519 ? KeyAlgorithm.ES256 : KeyAlgorithm.Ed25519);
        foreach (var (name, value) in new (string, JsonNode?)[]
        {
            ("null", null), ("empty", new JsonObject()), ("a string", "key"), ("an array", new JsonArray(jwk.DeepClone())), ("another key", JsonNode.Parse(thief.PublicKey.ToJwk())), ("a symmetric key", JsonNode.Parse("""{"kty":"oct","k":"AAAA"}""")),
            ("with a private member", With(jwk, "d", "AAAA")), ("of another curve", With(jwk, "crv", made.IsEd25519 ? "X25519" : "P-384")), ("with a coordinate of zero", With(With(jwk, "x", Part(new byte[32])), "y", Part(new byte[32]))), ("with x for y", With(jwk, "y", (string)jwk["x"]!)),
            ("of Ed25519 and small order", JsonNode.Parse($$"""{"crv":"Ed25519","kty":"OKP","x":"{{Part([1, .. new byte[31]])}}"}""")), ("of the other algorithm", JsonNode.Parse(stranger.PublicKey.ToJwk())), ("for encryption", With(jwk, "use", "enc")), ("with a certificate", With(jwk, "x5c", "MIIB")),
        })
            yield return ($"jwk {name}", made.WithHeader("jwk", value));
        yield return ("no jwk", made.WithoutHeader("jwk"));
        yield return ("kid beside jwk", made.WithHeader("kid", "1"));
    }

    private static IEnumerable<(string, string)> Signatures(Made made)
    {
        var (unsigned, signature) = ($"{Part(made.Header)}.{Part(made.Claims)}", made.Signature);
        using var thief = PrivateKey.Generate(made.Key.PublicKey.Algorithm);
        (string, byte[])[] changed =
        [
            ("is missing", []), ("is zero", new byte[64]), ("is all ones", [.. Enumerable.Repeat((byte)0xff, 64)]), ("has r zero", [.. new byte[32], .. signature[32..]]), ("has s zero", [.. signature[..32], .. new byte[32]]),
            ("has its halves exchanged", [.. signature[32..], .. signature[..32]]), ("is cut", signature[..63]), ("is longer", [.. signature, 0]), ("comes twice", [.. signature, .. signature]),
            ("has a bit turned", [.. signature[..63], (byte)(signature[63] ^ 1)]), ("is another key's", thief.Sign(Encoding.ASCII.GetBytes(unsigned))), ("is over the payload alone", made.Key.Sign(Encoding.UTF8.GetBytes(made.Claims))),
            .. made.IsEd25519 ? Ed25519Signatures(signature) : EcdsaSignatures(signature),
        ];
        foreach (var (name, bytes) in changed)
            yield return ($"signature {name}", $"{unsigned}.{Part(bytes)}");
        yield return ("claims changed after signing", $"{Part(made.Header)}.{Part($"{{\"a\":1,{made.Claims[1..]}")}.{Part(signature)}");
        yield return ("claims spelled in another way after signing", $"{Part(made.Header)}.{Part(made.Claims + " ")}.{Part(signature)}");
    }

    private static IEnumerable<(string, byte[])> EcdsaSignatures(byte[] signature)
    {
        var order = Convert.FromHexString(GroupOrder);
        return [("has the order for r", [.. order, .. signature[32..]]), ("has the order for s", [.. signature[..32], .. order]), ("is DER", [0x30, 0x44, 0x02, 0x20, .. signature[..32], 0x02, 0x20, .. signature[32..]])];
    }

    // The first is what RFC 8032 (section 5.1.7, step 1) refuses: another spelling of a good signature. With a point of small order for R, none may verify under keys that are checked.
    private static IEnumerable<(string, byte[])> Ed25519Signatures(byte[] signature)
    {
        byte[] identity = [1, .. new byte[31]];
        var s = new BigInteger(signature.AsSpan(32), isUnsigned: true);
        return
        [
            ("has s and the order", [.. signature[..32], .. Scalar(s + Ed25519Order)]), ("has the order for s", [.. signature[..32], .. Scalar(Ed25519Order)]), ("has s in the other order of bytes", [.. signature[..32], .. signature[32..].Reverse()]),
            ("has the sign of R turned", [.. signature[..31], (byte)(signature[31] ^ 0x80), .. signature[32..]]), ("has a small R", [.. identity, .. signature[32..]]), ("has a small R and s zero", [.. identity, .. new byte[32]]),
            ("has no canonical R", [0xee, .. Enumerable.Repeat((byte)0xff, 30), 0x7f, .. new byte[32]]),
        ];
    }

    private static byte[] Scalar(BigInteger value)
    {
        var bytes = value.ToByteArray(isUnsigned: true);
        return [.. bytes, .. new byte[32 - bytes.Length]];
    }

    private static byte[] SubjectPublicKeyInfo(PublicKey key)
    {
        // RFC 8410, section 4.
        if (key.Algorithm == KeyAlgorithm.Ed25519)
            return [.. Convert.FromHexString("302a300506032b6570032100"), .. key.Bytes];
        using var point = ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, Q = new ECPoint { X = key.Bytes[..32].ToArray(), Y = key.Bytes[32..].ToArray() } });
        return point.ExportSubjectPublicKeyInfo();
    }

    private static IEnumerable<(string, string)> Forms(Made made)
    {
        var genuine = made.Genuine;
        var parts = genuine.Split('.');
        foreach (var (name, text) in new[]
        {
            ("dots", ".."), ("one part", parts[0]), ("two parts", $"{parts[0]}.{parts[1]}"), ("four parts", genuine + ".AAAA"), ("five parts", genuine + ".AAAA.AAAA"), ("parts exchanged", $"{parts[1]}.{parts[0]}.{parts[2]}"),
            ("an unsigned token within a JWE", $"{Part("""{"alg":"dir","enc":"A256GCM","cty":"JWT"}""")}..{Part("nonce")}.{Part($"{Part("""{"alg":"none"}""")}.{parts[1]}.")}.{Part("tag")}"),
            ("a zipped JWE", $"{Part("""{"alg":"dir","enc":"A256GCM","zip":"DEF"}""")}..{Part("nonce")}.{Part("x")}.{Part("tag")}"), ("JSON serialization", $$"""{"protected":"{{parts[0]}}","payload":"{{parts[1]}}","signature":"{{parts[2]}}"}"""),
            ("of the other alphabet", genuine.Replace('_', '/').Replace('-', '+') + "+"), ("with stray bits", WithStrayBits(genuine)), ("longer than any may be", made.Sign(made.Header, $"{{\"a\":\"{new string('a', 80_000)}\",{made.Claims[1..]}")),
        })
            yield return (name, text);
        foreach (var (name, stray) in new[] { ("a space", " "), ("a new line", "\n"), ("a tab", "\t"), ("NUL", "\0"), ("padding", "="), ("a comma", ","), ("a zero-width space", "\u200b"), ("a second token", "," + genuine) })
        {
            yield return ($"{name} in front", stray + genuine);
            yield return ($"{name} behind", genuine + stray);
        }
    }

    private static IEnumerable<(string, string)> Payloads(Made made)
    {
        foreach (var (name, value) in JsonNode.Parse(made.Claims)!.AsObject())
            yield return ($"{name} twice", made.Sign(made.Header, $"{{\"{name}\":{value?.ToJsonString() ?? "null"},{made.Claims[1..]}"));
        foreach (var (name, payload) in new[]
        {
            ("an array", $"[{made.Claims}]"), ("null", "null"), ("empty", ""), ("a token", made.Genuine), ("a token in a string", $"\"{made.Genuine}\""), ("followed by more", made.Claims + "{}"), ("with a byte order mark", "\ufeff" + made.Claims), ("with a comment", "/**/" + made.Claims),
            ("with a trailing comma", made.Claims[..^1] + ",}"), ("with half a surrogate", $"{{\"a\":\"\\ud800\",{made.Claims[1..]}"), ("nested deep", $"{{\"a\":{new string('[', 40)}{new string(']', 40)},{made.Claims[1..]}"), ("nested a thousand deep", $"{{\"a\":{new string('[', 1000)}{new string(']', 1000)},{made.Claims[1..]}"),
        })
            yield return ($"payload {name}", made.Sign(made.Header, payload));
    }

    private static IEnumerable<(string, string)> Times(Made made)
    {
        var claims = JsonNode.Parse(made.Claims)!.AsObject();
        foreach (var name in new[] { "exp", "nbf", "iat" }.Where(claims.ContainsKey))
        {
            var seconds = (long)claims[name]!;
            foreach (var value in new[] { $"\"{seconds}\"", $"{seconds}.5", "1e400", $"-{seconds}", "18446744073709551616", "null", "true", $"[{seconds}]", "{}" })
                yield return ($"{name} is {value}", made.Sign(made.Header, made.Claims.Replace($"\"{name}\":{seconds}", $"\"{name}\":{value}", StringComparison.Ordinal)));
        }
    }

    private static string WithStrayBits(string token)
    {
        const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        return token[..^1] + Alphabet[Alphabet.IndexOf(token[^1], StringComparison.Ordinal) + 1];
    }

    private static JsonNode With(JsonNode owner, string name, string value)
    {
        var changed = owner.DeepClone();
        changed[name] = value;
        return changed;
    }

    private static string Set(string json, string name, JsonNode? value)
    {
        var changed = JsonNode.Parse(json)!;
        changed[name] = value?.DeepClone();
        return changed.ToJsonString();
    }

    private static string Text(string part) => Encoding.UTF8.GetString(Decode(part));

    private static byte[] Decode(string part)
    {
        var bytes = new byte[CanonicalBase64Url.DecodedLength(part.Length)];
        return CanonicalBase64Url.TryDecode(part, bytes, out var written) ? bytes[..written] : throw new ArgumentException("Not the part of a token.", nameof(part));
    }

    private static string Part(string text) => Part(Encoding.UTF8.GetBytes(text));

    private static string Part(byte[] bytes) => CanonicalBase64Url.Encode(bytes);

    private sealed record Made(string Header, string Claims, byte[] Signature, string Genuine, PrivateKey Key)
    {
        public bool IsEd25519 => Key.PublicKey.Algorithm == KeyAlgorithm.Ed25519;

        public string Sign(string header, string claims)
        {
            var unsigned = $"{Part(header)}.{Part(claims)}";
            return $"{unsigned}.{Part(Key.Sign(Encoding.ASCII.GetBytes(unsigned)))}";
        }

        public string WithHeader(string name, JsonNode? value) => Sign(Set(Header, name, value), Claims);

        public string WithoutHeader(string name)
        {
            var header = JsonNode.Parse(Header)!.AsObject();
            header.Remove(name);
            return Sign(header.ToJsonString(), Claims);
        }
    }
}
