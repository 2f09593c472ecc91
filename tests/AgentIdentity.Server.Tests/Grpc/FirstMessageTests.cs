using System.IO.Pipelines;
using AgentIdentity.Credentials.Tokens;
using AgentIdentity.Ledger;
using AgentIdentity.Server.Grpc;
using AgentIdentity.Server.Tests.Fixtures;

namespace AgentIdentity.Server.Tests.Grpc;

public sealed class FirstMessageTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(100_000)]
    public async Task The_hash_is_of_the_message_without_its_frame_and_the_next_reader_still_gets_all_of_it(int length)
    {
        var message = new byte[length];
        new Random(length).NextBytes(message);
        var frame = RawCaller.Framed(message);
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 0));
        using var patience = new CancellationTokenSource();
        var hashing = FirstMessage.LookAsync(pipe.Reader, isHashed: true, isOnly: false, patience);
        foreach (var piece in frame.Chunk(4096))
            await pipe.Writer.WriteAsync(piece);

        Assert.Equal(Sha256.Hash(message).ToBase64Url(), await hashing);
        await pipe.Writer.CompleteAsync();
        var left = await pipe.Reader.ReadAtLeastAsync(frame.Length);
        Assert.Equal(frame.Length, left.Buffer.Length);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("00")]
    public async Task The_only_message_is_here_when_it_ends_or_more_comes_behind_it(string? more)
    {
        var pipe = new Pipe();
        using var patience = new CancellationTokenSource();
        await pipe.Writer.WriteAsync(RawCaller.Framed([1, 2, 3]));
        Assert.False(FirstMessage.TryLook(pipe.Reader, isHashed: true, isOnly: true, out _));
        var looking = FirstMessage.LookAsync(pipe.Reader, isHashed: true, isOnly: true, patience);
        Assert.False(looking.IsCompleted);

        if (more is null)
            await pipe.Writer.CompleteAsync();
        else
            await pipe.Writer.WriteAsync(Convert.FromHexString(more));

        Assert.Equal(Sha256.Hash([1, 2, 3]).ToBase64Url(), await looking);
    }

    [Theory]
    [InlineData("")]
    [InlineData("00000000")]
    [InlineData("000000000301")]
    [InlineData("010000000101")]
    [InlineData("00ffffffff01")]
    public async Task A_frame_that_the_layer_will_refuse_has_no_hash(string hex)
    {
        var pipe = new Pipe();
        await pipe.Writer.WriteAsync(Convert.FromHexString(hex));
        await pipe.Writer.CompleteAsync();
        using var patience = new CancellationTokenSource();
        Assert.Null(await FirstMessage.LookAsync(pipe.Reader, isHashed: true, isOnly: false, patience));
    }
}
