using System.Collections.Frozen;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Credentials.Verification;
using AgentIdentity.Ledger;
using AgentIdentity.Registry;
using AgentIdentity.Registry.State;
using Grpc.Core;

namespace AgentIdentity.Server.Grpc;

/// <summary>Finds out who calls, and holds that against the access table. docs/formats.md, "Key proof".</summary>
internal sealed class AuthenticationInterceptor(RegistryNode registry, Quotas quotas, CertificateCallers certificates, TimeProvider clock) : GuardInterceptor
{
    public const string ProofName = "dpop";
    private const string CredentialName = "authorization";
    private const string CredentialScheme = "DPoP ";

    // What htu must name, for each method.
    private readonly FrozenDictionary<string, string> _urls =
        AccessTable.Rows.ToFrozenDictionary(row => row.Method, row => registry.Settings.Name.PublicUrl + row.Method, StringComparer.Ordinal);

    protected override void Require(CallState call, ServerCallContext context)
    {
        if (!registry.State.IsBootstrapped && !call.Row.BeforeGenesis)
            throw new CallRefusedException(Refusal.NotBootstrapped, "This registry has no operators yet: redeem the bootstrap secret first.");
        if (!call.Row.IsSigned)
            return;
        // The headers as HTTP has them: the metadata of the gRPC layer would be copied for each call.
        var http = CallState.HttpOf(context);
        if (http.Request.Headers.TryGetValue(ProofName, out var proof))
            RequireProof(call, http, proof.ToString());
        else if (http.Connection.ClientCertificate is { } certificate)
            RequireCertificate(call, certificate);
        else
            throw new CallRefusedException(Refusal.ProofMissing, "This call is signed: it carries a key proof in the metadata entry dpop.");
    }

    private void RequireProof(CallState call, HttpContext http, string proof)
    {
        var credential = Credential(http.Request.Headers);
        var credentialHash = credential is null ? null : Sha256.Hash(Encoding.UTF8.GetBytes(credential)).ToBase64Url();
        var presented = registry.Proofs.Check(proof, _urls[call.Row.Method], credentialHash, bodyHash: null).OrRefuse();
        var key = presented.Key.KeyId;
        call.Key = key;
        RequireQuota(call, key);
        if (registry.State.FindCaller(key) is { } caller)
            Admit(call, caller);
        else if (registry.State.FindAgent(key) is { } agent)
            Admit(call, agent, key);
        else
            throw new CallRefusedException(Refusal.CallerUnknown, "The key of the proof is neither an agent's nor a registered caller's.");

        RequireBody(call, presented);
        if (credential is not null)
            RequireCredential(call, key, credential, http.Connection.ClientCertificate);
        OfferNonce(http.Response, presented.Nonce);
    }

    private void RequireCertificate(CallState call, X509Certificate2 certificate)
    {
        if (!certificates.TryReadKey(certificate, out var key))
            throw new CallRefusedException(Refusal.CallerUnknown, "The client certificate's key is neither P-256 nor Ed25519.");
        call.Key = key.KeyId;
        RequireQuota(call, key.KeyId);
        Admit(call, certificates.Require(key.KeyId));
    }

    // Nobody is told to stop an agent more slowly.
    private void RequireQuota(CallState call, KeyId key)
    {
        if (call.Listener != Listeners.Control || registry.State.FindCaller(key) is not { Role: CallerRole.Operator })
            quotas.RequireFor(key);
    }

    private static void Admit(CallState call, CallerRecord caller)
    {
        if (!call.Row.Allows(caller.Role))
            throw NotPermitted(call, $"{caller.Role}s");
        // No authenticator signs such a request: whoever does holds a key that was added under a false name.
        if (caller.Passkey is not null)
            throw NotPermitted(call, "passkeys, which approve and sign no requests");
        call.Caller = caller;
    }

    private static void Admit(CallState call, AgentRecord agent, KeyId key)
    {
        if (agent.Key.KeyId != key)
            throw new CallRefusedException(Refusal.KeyRotated, "The agent has another key since; this one calls nobody here.");
        if (!call.Row.Callers.HasFlag(Callers.Agents))
            throw NotPermitted(call, "agents");
        call.Agent = agent;
    }

    // A caller that is no agent signs the message. An agent need not, but what it signed must be this.
    private static void RequireBody(CallState call, PresentedProof presented)
    {
        if (presented.BodyHash is null ? call.Caller is not null : presented.BodyHash != call.BodyHash)
            throw new CallRefusedException(Refusal.BodyMismatch, "The key proof must carry body_sha256 of exactly this message.");
    }

    // The key has been proven; the credential beside it must be one for that key, which the ledger holds.
    private void RequireCredential(CallState call, KeyId key, string credential, X509Certificate2? certificate)
    {
        if (registry.CredentialReader.Read(credential, out var presented) != Refusal.None)
            throw new CallRefusedException(Refusal.CredentialInvalid, "The credential in authorization is not one of this registry.");
        var claims = presented!.Claims;
        if (call.Agent is null || claims.AgentId != call.Agent.Id || claims.Jkt != key)
            throw new CallRefusedException(Refusal.ProofKeyMismatch, "The credential in authorization is bound to another key than the proof's.");
        // Only who shows one pays for its hash.
        if (claims.Certificate is not null && PresentedCredential.CheckCertificate(claims, certificate is null ? null : Sha256.Hash(certificate.RawDataMemory.Span)) is var bound and not Refusal.None)
            throw new CallRefusedException(bound, "The credential in authorization is bound to a client certificate, and this connection has not shown it.");
        var logged = registry.Verification.CheckLogged(presented, clock.GetUtcNow());
        if (logged == Refusal.CredentialExpired && call.Row.AcceptsExpired)
            return;
        if (logged != Refusal.None)
            throw new CallRefusedException(logged, "The credential in authorization is not in its time, or the ledger does not hold it.");
        call.Shown = presented;
    }

    private void OfferNonce(HttpResponse response, string used)
    {
        var current = registry.Nonces.Current();
        if (used != current)
            response.Headers[RefusalStatus.NonceName] = current;
    }

    private static string? Credential(IHeaderDictionary headers) => headers[CredentialName].ToString() switch
    {
        "" => null,
        var text when text.StartsWith(CredentialScheme, StringComparison.OrdinalIgnoreCase) => text[CredentialScheme.Length..],
        _ => throw new CallRefusedException(Refusal.CredentialInvalid, "The metadata entry authorization is DPoP and a credential."),
    };

    private static CallRefusedException NotPermitted(CallState call, string who) =>
        new(Refusal.NotPermitted, $"{call.Row.Method} is not for {who.ToLowerInvariant()}.");
}
