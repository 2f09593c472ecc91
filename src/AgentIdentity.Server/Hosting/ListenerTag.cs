using AgentIdentity.Server.Grpc;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace AgentIdentity.Server.Hosting;

/// <summary>Which listener a connection came in by, written on the connection where it is accepted, so that no header can say otherwise.</summary>
internal sealed record ListenerTag(Listeners Listener);

/// <summary>On an endpoint: where it answers.</summary>
internal sealed record ServedOn(Listeners Listeners);

internal static class ListenerTags
{
    public static void Tag(this ListenOptions listen, Listeners listener)
    {
        var tag = new ListenerTag(listener);
        listen.Use(next => connection =>
        {
            connection.Features.Set(tag);
            return next(connection);
        });
    }

    public static Listeners Listener(this HttpContext context) => (context.Items[typeof(ListenerTag)] as ListenerTag)?.Listener ?? Listeners.None;

    /// <summary>An HTTP endpoint that is asked for on another listener is not there.</summary>
    public static Task RequireListenerAsync(HttpContext context, RequestDelegate next)
    {
        // Looked up once: to find a feature of the connection takes the way through all of the request's.
        context.Items[typeof(ListenerTag)] = context.Features.Get<ListenerTag>();
        var served = context.GetEndpoint()?.Metadata.GetMetadata<ServedOn>()?.Listeners ?? Listeners.Grpc | Listeners.Control;
        if ((served & context.Listener()) != 0)
            return next(context);
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }
}
