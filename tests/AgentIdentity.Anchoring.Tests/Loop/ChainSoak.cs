using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;
using AgentIdentity.Anchoring.Ethereum;
using AgentIdentity.Anchoring.Tests.Contract;
using AgentIdentity.Anchoring.Tests.Node;
using AgentIdentity.Ledger;
using Xunit.Abstractions;

namespace AgentIdentity.Anchoring.Tests.Loop;

/// <summary>
/// A loop, and now and then a second one with its key, at a real node with faults of chance: tests/soak-chain SECONDS SEED. In the end the whole ledger is anchored, each size that is on the
/// chain is there once with the ledger's root, and nothing that was called final has gone.
/// </summary>
public sealed class ChainSoak(ITestOutputHelper output)
{
    private const string SecondsVariable = "AGENTIDENTITY_CHAIN_SOAK_SECONDS";
    private const string SeedVariable = "AGENTIDENTITY_CHAIN_SOAK_SEED";
    private const int SecondsUsual = 20;

    private static readonly TestTree Tree = new("leaf", 200_000);

    [SkippableFact]
    public async Task Random_faults_leave_one_anchor_for_each_size()
    {
        var (time, seed) = (TimeSpan.FromSeconds(Setting(SecondsVariable, SecondsUsual)), Setting(SeedVariable, Environment.TickCount & 0xFFFF));
        output.WriteLine($"{time.TotalSeconds} seconds with the seed {seed}");
        await using var world = await AnchoringWorld.OpenAsync(isConsistent: seed % 2 == 0);
        var run = new Run(world, new Random(seed));
        var begun = Stopwatch.GetTimestamp();
        do
            await run.RoundAsync();
        while (Stopwatch.GetElapsedTime(begun) < time);
        await run.SettleAsync();
        output.WriteLine(await run.JudgeAsync());
    }

    private static int Setting(string variable, int usual) => int.TryParse(Environment.GetEnvironmentVariable(variable), out var set) ? set : usual;

    /// <summary>One run: what is done to the loop, and what must hold in the end.</summary>
    private sealed class Run(AnchoringWorld world, Random random)
    {
        private static readonly string[] Words = ["already known", "replacement transaction underpriced", "nonce too low", "max fee per gas less than block base fee", "the node is busy"];

        private readonly TestLedger _ledger = new(Tree, 100);
        private readonly Dictionary<ulong, AnchoredCheckpoint> _final = [];
        private readonly Dictionary<string, int> _faults = [];
        private bool _isStarted;
        private AnchorLoop? _second;

        public async Task RoundAsync()
        {
            if (!_isStarted)
                Restart(isJournalLost: false);
            _ledger.GrowTo(Math.Min(_ledger.Size.Value + (ulong)random.Next(4), 200_000));
            if (random.Next(3) == 0)
                world.Loop.Demand();
            await FaultAsync();
            await StepAsync(world.Loop);
            if (_second is not null)
                await StepAsync(_second);
            await ChainAsync();
            world.Clock.Move(TimeSpan.FromSeconds(random.Next(60)));
        }

        /// <summary>Nothing goes wrong any more: the whole ledger becomes final.</summary>
        public async Task SettleAsync()
        {
            (world.Http.Instead, world.Http.After, _second) = (null, null, null);
            await world.Node.SetBalanceAsync(world.Sequencer, 1_000_000_000_000_000_000);
            await world.SetNextBaseFeeAsync(gwei: 1);
            await world.Node.MineUntilAsync($"all {_ledger.Size} entries are final", async () =>
            {
                world.Loop.Demand();
                await StepAsync(world.Loop);
                world.Clock.Move(TimeSpan.FromMinutes(1));
                return world.Loop.Status is { State: AnchorState.Final } && world.Loop.Status.Anchored == _ledger.Size;
            });
        }

        public async Task<string> JudgeAsync()
        {
            var newest = await world.Node.Chain.BlockAsync(BlockTag.Latest, CancellationToken.None);
            var anchors = await OnTheChainAsync(await world.Contract.AnchorsAsync(Deployed.Log, size: null, 0, newest!.Number, CancellationToken.None));
            Assert.Equal([], anchors.Zip(anchors.Skip(1)).Where(pair => pair.First.Size.Value >= pair.Second.Size.Value));
            Assert.All(anchors, anchor => Assert.Equal(Tree.Root(anchor.Size.Value), anchor.Root));
            Assert.Equal(_ledger.Size, anchors[^1].Size);
            Assert.All(_final.Values, final => Assert.Contains((final.Size, final.Root, final.Transaction), anchors.Select(anchor => (anchor.Size, anchor.Root, anchor.Transaction))));
            return $"{anchors.Count} anchors of {_ledger.Size} entries in {newest.Number} blocks, {_final.Count} seen final; {string.Join(", ", _faults.OrderBy(pair => pair.Key).Select(pair => $"{pair.Value} × {pair.Key}"))}";
        }

        // When it is reorganised while it makes a block, the node goes on telling of the block that it has taken back, and even stands later ones on it. A transaction in it that was included again has another block in its
        // receipt. One that was replaced still has this one: but of two with one nonce a chain has one, and it is the later.
        private async Task<IReadOnlyList<AnchoredCheckpoint>> OnTheChainAsync(IReadOnlyList<AnchoredCheckpoint> told)
        {
            var byNonce = new SortedDictionary<ulong, AnchoredCheckpoint>();
            foreach (var anchor in told)
            {
                if ((await world.Node.Chain.ReceiptAsync(anchor.Transaction, CancellationToken.None))?.BlockHash == anchor.BlockHash)
                    byNonce[(await world.Node.ControlAsync("eth_getTransactionByHash", anchor.Transaction.ToString())).Member("nonce").Number()] = anchor;
            }
            _faults["taken back and still told"] = told.Count - byNonce.Count;
            return [.. byNonce.Values];
        }

        private async Task StepAsync(AnchorLoop loop)
        {
            try
            {
                var status = await loop.StepAsync(CancellationToken.None);
                if (status.LastFinal is { } final)
                    _final[final.Size.Value] = final;
                // Nobody may ever be needed for anything that happens here.
                Assert.Null(status.Contradiction);
                Assert.True(status.State != AnchorState.NeedsOperator, status.Reason);
            }
            catch (InvalidOperationException)
            {
                Restart(isJournalLost: random.Next(4) == 0);
            }
            (world.Http.Instead, world.Http.After) = (null, null);
        }

        private void Restart(bool isJournalLost)
        {
            _isStarted = true;
            world.Restart(isJournalLost, _ledger);
        }

        /// <summary>What goes wrong with one of the next calls.</summary>
        private async Task FaultAsync()
        {
            var (kind, call, words) = (random.Next(9), random.Next(25), Words[random.Next(Words.Length)]);
            switch (kind)
            {
                case 0: Count("request lost"); Before(call, _ => throw new HttpRequestException("lost")); break;
                case 1: Count("answer lost"); After(call, () => throw new HttpRequestException("lost")); break;
                case 2: Count("crash before a call"); Before(call, _ => throw new InvalidOperationException("crash")); break;
                case 3: Count("crash after a call"); After(call, () => throw new InvalidOperationException("crash")); break;
                case 4: Count("HTTP 429"); Before(call, _ => ScriptedHttp.Body("{}", HttpStatusCode.TooManyRequests)); break;
                case 5: Count("no JSON"); Before(call, _ => ScriptedHttp.Body("<html>")); break;
                case 6: Count("refusal of a transaction"); world.Refuse("eth_sendRawTransaction", words, times: 1); break;
                case 7: Count("second process"); _second = _second is null ? world.OpenAnother(new TestJournal(), _ledger) : null; break;
                default: Count("restart"); await StepAsync(world.Loop); Restart(isJournalLost: false); break;
            }
        }

        /// <summary>What becomes of the chain.</summary>
        private async Task ChainAsync()
        {
            switch (random.Next(10))
            {
                case 0: Count("blocks by hand"); await world.Node.MineByHandAsync(); break;
                case 1: await world.Node.ControlAsync("evm_setAutomine", true); break;
                case 2: Count("reorganisation"); await world.Node.ControlAsync("anvil_reorg", 1, new JsonArray()); break;
                case 3: Count("pool emptied"); await world.Node.ControlAsync("anvil_dropAllTransactions"); break;
                case 4: Count("base fee"); await world.SetNextBaseFeeAsync((ulong)random.Next(1, 150)); break;
                case 5: Count("balance"); await world.Node.SetBalanceAsync(world.Sequencer, random.Next(2) == 0 ? UInt128.Zero : 1_000_000_000_000_000_000); break;
                default: await world.Node.MineAsync(random.Next(1, 4)); break;
            }
        }

        private void Before(int call, Func<JsonObject, HttpResponseMessage> answer) => world.Http.Instead = (_, request) => call-- == 0 ? answer(request) : null;

        private void After(int call, Action lose) => world.Http.After = (_, answer) =>
        {
            if (call-- == 0)
                lose();
            return answer;
        };

        private void Count(string fault) => _faults[fault] = _faults.GetValueOrDefault(fault) + 1;
    }
}
