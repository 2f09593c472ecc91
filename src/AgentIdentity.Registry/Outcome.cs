using AgentIdentity.Credentials;

namespace AgentIdentity.Registry;

/// <summary>What a flow answers: a value, or the name of the rule that refused, with a sentence for whoever may read it.</summary>
public readonly record struct Outcome<T>(Refusal Refusal, T Value, string Detail)
{
    public bool IsRefused => Refusal != Refusal.None;

    public static implicit operator Outcome<T>(T value) => new(Refusal.None, value, "");

    public static implicit operator Outcome<T>(Refused refused) => new(refused.Refusal, default!, refused.Detail);
}

/// <summary>A refusal on its way to becoming an <see cref="Outcome{T}"/> of whatever type.</summary>
public readonly record struct Refused(Refusal Refusal, string Detail)
{
    public static Refused Because(Refusal refusal, string detail) => new(refusal, detail);
}

/// <summary>Where in the ledger's order an answer was given: the epoch, and the tree size applied.</summary>
public readonly record struct Moment(ulong Epoch, ulong Position);
