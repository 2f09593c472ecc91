using System.Buffers;
using AgentIdentity.Ledger;
using AgentIdentity.Server.Grpc;

namespace AgentIdentity.Server.Gateways;

/// <summary>A request of an agent that a gateway holds back until it is told whether to let it through.</summary>
/// <param name="Method">As the agent sent it.</param>
/// <param name="Url">Where to.</param>
/// <param name="Authorization">The header; empty when it is not there, or more than once.</param>
/// <param name="Proof">The header <c>DPoP</c>; empty likewise.</param>
/// <param name="Certificate">SHA-256 of the client certificate that the agent's connection to the gateway has shown, where the gateway tells.</param>
internal sealed record HeldRequest(string Method, RequestUrl Url, string Authorization, string Proof, Hash? Certificate)
{
    private const int MethodMax = 32;

    // RFC 9110, section 5.6.2, of which a method is one.
    private static readonly SearchValues<char> TokenLetters = SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    /// <exception cref="CallRefusedException">The gateway does not say which request it asks about.</exception>
    public static HeldRequest Read(RouteRule rule, string method, string target, string authorization, string proof, Hash? certificate)
    {
        // Two that came for one are joined by a comma on the way.
        var isMethod = method.Length is > 0 and <= MethodMax && !method.AsSpan().ContainsAnyExcept(TokenLetters);
        return isMethod && RequestUrl.TryRead(rule.Origin, target, out var url)
            ? new HeldRequest(method, url, authorization, proof, certificate)
            : throw CallRefusedException.Malformed("The gateway has to say which request it asks about: origin, method, and path with query, each once.");
    }
}

/// <summary>What the gateway's configuration says of a route. Null: it is taken from the request, or from how the gateway is registered.</summary>
/// <param name="Origin">Scheme and host, as agents call them. Never taken from the request: whoever sends it may name any host.</param>
internal sealed record RouteRule(string Origin, string? Audience, string? Type, string? Action, string? Location)
{
    private const string OriginName = "origin";
    private const string AudienceName = "audience";
    private const string TypeName = "type";
    private const string ActionName = "action";
    private const string LocationName = "location";

    /// <param name="find">A value by its name; null when there is none.</param>
    /// <exception cref="CallRefusedException">The configuration does not say what it has to.</exception>
    public static RouteRule Read(Func<string, string?> find) => new(
        find(OriginName) ?? throw CallRefusedException.Malformed($"The gateway's configuration has to name the {OriginName} of the route, scheme and host as agents call them: https://tools.example."),
        find(AudienceName),
        find(TypeName),
        find(ActionName),
        find(LocationName));
}
