namespace AgentIdentity.Ledger;

/// <summary>
/// Who runs the witnesses of a policy, as far as their URLs tell. Two keys of one organisation agree with each other about everything, so that wherever more than one member
/// counts, each must be another organisation's.
/// </summary>
public static class Organisations
{
    private const string ThisMachine = "this machine";

    /// <summary>Which group counts which organisation more than once, in words; null when none does. Witnesses without a URL are told apart by nothing but their keys.</summary>
    public static string? CountedTwice(TlogPolicy policy)
    {
        var behind = policy.Witnesses.ToDictionary(witness => witness.Name, witness => new HashSet<string>(Of(witness)), StringComparer.Ordinal);
        foreach (var group in policy.Groups)
        {
            var all = new HashSet<string>();
            foreach (var member in group.Members)
            {
                if (group.Threshold > 1 && behind[member].FirstOrDefault(all.Contains) is { } twice)
                    return $"the group {group.Name} counts {twice} more than once; organisations count, not keys: put its witnesses into a group of their own with 'any'";
                all.UnionWith(behind[member]);
            }
            behind[group.Name] = all;
        }
        return null;
    }

    private static IEnumerable<string> Of(PolicyWitness witness) => Uri.TryCreate(witness.Url, UriKind.Absolute, out var url) ? [Of(url)] : [];

    // The last two labels of a name: w1.org.example and w2.org.example are one. It also takes two who share co.uk for one, which refuses a policy rather than let a single person be its quorum.
    // On one machine, for trying out, each port is somebody, whatever the machine is called there.
    private static string Of(Uri url)
    {
        var host = url.IdnHost.TrimEnd('.').ToLowerInvariant();
        if (url.IsLoopback || host == "localhost" || host.EndsWith(".localhost", StringComparison.Ordinal))
            return $"{ThisMachine}, port {url.Port}";
        return url.HostNameType is UriHostNameType.IPv4 or UriHostNameType.IPv6 ? host : string.Join('.', host.Split('.')[^Math.Min(2, host.Split('.').Length)..]);
    }
}
