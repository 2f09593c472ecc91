using System.Security.Cryptography;
using System.Text;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Passkeys;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Credentials.Verification;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Recovery;

/// <summary>The state at one position as bytes: a version, the parts in the order of <see cref="StateCopy"/>, and the log key's signature over all of it. Private to this build: another version is not read but made again.</summary>
/// <remarks>Signed, because the tree vouches for the entries and not for what was folded from them: whoever can write the file must not be able to lift a stop.</remarks>
internal static class SnapshotFormat
{
    private const int Version = 19;
    private static readonly byte[] Domain = "air/snapshot/v1\0"u8.ToArray();
    private static readonly byte[] Magic = "agentidentity snapshot\n"u8.ToArray();

    /// <summary>The longest snapshot that is read: it is checked as a whole before any of it is believed, so it must fit into one array.</summary>
    public static readonly long LengthMax = Array.MaxLength;

    /// <summary>Writes the copy, and the root of the tree at its position.</summary>
    public static void Write(Stream stream, StateCopy copy, in Hash root, Ed25519PrivateKey logKey)
    {
        using var hash = SHA256.Create();
        using (var hashed = new CryptoStream(stream, hash, CryptoStreamMode.Write, leaveOpen: true))
        using (var buffered = new BufferedStream(hashed, 1 << 16))
            WriteContent(buffered, copy, in root);
        stream.Write(logKey.Sign([.. Domain, .. hash.Hash!]));
    }

    /// <summary>What is signed of a snapshot.</summary>
    public static byte[] Content(StateCopy copy, in Hash root)
    {
        using var stream = new MemoryStream();
        WriteContent(stream, copy, in root);
        return stream.ToArray();
    }

    /// <summary>Reads a copy and the root that it stood under; null when the bytes are not a whole snapshot of this version, signed by the log's key.</summary>
    public static (StateCopy Copy, Hash Root)? Read(Stream stream, PublicKey logKey) =>
        Open(stream) is { } bytes && IsSigned(bytes, logKey) ? Parse(bytes) : null;

    /// <summary>The bytes of a snapshot, of which nothing is believed yet; null when there are too few or too many, or the disk does not give them.</summary>
    public static byte[]? Open(Stream stream)
    {
        if (stream.Length < PublicKey.SignatureSize || stream.Length > LengthMax)
            return null;
        try
        {
            var bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            return bytes;
        }
        catch (IOException)
        {
            return null;
        }
    }

    public static bool IsSigned(byte[] bytes, PublicKey logKey) =>
        logKey.Verifies([.. Domain, .. SHA256.HashData(bytes.AsSpan(..^PublicKey.SignatureSize))], bytes.AsSpan(^PublicKey.SignatureSize..));

    /// <summary>The position of a snapshot of this version; null for another.</summary>
    public static ulong? Position(byte[] bytes)
    {
        using var reader = Reader(bytes);
        return TryReadHead(reader) && reader.BaseStream.Length >= Magic.Length + sizeof(int) + Hash.Size + sizeof(ulong) ? Skip(reader).ReadUInt64() : null;
    }

    /// <summary>What signed bytes say; null when they are of another version.</summary>
    public static (StateCopy Copy, Hash Root)? Parse(byte[] bytes)
    {
        using var reader = Reader(bytes);
        if (!TryReadHead(reader))
            return null;
        var root = ReadHash(reader);
        return (ReadState(reader), root);
    }

    private static BinaryReader Reader(byte[] bytes) => new(new MemoryStream(bytes, 0, bytes.Length - PublicKey.SignatureSize), Encoding.UTF8);

    private static bool TryReadHead(BinaryReader reader) =>
        reader.ReadBytes(Magic.Length).AsSpan().SequenceEqual(Magic) && reader.BaseStream.Length >= Magic.Length + sizeof(int) && reader.ReadInt32() == Version;

    private static BinaryReader Skip(BinaryReader reader)
    {
        _ = ReadHash(reader);
        return reader;
    }

    private static void WriteContent(Stream stream, StateCopy copy, in Hash root)
    {
        using var writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true);
        writer.Write(Magic);
        writer.Write(Version);
        writer.Write(root.ToArray());
        WriteState(writer, copy);
    }

    private static void WriteState(BinaryWriter writer, StateCopy copy)
    {
        writer.Write(copy.Position);
        writer.Write(copy.Epoch);
        writer.Write(copy.LastAt);
        writer.Write(copy.StatusPlaces.Open);
        writer.Write(copy.StatusPlaces.Given);
        WriteFounding(writer, copy.Founding!);
        WriteAll(writer, copy.Logs, log => WriteLog(writer, log));
        WriteAll(writer, copy.WatchKeys, key => WriteKey(writer, key));
        WriteAll(writer, copy.IssuerKeys, key => WriteSpan(writer, key));
        WriteAll(writer, copy.Tokens, token => WriteToken(writer, token));
        WriteAll(writer, copy.Callers, caller => WriteCaller(writer, caller));
        WriteAll(writer, copy.Agents, agent => WriteAgent(writer, agent));
        WriteAll(writer, copy.Subjects, subject =>
        {
            WriteId(writer, subject.Id);
            writer.Write(subject.Label.ToArray());
            WriteHead(writer, subject.Head);
        });
        writer.Write(copy.LastHeads is not null);
        if (copy.LastHeads is { } heads)
        {
            writer.Write(heads.Index.Value);
            WriteHead(writer, heads.RegistryBefore);
        }
        WriteAll(writer, copy.Stops, stop => WriteStop(writer, stop));
        WriteAll(writer, copy.Blueprints, blueprint => WriteBlueprint(writer, blueprint));
        WriteAll(writer, copy.Lineage.Edges, edge => WriteEdge(writer, edge));
        WriteAll(writer, copy.Lineage.Links, link => WriteLink(writer, link));
        WriteAll(writer, copy.Lineage.Spent, spent => WriteSpent(writer, spent));
        WriteAll(writer, copy.Enforcers, enforcer => WriteEnforcer(writer, enforcer));
        WriteAll<PublicKey>(writer, copy.BreakGlassKey is { } held ? [held] : [], key => WriteKey(writer, key));
        WriteAll(writer, copy.DidKeys, key => WriteSpan(writer, key));
        WriteMaybe(writer, copy.DidIndex);
        WriteAll(writer, copy.UsedEvidence, use =>
        {
            writer.Write(use.Hash.ToArray());
            writer.Write(use.Until);
        });
        WriteAll(writer, copy.Leases.Classes, one =>
        {
            writer.Write(one.Name);
            writer.Write(one.Milliseconds);
        });
        writer.Write(copy.Leases.OlderUntil);
        WriteAll(writer, copy.PeopleChanges, change =>
        {
            writer.Write(change.Epoch);
            writer.Write(change.Index.Value);
        });
        WriteAll(writer, copy.IntegrityKeys, key => WriteSpan(writer, key));
        WriteMaybe(writer, copy.Rules.Index);
        WriteAll(writer, copy.Rules.Rules, rule => writer.Write(rule.ToString()));
    }

    private static StateCopy ReadState(BinaryReader reader)
    {
        var position = reader.ReadUInt64();
        var epoch = reader.ReadUInt64();
        var lastAt = reader.ReadInt64();
        var statusPlaces = new StatusPlacesCopy(reader.ReadUInt64(), reader.ReadBytes(StatusPlacesCopy.None.Given.Length));
        var founding = ReadFounding(reader);
        var logs = ReadAll(reader, () => ReadLog(reader));
        var watchKeys = ReadAll(reader, () => ReadKey(reader));
        var keys = ReadAll(reader, () => ReadSpan(reader));
        var tokens = ReadAll(reader, () => ReadToken(reader));
        var callers = ReadAll(reader, () => ReadCaller(reader));
        var grants = tokens.ToDictionary(token => token.Id, token => token.Grant);
        var agents = ReadAll(reader, () => ReadAgent(reader, grants));
        var subjects = ReadAll(reader, () => new SubjectCopy(ReadId(reader), ReadHash(reader), ReadHead(reader)));
        var heads = reader.ReadBoolean() ? new HeadsCopy(new LeafIndex(reader.ReadUInt64()), ReadHead(reader)) : null;
        var stops = ReadAll(reader, () => ReadStop(reader));
        var blueprints = ReadAll(reader, () => ReadBlueprint(reader));
        var lineage = new LineageCopy(ReadAll(reader, () => ReadEdge(reader)), ReadAll(reader, () => ReadLink(reader)), ReadAll(reader, () => ReadSpent(reader)));
        var enforcers = ReadAll(reader, () => ReadEnforcer(reader));
        var breakGlassKey = ReadAll(reader, () => ReadKey(reader)) is [var held] ? held : null;
        var didKeys = ReadAll(reader, () => ReadSpan(reader));
        var didIndex = ReadMaybe(reader);
        var usedEvidence = ReadAll(reader, () => new EvidenceUse(ReadHash(reader), reader.ReadInt64()));
        var leases = new GrantedLeases(ReadAll(reader, () => new ClassLease(reader.ReadString(), reader.ReadUInt32())), reader.ReadInt64());
        var peopleChanges = ReadAll(reader, () => new PeopleChange(reader.ReadUInt64(), new LeafIndex(reader.ReadUInt64())));
        return new StateCopy(position, epoch, lastAt, statusPlaces, founding, logs, watchKeys, keys, agents, tokens, callers, subjects, heads, stops, blueprints, lineage, enforcers, breakGlassKey, peopleChanges)
        {
            DidKeys = didKeys,
            DidIndex = didIndex,
            UsedEvidence = usedEvidence,
            IntegrityKeys = ReadAll(reader, () => ReadSpan(reader)),
            Leases = leases,
            Rules = new RulesInForce(ReadMaybe(reader), ReadAll(reader, () => ReadRule(reader))),
        };
    }

    private static void WriteSpan(BinaryWriter writer, (PublicKey Key, LeafIndex From) span)
    {
        WriteKey(writer, span.Key);
        writer.Write(span.From.Value);
    }

    private static (PublicKey Key, LeafIndex From) ReadSpan(BinaryReader reader) => (ReadKey(reader), new LeafIndex(reader.ReadUInt64()));

    private static void WriteFounding(BinaryWriter writer, Founding founding)
    {
        WriteId(writer, founding.RegistryId);
        writer.Write(founding.PublicUrl);
        writer.Write(founding.Origin);
        WriteKey(writer, founding.LogKey);
        writer.Write(founding.SingleOperator);
    }

    private static Founding ReadFounding(BinaryReader reader) =>
        new(ReadId(reader), reader.ReadString(), reader.ReadString(), ReadKey(reader), reader.ReadBoolean());

    private static void WriteLog(BinaryWriter writer, LogRecord log)
    {
        writer.Write(log.Origin);
        WriteKey(writer, log.Key);
        writer.Write(log.From.Value);
        writer.Write(log.LastCheckpoint ?? "");
    }

    private static LogRecord ReadLog(BinaryReader reader) =>
        new(reader.ReadString(), ReadKey(reader), new LeafIndex(reader.ReadUInt64()), reader.ReadString() is { Length: > 0 } note ? note : null);

    private static void WriteToken(BinaryWriter writer, TokenRecord token)
    {
        var terms = token.Grant.Terms;
        WriteId(writer, token.Id);
        writer.Write(token.TokenHash.ToArray());
        writer.Write(terms.Sponsor);
        writer.Write(terms.Blueprint);
        WriteLabels(writer, terms.Labels);
        writer.Write(terms.MaximumEnvelope);
        WriteAll(writer, terms.Audiences, writer.Write);
        writer.Write(token.UsesAllowed);
        writer.Write(token.ExpiresAt);
        writer.Write(token.UsesMade);
        writer.Write(token.NextDidKeyHash ?? "");
        writer.Write(token.Grant.Policy?.Canonical ?? "");
        writer.Write(token.Grant.SessionSeconds);
        WriteMark(writer, token.Created);
        WriteAll<TokenWithdrawal>(writer, token.Withdrawal is { } withdrawal ? [withdrawal] : [], one =>
        {
            WriteMark(writer, one.By);
            writer.Write(one.Reason);
        });
    }

    private static void WriteMark(BinaryWriter writer, TokenMark mark)
    {
        writer.Write(mark.Index.Value);
        WriteId(writer, mark.Actor);
        writer.Write(mark.At);
    }

    private static TokenMark ReadMark(BinaryReader reader) => new(new LeafIndex(reader.ReadUInt64()), ReadId(reader), reader.ReadInt64());

    private static void WriteLabels(BinaryWriter writer, IReadOnlyList<KeyValuePair<string, string>> labels) => WriteAll(writer, labels, label =>
    {
        writer.Write(label.Key);
        writer.Write(label.Value);
    });

    private static KeyValuePair<string, string>[] ReadLabels(BinaryReader reader) => [.. ReadAll(reader, () => KeyValuePair.Create(reader.ReadString(), reader.ReadString()))];

    private static TokenRecord ReadToken(BinaryReader reader)
    {
        var id = ReadId(reader);
        var hash = ReadHash(reader);
        var terms = new Grant(
            reader.ReadString(), reader.ReadString(), ReadLabels(reader), reader.ReadString(), ReadAll(reader, reader.ReadString));
        var (uses, expiresAt, usesMade, held) = (reader.ReadUInt32(), reader.ReadInt64(), reader.ReadUInt32(), reader.ReadString());
        return new TokenRecord(id, hash, AgentGrant.Of(terms, reader.ReadString(), reader.ReadUInt32()), uses, expiresAt, usesMade, ReadMark(reader))
        {
            NextDidKeyHash = held.Length > 0 ? held : null,
            Withdrawal = ReadAll(reader, () => new TokenWithdrawal(ReadMark(reader), reader.ReadString())) is [var withdrawal] ? withdrawal : null,
        };
    }

    private static void WriteCaller(BinaryWriter writer, CallerRecord caller)
    {
        WriteId(writer, caller.Id);
        writer.Write((byte)caller.Role);
        writer.Write(caller.Name);
        WriteKey(writer, caller.Key);
        WriteAll(writer, caller.Audiences, writer.Write);
        writer.Write(caller.RegisteredAt);
        writer.Write(caller.IsFounder);
        writer.Write(caller.Passkey?.Text ?? "");
    }

    private static CallerRecord ReadCaller(BinaryReader reader) =>
        new(ReadId(reader), (CallerRole)reader.ReadByte(), reader.ReadString(), ReadKey(reader), ReadAll(reader, reader.ReadString), reader.ReadInt64())
        {
            IsFounder = reader.ReadBoolean(),
            Passkey = PasskeyOrigin.TryParse(reader.ReadString(), out var origin) ? origin : null,
        };

    private static void WriteAgent(BinaryWriter writer, AgentRecord agent)
    {
        WriteId(writer, agent.Id);
        WriteKey(writer, agent.Key);
        WriteId(writer, agent.TokenId);
        writer.Write(agent.EnrolledAt);
        WriteLabels(writer, agent.Grant.Terms.StatedLabels);
        WriteLabels(writer, agent.Grant.Terms.AttestedLabels);
        writer.Write(agent.EnrolledIndex.Value);
        WriteMaybe(writer, agent.DidIndex);
        writer.Write(agent.IsDidEnded);
        writer.Write(agent.IsDidHeld);
        WriteAll(writer, agent.Chains, chain =>
        {
            writer.Write(chain.KeyId.ToArray());
            writer.Write(chain.Next);
            writer.Write(chain.Previous.ToArray());
            writer.Write(chain.Index.Value);
            writer.Write(chain.At);
            writer.Write(chain.Quarantined);
            writer.Write(chain.Fork?.Value ?? 0);
        });
        WriteAll(writer, agent.Credentials, credential => WriteCredential(writer, credential));
        WriteAll(writer, agent.Holds, hold =>
        {
            writer.Write(hold.Index.Value);
            writer.Write(hold.Reason);
            writer.Write(hold.At);
        });
        writer.Write(agent.IsProbe);
        WriteAll(writer, [.. agent.Keys?.Spans ?? []], key => WriteSpan(writer, key));
        WriteAll<ReplacementOrder>(writer, agent.Order is { } order ? [order] : [], ordered =>
        {
            writer.Write(ordered.Index.Value);
            writer.Write(ordered.TokenHash.ToArray());
            writer.Write(ordered.ExpiresAt);
        });
        WriteAll<AcceptedEvidence>(writer, agent.Evidence is { } evidence ? [evidence] : [], one => WriteEvidence(writer, one));
        WriteAll<long>(writer, agent.UnattestedSince is { } since ? [since] : [], writer.Write);
    }

    private static void WriteEvidence(BinaryWriter writer, AcceptedEvidence evidence)
    {
        writer.Write((byte)evidence.Source);
        writer.Write(evidence.Issuer);
        writer.Write(evidence.Subject);
        writer.Write(evidence.Hash.ToArray());
        writer.Write(evidence.At);
    }

    private static AgentRecord ReadAgent(BinaryReader reader, Dictionary<SubjectId, AgentGrant> grants)
    {
        var id = ReadId(reader);
        var key = ReadKey(reader);
        var token = ReadId(reader);
        var enrolledAt = reader.ReadInt64();
        var grant = grants[token].Stating(ReadLabels(reader)).Attesting(ReadLabels(reader));
        return new AgentRecord(id, key, token, grant, enrolledAt, new LeafIndex(reader.ReadUInt64()))
        {
            DidIndex = ReadMaybe(reader),
            IsDidEnded = reader.ReadBoolean(),
            IsDidHeld = reader.ReadBoolean(),
            Chains = ReadAll(reader, () => new ChainHead(
                new KeyId(ReadHash(reader)), reader.ReadUInt64(), ReadHash(reader), new LeafIndex(reader.ReadUInt64()), reader.ReadInt64(), reader.ReadBoolean()) { Fork = ReadIndex(reader) }),
            Credentials = ReadAll(reader, () => ReadCredential(reader, id, grant)),
            Holds = ReadAll(reader, () => new HoldInForce(new LeafIndex(reader.ReadUInt64()), reader.ReadString(), reader.ReadInt64())),
            IsProbe = reader.ReadBoolean(),
            Keys = ReadAll(reader, () => ReadSpan(reader)) is { Length: > 0 } spans ? spans.Aggregate(KeyHistory.Empty, (keys, span) => keys.Then(span.Key, span.From)) : null,
            Order = ReadAll(reader, () => new ReplacementOrder(new LeafIndex(reader.ReadUInt64()), ReadHash(reader), reader.ReadInt64())) is [var order] ? order : null,
            Evidence = ReadAll(reader, () => new AcceptedEvidence((EvidenceSource)reader.ReadByte(), reader.ReadString(), reader.ReadString(), ReadHash(reader), reader.ReadInt64())) is [var last] ? last : null,
            UnattestedSince = ReadAll(reader, reader.ReadInt64) is [var since] ? since : null,
        };
    }

    private static void WriteCredential(BinaryWriter writer, LiveCredential credential)
    {
        var item = credential.Item;
        WriteId(writer, item.Jti);
        writer.Write(item.Jkt.ToArray());
        WriteAll(writer, item.Audience, writer.Write);
        writer.Write(item.NotBefore);
        writer.Write(item.ExpiresAt);
        writer.Write(item.StatusIndex);
        writer.Write(item.Authority.ToArray());
        writer.Write(credential.Index.Value);
        writer.Write(credential.Position);
    }

    private static LiveCredential ReadCredential(BinaryReader reader, SubjectId agent, AgentGrant grant)
    {
        var jti = ReadId(reader);
        var jkt = new KeyId(ReadHash(reader));
        IReadOnlyList<string> audience = ReadAll(reader, reader.ReadString);
        if (audience.SequenceEqual(grant.Terms.Audiences))
            audience = grant.Terms.Audiences;
        var item = new IssuanceItem(jti, agent, jkt, audience, reader.ReadInt64(), reader.ReadInt64(), reader.ReadUInt64(), ReadHash(reader));
        return new LiveCredential(item, new LeafIndex(reader.ReadUInt64()), reader.ReadUInt32());
    }

    private static void WriteStop(BinaryWriter writer, StopRecord stop)
    {
        var denial = stop.Denial;
        writer.Write(denial.Index.Value);
        writer.Write(denial.Epoch);
        writer.Write((byte)denial.State);
        writer.Write((byte)denial.Scope.Kind);
        writer.Write(denial.Scope.Value);
        WriteMaybe(writer, denial.After);
        WriteAll(writer, denial.Agents, id => WriteId(writer, id));
        WriteAll(writer, denial.Credentials, id => WriteId(writer, id));
        WriteAll(writer, denial.Blueprints, writer.Write);
        WriteId(writer, stop.Actor);
        writer.Write(stop.Reason);
        writer.Write(stop.Incident);
        writer.Write(stop.At);
        WriteMaybe(writer, stop.Lifted?.By);
        if (stop.Lifted is { } lifted)
        {
            writer.Write(lifted.Epoch);
            writer.Write(lifted.At);
        }
        WriteExposure(writer, stop.Exposure);
        WriteAll(writer, stop.Probes, id => WriteId(writer, id));
        WriteMaybe(writer, stop.Rule?.Rules);
        if (stop.Rule is { } rule)
            writer.Write((byte)rule.Trigger);
    }

    private static StopRule ReadRule(BinaryReader reader) => StopRule.TryParse(reader.ReadString(), out var rule) ? rule : throw new LedgerDamagedException("A rule in the snapshot is none.");

    private static StopRecord ReadStop(BinaryReader reader)
    {
        var (index, epoch, state) = (new LeafIndex(reader.ReadUInt64()), reader.ReadUInt64(), (StandingState)reader.ReadByte());
        var scope = new Scope((ScopeKind)reader.ReadByte(), reader.ReadString());
        var denial = new Denial(
            index, epoch, state, scope, ReadMaybe(reader), ReadAll(reader, () => ReadId(reader)), ReadAll(reader, () => ReadId(reader)), ReadAll(reader, reader.ReadString));
        return new StopRecord(denial, ReadId(reader), reader.ReadString(), reader.ReadString(), reader.ReadInt64())
        {
            Lifted = ReadMaybe(reader) is { } by ? new Lifting(by, reader.ReadUInt64(), reader.ReadInt64()) : null,
            Exposure = ReadExposure(reader),
            Probes = ReadAll(reader, () => ReadId(reader)),
            Rule = ReadMaybe(reader) is { } rules ? new StoppingRule(rules, (RuleTrigger)reader.ReadByte()) : null,
        };
    }

    private static void WriteExposure(BinaryWriter writer, StopExposure exposure)
    {
        writer.Write(exposure.ShownTo is not null);
        WriteAll(writer, exposure.ShownTo ?? [], writer.Write);
        WriteAll(writer, exposure.Enforcers, id => WriteId(writer, id));
        WriteAll(writer, exposure.Audiences, audience =>
        {
            writer.Write(audience.Audience);
            writer.Write(audience.Until);
            writer.Write(audience.Index.Value);
            writer.Write(audience.Position);
        });
        writer.Write(exposure.Credentials);
    }

    private static StopExposure ReadExposure(BinaryReader reader)
    {
        var isLimited = reader.ReadBoolean();
        var shownTo = ReadAll(reader, reader.ReadString);
        return new StopExposure(
            isLimited ? shownTo : null, ReadAll(reader, () => ReadId(reader)), ReadAll(reader, () => new ExposedAudience(reader.ReadString(), reader.ReadInt64(), new LeafIndex(reader.ReadUInt64()), reader.ReadUInt32())), reader.ReadInt32());
    }

    private static void WriteBlueprint(BinaryWriter writer, BlueprintRecord blueprint)
    {
        writer.Write(blueprint.Name);
        writer.Write(blueprint.Model);
        WriteAll(writer, blueprint.Reads, read =>
        {
            writer.Write(read.Type);
            writer.Write(read.Action);
        });
        writer.Write(blueprint.Index.Value);
        writer.Write(blueprint.Epoch);
    }

    private static BlueprintRecord ReadBlueprint(BinaryReader reader) => new(
        reader.ReadString(), reader.ReadString(), ReadAll(reader, () => new TypedAction(reader.ReadString(), reader.ReadString())), new LeafIndex(reader.ReadUInt64()), reader.ReadUInt64());

    private static void WriteEdge(BinaryWriter writer, DelegationEdge edge)
    {
        WriteId(writer, edge.Parent);
        WriteId(writer, edge.Child);
        writer.Write(edge.First.Value);
        writer.Write(edge.Last.Value);
        writer.Write(edge.Links);
    }

    private static DelegationEdge ReadEdge(BinaryReader reader) =>
        new(ReadId(reader), ReadId(reader), new LeafIndex(reader.ReadUInt64()), new LeafIndex(reader.ReadUInt64()), reader.ReadUInt32());

    private static void WriteLink(BinaryWriter writer, DelegationLink link)
    {
        var body = link.Body;
        writer.Write(link.Index.Value);
        WriteId(writer, body.Parent);
        WriteId(writer, body.ParentJti);
        WriteId(writer, body.Child);
        WriteId(writer, body.ChildJti);
        writer.Write(body.Envelope);
        WriteAll(writer, body.Audiences, writer.Write);
        writer.Write(body.ExpiresAt);
        writer.Write(body.Depth);
        WriteAll(writer, body.Budgets, budget =>
        {
            writer.Write(budget.Unit);
            writer.Write(budget.Amount);
        });
    }

    private static DelegationLink ReadLink(BinaryReader reader) => new(
        new LeafIndex(reader.ReadUInt64()),
        new Delegated(
            ReadId(reader), ReadId(reader), ReadId(reader), ReadId(reader), reader.ReadString(), ReadAll(reader, reader.ReadString), reader.ReadInt64(), reader.ReadUInt32(),
            ReadAll(reader, () => new Budget(reader.ReadString(), reader.ReadUInt64()))));

    private static void WriteSpent(BinaryWriter writer, SpentBudget spent)
    {
        WriteId(writer, spent.Link);
        writer.Write(spent.Unit);
        writer.Write(spent.Amount);
    }

    private static SpentBudget ReadSpent(BinaryReader reader) => new(ReadId(reader), reader.ReadString(), reader.ReadUInt64());

    private static void WriteEnforcer(BinaryWriter writer, EnforcerRecord enforcer)
    {
        WriteId(writer, enforcer.Id);
        writer.Write(enforcer.Unlogged);
        WriteAll(writer, enforcer.Signed, signed =>
        {
            writer.Write(signed.Epoch);
            writer.Write(signed.IsObserving);
            writer.Write(signed.Decisions);
            writer.Write(signed.Index.Value);
            writer.Write(signed.Position);
            writer.Write(signed.At);
            WriteAll<ProbeOutcome>(writer, signed.Probe is { } probe ? [probe] : [], probe => WriteProbe(writer, probe));
        });
        WriteAll(writer, enforcer.Revoked, outcome =>
        {
            writer.Write(outcome.Stop.Value);
            writer.Write(outcome.Done);
            writer.Write(outcome.Failed);
        });
        WriteAll(writer, enforcer.Alarms, alarm =>
        {
            writer.Write(alarm.Name);
            writer.Write(alarm.Detail);
            writer.Write(alarm.RaisedAt);
            writer.Write(alarm.Index.Value);
            writer.Write(alarm.At);
        });
    }

    private static void WriteProbe(BinaryWriter writer, ProbeOutcome probe)
    {
        WriteId(writer, probe.Jti);
        writer.Write(probe.Before.Name());
        writer.Write(probe.After.Name());
    }

    private static ProbeOutcome ReadProbe(BinaryReader reader) => new(ReadId(reader), ReadRefusal(reader), ReadRefusal(reader));

    private static Refusal ReadRefusal(BinaryReader reader) => Refusals.TryParse(reader.ReadString(), out var refusal) ? refusal : throw new InvalidDataException("A snapshot names a refusal that is none.");

    private static EnforcerRecord ReadEnforcer(BinaryReader reader) => new(ReadId(reader), reader.ReadUInt64())
    {
        Signed = ReadAll(reader, () => new SignedEpoch(
            reader.ReadUInt64(), reader.ReadBoolean(), reader.ReadUInt64(), new LeafIndex(reader.ReadUInt64()), reader.ReadUInt32(), reader.ReadInt64(), ReadAll(reader, () => ReadProbe(reader)) is [var probe] ? probe : null)),
        Revoked = ReadAll(reader, () => new RevokerOutcome(new LeafIndex(reader.ReadUInt64()), reader.ReadUInt32(), reader.ReadUInt32())),
        Alarms = ReadAll(reader, () => new RaisedAlarm(reader.ReadString(), reader.ReadString(), reader.ReadInt64(), new LeafIndex(reader.ReadUInt64()), reader.ReadInt64())),
    };

    private static void WriteMaybe(BinaryWriter writer, LeafIndex? index)
    {
        writer.Write(index is not null);
        writer.Write(index?.Value ?? 0);
    }

    private static LeafIndex? ReadMaybe(BinaryReader reader)
    {
        var isThere = reader.ReadBoolean();
        var index = new LeafIndex(reader.ReadUInt64());
        return isThere ? index : null;
    }

    // Entry 0 founds the registry, so 0 stands for none.
    private static LeafIndex? ReadIndex(BinaryReader reader) => reader.ReadUInt64() is var index and not 0 ? new LeafIndex(index) : null;

    private static void WriteHead(BinaryWriter writer, Head head)
    {
        writer.Write(head.Count);
        writer.Write(head.Hash.ToArray());
        writer.Write(head.Index.Value);
    }

    private static Head ReadHead(BinaryReader reader) => new(reader.ReadUInt64(), ReadHash(reader), new LeafIndex(reader.ReadUInt64()));

    private static void WriteKey(BinaryWriter writer, PublicKey key)
    {
        writer.Write((byte)key.Algorithm);
        writer.Write((byte)key.Bytes.Length);
        writer.Write(key.Bytes);
    }

    private static PublicKey ReadKey(BinaryReader reader)
    {
        var algorithm = (KeyAlgorithm)reader.ReadByte();
        return PublicKey.TryRead(algorithm, reader.ReadBytes(reader.ReadByte()), out var key) ? key : throw new LedgerDamagedException("The snapshot holds a key that is none.");
    }

    private static void WriteId(BinaryWriter writer, SubjectId id) => writer.Write(id.ToArray());

    private static SubjectId ReadId(BinaryReader reader)
    {
        Span<byte> bytes = stackalloc byte[SubjectId.Size];
        reader.BaseStream.ReadExactly(bytes);
        return SubjectId.Read(bytes);
    }

    private static Hash ReadHash(BinaryReader reader)
    {
        Span<byte> bytes = stackalloc byte[Hash.Size];
        reader.BaseStream.ReadExactly(bytes);
        return Hash.Read(bytes);
    }

    private static void WriteAll<T>(BinaryWriter writer, IReadOnlyList<T> items, Action<T> writeItem)
    {
        writer.Write(items.Count);
        foreach (var item in items)
            writeItem(item);
    }

    private static T[] ReadAll<T>(BinaryReader reader, Func<T> readItem)
    {
        var count = reader.ReadInt32();
        if (count == 0)
            return [];
        var items = new T[count];
        for (var i = 0; i < count; i++)
            items[i] = readItem();
        return items;
    }
}
