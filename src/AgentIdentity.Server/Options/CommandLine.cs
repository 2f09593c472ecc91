using System.Text;

namespace AgentIdentity.Server.Options;

/// <summary>Reads what the server is started with. The command line wins over the environment.</summary>
internal static class CommandLine
{
    public static bool AsksForHelp(IReadOnlyList<string> arguments) => arguments.Any(argument => argument is "--help" or "-h");

    /// <exception cref="OptionsRefusedException">Something cannot be, and the message says what.</exception>
    public static ServerOptions Read(IReadOnlyList<string> arguments, Func<string, string?> environment)
    {
        var options = ReadArguments(arguments, ReadEnvironment(new ServerOptions(), environment));
        RequireTlsOffLoopback(options);
        if (!options.Dev && options.PublicUrl.StartsWith("http:", StringComparison.Ordinal))
            throw new OptionsRefusedException($"--public-url cannot be '{options.PublicUrl}': a name without TLS is for --dev, and stands in DIDs for ever.");
        options.Chain.Require();
        return options;
    }

    public static string Help()
    {
        var help = new StringBuilder("AgentIdentity.Server: the registry of agents' identities.\n\n");
        foreach (var flag in Flag.All)
            help.Append($"  {flag.Name + (flag.Value is null ? "" : " " + flag.Value),-33}{flag.Help}\n");
        help.Append("\nOn a data folder, instead of serving it (docs/operations.md):\n");
        foreach (var verb in Maintenance.Verb.All)
            help.Append($"  {verb.Name} {verb.Usage}\n      {verb.Help}\n");
        return help.Append("\nEach option can stand in the environment instead: --public-url is AGENTIDENTITY_PUBLIC_URL. Port 0 picks a free one.\n").ToString();
    }

    private static ServerOptions ReadEnvironment(ServerOptions options, Func<string, string?> environment) =>
        Flag.All.Aggregate(options, (read, flag) => environment(flag.EnvironmentName) is { Length: > 0 } text ? flag.Apply(read, text) : read);

    private static ServerOptions ReadArguments(IReadOnlyList<string> arguments, ServerOptions options)
    {
        for (var i = 0; i < arguments.Count; i++)
        {
            var (name, value) = Split(arguments[i]);
            var flag = Flag.All.FirstOrDefault(flag => flag.Name == name)
                ?? throw new OptionsRefusedException($"There is no option {name}: --help lists them all.");
            value ??= flag.Value is null ? "true" : ++i < arguments.Count ? arguments[i] : null;
            options = flag.Apply(options, value ?? throw new OptionsRefusedException($"{flag.Name} needs a value: {flag.Name} {flag.Value}."));
        }
        return options;
    }

    // Both "--data FOLDER" and "--data=FOLDER".
    private static (string Name, string? Value) Split(string argument)
    {
        var equals = argument.IndexOf('=', StringComparison.Ordinal);
        return equals < 0 ? (argument, null) : (argument[..equals], argument[(equals + 1)..]);
    }

    private static void RequireTlsOffLoopback(ServerOptions options)
    {
        if (options.TlsCertificate is null != options.TlsKey is null)
            throw new OptionsRefusedException("--tls-cert and --tls-key go together: give both, or neither.");
        if (options.HasTls)
            return;
        foreach (var address in new[] { options.Grpc, options.Http, options.Control, options.Console })
        {
            if (!address.IsLoopback)
                throw new OptionsRefusedException($"Cleartext is for loopback only, and {address} is not: give --tls-cert and --tls-key, or listen on 127.0.0.1.");
        }
    }
}
