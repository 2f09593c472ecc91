using System.Security.Cryptography;
using System.Text;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;
using AgentIdentity.Registry.State;

namespace AgentIdentity.Registry.Recovery;

/// <summary>The state at one position as bytes: a version, the parts in the order of <see cref="StateCopy"/>, and the log key's signature over all of it. Private to this build: another version is not read but made again.</summary>
/// <remarks>Signed, because the tree vouches for the entries and not for what was folded from them: whoever can write the file must not be able to lift a stop.</remarks>
internal static class SnapshotFormat
{
    private const int Version = 3;
    private static readonly byte[] Domain = "air/snapshot/v1\0"u8.ToArray();
    private static readonly byte[] Magic = "agentidentity snapshot\n"u8.ToArray();

    /// <summary>Writes the copy, and the root of the tree at its position.</summary>
    public static void Write(Stream stream, StateCopy copy, in Hash root, Ed25519PrivateKey logKey)
    {
        using var hash = SHA256.Create();
        using (var hashed = new CryptoStream(stream, hash, CryptoStreamMode.Write, leaveOpen: true))
        using (var buffered = new BufferedStream(hashed, 1 << 16))
        using (var writer = new BinaryWriter(buffered, Encoding.UTF8))
        {
            writer.Write(Magic);
            writer.Write(Version);
            writer.Write(root.ToArray());
            WriteState(writer, copy);
        }
        stream.Write(logKey.Sign([.. Domain, .. hash.Hash!]));
    }

    /// <summary>Reads a copy and the root that it stood under; null when the bytes are not a whole snapshot of this version, signed by the log's key.</summary>
    public static (StateCopy Copy, Hash Root)? Read(Stream stream, PublicKey logKey)
    {
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        if (bytes.Length < PublicKey.SignatureSize)
            return null;
        var content = bytes.AsSpan(..^PublicKey.SignatureSize);
        if (!logKey.Verifies([.. Domain, .. SHA256.HashData(content)], bytes.AsSpan(^PublicKey.SignatureSize..)))
            return null;
        using var reader = new BinaryReader(new MemoryStream(bytes, 0, content.Length), Encoding.UTF8);
        if (!reader.ReadBytes(Magic.Length).AsSpan().SequenceEqual(Magic) || reader.ReadInt32() != Version)
            return null;
        var root = ReadHash(reader);
        return (ReadState(reader), root);
    }

    private static void WriteState(BinaryWriter writer, StateCopy copy)
    {
        writer.Write(copy.Position);
        writer.Write(copy.Epoch);
        writer.Write(copy.LastAt);
        writer.Write(copy.NextStatusIndex);
        WriteFounding(writer, copy.Founding!);
        WriteAll(writer, copy.IssuerKeys, key =>
        {
            WriteKey(writer, key.Key);
            writer.Write(key.From.Value);
        });
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
    }

    private static StateCopy ReadState(BinaryReader reader)
    {
        var position = reader.ReadUInt64();
        var epoch = reader.ReadUInt64();
        var lastAt = reader.ReadInt64();
        var nextStatusIndex = reader.ReadUInt64();
        var founding = ReadFounding(reader);
        var keys = ReadAll(reader, () => (ReadKey(reader), new LeafIndex(reader.ReadUInt64())));
        var tokens = ReadAll(reader, () => ReadToken(reader));
        var callers = ReadAll(reader, () => ReadCaller(reader));
        var grants = tokens.ToDictionary(token => token.Id, token => token.Grant);
        var agents = ReadAll(reader, () => ReadAgent(reader, grants));
        var subjects = ReadAll(reader, () => new SubjectCopy(ReadId(reader), ReadHash(reader), ReadHead(reader)));
        var heads = reader.ReadBoolean() ? new HeadsCopy(new LeafIndex(reader.ReadUInt64()), ReadHead(reader)) : null;
        return new StateCopy(position, epoch, lastAt, nextStatusIndex, founding, keys, agents, tokens, callers, subjects, heads);
    }

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

    private static void WriteToken(BinaryWriter writer, TokenRecord token)
    {
        var terms = token.Grant.Terms;
        WriteId(writer, token.Id);
        writer.Write(token.TokenHash.ToArray());
        writer.Write(terms.Sponsor);
        writer.Write(terms.Blueprint);
        WriteAll(writer, terms.Labels, label =>
        {
            writer.Write(label.Key);
            writer.Write(label.Value);
        });
        writer.Write(terms.MaximumEnvelope);
        WriteAll(writer, terms.Audiences, writer.Write);
        writer.Write(token.UsesAllowed);
        writer.Write(token.ExpiresAt);
        writer.Write(token.UsesMade);
    }

    private static TokenRecord ReadToken(BinaryReader reader)
    {
        var id = ReadId(reader);
        var hash = ReadHash(reader);
        var terms = new Grant(
            reader.ReadString(), reader.ReadString(), ReadAll(reader, () => KeyValuePair.Create(reader.ReadString(), reader.ReadString())), reader.ReadString(), ReadAll(reader, reader.ReadString));
        return new TokenRecord(id, hash, AgentGrant.Of(terms), reader.ReadUInt32(), reader.ReadInt64(), reader.ReadUInt32());
    }

    private static void WriteCaller(BinaryWriter writer, CallerRecord caller)
    {
        WriteId(writer, caller.Id);
        writer.Write((byte)caller.Role);
        writer.Write(caller.Name);
        WriteKey(writer, caller.Key);
        WriteAll(writer, caller.Audiences, writer.Write);
        writer.Write(caller.RegisteredAt);
    }

    private static CallerRecord ReadCaller(BinaryReader reader) =>
        new(ReadId(reader), (CallerRole)reader.ReadByte(), reader.ReadString(), ReadKey(reader), ReadAll(reader, reader.ReadString), reader.ReadInt64());

    private static void WriteAgent(BinaryWriter writer, AgentRecord agent)
    {
        WriteId(writer, agent.Id);
        WriteKey(writer, agent.Key);
        WriteId(writer, agent.TokenId);
        writer.Write(agent.EnrolledAt);
        writer.Write(agent.EnrolledIndex.Value);
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
        writer.Write(agent.Stop is not null);
        if (agent.Stop is { } stop)
            WriteStop(writer, stop);
        WriteAll(writer, agent.Holds, hold =>
        {
            writer.Write(hold.Index.Value);
            writer.Write(hold.Reason);
            writer.Write(hold.At);
        });
    }

    private static AgentRecord ReadAgent(BinaryReader reader, Dictionary<SubjectId, AgentGrant> grants)
    {
        var id = ReadId(reader);
        var key = ReadKey(reader);
        var token = ReadId(reader);
        var grant = grants[token];
        return new AgentRecord(id, key, token, grant, reader.ReadInt64(), new LeafIndex(reader.ReadUInt64()))
        {
            Chains = ReadAll(reader, () => new ChainHead(
                new KeyId(ReadHash(reader)), reader.ReadUInt64(), ReadHash(reader), new LeafIndex(reader.ReadUInt64()), reader.ReadInt64(), reader.ReadBoolean()) { Fork = ReadIndex(reader) }),
            Credentials = ReadAll(reader, () => ReadCredential(reader, id, grant)),
            Stop = reader.ReadBoolean() ? ReadStop(reader) : null,
            Holds = ReadAll(reader, () => new HoldInForce(new LeafIndex(reader.ReadUInt64()), reader.ReadString(), reader.ReadInt64())),
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

    private static void WriteStop(BinaryWriter writer, StopInForce stop)
    {
        writer.Write((byte)stop.State);
        writer.Write(stop.Index.Value);
        writer.Write(stop.Reason);
        writer.Write(stop.Epoch);
        writer.Write(stop.At);
    }

    private static StopInForce ReadStop(BinaryReader reader) =>
        new((StandingState)reader.ReadByte(), new LeafIndex(reader.ReadUInt64()), reader.ReadString(), reader.ReadUInt64(), reader.ReadInt64());

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
