using AgentIdentity.Server.Grpc;
using Google.Protobuf.Reflection;

namespace AgentIdentity.Architecture.Tests;

/// <summary>What can be called, and what the access table says about it, are the same set.</summary>
public sealed class AccessTableTests
{
    private static readonly MethodDescriptor[] Methods =
    [
        .. typeof(Protocol.V1.RegistryReflection).Assembly.GetTypes()
            .Where(type => type.Name.EndsWith("Reflection", StringComparison.Ordinal))
            .Select(type => type.GetProperty("Descriptor")?.GetValue(null))
            .OfType<FileDescriptor>()
            .SelectMany(file => file.Services)
            .SelectMany(service => service.Methods),
    ];

    [Fact]
    public void Every_method_of_the_protos_has_a_row_and_every_row_a_method() =>
        Assert.Equal(Methods.Select(method => $"/{method.Service.FullName}/{method.Name}").Order(), AccessTable.Rows.Select(row => row.Method).Order());

    [Fact]
    public void A_row_says_whether_its_method_streams_and_whether_its_caller_does() => Assert.All(Methods, method =>
    {
        var row = AccessTable.Find($"/{method.Service.FullName}/{method.Name}")!;
        Assert.Equal((row.Method, method.IsClientStreaming || method.IsServerStreaming, method.IsClientStreaming), (row.Method, row.IsStream, row.IsTwoWay));
    });

    [Fact]
    public void Operators_calls_are_on_the_control_listener_alone_and_the_others_are_not_on_it()
    {
        // What a client has seen of the log is presented on each listener that it speaks to.
        const string Presented = "/agentidentity.v1.Ledger/GetConsistency";
        foreach (var row in AccessTable.Rows.Where(row => row.Method.StartsWith("/agentidentity.", StringComparison.Ordinal)))
        {
            string[] forOperators = ["Admin", "Control", "Questions"];
            var isOperators = forOperators.Any(service => row.Method.StartsWith($"/agentidentity.v1.{service}/", StringComparison.Ordinal));
            Assert.Equal((row.Method, isOperators ? Listeners.Control : row.Method == Presented ? Listeners.Grpc | Listeners.Control : Listeners.Grpc), (row.Method, row.Listeners));
        }
    }

    [Fact]
    public void Nobody_reads_private_data_unnamed() => Assert.All(AccessTable.Rows.Where(row => row.IsPrivateRead), row => Assert.True(row.IsSigned));
}
