using AgentIdentity.Client.Enforcing;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Ledger;

namespace AgentIdentity.Client.Tests.Enforcing;

/// <summary>What is refused, and until when.</summary>
public sealed class DenialBookTests
{
    private static readonly Denial Frozen = new(new LeafIndex(50_000), 1, StandingState.Frozen, Scope.Agent(Watching.Agent));

    private readonly DenialBook _book = new(new DenyState());

    [Fact]
    public void A_lift_that_is_proven_before_the_snapshot_is_remembered_however_many_were_that_concern_others()
    {
        for (var other = 0UL; other < 20_000; other++)
            Assert.False(_book.Lift(new LeafIndex(other)));
        _book.Deny(Frozen);
        _book.Lift(Frozen.Index);
        Assert.Empty(_book.Replace(new DenyList()));
        Assert.False(_book.IsDenied(Frozen.Index));
    }
}
