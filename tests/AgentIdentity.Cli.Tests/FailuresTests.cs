using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text.Json;
using System.Text.Json.Nodes;
using AgentIdentity.Cli.Home;
using AgentIdentity.Credentials.Keys;
using Grpc.Core;

namespace AgentIdentity.Cli.Tests;

public sealed class FailuresTests
{
    [Theory]
    [InlineData(StatusCode.DeadlineExceeded, "No answer came within 10 seconds. Whether it was done is not known.")]
    [InlineData(StatusCode.Unavailable, "No answer came that could be read: cut. Whether it was done is not known.")]
    public void A_call_whose_answer_is_lost_says_that_its_outcome_is_unknown_and_where_to_look(StatusCode code, string said)
    {
        var failure = Failures.Explain(new RpcException(new Status(code, code == StatusCode.DeadlineExceeded ? "" : "cut.")));

        Assert.Equal((ExitCode.Unreachable, said), (failure.ExitCode, failure.Message));
        Assert.Contains("agentid stops", failure.Next, StringComparison.Ordinal);
        Assert.Equal(code == StatusCode.DeadlineExceeded, failure.Next!.Contains("agentidentity_oldest_write_seconds", StringComparison.Ordinal));
    }

    [Fact]
    public void A_call_that_reached_nobody_does_not_say_that_it_may_have_been_done()
    {
        var nobody = new HttpRequestException(HttpRequestError.ConnectionError, "Connection refused");

        foreach (var failure in new[] { Failures.Explain(nobody), Failures.Explain(new RpcException(new Status(StatusCode.Unavailable, "refused", nobody))) })
        {
            Assert.Equal(ExitCode.Unreachable, failure.ExitCode);
            Assert.StartsWith("Nobody answered: ", failure.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("on record", failure.Next, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_server_without_TLS_that_is_asked_by_https_is_not_told_as_an_untrusted_certificate()
    {
        using var plain = new TcpListener(IPAddress.Loopback, 0);
        plain.Start();
        var answering = AnswerPlainlyAsync(plain);
        using var client = new HttpClient();

        var failure = Failures.Explain(await Assert.ThrowsAsync<HttpRequestException>(() => client.GetStringAsync(new Uri($"https://{plain.LocalEndpoint}/"))));

        await answering;
        Assert.Equal(ExitCode.Unreachable, failure.ExitCode);
        Assert.DoesNotContain("certificate", failure.Message, StringComparison.Ordinal);
        Assert.Contains("no TLS", failure.Message, StringComparison.Ordinal);
        Assert.Contains("http://", failure.Next, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("NotTimeValid", "renewed")]
    [InlineData("PartialChain", "--ca FILE")]
    public void What_is_wrong_with_a_certificate_is_told_and_one_that_is_over_is_not_told_to_be_named(string status, string next)
    {
        var why = new AuthenticationException($"The remote certificate is invalid because of errors in the certificate chain: {status}");

        // As the call's deadline came first: the status says nothing itself.
        var failure = Failures.Explain(new RpcException(new Status(StatusCode.DeadlineExceeded, "", new HttpRequestException(HttpRequestError.SecureConnectionError, "see inner exception", why))));

        Assert.Equal(ExitCode.Unreachable, failure.ExitCode);
        Assert.EndsWith($"not trusted here: {why.Message}", failure.Message, StringComparison.Ordinal);
        Assert.Contains(next, failure.Next, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_speaks_TLS_alone_is_told_as_such_before_anything_else()
    {
        using var closing = new TcpListener(IPAddress.Loopback, 0);
        closing.Start();
        var answering = HangUpAsync(closing);
        using var cli = new Agentid { Settings = ["--registry", $"http://{closing.LocalEndpoint}", "--control", $"http://{closing.LocalEndpoint}"] };

        var outcome = await cli.RunAsync("agents", "show", "01a1fc88-ec7b-72cc-9cc3-9e0f24ca2233", "--key", WriteKey(cli));

        closing.Stop();
        await answering;
        Assert.Equal(ExitCode.Unreachable, outcome.ExitCode);
        Assert.Contains("did not answer in this protocol", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("https://", outcome.Error.Split('\n')[1], StringComparison.Ordinal);
    }

    [Fact]
    public void An_answer_that_did_not_come_in_time_is_told_as_such()
    {
        var failure = Failures.Explain(new TaskCanceledException("The timeout of 10 seconds elapsed."));

        Assert.Equal((ExitCode.Unreachable, "No answer came in time: The timeout of 10 seconds elapsed. Whether it was done is not known."), (failure.ExitCode, failure.Message));
    }

    [Fact]
    public async Task What_cannot_be_told_on_standard_output_is_told_on_standard_error()
    {
        using var error = new StringWriter();
        using var full = new FullWriter();

        var exitCode = await CommandLine.RunAsync(["stop", "--json"], new Terminal { Input = TextReader.Null, Output = full, Error = error, EnableDefaultExceptionHandler = false }, CancellationToken.None);

        Assert.Equal(ExitCode.Usage, exitCode);
        Assert.Contains("No space left on device", error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_done_and_cannot_be_told_does_not_end_as_if_nothing_had_been_sent(bool asJson)
    {
        using var error = new StringWriter();
        using var full = new FullWriter();
        var root = new RootCommand().Does((run, _) =>
        {
            run.Answer(new JsonObject { ["state"] = "frozen" }, text => text.WriteLine("frozen"));
            return Task.FromResult(ExitCode.Fine);
        });
        GlobalOptions.AddTo((RootCommand)root);

        var exitCode = await root.Parse(asJson ? ["--json"] : Array.Empty<string>()).InvokeAsync(new Terminal { Input = TextReader.Null, Output = full, Error = error, EnableDefaultExceptionHandler = false });

        Assert.Equal(ExitCode.Unreachable, exitCode);
        Assert.Contains("No space left on device", error.ToString(), StringComparison.Ordinal);
        Assert.Contains("agentid stops", error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_nobody_foresaw_is_told_in_one_line_without_a_trace_and_has_a_code_of_its_own(bool asJson)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var root = new RootCommand().Does((_, _) => throw new NotSupportedException("a line\nand another"));
        GlobalOptions.AddTo((RootCommand)root);

        var exitCode = await root.Parse(asJson ? ["--json"] : Array.Empty<string>()).InvokeAsync(new Terminal { Input = TextReader.Null, Output = output, Error = error, EnableDefaultExceptionHandler = false });

        Assert.Equal(ExitCode.Fault, exitCode);
        var told = asJson ? JsonDocument.Parse(output.ToString()).RootElement.GetProperty("error").GetProperty("message").GetString()! : error.ToString().Split('\n')[0];
        Assert.EndsWith("System.NotSupportedException: a line and another", told, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output.ToString() + error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Whoever_interrupts_a_call_is_told_that_it_may_be_done_and_where_to_look(bool asJson)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        using var interrupt = new CancellationTokenSource();
        var root = new RootCommand().Does(async (_, cancellationToken) =>
        {
            await interrupt.CancelAsync();
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return ExitCode.Fine;
        });
        GlobalOptions.AddTo((RootCommand)root);

        var terminal = new Terminal { Input = TextReader.Null, Output = output, Error = error, EnableDefaultExceptionHandler = false };
        var exitCode = await root.Parse(asJson ? ["--json"] : Array.Empty<string>()).InvokeAsync(terminal, interrupt.Token);

        Assert.Equal(ExitCode.Interrupted, exitCode);
        var said = asJson ? JsonDocument.Parse(output.ToString()).RootElement.GetProperty("error").GetProperty("next").GetString()! : error.ToString();
        Assert.Contains("agentid stops", said, StringComparison.Ordinal);
    }

    // As Kestrel answers what is no HTTP.
    private static async Task AnswerPlainlyAsync(TcpListener listener)
    {
        using var connection = await listener.AcceptTcpClientAsync();
        var stream = connection.GetStream();
        await stream.ReadAtLeastAsync(new byte[64], 1);
        await stream.WriteAsync("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"u8.ToArray());
    }

    // As Kestrel does where it waits for TLS and gets the preface of HTTP/2.
    private static async Task HangUpAsync(TcpListener listener)
    {
        try
        {
            while (true)
            {
                using var connection = await listener.AcceptTcpClientAsync();
                await connection.GetStream().ReadAtLeastAsync(new byte[64], 1, throwOnEndOfStream: false);
            }
        }
        catch (Exception ended) when (ended is SocketException or ObjectDisposedException or IOException)
        {
            // Stopped, or hung up on.
        }
    }

    private static string WriteKey(Agentid cli)
    {
        using var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        var file = Path.Combine(Path.GetDirectoryName(cli.Home)!, "key.jwk");
        HomeFolder.WriteKey(file, key);
        return file;
    }

    private sealed class FullWriter : StringWriter
    {
        public override void Write(char value) => throw new IOException("No space left on device");

        public override void WriteLine(string? value) => throw new IOException("No space left on device");
    }
}
