using AgentIdentity.Client;
using AgentIdentity.Client.Enforcing;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Verification;
using AgentIdentity.Protocol.V1;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace AgentIdentity.AspNetCore;

/// <summary>Asks the registry about every request: a proof of possession that was good once says nothing about the next.</summary>
internal sealed class RegistryVerifier : IVerifier, IDisposable
{
    private readonly ILogger<RegistryVerifier> _logger;
    private readonly TimeProvider _clock;
    private readonly PrivateKey _key;
    private readonly RegistryConnection _connection;

    public RegistryVerifier(IOptionsMonitor<AgentIdentityOptions> monitor, ILogger<RegistryVerifier> logger)
    {
        var options = monitor.Get(AgentIdentityDefaults.Scheme);
        _logger = logger;
        _clock = options.TimeProvider ?? TimeProvider.System;
        Nonces = new NonceIssuer(_clock);
        _key = options.ReadKey();
        _connection = new RegistryConnection(options.Connection(_clock), _key);
    }

    public NonceIssuer Nonces { get; }

    public async ValueTask<Verdict> VerifyAsync(ToolRequest request, CancellationToken cancellationToken)
    {
        if (request.Proof is null)
            return await AskAsync(request, "", cancellationToken);
        var refusal = KeyProof.Read(request.Proof, _clock.GetUtcNow(), out var proof);
        if (refusal == Refusal.None && !Nonces.IsGood(proof!.Nonce))
            refusal = Refusal.UseDpopNonce;
        // The registry checks all else of the proof, and never sees the body.
        if (refusal == Refusal.None && request.BodyHash is not null && proof!.BodyHash != request.BodyHash)
            refusal = Refusal.BodyMismatch;
        return refusal != Refusal.None ? Verdict.Refused(refusal.Name()) : await AskAsync(request, proof!.Nonce, cancellationToken);
    }

    public IDisposable? Watch(Verdict verdict, AgentAction action, Action<string> ended) => null;

    public Task WaitUntilReadyAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose()
    {
        _connection.Dispose();
        _key.Dispose();
    }

    private async Task<Verdict> AskAsync(ToolRequest request, string nonce, CancellationToken cancellationToken)
    {
        try
        {
            var question = new VerifyRequest
            {
                Credential = request.Credential,
                Proof = request.Proof ?? "",
                CertificateSha256 = request.Certificate is { } certificate ? UnsafeByteOperations.UnsafeWrap(certificate.ToArray()) : ByteString.Empty,
                Method = request.Method,
                Url = request.Url,
                Nonce = nonce,
                Audience = request.Audience,
                Action = new Protocol.V1.Action { Type = request.Action.Type, Action_ = request.Action.Action, Location = request.Action.Location },
            };
            var answer = await _connection.Credentials.VerifyAsync(question, cancellationToken: cancellationToken);
            if (!answer.Allowed)
                return Verdict.Refused(answer.Reason);
            var agent = answer.Presented;
            return answer.RelyUntil <= _clock.GetUtcNow().ToUnixTimeMilliseconds()
                ? Verdict.Refused(Refusal.CredentialExpired.Name())
                : new Verdict(answer.Reason, new LetIn(agent.Did, agent.Sponsor, agent.Blueprint, agent.Jti, [.. agent.Labels.Select(Said)], [.. agent.Chain.Select(above => above.Did)], agent.Chain.LastOrDefault()?.Sponsor));
        }
        catch (RegistryRefusedException refusal)
        {
            // The registry refuses to answer this tool, which is for its operators to mend; no agent can.
            _logger.LogError("The registry does not answer this tool: {Reason}, {Detail}", refusal.Reason, refusal.Detail);
            return Verdict.Refused(HttpRefusal.RegistryUnreachable);
        }
        catch (CheckpointContradictedException contradicted)
        {
            _logger.LogCritical("The registry is not the one that this tool knew, and is not asked: {Message} Keep {EvidenceFile}", contradicted.Message, contradicted.EvidenceFile);
            return Verdict.Refused(HttpRefusal.RegistryUnreachable);
        }
        catch (Exception failure) when (failure is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            _logger.LogError("What this tool remembers of the registry's log cannot be read or written: {Message}", failure.Message);
            return Verdict.Refused(HttpRefusal.RegistryUnreachable);
        }
        catch (RpcException failure)
        {
            _logger.LogWarning("The registry cannot be asked: {Status}", failure.Status);
            return Verdict.Refused(HttpRefusal.RegistryUnreachable);
        }
    }

    // What a later registry may name is at least nobody's word that is known here.
    private static LabelSaid Said(Label label) => new(
        label.Provenance switch
        {
            LabelProvenance.Attested => AgentIdentityDefaults.AttestedLabelClaim,
            LabelProvenance.Sponsor => AgentIdentityDefaults.LabelClaim,
            _ => AgentIdentityDefaults.StatedLabelClaim,
        },
        label.Name,
        label.Value);
}
