using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Registry.Keys;
using AgentIdentity.Server.Options;
using AgentIdentity.Server.Tests.Fixtures;
using AgentIdentity.Tests.Tokens;

namespace AgentIdentity.Server.Tests.Hosting;

/// <summary>The whole server on keys that a token of SoftHSM2 made and keeps.</summary>
public sealed class TokenTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("agentidentity-");

    public TokenTests() => Skip.IfNot(SoftToken.IsInstalled, "softhsm2 is not installed.");

    private string Data => Path.Combine(_folder.FullName, "data");

    private string PinFile => Path.Combine(_folder.FullName, "pin");

    public void Dispose() => _folder.Delete(recursive: true);

    [SkippableFact]
    public async Task A_registry_issues_rotates_signs_its_log_and_starts_again_on_a_token_and_has_no_key_files()
    {
        var flags = Flags(SoftToken.Take(), SoftToken.Pin);
        PrivateKey toolKey;
        TestAgent agent;
        await using (var registry = await TestRegistry.StartInAsync(Data, flags))
        {
            await registry.FoundAsync();
            toolKey = await registry.RegisterAsync(Role.Enforcer, "a tool");
            agent = await registry.EnrolAsync();
            await AssertAllowedAsync(registry, toolKey, agent.Presents());
            await registry.AsOperator.Admin.RotateIssuerKeyAsync(new RotateIssuerKeyRequest());
            using var connection = agent.Connect();
            var issued = await connection.Credentials.IssueAsync(new IssueRequest());
            await AssertAllowedAsync(registry, toolKey, agent.Presents(issued.Credential.Token));
            await AssertAllowedAsync(registry, toolKey, agent.Presents());
            await AssertSignedAsync(registry);
            Assert.Contains("\"proofValue\"", await registry.GetAsync("/.well-known/did.jsonl"), StringComparison.Ordinal);
        }
        Assert.False(Directory.Exists(Path.Combine(Data, "keys")));

        await using (var again = await TestRegistry.StartInAsync(Data, flags))
        {
            await AssertAllowedAsync(again, toolKey, agent.Presents());
            await AssertSignedAsync(again);
        }
        Assert.Contains("is missing", (await Assert.ThrowsAsync<KeysRefusedException>(() => TestRegistry.StartInAsync(Data))).Message, StringComparison.Ordinal);
        var other = Flags(SoftToken.Take(), SoftToken.Pin);
        Assert.Contains("another registry's token", (await Assert.ThrowsAsync<KeysRefusedException>(() => TestRegistry.StartInAsync(Data, other))).Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_wrong_PIN_and_a_PIN_that_others_may_read_keep_it_from_starting()
    {
        var token = SoftToken.Take();
        Assert.Contains("CKR_PIN_INCORRECT", (await Assert.ThrowsAsync<KeysRefusedException>(() => TestRegistry.StartInAsync(Data, Flags(token, "0000")))).Message, StringComparison.Ordinal);
        var flags = Flags(token, SoftToken.Pin);
        Permit(UnixFileMode.UserRead | UnixFileMode.GroupRead);
        Assert.Contains("may be read by others", (await Assert.ThrowsAsync<KeysRefusedException>(() => TestRegistry.StartInAsync(Data, flags))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--keys is files or pkcs11", "--keys=cloud")]
    [InlineData("needs --pkcs11-module", "--keys=pkcs11")]
    [InlineData("needs --pkcs11-token", "--keys=pkcs11", "--pkcs11-module=m")]
    [InlineData("needs --pkcs11-pin-file", "--keys=pkcs11", "--pkcs11-module=m", "--pkcs11-token=t")]
    [InlineData("go with --keys pkcs11", "--pkcs11-token=t")]
    [InlineData("--passphrase-file is for key files", "--keys=pkcs11", "--passphrase-file=p")]
    public async Task Options_that_contradict_each_other_are_refused(string words, params string[] flags) =>
        Assert.Contains(words, (await Assert.ThrowsAsync<OptionsRefusedException>(() => TestRegistry.StartInAsync(Data, flags))).Message, StringComparison.Ordinal);

    private string[] Flags(string token, string pin)
    {
        File.WriteAllText(PinFile, pin + "\n");
        Permit(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return ["--keys=pkcs11", $"--pkcs11-module={SoftToken.Module}", $"--pkcs11-token={token}", $"--pkcs11-pin-file={PinFile}"];
    }

    private void Permit(UnixFileMode mode)
    {
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(PinFile, mode);
    }

    private static async Task AssertAllowedAsync(TestRegistry registry, PrivateKey toolKey, VerifyRequest request)
    {
        using var tool = registry.Connect(toolKey);
        Assert.Equal("NONE", (await tool.Credentials.VerifyAsync(request)).Reason);
    }

    private static async Task AssertSignedAsync(TestRegistry registry)
    {
        Assert.True(NoteVerifierKey.TryParse((await registry.GetAsync("/log-key")).Trim(), out var key, out _));
        Assert.True(Checkpoint.TryOpen(System.Text.Encoding.UTF8.GetBytes(await registry.GetAsync("/checkpoint")), key, out _, out var refusal), $"{refusal}");
    }
}
