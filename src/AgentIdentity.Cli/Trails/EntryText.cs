using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Statements;

namespace AgentIdentity.Cli.Trails;

/// <summary>Entries in words: the kind as a word for scripts, and what it says for people.</summary>
internal static class EntryText
{
    public static string Kind(EntryKind kind) => kind switch
    {
        EntryKind.Genesis => "genesis",
        EntryKind.CallerRegistered => "caller-registered",
        EntryKind.TokenCreated => "token-created",
        EntryKind.AgentEnrolled => "agent-enrolled",
        EntryKind.CredentialsIssued => "credentials-issued",
        EntryKind.Activity => "activity",
        EntryKind.Stop => "stop",
        EntryKind.RegistryKeyRotated => "registry-key-rotated",
        EntryKind.PrivateDataRead => "private-data-read",
        EntryKind.CallsRefused => "calls-refused",
        EntryKind.Heads => "heads",
        EntryKind.Fork => "fork",
        EntryKind.ActivitiesErased => "activities-erased",
        EntryKind.HoldPlaced => "hold-placed",
        EntryKind.HoldLifted => "hold-lifted",
        EntryKind.LogSucceeded => "log-succeeded",
        EntryKind.Restored => "restored",
        EntryKind.Delegated => "delegated",
        EntryKind.BudgetSpent => "budget-spent",
        EntryKind.BlueprintDefined => "blueprint-defined",
        EntryKind.CompromiseCut => "compromise-cut",
        EntryKind.OperatorAdded => "operator-added",
        EntryKind.CallerRemoved => "caller-removed",
        EntryKind.EnforcersAcknowledged => "enforcers-acknowledged",
        EntryKind.BreakGlassKeySet => "break-glass-key-set",
        EntryKind.CredentialsUnlogged => "credentials-unlogged",
        EntryKind.DidVersion => "did-version",
        EntryKind.AgentKeyRotated => "agent-key-rotated",
        EntryKind.KeyReplacementOrdered => "key-replacement-ordered",
        EntryKind.DidKeysHeld => "did-keys-held",
        EntryKind.EvidenceAccepted => "evidence-accepted",
        EntryKind.EnforcerAlarmed => "enforcer-alarmed",
        EntryKind.LeasesGranted => "leases-granted",
        EntryKind.LogCosigned => "log-cosigned",
        EntryKind.RulesSet => "rules-set",
        EntryKind.TokenWithdrawn => "token-withdrawn",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "An entry kind without a word."),
    };

    public static string Describe(EntryBody body) => body switch
    {
        Genesis genesis => $"the log {genesis.Origin} began, with {Count(genesis.Operators.Count, "operator")}",
        CallerRegistered caller => $"{Word(caller.Role)} '{caller.Name}' registered",
        TokenCreated token => $"enrolment token for {Count(token.Uses, "agent")} of sponsor '{token.Grant.Sponsor}'",
        AgentEnrolled agent => $"enrolled for sponsor '{agent.Grant.Sponsor}' as {agent.Grant.Blueprint}",
        CredentialsIssued issued => $"{Count(issued.Count, "credential")} issued in this entry",
        Activity activity => Describe(activity),
        Stop stop => $"{(stop.Scope.Kind == ScopeKind.Agent ? "" : $"{stop.Scope} is ")}{Word(stop.State)}: {stop.Reason}{(stop.Incident.Length > 0 ? $" ({stop.Incident})" : "")}; opens epoch {stop.Epoch}",
        RegistryKeyRotated rotated => $"key for {Word(rotated.Use)} is {rotated.Key.KeyId} from here on",
        PrivateDataRead read => $"{read.Method} was given {Count(read.Records, "record")}{(read.Target.Length > 0 ? $" about {read.Target}" : "")}",
        CallsRefused refused => $"{Count(refused.Refused.Sum(calls => calls.Count), "call")} refused",
        Heads heads => $"where {Count((long)heads.Count, "subject stands", "subjects stand")}",
        Fork fork => $"the agent signed a second statement beside that of entry {fork.Held}: both are kept as proof",
        ActivitiesErased erased => $"{Count(erased.Indexes.Count, "activity", "activities")} erased: {erased.Reason}",
        HoldPlaced hold => $"nothing of the agent may be erased: {hold.Reason}",
        HoldLifted lifted => $"the hold of entry {lifted.Hold} is lifted: {lifted.Reason}",
        LogSucceeded next => $"the log {next.Before} goes on as {next.Origin}{(next.Lost.Count > 0 ? $", after a loss: others hold {Count(next.Lost.Count, "checkpoint")} that it does not continue" : "")}",
        Restored restored => $"{Count(restored.Stops.Count, "stop")} lifted ({string.Join(", ", restored.Stops)}): {restored.Reason}; opens epoch {restored.Epoch}",
        Delegated delegated => $"{delegated.Parent} passed a part of {delegated.ParentJti} on to {delegated.Child} as {delegated.ChildJti}",
        BudgetSpent spent => $"spent {string.Join(", ", spent.Spent.Select(one => $"{one.Amount} {one.Unit}"))} under {spent.Jti}",
        BlueprintDefined blueprint => $"blueprint '{blueprint.Name}' of model '{blueprint.Model}', with {Count(blueprint.Reads.Count, "action")} that only read",
        CompromiseCut cut => $"{cut.Scope} is not to be relied on after entry {cut.After}: {cut.Reason}; opens epoch {cut.Epoch}",
        OperatorAdded added => added.Passkey is null ? $"operator '{added.Name}' added by two" : $"a passkey of operator '{added.Name}', at {added.Passkey}, added by two",
        CallerRemoved removed => $"caller {removed.Caller} removed by two: {removed.Reason}",
        EnforcersAcknowledged acknowledged => $"{Count(acknowledged.Count, "enforcer has", "enforcers have")} signed what they refuse",
        BreakGlassKeySet breakGlass => $"the break-glass key is {breakGlass.Key.KeyId} from here on",
        CredentialsUnlogged unlogged => $"the enforcer was shown {Count(unlogged.Items.Count, "credential")} that the ledger does not hold",
        EnforcerAlarmed alarmed => $"alarm {alarmed.Name}: {alarmed.Detail}",
        LeasesGranted granted => $"{Count(granted.Classes.Count, "class has", "classes have")} a lease of {(granted.Classes.Count == 1 ? "its" : "their")} own{string.Concat(granted.Classes.Select(one => $", {one.Name} {one.Milliseconds / 1000} s"))}",
        LogCosigned cosigned => Describe(cosigned),
        RulesSet set => $"{(set.Rules.Count == 0 ? "no rule stops by itself" : $"stops by themselves: {string.Join(", ", set.Rules)}")}; by two: {set.Reason}",
        TokenWithdrawn withdrawn => $"enrolment token {withdrawn.TokenId} enrols nobody any more: {withdrawn.Reason}",
        DidVersion version => version.Deactivates ? "the DID is deactivated" : "the DID has another document",
        AgentKeyRotated rotated => $"the key is {rotated.Key.KeyId} from here on{(rotated.Order is { } order ? $", as entry {order} ordered" : "")}",
        DidKeysHeld held => $"the DIDs of the agents of token {held.TokenId} change with their sponsor's key only",
        KeyReplacementOrdered ordered => $"another key was ordered for {ordered.AgentId}: {ordered.Reason}",
        EvidenceAccepted evidence => $"{Word(evidence.Source)} '{evidence.Issuer}' says that it is '{evidence.Subject}'",
        _ => throw new ArgumentOutOfRangeException(nameof(body), body, "An entry kind without words."),
    };

    private static string Word(EvidenceSource source) => source switch
    {
        EvidenceSource.Oidc => "the issuer",
        EvidenceSource.X509Svid or EvidenceSource.JwtSvid => "the trust domain",
        EvidenceSource.Vouch => "the agent",
        _ => throw new ArgumentOutOfRangeException(nameof(source), source, "A kind of evidence without a word."),
    };

    private static string Describe(Activity activity)
    {
        if (!SignedStatement.TryRead(activity.Statement, out var statement))
            return "a statement that cannot be read";
        var kept = activity.Quarantined ? ", quarantined: its key was stopped" : "";
        return $"{Word(statement.Kind)} statement {statement.Sequence}, {Count(statement.Commitments.Length, "hash", "hashes")}{kept}";
    }

    private static string Describe(LogCosigned cosigned)
    {
        var checkpoint = cosigned.ReadCheckpoint()!;
        return $"had cosigned the log {checkpoint.Origin} at {Count((long)checkpoint.Size.Value, "entry", "entries")}";
    }

    public static string Count(long count, string one, string? many = null) => count == 1 ? $"1 {one}" : $"{count} {many ?? one + "s"}";

    private static string Word(Enum value) => value.ToString().ToLowerInvariant();
}
