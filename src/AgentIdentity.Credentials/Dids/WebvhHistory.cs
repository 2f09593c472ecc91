namespace AgentIdentity.Credentials.Dids;

/// <summary>One version of a DID, checked.</summary>
/// <param name="Number">1 for the first.</param>
/// <param name="VersionId">The number, a dash and the hash of the line.</param>
/// <param name="At">When its controller says that it was made.</param>
/// <param name="TimeText">The same as it was written.</param>
/// <param name="Did">What the DID was called from then on.</param>
/// <param name="Document">The DID document, JCS.</param>
/// <param name="Parameters">What is in force after it.</param>
public sealed record WebvhVersion(int Number, string VersionId, DateTimeOffset At, string TimeText, string Did, string Document, WebvhParameters Parameters);

/// <summary>All versions of a DID, each checked against the ones before it.</summary>
public sealed record WebvhHistory(IReadOnlyList<WebvhVersion> Versions)
{
    /// <summary>The version that is in force.</summary>
    public WebvhVersion Latest => Versions[^1];

    /// <summary>Whether the DID has ended: its document is not to be used.</summary>
    public bool IsDeactivated => Latest.Parameters.Deactivated;

    /// <summary>Whether the DID is called otherwise now than it was at first: its log goes on at another place.</summary>
    public bool HasMoved => Latest.Did != Versions[0].Did;

    /// <summary>Whether the DID is called so, or was: a log is good for the DIDs that it has had, and no other.</summary>
    public bool IsOf(string did) => Versions.Any(version => version.Did == did);

    /// <summary>The version that was in force at a time, or null before the first.</summary>
    public WebvhVersion? AsOf(DateTimeOffset at) => Versions.LastOrDefault(version => version.At <= at);
}

/// <summary>What resolving a log came to.</summary>
/// <param name="Refusal">Why it is refused, or none.</param>
/// <param name="Line">The line that was refused, from 1; 0 when it was not one line.</param>
/// <param name="History">The versions, when it is not refused.</param>
public sealed record WebvhResolution(WebvhRefusal Refusal, int Line, WebvhHistory? History);
