using Grpc.Core;

namespace Grpc.StandIns.Tests;

public sealed class StatusTests
{
    [Fact]
    public void The_text_of_a_status_names_code_detail_and_cause()
    {
        Assert.Equal("Status(StatusCode=\"NotFound\", Detail=\"no such agent\")", new Status(StatusCode.NotFound, "no such agent").ToString());
        Assert.Equal(
            "Status(StatusCode=\"Internal\", Detail=\"broken\", DebugException=\"System.TimeoutException: too late\")",
            new Status(StatusCode.Internal, "broken", new TimeoutException("too late")).ToString());
    }

    [Fact]
    public void The_default_status_is_success_without_detail()
    {
        Assert.Equal(StatusCode.OK, default(Status).StatusCode);
        Assert.Null(default(Status).Detail);
        Assert.Equal("", Status.DefaultSuccess.Detail);
        Assert.Equal(StatusCode.Cancelled, Status.DefaultCancelled.StatusCode);
    }

    [Fact]
    public void An_exception_carries_its_status_cause_and_message()
    {
        var cause = new TimeoutException();
        var status = new Status(StatusCode.Unavailable, "down", cause);
        var exception = new RpcException(status);
        Assert.Equal(status, exception.Status);
        Assert.Equal(StatusCode.Unavailable, exception.StatusCode);
        Assert.Equal(status.ToString(), exception.Message);
        Assert.Same(cause, exception.InnerException);
        Assert.Equal("mine", new RpcException(status, "mine").Message);
    }

    [Fact]
    public void An_exception_without_trailers_has_the_empty_ones()
    {
        var trailers = new Metadata();
        Assert.Same(Metadata.Empty, new RpcException(Status.DefaultCancelled).Trailers);
        Assert.Same(Metadata.Empty, new RpcException(Status.DefaultCancelled, "message").Trailers);
        Assert.Same(trailers, new RpcException(Status.DefaultCancelled, trailers).Trailers);
        Assert.Throws<ArgumentNullException>(() => new RpcException(Status.DefaultCancelled, (Metadata)null!));
    }

    [Fact]
    public void The_numbers_of_the_codes_are_those_of_the_wire()
    {
        string[] names =
        [
            "OK", "Cancelled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound", "AlreadyExists", "PermissionDenied", "ResourceExhausted",
            "FailedPrecondition", "Aborted", "OutOfRange", "Unimplemented", "Internal", "Unavailable", "DataLoss", "Unauthenticated",
        ];
        Assert.Equal(names, Enum.GetNames<StatusCode>());
        Assert.Equal(Enumerable.Range(0, 17), Enum.GetValues<StatusCode>().Select(code => (int)code));
    }

    [Fact]
    public void The_numbers_of_the_other_enumerations_are_those_that_the_official_assemblies_were_compiled_with()
    {
        Assert.Equal(["Idle", "Connecting", "Ready", "TransientFailure", "Shutdown"], Enum.GetNames<ConnectivityState>());
        Assert.Equal(["Unary", "ClientStreaming", "ServerStreaming", "DuplexStreaming"], Enum.GetNames<MethodType>());
        Assert.Equal([1, 2], Enum.GetValues<WriteFlags>().Select(flag => (int)flag));
        Assert.Equal(["BufferHint", "NoCompress"], Enum.GetNames<WriteFlags>());
    }
}
