using System.CommandLine;
using System.Text.Json.Nodes;
using AgentIdentity.Cli.Home;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Protocol.V1;
using Grpc.Core;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Fetches the containment certificate of an incident: how far its stops have come, with the evidence, as a file that anyone checks offline.</summary>
internal static class CertificateVerb
{
    private static readonly Argument<string> What = new("incident") { Description = "An incident, or a stop by its entry." };
    private static readonly Option<string> Out = new("--out") { HelpName = "FILE", Description = "The file, which agentid audit checks offline.", Required = true };

    public static Command Create() => new Command("certificate", "Write how far the stops of an incident have come to a file that proves it. Reading is on the record.") { What, Out }.Does(RunAsync);

    private static async Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        var path = Path.GetFullPath(run.Get(Out));
        var bytes = 0L;
        using var key = run.Signer(CallerRole.Operator, CallerRole.Auditor);
        using var connection = run.Connect(key);
        // It gets its name when it is whole; it holds private entries, and is for its owner alone.
        await PrivateFiles.ReplaceAsync(path, async stream =>
        {
            using var call = connection.Control.ExportCertificate(PropagationVerb.Request(run.Get(What)), cancellationToken: cancellationToken);
            await foreach (var piece in call.ResponseStream.ReadAllAsync(cancellationToken))
            {
                await stream.WriteAsync(piece.Piece.Memory, cancellationToken);
                bytes += piece.Piece.Length;
            }
        });
        var json = new JsonObject { ["file"] = path, ["bytes"] = bytes };
        run.Answer(json, text => text.WriteLine($"{path}: {bytes:N0} bytes. What it proves says, anywhere: agentid audit {path} --log-key VKEY"));
        return ExitCode.Fine;
    }
}
