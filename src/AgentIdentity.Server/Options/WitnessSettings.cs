using AgentIdentity.Ledger;

namespace AgentIdentity.Server.Options;

/// <summary>Reads who cosigns for this registry, and for whom it does.</summary>
internal static class WitnessSettings
{
    private const string PolicyFlag = "--witness-policy";
    private const string LogFlag = "--witness-log";

    /// <exception cref="OptionsRefusedException">The policy cannot be read, asks nobody, or counts an organisation twice.</exception>
    public static TlogPolicy Policy(string file)
    {
        if (!File.Exists(file))
            throw new OptionsRefusedException($"{PolicyFlag} names {file}, which is not there.");
        if (!TlogPolicy.TryParse(File.ReadAllBytes(file), out var policy, out var refusal, out var line))
            throw new OptionsRefusedException($"{PolicyFlag}: {file} is no policy: {refusal}{(line > 0 ? $" in line {line}" : "")}.");
        if (policy.Quorum is null)
            throw new OptionsRefusedException($"{PolicyFlag}: the quorum of {file} is none, so that nobody would be asked; leave the option out.");
        foreach (var witness in policy.Witnesses)
            RequireReachable(witness);
        if (Organisations.CountedTwice(policy) is { } twice)
            throw new OptionsRefusedException($"{PolicyFlag}: {twice}.");
        return policy;
    }

    /// <exception cref="OptionsRefusedException">That is no key of a log, or its log has one already.</exception>
    public static IReadOnlyList<NoteVerifierKey> AlsoLog(IReadOnlyList<NoteVerifierKey> logs, string vkey)
    {
        if (!NoteVerifierKey.TryParse(vkey, out var key, out var refusal))
            throw new OptionsRefusedException($"{LogFlag} takes the line that the log serves as /log-key, and '{vkey}' is none: {refusal}.");
        if (key.Type != NoteKeyType.Ed25519)
            throw new OptionsRefusedException($"{LogFlag} takes the key of a log, and {key.Name} is a witness's.");
        return logs.Any(log => log.Name == key.Name)
            ? throw new OptionsRefusedException($"{LogFlag} names {key.Name} twice: one log has one key.")
            : [.. logs, key];
    }

    private static void RequireReachable(PolicyWitness witness)
    {
        if (witness.Key is null)
            throw new OptionsRefusedException($"{PolicyFlag}: the key of the witness {witness.Name} is of a type that cannot be verified here.");
        if (!Uri.TryCreate(witness.Url, UriKind.Absolute, out var url) || url.Scheme is not ("https" or "http"))
            throw new OptionsRefusedException($"{PolicyFlag}: the witness {witness.Name} has no URL to ask; it stands after the key.");
        if (url.Scheme == "http" && !url.IsLoopback)
            throw new OptionsRefusedException($"{PolicyFlag}: the witness {witness.Name} is asked in cleartext, which is for loopback only; give its https URL.");
    }
}
