using AgentIdentity.Credentials;
using AgentIdentity.Server.Grpc;
using Grpc.Core;

namespace AgentIdentity.Architecture.Tests;

/// <summary>Clients that are not ours know the refusals from the page alone.</summary>
public sealed class RefusalPageTests
{
    [Fact]
    public void The_page_of_formats_names_each_refusal_with_its_status_and_no_other()
    {
        var lines = File.ReadAllLines(Path.Combine(Repository.Root, "docs", "formats.md"));
        var told = lines.SkipWhile(line => line != "## Refusals").Where(line => line.StartsWith("| ", StringComparison.Ordinal)).Skip(2).Select(line => string.Join(' ', line.Split(" | ")[..2]));
        var meant = Enum.GetValues<Refusal>().Where(refusal => refusal != Refusal.None).Select(refusal => $"| {refusal.Name()} {UpperSnake(RefusalStatus.Code(refusal))}");
        Assert.Equal(meant, told);
    }

    private static string UpperSnake(StatusCode code) => string.Concat(code.ToString().Select((letter, i) => char.IsUpper(letter) && i > 0 ? $"_{letter}" : $"{char.ToUpperInvariant(letter)}"));
}
