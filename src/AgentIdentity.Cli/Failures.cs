using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using AgentIdentity.Anchoring.Ethereum;
using AgentIdentity.Client;
using AgentIdentity.Credentials;
using Grpc.Core;

namespace AgentIdentity.Cli;

/// <summary>What went wrong, for whoever typed the command: what it means, and what to do next.</summary>
internal static class Failures
{
    private const string MayBeDone =
        "If it changes something, that may be on record all the same; look before you do it again: agentid stops, agentid trail AGENT, agentid entries. A stop may be made again: the second changes nothing, and stands in the ledger too.";

    private const string IsDiskSlow =
        "Does its disk stall? Its log says so, and agentidentity_oldest_write_seconds in /metrics. A stop that has come to it is in force there while it waits, and is recorded when the disk goes on.";

    private const string IsItRunning = "Is the server running, and are --registry, --control and --http what its ready line says, with https:// where it was given a certificate and http:// where it was not?";

    public static Failure Explain(Exception failed) => failed switch
    {
        Failure failure => failure,
        RegistryRefusedException refused => Failure.Refused(refused.Detail, Advice(refused.Refusal), refused.Reason),
        CheckpointContradictedException contradicted => Failure.Refused(
            contradicted.Message, $"Keep {contradicted.EvidenceFile} and ask the operators. If they founded or recovered the registry, remove the checkpoint beside it, and write the new log key as log_key into registry.json of the home folder.", "LOG_CONTRADICTED"),
        SigningException unsigned => Failure.Usage(unsigned.Message),
        ChainException refused => new Failure(refused.Fault == ChainFault.Unreachable ? ExitCode.Unreachable : ExitCode.Refused, refused.Message, reason: AnchorContract.ErrorOf(refused)),
        InvalidDataException wrong => Failure.Refused(wrong.Message, "Is --public-url what the server was started with, and --registry that server?"),
        RpcException call when IsPlain(call.Status.DebugException) => Plain(call.Status.Detail),
        RpcException call when Distrust(call.Status.DebugException) is { } why => Distrusted(why),
        RpcException { StatusCode: StatusCode.Internal or StatusCode.Unknown } call => new Failure(
            ExitCode.Unreachable, $"A server answered that it has failed: {call.Status.Detail}", $"{MayBeDone}\nThe registry's log says why; fsck says whether its data folder is whole."),
        RpcException call when IsOtherProtocol(call.Status.DebugException) => new Failure(
            ExitCode.Unreachable, $"A server took the connection and did not answer in this protocol: {call.Status.Detail}",
            $"Was it started with --tls-cert? Then name it with https://. Else it is another server, it has just ended, or it holds as many connections as it may.\n{MayBeDone}"),
        RpcException call when IsUnsent(call.Status.DebugException) => Unanswered(call.Status.Detail),
        RpcException { StatusCode: StatusCode.DeadlineExceeded } => Lost($"within {Invocation.Patience.TotalSeconds} seconds", $"{IsDiskSlow}\n{IsItRunning}"),
        RpcException call => Lost($"that could be read: {call.Status.Detail}"),
        HttpRequestException request when IsPlain(request) => Plain(request.InnerException!.Message),
        HttpRequestException request when Distrust(request) is { } why => Distrusted(why),
        HttpRequestException request when IsUnsent(request) => Unanswered(request.Message),
        HttpRequestException request => Lost($"that could be read: {request.Message}"),
        IOException or UnauthorizedAccessException => Failure.Usage(failed.Message),
        OperationCanceledException or TimeoutException => Lost($"in time: {failed.Message}"),
        // No trace and no abort: what nobody foresaw is told like the rest, to scripts too.
        _ => new Failure(ExitCode.Fault, $"A fault in agentid itself: {failed.GetType()}: {failed.Message.ReplaceLineEndings(" ")}", $"{MayBeDone}\nPlease report it, with what was typed and what agentid --version says."),
    };

    /// <summary>Somebody waited for no answer any more: the call may have arrived.</summary>
    public static Failure Interrupted => new(ExitCode.Interrupted, "It was interrupted before an answer came. Whether it was done is not known.", MayBeDone);

    /// <summary>What came of a call, and cannot be written where it was to go.</summary>
    public static Failure Unwritten(Exception failed) => new(ExitCode.Unreachable, $"What came of it cannot be written: {failed.Message}", MayBeDone);

    // In the platform's own words, which name what is wrong with the certificate; those around them may be none.
    private static string? Distrust(Exception? failed) => failed is AuthenticationException { Message: var why } ? why : failed?.InnerException is { } inner ? Distrust(inner) : null;

    // The preface of HTTP/2 was not answered with one: what stands there is TLS, or something else. The platform has no type of its own for that either.
    private static bool IsOtherProtocol(Exception? failed) =>
        failed is HttpRequestException { HttpRequestError: HttpRequestError.InvalidResponse, Message: var message } ? message.StartsWith("An HTTP/2 connection could not be established", StringComparison.Ordinal) : failed?.InnerException is { } inner && IsOtherProtocol(inner);

    // What came back is no TLS at all. The platform has no type of its own for that, and says it in these words.
    private static bool IsPlain(Exception? failed) =>
        failed is AuthenticationException { Message: var message } ? message.StartsWith("Cannot determine the frame size", StringComparison.Ordinal) : failed?.InnerException is { } inner && IsPlain(inner);

    private static Failure Plain(string detail) =>
        new(ExitCode.Unreachable, $"A server answered, and what it speaks is no TLS: {detail}", "It was started without --tls-cert, or is another server: name it with http://, or look at --registry, --control and --http again.");

    private static Failure Distrusted(string why) => new(
        ExitCode.Unreachable,
        $"A server answered, and its TLS certificate is not trusted here: {why}",
        why.Contains(nameof(X509ChainStatusFlags.NotTimeValid), StringComparison.Ordinal)
            ? "A certificate is over, or has not begun, by the clock of this machine. Is that right? Then have the server's certificate renewed: put in the place of the old one, the server reads it within seconds."
            : $"Name the certificate, or the authority that signed it, as a PEM file with {GlobalOptions.Ca} FILE (AGENTID_CA), and the host by the name that is in it.");

    // Nobody was reached, so that nothing was done.
    private static bool IsUnsent(Exception? failed) =>
        failed is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError }
        || (failed?.InnerException is { } inner && IsUnsent(inner));

    private static Failure Unanswered(string detail) => new(ExitCode.Unreachable, $"Nobody answered: {detail}", IsItRunning);

    private static Failure Lost(string how, string next = IsItRunning) => new(ExitCode.Unreachable, $"No answer came {how.TrimEnd('.')}. Whether it was done is not known.", $"{MayBeDone}\n{next}");

    private static string? Advice(Refusal? refusal) => refusal switch
    {
        Refusal.NotBootstrapped => "Make the first operators: agentid bootstrap --secret-file FILE --operator NAME",
        Refusal.BootstrapClosed => "The registry has its operators. Use one of their keys with --key FILE.",
        Refusal.BootstrapInvalid => "A secret is good for 15 minutes: start the server again for a new one, and read the file that it names.",
        Refusal.NeedsTwoOperators => "Two different people are needed. To revoke: the same command with --out FILE, then each agentid approve FILE, the last with --send; --state frozen takes one person. To move a cut later: --out FILE as well. "
            + "At bootstrap: a second --operator, or --operator-proof FILE of another person; --dev starts a server for a single one.",
        Refusal.ApprovalStale or Refusal.ApprovalUsed => "Begin again with a new file: approvals are good for an hour, once, and not beyond a restart.",
        Refusal.AgentHeld => "agentid trail AGENT shows who holds it and why; agentid hold lift --help",
        Refusal.CallerUnknown => "The registry does not know this key: give a registered one with --key FILE, or have an operator register it.",
        Refusal.NotPermitted => "Another role is needed: give its key with --key FILE.",
        Refusal.ProofRequestMismatch or Refusal.ProofInvalid => "Is --public-url exactly what the server was started with?",
        Refusal.ProofStale => "Is the clock of this machine right? Proofs are good for a minute.",
        Refusal.AgentUnknown => "agentid agents list shows the agents.",
        Refusal.EnvelopeMalformed or Refusal.EnvelopeTooWide => "agentid agents show AGENT shows what may be allowed at most.",
        Refusal.AudienceNotAllowed => "agentid agents show AGENT shows the audiences.",
        Refusal.TokenInvalid or Refusal.TokenExpired or Refusal.TokenUsedUp => "Have an operator make a new one: agentid token create --help",
        Refusal.KeyAlreadyEnrolled => "Enrol with the token of the first time, or under another --name, which makes another key.",
        Refusal.LoopbackUrl => "Start the server with a --public-url that others can reach, or with --dev for trying out.",
        Refusal.AgentFrozen or Refusal.AgentRevoked => "agentid agents show AGENT shows why. What the agent still did can be recorded.",
        Refusal.AlreadyRevoked => "Revoked is final: there is nothing left to stop.",
        Refusal.SequenceFork or Refusal.SequenceGap => "Another process records with this agent's key. Give each its own agent.",
        Refusal.NotIntegrated => "The next checkpoint will cover it: try again in a second.",
        Refusal.EntryUnknown => "The log is shorter, or no such token was created: agentid trail AGENT shows the entries about an agent, agentid token list --all the enrolment tokens.",
        Refusal.Overloaded or Refusal.QuotaExceeded => "Try again later.",
        Refusal.RolledBack => "Its data folder is older than what it had signed: its operators restore the newest one, or run the recovery.",
        Refusal.RegistryHalted or Refusal.StorageFull => "The server's log says what happened.",
        _ => null,
    };
}
