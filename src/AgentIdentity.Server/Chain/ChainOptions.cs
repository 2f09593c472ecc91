using AgentIdentity.Anchoring.Ethereum;
using AgentIdentity.Server.Options;

namespace AgentIdentity.Server.Chain;

/// <summary>What the server was told of the chain; nothing is anchored unless it was told all that is needed.</summary>
internal sealed record ChainOptions
{
    public Uri? Url { get; init; }

    /// <summary>A second node, which must agree before an anchor is called final.</summary>
    public Uri? CheckUrl { get; init; }

    public ulong? Id { get; init; }

    public Address? Contract { get; init; }

    public string? KeyFile { get; init; }

    public Uri? Signer { get; init; }

    /// <summary>The account that the remote signer signs for.</summary>
    public Address? Account { get; init; }

    public TimeSpan Interval { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>An anchor is due as soon as the ledger has grown by so many entries.</summary>
    public ulong Growth { get; init; } = 100_000;

    public TimeSpan BlockTime { get; init; } = TimeSpan.FromSeconds(12);

    public ulong MaxFeeGwei { get; init; } = 100;

    public bool AfterStop { get; init; }

    /// <exception cref="OptionsRefusedException">What was asked for is not all that is needed.</exception>
    public void Require()
    {
        if (Url is null)
            Require(this == new ChainOptions(), "--chain-… says how to anchor, and --chain where: give --chain URL as well.");
        else
            RequireAll();
    }

    /// <summary>Opens the key file.</summary>
    /// <exception cref="OptionsRefusedException">It cannot be used.</exception>
    public KeyFileSigner OpenKey()
    {
        try
        {
            return KeyFileSigner.Open(KeyFile!);
        }
        catch (SigningException refused)
        {
            throw new OptionsRefusedException(refused.Message);
        }
    }

    private void RequireAll()
    {
        Require(Id is not null && Contract is not null, "--chain needs --chain-id and --chain-contract: a node is not asked which chain is meant.");
        Require(KeyFile is null != Signer is null, "--chain needs either --chain-key FILE or --chain-signer URL.");
        Require(Signer is null == Account is null, "--chain-signer and --chain-account go together: the signer's answers are held against the account.");
        // Now, so that a start that cannot anchor as it was told leaves no data folder behind.
        if (KeyFile is not null)
            OpenKey().Dispose();
    }

    private static void Require(bool isSo, string otherwise)
    {
        if (!isSo)
            throw new OptionsRefusedException(otherwise);
    }
}
