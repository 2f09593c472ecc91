using AgentIdentity.Credentials.Entries;

namespace AgentIdentity.Credentials.Delegation;

/// <summary>What may be used up, by unit: 1 to 16 distinct units of 1 to 64 visible ASCII characters, each with an amount of at least 1.</summary>
public static class Budgets
{
    /// <summary>Units in one list at most.</summary>
    public const int CountMax = 16;

    /// <summary>Characters of a unit at most.</summary>
    public const int UnitLengthMax = 64;

    /// <summary>Puts a list in the order of its units; false when it is none. An empty list is one.</summary>
    public static bool TryOrder(IEnumerable<Budget> budgets, out IReadOnlyList<Budget> ordered)
    {
        Budget[] sorted = [.. budgets.OrderBy(budget => budget.Unit, StringComparer.Ordinal)];
        ordered = sorted;
        return sorted.Length <= CountMax && Array.TrueForAll(sorted, IsValid) && sorted.DistinctBy(budget => budget.Unit, StringComparer.Ordinal).Count() == sorted.Length;
    }

    /// <summary>The amount of a unit; null when the list does not name it.</summary>
    public static ulong? Amount(this IReadOnlyList<Budget> budgets, string unit)
    {
        foreach (var budget in budgets)
        {
            if (budget.Unit == unit)
                return budget.Amount;
        }
        return null;
    }

    private static bool IsValid(Budget budget) =>
        budget.Amount > 0 && budget.Unit.Length is > 0 and <= UnitLengthMax && !budget.Unit.AsSpan().ContainsAnyExceptInRange('!', '~');
}
