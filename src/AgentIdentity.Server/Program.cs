using AgentIdentity.Registry.Keys;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.State;
using AgentIdentity.Server.Hosting;
using AgentIdentity.Server.Options;

if (CommandLine.AsksForHelp(args))
{
    Console.Out.Write(CommandLine.Help());
    return ExitCodes.Done;
}

try
{
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
catch (Exception refused) when (refused is StoreRefusedException or LedgerDamagedException or KeysRefusedException or IOException)
{
    // A listener whose address is taken is an IOException, and its message names the address.
    Console.Error.WriteLine(refused.Message);
    return ExitCodes.Refused;
}
