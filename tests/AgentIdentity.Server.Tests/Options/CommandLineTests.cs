using AgentIdentity.Server.Options;

namespace AgentIdentity.Server.Tests.Options;

public sealed class CommandLineTests
{
    [Fact]
    public void Without_a_word_the_listeners_are_on_loopback_and_the_name_is_localhost()
    {
        var options = Read();
        Assert.Equal(
            ("127.0.0.1:5001", "127.0.0.1:5000", "127.0.0.1:5002", "127.0.0.1:5003", "./data", "https://localhost:5000"),
            (options.Grpc.ToString(), options.Http.ToString(), options.Control.ToString(), options.Console.ToString(), options.Data, options.PublicUrl));
    }

    [Fact]
    public void The_command_line_wins_over_the_environment_and_takes_both_spellings()
    {
        var environment = new Dictionary<string, string> { ["AGENTIDENTITY_DATA"] = "/from/environment", ["AGENTIDENTITY_PUBLIC_URL"] = "https://registry.example", ["AGENTIDENTITY_DEV"] = "true" };
        var options = CommandLine.Read(["--data", "/from/line", "--grpc=[::1]:0"], environment.GetValueOrDefault);
        Assert.Equal(("/from/line", "https://registry.example", true, "[::1]:0"), (options.Data, options.PublicUrl, options.Dev, options.Grpc.ToString()));
    }

    [Theory]
    [InlineData("--grcp", "There is no option --grcp")]
    [InlineData("--grpc=5001", "--grpc takes HOST:PORT")]
    [InlineData("--grpc=127.0.0.1:65536", "--grpc takes HOST:PORT")]
    [InlineData("--grpc=127.0.0.1:+5", "--grpc takes HOST:PORT")]
    [InlineData("--grpc=127.1:5001", "--grpc takes HOST:PORT")]
    [InlineData("--http=registry.example:5000", "--http takes HOST:PORT")]
    [InlineData("--data", "--data needs a value")]
    [InlineData("--public-url=https://127.0.0.1", "--public-url cannot be")]
    [InlineData("--public-url=http://registry.example", "--public-url cannot be")]
    [InlineData("--public-url=http://localhost:5000", "--public-url cannot be 'http://localhost:5000': a name without TLS is for --dev")]
    [InlineData("--dev=perhaps", "--dev is true or false")]
    [InlineData("--class-leases=reads", "--class-leases takes names with 1 to 900 seconds each")]
    [InlineData("--class-leases=reads=901", "--class-leases takes names with 1 to 900 seconds each")]
    [InlineData("--class-leases=reads=60,reads=61", "--class-leases takes names with 1 to 900 seconds each")]
    [InlineData("--class-leases=a=1,b=1,c=1,d=1,e=1,f=1,g=1,h=1,i=1,j=1,k=1,l=1,m=1,n=1,o=1,p=1,q=1", "--class-leases takes at most 16 classes, and these are 17.")]
    [InlineData("--otlp=collector", "--otlp takes an http or https URL")]
    [InlineData("--quota-per-key=0", "--quota-per-key takes a number")]
    [InlineData("--chain=nowhere", "--chain takes an http or https URL")]
    [InlineData("--chain=http://192.0.2.1:8545", "--chain is asked in cleartext")]
    [InlineData("--chain-check=http://192.0.2.1:8545", "--chain-check is asked in cleartext")]
    [InlineData("--chain-signer=http://192.0.2.1:9000", "--chain-signer is asked in cleartext")]
    [InlineData("--chain-id=0", "--chain-id takes a number")]
    [InlineData("--chain-growth=0", "--chain-growth takes a number")]
    [InlineData("--chain-contract=0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "--chain-contract takes 0x and 40")]
    [InlineData("--chain-key=key", "--chain-… says how to anchor")]
    [InlineData("--chain=http://127.0.0.1:8545", "--chain needs --chain-id and --chain-contract")]
    [InlineData("--tls-cert=server.pem", "--tls-cert and --tls-key go together")]
    [InlineData("--control=0.0.0.0:5002", "Cleartext is for loopback only")]
    public void What_cannot_be_is_refused_in_one_sentence(string argument, string sentence)
    {
        var refused = Assert.Throws<OptionsRefusedException>(() => Read(argument));
        Assert.StartsWith(sentence, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refused.Message);
    }

    [Theory]
    [InlineData("either --chain-key FILE or --chain-signer URL")]
    [InlineData("either --chain-key FILE or --chain-signer URL", "--chain-key=key", "--chain-signer=http://127.0.0.1:9000", "--chain-account=0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed")]
    [InlineData("--chain-signer and --chain-account go together", "--chain-signer=http://127.0.0.1:9000")]
    [InlineData("--chain-signer and --chain-account go together", "--chain-key=key", "--chain-account=0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed")]
    public void A_chain_has_one_who_signs(string sentence, params string[] arguments)
    {
        string[] all = ["--chain=http://127.0.0.1:8545", "--chain-id=1", "--chain-contract=0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed", .. arguments];
        Assert.Contains(sentence, Assert.Throws<OptionsRefusedException>(() => Read(all)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_chain_key_that_cannot_be_used_is_refused_before_anything_is_written() => Assert.Equal(
        "The chain key /nowhere does not exist.",
        Assert.Throws<OptionsRefusedException>(() => Read("--chain=http://127.0.0.1:8545", "--chain-id=1", "--chain-contract=0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed", "--chain-key=/nowhere")).Message);

    [Fact]
    public void A_listener_off_loopback_is_taken_with_a_certificate() =>
        Assert.False(Read("--grpc=0.0.0.0:5001", "--tls-cert=server.pem", "--tls-key=server.key").Grpc.IsLoopback);

    [Fact]
    public void The_help_names_every_option() => Assert.All(Flag.All, flag => Assert.Contains(flag.Name, CommandLine.Help(), StringComparison.Ordinal));

    private static ServerOptions Read(params string[] arguments) => CommandLine.Read(arguments, _ => null);
}
