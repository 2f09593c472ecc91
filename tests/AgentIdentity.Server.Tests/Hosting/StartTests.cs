using AgentIdentity.Credentials;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Registry.Keys;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Server.Tests.Fixtures;
using Grpc.Core;

namespace AgentIdentity.Server.Tests.Hosting;

/// <summary>What the server does not start on, and what founds a registry.</summary>
public sealed class StartTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("agentidentity-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_folder_in_use_is_refused()
    {
        await using var first = await TestRegistry.StartInAsync(_folder);
        await RefusesAsync<StoreRefusedException>("in use by another process");
    }

    [Fact]
    public async Task A_folder_of_a_registry_with_another_name_is_refused()
    {
        await FoundAsync();
        await RefusesAsync<StoreRefusedException>("belongs to the registry https://localhost:5000", "--public-url=https://registry.example");
    }

    [Fact]
    public async Task A_damaged_ledger_is_refused()
    {
        await FoundAsync();
        var path = Path.Combine(_folder, "ledger.db");
        await using (var file = new FileStream(path, FileMode.Open))
        {
            file.Position = 0;
            file.Write("This is no database."u8);
        }
        await RefusesAsync<StoreRefusedException>("is damaged");
    }

    [Fact]
    public async Task A_key_file_that_others_may_read_is_refused()
    {
        await FoundAsync();
        var key = Directory.GetFiles(Path.Combine(_folder, "keys"))[0];
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(key, UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        await RefusesAsync<KeysRefusedException>("chmod");
    }

    [Fact]
    public async Task The_bootstrap_secret_is_for_its_owner_alone_serves_once_and_is_new_at_each_start()
    {
        string first;
        await using (var registry = await TestRegistry.StartInAsync(_folder))
            first = await File.ReadAllTextAsync(registry.Host.BootstrapFile);
        await using var again = await TestRegistry.StartInAsync(_folder);
        Assert.NotEqual(first, await File.ReadAllTextAsync(again.Host.BootstrapFile));
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(again.Host.BootstrapFile));

        using var connection = again.Connect();
        var stale = new BootstrapRequest { Secret = first.Trim(), Operators = { again.First("first operator", again.Operator, first.Trim()) } };
        await Refused.BecauseAsync(Refusal.BootstrapInvalid, StatusCode.Unauthenticated, connection.Admin.BootstrapAsync(stale));
        var founded = await again.FoundAsync();
        Assert.Equal(("localhost:5000", true), (founded.Origin, founded.SingleOperator));
        await Refused.BecauseAsync(Refusal.BootstrapClosed, StatusCode.FailedPrecondition, connection.Admin.BootstrapAsync(stale));
    }

    private async Task FoundAsync()
    {
        await using var registry = await TestRegistry.StartInAsync(_folder);
        await registry.FoundAsync();
    }

    private async Task RefusesAsync<T>(string words, params string[] flags)
        where T : Exception
    {
        var refused = await Assert.ThrowsAsync<T>(() => TestRegistry.StartInAsync(_folder, flags));
        Assert.Contains(words, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refused.Message);
    }
}
