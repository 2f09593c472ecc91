using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Verification;
using AgentIdentity.Registry.State;
using AgentIdentity.Server.Grpc.Deadlines;
using Grpc.Core;

namespace AgentIdentity.Server.Grpc;

/// <summary>What is known about one call, gathered on its way in. Owned by the call.</summary>
internal sealed class CallState(AccessRow row, Listeners listener)
{
    public AccessRow Row { get; } = row;

    public Listeners Listener { get; } = listener;

    /// <summary>base64url SHA-256 of the first message as it came, for calls that are signed.</summary>
    public string? BodyHash { get; set; }

    /// <summary>Whether the gRPC layer could read the message, so that what follows is our answer and not its own.</summary>
    public bool WasRead { get; set; }

    /// <summary>The name of the refusal that ended the call, for counting.</summary>
    public string Reason { get; set; } = "";

    /// <summary>The key that signed the call, once that is proven.</summary>
    public KeyId? Key { get; set; }

    /// <summary>The agent that calls, if it is one.</summary>
    public AgentRecord? Agent { get; set; }

    /// <summary>The credential that the agent has shown with its proof, if it has. The ledger holds it, and it has not expired.</summary>
    public PresentedCredential? Shown { get; set; }

    /// <summary>The registered caller that calls, if it is one.</summary>
    public CallerRecord? Caller { get; set; }

    /// <summary>Kept with the request's items: each look among its features goes through all of their types, and each that is added there has everybody look up his own anew.</summary>
    public void Attach(HttpContext context) => context.Items[typeof(CallState)] = this;

    public static CallState? Find(ServerCallContext context) => HttpOf(context).Items[typeof(CallState)] as CallState;

    /// <summary>The call's HTTP context. Each interceptor asks for it, and those behind the outermost have a context that knows it.</summary>
    public static HttpContext HttpOf(ServerCallContext context) => context is BoundedCallContext bounded ? bounded.Http : context.GetHttpContext();

    public static CallState Of(ServerCallContext context) => Find(context) ?? throw new InvalidOperationException($"{context.Method} did not come through the gate.");
}
