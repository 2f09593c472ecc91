using AgentIdentity.Ledger;

namespace AgentIdentity.Cli.Proofs;

/// <summary>Reads the policy that somebody trusts: C2SP tlog-policy.</summary>
internal static class PolicyFile
{
    public static TlogPolicy Read(string file) => TlogPolicy.TryParse(File.ReadAllBytes(file), out var policy, out var refusal, out var line)
        ? policy
        : throw Failure.Usage($"{file} is no policy: {refusal}{(line > 0 ? $" in line {line}" : "")}.");
}
