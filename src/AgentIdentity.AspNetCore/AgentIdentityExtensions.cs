using AgentIdentity.AspNetCore;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Guards the endpoints of a tool.</summary>
public static class AgentIdentityExtensions
{
    /// <summary>Adds the authentication scheme "AgentIdentity" and what it needs.</summary>
    public static IServiceCollection AddAgentIdentity(this IServiceCollection services, Action<AgentIdentityOptions> configure)
    {
        // Not AddAuthentication: that writes data protection keys into the user's home folder, for cookies that agents do not have.
        services.AddAuthenticationCore();
        services.AddWebEncoders();
        services.TryAddSingleton(TimeProvider.System);
        new AuthenticationBuilder(services).AddScheme<AgentIdentityOptions, AgentIdentityHandler>(AgentIdentityDefaults.Scheme, configure);
        services.AddAuthorization();
        services.TryAddSingleton<LocalVerifier>();
        services.TryAddSingleton<RegistryVerifier>();
        services.TryAddSingleton<IVerifier>(Verifier);
        services.TryAddSingleton(provider => provider.GetRequiredService<LocalVerifier>().Enforcer);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, Opening>());
        return services;
    }

    /// <summary>Puts the guard into the pipeline. An endpoint that requires an agent fails without it, and is never open.</summary>
    public static IApplicationBuilder UseAgentIdentity(this IApplicationBuilder app)
    {
        // Made now, so that a tool without its key or with a wrong URL does not start.
        _ = app.ApplicationServices.GetRequiredService<IVerifier>();
        return app.UseAuthentication().UseAuthorization();
    }

    /// <summary>Lets only agents in whose credential is for this tool and covers the action. Once for each endpoint: a tool in which an endpoint and its groups name several actions does not start.</summary>
    /// <param name="builder">The endpoint, or a group of them.</param>
    /// <param name="type">The type of the item in the envelope.</param>
    /// <param name="action">What the endpoint does.</param>
    /// <param name="location">What it does it to.</param>
    public static TBuilder RequireAgent<TBuilder>(this TBuilder builder, string type, string action, string location)
        where TBuilder : IEndpointConventionBuilder
    {
        var required = new AgentAction(type, action, location);
        var policy = new AuthorizationPolicyBuilder(AgentIdentityDefaults.Scheme).RequireAssertion(asked => AgentIdentityHandler.HasLetIn(asked.Resource, required)).Build();
        return builder.WithMetadata(required).RequireAuthorization(policy);
    }

    /// <summary>Lets an agent in only with a proof that covers the body: for what cannot be undone. Beside <see cref="RequireAgent{TBuilder}"/>.</summary>
    /// <param name="builder">The endpoint, or a group of them.</param>
    /// <param name="bytesMax">A longer body is refused.</param>
    public static TBuilder RequireSignedBody<TBuilder>(this TBuilder builder, int bytesMax = SignedBody.BytesMaxDefault)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new SignedBody(bytesMax));

    // Only one of the two is ever made.
    private static IVerifier Verifier(IServiceProvider provider) => provider.GetRequiredService<IOptionsMonitor<AgentIdentityOptions>>().Get(AgentIdentityDefaults.Scheme).AskRegistry
        ? provider.GetRequiredService<RegistryVerifier>()
        : provider.GetRequiredService<LocalVerifier>();
}
