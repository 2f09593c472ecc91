using System.Text.RegularExpressions;
using AgentIdentity.Credentials.Evidence;
using AgentIdentity.Credentials.Meeting;
using AgentIdentity.Credentials.Proofs;
using AgentIdentity.Credentials.Status;
using AgentIdentity.Credentials.Verification;
using AgentIdentity.Credentials.Watching;
using AgentIdentity.Interop.Tests;
using AgentIdentity.Protocol.V1;
using Google.Protobuf.Reflection;
using Acknowledgement = AgentIdentity.Credentials.Watching.Acknowledgement;

namespace AgentIdentity.Server.Tests.Attacks;

/// <summary>That the table of attacks leaves no place out: neither a reader of tokens nor a member of a request that is one.</summary>
public sealed partial class TokenTableTests
{
    private const string Approvals = "SetBreakGlassKey, approval";

    // Who reads tokens of a kind, and a row in which it does.
    private static readonly Dictionary<string, string> Readers = new(StringComparer.Ordinal)
    {
        [nameof(Acknowledgement)] = "Watch, acknowledgement", [nameof(AgentVouch)] = "Enroll, vouch", [nameof(Approval)] = Approvals, [nameof(BootstrapProof)] = "Bootstrap, proof", [nameof(EnrolmentProof)] = "Enroll, proof",
        [nameof(KeyProof)] = "Issue, proof", [nameof(MeetingAnswer)] = "friend or foe, proof", [nameof(OperatorProof)] = "AddOperator, proof of the newcomer", [nameof(PresentedCredential)] = "Verify, credential",
        [nameof(RotationProof)] = "RotateKey, proof of the new key", [nameof(StatusListReader)] = "reader of token status lists", [nameof(StopOrder)] = "Obey, stop order", [nameof(SvidProof)] = "Enroll, X.509-SVID", [nameof(WorkloadToken)] = "Enroll, workload token",
    };

    // What these read is read on by one of those above, or is a form of its own with its own table (passkeys).
    private static readonly string[] Between = ["CompactJws", "JwkSignedToken", "OperatorToken", "PasskeyToken", nameof(EvidenceText)];

    // What the members of requests are called that are tokens, and the rows that send them. Approvals are read by one method for all who take them.
    private static readonly Dictionary<string, string> Members = new(StringComparer.Ordinal)
    {
        ["Acknowledgement.token"] = "Watch, acknowledgement", ["AddOperatorRequest.proof"] = "AddOperator, proof of the newcomer", ["EnrollRequest.evidence"] = "Enroll, vouch",
        ["EnrollRequest.proof"] = "Enroll, proof", ["FirstOperator.proof"] = "Bootstrap, proof", ["ObeyRequest.order"] = "Obey, stop order", ["RenewRequest.credential"] = "Renew, credential to renew",
        ["RotateKeyRequest.consent"] = "RotateKey, consent of the old key", ["RotateKeyRequest.proof"] = "RotateKey, proof of the new key", ["VerifyRequest.credential"] = "Verify, credential", ["VerifyRequest.proof"] = "Verify, proof",
        ["AddOperatorRequest.approvals"] = Approvals, ["CutRequest.approvals"] = Approvals, ["EraseRequest.approvals"] = Approvals, ["LiftHoldRequest.approvals"] = Approvals, ["RemoveCallerRequest.approvals"] = Approvals,
        ["RestoreRequest.approvals"] = Approvals, ["SetBreakGlassKeyRequest.approvals"] = Approvals, ["SetRulesRequest.approvals"] = Approvals, ["StopRequest.approvals"] = Approvals,
    };

    private static readonly string[] Names = ["approval", "approvals", "assertion", "consent", "credential", "evidence", "jws", "jwt", "order", "proof", "token", "vouch"];

    // Named alike: ids, opaque secrets, and rules.
    private static readonly string[] NoTokens = ["Asked.credential", "CreateEnrolmentTokenRequest.evidence", "EnrollRequest.token", "RotateKeyRequest.token", "Scope.credential"];

    [Fact]
    public void Every_reader_of_tokens_has_a_row()
    {
        var readers = Directory.EnumerateFiles(Path.Combine(Repository.Root, "src"), "*.cs", SearchOption.AllDirectories).Where(file => ReadsTokens().IsMatch(File.ReadAllText(file))).Select(Path.GetFileNameWithoutExtension);
        Assert.Equal(Readers.Keys.Concat(Between).Order(StringComparer.Ordinal), readers.Order(StringComparer.Ordinal));
        Assert.Empty(Readers.Values.Except(TokenEntryPoints.OfIssuer.Concat(TokenEntryPoints.OfCallers)));
    }

    [Fact]
    public void Every_member_of_a_request_that_is_called_like_a_token_has_a_row()
    {
        var requests = typeof(RegistryReflection).Assembly.GetTypes().Where(type => type.Name.EndsWith("Reflection", StringComparison.Ordinal)).Select(type => type.GetProperty("Descriptor")?.GetValue(null)).OfType<FileDescriptor>()
            .SelectMany(file => file.Services).SelectMany(service => service.Methods).SelectMany(method => Within(method.InputType)).Distinct();
        var members = requests.SelectMany(message => message.Fields.InDeclarationOrder()).Where(field => field.FieldType == FieldType.String && Names.Contains(field.Name)).Select(field => $"{field.ContainingType.Name}.{field.Name}");
        Assert.Equal(Members.Keys.Concat(NoTokens).Order(StringComparer.Ordinal), members.Order(StringComparer.Ordinal));
        Assert.Empty(Members.Values.Except(TokenEntryPoints.OfIssuer.Concat(TokenEntryPoints.OfCallers)));
    }

    // No message of a request holds itself.
    private static IEnumerable<MessageDescriptor> Within(MessageDescriptor message) =>
        message.Fields.InDeclarationOrder().Where(field => field.FieldType == FieldType.Message).SelectMany(field => Within(field.MessageType)).Prepend(message);

    [GeneratedRegex(@"\b(CompactJws|JwkSignedToken|OperatorToken|PasskeyToken)\.Try(Read|Split|ReadHeader|ReadSigned)\(|class (CompactJws|OperatorToken|PasskeyToken)\b")]
    private static partial Regex ReadsTokens();
}
