namespace AgentIdentity.Anchoring.Ethereum;

/// <summary>Whoever holds the key that pays for anchors. The one call may be made again: a second signature of one transaction does no harm.</summary>
public interface ISigner
{
    /// <summary>The account that is signed for.</summary>
    Address Address { get; }

    /// <summary>Signs exactly this transaction, as <see cref="Address"/>.</summary>
    /// <exception cref="SigningException">The signer refused, could not be asked, or signed something else.</exception>
    Task<SignedTransaction> SignAsync(Transaction transaction, CancellationToken cancellation);
}

/// <summary>A transaction was not signed, or not as asked. Nothing was sent.</summary>
public sealed class SigningException : Exception
{
    public SigningException(string message)
        : base(message)
    {
    }

    public SigningException(string message, Exception cause)
        : base(message, cause)
    {
    }
}
