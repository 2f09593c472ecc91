using System.Collections;
using System.Security.Cryptography;
using AgentIdentity.Credentials.Status;
using AgentIdentity.Ledger;

namespace AgentIdentity.Registry.State;

/// <summary>Which places of the status lists have been given. Places are given by chance within one list after the other: the order in which credentials were issued must not show in them.</summary>
/// <remarks>Changed by the writer; any thread may ask which list is open.</remarks>
internal sealed class StatusPlaces
{
    // With three places in four given, chance finds a free one at the fourth try on average.
    private const int GivenMax = StatusBitmap.Places / 4 * 3;

    private BitArray _given = new(StatusBitmap.Places);
    private int _count;
    private ulong _open;

    /// <summary>The list that places are given in. The next ones follow when it is full.</summary>
    public ulong Open => Volatile.Read(ref _open);

    /// <summary>A place that nobody was given, nor anybody who waits to be.</summary>
    public ulong Next(IReadOnlySet<ulong> pending)
    {
        var list = _count + pending.Count < GivenMax ? _open : _open + 1;
        while (true)
        {
            var place = new StatusPlace(list, RandomNumberGenerator.GetInt32(StatusBitmap.Places));
            if (!IsGiven(place) && !pending.Contains(place.Index))
                return place.Index;
        }
    }

    /// <summary>Folds in that a credential has a place.</summary>
    /// <exception cref="LedgerDamagedException">Another one has it.</exception>
    public void Give(LeafIndex index, ulong statusIndex)
    {
        var place = StatusPlace.Of(statusIndex);
        if (place.List < _open || IsGiven(place))
            throw new LedgerDamagedException($"Entry {index} gives a place of status list {place.List} that was given before.");
        if (place.List > _open)
            Begin(place.List);
        _given[place.Place] = true;
        _count++;
    }

    public StatusPlacesCopy Copy()
    {
        var given = new byte[StatusBitmap.Places / 8];
        _given.CopyTo(given, 0);
        return new StatusPlacesCopy(_open, given);
    }

    public void Restore(StatusPlacesCopy copy)
    {
        _open = copy.Open;
        _given = new BitArray(copy.Given);
        _count = copy.Given.Sum(bits => System.Numerics.BitOperations.PopCount(bits));
    }

    private bool IsGiven(StatusPlace place) => place.List == _open && _given[place.Place];

    private void Begin(ulong list)
    {
        _given.SetAll(false);
        _count = 0;
        Volatile.Write(ref _open, list);
    }
}

/// <summary>The open status list, and a bit for each of its places that was given.</summary>
internal sealed record StatusPlacesCopy(ulong Open, byte[] Given)
{
    public static StatusPlacesCopy None { get; } = new(0, new byte[StatusBitmap.Places / 8]);
}
