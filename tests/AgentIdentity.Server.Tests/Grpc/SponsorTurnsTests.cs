using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Registry.State;
using AgentIdentity.Server.Grpc;
using AgentIdentity.Server.Tests.Grpc.Deadlines;
using Microsoft.AspNetCore.Http;

namespace AgentIdentity.Server.Tests.Grpc;

/// <summary>A sponsor on the control listener takes its turn, so that it keeps no operator waiting.</summary>
public sealed class SponsorTurnsTests
{
    [Fact]
    public async Task While_all_processors_compute_a_sponsors_look_waits_and_neither_its_stop_nor_an_operators_look_does()
    {
        var slots = new WorkSlots();
        using var computing = new CountdownEvent(Environment.ProcessorCount);
        using var done = new ManualResetEventSlim();
        var busy = Enumerable.Range(0, Environment.ProcessorCount).Select(_ => Task.Factory.StartNew(() => slots.TryRunAsync(_ =>
        {
            computing.Signal();
            done.Wait();
            return Task.CompletedTask;
        }, new DefaultHttpContext()), TaskCreationOptions.LongRunning).Unwrap()).ToArray();
        computing.Wait();

        var turns = new SponsorTurns(slots);
        var look = AnswerAsync(turns, CallerRole.Sponsor, "Questions/WhoIs");
        Assert.True(AnswerAsync(turns, CallerRole.Sponsor, "Control/Stop").IsCompletedSuccessfully);
        Assert.True(AnswerAsync(turns, CallerRole.Operator, "Questions/WhoIs").IsCompletedSuccessfully);
        Assert.False(look.IsCompleted);
        done.Set();
        Assert.Equal("answer", await look);
        Assert.All(await Task.WhenAll(busy), Assert.True);
    }

    private static Task<string> AnswerAsync(SponsorTurns turns, CallerRole role, string method)
    {
        var context = new DeadlineInterceptorTests.OfficialContext(null);
        using var key = PrivateKey.Generate(KeyAlgorithm.ES256);
        new CallState(AccessTable.Find($"/agentidentity.v1.{method}")!, Listeners.Control) { Caller = new CallerRecord(new SubjectId(1), role, "who", key.PublicKey, [], 0) }.Attach(context.Http);
        return turns.InterceptAsync(context, _ => Task.FromResult("answer"));
    }
}
