using System.Diagnostics.CodeAnalysis;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Passkeys;

/// <summary>What an authenticator has signed (WebAuthn), as it came: nothing of it is verified yet.</summary>
/// <param name="AuthenticatorData">Relying party, flags and counter.</param>
/// <param name="ClientData">What the browser says of the page that asked, JSON.</param>
/// <param name="Signature">r ‖ s.</param>
public sealed record PasskeyAssertion(ReadOnlyMemory<byte> AuthenticatorData, ReadOnlyMemory<byte> ClientData, ReadOnlyMemory<byte> Signature)
{
    private const int AuthenticatorDataSize = Hash.Size + 1 + sizeof(uint);

    private const byte UserPresent = 0x01;
    private const byte UserVerified = 0x04;
    private const byte BackupEligible = 0x08;
    private const byte BackedUp = 0x10;
    private const byte AttestedData = 0x40;
    private const byte Extensions = 0x80;

    /// <summary>Whether the key's owner, present and verified, has signed this challenge, on which page. Steps: docs/formats.md, "Passkeys", from 2.</summary>
    /// <remarks>Whether the key may sign there is the caller's question: it holds the origin against the one that the key was added with.</remarks>
    public bool TryVerify(PublicKey key, Hash challenge, [NotNullWhen(true)] out PasskeyOrigin? origin)
    {
        // 2. What the browser saw.
        if (!TryReadClientData(challenge, out origin))
            return false;

        // 3. What the authenticator saw: the same host, and its owner.
        if (!IsOfOwnerAt(origin))
            return false;

        // 4. Both are under the signature.
        var signed = (byte[])[.. AuthenticatorData.Span, .. Sha256.Hash(ClientData.Span).ToArray()];
        return key.Algorithm == KeyAlgorithm.ES256 && key.Verifies(signed, Signature.Span);
    }

    private bool TryReadClientData(Hash challenge, [NotNullWhen(true)] out PasskeyOrigin? origin)
    {
        origin = null;
        if (!StrictJson.TryParseObject(ClientData, out var document))
            return false;
        using (document)
        {
            var said = document.RootElement;
            return said.HasText("type"u8, "webauthn.get")
                && said.HasText("challenge"u8, challenge.ToBase64Url())
                && said.TryGetText("origin"u8, int.MaxValue, out var text) && PasskeyOrigin.TryParse(text, out origin)
                && (!said.TryGetMember("crossOrigin"u8, out var crossOrigin) || crossOrigin.ValueKind == System.Text.Json.JsonValueKind.False)
                && !said.TryGetMember("topOrigin"u8, out _);
        }
    }

    private bool IsOfOwnerAt(PasskeyOrigin origin)
    {
        var data = AuthenticatorData.Span;
        if (data.Length != AuthenticatorDataSize || Hash.Read(data[..Hash.Size]) != origin.RelyingPartyHash)
            return false;
        var flags = data[Hash.Size];
        var isOwner = (flags & (UserPresent | UserVerified)) == (UserPresent | UserVerified);
        var isBackupPossible = (flags & BackedUp) == 0 || (flags & BackupEligible) != 0;
        return isOwner && isBackupPossible && (flags & (AttestedData | Extensions)) == 0;
    }
}
