using System.CommandLine;
using System.Text.Json.Nodes;
using AgentIdentity.Cli.Home;
using AgentIdentity.Client;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;

namespace AgentIdentity.Cli;

/// <summary>One run of a verb: its options, its home folder, its terminal, and its connections.</summary>
internal sealed class Invocation(ParseResult parse)
{
    private const int InputLengthMax = 64 * 1024;

    /// <summary>How long the registry has to answer a call.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly Terminal _terminal = (Terminal)parse.InvocationConfiguration;

    public HomeFolder Home { get; } = new(parse.GetRequiredValue<string>(GlobalOptions.Home));

    public RegistryName Registry { get; } = RegistryName.TryParse(parse.GetRequiredValue<string>(GlobalOptions.PublicUrl), out var name, out var problem)
        ? name
        : throw Failure.Usage($"{GlobalOptions.PublicUrl}: {problem}");

    private string? TrustedCertificateFile => Setting(GlobalOptions.Ca) is { Length: > 0 } file ? file : null;

    public bool IsJson => parse.GetValue<bool>(GlobalOptions.Json);

    public bool IsWatched => _terminal.IsWatched && !IsJson;

    public TextWriter Output => _terminal.Output;

    /// <summary>The output for people.</summary>
    public TextWriter Text => new PlainWriter(Output);

    public TextWriter Error => _terminal.Error;

    public TextReader Input => _terminal.Input;

    public TimeProvider Clock => _terminal.Clock;

    public T Get<T>(Option<T> option) => parse.GetRequiredValue(option);

    public T Get<T>(Argument<T> argument) => parse.GetRequiredValue(argument);

    public T? Find<T>(Option<T> option) => parse.GetValue(option);

    public string Setting(string globalOption) => parse.GetRequiredValue<string>(globalOption);

    /// <summary>The key that signs: the one named with --key, or else the only one that the home folder has for the first of these roles that has any.</summary>
    public PrivateKey Signer(params ReadOnlySpan<CallerRole> roles)
    {
        var named = Setting(GlobalOptions.Key);
        return named.Length > 0 ? HomeFolder.ReadKey(named) : Home.OnlyKey(roles);
    }

    /// <summary>Where the registry is, by the options.</summary>
    public ConnectionOptions Connection => new()
    {
        GrpcUrl = Setting(GlobalOptions.Registry),
        ControlUrl = Setting(GlobalOptions.Control),
        PublicUrl = Registry.PublicUrl,
        TrustedCertificateFile = TrustedCertificateFile,
        Deadline = Patience,
        Clock = Clock,
        CheckpointFolder = Home.CheckpointFolder,
        LogKey = Home.Registry.LogKey(Registry.PublicUrl) is { } pinned && NoteVerifierKey.TryParse(pinned, out var logKey, out _) ? logKey : null,
    };

    /// <summary>Where the registry's HTTP listener is, without final slash.</summary>
    public string HttpListener => HttpUrl.ReadBase(GlobalOptions.Http, Setting(GlobalOptions.Http));

    /// <summary>A connection to both gRPC listeners, which signs with the key when there is one. Nothing is sent yet.</summary>
    public RegistryConnection Connect(PrivateKey? signer = null, CredentialSource? credentials = null)
    {
        try
        {
            return new RegistryConnection(Connection, signer, credentials);
        }
        catch (ArgumentException refused)
        {
            throw Failure.Usage(refused.Message, $"Look at {GlobalOptions.Registry}, {GlobalOptions.Control} and {GlobalOptions.Ca}.");
        }
    }

    /// <summary>A client for what is served over HTTP, which trusts the same certificates as the connections.</summary>
    public HttpClient OpenHttp(int responseBytesMax, TimeSpan timeout)
    {
        try
        {
            return new HttpClient(TrustedCertificates.HandlerFor(TrustedCertificateFile)) { MaxResponseContentBufferSize = responseBytesMax, Timeout = timeout };
        }
        catch (ArgumentException refused)
        {
            throw Failure.Usage(refused.Message, $"Look at {GlobalOptions.Ca}.");
        }
    }

    /// <summary>Says what came out: an object for scripts, or text for people.</summary>
    public void Answer(JsonObject json, Action<TextWriter> text) => Keep(() =>
    {
        if (IsJson)
            Output.WriteLine(json.ToLine());
        else
            text(Text);
    });

    /// <summary>Writes down what came of a call. Where that fails, what was asked for may be done all the same.</summary>
    public static void Keep(Action write)
    {
        try
        {
            write();
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException)
        {
            throw Failures.Unwritten(failed);
        }
    }

    /// <summary>Takes a single line, which is all that tokens and credentials are, from standard input.</summary>
    public async Task<string> ReadInputAsync(string what, string next, CancellationToken cancellationToken)
    {
        var buffer = new char[InputLengthMax];
        var length = await Input.ReadBlockAsync(buffer, cancellationToken);
        var text = new string(buffer, 0, length).Trim();
        return text.Length > 0 && !text.Any(char.IsWhiteSpace) ? text : throw Failure.Usage($"{what} is expected on standard input, as one line.", next);
    }
}
