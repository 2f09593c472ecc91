using System.Text.Json.Nodes;
using AgentIdentity.Client;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Registry.Keys;
using AgentIdentity.Server.Tests.Attacks;
using AgentIdentity.Server.Tests.Fixtures;
using Microsoft.Extensions.Logging;
using AgentState = AgentIdentity.Protocol.V1.AgentState;
using PrivateKey = AgentIdentity.Credentials.Keys.PrivateKey;

namespace AgentIdentity.Server.Tests.Secrets;

/// <summary>Every place that takes a token is shown a good one and a bad one, agents live and are stopped, keys are rotated, and starts fail; whatever was logged meanwhile, at any level, holds none of the secrets that went through.</summary>
public sealed class SecretsInLogsTests
{
    private const string Passphrase = "a passphrase that nobody else has";
    private const string WrongPassphrase = "a passphrase that somebody has guessed";
    private const string ChainKey = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318";

    private readonly CapturedLog _log = new();
    private readonly HashSet<string> _secrets = [];

    [Fact]
    public async Task No_secret_of_agents_people_or_the_registry_stands_in_the_log_whatever_goes_well_or_wrong()
    {
        var places = new LoggedEntryPoints(_log);
        try
        {
            await places.InitializeAsync();
            foreach (var (name, place) in places.All)
                await ShowAsync(name, place);
            await LiveAsync(places.Registry);
            await StartWithSecretsAsync();
            KeepThoseOf(places.Registry);
        }
        finally
        {
            await places.DisposeAsync();
        }
        Assert.Contains(_log.Lines, line => line.Level == LogLevel.Trace && line.Category.StartsWith("Microsoft.AspNetCore.Server.Kestrel", StringComparison.Ordinal));
        Assert.Contains(_log.Lines, line => line.Category.StartsWith(nameof(AgentIdentity), StringComparison.Ordinal));
        Assert.Empty(Leaks());
    }

    [Fact]
    public void A_secret_in_the_words_the_values_the_scope_or_the_exception_of_a_line_is_found()
    {
        Keep("a secret of some length");
        var logger = _log.CreateLogger("here");
        logger.LogTrace("Somebody showed {What}.", "a secret of some length");
        Assert.Single(Leaks());
        logger.LogTrace(new InvalidOperationException("Not a secret of some length."), "It failed.");
        Assert.Equal(2, Leaks().Count());
        _ = logger.BeginScope(new Dictionary<string, object?> { ["token"] = "a secret of some length" });
        Assert.Equal(3, Leaks().Count());
        using var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        KeepKey(key.ToKeyFile(""));
        logger.LogTrace("{Key}", System.Text.Encoding.UTF8.GetString(key.ToKeyFile("")));
        Assert.Equal(4, Leaks().Count());
    }

    private IEnumerable<string> Leaks() =>
        _log.Lines.SelectMany(line => _secrets.Where(secret => line.Text.Contains(secret, StringComparison.OrdinalIgnoreCase)).Select(secret => $"{line.Category} logged {secret}: {line.Text}"));

    // A bad one differs where its signature is.
    private async Task ShowAsync(string name, EntryPoint place)
    {
        var good = place.Genuine();
        var at = good.Length - 20;
        var bad = $"{good[..at]}{(good[at] == 'A' ? 'B' : 'A')}{good[(at + 1)..]}";
        Keep(good, bad);
        await place.SendAsync(bad);
        // A watch that is let in does not end.
        if (!name.StartsWith("Watch", StringComparison.Ordinal))
            await place.SendAsync(good);
    }

    private async Task LiveAsync(TestRegistry registry)
    {
        var token = await registry.CreateTokenAsync();
        using var anyone = registry.Connect();
        using var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        var enrolled = await AgentEnrolment.EnrollAsync(anyone, token, key);
        var agent = new TestAgent(registry, key, enrolled);
        using var runtime = agent.Connect();
        var issued = await runtime.Credentials.IssueAsync(new IssueRequest { EmbeddedProof = true });
        var renewed = await runtime.Credentials.RenewAsync(new RenewRequest { Credential = issued.Credential.Token });
        await runtime.Ledger.RecordAsync(agent.NextStatement());
        await registry.AsOperator.Admin.RotateIssuerKeyAsync(new RotateIssuerKeyRequest());
        await registry.AsOperator.Admin.RotateIssuerKeyAsync(new RotateIssuerKeyRequest { DidKey = true });
        using var second = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        await AgentKeyRotation.RotateAsync(anyone, enrolled.AgentId, key, second);
        var order = await registry.AsOperator.Control.ReplaceKeyAsync(new ReplaceKeyRequest { Agent = agent.Did, Reason = "it was in a backup" });
        using var third = PrivateKey.Generate(KeyAlgorithm.ES256);
        await RefusedAsync(AgentKeyRotation.ReplaceAsync(anyone, enrolled.AgentId, Wrong(order.Token), third));
        await AgentKeyRotation.ReplaceAsync(anyone, enrolled.AgentId, order.Token, third);
        await registry.StopAgentAsync(agent.Did, AgentState.Revoked);
        // Used up, wrong, and of an agent that is stopped.
        using var stranger = PrivateKey.Generate(KeyAlgorithm.ES256);
        await RefusedAsync(AgentEnrolment.EnrollAsync(anyone, token, stranger));
        await RefusedAsync(AgentEnrolment.EnrollAsync(anyone, Wrong(token), stranger));
        await RefusedAsync(runtime.Credentials.RenewAsync(new RenewRequest { Credential = renewed.Credential.Token }).ResponseAsync);
        Keep(token, Wrong(token), order.Token, Wrong(order.Token), enrolled.Credential.Token, issued.Credential.Token, renewed.Credential.Token);
        foreach (var own in (PrivateKey[])[key, second, third, stranger, registry.Operator])
            KeepKey(own.ToKeyFile(""));
    }

    private void KeepThoseOf(TestRegistry registry)
    {
        Keep(registry.BootstrapSecret);
        foreach (var file in Directory.GetFiles(Path.Combine(registry.Folder, "keys")).Concat(Directory.GetFiles(registry.Folder, "tool-*.jwk")))
            KeepKey(File.ReadAllBytes(file));
    }

    // Key files under a passphrase, and a key that pays on a chain whose node is away; then another passphrase.
    private async Task StartWithSecretsAsync()
    {
        Keep(Passphrase, WrongPassphrase, ChainKey);
        var folder = Directory.CreateTempSubdirectory("agentidentity-");
        try
        {
            string[] flags = [$"--passphrase-file={Write(folder, "passphrase", Passphrase)}", "--chain=http://127.0.0.1:9", "--chain-id=31337", "--chain-contract=0x0000000000000000000000000000000000000001", $"--chain-key={Write(folder, "chain-key", ChainKey)}"];
            await using (var host = await TestRegistry.StartHostAsync(Path.Combine(folder.FullName, "data"), _log, flags))
                Assert.NotEmpty(await File.ReadAllTextAsync(host.BootstrapFile));
            Write(folder, "passphrase", WrongPassphrase);
            var refused = await Assert.ThrowsAsync<KeysRefusedException>(() => TestRegistry.StartHostAsync(Path.Combine(folder.FullName, "data"), _log, flags));
            Assert.DoesNotContain(WrongPassphrase, refused.ToString(), StringComparison.Ordinal);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string Write(DirectoryInfo folder, string name, string content)
    {
        var file = Path.Combine(folder.FullName, name);
        File.WriteAllText(file, content + "\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return file;
    }

    private static string Wrong(string token) => $"{token[..^8]}AAAAAAAA";

    private static async Task RefusedAsync(Task call) => await Assert.ThrowsAsync<RegistryRefusedException>(() => call);

    // Of what is signed the signature: with the rest, or without it, it makes the secret.
    private void Keep(params string[] secrets)
    {
        foreach (var secret in secrets.Select(secret => secret.Split('.')[^1]))
        {
            Assert.True(secret.Length >= 16, $"'{secret}' is found by chance.");
            _secrets.Add(secret);
        }
    }

    private void KeepKey(byte[] jwk)
    {
        var secret = (string)JsonNode.Parse(jwk)!["d"]!;
        var bytes = new byte[CanonicalBase64Url.DecodedLength(secret.Length)];
        Assert.True(CanonicalBase64Url.TryDecode(secret, bytes, out _));
        Keep(secret, Convert.ToBase64String(bytes), Convert.ToHexString(bytes));
    }

    private sealed class LoggedEntryPoints(CapturedLog log) : TokenEntryPoints(KeyAlgorithm.ES256, log);
}
