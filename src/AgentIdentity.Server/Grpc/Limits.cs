namespace AgentIdentity.Server.Grpc;

/// <summary>The bounds that every connection and call meets.</summary>
internal static class Limits
{
    // The largest honest message is a statement of 1,000 commitments, 32 KB; the rest is room to grow.
    public const int MessageBytesMax = 256 * 1024;

    // A page of a trail holds up to 200 entries with their openings.
    public const int AnswerBytesMax = 16 * 1024 * 1024;

    // One connection's share of the server; a client that needs more opens another.
    public const int StreamsPerConnectionMax = 100;

    // A credential and a proof of 16 KB each, with room for tracing headers; and room for ones that are too long, which get a refusal by name. Beyond this Kestrel ends the connection with
    // all that is on it.
    public const int HeadersBytesMax = 128 * 1024;

    public static readonly TimeSpan KeepAlivePingDelay = TimeSpan.FromSeconds(30);
    public static readonly TimeSpan KeepAlivePingTimeout = TimeSpan.FromSeconds(20);

    // Slower than this for longer than the grace is a slow-loris, not a caller.
    public const double BodyBytesPerSecondMin = 240;
    public static readonly TimeSpan BodyGrace = TimeSpan.FromSeconds(5);
}
