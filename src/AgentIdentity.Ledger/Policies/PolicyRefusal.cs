namespace AgentIdentity.Ledger;

/// <summary>Why the text of a policy was refused. The names are stable.</summary>
public enum PolicyRefusal
{
    /// <summary>It was not refused.</summary>
    None = 0,

    /// <summary>The policy is longer than <see cref="TlogPolicy.BytesMax"/>.</summary>
    TooLong,

    /// <summary>A byte is a control character other than tab and line feed.</summary>
    NotText,

    /// <summary>The last line has no line feed: what was cut off might have made the policy a stricter one.</summary>
    UnterminatedLine,

    /// <summary>The line's first word is none of log, witness, group and quorum.</summary>
    UnknownLine,

    /// <summary>The line has too few or too many words.</summary>
    WrongWordCount,

    /// <summary>The key is not a vkey, or its id is wrong, or it is a weak one.</summary>
    BadKey,

    /// <summary>A witness has a key that does not make cosignatures, or a log one that is not for checkpoints.</summary>
    WrongKeyType,

    /// <summary>Two logs, or two witnesses, have the same public key, whatever their names.</summary>
    DuplicateKey,

    /// <summary>The name is in use already, or is <c>none</c>.</summary>
    DuplicateName,

    /// <summary>No witness or group of this name was defined before.</summary>
    UnknownName,

    /// <summary>The member is in this or in another group already, so it would count twice.</summary>
    AlreadyMember,

    /// <summary>How many members it takes is not <c>all</c>, <c>any</c> or a number from 1 to all.</summary>
    WrongThreshold,

    /// <summary>There is a second quorum line.</summary>
    SecondQuorum,

    /// <summary>There is no quorum line.</summary>
    NoQuorum,
}
