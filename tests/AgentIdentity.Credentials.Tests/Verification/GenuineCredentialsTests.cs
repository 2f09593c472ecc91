using AgentIdentity.Credentials.Issuing;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Credentials.Verification;

namespace AgentIdentity.Credentials.Tests.Verification;

public sealed class GenuineCredentialsTests
{
    private static readonly PrivateKey Issuer = Vectors.Key("issuer");

    [Fact]
    public void What_was_added_is_found_by_all_of_its_letters_and_by_no_other_text()
    {
        var genuine = new GenuineCredentials(16);
        var token = CredentialWriter.Sign(Vectors.Claims(), Vectors.Registry, Issuer);
        Assert.Null(Found(token));
        var credential = Read(token);
        genuine.Add(token, credential);
        Assert.Same(credential, Found(token));
        for (var i = 0; i < token.Length; i++)
            Assert.Null(Found($"{token[..i]}{(token[i] == 'A' ? 'B' : 'A')}{token[(i + 1)..]}"));
        Assert.Null(Found(token[1..]));
        Assert.Null(Found(token + "A"));
        Assert.Null(Found(""));
        Assert.Null(genuine.Find($"{token[..^1]}é"));

        // By the text and by its bytes.
        PresentedCredential? Found(string text)
        {
            var found = genuine.Find(text);
            Assert.Same(found, genuine.Find((TokenText)text));
            return found;
        }
    }

    [Fact]
    public void A_full_table_has_kept_the_newest_and_no_more_than_it_holds()
    {
        var genuine = new GenuineCredentials(16);
        string[] tokens = [.. Enumerable.Range(0, 100).Select(_ => CredentialWriter.Sign(Vectors.Claims(), Vectors.Registry, Issuer))];
        foreach (var token in tokens)
            genuine.Add(token, Read(token));
        Assert.NotNull(genuine.Find(tokens[^1]));
        Assert.InRange(tokens.Count(token => genuine.Find(token) is not null), 12, 16);
    }

    private static PresentedCredential Read(string token)
    {
        Assert.Equal(Refusal.None, PresentedCredential.Read(token, Vectors.Registry, _ => Issuer.PublicKey, out var credential));
        return credential!;
    }
}
