namespace Grpc.Core.Interceptors;

/// <summary>A call as a client interceptor sees it.</summary>
/// <typeparam name="TRequest">The request.</typeparam>
/// <typeparam name="TResponse">The response.</typeparam>
/// <param name="method">The method.</param>
/// <param name="host">The host to name; null for the channel's.</param>
/// <param name="options">What the client says about the call.</param>
public struct ClientInterceptorContext<TRequest, TResponse>(Method<TRequest, TResponse> method, string? host, CallOptions options)
    where TRequest : class
    where TResponse : class
{
    /// <summary>The method.</summary>
    public Method<TRequest, TResponse> Method { get; } = method;

    /// <summary>The host to name; null for the channel's.</summary>
    public string? Host { get; } = host;

    /// <summary>What the client says about the call.</summary>
    public CallOptions Options { get; } = options;
}
