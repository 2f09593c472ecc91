using AgentIdentity.Registry.Keys;
using AgentIdentity.Server.Options;
using AgentIdentity.Storage.Keys;
using AgentIdentity.Storage.Keys.Pkcs11;

namespace AgentIdentity.Server.Hosting;

/// <summary>Where the registry's private keys are: in files of the data folder, or in a PKCS#11 token. The options of the server, and of the verbs that need keys.</summary>
internal sealed record KeySource
{
    /// <summary>The options by name, for verbs.</summary>
    public static readonly string[] OptionNames = ["--keys", "--passphrase-file", "--pkcs11-module", "--pkcs11-token", "--pkcs11-pin-file"];

    public const string Usage = "[--passphrase-file FILE | --keys pkcs11 --pkcs11-module FILE --pkcs11-token LABEL --pkcs11-pin-file FILE]";

    private const string Files = "files";
    private const string Token = "pkcs11";

    public string Kind { get; init; } = Files;

    public string? PassphraseFile { get; init; }

    public string? Module { get; init; }

    public string? Label { get; init; }

    public string? PinFile { get; init; }

    public static KeySource Of(Func<string, string?> given) => new()
    {
        Kind = given("--keys") ?? Files,
        PassphraseFile = given("--passphrase-file"),
        Module = given("--pkcs11-module"),
        Label = given("--pkcs11-token"),
        PinFile = given("--pkcs11-pin-file"),
    };

    /// <summary>Opens the keys of a data folder.</summary>
    public IRegistryKeys Open(string dataFolder) => Prepare()(dataFolder);

    /// <summary>Reads what the keys are under; they are opened by the function that is answered, once there is a data folder.</summary>
    /// <exception cref="OptionsRefusedException">The options contradict each other.</exception>
    /// <exception cref="KeysRefusedException">The file of the passphrase or of the PIN is not what it should be.</exception>
    public Func<string, IRegistryKeys> Prepare() => Kind switch
    {
        Files when Module is null && Label is null && PinFile is null => InFiles(PassphraseFile is null ? "" : SecretFile.Read(PassphraseFile, "passphrase")),
        Token when PassphraseFile is null => InToken(Require(Module, "--pkcs11-module"), Require(Label, "--pkcs11-token"), SecretFile.Read(Require(PinFile, "--pkcs11-pin-file"), "PIN")),
        Files => throw new OptionsRefusedException("--pkcs11-module, --pkcs11-token and --pkcs11-pin-file go with --keys pkcs11."),
        Token => throw new OptionsRefusedException("--passphrase-file is for key files, and --keys pkcs11 has none."),
        _ => throw new OptionsRefusedException($"--keys is files or pkcs11, and '{Kind}' is neither."),
    };

    private static Func<string, IRegistryKeys> InFiles(string passphrase) => dataFolder => new FileRegistryKeys(dataFolder, passphrase);

    private static Func<string, IRegistryKeys> InToken(string module, string label, string pin) => _ => new TokenRegistryKeys(module, label, pin);

    private static string Require(string? value, string name) => value ?? throw new OptionsRefusedException($"--keys pkcs11 needs {name}.");
}
