using System.CommandLine;
using AgentIdentity.Anchoring.Ethereum;

namespace AgentIdentity.Cli.Chains;

/// <summary>An account on the chain, as the options name it: with its key, or, to see what would come of a transaction, by its address alone.</summary>
internal sealed class ContractAccess : IDisposable
{
    private const ulong WeiOfGwei = 1_000_000_000;

    private static readonly Option<string> Node = new("--chain") { Required = true, HelpName = "URL", Description = "A node of the chain." };
    private static readonly Option<ulong> Id = new("--chain-id") { Required = true, HelpName = "NUMBER", Description = "The chain that is meant." };
    private static readonly Option<string?> Key = new("--chain-key") { HelpName = "FILE", Description = "The key that signs and pays: 64 hexadecimal digits, mode 0600." };
    private static readonly Option<bool> DryRun = new("--dry-run") { Description = "Show the call, and whether the contract would take it. Nothing is signed or sent." };
    private static readonly Option<string?> Account = new("--account") { HelpName = "0x…", Description = "With --dry-run, instead of the key: whose call it would be, such as that of a contract of several people." };
    private static readonly Option<ulong> MaxFee = new("--max-fee") { HelpName = "GWEI", Description = "The most that is paid for each unit of gas.", DefaultValueFactory = _ => 100 };

    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, UseCookies = false });
    private readonly KeyFileSigner? _key;

    private ContractAccess(Invocation run, Uri node, KeyFileSigner? key)
    {
        (_key, IsDry, ChainId) = (key, run.Get(DryRun), run.Get(Id));
        ISigner signer = IsDry || key is null ? new Onlooker(key?.Address ?? AddressIn(Account, run.Find(Account))) : key;
        Chain = new JsonRpcChain(_http, node);
        Sender = new ChainAccount(Chain, signer, ChainId, FeeLimits.Default with { MaxFeeWei = (UInt128)run.Get(MaxFee) * WeiOfGwei }, run.Clock)
        {
            // On standard error, so that what scripts read stays one answer.
            Sending = signed => run.Error.WriteLine($"sending {signed.Hash}{(signed.Creates is { } contract ? $", which creates the contract {contract}" : "")}"),
        };
    }

    public static Option[] Options { get; } = [Node, Id, Key, DryRun, Account, MaxFee];

    public ulong ChainId { get; }

    public bool IsDry { get; }

    public IChain Chain { get; }

    public ChainAccount Sender { get; }

    /// <summary>Reads the options; nothing is sent yet.</summary>
    public static ContractAccess Open(Invocation run)
    {
        var node = HttpUrl.ReadNode(Node.Name, run.Get(Node));
        if (run.Find(Account) is not null && (run.Find(Key) is not null || !run.Get(DryRun)))
            throw Failure.Usage("--account stands in for --chain-key, and with --dry-run alone: nobody signs for an address.");
        if (run.Find(Account) is null && run.Find(Key) is null)
            throw Failure.Usage("--chain-key names the key that signs and pays.", "To see what would come of it without one: --dry-run --account 0x…");
        return new ContractAccess(run, node, run.Find(Key) is { } file ? KeyFileSigner.Open(file) : null);
    }

    /// <summary>The contract that an option names, once its code was read.</summary>
    public async Task<Address> ContractAsync(Address address, CancellationToken cancellation) =>
        await new AnchorContract(Chain, address).FindObstacleAsync(cancellation) is { } obstacle ? throw Failure.Refused(obstacle) : address;

    /// <summary>The address that an option was given.</summary>
    public static Address AddressIn(Option<string?> option, string? text) =>
        Address.TryParse(text, out var address) ? address : throw Failure.Usage($"{option.Name} takes an address (0x and 40 hexadecimal digits, with the checksum if in mixed case), and '{text}' is none.");

    public void Dispose()
    {
        _key?.Dispose();
        _http.Dispose();
    }

    /// <summary>Signs nothing.</summary>
    private sealed class Onlooker(Address address) : ISigner
    {
        public Address Address => address;

        public Task<SignedTransaction> SignAsync(Transaction transaction, CancellationToken cancellation) => throw new SigningException("Nothing is signed in a dry run.");
    }
}
