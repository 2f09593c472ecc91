using System.Diagnostics;
using System.Runtime.Versioning;
using AgentIdentity.Cli.Demo;
using AgentIdentity.Cli.Home;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Keys;

namespace AgentIdentity.Cli.Tests.Home;

[UnsupportedOSPlatform("windows")]
public sealed class HomeFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private HomeFolder Home => new(Path.Combine(_folder.Path, "home"));

    [Fact]
    public void Keys_and_folders_are_for_their_owner_alone()
    {
        Home.MakeKey(CallerRole.Operator, "first").Dispose();

        var file = Home.KeyFile(CallerRole.Operator, "first");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        for (var folder = Path.GetDirectoryName(file)!; folder != _folder.Path; folder = Path.GetDirectoryName(folder)!)
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(folder));
    }

    [Fact]
    public void A_home_that_others_can_read_is_closed_to_them()
    {
        var path = Path.Combine(_folder.Path, "home");
        Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);

        Home.MakeKey(CallerRole.Operator, "first").Dispose();

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(path));
    }

    [Fact]
    public void A_home_that_cannot_be_made_names_the_options_for_another()
    {
        var home = new HomeFolder(Path.Combine(_folder.Write("a-file", ""), "home"));

        var failure = Assert.Throws<Failure>(() => home.MakeKey(CallerRole.Operator, "first"));

        Assert.Equal(ExitCode.Usage, failure.ExitCode);
        Assert.Contains("--home", failure.Next, StringComparison.Ordinal);
        Assert.Contains("AGENTID_HOME", failure.Next, StringComparison.Ordinal);
    }

    // As of a service's user, or of one that a container made up.
    [Fact]
    public async Task A_user_whose_home_is_not_there_gets_no_key_into_the_folder_where_somebody_stands()
    {
        var start = ProgramFile.Own().Start("operators", "apply", "--name", "first", "--out", "first.proof");
        start.WorkingDirectory = _folder.Path;
        start.Environment.Remove("AGENTID_HOME");
        start.Environment["HOME"] = Path.Combine(_folder.Write("a-file", ""), "home");

        using var process = Process.Start(start)!;
        var said = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();

        Assert.Equal(ExitCode.Usage, process.ExitCode);
        Assert.Contains(start.Environment["HOME"]!, said, StringComparison.Ordinal);
        Assert.Equal([Path.Combine(_folder.Path, "a-file")], Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void A_key_file_that_others_can_read_is_refused()
    {
        Home.MakeKey(CallerRole.Operator, "first").Dispose();
        var file = Home.KeyFile(CallerRole.Operator, "first");
        File.SetUnixFileMode(file, File.GetUnixFileMode(file) | UnixFileMode.GroupRead);

        var failure = Assert.Throws<Failure>(() => HomeFolder.ReadKey(file));

        Assert.Equal(ExitCode.Usage, failure.ExitCode);
        Assert.Contains("read by others", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{\"kty\":\"EC\"")]
    public void A_damaged_key_file_is_refused_with_what_can_be_done(string content)
    {
        Home.MakeKey(CallerRole.Operator, "first").Dispose();
        var file = Home.KeyFile(CallerRole.Operator, "first");
        File.WriteAllText(file, content);

        var failure = Assert.Throws<Failure>(() => HomeFolder.ReadKey(file));

        Assert.Contains(file, failure.Message, StringComparison.Ordinal);
        Assert.Contains("put back a copy", failure.Next, StringComparison.Ordinal);
        Assert.Contains("operators apply", failure.Next, StringComparison.Ordinal);
    }

    [Fact]
    public void Making_a_key_twice_gives_the_same_key()
    {
        using var first = Home.MakeKey(CallerRole.Enforcer, "gate");
        using var again = Home.MakeKey(CallerRole.Enforcer, "gate");

        Assert.Equal(first.PublicKey, again.PublicKey);
    }

    [Theory]
    [InlineData("../../outside")]
    [InlineData("..")]
    [InlineData(".hidden")]
    [InlineData("with spaces and / slashes")]
    [InlineData("Ünïcode")]
    public void Any_name_stays_within_its_folder(string name)
    {
        var file = Home.KeyFile(CallerRole.Sponsor, name);

        Assert.Equal(Path.Combine(_folder.Path, "home", "sponsors"), Path.GetDirectoryName(Path.GetFullPath(file)));
        Assert.False(Path.GetFileName(file).StartsWith('.'));
    }

    [Theory]
    [InlineData("")]
    [InlineData("..")]
    [InlineData("a/b")]
    [InlineData("with space")]
    [InlineData("this-name-is-longer-than-sixty-four-characters-which-is-too-long-x")]
    public void A_name_that_is_none_is_refused_for_an_agent(string name) => Assert.Throws<Failure>(() => Home.Agent(name));

    [Fact]
    public void The_log_key_is_kept_for_the_registry_that_named_it_and_for_no_other()
    {
        PrivateFiles.MakeFolder(Path.Combine(_folder.Path, "home"));

        Home.Registry.Write("https://localhost:5000", "the log key");

        Assert.Equal("the log key", Home.Registry.LogKey("https://localhost:5000"));
        Assert.Null(Home.Registry.LogKey("https://registry.example"));
    }

    [Fact]
    public void A_damaged_file_about_the_registry_is_named()
    {
        PrivateFiles.MakeFolder(Path.Combine(_folder.Path, "home"));
        File.WriteAllText(Path.Combine(_folder.Path, "home", "registry.json"), "{");

        Assert.Contains("registry.json", Assert.Throws<Failure>(() => Home.Registry.LogKey("https://localhost:5000")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_new_file_does_not_take_the_place_of_an_old_one()
    {
        using var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        var file = _folder.Write("key.jwk", "something that matters");

        Assert.Throws<IOException>(() => HomeFolder.WriteKey(file, key));

        Assert.Equal("something that matters", File.ReadAllText(file));
    }

    public void Dispose() => _folder.Dispose();
}
