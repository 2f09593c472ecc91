using AgentIdentity.Server.Grpc;
using Grpc.Core;
using Grpc.Health.V1;
using static Grpc.Health.V1.HealthCheckResponse.Types;

namespace AgentIdentity.Server.Tests.Grpc;

public sealed class HealthServiceTests : IAsyncLifetime
{
    private const string Name = "agentidentity.v1.Registry";

    private readonly HealthService health = new();
    private ServiceHost host = null!;

    private Health.HealthClient Client => new(host.Channel);

    public async Task InitializeAsync() => host = await ServiceHost.StartAsync(health);

    public async Task DisposeAsync() => await host.DisposeAsync();

    [Fact]
    public async Task Check_answers_the_status_that_was_set_last()
    {
        health.Set("", ServingStatus.NotServing);
        health.Set("", ServingStatus.Serving);
        health.Set(Name, ServingStatus.NotServing);
        Assert.Equal(ServingStatus.Serving, (await Client.CheckAsync(new())).Status);
        Assert.Equal(ServingStatus.NotServing, (await Client.CheckAsync(new() { Service = Name })).Status);
    }

    [Fact]
    public async Task Check_does_not_find_a_name_without_a_status()
    {
        var refusal = await Assert.ThrowsAsync<RpcException>(async () => await Client.CheckAsync(new() { Service = Name }));
        Assert.Equal(StatusCode.NotFound, refusal.StatusCode);
    }

    [Fact]
    public async Task List_answers_every_status()
    {
        health.Set("", ServingStatus.Serving);
        health.Set(Name, ServingStatus.NotServing);
        var statuses = (await Client.ListAsync(new())).Statuses;
        Assert.Equal([("", ServingStatus.Serving), (Name, ServingStatus.NotServing)], statuses.Select(s => (s.Key, s.Value.Status)).Order());
    }

    [Fact]
    public async Task Watch_says_the_status_now_and_each_change()
    {
        health.Set(Name, ServingStatus.Serving);
        using var watch = Client.Watch(new() { Service = Name });
        Assert.Equal(ServingStatus.Serving, await NextAsync(watch));
        health.Set("other", ServingStatus.NotServing);
        health.Set(Name, ServingStatus.NotServing);
        Assert.Equal(ServingStatus.NotServing, await NextAsync(watch));
    }

    [Fact]
    public async Task One_address_may_not_hold_watches_without_end()
    {
        var watches = new List<AsyncServerStreamingCall<HealthCheckResponse>>();
        for (var count = 0; count < HealthService.WatchesPerAddressMax; count++)
        {
            watches.Add(Client.Watch(new()));
            await NextAsync(watches[^1]);
        }
        using (var oneMore = Client.Watch(new()))
            await Assert.ThrowsAsync<RpcException>(() => NextAsync(oneMore));

        watches[0].Dispose();
        while (true)
        {
            using var next = Client.Watch(new());
            if (await Record.ExceptionAsync(() => NextAsync(next)) is null)
                break;
        }
        watches.ForEach(watch => watch.Dispose());
    }

    [Fact]
    public async Task Watch_waits_for_a_name_to_become_known()
    {
        using var watch = Client.Watch(new() { Service = Name });
        Assert.Equal(ServingStatus.ServiceUnknown, await NextAsync(watch));
        health.Set(Name, ServingStatus.Serving);
        Assert.Equal(ServingStatus.Serving, await NextAsync(watch));
    }

    [Fact]
    public async Task Watch_does_not_repeat_itself()
    {
        health.Set(Name, ServingStatus.Serving);
        using var watch = Client.Watch(new() { Service = Name });
        Assert.Equal(ServingStatus.Serving, await NextAsync(watch));
        health.Set(Name, ServingStatus.Serving);
        health.Set(Name, ServingStatus.NotServing);
        Assert.Equal(ServingStatus.NotServing, await NextAsync(watch));
    }

    [Fact]
    public async Task A_shutdown_is_said_to_every_watch_and_ends_it()
    {
        health.Set(Name, ServingStatus.Serving);
        using var watch = Client.Watch(new() { Service = Name });
        Assert.Equal(ServingStatus.Serving, await NextAsync(watch));
        health.StopServing();
        Assert.Equal(ServingStatus.NotServing, await NextAsync(watch));
        Assert.False(await watch.ResponseStream.MoveNext());

        health.Set(Name, ServingStatus.Serving);
        Assert.Equal(ServingStatus.NotServing, (await Client.CheckAsync(new() { Service = Name })).Status);
        using var late = Client.Watch(new() { Service = Name });
        Assert.Equal(ServingStatus.NotServing, await NextAsync(late));
        Assert.False(await late.ResponseStream.MoveNext());
    }

    [Fact]
    public async Task The_last_of_many_concurrent_changes_reaches_every_watch()
    {
        var watches = Enumerable.Range(0, 8).Select(_ => Client.Watch(new() { Service = Name })).ToList();
        await Task.WhenAll(watches.Select(NextAsync));
        await Parallel.ForAsync(0, 2_000, (i, _) =>
        {
            health.Set(Name, i % 2 == 0 ? ServingStatus.Serving : ServingStatus.Unknown);
            return ValueTask.CompletedTask;
        });
        health.Set(Name, ServingStatus.NotServing);
        foreach (var watch in watches)
        {
            while (await NextAsync(watch) != ServingStatus.NotServing)
            {
                // Some of the changes on the way may be seen, never one after the last.
            }

            watch.Dispose();
        }
    }

    private static async Task<ServingStatus> NextAsync(AsyncServerStreamingCall<HealthCheckResponse> watch)
    {
        Assert.True(await watch.ResponseStream.MoveNext().WaitAsync(TimeSpan.FromSeconds(20)));
        return watch.ResponseStream.Current.Status;
    }
}
