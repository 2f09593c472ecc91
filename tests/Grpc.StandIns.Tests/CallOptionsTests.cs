using Grpc.Core;

namespace Grpc.StandIns.Tests;

public sealed class CallOptionsTests
{
    private static readonly DateTime Deadline = new(2030, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    [Fact]
    public void The_default_says_nothing()
    {
        var options = default(CallOptions);
        Assert.Null(options.Headers);
        Assert.Null(options.Deadline);
        Assert.Null(options.WriteOptions);
        Assert.Null(options.PropagationToken);
        Assert.Null(options.Credentials);
        Assert.False(options.CancellationToken.CanBeCanceled);
        Assert.False(options.IsWaitForReady);
    }

    [Fact]
    public void Each_change_is_a_copy_that_keeps_the_rest()
    {
        using var source = new CancellationTokenSource();
        var headers = new Metadata();
        var write = new WriteOptions(WriteFlags.NoCompress);
        var credentials = CallCredentials.FromInterceptor((_, _) => Task.CompletedTask);
        var before = new CallOptions(headers);

        var after = before.WithDeadline(Deadline).WithCancellationToken(source.Token).WithWriteOptions(write).WithCredentials(credentials).WithWaitForReady();

        Assert.Null(before.Deadline);
        Assert.False(before.IsWaitForReady);
        Assert.Same(headers, after.Headers);
        Assert.Equal(Deadline, after.Deadline);
        Assert.Equal(source.Token, after.CancellationToken);
        Assert.Same(write, after.WriteOptions);
        Assert.Same(credentials, after.Credentials);
        Assert.True(after.IsWaitForReady);
        Assert.False(after.WithWaitForReady(false).IsWaitForReady);
        Assert.NotSame(headers, after.WithHeaders([]).Headers);
    }

    [Fact]
    public void Write_and_propagation_options_keep_what_they_are_told()
    {
        Assert.Equal(WriteFlags.BufferHint | WriteFlags.NoCompress, new WriteOptions(WriteFlags.BufferHint | WriteFlags.NoCompress).Flags);
        Assert.Equal(default, WriteOptions.Default.Flags);
        Assert.True(ContextPropagationOptions.Default is { IsPropagateDeadline: true, IsPropagateCancellation: true });
        Assert.True(new ContextPropagationOptions(propagateDeadline: false) is { IsPropagateDeadline: false, IsPropagateCancellation: true });
    }
}
