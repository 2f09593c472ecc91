using System.Security.Cryptography;
using System.Text;
using AgentIdentity.Credentials.Issuing;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Tests.Tokens;
using AgentIdentity.Credentials.Tokens;

namespace AgentIdentity.Credentials.Tests.Verification;

/// <summary>
/// Tokens that must not be taken for a credential, by name. Where it can be, the registry's own key has signed them: so each is refused for what its
/// name says and not for its signature.
/// </summary>
internal static class CredentialAttacks
{
    private static readonly PrivateKey Issuer = Vectors.Key("issuer");
    private static readonly string Header = CredentialWriter.Header(Vectors.Registry, Issuer.PublicKey.KeyId);
    private static readonly string Claims = CredentialWriter.Claims(Vectors.Claims(), Vectors.Registry);
    private static readonly string Kid = Vectors.Registry.KeyUrl(Issuer.PublicKey.KeyId);
    private static readonly string Genuine = Forge.Token(Header, Claims, Issuer);

    public static Dictionary<string, string?> All { get; } = new(
        [.. Headers(), .. Keys(), .. Signatures(), .. Forms(), .. Times(), .. ClaimValues(), .. RepeatedMembers(), .. OtherTokens()]);

    /// <summary>The same construction with nothing wrong: it must be accepted, or the attacks prove nothing.</summary>
    public static string Control => Genuine;

    private static IEnumerable<KeyValuePair<string, string?>> Headers()
    {
        foreach (var alg in new[] { "none", "None", "NONE", "nOnE", "", " ES256", "es256", "ES256K", "ES384", "ES512", "RS256", "PS256", "HS256", "HS384", "HS512", "EdDSA", "Ed25519", "ES256\\u0000" })
            yield return SignedHeader($"alg {alg}", "\"alg\":\"ES256\"", $"\"alg\":\"{alg}\"");
        foreach (var alg in new[] { "null", "1", "[\"ES256\"]", "{}", "true" })
            yield return SignedHeader($"alg is {alg}", "\"alg\":\"ES256\"", $"\"alg\":{alg}");
        yield return SignedHeader("no alg", "\"alg\":\"ES256\",", "");

        foreach (var typ in new[] { "JWT", "jwt", "VC+JWT", "application/vc+jwt", "vc+sd-jwt", "vp+jwt", "dpop+jwt", "secevent+jwt", "statuslist+jwt", "agentid-enrol+jwt", "at+jwt" })
            yield return SignedHeader($"typ {typ}", "\"typ\":\"vc+jwt\"", $"\"typ\":\"{typ}\"");
        yield return SignedHeader("no typ", ",\"typ\":\"vc+jwt\"", "");
        yield return SignedHeader("cty JWT", "\"cty\":\"vc\"", "\"cty\":\"JWT\"");
        yield return SignedHeader("no cty", "\"cty\":\"vc\",", "");

        foreach (var extra in new[]
        {
            "\"crit\":[]", "\"crit\":[\"exp\"]", "\"b64\":false", "\"b64\":false,\"crit\":[\"b64\"]", "\"zip\":\"DEF\"", "\"enc\":\"A256GCM\"", "\"epk\":{}",
            "\"jku\":\"https://attacker.example/jwks.json\"", "\"x5u\":\"https://attacker.example/chain.pem\"", "\"x5c\":[\"MIIB\"]", "\"x5t\":\"AA\"", $"\"jwk\":{Issuer.PublicKey.ToJwk()}", "\"url\":\"https://a.example\"", "\"exp\":1",
        })
            yield return SignedHeader($"header with {extra}", "{\"alg\"", $"{{{extra},\"alg\"");
    }

    private static IEnumerable<KeyValuePair<string, string?>> Keys()
    {
        var id = Issuer.PublicKey.KeyId;
        var kids = new Dictionary<string, string>
        {
            ["empty"] = "\"\"", ["null"] = "null", ["a number"] = "1", ["an array"] = $"[\"{Kid}\"]", ["bare thumbprint"] = $"\"{id}\"", ["fragment only"] = $"\"#{id}\"",
            ["path traversal"] = "\"../../../../dev/null\"", ["SQL"] = "\"' OR 1=1 --\"", ["NUL at the end"] = $"\"{Kid}\\u0000\"", ["NUL within"] = $"\"{Kid.With("#", "\\u0000#")}\"",
            ["an URL"] = "\"https://attacker.example/key\"", ["very long"] = $"\"{new string('k', 10_000)}\"", ["another registry's"] = $"\"{Vectors.Name("https://attacker.example").KeyUrl(id)}\"",
            ["an agent's DID"] = $"\"{Vectors.Registry.AgentKeyUrl(Vectors.AgentId, id)}\"", ["upper-case method"] = $"\"{Kid.With("did:web", "DID:WEB")}\"", ["lower-case escape"] = $"\"{Kid.With("%3A", "%3a")}\"",
            ["unescaped colon"] = $"\"{Kid.With("%3A", ":")}\"", ["space at the end"] = $"\"{Kid} \"", ["two fragments"] = $"\"{Kid}#{id}\"", ["padded"] = $"\"{Kid}=\"", ["stray bits"] = $"\"{Kid[..^1]}{(char)(Kid[^1] + 1)}\"",
            ["an unknown thumbprint"] = $"\"{Vectors.Registry.KeyUrl(Vectors.Key("enforcer").PublicKey.KeyId)}\"", ["a homoglyph"] = $"\"{Kid.With("localhost", "lоcalhost")}\"",
        };
        foreach (var (name, kid) in kids)
            yield return SignedHeader($"kid {name}", $"\"kid\":\"{Kid}\"", $"\"kid\":{kid}");
        yield return SignedHeader("no kid", $"\"kid\":\"{Kid}\",", "");
    }

    private static IEnumerable<KeyValuePair<string, string?>> Signatures()
    {
        var key = Issuer.PublicKey;
        var der = Vectors.Section("keys")[0].Hex("spki");
        var hmacHeader = Header.With("ES256", "HS256");
        foreach (var (name, secret) in new[]
        {
            ("DER", der), ("PEM", Encoding.ASCII.GetBytes(PemEncoding.WriteString("PUBLIC KEY", der))), ("JWK", Encoding.ASCII.GetBytes(key.ToJwk())), ("point", key.Bytes.ToArray()), ("nothing", []),
        })
            yield return new($"HMAC under the public key as {name}", Forge.Token(hmacHeader, Claims, HMACSHA256.HashData(secret, Encoding.ASCII.GetBytes(SigningInput(hmacHeader)))));

        foreach (var header in new[] { Header, Header.With("ES256", "none") })
        {
            yield return new($"no signature, {header[..14]}", Forge.Token(header, Claims, []));
            yield return new($"zero signature, {header[..14]}", Forge.Token(header, Claims, new byte[64]));
        }
        var genuine = Issuer.Sign(Encoding.ASCII.GetBytes(SigningInput(Header)));
        var order = Convert.FromHexString("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
        yield return new("r is the order", Forge.Token(Header, Claims, [.. order, .. genuine[32..]]));
        yield return new("s is the order", Forge.Token(Header, Claims, [.. genuine[..32], .. order]));
        yield return new("r and s are the order", Forge.Token(Header, Claims, [.. order, .. order]));
        yield return new("signature cut short", Forge.Token(Header, Claims, genuine[..63]));
        yield return new("signature with a byte more", Forge.Token(Header, Claims, [.. genuine, 0]));
        yield return new("signature twice", Forge.Token(Header, Claims, [.. genuine, .. genuine]));
        using var ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        yield return new("DER signature", Forge.Token(Header, Claims, ecdsa.SignData(Encoding.ASCII.GetBytes(SigningInput(Header)), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence)));
        yield return new("another key of the registry's", Forge.Token(Header, Claims, Vectors.Key("next issuer")));
        using var p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        yield return new("another curve", Forge.Token(Header, Claims, p384.SignData(Encoding.ASCII.GetBytes(SigningInput(Header)), HashAlgorithmName.SHA384)));
        yield return new("signature over the payload only", Forge.Token(Header, Claims, Issuer.Sign(Vectors.Utf8(Claims))));
        yield return new("claims changed after signing", Forge.Token(Header, Claims.With(",\"exp\":", ",\"exp\":9"), genuine));
    }

    private static IEnumerable<KeyValuePair<string, string?>> Forms()
    {
        yield return new("nothing", "");
        yield return new("null", null);
        yield return new("two dots", "..");
        yield return new("one part", Forge.Part(Genuine, 0));
        yield return new("two parts", Genuine[..Genuine.LastIndexOf('.')]);
        yield return new("four parts", Genuine + ".AAAA");
        yield return new("five parts", Genuine + ".AAAA.AAAA");
        yield return new("an unsigned token within a JWE", $"{B64("""{"alg":"dir","enc":"A256GCM","cty":"JWT"}""")}..{B64("nonce")}.{B64(Forge.Token("""{"alg":"none"}""", Claims, []))}.{B64("tag")}");
        yield return new("a zipped JWE", $"{B64("""{"alg":"dir","enc":"A256GCM","zip":"DEF"}""")}..{B64("nonce")}.{B64("x")}.{B64("tag")}");
        yield return new("JSON serialization", $$"""{"protected":"{{Forge.Part(Genuine, 0)}}","payload":"{{Forge.Part(Genuine, 1)}}","signature":"{{Forge.Part(Genuine, 2)}}"}""");
        yield return new("with its scheme", "DPoP " + Genuine);
        foreach (var (name, stray) in new[] { ("space", " "), ("new line", "\n"), ("tab", "\t"), ("NUL", "\0"), ("padding", "="), ("no-break space", "\u00a0"), ("zero-width space", "\u200b") })
        {
            yield return new($"{name} in front", stray + Genuine);
            yield return new($"{name} behind", Genuine + stray);
            yield return new($"{name} within", Genuine.Insert(Genuine.Length / 2, stray));
        }
        yield return new("full-width letter", Genuine[..10] + (char)(Genuine[10] + 0xfee0) + Genuine[11..]);
        yield return new("base64 of the other alphabet", InOtherAlphabet());
        // JWS leaves the signature free to vary; the header is padded with a member's spelling until its text has stray bits to set.
        yield return new("stray bits behind the signature", Forge.WithPart(Genuine, 2, Forge.WithStrayBits(Forge.Part(Genuine, 2))));
        yield return new("stray bits behind the header", WithStrayBitsSigned(0));
        yield return new("stray bits behind the payload", WithStrayBitsSigned(1));
        yield return new("longer than 16,384 characters", Forge.Token(Header, Claims.With("{\"@context\"", $"{{\"a\":\"{new string('a', 12_000)}\",\"@context\""), Issuer));
        yield return new("header is an array", Forge.Token($"[{Header}]", Claims, Issuer));
        yield return new("payload is an array", Forge.Token(Header, $"[{Claims}]", Issuer));
        yield return new("payload is null", Forge.Token(Header, "null", Issuer));
        yield return new("payload is empty", Forge.Token(Header, "", Issuer));
        yield return new("payload is a token", Forge.Token(Header, Genuine, Issuer));
        yield return new("payload is a token in a string", Forge.Token(Header, $"\"{Genuine}\"", Issuer));
        yield return new("payload is deflated", Forge.Token(Vectors.Utf8(Header), Deflated(), Issuer));
        yield return new("bytes behind the header", Forge.Token(Header + "{}", Claims, Issuer));
        yield return new("bytes behind the payload", Forge.Token(Header, Claims + "{}", Issuer));
        yield return new("byte order mark", Forge.Token(Header, "\ufeff" + Claims, Issuer));
        yield return new("comment", Forge.Token(Header, "/**/" + Claims, Issuer));
        yield return new("trailing comma", Forge.Token(Header, Claims[..^1] + ",}", Issuer));
        yield return new("not UTF-8", Forge.Token(Vectors.Utf8(Header), [.. Vectors.Utf8(Claims[..^1] + ",\"z\":\""), 0xc0, 0xaf, .. "\"}"u8], Issuer));
        yield return new("half a surrogate", Forge.Token(Header, Claims[..^1] + ",\"z\":\"\\ud800\"}", Issuer));
        yield return new("nested seventeen deep", Forge.Token(Header, Claims[..^1] + ",\"z\":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}", Issuer));
        yield return new("nested a thousand deep", Forge.Token(Header, $"{Claims[..^1]},\"z\":{new string('[', 1000)}{new string(']', 1000)}}}", Issuer));
        yield return new("half a surrogate in a label", Forge.Token(Header, Claims.With("\"jurisdiction\":\"eu\"", "\"jurisdiction\":\"\\ud800\""), Issuer));
        yield return new("half a surrogate in the sponsor", Forge.Token(Header, Claims.With("Research desk", "\\udc00"), Issuer));
        yield return new("a member out of order", Forge.Token(Header, Claims[..^1] + ",\"a\":1}", Issuer));
        yield return new("two members that have changed places", Forge.Token(Header, Claims.With("{\"@context\":[\"https://www.w3.org/ns/credentials/v2\",\"urn:agentidentity:v1\"],", "{").With(",\"cnf\":", ",\"@context\":[\"https://www.w3.org/ns/credentials/v2\",\"urn:agentidentity:v1\"],\"cnf\":"), Issuer));
        yield return new("a member of the subject out of order", Forge.Token(Header, Claims.With("{\"blueprint\":", "{\"z\":1,\"blueprint\":"), Issuer));
        yield return new("an unknown name with an escape", Forge.Token(Header, Claims[..^1] + ",\"z\\u0061\":1}", Issuer));
        yield return new("the last member twice", Forge.Token(Header, $"{Claims[..^1]},\"validUntil\":\"{Rfc3339(600)}\"}}", Issuer));
        yield return new("an unknown member without a name", Forge.Token(Header, Claims.With("{\"@context\"", "{\"\":1,\"@context\""), Issuer));
        yield return new("white space before a member", Forge.Token(Header, Claims.With(",\"exp\"", ", \"exp\""), Issuer));
        yield return new("white space before a value", Forge.Token(Header, Claims.With("\"exp\":", "\"exp\": "), Issuer));
        yield return new("white space before a value that is passed over", Forge.Token(Header, Claims[..^1] + ",\"z\": 1}", Issuer));
        yield return new("white space in a list", Forge.Token(Header, Claims.With("\"type\":[", "\"type\":[ "), Issuer));
        yield return new("a letter of a fixed text escaped", Forge.Token(Header, Claims.With("\"VerifiableCredential\"", "\"\\u0056erifiableCredential\""), Issuer));
        yield return new("a control letter in the sponsor", Forge.Token(Header, Claims.With("Research desk", "Research\tdesk"), Issuer));
        yield return new("a string without an end", Forge.Token(Header, Claims[..^2], Issuer));
        yield return new("the end is missing", Forge.Token(Header, Claims[..^1], Issuer));
        yield return new("an integer with a zero before it", Forge.Token(Header, Claims.With("\"exp\":", "\"exp\":0"), Issuer));
        yield return new("a member within an unknown one twice", Forge.Token(Header, Claims[..^1] + ",\"z\":{\"a\":1,\"a\":1}}", Issuer));
        yield return new("header nested seventeen deep", Forge.Token(Header.With("\"ES256\"", "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]"), Claims, Issuer));
    }

    private static IEnumerable<KeyValuePair<string, string?>> Times()
    {
        foreach (var (claim, seconds) in new[] { ("exp", Vectors.Seconds + 600), ("nbf", Vectors.Seconds), ("iat", Vectors.Seconds) })
        {
            foreach (var value in new[] { $"\"{seconds}\"", $"{seconds}.0", $"{seconds}.5", "1e400", "1e9", $"-{seconds}", "9999999999999", "253402300800", "18446744073709551616", "null", "true", $"[{seconds}]", "{}" })
                yield return SignedClaims($"{claim} is {value}", $"\"{claim}\":{seconds}", $"\"{claim}\":{value}");
            yield return SignedClaims($"no {claim}", $"\"{claim}\":{seconds},", "");
        }
        yield return SignedClaims("validFrom says another time", $"\"validFrom\":\"{Rfc3339(0)}\"", $"\"validFrom\":\"{Rfc3339(1)}\"");
        yield return SignedClaims("validUntil says another time", $"\"validUntil\":\"{Rfc3339(600)}\"", $"\"validUntil\":\"{Rfc3339(6000)}\"");
        yield return SignedClaims("validUntil with an offset", $"\"validUntil\":\"{Rfc3339(600)}\"", $"\"validUntil\":\"{Rfc3339(600).Replace("Z", "+00:00", StringComparison.Ordinal)}\"");
        yield return SignedClaims("no validUntil", $",\"validUntil\":\"{Rfc3339(600)}\"", "");
    }

    private static IEnumerable<KeyValuePair<string, string?>> ClaimValues()
    {
        var audience = "\"aud\":[\"https://tools.example/documents\",\"https://tools.example/mail\"]";
        var seventeen = string.Join(',', Enumerable.Range(0, 17).Select(number => $"\"a{number}\""));
        foreach (var value in new[] { "\"https://tools.example/documents\"", "[]", $"[{seventeen}]", "[\"a\",\"a\"]", "[1]", "[[\"a\"]]", "{\"0\":\"a\"}", "[\"\"]", "[\"a\\u0000\"]", "[\"a b\"]", "[null]", "null", "[\"\\u00e4\"]" })
            yield return SignedClaims($"aud is {value[..Math.Min(40, value.Length)]}", audience, $"\"aud\":{value}");
        yield return SignedClaims("no aud", audience + ",", "");

        var did = Vectors.Registry.Did;
        var other = Vectors.Name("https://attacker.example");
        foreach (var claim in new[] { "iss", "issuer" })
        {
            foreach (var value in new[] { $"\"{other.Did}\"", $"[\"{did}\"]", $"{{\"id\":\"{did}\"}}", "null", $"\"{did} \"", $"\"{did.ToUpperInvariant()}\"" })
                yield return SignedClaims($"{claim} is {value}", $"\"{claim}\":\"{did}\"", $"\"{claim}\":{value}");
            yield return SignedClaims($"no {claim}", $"\"{claim}\":\"{did}\",", "");
        }

        var agent = Vectors.Registry.AgentDid(Vectors.AgentId);
        foreach (var value in new[] { $"\"{other.AgentDid(Vectors.AgentId)}\"", $"\"{did}\"", $"\"{Vectors.AgentId}\"", $"[\"{agent}\"]", "null", $"\"{agent}\\u0000\"", $"\"{agent.ToUpperInvariant()}\"", $"\"{agent}#key\"" })
            yield return SignedClaims($"sub is {value}", $"\"sub\":\"{agent}\"", $"\"sub\":{value}");
        yield return SignedClaims("no sub", $"\"sub\":\"{agent}\",", "");
        yield return SignedClaims("the subject is another agent", $"\"id\":\"{agent}\"", $"\"id\":\"{agent[..^1]}0\"");
        yield return SignedClaims("the subject has no id", $"\"id\":\"{agent}\",", "");
        yield return SignedClaims("the subject has no blueprint", "\"blueprint\":", "\"redprint\":");
        yield return SignedClaims("labels are an array", "\"labels\":{\"jurisdiction\":\"eu\",\"team\":\"research\"}", "\"labels\":[\"eu\"]");
        yield return SignedClaims("a label is a number", "\"jurisdiction\":\"eu\"", "\"jurisdiction\":1");

        var jti = Vectors.Claims().Jti.ToString();
        foreach (var value in new[] { "0192f0c1-8000-4000-8000-000000000010", "0192f0c1-8000-7000-c000-000000000010", jti.Replace("-", "", StringComparison.Ordinal), $"{{{jti}}}", $"0x{jti[2..]}", $" {jti}", "", "F" + jti[1..] })
            yield return new($"jti {value}", Forge.Token(Header, Claims.Replace(jti, value, StringComparison.Ordinal), Issuer));
        yield return SignedClaims("id is another", $"\"id\":\"urn:uuid:{jti}\"", $"\"id\":\"urn:uuid:{jti[..^1]}1\"");
        yield return SignedClaims("id is upper case", $"\"id\":\"urn:uuid:{jti}\"", $"\"id\":\"URN:UUID:{jti}\"");
        yield return SignedClaims("no jti", $"\"jti\":\"{jti}\",", "");

        var context = "\"@context\":[\"https://www.w3.org/ns/credentials/v2\",\"urn:agentidentity:v1\"]";
        foreach (var value in new[] { "[\"urn:agentidentity:v1\",\"https://www.w3.org/ns/credentials/v2\"]", "[\"https://www.w3.org/ns/credentials/v2\"]", "\"https://www.w3.org/ns/credentials/v2\"", "[\"https://www.w3.org/ns/credentials/v2\",\"urn:agentidentity:v1\",\"https://attacker.example\"]", "[\"https://www.w3.org/ns/credentials/v2\",{}]" })
            yield return SignedClaims($"@context is {value}", context, $"\"@context\":{value}");
        yield return SignedClaims("type is another", "\"AgentCredential\"", "\"OperatorCredential\"");
        yield return SignedClaims("type has one more", "\"AgentCredential\"", "\"AgentCredential\",\"OperatorCredential\"");

        var confirmation = $"\"cnf\":{{\"jkt\":\"{Vectors.Claims().Jkt}\"}}";
        foreach (var value in new[] { "{}", "null", "[]", "{\"jkt\":\"\"}", "{\"jkt\":null}", $"{{\"jkt\":\"{Vectors.Claims().Jkt}=\"}}", $"{{\"jkt\":[\"{Vectors.Claims().Jkt}\"]}}", $"{{\"jkt\":\"{Vectors.Claims().Jkt}\",\"jwk\":{{}}}}", $"{{\"jkt\":\"{Vectors.Claims().Jkt}\",\"x5t#S256\":\"AA\"}}", $"{{\"jkt\":\"{Vectors.Claims().Jkt}\",\"x5t#S256\":null}}", $"{{\"jkt\":\"{Vectors.Claims().Jkt}\",\"x5t#S256\":\"{Vectors.Claims().Jkt}=\"}}", $"{{\"jkt\":\"{Vectors.Claims().Jkt}\",\"x5t\":\"AA\"}}", $"{{\"x5t#S256\":\"{Vectors.Claims().Jkt}\"}}", $"{{\"jkt\":\"{Vectors.Claims().Jkt}\",\"x5t#S256\":\"{Vectors.Claims().Jkt}\",\"x5t#S256\":\"{Vectors.Claims().Jkt}\"}}", $"{{\"kid\":\"{Vectors.Claims().Jkt}\"}}", $"{{\"jkt\":\"{Vectors.Claims().Jkt.ToString()[..42]}\"}}" })
            yield return SignedClaims($"cnf is {value}", confirmation, $"\"cnf\":{value}");
        yield return SignedClaims("no cnf", confirmation + ",", "");

        var details = $"\"authorization_details\":{Vectors.Claims().Envelope.Canonical}";
        foreach (var value in new[] { "[]", "null", "{}", "\"[]\"", "[{\"type\":\"documents\"}]", "[{\"type\":\"t\",\"actions\":[\"*\"],\"locations\":[\"l\"]}]", "[{\"type\":\"t\",\"actions\":[\"a\"],\"locations\":[\"l\"],\"budget\":1}]" })
            yield return SignedClaims($"authorization_details is {value}", details, $"\"authorization_details\":{value}");
        yield return SignedClaims("no authorization_details", details + ",", "");
        foreach (var value in new[] { "\"did:web:a\"", "[]", "null", "{\"sub\":1.5}", "{\"a\":9007199254740992}" })
            yield return SignedClaims($"act is {value}", "\"aud\":", $"\"act\":{value},\"aud\":");

        foreach (var (claim, number) in new[] { ("ledger_index", "4"), ("ledger_position", "0") })
        {
            foreach (var value in new[] { "-1", "\"4\"", "4.0", "4e0", "9007199254740992", "null" })
                yield return SignedClaims($"{claim} is {value}", $"\"{claim}\":{number}", $"\"{claim}\":{value}");
            yield return SignedClaims($"no {claim}", $"\"{claim}\":{number},", "");
        }
        yield return SignedClaims("ledger_position above 32 bits", "\"ledger_position\":0", "\"ledger_position\":4294967296");
        foreach (var (what, piece, replacement) in Statuses())
            yield return SignedClaims($"status with {what}", piece, replacement);
        foreach (var value in new[] { "\"\"", "1", "null", "[\"Research desk\"]" })
            yield return SignedClaims($"sponsor is {value}", "\"sponsor\":\"Research desk\"", $"\"sponsor\":{value}");
    }

    private static IEnumerable<(string What, string Piece, string Replacement)> Statuses()
    {
        const string token = "\"idx\":0,\"uri\":\"https://localhost:5000/status/0\"";
        foreach (var (idx, uri) in new[]
        {
            ("-1", "https://localhost:5000/status/0"), ("1", "https://localhost:5000/status/0"), ("131072", "https://localhost:5000/status/0"), ("0.0", "https://localhost:5000/status/0"), ("\"0\"", "https://localhost:5000/status/0"),
            ("0", "https://localhost:5000/status/00"), ("0", "https://localhost:5000/status/1"), ("0", "https://localhost:5000/status/-0"), ("0", "https://localhost:5000/status/"), ("0", "https://localhost:5000/status/0/"), ("0", "https://localhost:5000/status/../0"),
            ("0", "https://localhost:5000/status/140737488355328"), ("0", "https://localhost:5000/status/99999999999999999999999"), ("0", "https://attacker.example/status/0"), ("0", "http://localhost:5000/status/0"), ("0", ""),
        })
            yield return ($"{idx} in {uri}", token, $"\"idx\":{idx},\"uri\":\"{uri}\"");
        yield return ("no idx", "\"idx\":0,", "");
        yield return ("no list", "\"status\":{\"status_list\":", "\"status\":{\"other_list\":");
        yield return ("another entry", "\"id\":\"https://localhost:5000/status/0/bitstring#0\"", "\"id\":\"https://localhost:5000/status/0/bitstring#1\"");
        yield return ("another list for the W3C", "\"statusListCredential\":\"https://localhost:5000/status/0/bitstring\"", "\"statusListCredential\":\"https://localhost:5000/status/1/bitstring\"");
        yield return ("another place for the W3C", "\"statusListIndex\":\"0\"", "\"statusListIndex\":\"7\"");
        yield return ("a number for the W3C", "\"statusListIndex\":\"0\"", "\"statusListIndex\":0");
        yield return ("another purpose", "\"statusPurpose\":\"suspension\"", "\"statusPurpose\":\"message\"");
        yield return ("another type", "BitstringStatusListEntry", "StatusList2021Entry");
        yield return ("no member status", "\"status\":", "\"statu\":");
        yield return ("no member credentialStatus", "\"credentialStatus\":", "\"credentialStatu\":");
    }

    private static IEnumerable<KeyValuePair<string, string?>> RepeatedMembers()
    {
        yield return SignedHeader("alg twice", "{\"alg\":\"ES256\"", "{\"alg\":\"ES256\",\"alg\":\"ES256\"");
        yield return SignedHeader("alg none, then ES256", "{\"alg\":\"ES256\",\"cty\":\"vc\"", "{\"alg\":\"none\",\"alg\":\"ES256\"");
        yield return SignedHeader("alg twice, once escaped", "{\"alg\":\"ES256\"", "{\"\\u0061lg\":\"none\",\"alg\":\"ES256\"");
        yield return SignedHeader("kid twice", "\"kid\":", "\"kid\":\"other\",\"kid\":");
        yield return SignedClaims("exp twice", ",\"exp\":", ",\"exp\":9999999999,\"exp\":");
        yield return SignedClaims("exp twice, once escaped", ",\"exp\":", ",\"e\\u0078p\":9999999999,\"exp\":");
        yield return SignedClaims("cnf twice", ",\"cnf\":", ",\"cnf\":{},\"cnf\":");
        yield return SignedClaims("jkt twice", "{\"jkt\":", "{\"jkt\":\"a\",\"jkt\":");
        yield return SignedClaims("an unknown member twice", "{\"@context\"", "{\"@a\":1,\"@a\":1,\"@context\"");
        yield return SignedClaims("a label twice", "\"jurisdiction\":\"eu\"", "\"jurisdiction\":\"eu\",\"jurisdiction\":\"us\"");
    }

    private static IEnumerable<KeyValuePair<string, string?>> OtherTokens()
    {
        var now = Vectors.Now;
        yield return new("a key proof", KeyProof.Create(Issuer, new RequestBinding("POST", "https://localhost:5000/a", "nonce"), now));
        yield return new("an enrolment proof", EnrolmentProof.Create(Issuer, Vectors.Registry.PublicUrl, "challenge", default, now));
        yield return new("a bootstrap proof", BootstrapProof.Create(Issuer, Vectors.Registry.PublicUrl, default, "name", now));
        yield return new("a status list", Forge.Token(Header.With("vc+jwt", "statuslist+jwt"), """{"sub":"https://localhost:5000/status/1","status_list":{"bits":1,"lst":"eNrbuRgAAhcBXQ"}}""", Issuer));
        yield return new("a genuine status list", Vectors.Section("status_lists")[0].GetProperty("token_list").Text("token"));
        yield return new("a genuine bitstring credential", Vectors.Section("status_lists")[0].GetProperty("bitstring").Text("token"));
        yield return new("a security event", Forge.Token(Header.With("vc+jwt", "secevent+jwt"), """{"iss":"did:web:localhost%3A5000","jti":"1","iat":1,"events":{}}""", Issuer));
        yield return new("a status list typed as a credential", Forge.Token(Header, """{"sub":"https://localhost:5000/status/1","status_list":{"bits":1,"lst":"eNrbuRgAAhcBXQ"}}""", Issuer));
    }

    private static KeyValuePair<string, string?> SignedHeader(string name, string piece, string replacement) => new(name, Forge.Token(Header.With(piece, replacement), Claims, Issuer));

    private static KeyValuePair<string, string?> SignedClaims(string name, string piece, string replacement) => new(name, Forge.Token(Header, Claims.With(piece, replacement), Issuer));

    private static string SigningInput(string header) => $"{B64(header)}.{B64(Claims)}";

    private static string B64(string text) => CanonicalBase64Url.Encode(Vectors.Utf8(text));

    private static string Rfc3339(int secondsAfter) => NumericDate.ToRfc3339(Vectors.Seconds + secondsAfter);

    // Signed over the odd spelling itself, so that only the spelling is wrong.
    // One signature in fifteen has no letter in which the alphabets differ.
    private static string InOtherAlphabet()
    {
        var token = Genuine;
        while (token.AsSpan().IndexOfAny('-', '_') < 0)
            token = Forge.Token(Header, Claims, Issuer);
        return token.Replace('-', '+').Replace('_', '/');
    }

    private static string WithStrayBitsSigned(int part)
    {
        for (var spaces = 0; ; spaces++)
        {
            string[] texts = [Header + (part == 0 ? new string(' ', spaces) : ""), Claims + (part == 1 ? new string(' ', spaces) : "")];
            if (Vectors.Utf8(texts[part]).Length % 3 == 0)
                continue;
            string[] encoded = [B64(texts[0]), B64(texts[1])];
            encoded[part] = Forge.WithStrayBits(encoded[part]);
            var signingInput = string.Join('.', encoded);
            return $"{signingInput}.{CanonicalBase64Url.Encode(Issuer.Sign(Encoding.ASCII.GetBytes(signingInput)))}";
        }
    }

    private static byte[] Deflated()
    {
        using var deflated = new MemoryStream();
        using (var deflate = new System.IO.Compression.DeflateStream(deflated, System.IO.Compression.CompressionLevel.Optimal))
            deflate.Write(Vectors.Utf8(Claims));
        return deflated.ToArray();
    }
}
