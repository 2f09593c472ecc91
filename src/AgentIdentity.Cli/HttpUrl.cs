namespace AgentIdentity.Cli;

/// <summary>A URL that somebody typed.</summary>
internal static class HttpUrl
{
    /// <summary>The URL, if it is one that HTTP is spoken to; told as a wrong use otherwise.</summary>
    /// <param name="name">The option or argument, as it is typed.</param>
    /// <param name="text">What it was given.</param>
    public static Uri Read(string name, string text) => Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
        ? url
        : throw Failure.Usage($"{name} takes an http or https URL, and '{text}' is none.");

    /// <summary>The same for a node of a chain, over TLS or on this machine.</summary>
    public static Uri ReadNode(string name, string text) => Read(name, text) is var node && (node.Scheme == "https" || node.IsLoopback)
        ? node
        : throw Failure.Usage($"{name} takes an https URL, or http on this machine, and '{text}' is neither: whoever stands in between could say what the chain holds.");

    /// <summary>The same for one that paths are put behind: as it was typed, without final slash.</summary>
    public static string ReadBase(string name, string text) => Read(name, text).OriginalString.TrimEnd('/');
}
