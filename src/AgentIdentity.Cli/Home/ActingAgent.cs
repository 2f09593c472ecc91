using AgentIdentity.Client;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Protocol.V1;
using AgentState = AgentIdentity.Client.AgentState;

namespace AgentIdentity.Cli.Home;

/// <summary>An agent of the home folder while it acts: its key, its state and a connection that its key signs.</summary>
internal sealed class ActingAgent : IDisposable
{
    private readonly Invocation _run;

    public ActingAgent(Invocation run, string name)
    {
        _run = run;
        Folder = run.Home.Agent(name);
        State = Folder.ReadState();
        if (State.PublicUrl != run.Registry.PublicUrl)
            throw Failure.Usage($"The agent '{name}' belongs to {State.PublicUrl}, and this call is for {run.Registry.PublicUrl}.", $"Add {GlobalOptions.PublicUrl} {State.PublicUrl}");
        Key = Folder.ReadKey();
        Connection = run.Connect(Key);
    }

    public AgentFolder Folder { get; }

    public AgentState State { get; }

    public PrivateKey Key { get; }

    public RegistryConnection Connection { get; }

    /// <summary>The credential that was kept, or a fresh one once that is over.</summary>
    public async ValueTask<string> CredentialAsync(CancellationToken cancellationToken) =>
        Folder.FindCredential(_run.Clock.GetUtcNow()) ?? (await IssueAsync(new IssueRequest(), cancellationToken)).Token;

    /// <summary>The credential that was given, or else the one that was kept.</summary>
    public CredentialSource Shows(string? credential) => credential is null ? CredentialAsync : _ => new ValueTask<string>(credential);

    public async Task<HeldCredential> IssueAsync(IssueRequest request, CancellationToken cancellationToken)
    {
        var answer = await Connection.Credentials.IssueAsync(request, cancellationToken: cancellationToken);
        var credential = HeldCredential.From(answer.Credential);
        Invocation.Keep(() => Folder.WriteCredential(credential));
        return credential;
    }

    public void Dispose()
    {
        Connection.Dispose();
        Key.Dispose();
    }
}
