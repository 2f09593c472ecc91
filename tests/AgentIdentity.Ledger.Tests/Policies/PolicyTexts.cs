using System.Text;
using AgentIdentity.Ledger.Tests.Notes;
using Xunit.Abstractions;

namespace AgentIdentity.Ledger.Tests.Policies;

public sealed class PolicyTexts(ITestOutputHelper output)
{
    private static readonly string Log = SignedNotes.Signer("localhost:5000", 1).Verifier.ToString();
    private static readonly string[] W = [.. Enumerable.Range(0, 40).Select(i => Cosignatures.Witness($"witness.example/{i}", 100 + i).Verifier.ToString())];
    private static readonly string PlainKey = SignedNotes.Signer("w", 2).Verifier.ToString();

    // The shape of the specification's example.
    private static readonly string Example =
        $"log {Log}\n\n# Two operators.\nwitness X1 {W[0]}\nwitness X2 {W[1]}  https://x2.example/\n\twitness\tX3  {W[2]} \ngroup X-witnesses 2 X1 X2 X3\n\n"
        + $"witness Y1 {W[3]}\nwitness Y2 {W[4]}\nwitness Y3 {W[5]}\ngroup Y-witnesses any Y1 Y2 Y3\n\ngroup X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n";

    [Fact]
    public void A_policy_is_read_line_by_line()
    {
        var policy = Parse(Example);
        Assert.Equal("localhost:5000", policy.Logs.Single().Key?.Name);
        Assert.Equal(["X1", "X2", "X3", "Y1", "Y2", "Y3"], policy.Witnesses.Select(witness => witness.Name));
        Assert.Equal(W[..6], policy.Witnesses.Select(witness => witness.Vkey));
        Assert.Equal([null, "https://x2.example/", null, null, null, null], policy.Witnesses.Select(witness => witness.Url));
        Assert.Equal([("X-witnesses", 2), ("Y-witnesses", 1), ("X-and-Y", 2)], policy.Groups.Select(group => (group.Name, group.Threshold)));
        Assert.Equal("X-and-Y", policy.Quorum);
    }

    [Theory]
    [InlineData("X1 X2 Y1", true)]
    [InlineData("X1 X3 Y3", true)]
    [InlineData("X1 X2 X3 Y1 Y2 Y3", true)]
    [InlineData("X1 Y1 Y2 Y3", false)]
    [InlineData("X1 X2 X3", false)]
    [InlineData("X1 X1 Y1", false)]
    [InlineData("X-witnesses Y-witnesses", false)]
    [InlineData("X-and-Y", false)]
    [InlineData("stranger", false)]
    [InlineData("", false)]
    public void A_quorum_is_counted_from_witnesses_through_groups(string witnesses, bool isQuorum) =>
        Assert.Equal(isQuorum, Parse(Example).IsQuorum(witnesses.Split(' ')));

    [Fact]
    public void The_quorum_of_none_is_always_met_and_that_of_one_witness_by_this_one()
    {
        Assert.True(Parse("quorum none\n").IsQuorum());
        var one = Parse($"witness a {W[0]}\nwitness b {W[1]}\nquorum b\n");
        Assert.True(one.IsQuorum("b"));
        Assert.False(one.IsQuorum("a"));
    }

    [Fact]
    public void As_many_logs_witnesses_and_groups_as_are_promised_are_read()
    {
        var text = new StringBuilder();
        for (var i = 0; i < 40; i++)
            text.Append($"log {SignedNotes.Signer($"log{i}", 200 + i).Verifier}\nwitness w{i} {W[i]}\ngroup g{i} any w{i}\n");
        text.Append($"group most 21 {string.Join(' ', Enumerable.Range(0, 40).Select(i => $"g{i}"))}\nquorum most\n");
        var policy = Parse(text.ToString());
        Assert.False(policy.IsQuorum(Enumerable.Range(0, 20).Select(i => $"w{i}")));
        Assert.True(policy.IsQuorum(Enumerable.Range(0, 21).Select(i => $"w{i}")));
    }

    [Fact]
    public void A_witness_whose_signatures_cannot_be_verified_here_is_kept_and_has_no_key()
    {
        var postQuantum = $"w.example+01020304+{Convert.ToBase64String([0x06, .. new byte[1312]])}";
        var policy = Parse($"witness pq {postQuantum}\nwitness b {W[0]}\ngroup either any pq b\nquorum either\n");
        Assert.Equal([null, policy.Witnesses[1].Key], policy.Witnesses.Select(witness => witness.Key));
        Assert.Equal(postQuantum, policy.Witnesses[0].Vkey);
    }

    [Fact]
    public void Names_are_bytes_and_those_that_are_no_text_stay_different()
    {
        byte[] text = [.. "witness "u8, 0xe9, .. Encoding.UTF8.GetBytes($" {W[0]}\nwitness é {W[1]}\nwitness "), 0xe8, .. Encoding.UTF8.GetBytes($" {W[2]}\nquorum é\n")];
        Assert.True(TlogPolicy.TryParse(text, out var policy, out _, out _));
        Assert.Equal(["\udce9", "é", "\udce8"], policy.Witnesses.Select(witness => witness.Name));
        Assert.Equal("é", policy.Quorum);

        // K and the Kelvin sign look alike.
        Assert.Equal(2, Parse($"witness K {W[0]}\nwitness \u212a {W[1]}\nquorum K\n").Witnesses.Count);
    }

    public static TheoryData<string, PolicyRefusal, int> Wrong => new()
    {
        { "", PolicyRefusal.NoQuorum, 0 },
        { "# nothing\n\n \t\n", PolicyRefusal.NoQuorum, 0 },
        { $"log {Log}\n", PolicyRefusal.NoQuorum, 0 },
        { "quorum none", PolicyRefusal.UnterminatedLine, 1 },
        { "\n\nquorum none\n# the end", PolicyRefusal.UnterminatedLine, 4 },
        { "quorum none\r\n", PolicyRefusal.NotText, 1 },
        { "quorum none\u007f\n", PolicyRefusal.NotText, 1 },
        { "# \0\n", PolicyRefusal.NotText, 1 },
        { "Quorum none\n", PolicyRefusal.UnknownLine, 1 },
        { "quorum\u00a0none\n", PolicyRefusal.UnknownLine, 1 },
        { "witnesses\n", PolicyRefusal.UnknownLine, 1 },
        { "quorum\n", PolicyRefusal.WrongWordCount, 1 },
        { "quorum none none\n", PolicyRefusal.WrongWordCount, 1 },
        { "log\n", PolicyRefusal.WrongWordCount, 1 },
        { $"log {Log} https://a b\n", PolicyRefusal.WrongWordCount, 1 },
        { "witness a\n", PolicyRefusal.WrongWordCount, 1 },
        { $"witness a {W[0]} https://a # no comment\n", PolicyRefusal.WrongWordCount, 1 },
        { $"witness a {W[0]}\ngroup g 1\n", PolicyRefusal.WrongWordCount, 2 },
        { "log example.com\n", PolicyRefusal.BadKey, 1 },
        { "log example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\n", PolicyRefusal.BadKey, 1 },
        { "witness a example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U0=\n", PolicyRefusal.BadKey, 1 },
        { $"witness a {PlainKey}\n", PolicyRefusal.WrongKeyType, 1 },
        { $"log {W[0]}\n", PolicyRefusal.WrongKeyType, 1 },
        { $"log {Log}\nlog {Log}\n", PolicyRefusal.DuplicateKey, 2 },
        { $"log {Log}\nlog {SignedNotes.Signer("other", 1).Verifier}\n", PolicyRefusal.DuplicateKey, 2 },
        { $"witness a {W[0]}\nwitness b {W[0]}\n", PolicyRefusal.DuplicateKey, 2 },
        { $"witness a {W[0]}\nwitness b {Cosignatures.Witness("other", 100).Verifier}\n", PolicyRefusal.DuplicateKey, 2 },
        { "witness a a+01020304+Bg==\nwitness b b+01020304+Bw==\n", PolicyRefusal.DuplicateKey, 2 },
        { $"witness a {W[0]}\nwitness a {W[1]}\n", PolicyRefusal.DuplicateName, 2 },
        { $"witness none {W[0]}\n", PolicyRefusal.DuplicateName, 1 },
        { $"witness a {W[0]}\ngroup a any a\n", PolicyRefusal.DuplicateName, 2 },
        { $"witness a {W[0]}\ngroup none any a\n", PolicyRefusal.DuplicateName, 2 },
        { $"witness a {W[0]}\ngroup g any b\n", PolicyRefusal.UnknownName, 2 },
        { $"witness a {W[0]}\ngroup g any g\n", PolicyRefusal.UnknownName, 2 },
        { $"witness a {W[0]}\ngroup g any a none\n", PolicyRefusal.UnknownName, 2 },
        { $"quorum a\nwitness a {W[0]}\n", PolicyRefusal.UnknownName, 1 },
        { $"group g any a\nwitness a {W[0]}\n", PolicyRefusal.UnknownName, 1 },
        { $"witness a {W[0]}\ngroup g any a a\n", PolicyRefusal.AlreadyMember, 2 },
        { $"witness a {W[0]}\ngroup g any a\ngroup h any g a\n", PolicyRefusal.AlreadyMember, 3 },
        { $"witness a {W[0]}\ngroup g 0 a\n", PolicyRefusal.WrongThreshold, 2 },
        { $"witness a {W[0]}\ngroup g 2 a\n", PolicyRefusal.WrongThreshold, 2 },
        { $"witness a {W[0]}\ngroup g 01 a\n", PolicyRefusal.WrongThreshold, 2 },
        { $"witness a {W[0]}\ngroup g +1 a\n", PolicyRefusal.WrongThreshold, 2 },
        { $"witness a {W[0]}\ngroup g -1 a\n", PolicyRefusal.WrongThreshold, 2 },
        { $"witness a {W[0]}\ngroup g 4294967297 a\n", PolicyRefusal.WrongThreshold, 2 },
        { $"witness a {W[0]}\ngroup g All a\n", PolicyRefusal.WrongThreshold, 2 },
        { "quorum none\nquorum none\n", PolicyRefusal.SecondQuorum, 2 },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void A_wrong_policy_is_refused_by_name_and_line(string text, PolicyRefusal refusal, int line)
    {
        Assert.False(TlogPolicy.TryParse(Encoding.UTF8.GetBytes(text), out _, out var found, out var at));
        Assert.Equal((refusal, line), (found, at));
    }

    [Fact]
    public void A_policy_that_is_too_long_is_not_read()
    {
        var line = Encoding.UTF8.GetBytes("quorum none\n");
        byte[] longest = [.. line, (byte)'#', .. Enumerable.Repeat((byte)'x', TlogPolicy.BytesMax - line.Length - 2), (byte)'\n'];
        Assert.True(TlogPolicy.TryParse(longest, out _, out _, out _));
        Assert.False(TlogPolicy.TryParse([.. longest, (byte)'\n'], out _, out var refusal, out _));
        Assert.Equal(PolicyRefusal.TooLong, refusal);
    }

    [Fact]
    public void A_damaged_policy_is_refused_or_read_and_never_throws()
    {
        string[] tokens = ["\n", " ", "\t", "#", "group g ", "quorum ", "none", "any ", "all ", "2", "X1 ", "witness ", "log ", "\0", "\u212a"];
        var accepted = 0;
        new Mutation(output, [Encoding.UTF8.GetBytes(Example)], [.. tokens.Select(Encoding.UTF8.GetBytes), [0xff]]).Run(bytes =>
        {
            if (TlogPolicy.TryParse(bytes, out var policy, out var refusal, out _))
            {
                accepted++;
                Assert.Equal(policy.Quorum is null, policy.IsQuorum());
                Assert.All(policy.Groups, group => Assert.InRange(group.Threshold, 1, group.Members.Count));
            }
            Assert.Equal(policy is null, refusal != PolicyRefusal.None);
        });
        Assert.True(accepted > 100, "the damage leaves too little to read");
    }

    internal static TlogPolicy Parse(string text)
    {
        Assert.True(TlogPolicy.TryParse(Encoding.UTF8.GetBytes(text), out var policy, out var refusal, out var line), $"line {line}: {refusal}");
        return policy;
    }
}
