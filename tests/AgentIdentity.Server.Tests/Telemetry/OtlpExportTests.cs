using System.Text;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Server.Tests.Fixtures;
using Grpc.Core;

namespace AgentIdentity.Server.Tests.Telemetry;

public sealed class OtlpExportTests
{
    [Theory]
    [InlineData("/opentelemetry.proto.collector.metrics.v1.MetricsService/Export", "agentidentity_call_duration_seconds")]
    [InlineData("/opentelemetry.proto.collector.trace.v1.TraceService/Export", "/agentidentity.v1.Admin/Bootstrap")]
    public async Task What_the_server_measures_arrives_at_the_collector_that_a_setting_names(string path, string word)
    {
        await using var collector = await Collector.StartAsync();
        await using (await TestRegistry.StartAsync($"--otlp={collector.Url}"))
        {
            // Founding the registry is a call; the end of the server sends what is still held back.
        }
        Assert.Contains(collector.Exports, export => export.Path == path && export.Text.Contains(word, StringComparison.Ordinal));
        Assert.All(collector.Exports, export => Assert.StartsWith("application/grpc", export.ContentType, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("01")]
    [InlineData("00")]
    public async Task A_call_stands_in_the_trace_that_its_caller_names_whether_or_not_the_caller_keeps_that(string flags)
    {
        const string Trace = "sixteen-letters.";
        await using var collector = await Collector.StartAsync();
        await using (var registry = await TestRegistry.StartAsync($"--otlp={collector.Url}"))
        {
            using var connection = registry.Connect();
            await connection.Registry.BeginEnrollAsync(new BeginEnrollRequest(), new Metadata { { "traceparent", $"00-{Convert.ToHexStringLower(Encoding.ASCII.GetBytes(Trace))}-00f067aa0ba902b7-{flags}" } });
        }
        Assert.Contains(collector.Exports, export => export.Text.Contains(Trace, StringComparison.Ordinal));
    }
}
