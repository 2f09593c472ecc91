using System.CommandLine;
using System.Text.Json.Nodes;
using AgentIdentity.Cli.Home;

namespace AgentIdentity.Cli.Verbs;

/// <summary>Makes what https://localhost takes: files for the server, and one for whoever shall trust it. No store of the system is touched.</summary>
internal static class DevCertVerb
{
    private static readonly Argument<string> Folder = new("folder") { Description = "Where the files go. A folder that has them already is left as it is." };

    public static Command Create() =>
        new Command("dev-cert", "Make a certificate for localhost, 127.0.0.1 and ::1, and the authority to trust for it. For trying things out on one machine.") { Folder }.Does(RunAsync);

    private static Task<int> RunAsync(Invocation run, CancellationToken cancellationToken)
    {
        var folder = Path.GetFullPath(run.Get(Folder));
        var (authority, server, key) = (Path.Combine(folder, "ca.pem"), Path.Combine(folder, "server.pem"), Path.Combine(folder, "server.key"));
        if (File.Exists(authority) || File.Exists(server) || File.Exists(key))
            throw Failure.Usage($"There is a certificate in {folder} already.", "Delete its three files, and tell everybody to trust the new ca.pem.");
        // One that is there stays as it is: it may be /tmp, or what a web server reads. The files are for their owner alone anyway.
        if (!Directory.Exists(folder))
            PrivateFiles.MakeFolder(folder);
        var made = DevCertificate.Create(run.Clock.GetUtcNow());
        PrivateFiles.WriteNew(key, made.Key);
        PrivateFiles.WriteNew(server, System.Text.Encoding.ASCII.GetBytes(made.Server));
        PrivateFiles.WriteNew(authority, System.Text.Encoding.ASCII.GetBytes(made.Authority));
        run.Answer(new JsonObject { ["authority"] = authority, ["certificate"] = server, ["key"] = key }, text =>
        {
            text.WriteLine($"server   --tls-cert {server} --tls-key {key}");
            text.WriteLine($"agentid  {GlobalOptions.Ca} {authority}");
            text.WriteLine($"curl     --cacert {authority}");
            text.WriteLine($"node     NODE_EXTRA_CA_CERTS={authority}");
            text.WriteLine($"python   SSL_CERT_FILE={authority}");
        });
        return Task.FromResult(ExitCode.Fine);
    }
}
