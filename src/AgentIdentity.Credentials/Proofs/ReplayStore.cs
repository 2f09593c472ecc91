using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Proofs;

/// <summary>
/// Remembers the key proofs that were used, each by its key, <c>jti</c> and nonce, so that none is used twice. Its memory is taken once and never grows;
/// a full store refuses, since to forget one is to accept it again.
/// </summary>
/// <remarks>
/// Safe for all threads: of any number that burn the same proof exactly one is answered <see cref="Refusal.None"/>.
/// What the store no longer remembers, or never saw because it was before its start, is refused as stale by the proof's own time. So neither a restart
/// nor a clock that goes back brings a used proof to life again.
/// </remarks>
public sealed class ReplayStore
{
    /// <summary>How long a proof is remembered at least: twice the window in which it is accepted, and a margin.</summary>
    public static readonly TimeSpan Memory = (2 * KeyProof.Window) + TimeSpan.FromSeconds(5);

    // Enough that threads seldom meet, and each with enough places that they fill evenly.
    private const int StripesMax = 64;
    private const int StripeCapacityMin = 1024;

    // Names are hashed with a secret: whoever could choose where an entry falls could fill one stripe for everybody.
    private readonly byte[] _secret = RandomNumberGenerator.GetBytes(32);
    private readonly TimeProvider _clock;
    private readonly Stripe[] _stripes;

    /// <summary>A store that accepts up to <paramref name="capacity"/> proofs within <see cref="Memory"/>, at 48 bytes each.</summary>
    /// <param name="capacity">At least 1.</param>
    /// <param name="clock">Whose time the proofs are held against.</param>
    /// <param name="noncesAreOurs">
    /// Each proof that is burned carries a nonce which this process gave out, so it was not used before the start, however old it calls itself: a key holder's clock may be slow.
    /// Otherwise proofs of the second of the start, and older ones, are stale.
    /// </param>
    public ReplayStore(int capacity, TimeProvider clock, bool noncesAreOurs = false)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        _clock = clock;
        var stripes = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Clamp(capacity / StripeCapacityMin, 1, StripesMax));
        var unknownUpTo = noncesAreOurs ? long.MinValue : clock.GetUtcNow().ToUnixTimeSeconds();
        _stripes = new Stripe[stripes];
        for (var i = 0; i < stripes; i++)
            _stripes[i] = new Stripe((capacity + stripes - 1) / stripes, unknownUpTo, clock.GetTimestamp());
    }

    /// <summary>
    /// Uses the proof up. <see cref="Refusal.ProofReplayed"/> if it was used before, <see cref="Refusal.ProofStale"/> if that is no longer known,
    /// <see cref="Refusal.ReplayStoreFull"/> if it could not be remembered.
    /// </summary>
    public Refusal Burn(PresentedProof proof)
    {
        var name = Name(proof);
        var stripe = _stripes[(int)(name >> 64) & (_stripes.Length - 1)];
        return stripe.Burn(name, proof.IssuedAt.ToUnixTimeSeconds(), _clock);
    }

    // 16 bytes of a hash; never zero, which marks an empty place. The length of the jti stands before it, so that no two proofs run together.
    private UInt128 Name(PresentedProof proof)
    {
        var most = KeyId.Size + sizeof(int) + Encoding.UTF8.GetMaxByteCount(proof.Jti.Length) + Encoding.UTF8.GetMaxByteCount(proof.Nonce.Length);
        var text = ArrayPool<byte>.Shared.Rent(most);
        proof.Key.KeyId.CopyTo(text);
        BinaryPrimitives.WriteInt32BigEndian(text.AsSpan(KeyId.Size), proof.Jti.Length);
        var length = KeyId.Size + sizeof(int);
        length += Encoding.UTF8.GetBytes(proof.Jti, text.AsSpan(length));
        length += Encoding.UTF8.GetBytes(proof.Nonce, text.AsSpan(length));
        Span<byte> hash = stackalloc byte[Hash.Size];
        Sha256.Hash(_secret, text.AsSpan(0, length), hash);
        ArrayPool<byte>.Shared.Return(text);
        return BinaryPrimitives.ReadUInt128BigEndian(hash) | 1;
    }

    /// <summary>A part of the store under a lock of its own: what came since the last change of generations, and what came in the one before.</summary>
    private sealed class Stripe(int capacity, long unknownUpTo, long startedAtTimestamp)
    {
        private readonly Lock _lock = new();

        // All below are owned by whoever holds the lock.
        private Generation _current = new(capacity);
        private Generation _previous = new(capacity);
        private long _changedAt = startedAtTimestamp;
        private long _forgottenUpTo = unknownUpTo;

        public Refusal Burn(UInt128 name, long issuedAt, TimeProvider clock)
        {
            lock (_lock)
            {
                if (clock.GetElapsedTime(_changedAt) >= Memory)
                    ChangeGenerations(clock.GetTimestamp());
                if (issuedAt <= _forgottenUpTo)
                    return Refusal.ProofStale;
                return _previous.Contains(name) ? Refusal.ProofReplayed : _current.Add(name, issuedAt);
            }
        }

        private void ChangeGenerations(long now)
        {
            (_current, _previous) = (_previous, _current);
            _forgottenUpTo = Math.Max(_forgottenUpTo, _current.NewestIssuedAt);
            _current.Clear();
            _changedAt = now;
        }
    }

    /// <summary>An open-addressing table, two thirds full at most.</summary>
    private sealed class Generation(int capacity)
    {
        private readonly UInt128[] _names = new UInt128[capacity + (capacity / 2) + 1];
        private int _count;

        /// <summary>The latest time that a proof in it claims.</summary>
        public long NewestIssuedAt { get; private set; } = long.MinValue;

        // An empty table is not looked into: what was never touched takes no memory yet.
        public bool Contains(UInt128 name) => _count > 0 && _names[PlaceOf(name)] == name;

        public Refusal Add(UInt128 name, long issuedAt)
        {
            var place = PlaceOf(name);
            if (_names[place] == name)
                return Refusal.ProofReplayed;
            if (_count == capacity)
                return Refusal.ReplayStoreFull;
            _names[place] = name;
            _count++;
            NewestIssuedAt = Math.Max(NewestIssuedAt, issuedAt);
            return Refusal.None;
        }

        public void Clear()
        {
            Array.Clear(_names);
            _count = 0;
            NewestIssuedAt = long.MinValue;
        }

        // Where the name stands, or the empty place where it would.
        private int PlaceOf(UInt128 name)
        {
            var place = (int)Math.BigMul((ulong)name, (ulong)_names.Length, out _);
            while (_names[place] != 0 && _names[place] != name)
                place = place + 1 == _names.Length ? 0 : place + 1;
            return place;
        }
    }
}
