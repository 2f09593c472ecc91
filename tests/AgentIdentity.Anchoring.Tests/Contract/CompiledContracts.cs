using System.Diagnostics;
using AgentIdentity.Anchoring.Tests.Node;

namespace AgentIdentity.Anchoring.Tests.Contract;

/// <summary>What is committed is what the pinned compiler makes of the sources.</summary>
public sealed class CompiledContracts
{
    [Fact]
    public async Task The_compiled_contracts_are_those_of_the_sources()
    {
        Repository.Installed("solc/package.json");
        using var build = Process.Start(new ProcessStartInfo("node", ["build.mjs", "--check"]) { WorkingDirectory = Repository.Contracts, RedirectStandardError = true })!;
        var complaints = await build.StandardError.ReadToEndAsync();
        await build.WaitForExitAsync();
        Assert.Equal((0, ""), (build.ExitCode, complaints));
    }
}
