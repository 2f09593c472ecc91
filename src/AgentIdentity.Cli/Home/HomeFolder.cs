using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Keys;

namespace AgentIdentity.Cli.Home;

/// <summary>The folder of one person: keys by role, agents, and what was learnt of the registry at bootstrap.</summary>
internal sealed class HomeFolder(string path)
{
    private const int FileNameLengthMax = 200;

    private const string KeyAdvice =
        "A passphrase is taken from AGENTID_PASSPHRASE. A damaged file: put back a copy of it. Without one the key is lost: an agent enrols again under another --name; other operators add another key of an operator (agentid operators apply --help), and register another of an auditor, enforcer or sponsor.";

    private readonly string _path = Path.GetFullPath(path);

    public PinnedRegistry Registry => new(Path.Combine(_path, "registry.json"));

    /// <summary>Where the largest checkpoints that were seen are kept, one for each log.</summary>
    public string CheckpointFolder
    {
        get
        {
            Make();
            return Path.Combine(_path, "logs");
        }
    }

    /// <summary>A passphrase on the command line could be seen by others, so it comes from the environment.</summary>
    private static string Passphrase => Environment.GetEnvironmentVariable("AGENTID_PASSPHRASE") ?? "";

    /// <summary>The key of the enforcer that drills bring along. Not among the others: there it would be one of two to choose from.</summary>
    public string DrillKeyFile => Path.Combine(_path, "drill.jwk");

    public static PrivateKey ReadKey(string file)
    {
        if (!PrivateKey.TryReadKeyFile(PrivateFiles.ReadSecret(file), Passphrase, out var key, out var problem))
            throw Failure.Usage($"{file}: {problem}", KeyAdvice);
        return key;
    }

    public static void WriteKey(string file, PrivateKey key) => PrivateFiles.WriteNew(file, key.ToKeyFile(Passphrase));

    /// <summary>The file of a caller's key. Names may hold anything; what a file name cannot hold is percent-encoded.</summary>
    public string KeyFile(CallerRole role, string name)
    {
        var fileName = Uri.EscapeDataString(name);
        if (fileName.Length is 0 or > FileNameLengthMax)
            throw Failure.Usage($"The name '{name}' is empty, or too long for a file name.", "Names have 1 to 100 characters.");
        return Path.Combine(KeyFolder(role), $"{(fileName[0] == '.' ? "%2E" + fileName[1..] : fileName)}.jwk");
    }

    /// <summary>Makes a key in its file, or takes the one that an earlier attempt left there, so that a verb that failed half-way can be repeated.</summary>
    public PrivateKey MakeKey(CallerRole role, string name)
    {
        var file = KeyFile(role, name);
        return MakeKey(file, KeyAlgorithm.ES256);
    }

    public static PrivateKey MakeKey(string file, KeyAlgorithm algorithm)
    {
        if (File.Exists(file))
            return ReadKey(file);
        PrivateFiles.MakeFolder(Path.GetDirectoryName(file)!);
        var key = PrivateKey.Generate(algorithm);
        WriteKey(file, key);
        return key;
    }

    /// <summary>The only key of the first of these roles that has any. Which of several signs is for the caller to say: it is on the record.</summary>
    public PrivateKey OnlyKey(params ReadOnlySpan<CallerRole> roles)
    {
        foreach (var role in roles)
        {
            var files = Directory.Exists(KeyFolder(role)) ? Directory.GetFiles(KeyFolder(role), "*.jwk") : [];
            if (files.Length == 1)
                return ReadKey(files[0]);
            if (files.Length > 1)
                throw Failure.Usage($"There are {files.Length} {Word(role)} keys in {KeyFolder(role)}.", $"Say which one signs, for example --key {files.Order().First()}");
        }
        throw Failure.Usage($"There is no {string.Join(" or ", roles.ToArray().Select(Word))} key in {_path}.", Advice(roles[0]));
    }

    public AgentFolder Agent(string name) => new(Path.Combine(_path, "agents", AgentFolder.CheckName(name)));

    public bool HasAgent(string name) => AgentFolder.IsName(name) && Agent(name).Exists;

    private static string Word(CallerRole role) => role.ToString().ToLowerInvariant();

    private static string Advice(CallerRole role) => role == CallerRole.Operator
        ? "Give one with --key FILE, or make the first ones: agentid bootstrap --help."
        : $"Give one with --key FILE, or have an operator make one: agentid operators register --role {Word(role)} --name NAME";

    private string KeyFolder(CallerRole role)
    {
        // Made here, so that the home folder never exists with rights for others.
        Make();
        return Path.Combine(_path, Word(role) + "s");
    }

    private void Make()
    {
        try
        {
            PrivateFiles.MakeFolder(_path);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw Failure.Usage($"The home folder {_path} cannot be made or closed to others: {refused.Message}", $"Name a folder of your own with {GlobalOptions.Home} or AGENTID_HOME.");
        }
    }
}
