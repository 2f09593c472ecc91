namespace AgentIdentity.Server.Grpc;

/// <summary>Where a list goes on: a place in the order of enrolment, or of creation, which never changes, so that a token stays good for ever.</summary>
internal static class PageToken
{
    public static int Read(string token)
    {
        if (token.Length == 0)
            return 0;
        return token.Length <= 10 && !token.AsSpan().ContainsAnyExceptInRange('0', '9') && int.TryParse(token, out var place)
            ? place
            : throw CallRefusedException.Malformed("The page token is not one of this method.");
    }

    public static string Write(int? next) => next?.ToString() ?? "";
}
