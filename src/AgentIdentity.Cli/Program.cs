using AgentIdentity.Cli;

return await CommandLine.RunAsync(args, Terminal.OfProcess(), CancellationToken.None);
