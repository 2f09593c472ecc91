using AgentIdentity.Server.Grpc;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Reflection.V1;
using V1Alpha = Grpc.Reflection.V1Alpha;

namespace AgentIdentity.Server.Tests.Grpc;

public sealed class ReflectionServiceTests
{
    private static readonly DescriptorIndex Index = new([HealthReflection.Descriptor, Google.Rpc.StatusReflection.Descriptor]);

    [Fact]
    public async Task The_services_that_are_served_are_listed()
    {
        var answer = await AskAsync(new() { ListServices = "" });
        Assert.Equal(["grpc.health.v1.Health"], answer.ListServicesResponse.Service.Select(service => service.Name));
    }

    [Theory]
    [InlineData("grpc.health.v1.Health")]
    [InlineData("grpc.health.v1.Health.Watch")]
    [InlineData("grpc.health.v1.HealthCheckResponse")]
    [InlineData("grpc.health.v1.HealthCheckResponse.ServingStatus")]
    public async Task A_file_is_found_by_what_it_defines(string symbol) =>
        Assert.Equal(["grpc/health/v1/health.proto"], FileNames(await AskAsync(new() { FileContainingSymbol = symbol })));

    [Fact]
    public async Task A_file_is_found_by_name_and_comes_after_what_it_imports()
    {
        var answer = await AskAsync(new() { FileByFilename = "google/rpc/status.proto" });
        Assert.Equal(["google/protobuf/any.proto", "google/rpc/status.proto"], FileNames(answer));
        Assert.Equal(["google/protobuf/any.proto"], FileNames(await AskAsync(new() { FileContainingSymbol = "google.protobuf.Any" })));
    }

    [Fact]
    public async Task The_bytes_of_a_file_are_those_that_a_client_can_build_from()
    {
        var answer = await AskAsync(new() { FileByFilename = "google/rpc/status.proto" });
        var built = FileDescriptor.BuildFromByteStrings(answer.FileDescriptorResponse.FileDescriptorProto);
        Assert.Equal("google.rpc.Status", built[^1].MessageTypes.Single().FullName);
    }

    public static TheoryData<ServerReflectionRequest> Unknown =>
    [
        new ServerReflectionRequest { FileByFilename = "no.proto" },
        new ServerReflectionRequest { FileContainingSymbol = "grpc.health.v1.Nobody" },
        new ServerReflectionRequest { FileContainingSymbol = "" },
        new ServerReflectionRequest { FileContainingExtension = new() { ContainingType = "grpc.health.v1.HealthCheckRequest", ExtensionNumber = 100 } },
        new ServerReflectionRequest { AllExtensionNumbersOfType = "grpc.health.v1.HealthCheckRequest" },
    ];

    [Theory]
    [MemberData(nameof(Unknown))]
    public async Task What_is_not_there_is_not_found(ServerReflectionRequest request)
    {
        var answer = await AskAsync(request);
        Assert.Equal((int)StatusCode.NotFound, answer.ErrorResponse.ErrorCode);
    }

    [Fact]
    public async Task A_request_without_a_question_is_invalid() =>
        Assert.Equal((int)StatusCode.InvalidArgument, (await AskAsync(new())).ErrorResponse.ErrorCode);

    [Fact]
    public async Task Each_question_of_a_stream_is_answered_and_repeated_in_the_answer()
    {
        await using var host = await ServiceHost.StartAsync(new ReflectionService(Index));
        using var call = new ServerReflection.ServerReflectionClient(host.Channel).ServerReflectionInfo();
        foreach (var question in (ServerReflectionRequest[])[new() { Host = "h", ListServices = "*" }, new() { FileByFilename = "no.proto" }])
        {
            await call.RequestStream.WriteAsync(question);
            Assert.True(await call.ResponseStream.MoveNext());
            Assert.Equal(question, call.ResponseStream.Current.OriginalRequest);
            Assert.Equal(question.Host, call.ResponseStream.Current.ValidHost);
        }

        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext());
    }

    [Fact]
    public async Task One_address_may_not_hold_streams_without_end()
    {
        await using var host = await ServiceHost.StartAsync(new ReflectionService(Index));
        var client = new ServerReflection.ServerReflectionClient(host.Channel);
        async Task AskOnceAsync(AsyncDuplexStreamingCall<ServerReflectionRequest, ServerReflectionResponse> stream)
        {
            await stream.RequestStream.WriteAsync(new() { ListServices = "" });
            Assert.True(await stream.ResponseStream.MoveNext());
        }

        var streams = new List<AsyncDuplexStreamingCall<ServerReflectionRequest, ServerReflectionResponse>>();
        for (var count = 0; count < ReflectionService.StreamsPerAddressMax; count++)
        {
            streams.Add(client.ServerReflectionInfo());
            await AskOnceAsync(streams[^1]);
        }
        using (var oneMore = client.ServerReflectionInfo())
            await Assert.ThrowsAsync<RpcException>(() => AskOnceAsync(oneMore));

        streams[0].Dispose();
        while (true)
        {
            using var next = client.ServerReflectionInfo();
            if (await Record.ExceptionAsync(() => AskOnceAsync(next)) is null)
                break;
        }
        streams.ForEach(stream => stream.Dispose());
    }

    [Fact]
    public async Task The_first_version_answers_the_same()
    {
        await using var host = await ServiceHost.StartAsync(new ReflectionV1AlphaService(new ReflectionService(Index)));
        using var call = new V1Alpha.ServerReflection.ServerReflectionClient(host.Channel).ServerReflectionInfo();
        await call.RequestStream.WriteAsync(new() { FileContainingSymbol = "grpc.health.v1.Health" });
        Assert.True(await call.ResponseStream.MoveNext());
        Assert.Equal(
            (await AskAsync(new() { FileContainingSymbol = "grpc.health.v1.Health" })).FileDescriptorResponse.FileDescriptorProto,
            call.ResponseStream.Current.FileDescriptorResponse.FileDescriptorProto);
    }

    private static async Task<ServerReflectionResponse> AskAsync(ServerReflectionRequest request)
    {
        await using var host = await ServiceHost.StartAsync(new ReflectionService(Index));
        using var call = new ServerReflection.ServerReflectionClient(host.Channel).ServerReflectionInfo();
        await call.RequestStream.WriteAsync(request);
        await call.RequestStream.CompleteAsync();
        return (await call.ResponseStream.ReadAllAsync().ToListAsync()).Single();
    }

    private static IEnumerable<string> FileNames(ServerReflectionResponse answer) =>
        answer.FileDescriptorResponse.FileDescriptorProto.Select(bytes => FileDescriptorProto.Parser.ParseFrom(bytes).Name);
}
