namespace Grpc.Core;

/// <summary>Adds what a call says about its caller to the call's headers.</summary>
/// <param name="context">The call.</param>
/// <param name="metadata">The headers to add to.</param>
/// <returns>Done when the headers are complete.</returns>
public delegate Task AsyncAuthInterceptor(AuthInterceptorContext context, Metadata metadata);

/// <summary>The call for which an <see cref="AsyncAuthInterceptor"/> is asked.</summary>
/// <param name="serviceUrl">The service as a URL.</param>
/// <param name="methodName">The method's name inside the service.</param>
/// <param name="cancellationToken">The call's token.</param>
public class AuthInterceptorContext(string serviceUrl, string methodName, CancellationToken cancellationToken)
{
    /// <summary>A call that cannot be cancelled.</summary>
    /// <param name="serviceUrl">The service as a URL.</param>
    /// <param name="methodName">The method's name inside the service.</param>
    public AuthInterceptorContext(string serviceUrl, string methodName) : this(serviceUrl, methodName, CancellationToken.None)
    {
    }

    /// <summary>The service as a URL.</summary>
    public string ServiceUrl { get; } = serviceUrl ?? throw new ArgumentNullException(nameof(serviceUrl));

    /// <summary>The method's name inside the service.</summary>
    public string MethodName { get; } = methodName ?? throw new ArgumentNullException(nameof(methodName));

    /// <summary>The call's token.</summary>
    public CancellationToken CancellationToken { get; } = cancellationToken;
}

/// <summary>What a call says about its caller.</summary>
public abstract class CallCredentials
{
    /// <summary>Several credentials on one call.</summary>
    /// <param name="credentials">At least two.</param>
    /// <returns>Their composition.</returns>
    public static CallCredentials Compose(params CallCredentials[] credentials) => new Composite(credentials);

    /// <summary>Credentials that are written into the headers.</summary>
    /// <param name="interceptor">Writes them, at each call.</param>
    /// <returns>The credentials.</returns>
    public static CallCredentials FromInterceptor(AsyncAuthInterceptor interceptor) => new Intercepted(interceptor);

    /// <summary>Tells a transport what these credentials are made of. For transports.</summary>
    /// <param name="configurator">The transport's side.</param>
    /// <param name="state">Handed back to it.</param>
    public abstract void InternalPopulateConfiguration(CallCredentialsConfiguratorBase configurator, object? state);

    private sealed class Composite : CallCredentials
    {
        private readonly IReadOnlyList<CallCredentials> parts;

        public Composite(CallCredentials[] credentials)
        {
            ArgumentNullException.ThrowIfNull(credentials);
            if (credentials.Length < 2)
                throw new ArgumentException("A composition takes two or more credentials.", nameof(credentials));
            parts = [.. credentials];
        }

        public override void InternalPopulateConfiguration(CallCredentialsConfiguratorBase configurator, object? state) =>
            configurator.SetCompositeCredentials(state, parts);
    }

    private sealed class Intercepted(AsyncAuthInterceptor interceptor) : CallCredentials
    {
        private readonly AsyncAuthInterceptor interceptor = interceptor ?? throw new ArgumentNullException(nameof(interceptor));

        public override void InternalPopulateConfiguration(CallCredentialsConfiguratorBase configurator, object? state) =>
            configurator.SetAsyncAuthInterceptorCredentials(state, interceptor);
    }
}

/// <summary>The side of a transport that learns what call credentials are made of.</summary>
public abstract class CallCredentialsConfiguratorBase
{
    /// <summary>They are several.</summary>
    /// <param name="state">The transport's own.</param>
    /// <param name="credentials">The parts.</param>
    public abstract void SetCompositeCredentials(object? state, IReadOnlyList<CallCredentials> credentials);

    /// <summary>They are written into the headers.</summary>
    /// <param name="state">The transport's own.</param>
    /// <param name="interceptor">Writes them.</param>
    public abstract void SetAsyncAuthInterceptorCredentials(object? state, AsyncAuthInterceptor interceptor);
}
