using System.Formats.Cbor;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Passkeys;

namespace AgentIdentity.Credentials.Entries;

/// <summary>Bodies by kind, key by key as docs/formats.md, "Entry", lists them.</summary>
internal static class EntryBodyCodec
{
    public static void Write(CborWriter cbor, EntryBody body)
    {
        var fields = new FieldWriter(cbor);
        switch (body)
        {
            case Genesis genesis:
                cbor.WriteStartMap(genesis.DidLine is null ? 5 : 6);
                fields.Text(genesis.PublicUrl);
                fields.Text(genesis.Origin);
                fields.Array(genesis.Keys, WriteRegistryKey);
                fields.Array(genesis.Operators, WriteOperator);
                fields.Number(genesis.SingleOperator ? 1u : 2u);
                if (genesis.DidLine is not null)
                    fields.Text(genesis.DidLine);
                break;
            case CallerRegistered caller:
                cbor.WriteStartMap(5);
                fields.Number((uint)caller.Role);
                fields.Text(caller.Name);
                fields.Key(caller.Key);
                fields.Texts(caller.Audiences);
                break;
            case TokenCreated token:
                cbor.WriteStartMap(IsPlain(token) ? 8 : 10);
                fields.Bytes(token.TokenHash.ToArray());
                fields.Grant(token.Grant);
                fields.Number(token.Uses);
                fields.Number((ulong)token.ExpiresAt);
                if (IsPlain(token))
                    break;
                fields.Text(token.Evidence);
                fields.Number(token.SessionSeconds);
                break;
            case AgentEnrolled agent:
                cbor.WriteStartMap(agent.DidLine is not null ? 12 : agent.Grant.StatedLabels.Count > 0 ? 11 : 10);
                fields.Bytes(agent.AgentId.ToArray());
                fields.Bytes(agent.TokenId.ToArray());
                fields.Key(agent.Key);
                fields.Grant(agent.Grant);
                fields.Text(agent.Proof);
                if (agent.Grant.StatedLabels.Count > 0 || agent.DidLine is not null)
                    fields.Labels(agent.Grant.StatedLabels);
                if (agent.DidLine is not null)
                    fields.Text(agent.DidLine);
                break;
            case CredentialsIssued issued:
                cbor.WriteStartMap(2);
                fields.Bytes(issued.Root.ToArray());
                fields.Number(issued.Count);
                break;
            case Activity activity:
                cbor.WriteStartMap(4);
                fields.Bytes(activity.Statement);
                fields.Number((uint)activity.Algorithm);
                fields.Bytes(activity.Signature);
                fields.Number((uint)activity.Class);
                break;
            case Stop stop:
                var isLong = stop.Probes.Count > 0 || stop.Rule is not null;
                cbor.WriteStartMap(stop.Rule is not null ? 10 : isLong ? 8 : stop.Order is null ? 6 : 7);
                fields.Scope(stop.Scope);
                fields.Number((uint)stop.State);
                fields.Text(stop.Reason);
                fields.Text(stop.Incident);
                fields.Number(stop.Epoch);
                if (stop.Order is not null || isLong)
                    fields.Text(stop.Order ?? "");
                if (isLong)
                    fields.Array(stop.Probes, static (cbor, probe) => cbor.WriteId(probe));
                if (stop.Rule is not { } rule)
                    break;
                fields.Number(rule.Rules.Value);
                fields.Number((uint)rule.Trigger);
                break;
            case RegistryKeyRotated rotated:
                cbor.WriteStartMap(4);
                fields.Number((uint)rotated.Use);
                fields.Key(rotated.Key);
                fields.Bytes(rotated.Retired.ToArray());
                break;
            case PrivateDataRead read:
                cbor.WriteStartMap(3);
                fields.Text(read.Method);
                fields.Text(read.Target);
                fields.Number(read.Records);
                break;
            case CallsRefused refused:
                cbor.WriteStartMap(1);
                fields.Array(refused.Refused, WriteRefused);
                break;
            case Heads heads:
                cbor.WriteStartMap(3);
                fields.Bytes(heads.Root.ToArray());
                fields.Number(heads.Count);
                fields.Number(heads.Before.Value);
                break;
            case Fork fork:
                cbor.WriteStartMap(5);
                fields.Number(fork.Held.Value);
                fields.Bytes(fork.Identity.ToArray());
                fields.Bytes(fork.Statement);
                fields.Number((uint)fork.Algorithm);
                fields.Bytes(fork.Signature);
                break;
            case ActivitiesErased erased:
                cbor.WriteStartMap(5);
                fields.Bytes(erased.AgentId.ToArray());
                fields.Array(erased.Indexes, WriteIndex);
                fields.Text(erased.Reason);
                fields.Texts(erased.Approvals);
                fields.Array(erased.Stubs, static (cbor, stub) => cbor.WriteHash(stub));
                break;
            case HoldPlaced hold:
                cbor.WriteStartMap(2);
                fields.Bytes(hold.AgentId.ToArray());
                fields.Text(hold.Reason);
                break;
            case HoldLifted lifted:
                cbor.WriteStartMap(4);
                fields.Bytes(lifted.AgentId.ToArray());
                fields.Number(lifted.Hold.Value);
                fields.Text(lifted.Reason);
                fields.Texts(lifted.Approvals);
                break;
            case LogSucceeded succeeded:
                cbor.WriteStartMap(7);
                fields.Text(succeeded.Before);
                fields.Text(succeeded.LastCheckpoint);
                fields.Text(succeeded.Origin);
                fields.Key(succeeded.Key);
                fields.Number((uint)succeeded.Reason);
                fields.Texts(succeeded.Lost);
                break;
            case Restored restored:
                cbor.WriteStartMap(4);
                fields.Array(restored.Stops, WriteIndex);
                fields.Text(restored.Reason);
                fields.Texts(restored.Approvals);
                fields.Number(restored.Epoch);
                break;
            case Delegated delegated:
                cbor.WriteStartMap(9);
                fields.Bytes(delegated.Parent.ToArray());
                fields.Bytes(delegated.ParentJti.ToArray());
                fields.Bytes(delegated.Child.ToArray());
                fields.Bytes(delegated.ChildJti.ToArray());
                fields.Text(delegated.Envelope);
                fields.Texts(delegated.Audiences);
                fields.Number((ulong)delegated.ExpiresAt);
                fields.Number(delegated.Depth);
                fields.Array(delegated.Budgets, WriteBudget);
                break;
            case BudgetSpent spent:
                cbor.WriteStartMap(2);
                fields.Bytes(spent.Jti.ToArray());
                fields.Array(spent.Spent, WriteBudget);
                break;
            case BlueprintDefined blueprint:
                cbor.WriteStartMap(4);
                fields.Text(blueprint.Name);
                fields.Text(blueprint.Model);
                fields.Array(blueprint.Reads, static (cbor, read) => cbor.WriteTexts([read.Type, read.Action]));
                fields.Number(blueprint.Epoch);
                break;
            case CompromiseCut cut:
                cbor.WriteStartMap(cut.Probes.Count > 0 ? 8 : 7);
                fields.Scope(cut.Scope);
                fields.Number(cut.After.Value);
                fields.Text(cut.Reason);
                fields.Text(cut.Incident);
                fields.Number(cut.Epoch);
                fields.Texts(cut.Approvals);
                if (cut.Probes.Count > 0)
                    fields.Array(cut.Probes, static (cbor, probe) => cbor.WriteId(probe));
                break;
            case OperatorAdded added:
                cbor.WriteStartMap(added.Passkey is null ? 6 : 7);
                fields.Text(added.Name);
                fields.Key(added.Key);
                fields.Text(added.Proof);
                fields.Texts(added.Approvals);
                fields.Number(added.Epoch);
                if (added.Passkey is not null)
                    fields.Text(added.Passkey.Text);
                break;
            case CallerRemoved removed:
                cbor.WriteStartMap(4);
                fields.Bytes(removed.Caller.ToArray());
                fields.Text(removed.Reason);
                fields.Texts(removed.Approvals);
                fields.Number(removed.Epoch);
                break;
            case EnforcersAcknowledged acknowledged:
                cbor.WriteStartMap(2);
                fields.Bytes(acknowledged.Root.ToArray());
                fields.Number(acknowledged.Count);
                break;
            case BreakGlassKeySet breakGlass:
                cbor.WriteStartMap(4);
                fields.Key(breakGlass.Key);
                fields.Texts(breakGlass.Approvals);
                fields.Number(breakGlass.Epoch);
                break;
            case CredentialsUnlogged unlogged:
                cbor.WriteStartMap(2);
                fields.Bytes(unlogged.Enforcer.ToArray());
                fields.Array(unlogged.Items, static (cbor, item) => cbor.WriteHash(item));
                break;
            case DidVersion version:
                cbor.WriteStartMap(3);
                fields.Text(version.Line);
                fields.Number(version.Before.Value);
                fields.Number(version.Deactivates ? 2u : 1u);
                break;
            case AgentKeyRotated rotated:
                cbor.WriteStartMap(rotated.Order is null ? 6 : 7);
                fields.Bytes(rotated.AgentId.ToArray());
                fields.Bytes(rotated.Retired.ToArray());
                fields.Key(rotated.Key);
                fields.Text(rotated.Proof);
                fields.Text(rotated.Consent ?? "");
                if (rotated.Order is { } order)
                    fields.Number(order.Value);
                break;
            case KeyReplacementOrdered ordered:
                cbor.WriteStartMap(4);
                fields.Bytes(ordered.AgentId.ToArray());
                fields.Bytes(ordered.TokenHash.ToArray());
                fields.Number((ulong)ordered.ExpiresAt);
                fields.Text(ordered.Reason);
                break;
            case DidKeysHeld held:
                cbor.WriteStartMap(2);
                fields.Bytes(held.TokenId.ToArray());
                fields.Text(held.NextKeyHash);
                break;
            case EvidenceAccepted evidence:
                cbor.WriteStartMap(8);
                fields.Bytes(evidence.AgentId.ToArray());
                fields.Number((uint)evidence.Source);
                fields.Text(evidence.Issuer);
                fields.Text(evidence.Subject);
                fields.Bytes(evidence.Hash.ToArray());
                fields.Number((ulong)evidence.ExpiresAt);
                fields.Labels(evidence.Labels);
                fields.Text(evidence.Proof);
                break;
            case EnforcerAlarmed alarmed:
                cbor.WriteStartMap(4);
                fields.Bytes(alarmed.Enforcer.ToArray());
                fields.Text(alarmed.Name);
                fields.Text(alarmed.Detail);
                fields.Number((ulong)alarmed.RaisedAt);
                break;
            case LeasesGranted granted:
                cbor.WriteStartMap(1);
                fields.Array(granted.Classes, WriteClassLease);
                break;
            case LogCosigned cosigned:
                cbor.WriteStartMap(1);
                fields.Text(cosigned.Note);
                break;
            case RulesSet set:
                cbor.WriteStartMap(3);
                fields.Array(set.Rules, WriteRule);
                fields.Text(set.Reason);
                fields.Texts(set.Approvals);
                break;
            case TokenWithdrawn withdrawn:
                cbor.WriteStartMap(2);
                fields.Bytes(withdrawn.TokenId.ToArray());
                fields.Text(withdrawn.Reason);
                break;
            default:
                throw new InvalidOperationException($"No format for {body.GetType().Name}.");
        }
        cbor.WriteEndMap();
    }

    public static EntryBody Read(CborReader cbor, EntryKind kind)
    {
        var count = cbor.ReadStartMap() ?? throw new FormatException("maps have a length");
        var fields = new FieldReader(cbor);
        EntryBody body = kind switch
        {
            EntryKind.Genesis => new Genesis(
                fields.Text(), fields.Text(),
                fields.Ascending("registry keys", ReadRegistryKey, static (one, next) => one.Use.CompareTo(next.Use)),
                fields.Ascending("operators", ReadOperator, static (one, next) => one.Id.CompareTo(next.Id)),
                fields.Number(1, 2) == 1,
                count == 6 ? fields.Text() : null),
            EntryKind.CallerRegistered => ReadCaller(fields),
            EntryKind.TokenCreated => ReadToken(fields, count),
            EntryKind.AgentEnrolled => ReadEnrolled(fields, count),
            EntryKind.CredentialsIssued => new CredentialsIssued(fields.Hash(), (uint)fields.Number(1, uint.MaxValue)),
            EntryKind.Activity => new Activity(
                fields.Bytes(), fields.Enum<KeyAlgorithm>(), fields.Bytes(64), fields.Number((ulong)EntryClass.Activity, (ulong)EntryClass.Quarantined) == (ulong)EntryClass.Quarantined),
            EntryKind.Stop => ReadStop(fields, count),
            EntryKind.RegistryKeyRotated => new RegistryKeyRotated(fields.Enum<RegistryKeyUse>(), fields.Key(), new KeyId(fields.Hash())),
            EntryKind.PrivateDataRead => new PrivateDataRead(fields.Text(), fields.Text(), (uint)fields.Number(0, uint.MaxValue)),
            EntryKind.CallsRefused => new CallsRefused(fields.Ascending("refused calls", ReadRefused, InOrder)),
            EntryKind.Heads => new Heads(fields.Hash(), fields.Number(1, ulong.MaxValue), fields.Index()),
            EntryKind.Fork => new Fork(fields.Index(), fields.Hash(), fields.Bytes(), fields.Enum<KeyAlgorithm>(), fields.Bytes(64)),
            EntryKind.ActivitiesErased => ReadErased(fields),
            EntryKind.HoldPlaced => new HoldPlaced(fields.Id(), fields.Text()),
            EntryKind.HoldLifted => new HoldLifted(fields.Id(), fields.Index(), fields.Text(), fields.Texts()),
            EntryKind.LogSucceeded => ReadSucceeded(fields),
            EntryKind.Restored => new Restored(fields.Ascending(Restored.StopsMax, ReadIndex, static index => index.Value), fields.Text(), fields.Texts(), fields.Epoch()),
            EntryKind.Delegated => new Delegated(
                fields.Id(), fields.Id(), fields.Id(), fields.Id(), fields.Text(), fields.Texts(), fields.Instant(), (uint)fields.Number(1, uint.MaxValue), fields.Budgets()),
            EntryKind.BudgetSpent => new BudgetSpent(fields.Id(), fields.Budgets()),
            EntryKind.BlueprintDefined => new BlueprintDefined(fields.Text(), fields.Text(), fields.Ascending("reads", ReadTypedAction, InOrder), fields.Epoch()),
            EntryKind.CompromiseCut => ReadCut(fields, count),
            EntryKind.OperatorAdded => new OperatorAdded(fields.Text(), fields.Key(), fields.Text(), fields.Texts(), fields.Epoch(), count == 7 ? fields.Passkey() : null),
            EntryKind.CallerRemoved => new CallerRemoved(fields.Id(), fields.Text(), fields.Texts(), fields.Epoch()),
            EntryKind.EnforcersAcknowledged => new EnforcersAcknowledged(fields.Hash(), (uint)fields.Number(1, uint.MaxValue)),
            EntryKind.BreakGlassKeySet => new BreakGlassKeySet(fields.Key(), fields.Texts(), fields.Epoch()),
            EntryKind.CredentialsUnlogged => new CredentialsUnlogged(fields.Id(), fields.Ascending("items", static item => item.ReadHash(), static (one, next) => one.CompareTo(next))),
            EntryKind.DidVersion => new DidVersion(fields.Text(), fields.Index(), fields.Number(1, 2) == 2),
            EntryKind.AgentKeyRotated => ReadRotated(fields, count),
            EntryKind.DidKeysHeld => new DidKeysHeld(fields.Id(), fields.Text()),
            EntryKind.KeyReplacementOrdered => new KeyReplacementOrdered(fields.Id(), fields.Hash(), fields.Instant(), fields.Text()),
            EntryKind.EvidenceAccepted => new EvidenceAccepted(
                fields.Id(), fields.Enum<EvidenceSource>(), fields.Text(), fields.Text(), fields.Hash(), fields.Instant(), fields.Labels(), fields.Text()),
            EntryKind.EnforcerAlarmed => ReadAlarmed(fields),
            EntryKind.LeasesGranted => new LeasesGranted(fields.Ascending(LeasesGranted.ClassesMax, ReadClassLease, static one => one.Name, StringComparer.Ordinal, least: 0)),
            EntryKind.LogCosigned => ReadCosigned(fields),
            EntryKind.RulesSet => new RulesSet(fields.Ascending(RulesSet.RulesMax, ReadRule, static rule => rule.Trigger, least: 0), fields.Text(), fields.Texts()),
            EntryKind.TokenWithdrawn => new TokenWithdrawn(fields.Id(), fields.Text()),
            _ => throw new FormatException("unknown kind"),
        };
        if (fields.Count != count)
            throw new FormatException($"expected {fields.Count} fields, found {count}");
        cbor.ReadEndMap();
        return body;
    }

    private static void WriteClassLease(CborWriter cbor, ClassLease lease)
    {
        cbor.WriteStartArray(2);
        cbor.WriteTextString(lease.Name);
        cbor.WriteUInt32(lease.Milliseconds);
        cbor.WriteEndArray();
    }

    private static ClassLease ReadClassLease(CborReader cbor)
    {
        cbor.ReadStartArray();
        var lease = new ClassLease(cbor.ReadTextString(), cbor.ReadUInt32());
        cbor.ReadEndArray();
        return lease.Name.Length is > 0 and <= ClassLease.NameMax && lease.Milliseconds > 0 ? lease : throw new FormatException("a class has a name and a lease");
    }

    private static EnforcerAlarmed ReadAlarmed(FieldReader fields)
    {
        var alarmed = new EnforcerAlarmed(fields.Id(), fields.Text(), fields.Text(), fields.Instant());
        return alarmed.IsWellFormed ? alarmed : throw new FormatException("an alarm has a name and one line of detail");
    }

    private static LogCosigned ReadCosigned(FieldReader fields)
    {
        var cosigned = new LogCosigned(fields.Text());
        return cosigned.ReadCheckpoint() is not null ? cosigned : throw new FormatException("what was cosigned is a checkpoint");
    }

    // An operator by this entry would be one by one person's word, and by no auditor's.
    private static CallerRegistered ReadCaller(FieldReader fields)
    {
        var caller = new CallerRegistered(fields.Enum<CallerRole>(), fields.Text(), fields.Key(), fields.Texts());
        return caller.Role != CallerRole.Operator && (caller.Role == CallerRole.Enforcer || caller.Audiences.Count == 0)
            ? caller
            : throw new FormatException("operators stand in genesis and under approvals, and audiences are an enforcer's");
    }

    private static LogSucceeded ReadSucceeded(FieldReader fields)
    {
        var succeeded = new LogSucceeded(fields.Text(), fields.Text(), fields.Text(), fields.Key(), fields.Enum<SuccessionReason>(), fields.Texts());
        return succeeded.Key.Algorithm == KeyAlgorithm.Ed25519 ? succeeded : throw new FormatException("a log signs with Ed25519");
    }

    private static Stop ReadStop(FieldReader fields, int count)
    {
        var stop = new Stop(fields.Scope(), fields.State(), fields.Text(), fields.Text(), fields.Epoch(), count >= 7 ? fields.Text() : null);
        if (count < 8)
            return stop;
        stop = stop with { Order = stop.Order is { Length: > 0 } ? stop.Order : null, Probes = ReadProbes(fields, least: count == 8 ? 1 : 0) };
        return count == 8 ? stop : stop with { Rule = ReadStoppingRule(fields, stop) };
    }

    // A rule stops an agent, and nobody for ever: so no rule can leave the registry without those who restore.
    private static StoppingRule ReadStoppingRule(FieldReader fields, Stop stop)
    {
        var rule = new StoppingRule(fields.Index(), fields.Enum<RuleTrigger>());
        return stop.Order is null && stop.State != StandingState.Revoked && stop.Scope.Kind == rule.Trigger.Reach()
            ? rule
            : throw new FormatException("a rule restricts or freezes an agent, and obeys no order");
    }

    private static void WriteRule(CborWriter cbor, StopRule rule)
    {
        cbor.WriteStartArray(4);
        cbor.WriteUInt32((uint)rule.Trigger);
        cbor.WriteUInt32(rule.Count);
        cbor.WriteUInt32(rule.Seconds);
        cbor.WriteUInt32((uint)rule.State);
        cbor.WriteEndArray();
    }

    private static StopRule ReadRule(CborReader cbor)
    {
        cbor.ReadStartArray();
        var rule = new StopRule(cbor.ReadEnum<RuleTrigger>(), cbor.ReadUInt32(), cbor.ReadUInt32(), cbor.ReadEnum<StandingState>());
        cbor.ReadEndArray();
        return rule.IsValid ? rule : throw new FormatException("a rule has a count, a window and a state within its bounds");
    }

    private static CompromiseCut ReadCut(FieldReader fields, int count)
    {
        var cut = new CompromiseCut(fields.Scope(), fields.Index(), fields.Text(), fields.Text(), fields.Epoch(), fields.Texts());
        return count == 8 ? cut with { Probes = ReadProbes(fields) } : cut;
    }

    private static SubjectId[] ReadProbes(FieldReader fields, int least = 1) => fields.Ascending(Stop.ProbesMax, static item => item.ReadId(), static probe => probe, least: least);

    // Written as it always was when it demands nothing and ends no session.
    private static bool IsPlain(TokenCreated token) => token.Evidence.Length == 0 && token.SessionSeconds == 0;

    private static TokenCreated ReadToken(FieldReader fields, int count)
    {
        var token = new TokenCreated(fields.Hash(), fields.Grant(), (uint)fields.Number(1, uint.MaxValue), fields.Instant());
        if (count == 8)
            return token;
        token = token with { Evidence = fields.Text(), SessionSeconds = (uint)fields.Number(0, uint.MaxValue) };
        return IsPlain(token) ? throw new FormatException("a token that demands nothing says nothing of it") : token;
    }

    private static AgentEnrolled ReadEnrolled(FieldReader fields, int count)
    {
        var enrolled = new AgentEnrolled(fields.Id(), fields.Id(), fields.Key(), fields.Grant(), fields.Text());
        if (count == 10)
            return enrolled;
        var stated = fields.Labels();
        // What the sponsor says stands; and an empty list is written as none, unless something follows it.
        if ((stated.Length == 0 && count == 11) || enrolled.Grant.Labels.Select(label => label.Key).Intersect(stated.Select(label => label.Key)).Any())
            throw new FormatException("an agent states labels that its sponsor does not name, or none");
        return enrolled with { Grant = enrolled.Grant with { StatedLabels = stated }, DidLine = count == 12 ? fields.Text() : null };
    }

    private static AgentKeyRotated ReadRotated(FieldReader fields, int count)
    {
        var rotated = new AgentKeyRotated(fields.Id(), new KeyId(fields.Hash()), fields.Key(), fields.Text(), fields.Text(), count == 7 ? fields.Index() : null);
        if (rotated.Consent is "" == rotated.Order is null)
            throw new FormatException("a rotation has the old key's consent, or an order");
        return rotated.Order is null ? rotated : rotated with { Consent = null };
    }

    private static ActivitiesErased ReadErased(FieldReader fields)
    {
        var erased = new ActivitiesErased(
            fields.Id(),
            fields.Ascending("indexes", ReadIndex, static (one, next) => one.Value.CompareTo(next.Value)),
            fields.Text(), fields.Texts(), fields.Array(static item => item.ReadHash()));
        if (erased.Indexes.Count is 0 or > ActivitiesErased.IndexesMax || erased.Stubs.Count != erased.Indexes.Count)
            throw new FormatException("an erasure names 1 to 1,000 entries, and what stays of each");
        return erased;
    }

    // Ordinal, which is bytewise for all text without surrogates; a call without a key comes first.
    private static int InOrder(RefusedCalls one, RefusedCalls next) =>
        string.CompareOrdinal(one.Method, next.Method) is not 0 and var byMethod ? byMethod
        : string.CompareOrdinal(one.Reason, next.Reason) is not 0 and var byReason ? byReason
        : Comparer<Ledger.Hash?>.Default.Compare(one.KeyId?.Value, next.KeyId?.Value);

    private static int InOrder(TypedAction one, TypedAction next) =>
        string.CompareOrdinal(one.Type, next.Type) is not 0 and var byType ? byType : string.CompareOrdinal(one.Action, next.Action);

    private static void WriteIndex(CborWriter cbor, Ledger.LeafIndex index) => cbor.WriteUInt64(index.Value);

    private static Ledger.LeafIndex ReadIndex(CborReader cbor) => new(cbor.ReadUInt64());

    private static void WriteBudget(CborWriter cbor, Budget budget)
    {
        cbor.WriteStartArray(2);
        cbor.WriteTextString(budget.Unit);
        cbor.WriteUInt64(budget.Amount);
        cbor.WriteEndArray();
    }

    private static Budget ReadBudget(CborReader cbor)
    {
        cbor.ReadStartArray();
        var budget = new Budget(cbor.ReadTextString(), cbor.ReadUInt64());
        cbor.ReadEndArray();
        return budget;
    }

    private static TypedAction ReadTypedAction(CborReader cbor)
    {
        var read = cbor.ReadTexts();
        return read.Length == 2 ? new TypedAction(read[0], read[1]) : throw new FormatException("a read is a type and an action");
    }

    private static void WriteRegistryKey(CborWriter cbor, RegistryKey key)
    {
        cbor.WriteStartArray(3);
        cbor.WriteInt32((int)key.Use);
        cbor.WriteKey(key.Key);
        cbor.WriteEndArray();
    }

    private static RegistryKey ReadRegistryKey(CborReader cbor)
    {
        cbor.ReadStartArray();
        var key = new RegistryKey(cbor.ReadEnum<RegistryKeyUse>(), cbor.ReadKey(cbor.ReadAlgorithm()));
        cbor.ReadEndArray();
        return key;
    }

    private static void WriteOperator(CborWriter cbor, GenesisOperator person)
    {
        cbor.WriteStartArray(5);
        cbor.WriteId(person.Id);
        cbor.WriteTextString(person.Name);
        cbor.WriteKey(person.Key);
        cbor.WriteTextString(person.Proof);
        cbor.WriteEndArray();
    }

    private static GenesisOperator ReadOperator(CborReader cbor)
    {
        cbor.ReadStartArray();
        var person = new GenesisOperator(cbor.ReadId(), cbor.ReadTextString(), cbor.ReadKey(cbor.ReadAlgorithm()), cbor.ReadTextString());
        cbor.ReadEndArray();
        return person;
    }

    private static void WriteRefused(CborWriter cbor, RefusedCalls refused)
    {
        cbor.WriteStartArray(4);
        cbor.WriteTextString(refused.Method);
        cbor.WriteTextString(refused.Reason);
        cbor.WriteByteString(refused.KeyId is { } key ? key.ToArray() : []);
        cbor.WriteUInt32(refused.Count);
        cbor.WriteEndArray();
    }

    private static RefusedCalls ReadRefused(CborReader cbor)
    {
        cbor.ReadStartArray();
        var method = cbor.ReadTextString();
        var reason = cbor.ReadTextString();
        var key = cbor.ReadDefiniteLengthByteString();
        KeyId? keyId = key.Length switch
        {
            0 => null,
            Ledger.Hash.Size => KeyId.Read(key.Span),
            _ => throw new FormatException("not a key id"),
        };
        var refused = new RefusedCalls(method, reason, keyId, cbor.ReadUInt32());
        cbor.ReadEndArray();
        return refused;
    }

    /// <summary>Writes values under the keys 1, 2, 3, …</summary>
    private struct FieldWriter(CborWriter cbor)
    {
        private int last;

        public void Text(string text)
        {
            Next();
            cbor.WriteTextString(text);
        }

        public void Number(ulong value)
        {
            Next();
            cbor.WriteUInt64(value);
        }

        public void Bytes(ReadOnlySpan<byte> bytes)
        {
            Next();
            cbor.WriteByteString(bytes);
        }

        public void Texts(IReadOnlyList<string> texts)
        {
            Next();
            cbor.WriteTexts(texts);
        }

        public void Key(PublicKey key)
        {
            Number((uint)key.Algorithm);
            Bytes(key.Bytes);
        }

        public void Scope(Scope scope)
        {
            Number((uint)scope.Kind);
            Bytes(scope.Encode());
        }

        public void Grant(Grant grant)
        {
            Text(grant.Sponsor);
            Text(grant.Blueprint);
            Labels(grant.Labels);
            Text(grant.MaximumEnvelope);
            Texts(grant.Audiences);
        }

        public void Labels(IReadOnlyList<KeyValuePair<string, string>> labels) => Array(labels, static (cbor, label) => cbor.WriteTexts([label.Key, label.Value]));

        public void Array<T>(IReadOnlyList<T> items, Action<CborWriter, T> writeItem)
        {
            Next();
            cbor.WriteStartArray(items.Count);
            foreach (var item in items)
                writeItem(cbor, item);
            cbor.WriteEndArray();
        }

        private void Next() => cbor.WriteInt32(++last);
    }

    /// <summary>Reads values under the keys 1, 2, 3, … in that order, and counts them.</summary>
    private sealed class FieldReader(CborReader cbor)
    {
        public int Count { get; private set; }

        public string Text() => Next().ReadTextString();

        public byte[] Bytes() => Next().ReadByteString();

        public byte[] Bytes(int length) => Next().ReadBytes(length).ToArray();

        public Ledger.Hash Hash() => Next().ReadHash();

        public SubjectId Id() => Next().ReadId();

        public string[] Texts() => Next().ReadTexts();

        public T[] Array<T>(Func<CborReader, T> readItem) => Next().ReadArrayOf(readItem);

        public T Enum<T>()
            where T : struct, Enum => Next().ReadEnum<T>();

        public PublicKey Key()
        {
            var algorithm = Next().ReadAlgorithm();
            return Next().ReadKey(algorithm);
        }

        public PasskeyOrigin Passkey() => PasskeyOrigin.TryParse(Text(), out var origin) ? origin : throw new FormatException("not an origin");

        public Scope Scope()
        {
            var kind = Enum<ScopeKind>();
            return Entries.Scope.TryDecode(kind, Bytes(), out var scope) ? scope : throw new FormatException("not a scope");
        }

        public StandingState State() => (StandingState)Number((ulong)StandingState.Restricted, (ulong)StandingState.Revoked);

        public ulong Epoch() => Number(0, ulong.MaxValue);

        public Budget[] Budgets() => Ascending(Delegation.Budgets.CountMax, ReadBudget, static budget => budget.Unit, StringComparer.Ordinal, least: 0);

        /// <summary>A list without repetition in the order of its keys.</summary>
        public T[] Ascending<T, TKey>(int countMax, Func<CborReader, T> readItem, Func<T, TKey> key, IComparer<TKey>? order = null, int least = 1)
        {
            var items = Ascending("items", readItem, (one, next) => (order ?? Comparer<TKey>.Default).Compare(key(one), key(next)));
            return items.Length >= least && items.Length <= countMax ? items : throw new FormatException($"expected {least} to {countMax} items, found {items.Length}");
        }

        public Ledger.LeafIndex Index() => new(Number(0, long.MaxValue));

        public long Instant() => checked((long)Number(0, long.MaxValue));

        public ulong Number(ulong least, ulong most)
        {
            var value = Next().ReadUInt64();
            return value >= least && value <= most ? value : throw new FormatException($"{value} is out of range");
        }

        /// <summary>Items in their one order, each once.</summary>
        public T[] Ascending<T>(string name, Func<CborReader, T> readItem, Comparison<T> compare)
        {
            var items = Array(readItem);
            for (var i = 1; i < items.Length; i++)
            {
                if (compare(items[i - 1], items[i]) >= 0)
                    throw new FormatException($"{name} ascend");
            }
            return items;
        }

        public KeyValuePair<string, string>[] Labels() => Ascending("labels", ReadLabel, static (one, next) => string.CompareOrdinal(one.Key, next.Key));

        public Grant Grant() => new(
            Text(), Text(), Labels(),
            Text(), Ascending("audiences", static item => item.ReadTextString(), string.CompareOrdinal));

        private static KeyValuePair<string, string> ReadLabel(CborReader cbor)
        {
            var label = cbor.ReadTexts();
            return label.Length == 2 ? new(label[0], label[1]) : throw new FormatException("a label is a name and a value");
        }

        private CborReader Next()
        {
            cbor.ReadKey(++Count);
            return cbor;
        }
    }
}
