using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Operating;

/// <summary>What is to be signed, by how many operators and until when.</summary>
public sealed record ApprovalRequest(string Action, string Nonce, DateTimeOffset ExpiresAt, int OperatorsNeeded);

/// <summary>An action that enough operators have signed. Good once, when the writer has said so.</summary>
public sealed record Approved(IReadOnlyList<string> Tokens, IReadOnlyList<KeyId> Keys, string Nonce);

/// <summary>Acts that take two people. docs/formats.md, "Approval".</summary>
/// <remarks>A flow checks the approvals on the caller's thread, and in its decision, which the writer takes, uses them: only there is it certain that nobody has before.</remarks>
public sealed class Approvals(RegistrySettings settings, RegistryState state, TimeProvider clock)
{
    // An action of a thousand entries and a long reason.
    private const int ActionMax = 20_000;

    private static readonly TimeSpan Probation = TimeSpan.FromHours(24);

    // 8 bytes of time, 8 random, 16 of HMAC.
    private const int NonceSize = 32;
    private const int SeedSize = 16;

    private readonly byte[] _key = RandomNumberGenerator.GetBytes(32);

    // Owned by the writer: nonces and when they were given out. Each takes two operators' signatures, and is forgotten when its time is over.
    private readonly Dictionary<string, DateTimeOffset> _used = [];
    private DateTimeOffset _forgottenUpTo = DateTimeOffset.MinValue;

    /// <summary>Whether one person suffices: the registry was founded so.</summary>
    public bool IsSingleOperator => state.Founding is { SingleOperator: true };

    /// <summary>How many different people it takes.</summary>
    public int OperatorsNeeded => IsSingleOperator ? 1 : 2;

    /// <summary>Whether so many operators who may approve have a key left as it takes to restore anything, when some are out.</summary>
    /// <param name="isOut">Whose key is not to be counted.</param>
    /// <param name="pending">Stops that are about to be in the ledger.</param>
    /// <remarks>By the ledger and what is about to be in it. What is only denied may yet be refused by the writer, and two that deny each other's keys would both be.</remarks>
    internal bool EnoughAreLeft(Predicate<CallerRecord> isOut, IReadOnlyList<Stop> pending) =>
        state.Callers.Where(caller => Counts(caller, pending) && !isOut(caller)).DistinctBy(caller => caller.Id).Count() >= OperatorsNeeded;

    /// <summary>Whether a key is one that may approve now, unless one of the stops to come takes it.</summary>
    internal bool Counts(CallerRecord caller, IReadOnlyList<Stop> pending) =>
        IsSettledOperator(caller) && !IsStopped(Scope.Key(caller.Key.KeyId), pending);

    /// <summary>Gives the nonce for an action, a JSON object.</summary>
    public Outcome<ApprovalRequest> Begin(string action)
    {
        if (action.Length > ActionMax || !Jcs.TryCanonicalize(Encoding.UTF8.GetBytes(action), out var canonical) || canonical[0] != '{')
            return Refused.Because(Refusal.MessageMalformed, "An action is a JSON object: docs/formats.md, \"Approval\".");
        Span<byte> nonce = stackalloc byte[NonceSize];
        BinaryPrimitives.WriteInt64BigEndian(nonce, clock.GetUtcNow().ToUnixTimeMilliseconds());
        RandomNumberGenerator.Fill(nonce[8..SeedSize]);
        Seal(nonce[..SeedSize], canonical, nonce[SeedSize..]);
        return new ApprovalRequest(canonical, CanonicalBase64Url.Encode(nonce), IssuedAt(nonce) + Approval.Window, OperatorsNeeded);
    }

    /// <summary>Whether these are approvals of exactly this action by as many different operators as it takes.</summary>
    /// <param name="tokens">As they were sent.</param>
    /// <param name="action">What is going to be done, in JCS form.</param>
    public Outcome<Approved> Check(IReadOnlyList<string> tokens, string action)
    {
        if (tokens.Count != OperatorsNeeded)
            return Refused.Because(Refusal.NeedsTwoOperators, $"Expected the approvals of {OperatorsNeeded} operators, found {tokens.Count}.");
        var keys = new List<KeyId>();
        var nonce = "";
        foreach (var token in tokens)
        {
            var read = Read(token, action);
            if (read.IsRefused)
                return Refused.Because(read.Refusal, read.Detail);
            if (keys.Count > 0 && nonce != read.Value.Nonce)
                return Refused.Because(Refusal.ApprovalMismatch, "The approvals carry different nonces: both people sign the same.");
            nonce = read.Value.Nonce;
            keys.Add(read.Value.Key.KeyId);
        }
        // A person's keys, a passkey among them, have one id.
        return People(state, keys) == OperatorsNeeded
            ? new Approved(tokens, keys, nonce)
            : Refused.Because(Refusal.NeedsTwoOperators, "One person has signed twice; it takes two different ones.");
    }

    /// <summary>Uses approvals up. Only in a decision.</summary>
    public Outcome<bool> Use(Draft draft, Approved approved)
    {
        var now = clock.GetUtcNow();
        foreach (var (old, givenAt) in _used.Where(used => used.Value + (2 * Approval.Window) <= now).ToArray())
        {
            _used.Remove(old);
            _forgottenUpTo = givenAt > _forgottenUpTo ? givenAt : _forgottenUpTo;
        }
        if (People(draft.State, approved.Keys, draft) != OperatorsNeeded)
            return Refused.Because(Refusal.ApproverUnknown, "Who has signed is no operator any more.");
        // Enforcers and auditors hold them against the time of the entry that carries them, which may be later than now: to them what stands there would be forged, for good.
        var at = DateTimeOffset.FromUnixTimeMilliseconds(draft.At);
        if (approved.Tokens.Any(token => Approval.Read(token, settings.Name.PublicUrl, at, out _) != Refusal.None))
            return Refused.Because(Refusal.ApprovalStale, $"An approval is older than an hour by the ledger's own time, {at:u}: begin again, and if the clock was ahead, when it has nearly come to that time.");
        var given = IssuedAt(Base64Url.DecodeFromChars(approved.Nonce));
        // A clock that was ahead and is set back brings no used nonce to life again.
        if (given <= _forgottenUpTo)
            return Stale();
        return _used.TryAdd(approved.Nonce, given)
            ? true
            : Refused.Because(Refusal.ApprovalUsed, "These approvals have been used: each nonce serves for one act.");
    }

    private Outcome<Approval> Read(string token, string action)
    {
        var refusal = Approval.Read(token, settings.Name.PublicUrl, clock.GetUtcNow(), out var approval);
        if (refusal != Refusal.None)
            return Refused.Because(refusal, "An approval is not one for this registry, or older than an hour: docs/formats.md, \"Approval\".");
        if (state.FindCaller(approval!.Key.KeyId) is not { } caller || !approval.IsBy(caller.Key, caller.Passkey) || !MayApprove(state, caller))
            return Refused.Because(Refusal.ApproverUnknown, $"The key {approval.Key.KeyId} is no operator's, is stopped, was added less than a day ago, or is a passkey that has signed on another page.");
        if (approval.Action != action)
            return Refused.Because(Refusal.ApprovalMismatch, $"Expected approval of {Shown(action)}, found {Shown(approval.Action)}.");
        return IsGood(approval.Nonce, action)
            ? approval
            : Stale();
    }

    private static Refused Stale() => Refused.Because(Refusal.ApprovalStale, "The nonce is older than an hour, for another action, or from before a restart or a change of the clock: begin again.");

    private bool IsGood(string text, string action)
    {
        Span<byte> nonce = stackalloc byte[NonceSize];
        if (!CanonicalBase64Url.TryDecodeExactly(text, nonce))
            return false;
        Span<byte> expected = stackalloc byte[NonceSize - SeedSize];
        Seal(nonce[..SeedSize], action, expected);
        return CryptographicOperations.FixedTimeEquals(nonce[SeedSize..], expected) && (clock.GetUtcNow() - IssuedAt(nonce)).Duration() <= Approval.Window;
    }

    private void Seal(ReadOnlySpan<byte> seed, string action, Span<byte> destination)
    {
        Span<byte> mac = stackalloc byte[32];
        HMACSHA256.HashData(_key, [.. seed, .. Encoding.UTF8.GetBytes(action)], mac);
        mac[..destination.Length].CopyTo(destination);
    }

    private static DateTimeOffset IssuedAt(ReadOnlySpan<byte> nonce) => DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64BigEndian(nonce));

    // In a decision, who is removed in its group is an operator no more.
    private int People(RegistryState state, IReadOnlyList<KeyId> keys, Draft? draft = null) =>
        keys.Select(state.FindCaller).Where(caller => caller is not null && MayApprove(state, caller) && draft?.IsRemoved(caller.Id) != true).Select(caller => caller!.Id).Distinct().Count();

    private bool IsStopped(Scope key, IReadOnlyList<Stop> pending) =>
        state.Stops.Of(key).Any(stop => stop is { IsInForce: true, Denial: { State: >= StandingState.Frozen, After: null } }) || pending.Any(stop => stop.Scope == key && stop.State >= StandingState.Frozen);

    private bool MayApprove(RegistryState state, CallerRecord caller) => IsSettledOperator(caller) && !state.Stops.IsKeyStopped(caller.Key.KeyId);

    // Whoever adds an operator with two stolen keys has to wait for a day in which somebody may notice.
    private bool IsSettledOperator(CallerRecord caller) =>
        caller.Role == CallerRole.Operator && (caller.IsFounder || clock.GetUtcNow() - DateTimeOffset.FromUnixTimeMilliseconds(caller.RegisteredAt) >= Probation);

    private static string Shown(string action) => action.Length <= 200 ? action : string.Concat(action.AsSpan(0, 200), "…");
}
