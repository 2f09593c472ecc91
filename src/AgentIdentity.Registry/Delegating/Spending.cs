using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Verification;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;
using AgentIdentity.Registry.Verifying;

namespace AgentIdentity.Registry.Delegating;

/// <summary>Decides uses that cost something: verified as ever, then counted by the writer, and allowed when the count is durable. docs/formats.md, "Budgets".</summary>
public sealed class Spending(Verification verification, Sequencer sequencer)
{
    /// <summary>All of <paramref name="spend"/> is counted, or the verdict is a refusal and nothing is. A refusal leaves the key proof used up.</summary>
    /// <param name="request">What the tool was shown.</param>
    /// <param name="spend">What the use costs, at least one unit, in order.</param>
    /// <param name="tool">Who asks.</param>
    public async Task<Verdict> VerifyAsync(VerificationRequest request, IReadOnlyList<Budget> spend, CallerRecord tool)
    {
        var verdict = verification.Verify(request);
        if (verdict.Refusal != Refusal.None)
            return verdict;
        var counted = await sequencer.DecideAsync(Lane.Ordinary, draft => Decide(draft, verdict.Presented!, request, spend, tool)).ConfigureAwait(false);
        return counted.IsRefused ? verdict with { Refusal = counted.Refusal, RelyUntil = default } : verdict with { Left = counted.Value };
    }

    private Outcome<Budget[]> Decide(Draft draft, PresentedCredential presented, VerificationRequest request, IReadOnlyList<Budget> spend, CallerRecord tool)
    {
        // It has waited for its turn: a stop may have come before it, or its end.
        if (verification.CheckAgain(presented, request, DateTimeOffset.FromUnixTimeMilliseconds(draft.At)) is var now and not Refusal.None)
            return Refused.Because(now, "The credential cannot be relied on any more.");
        var claims = presented.Claims;
        foreach (var (unit, amount) in spend)
        {
            if (draft.BudgetLeft(claims.Jti, unit) is not { } left)
                return Refused.Because(Refusal.NoBudget, $"The credential was not passed on with a budget of {unit}.");
            if (amount > left)
                return Refused.Because(Refusal.BudgetExceeded, $"{amount} {unit} would be spent, and {left} are left.");
        }
        draft.Stage(tool.Id, new BudgetSpent(claims.Jti, spend), claims.AgentId);
        return spend.Select(one => new Budget(one.Unit, draft.BudgetLeft(claims.Jti, one.Unit)!.Value)).ToArray();
    }
}
