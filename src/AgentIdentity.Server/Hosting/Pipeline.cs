using AgentIdentity.Registry;
using AgentIdentity.Server.Chain;
using AgentIdentity.Server.Gateways;
using AgentIdentity.Server.Grpc;
using AgentIdentity.Server.Grpc.Deadlines;
using AgentIdentity.Server.Http;
using AgentIdentity.Server.Options;
using AgentIdentity.Server.Pages;
using AgentIdentity.Server.Telemetry;
using Google.Protobuf.Reflection;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using HealthStatus = Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus;
using Wire = AgentIdentity.Protocol.V1;

namespace AgentIdentity.Server.Hosting;

/// <summary>What stands between a connection and a service, in the order in which a call meets it.</summary>
internal static class Pipeline
{
    internal static readonly FileDescriptor[] Served =
    [
        Wire.RegistryReflection.Descriptor, Wire.AccessReflection.Descriptor, Wire.CredentialsReflection.Descriptor, Wire.LedgerReflection.Descriptor, Wire.ControlReflection.Descriptor,
        Wire.QuestionsReflection.Descriptor, Wire.AdminReflection.Descriptor, global::Grpc.Health.V1.HealthReflection.Descriptor, global::Grpc.Reflection.V1.ReflectionReflection.Descriptor,
        global::Grpc.Reflection.V1Alpha.ReflectionReflection.Descriptor, Envoy.Service.Auth.V3.ExternalAuthReflection.Descriptor,
    ];

    public static WebApplication Build(ServerOptions options, OpenRegistry registry, ChainAnchoring? anchoring, Certificates? certificates, ILoggerFactory loggers, TimeProvider clock)
    {
        // The empty builder reads no settings file and no environment: what is said here is all there is.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => Listening.Configure(kestrel, options, certificates));
        var services = builder.Services;
        services.AddSingleton(loggers).AddSingleton(clock).AddSingleton(options).AddSingleton(registry.Node).AddSingleton(registry.Disk).AddSingleton(registry.BootstrapFile);
        services.Configure<HostOptions>(host => host.ShutdownTimeout = ServerHost.DrainTime);
        services.Configure<ConsoleLifetimeOptions>(console => console.SuppressStatusMessages = true);
        services.AddSingleton<CallMetrics>().AddSingleton(provider => new PrometheusText(provider.GetRequiredService<CallMetrics>().Meter));
        if (anchoring is not null)
            services.AddSingleton(anchoring);
        AddGrpc(services);

        var app = builder.Build();
        anchoring?.Measure(app.Services.GetRequiredService<CallMetrics>().Meter);
        app.Use(next => context => WithoutScope(next, context, app.Services));
        app.Use(next => context => ListenerTags.RequireListenerAsync(context, next));
        app.Use(next => context => PublicEndpoints.ForAllOrigins(context, next));
        app.Use(next => DeadlineInterceptor.TakeOver(next, clock));
        app.UseMiddleware<CallGate>();
        MapServices(app);
        app.Services.GetRequiredService<AuthEndpoint>().Map(app);
        PublicEndpoints.Map(app, registry.Node, app.Services.GetRequiredService<PrometheusText>(), clock);
        ConsolePages.Map(app, registry.Node.Settings.Name.PublicUrl);
        Announce(app, registry.Node);
        return app;
    }

    // Every service here lives as long as the server: a scope of its own would hold nothing, and each call would make and end one.
    private static Task WithoutScope(RequestDelegate next, HttpContext context, IServiceProvider services)
    {
        context.RequestServices = services;
        return next(context);
    }

    private static void AddGrpc(IServiceCollection services)
    {
        services.AddSingleton<Quotas>().AddSingleton<WorkSlots>().AddSingleton<CallRefusals>().AddSingleton<CertificateCallers>();
        services.AddSingleton<DeadlineInterceptor>().AddSingleton<TelemetryInterceptor>().AddSingleton<ErrorInterceptor>()
            .AddSingleton<LimitsInterceptor>().AddSingleton<AuthenticationInterceptor>().AddSingleton<SponsorTurns>();
        services.AddSingleton(built => new InterceptorChain(
            built.GetRequiredService<DeadlineInterceptor>(), built.GetRequiredService<TelemetryInterceptor>(), built.GetRequiredService<ErrorInterceptor>(),
            built.GetRequiredService<LimitsInterceptor>(), built.GetRequiredService<AuthenticationInterceptor>(), built.GetRequiredService<SponsorTurns>()));
        services.AddSingleton<RegistryService>().AddSingleton<AccessService>().AddSingleton<CredentialsService>().AddSingleton<LedgerService>().AddSingleton<ControlService>().AddSingleton<QuestionsService>().AddSingleton<AdminService>();
        services.AddSingleton<GatewayDecisions>().AddSingleton<AuthEndpoint>().AddSingleton<ExtAuthzService>();
        services.AddSingleton<HealthService>().AddSingleton<ReflectionService>().AddSingleton<ReflectionV1AlphaService>().AddSingleton(new DescriptorIndex(Served));
        services.AddGrpc(grpc =>
        {
            grpc.MaxReceiveMessageSize = Limits.MessageBytesMax;
            grpc.MaxSendMessageSize = Limits.AnswerBytesMax;
            // None: a compressed request is refused, and nothing secret is ever compressed beside what a caller chose.
            grpc.CompressionProviders = [];
            grpc.Interceptors.Add<InterceptorChain>();
        });
    }

    private static void MapServices(WebApplication app)
    {
        app.MapGrpcService<RegistryService>();
        app.MapGrpcService<CredentialsService>();
        app.MapGrpcService<LedgerService>();
        app.MapGrpcService<AccessService>();
        app.MapGrpcService<ControlService>();
        app.MapGrpcService<QuestionsService>();
        app.MapGrpcService<AdminService>();
        app.MapGrpcService<ExtAuthzService>();
        app.MapGrpcService<HealthService>();
        app.MapGrpcService<ReflectionService>();
        app.MapGrpcService<ReflectionV1AlphaService>();
    }

    private static void Announce(WebApplication app, RegistryNode registry)
    {
        var health = app.Services.GetRequiredService<HealthService>();
        foreach (var service in Served.SelectMany(file => file.Services).Select(service => service.FullName).Prepend(""))
            health.Set(service, HealthStatus.Serving);
        app.Lifetime.ApplicationStopping.Register(health.StopServing);
        registry.Standing.Ended.ContinueWith(_ => health.StopServing(), TaskScheduler.Default);
    }
}
