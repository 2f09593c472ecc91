using System.Buffers;
using AgentIdentity.Ledger;

namespace AgentIdentity.Server.Gateways;

/// <summary>A request of an agent that a gateway holds back until it is told whether to let it through.</summary>
/// <param name="Method">As the agent sent it.</param>
/// <param name="Url">Where to, as the agent called it.</param>
/// <param name="Authorization">The header; empty when it is not there, or more than once.</param>
/// <param name="Proof">The header <c>DPoP</c>; empty likewise.</param>
/// <param name="Certificate">SHA-256 of the client certificate that the agent's connection to the gateway has shown, where the gateway tells.</param>
internal sealed record HeldRequest(string Method, RequestUrl Url, string Authorization, string Proof, Hash? Certificate)
{
    private const int MethodMax = 32;

    // RFC 9110, section 5.6.2, of which a method is one.
    private static readonly SearchValues<char> TokenLetters = SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    /// <summary>Whether a gateway names one: two that came for one are joined by a comma on the way.</summary>
    public static bool IsMethod(string text) => text.Length is > 0 and <= MethodMax && !text.AsSpan().ContainsAnyExcept(TokenLetters);
}

/// <summary>What the gateway's configuration says of a route. Null: it is taken from the request, or from how the gateway is registered.</summary>
internal sealed record RouteRule(string? Audience, string? Type, string? Action, string? Location)
{
    public const string AudienceName = "audience";
    public const string TypeName = "type";
    public const string ActionName = "action";
    public const string LocationName = "location";
}
