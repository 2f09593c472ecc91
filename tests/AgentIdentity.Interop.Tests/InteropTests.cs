namespace AgentIdentity.Interop.Tests;

/// <summary>A stack runs all its cases once over each transport; each case is a test of its own.</summary>
public sealed class InteropTests(InteropRuns runs) : IClassFixture<InteropRuns>
{
    private static readonly string[] Names =
    [
        "empty_unary", "large_unary", "client_streaming", "server_streaming", "ping_pong", "empty_stream", "cancel_after_begin",
        "cancel_after_first_response", "timeout_on_sleeping_server", "custom_metadata", "status_code_and_message", "special_status_message",
        "unimplemented_method", "unimplemented_service", "client_compressed_unary", "server_compressed_unary",
    ];

    public static IEnumerable<object[]> Cases => from transport in (string[])["h2c", "tls"] from name in Names select (object[])[transport, name];

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public Task Grpc_js_passes(string transport, string @case) => AssertPassesAsync(InteropRuns.GrpcJs, transport, @case);

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public Task Python_grpcio_passes(string transport, string @case) => AssertPassesAsync(InteropRuns.Python, transport, @case);

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public Task Grpc_go_passes(string transport, string @case) => AssertPassesAsync(InteropRuns.GrpcGo, transport, @case);

    private async Task AssertPassesAsync(Stack stack, string transport, string @case)
    {
        Skip.If(stack.Missing is not null, stack.Missing);
        var run = await runs.RunAsync(stack, transport);
        Assert.True(run.Outcomes.TryGetValue(@case, out var outcome), $"The case was not reached:\n{run.Errors}");
        Assert.Equal("pass", outcome);
    }
}
