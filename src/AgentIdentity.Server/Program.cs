using System.Net.Sockets;
using AgentIdentity.Registry.Keys;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;
using AgentIdentity.Server.Hosting;
using AgentIdentity.Server.Maintenance;
using AgentIdentity.Server.Options;

if (CommandLine.AsksForHelp(args))
{
    Console.Out.Write(CommandLine.Help());
    return ExitCodes.Done;
}

Verb? verb = null;
try
{
    verb = Verb.Find(args);
    if (verb is not null)
        return await verb.RunAsync(new VerbRun(new VerbArguments(verb, args.Skip(1), Environment.GetEnvironmentVariable), Console.Out, Console.Error, TimeProvider.System));
    var options = CommandLine.Read(args, Environment.GetEnvironmentVariable);
    using var loggers = Logging.ToStandardError();
    await using var server = await ServerHost.StartAsync(options, loggers, TimeProvider.System);
    Console.Out.WriteLine(server.ReadyLine);
    return await server.RunAsync();
}
catch (OptionsRefusedException refused)
{
    Console.Error.WriteLine(refused.Message);
    return ExitCodes.Usage;
}
catch (Exception refused) when (refused is StoreRefusedException or StoreFullException or LedgerDamagedException or KeysRefusedException
    or IOException or UnauthorizedAccessException or PlatformNotSupportedException)
{
    // A listener whose address is taken is an IOException, and its message names the address.
    Console.Error.WriteLine(verb is null && refused is LedgerDamagedException ? $"{refused.Message} The fsck command lists all that is damaged; docs/operations.md says how to restore a backup." : refused.Message);
    return verb is null ? ExitCodes.Refused : ExitCodes.NotDone;
}
catch (SocketException refused)
{
    Console.Error.WriteLine($"A listener cannot be opened ({refused.Message}): choose addresses of this machine with --grpc, --http, --control and --console.");
    return ExitCodes.Refused;
}
