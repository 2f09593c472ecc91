using System.Text;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;
using Google.Protobuf;

namespace AgentIdentity.Server.Grpc;

/// <summary>Where a list goes on: a place in the order of enrolment (of one sponsor's agents where one is named), or of creation, which never changes, so that a token stays good for ever, for what was asked.</summary>
internal static class PageToken
{
    private const int AboutLength = 11;

    /// <param name="token">As it was written; empty at the beginning.</param>
    /// <param name="filter">What the list is narrowed to: a record, whose text tells it from every other one.</param>
    public static int Read(string token, object filter)
    {
        if (token.Length == 0)
            return 0;
        return token.Split('.') is [{ Length: <= 10 } digits, var about] && about == About(filter) && !digits.AsSpan().ContainsAnyExceptInRange('0', '9') && int.TryParse(digits, out var place)
            ? place
            : throw Foreign();
    }

    public static string Write(int? next, object filter) => next is { } place ? $"{place}.{About(filter)}" : "";

    /// <summary>What is asked, in a few letters: a place in one answer lies somewhere in the middle of another.</summary>
    /// <param name="method">The method.</param>
    /// <param name="request">The message; of its field <c>question</c>, which names moment and page, nothing counts.</param>
    public static string About(string method, IMessage request)
    {
        var asked = request.Descriptor.Parser.ParseFrom(request.ToByteArray());
        asked.Descriptor.FindFieldByName("question").Accessor.Clear(asked);
        return About([.. Encoding.UTF8.GetBytes(method), .. asked.ToByteArray()]);
    }

    public static CallRefusedException Foreign() => CallRefusedException.Malformed("The page token is not one of this question.");

    private static string About(object filter) => About(Encoding.UTF8.GetBytes(filter.ToString()!));

    private static string About(byte[] asked) => Sha256.Hash(asked).ToBase64Url()[..AboutLength];
}
