using AgentIdentity.Credentials;
using Google.Rpc;
using Grpc.Core;

namespace AgentIdentity.Client;

/// <summary>The registry answered, and refused. What did not reach it, or got no answer, stays an <see cref="RpcException"/>.</summary>
public sealed class RegistryRefusedException : Exception
{
    private const string Domain = "agentidentity.v1";
    private const string DetailsName = "grpc-status-details-bin";

    private RegistryRefusedException(string reason, TimeSpan? retryAfter, RpcException answer)
        : base($"{reason}: {answer.Status.Detail}", answer)
    {
        Reason = reason;
        Refusal = Refusals.TryParse(reason, out var refusal) ? refusal : null;
        Detail = answer.Status.Detail;
        StatusCode = answer.StatusCode;
        RetryAfter = retryAfter;
    }

    /// <summary>The stable name, for example <c>AGENT_FROZEN</c>.</summary>
    public string Reason { get; }

    /// <summary>The same, unless the registry is newer than this library and the name is one that it does not know.</summary>
    public Refusal? Refusal { get; }

    /// <summary>A sentence for people.</summary>
    public string Detail { get; }

    public StatusCode StatusCode { get; }

    /// <summary>When it is worth another try, where the registry said so.</summary>
    public TimeSpan? RetryAfter { get; }

    /// <summary>Whether the same request may be taken later: the registry is busy or behind, or asks for another nonce or a younger proof.</summary>
    public bool IsTransient => RetryAfter is not null
        || StatusCode is StatusCode.Unavailable or StatusCode.ResourceExhausted
        || Refusal is Credentials.Refusal.UseDpopNonce or Credentials.Refusal.ProofStale;

    /// <summary>Reads the refusal that a failed call carries. Null when it carries none of a registry.</summary>
    internal static RegistryRefusedException? From(RpcException answer)
    {
        if (answer.Trailers.Get(DetailsName) is not { IsBinary: true } entry || !TryParse(entry.ValueBytes, out var status))
            return null;
        string? reason = null;
        TimeSpan? retryAfter = null;
        foreach (var detail in status.Details)
        {
            if (detail.TryUnpack(out ErrorInfo info) && info.Domain == Domain)
                reason = info.Reason;
            else if (detail.TryUnpack(out RetryInfo retry))
                retryAfter = retry.RetryDelay?.ToTimeSpan();
        }
        return reason is null ? null : new RegistryRefusedException(reason, retryAfter, answer);
    }

    private static bool TryParse(byte[] details, out Google.Rpc.Status status)
    {
        try
        {
            status = Google.Rpc.Status.Parser.ParseFrom(details);
            return true;
        }
        catch (Google.Protobuf.InvalidProtocolBufferException)
        {
            // Something between us and the registry wrote it; the status code still says what happened.
            status = new Google.Rpc.Status();
            return false;
        }
    }
}
