using AgentIdentity.Client.Enforcing;
using AgentIdentity.Ledger;

namespace AgentIdentity.AspNetCore;

/// <summary>Says whether a request may come in. Whatever goes wrong is a verdict that keeps it out; nothing is thrown but a cancellation. Safe for all threads.</summary>
internal interface IVerifier
{
    /// <summary>The nonces that proofs must carry.</summary>
    NonceIssuer Nonces { get; }

    ValueTask<Verdict> VerifyAsync(ToolRequest request, CancellationToken cancellationToken);

    /// <summary>Ends a request that goes on for a while when its agent is stopped. What is disposed of when it has ended by itself; null where nobody watches.</summary>
    IDisposable? Watch(Verdict verdict, AgentAction action, Action<string> ended);

    /// <summary>Done when it can answer, so that a tool does not open before.</summary>
    Task WaitUntilReadyAsync(CancellationToken cancellationToken);
}

/// <summary>What came to the tool.</summary>
/// <param name="Proof">The key proof; null when the connection's client certificate is to stand for it.</param>
/// <param name="Certificate">SHA-256 of that certificate, if the connection has shown one.</param>
/// <param name="BodyHash">base64url SHA-256 of the body, where the proof must cover it.</param>
internal sealed record ToolRequest(string Credential, string? Proof, string Method, string Url, string Audience, AgentAction Action, Hash? Certificate, string? BodyHash);

/// <summary>Who was let in. <paramref name="Superiors"/> are the DIDs of those above it in its chain of command, nearest first.</summary>
internal sealed record LetIn(string Did, string Sponsor, string Blueprint, string Jti, IReadOnlyList<LabelSaid> Labels, IReadOnlyList<string> Superiors, string? TopSponsor);

/// <summary>A label, and the claim that says who says so.</summary>
internal readonly record struct LabelSaid(string Claim, string Name, string Value);

/// <summary>The answer: <paramref name="Reason"/> is a stable name, <paramref name="Agent"/> is there when it is allowed.</summary>
internal sealed record Verdict(string Reason, LetIn? Agent, BoundSession? Session = null)
{
    public static Verdict Refused(string reason) => new(reason, null);
}
