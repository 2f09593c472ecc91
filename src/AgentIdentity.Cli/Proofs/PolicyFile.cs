using AgentIdentity.Ledger;

namespace AgentIdentity.Cli.Proofs;

/// <summary>Reads the policy that somebody trusts: C2SP tlog-policy. Two keys of one organisation make no quorum of two.</summary>
internal static class PolicyFile
{
    private const int BytesMax = 1 << 20;

    public static TlogPolicy Read(string file)
    {
        if (!TlogPolicy.TryParse(InputText.ReadBytes(file, BytesMax), out var policy, out var refusal, out var line))
            throw Failure.Usage($"{file} is no policy: {refusal}{(line > 0 ? $" in line {line}" : "")}.");
        return Organisations.CountedTwice(policy) is { } twice
            ? throw Failure.Usage($"{file}: {twice}.")
            : policy;
    }
}
