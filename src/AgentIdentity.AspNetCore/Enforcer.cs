using AgentIdentity.Client;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Protocol.V1;
using Microsoft.Extensions.Options;

namespace AgentIdentity.AspNetCore;

/// <summary>The tool as the registry knows it: its key, its connection and its nonces, one for the life of the process.</summary>
internal sealed class Enforcer : IDisposable
{
    private readonly PrivateKey _key;
    private readonly RegistryConnection _connection;

    public Enforcer(IOptionsMonitor<AgentIdentityOptions> monitor)
    {
        var options = monitor.Get(AgentIdentityDefaults.Scheme);
        var clock = options.TimeProvider ?? TimeProvider.System;
        Nonces = new NonceIssuer(clock);
        _key = options.ReadKey();
        _connection = new RegistryConnection(
            new ConnectionOptions
            {
                GrpcUrl = options.RegistryUrl,
                PublicUrl = options.RegistryPublicUrl,
                TrustedCertificateFile = options.TrustedCertificateFile,
                CheckpointFolder = options.CheckpointFolder,
                LogKey = options.ReadLogKey(),
                Deadline = options.Deadline,
                Clock = clock,
            },
            _key);
    }

    public NonceIssuer Nonces { get; }

    /// <summary>Asks about every request: a proof of possession that was good once says nothing about the next.</summary>
    public async Task<VerifyResponse> VerifyAsync(VerifyRequest request, CancellationToken cancellationToken) =>
        await _connection.Credentials.VerifyAsync(request, cancellationToken: cancellationToken);

    public void Dispose()
    {
        _connection.Dispose();
        _key.Dispose();
    }
}
