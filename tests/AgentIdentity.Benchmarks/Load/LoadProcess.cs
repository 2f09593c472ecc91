using System.Diagnostics;
using System.Globalization;
using System.Net;
using AgentIdentity.Benchmarks.Questions;
using AgentIdentity.Tests.Wire;

namespace AgentIdentity.Benchmarks.Load;

/// <summary>Starts the interop host, the registry and the load, each as a process, and ends them.</summary>
internal static class LoadProcess
{
    public const string Verb = "load";

    // One caller asks for everything here, which the quotas are there to stop.
    private static readonly string[] NoQuota = ["--quota-per-key", "1000000", "--quota-per-address", "1000000"];

    public static async Task<int> RunAsync(IReadOnlyList<string> names, TimeSpan window, int rounds)
    {
        if (names.FirstOrDefault(name => name != ControlQuestion.Name && !CallQuestion.Names.Contains(name)) is { } unknown)
        {
            Console.Error.WriteLine($"There is no question {unknown}: --help names them all.");
            return 2;
        }
        var isTls = names.Contains(CallQuestion.ByCertificate);
        if (isTls && names.Count > 1)
        {
            Console.Error.WriteLine($"{CallQuestion.ByCertificate} runs alone: all its servers speak TLS.");
            return 2;
        }
        var folder = Directory.CreateTempSubdirectory("agentidentity-bench-");
        var tls = Directory.CreateTempSubdirectory("agentidentity-bench-tls-");
        try
        {
            var (certificate, key) = (Path.Combine(tls.FullName, "tls-cert.pem"), Path.Combine(tls.FullName, "tls-key.pem"));
            SelfSigned.Write(certificate, key);
            await using var echo = await ServerProcess.StartAsync("AgentIdentity.InteropHost.dll", isTls ? ["--tls-port", "0", "--cert", certificate, "--key", key] : ["--port", "0"]);
            await using var registry = await ServerProcess.StartRegistryAsync(folder.FullName, isTls ? [.. NoQuota, "--tls-cert", certificate, "--tls-key", key] : NoQuota);
            string[] target =
            [
                Text(echo.Address(isTls ? "tls-port" : "port")), Text(echo.Id), Text(registry.Address("grpc")), Text(registry.Address("control")), Text(registry.Id), folder.FullName,
                Text(window.TotalSeconds), Text(rounds), .. names,
            ];
            using var load = Process.Start(Environment.ProcessPath!, [Verb, .. target]);
            await load.WaitForExitAsync();
            if (load.ExitCode != 0)
                Console.Error.WriteLine(registry.Errors);
            return load.ExitCode;
        }
        finally
        {
            folder.Delete(recursive: true);
            tls.Delete(recursive: true);
        }
    }

    public static async Task<int> LoadAsync(string[] target)
    {
        var servers = new Servers(
            IPEndPoint.Parse(target[0]), Number(target[1]), IPEndPoint.Parse(target[2]), IPEndPoint.Parse(target[3]), Number(target[4]), target[5]);
        var (window, rounds) = (TimeSpan.FromSeconds(double.Parse(target[6], CultureInfo.InvariantCulture)), Number(target[7]));
        await (target[8..] is [ControlQuestion.Name] ? ControlQuestion.AnswerAsync(servers, window, rounds) : CallQuestion.AnswerAsync(servers, window, rounds, target[8..]));
        return 0;
    }

    private static string Text(object value) => Convert.ToString(value, CultureInfo.InvariantCulture)!;

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}

/// <summary>What the load is aimed at.</summary>
internal sealed record Servers(IPEndPoint Echo, int EchoId, IPEndPoint Grpc, IPEndPoint Control, int RegistryId, string Folder);
