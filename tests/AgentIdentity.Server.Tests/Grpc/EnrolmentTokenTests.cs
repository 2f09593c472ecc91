using System.Text;
using AgentIdentity.Client;
using AgentIdentity.Credentials;
using AgentIdentity.Credentials.Entries;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Credentials.Keys;
using AgentIdentity.Ledger;
using AgentIdentity.Protocol.V1;
using AgentIdentity.Server.Tests.Fixtures;
using Google.Protobuf;
using Grpc.Core;

namespace AgentIdentity.Server.Tests.Grpc;

/// <summary>Enrolment tokens over the wire: listed without their secret, withdrawn by their id or by what was found.</summary>
public sealed class EnrolmentTokenTests : IAsyncLifetime
{
    private const string Why = "it was in a public file";

    private TestRegistry _registry = null!;

    public async Task InitializeAsync() => _registry = await TestRegistry.StartAsync();

    public async Task DisposeAsync() => await _registry.DisposeAsync();

    [Fact]
    public async Task Operators_and_auditors_list_tokens_without_their_secret_and_the_look_is_on_the_record()
    {
        var text = await _registry.CreateTokenAsync(uses: 3);
        using var agent = PrivateKey.Generate(KeyAlgorithm.ES256);
        await EnrolAsync(text, agent);
        using var auditor = _registry.Connect(await _registry.RegisterAsync(Role.Auditor, "auditor"));
        var before = _registry.Host.Registry.State.Position;

        var listed = await auditor.Admin.ListEnrolmentTokensAsync(new ListEnrolmentTokensRequest());

        Assert.Equal([EntryKind.PrivateDataRead], _registry.WrittenSince(before));
        var token = Assert.Single(listed.Tokens);
        Assert.Equal((TokenState.TokenOpen, 3u, 1u, "first operator", TestRegistry.Sponsor), (token.State, token.Uses, token.UsesMade, token.CreatedByName, token.Sponsor));
        Assert.Equal(HashOf(text), token.TokenHash);
        Assert.DoesNotContain(text, listed.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(text["aie_".Length..], listed.ToString(), StringComparison.Ordinal);
        await Refused.BecauseAsync(
            Refusal.NotPermitted, StatusCode.PermissionDenied, auditor.Admin.WithdrawEnrolmentTokenAsync(new WithdrawEnrolmentTokenRequest { TokenId = token.TokenId, Reason = Why }));
    }

    [Fact]
    public async Task A_list_is_turned_page_by_page_and_narrowed()
    {
        string[] texts = [await _registry.CreateTokenAsync(), await _registry.CreateTokenAsync(), await _registry.CreateTokenAsync(sponsor: "Sales desk")];
        var admin = _registry.AsOperator.Admin;
        var first = await admin.ListEnrolmentTokensAsync(new ListEnrolmentTokensRequest { PageSize = 2 });
        var second = await admin.ListEnrolmentTokensAsync(new ListEnrolmentTokensRequest { PageSize = 2, PageToken = first.NextPageToken });
        Assert.Equal(texts.Select(HashOf), first.Tokens.Concat(second.Tokens).Select(token => token.TokenHash));
        Assert.Equal("", second.NextPageToken);
        Assert.Equal([HashOf(texts[2])], (await admin.ListEnrolmentTokensAsync(new ListEnrolmentTokensRequest { Sponsor = "Sales desk" })).Tokens.Select(token => token.TokenHash));
        await Refused.BecauseAsync(Refusal.MessageMalformed, StatusCode.InvalidArgument, admin.ListEnrolmentTokensAsync(new ListEnrolmentTokensRequest { PageSize = 1001 }));
        await Refused.BecauseAsync(Refusal.MessageMalformed, StatusCode.InvalidArgument, admin.ListEnrolmentTokensAsync(new ListEnrolmentTokensRequest { PageToken = "x" }));
    }

    [Fact]
    public async Task A_token_that_was_found_is_withdrawn_by_its_hash_and_again_by_its_id_with_one_answer()
    {
        var text = await _registry.CreateTokenAsync(uses: 3);
        using var agent = PrivateKey.Generate(KeyAlgorithm.ES256);
        var enrolled = await EnrolAsync(text, agent);
        var admin = _registry.AsOperator.Admin;

        var first = (await admin.WithdrawEnrolmentTokenAsync(new WithdrawEnrolmentTokenRequest { TokenHash = HashOf(text), Reason = Why })).Token;
        var again = (await admin.WithdrawEnrolmentTokenAsync(new WithdrawEnrolmentTokenRequest { TokenId = first.TokenId, Reason = "once more" })).Token;

        Assert.Equal((TokenState.TokenWithdrawn, 1u, Why, "first operator"), (first.State, first.UsesMade, first.Withdrawal.Reason, first.Withdrawal.WithdrawnByName));
        Assert.Equal(first, again);
        using var newcomer = PrivateKey.Generate(KeyAlgorithm.ES256);
        var refused = await Assert.ThrowsAsync<RegistryRefusedException>(() => EnrolAsync(text, newcomer));
        Assert.Equal(Refusal.TokenExpired.Name(), refused.Reason);
        Assert.Equal(enrolled.Did, (await EnrolAsync(text, agent)).Did);
        Assert.Empty((await admin.ListEnrolmentTokensAsync(new ListEnrolmentTokensRequest())).Tokens);
        Assert.Equal([first], (await admin.ListEnrolmentTokensAsync(new ListEnrolmentTokensRequest { WithClosed = true })).Tokens);
        var listed = await _registry.AsOperator.Registry.ListAgentsAsync(new ListAgentsRequest { TokenId = first.TokenId });
        Assert.Equal([enrolled.Did], listed.Agents.Select(one => one.Did));
        Assert.Equal((uint)EntryKind.TokenWithdrawn, (await _registry.AsOperator.Ledger.ListEntriesAsync(new ListEntriesRequest { FromIndex = first.Withdrawal.LedgerIndex })).Entries[0].Kind);
    }

    [Fact]
    public async Task What_names_no_token_is_refused_by_name()
    {
        var admin = _registry.AsOperator.Admin;
        var none = SubjectId.New(TimeProvider.System.GetUtcNow()).ToArray();
        await Refused.BecauseAsync(Refusal.EntryUnknown, StatusCode.NotFound, admin.WithdrawEnrolmentTokenAsync(new WithdrawEnrolmentTokenRequest { TokenId = ByteString.CopyFrom(none), Reason = Why }));
        await Refused.BecauseAsync(Refusal.EntryUnknown, StatusCode.NotFound, admin.WithdrawEnrolmentTokenAsync(new WithdrawEnrolmentTokenRequest { TokenHash = HashOf("aie_x"), Reason = Why }));
        await Refused.BecauseAsync(Refusal.MessageMalformed, StatusCode.InvalidArgument, admin.WithdrawEnrolmentTokenAsync(new WithdrawEnrolmentTokenRequest { Reason = Why }));
        await Refused.BecauseAsync(Refusal.MessageMalformed, StatusCode.InvalidArgument, admin.WithdrawEnrolmentTokenAsync(new WithdrawEnrolmentTokenRequest { TokenId = HashOf("x"), Reason = Why }));
        await Refused.BecauseAsync(Refusal.MessageMalformed, StatusCode.InvalidArgument, _registry.AsOperator.Registry.ListAgentsAsync(new ListAgentsRequest { TokenId = HashOf("x") }));
        await _registry.CreateTokenAsync();
        var token = Assert.Single((await admin.ListEnrolmentTokensAsync(new ListEnrolmentTokensRequest())).Tokens);
        await Refused.BecauseAsync(Refusal.ReasonMissing, StatusCode.InvalidArgument, admin.WithdrawEnrolmentTokenAsync(new WithdrawEnrolmentTokenRequest { TokenId = token.TokenId }));
    }

    private async Task<EnrolledAgent> EnrolAsync(string token, PrivateKey key)
    {
        using var connection = _registry.Connect();
        return await AgentEnrolment.EnrollAsync(connection, token, key);
    }

    private static ByteString HashOf(string text) => ByteString.CopyFrom(Sha256.Hash(Encoding.UTF8.GetBytes(text)).ToArray());
}
