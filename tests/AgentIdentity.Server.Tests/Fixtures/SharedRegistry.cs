namespace AgentIdentity.Server.Tests.Fixtures;

/// <summary>One registry for all tests of a class, where none of them disturbs another.</summary>
public sealed class SharedRegistry : IAsyncLifetime
{
    public TestRegistry Registry { get; private set; } = null!;

    public async Task InitializeAsync() => Registry = await TestRegistry.StartAsync();

    public async Task DisposeAsync() => await Registry.DisposeAsync();
}
