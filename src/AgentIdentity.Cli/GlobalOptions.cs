using System.CommandLine;

namespace AgentIdentity.Cli;

/// <summary>The options that each verb has. They are read by name: see <see cref="Invocation"/>.</summary>
internal static class GlobalOptions
{
    public const string Registry = "--registry";
    public const string Control = "--control";
    public const string Http = "--http";
    public const string PublicUrl = "--public-url";
    public const string Ca = "--ca";
    public const string Home = "--home";
    public const string Key = "--key";
    public const string Json = "--json";

    public static void AddTo(RootCommand root)
    {
        root.Options.Add(Text(Registry, "URL", "Where the registry's gRPC listener is.", "AGENTID_REGISTRY", "http://127.0.0.1:5001"));
        root.Options.Add(Text(Control, "URL", "Where the registry's control listener is, for what operators do.", "AGENTID_CONTROL", "http://127.0.0.1:5002"));
        root.Options.Add(Text(Http, "URL", "Where the registry's HTTP listener is, for /log-key.", "AGENTID_HTTP", "http://127.0.0.1:5000"));
        root.Options.Add(Text(PublicUrl, "URL", "The registry's public URL, which signed requests must name.", "AGENTID_PUBLIC_URL", "https://localhost:5000"));
        root.Options.Add(Text(Ca, "FILE", "The only certificates to trust, PEM; without it, those that the system trusts.", "AGENTID_CA", ""));
        root.Options.Add(Text(Home, "FOLDER", "Where keys and agents are kept, for you alone.", "AGENTID_HOME", DefaultHome()));
        root.Options.Add(Text(Key, "FILE", "The key that signs this request. Without it: the only suitable one in the home folder.", "AGENTID_KEY", ""));
        root.Options.Add(new Option<bool>(Json) { Recursive = true, Description = "Answer in JSON, one object a line, errors too." });
    }

    private static Option<string> Text(string name, string helpName, string description, string variable, string otherwise) => new(name)
    {
        Recursive = true,
        HelpName = helpName,
        Description = description,
        DefaultValueFactory = _ => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } set ? set : otherwise,
    };

    // Not looked at: a home that is missing, or closed to this user, would else be an empty path, and keys would go where somebody happens to stand.
    private static string DefaultHome() => Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify), ".agentid");
}
