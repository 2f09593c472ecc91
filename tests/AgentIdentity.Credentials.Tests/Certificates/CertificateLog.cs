using System.Text;
using AgentIdentity.Credentials.Certificates;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Stops;
using AgentIdentity.Credentials.Tests.Trails;
using AgentIdentity.Credentials.Trails;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Ledger;

namespace AgentIdentity.Credentials.Tests.Certificates;

/// <summary>A small log in which an agent is stopped before two enforcers. Its keeper holds the log's key and can lie in what he writes and in what he shows; the enforcers' keys he has not.</summary>
internal sealed class CertificateLog
{
    public const string Incident = "i-7";
    public const string Documents = "https://tools.example/documents";
    public const string Mail = "https://tools.example/mail";
    private const string PublicUrl = "https://" + TrailLog.Origin;
    private const ulong Epoch = 4;

    private readonly TrailLog _log;
    private readonly List<ulong> _shown = [0];
    private readonly Dictionary<ulong, OwnItem[]> _items = [];
    private readonly List<SignedDenial> _signed = [];
    private StoppingRule? _rule;

    // Of another incident, and in force before the same enforcers.
    private readonly byte[] _other = DenialFormat.Encode(new Denial(new LeafIndex(1), 3, StandingState.Frozen, Scope.Agent(TrailLog.OtherAgent)));

    public CertificateLog(bool hasMail = true, bool hasOneOperator = false)
    {
        _log = new TrailLog(hasOneOperator: hasOneOperator);
        Register(DocumentsGateway, DocumentsKey, "documents gateway", Documents);
        if (hasMail)
            Register(MailGateway, MailKey, "mail gateway", Mail);
    }

    public static SubjectId DocumentsGateway { get; } = TrailLog.Id(31);

    public static SubjectId MailGateway { get; } = TrailLog.Id(32);

    /// <summary>What rides along with each stop.</summary>
    public static SubjectId Probe { get; } = TrailLog.Id(40);

    public static PrivateKey DocumentsKey { get; } = Key("documents");

    public static PrivateKey MailKey { get; } = Key("mail");

    public static PrivateKey ThiefKey { get; } = Key("thief");

    public static long At => 1_730_616_064_000;

    public NoteVerifierKey LogKey => _log.LogKey;

    public ulong StopIndex { get; private set; }

    public Denial Denial { get; private set; } = null!;

    public List<EnforcerWord> Word { get; } = [];

    public long MadeAt { get; set; } = At + 1000;

    public void Register(SubjectId id, PrivateKey key, string name, string audience) => Show(_log.Append(new CallerRegistered(CallerRole.Enforcer, name, key.PublicKey, [audience]), id));

    public void Remove(SubjectId id, params byte[] signers) =>
        Show(_log.Append(new CallerRemoved(id, "gone", Approvals(ApprovedAction.RemoveCaller(id, "gone"), signers), 3), id));

    public void Seal(PrivateKey key, params byte[] signers) =>
        Show(_log.Append(new BreakGlassKeySet(key.PublicKey, Approvals(ApprovedAction.SetBreakGlassKey(key.PublicKey.KeyId), signers), 3), TrailLog.Registry));

    /// <summary>Has operators switch on a rule for forks. The stop that follows says that it is by it, or by another of the same entry.</summary>
    public void Rule(byte[] signers, RuleTrigger claimed = RuleTrigger.Fork, StandingState state = StandingState.Frozen, bool isShown = true)
    {
        var rule = new StopRule(RuleTrigger.Fork, 1, 60, state);
        var index = _log.Append(new RulesSet([rule], "night", Approvals(ApprovedAction.SetRules([rule], "night"), signers)), TrailLog.Registry);
        if (isShown)
            Show(index);
        _rule = new StoppingRule(new LeafIndex(index), claimed);
    }

    /// <summary>A credential for both, good for 600 seconds or as long as said, and the stop of its agent.</summary>
    public void Stop(Scope? scope = null, string incident = Incident, long lifetime = 600, string? order = null, StandingState state = StandingState.Frozen)
    {
        var item = new IssuanceItem(TrailLog.Id(9), TrailLog.Agent, _log.Key.PublicKey.KeyId, [Documents, Mail], At / 1000, (At / 1000) + lifetime, 0, Sha256.Hash("authority"u8)).Encode();
        Issuance = _log.Append(new CredentialsIssued(MerkleHash.Root([MerkleHash.Leaf(item)]), 1), TrailLog.Agent);
        Show(Issuance, new OwnItem(0, item, ReadOnlyMemory<byte>.Empty));
        var body = new Stop(scope ?? Scope.AgentWithDelegates(TrailLog.Agent), state, "odd calls", incident, Epoch, order) { Probes = [Probe], Rule = _rule };
        Show(StopIndex = _log.Append(body, TrailLog.Agent));
        Denial = new Denial(new LeafIndex(StopIndex), Epoch, body.State, body.Scope).With(body.Probes) with { Agents = body.Scope.Kind == ScopeKind.AgentWithDelegates ? [TrailLog.OtherAgent] : [] };
    }

    public ulong Issuance { get; private set; }

    public void Restore(params byte[] signers) =>
        Show(_log.Append(new Restored([new LeafIndex(StopIndex)], "a false alarm", Approvals(ApprovedAction.Restore([new LeafIndex(StopIndex)], "a false alarm"), signers), Epoch + 1), TrailLog.Agent));

    /// <summary>What an enforcer signs that has heard of the stop, and seen the tree before it.</summary>
    public Acknowledgement Acknowledgement(string audience) => new(
        TrailLog.Origin, new TreeSize(StopIndex), _log.Root(StopIndex), Epoch, ViewId.Of([audience]), MerkleHash.Root([MerkleHash.Leaf(_other), MerkleHash.Leaf(DenialFormat.Encode(Denial))]), "a-nonce", 17, Sha256.Hash("chain"u8), false);

    /// <summary>An entry with one acknowledgement, which then counts for the stop.</summary>
    public void Sign(PrivateKey key, string audience, Func<Acknowledgement, Acknowledgement>? lie = null, SubjectId? subject = null, bool counts = true)
    {
        var signed = Acknowledgement(audience);
        Write((lie?.Invoke(signed) ?? signed).Sign(key, PublicUrl, DateTimeOffset.FromUnixTimeMilliseconds(At)), subject ?? (audience == Mail ? MailGateway : DocumentsGateway), counts);
    }

    public void Write(string token, SubjectId subject, bool counts = true)
    {
        var item = Encoding.ASCII.GetBytes(token);
        var index = _log.Append(new EnforcersAcknowledged(MerkleHash.Root([MerkleHash.Leaf(item)]), 1), subject);
        Show(index, new OwnItem(0, item, ReadOnlyMemory<byte>.Empty));
        if (counts)
            _signed.Add(new SignedDenial(new ItemPlace(new LeafIndex(index), 0), 1, 2, MerkleHash.Leaf(_other).ToArray()));
    }

    /// <summary>Both enforcers sign.</summary>
    public CertificateLog Enforced()
    {
        Stop();
        Sign(DocumentsKey, Documents);
        Sign(MailKey, Mail);
        return this;
    }

    /// <summary>The certificate, as an honest export would be, or with what the keeper changes in it before he seals it.</summary>
    public byte[] Export(Func<CertificateFile, CertificateFile>? lie = null)
    {
        var checkpoint = _log.Sign();
        var stop = new CertifiedStop(new LeafIndex(StopIndex), DenialFormat.Encode(Denial), [new ItemPlace(new LeafIndex(Issuance), 0)], _signed, Word);
        var file = new CertificateFile(
            new CertificateHeader(LogKey.ToString(), Incident, checkpoint), [.. _shown.Select(index => new CertificateEntry(_log.Open(index), _items.GetValueOrDefault(index) ?? []))],
            [stop], [new CertifiedTree(new TreeSize(StopIndex), _log.Consistency(StopIndex))], null, "", ReadOnlyMemory<byte>.Empty, 0);
        return Write(lie?.Invoke(file) ?? file, MadeAt, _log.Signer);
    }

    /// <summary>A certificate under the seal of the vectors' log key, or another.</summary>
    public static byte[] Write(CertificateFile file, long madeAt, NoteSignerKey? signer = null)
    {
        using var writer = new CertificateFileWriter();
        byte[][] items =
        [
            writer.Header(file.Header), .. file.Entries.Select(writer.Entry), .. file.Stops.Select(writer.Stop), .. file.Trees.Select(writer.Tree), .. file.Anchor is null ? [] : (byte[][])[writer.Anchor(file.Anchor)],
            writer.SealAndEnd(signer ?? new NoteSignerKey(TrailLog.Origin, Ed25519PrivateKey.FromSeed(Vectors.Section("keys").EnumerateArray().Single(key => key.Text("name") == "log").Hex("secret"))), madeAt),
        ];
        return [.. items.SelectMany(item => item)];
    }

    private string[] Approvals(string action, byte[] signers) => [.. signers.Select(signer => _log.Approve(signer, action))];

    private void Show(ulong index, params OwnItem[] items)
    {
        _shown.Add(index);
        _items[index] = items;
    }

    private static PrivateKey Key(string name) => PrivateKey.FromSecret(KeyAlgorithm.Ed25519, Sha256.Hash(Encoding.UTF8.GetBytes(name)).ToArray())!;
}
