using AgentIdentity.Client;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Registry.Keys;
using AgentIdentity.Registry.Reading;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Server.Hosting;
using AgentIdentity.Server.Tests.Fixtures;
using AgentIdentity.Storage.Sqlite;
using Grpc.Core;
using Grpc.Net.Client;

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

    // Where an SQLite file keeps the version that its application gave it: four bytes from 60 on, the last of them the lowest.
    [Theory]
    [InlineData(63, 99, "written by a newer AgentIdentity")]
    [InlineData(60, 0x80, "is damaged")]
    public async Task A_ledger_of_a_newer_version_or_of_none_is_refused(int place, byte value, string why)
    {
        await FoundAsync();
        await using (var file = new FileStream(Path.Combine(_folder, "ledger.db"), FileMode.Open))
        {
            file.Position = place;
            file.WriteByte(value);
        }
        await RefusesAsync<StoreRefusedException>(why);
    }

    [Fact]
    public void A_process_that_ends_by_itself_says_what_has_failed()
    {
        Assert.Contains("the disk is well", ServerHost.WhyItEnds(new IOException("Input/output error.")), StringComparison.Ordinal);
        Assert.Contains("the disk is well", ServerHost.WhyItEnds(new SqliteException(10, "disk I/O error")), StringComparison.Ordinal);
        var unsigned = ServerHost.WhyItEnds(new KeysRefusedException("The token answers CKR_DEVICE_ERROR."));
        Assert.Contains("does not sign", unsigned, StringComparison.Ordinal);
        Assert.DoesNotContain("disk", unsigned, StringComparison.Ordinal);
        Assert.DoesNotContain("disk", ServerHost.WhyItEnds(new InvalidOperationException("A bug.")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_listener_that_is_taken_is_refused_and_the_folder_is_free_again()
    {
        await using var other = await TestRegistry.StartUnfoundedAsync();
        await RefusesAsync<IOException>("address already in use", $"--grpc={other.Host.Bound.Grpc}");
        await using var registry = await TestRegistry.StartInAsync(_folder);
    }

    [Theory]
    [InlineData("--grpc")]
    [InlineData("--console")]
    public async Task A_start_on_an_address_that_is_taken_names_the_option_and_leaves_no_folder_behind(string option)
    {
        await using var other = await TestRegistry.StartUnfoundedAsync();
        await RefusesAsync<IOException>($"{option} {other.Host.Bound.Http}", $"{option}={other.Host.Bound.Http}");
        Assert.Empty(Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public async Task Two_listeners_on_one_address_are_refused()
    {
        var address = await FreeAddressAsync();
        await RefusesAsync<IOException>($"--http {address}", $"--grpc={address}", $"--http={address}");
        Assert.Empty(Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public async Task Who_looks_before_there_is_a_registry_is_not_on_its_record_and_who_guesses_its_secret_is()
    {
        await using var registry = await TestRegistry.StartInAsync(_folder);
        using (var channel = GrpcChannel.ForAddress(registry.ControlUrl))
        {
            var early = await Assert.ThrowsAsync<RpcException>(async () => await new Protocol.V1.Ledger.LedgerClient(channel).GetConsistencyAsync(new GetConsistencyRequest(), deadline: TimeProvider.System.GetUtcNow().UtcDateTime.AddMinutes(1)));
            Assert.Equal("NOT_BOOTSTRAPPED", Refused.NameOf(early));
        }
        await registry.FoundAsync();
        await registry.Host.Registry.FlushJournalsAsync();
        Assert.DoesNotContain(Credentials.Entries.EntryKind.CallsRefused, Kinds());

        using var connection = registry.Connect();
        var guess = new BootstrapRequest { Secret = "aib_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", Operators = { registry.First("guesser", registry.Operator, "guessed") } };
        await Assert.ThrowsAsync<RegistryRefusedException>(() => connection.Admin.BootstrapAsync(guess).ResponseAsync);
        await registry.Host.Registry.FlushJournalsAsync();
        Assert.Contains(Credentials.Entries.EntryKind.CallsRefused, Kinds());

        IEnumerable<Credentials.Entries.EntryKind> Kinds() => registry.Host.Registry.Reading.ListEntries(0, 100, Period.All).Entries.Select(entry => entry.Kind);
    }

    [Fact]
    public async Task Without_dev_a_registry_is_founded_by_two_and_enrols_nobody_under_the_name_localhost()
    {
        await using var registry = await TestRegistry.StartInAsync(_folder, "--dev=false");
        await Assert.ThrowsAsync<RegistryRefusedException>(() => registry.FoundAsync());
        var secret = (await File.ReadAllTextAsync(registry.Host.BootstrapFile)).Trim();
        using var second = PrivateKey.Generate(KeyAlgorithm.Ed25519);
        using var connection = registry.Connect();
        var founded = await connection.Admin.BootstrapAsync(new BootstrapRequest
        {
            Secret = secret,
            Operators = { registry.First("first operator", registry.Operator, secret), registry.First("second operator", second, secret) },
        });
        Assert.False(founded.SingleOperator);
        Assert.Equal(Refusal.LoopbackUrl, (await Assert.ThrowsAsync<RegistryRefusedException>(() => registry.EnrolAsync())).Refusal);
    }

    [Fact]
    public async Task More_calls_than_the_quota_are_refused_with_a_word_on_when_to_come_again()
    {
        await using var registry = await TestRegistry.StartInAsync(_folder, "--quota-per-address=5");
        await registry.FoundAsync();
        using var connection = registry.Connect();
        var calls = Enumerable.Range(0, 50).Select(_ => connection.Registry.BeginEnrollAsync(new BeginEnrollRequest()).ResponseAsync).ToArray();
        var refused = await Assert.ThrowsAsync<RegistryRefusedException>(() => Task.WhenAll(calls));
        Assert.Equal((Refusal.QuotaExceeded, true), (refused.Refusal, refused.RetryAfter > TimeSpan.Zero));
    }

    [Fact]
    public async Task No_quota_keeps_an_operator_from_stopping()
    {
        await using var registry = await TestRegistry.StartInAsync(_folder, "--quota-per-address=5", "--quota-per-key=5");
        await registry.FoundAsync();
        using var connection = registry.Connect();
        var flood = Enumerable.Range(0, 50).Select(_ => connection.Registry.BeginEnrollAsync(new BeginEnrollRequest()).ResponseAsync).ToArray();
        await Assert.ThrowsAsync<RegistryRefusedException>(() => Task.WhenAll(flood));
        var stops = Enumerable.Range(0, 50).Select(n => registry.AsOperator.Control.StopAsync(
            new StopRequest { Scope = new Scope { Sponsor = $"sponsor {n}" }, State = Protocol.V1.AgentState.Frozen, Reason = "odd calls" }).ResponseAsync);
        Assert.All(await Task.WhenAll(stops), stop => Assert.Equal((StopLevel.Recorded, false), (stop.Level, stop.IndexPending)));
    }

    [Fact]
    public async Task A_collector_that_is_not_there_does_not_keep_the_server_from_serving()
    {
        await using var registry = await TestRegistry.StartInAsync(_folder, "--otlp=http://127.0.0.1:1");
        await registry.FoundAsync();
        Assert.Equal("ready\n", await registry.GetAsync("/health/ready"));
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

    private static async Task<string> FreeAddressAsync()
    {
        await using var registry = await TestRegistry.StartUnfoundedAsync();
        return registry.Host.Bound.Grpc.ToString();
    }

    private async Task RefusesAsync<T>(string words, params string[] flags)
        where T : Exception
    {
        var refused = await Assert.ThrowsAsync<T>(() => TestRegistry.StartInAsync(_folder, flags));
        Assert.Contains(words, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refused.Message);
    }
}
