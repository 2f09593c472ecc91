using System.Net;
using System.Net.Sockets;
using AgentIdentity.Cli.Home;
using AgentIdentity.Credentials.Entries;

namespace AgentIdentity.Cli.Tests;

public sealed class UsageTests : IDisposable
{
    private const string Token = "token create --sponsor Research --blueprint x/1 --audience https://tools.example";

    private readonly Agentid _cli = new();

    [Theory]
    [InlineData("", "agentid --help")]
    [InlineData("dance", "dance")]
    [InlineData("stop", "agentid stop --help")]
    [InlineData("stop x --state paused --reason r", "paused")]
    [InlineData("stop x --state frozen", "--reason")]
    [InlineData("prove minus-one", "'minus-one' is not a whole number that <index> takes.")]
    [InlineData("who-is x --at noon", "'noon' is not a whole number that --at takes.")]
    [InlineData("stop x --state frozen --reason r --watch --timeout soon", "'soon' is not a number that --timeout takes.")]
    [InlineData("stop x --state frozen --reason r --watch --timeout NaN", "--timeout takes more than 0 and at most 604800 seconds.")]
    [InlineData("stop x --state frozen --reason r --watch --timeout 0", "--timeout takes more than 0 and at most 604800 seconds.")]
    [InlineData("stop x --state frozen --reason r --watch --timeout -1", "--timeout takes more than 0 and at most 604800 seconds.")]
    [InlineData("stop x --state frozen --reason r --watch --timeout Infinity", "--timeout takes more than 0 and at most 604800 seconds.")]
    [InlineData("operators register --role operator --name n", "operator")]
    [InlineData("token create --sponsor s", "--blueprint")]
    [InlineData("agents list --state sleepy", "sleepy")]
    [InlineData("agents", "agentid agents --help")]
    public async Task A_command_line_that_is_not_understood_ends_with_2_and_names_the_help(string line, string named)
    {
        var outcome = await _cli.RunAsync(Words(line));

        Assert.Equal(ExitCode.Usage, outcome.ExitCode);
        Assert.Empty(outcome.Output);
        Assert.Contains(named, outcome.Error, StringComparison.Ordinal);
        Assert.Contains("--help", outcome.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("System.", outcome.Error, StringComparison.Ordinal);
        // The parser breaks lines of its own between words, which the output for people would show as signs that it could not print.
        Assert.DoesNotContain("\ufffd", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_json_a_usage_error_is_one_object_on_standard_output()
    {
        var outcome = await _cli.RunAsync("stop", "--json");

        Assert.Equal(ExitCode.Usage, outcome.Json.GetProperty("exit_code").GetInt32());
        Assert.Contains("agentid stop --help", outcome.Json.GetProperty("error").GetProperty("next").GetString(), StringComparison.Ordinal);
        Assert.Empty(outcome.Error);
    }

    [Theory]
    [InlineData(Token, "Nothing is allowed")]
    [InlineData(Token + " --allow documents:read", "TYPE:ACTION[,ACTION]:LOCATION")]
    [InlineData(Token + " --allow documents:*:https://tools.example/*", "no envelope")]
    [InlineData(Token + " --allow documents:read:https://tools.example/* --envelope e.json", "twice")]
    [InlineData(Token + " --allow documents:read:https://tools.example/* --label jurisdiction", "NAME=VALUE")]
    [InlineData("operators list", "no operator key")]
    [InlineData("anchor owner --accept --chain http://node.example --chain-id 1 --chain-contract 0x00000000000000000000000000000000000000aa --chain-key k", "--chain takes an https URL, or http on this machine")]
    [InlineData("operators list --key /nowhere.jwk", "/nowhere.jwk")]
    [InlineData("operators list --public-url https://LOCALHOST", "--public-url")]
    [InlineData("bootstrap --secret-file /nowhere --operator one", "/nowhere")]
    [InlineData("stop somebody --state frozen --reason r", "somebody")]
    [InlineData("stop label:region --state frozen --reason r", "label:NAME=VALUE")]
    [InlineData("stop key:short --state frozen --reason r", "'key:short' is no scope")]
    [InlineData("still-alive modle:x", "model:NAME")]
    [InlineData("enrol --name everything --token t", "'everything' is no name for an agent")]
    [InlineData("prove 3 --log-key nonsense", "--log-key")]
    [InlineData("restore twelve --reason r --out f", "agentid restore 12,15-20")]
    [InlineData("issue --agent ../../etc", "../../etc")]
    [InlineData("find --agent nobody x", "agentid enrol --name nobody")]
    [InlineData("find x", "no auditor or operator key")]
    [InlineData("entries --from yesterday", "yesterday")]
    [InlineData("entries --from 2026-11-22T00:00:00Z --to 2026-11-21T00:00:00Z", "--from lies behind --to")]
    [InlineData("entries --max 0", "--max")]
    [InlineData("issue --agent nobody", "agentid enrol --name nobody")]
    [InlineData("rules set fork:1/60 --reason r --out f", "fork:1/60")]
    [InlineData("rules set fork:1/60:revoked --reason r --out f", "restricted or frozen")]
    [InlineData("rules set none fork:1/60:frozen --reason r --out f", "'none' is no rule")]
    [InlineData("rules set fork:1/60:frozen fork:2/60:frozen --reason r --out f", "one rule for each trigger")]
    public async Task What_cannot_work_is_said_before_anything_is_sent(string line, string said)
    {
        var outcome = await _cli.RunAsync(Words(line));

        Assert.Equal(ExitCode.Usage, outcome.ExitCode);
        Assert.Contains(said, outcome.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("export-log out --url URL")]
    [InlineData("export-log out --http URL")]
    [InlineData("verify --http URL")]
    [InlineData("verify --proof p --nonce n --audience https://tools.example --url URL")]
    [InlineData("proof --agent nobody --nonce n --url URL")]
    [InlineData("call URL --agent nobody")]
    [InlineData("drill --tool URL --audience https://tools.example --allow tool:read:https://tools.example/*")]
    [InlineData("prove 3 --rpc URL")]
    [InlineData("anchor owner --chain URL --chain-id 1 --chain-contract 0x52908400098527886E0F7030069857D2E4169EE7 --accept")]
    [InlineData("agents list --registry URL")]
    [InlineData("operators list --control URL")]
    [InlineData("operators list --public-url URL")]
    public async Task What_is_no_URL_of_HTTP_is_a_wrong_use_wherever_one_is_taken(string line)
    {
        new HomeFolder(_cli.Home).MakeKey(CallerRole.Operator, "first").Dispose();
        foreach (var odd in new[] { "notaurl", "/tmp", "ftp://tools.example", "file:///tmp", "http://", "http://a b", "https://tools.example:99999", "mailto:a@tools.example" })
        {
            var outcome = await _cli.RunAsync("credential", [.. Words(line).Select(word => word == "URL" ? odd : word), "--json"]);

            Assert.True(outcome.ExitCode == ExitCode.Usage, $"{odd}: {outcome}");
            // Of the registry's own name it is said what is wrong with it; of the others, what was given.
            Assert.Contains(line.Contains("--public-url", StringComparison.Ordinal) ? "--public-url" : $"'{odd}'", outcome.Json.GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("GE T")]
    [InlineData("")]
    [InlineData("GET\r\nX: y")]
    public async Task What_is_no_method_of_HTTP_is_a_wrong_use(string method)
    {
        var outcome = await _cli.RunAsync("call", "https://tools.example", "--agent", "nobody", "--method", method);

        Assert.Equal(ExitCode.Usage, outcome.ExitCode);
        Assert.Contains("--method", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Several_keys_of_a_role_are_not_chosen_from()
    {
        var home = new HomeFolder(_cli.Home);
        home.MakeKey(CallerRole.Operator, "first").Dispose();
        home.MakeKey(CallerRole.Operator, "second").Dispose();

        var outcome = await _cli.RunAsync("operators", "list");

        Assert.Equal(ExitCode.Usage, outcome.ExitCode);
        Assert.Contains("--key", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nobody_at_the_other_end_is_3()
    {
        var port = ClosedPort();
        new HomeFolder(_cli.Home).MakeKey(CallerRole.Operator, "first").Dispose();

        var outcome = await _cli.RunAsync("operators", "list", "--control", $"http://127.0.0.1:{port}", "--json");

        Assert.Equal(ExitCode.Unreachable, outcome.ExitCode);
        Assert.Equal(ExitCode.Unreachable, outcome.Json.GetProperty("exit_code").GetInt32());
    }

    [Fact]
    public async Task Verify_wants_the_credential_on_standard_input()
    {
        var words = Words("verify --proof p --url https://tools.example --nonce n --audience https://tools.example");

        var outcome = await _cli.RunAsync("  \n", words);

        Assert.Equal(ExitCode.Usage, outcome.ExitCode);
        Assert.Contains("standard input", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_help_says_the_exit_codes_and_the_verbs()
    {
        var outcome = (await _cli.RunAsync("--help")).Fine();

        Assert.Contains("Exit codes: 0 fine; 1 refused", outcome.Output, StringComparison.Ordinal);
        Assert.All(
            ["bootstrap", "operators", "token", "enrol", "issue", "verify", "record", "trail", "stop", "agents", "prove", "rotate-issuer-key", "call", "demo"],
            verb => Assert.Contains($"\n  {verb}", outcome.Output, StringComparison.Ordinal));
        Assert.DoesNotContain("demo-agent", outcome.Output, StringComparison.Ordinal);
    }

    public void Dispose() => _cli.Dispose();

    private static string[] Words(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static int ClosedPort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
