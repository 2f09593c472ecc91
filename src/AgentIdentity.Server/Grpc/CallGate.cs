using AgentIdentity.Credentials;
using AgentIdentity.Server.Hosting;
using Grpc.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace AgentIdentity.Server.Grpc;

/// <summary>
/// Stands before the gRPC layer on its two listeners: lets through what the access table knows there, hashes what will have to be signed,
/// and gives our names to what the layer refuses by itself, which no interceptor sees.
/// </summary>
internal sealed class CallGate(RequestDelegate next, CallRefusals refusals, WorkSlots slots)
{
    private const string Identity = "identity";
    private const string ContentType = "application/grpc";

    public async Task InvokeAsync(HttpContext context)
    {
        var listener = context.Listener();
        if ((listener & (Listeners.Grpc | Listeners.Control)) == 0)
        {
            await next(context);
            return;
        }

        if (!IsGrpc(context.Request))
        {
            // In HTTP's own words: whoever speaks no gRPC would take the 200 of a refusal for success.
            context.Response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
            return;
        }

        if (AccessTable.Find(context.Request.Path.Value!) is not { } row || !row.Listeners.HasFlag(listener))
        {
            GrpcAnswer.Write(context.Response, new CallRefusedException(Refusal.MethodUnknown, "There is no such method on this listener."));
            return;
        }

        if (IsCompressed(context.Request))
        {
            // The gRPC layer brings providers of its own, whatever its settings list.
            context.Response.Headers["grpc-accept-encoding"] = Identity;
            GrpcAnswer.Write(context.Response, new CallRefusedException(Refusal.CompressionUnsupported, "Requests are not compressed here: grpc-encoding is identity."));
            return;
        }

        var call = new CallState(row, listener);
        call.Attach(context);
        LiftRate(context);
        // Who goes on speaking may be quiet for as long as it likes, once it has said who it is.
        var isProven = row.IsSigned && context.Request.Headers.ContainsKey(AuthenticationInterceptor.ProofName);
        if ((isProven || !row.IsTwoWay) && !await TryWaitForMessageAsync(context, call, isProven))
            return;
        if (!await TryWorkAsync(context, call))
            TurnAway(context, call);
        else if (!call.WasRead)
            NameOwnRefusal(context, call);
    }

    // Kestrel ends the connection of whoever is slower, with everybody's calls on it: behind a proxy those are other people's. The gRPC layer lifts it as well, for streams, and later.
    private static void LiftRate(HttpContext context)
    {
        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
            rate.MinDataRate = null;
    }

    private static async ValueTask<bool> TryWaitForMessageAsync(HttpContext context, CallState call, bool isProven)
    {
        var body = context.Request.BodyReader;
        // Of one message the layer waits for the end too, and for as long as that takes.
        var isOnly = !call.Row.IsTwoWay;
        if (!FirstMessage.TryLook(body, isProven, isOnly, out var hash))
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
            try
            {
                hash = await FirstMessage.LookAsync(body, isProven, isOnly, patience);
            }
            catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
            {
                GrpcAnswer.Write(context.Response, StatusCode.DeadlineExceeded, $"The message comes too slowly: after {Limits.BodyGrace.TotalSeconds} seconds, fewer than {Limits.BodyBytesPerSecondMin} bytes a second.");
                return false;
            }
        }
        call.BodyHash = hash;
        return true;
    }

    private Task<bool> TryWorkAsync(HttpContext context, CallState call) =>
        call.Listener != Listeners.Control && !call.Row.IsStream ? slots.TryRunAsync(next, context) : RunAsync(context);

    private async Task<bool> RunAsync(HttpContext context)
    {
        await next(context);
        return true;
    }

    private void TurnAway(HttpContext context, CallState call)
    {
        var refused = new CallRefusedException(Refusal.Overloaded, "More calls are waiting than can be served soon; try again later.");
        refusals.Note(call, refused.Refusal);
        GrpcAnswer.Write(context.Response, refused);
    }

    // With a message format (+proto) or a parameter behind it, or neither. application/grpc-web is another protocol.
    private static bool IsGrpc(HttpRequest request) =>
        request.ContentType is { } type && type.StartsWith(ContentType, StringComparison.OrdinalIgnoreCase) && (type.Length == ContentType.Length || type[ContentType.Length] is '+' or ';');

    private static bool IsCompressed(HttpRequest request) =>
        request.Headers.TryGetValue("grpc-encoding", out var encoding) && !string.Equals(encoding, Identity, StringComparison.Ordinal);

    private void NameOwnRefusal(HttpContext context, CallState call)
    {
        if (context.Response.HasStarted || !GrpcAnswer.TryReadStatus(context.Response, out var status) || LayerWord.IsAboutCompression(status))
            return;
        var refused = status.StatusCode switch
        {
            StatusCode.ResourceExhausted => CallRefusedException.TooLarge(),
            StatusCode.Internal or StatusCode.Unknown or StatusCode.InvalidArgument => CallRefusedException.Unreadable(),
            // A deadline, a caller who went away: the layer's own word says it.
            _ => null,
        };
        if (refused is null)
            return;
        refusals.Note(call, refused.Refusal);
        GrpcAnswer.Write(context.Response, refused);
    }
}
