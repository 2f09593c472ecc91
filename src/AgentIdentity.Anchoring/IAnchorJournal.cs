namespace AgentIdentity.Anchoring;

/// <summary>Where what was signed is kept before it is sent. One value, which one loop alone writes.</summary>
public interface IAnchorJournal
{
    /// <summary>What was written last; empty if nothing was.</summary>
    byte[] Read();

    /// <summary>Replaces the value. When this returns it is durable; when it throws, either value may be there, and nothing of the new one has been sent.</summary>
    /// <exception cref="IOException">It could not be written.</exception>
    Task WriteAsync(byte[] value, CancellationToken cancellation);
}
