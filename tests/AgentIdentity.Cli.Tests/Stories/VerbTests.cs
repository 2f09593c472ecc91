using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;

namespace AgentIdentity.Cli.Tests.Stories;

/// <summary>Each verb against a real server process: what it answers in JSON, and the exit code of what is refused.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class VerbTests : IAsyncLifetime
{
    private const string Audience = "https://tools.example";
    private const string Url = "https://tools.example/weather";

    private RunningRegistry _registry = null!;

    private Agentid Agentid => _registry.Agentid;

    public async Task InitializeAsync() => _registry = await (await RunningRegistry.StartAsync()).FoundedAsync();

    public async Task DisposeAsync() => await _registry.DisposeAsync();

    [Fact]
    public async Task The_bootstrap_secret_serves_once()
    {
        var secret = Agentid.Write("secret", "aib_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
        File.SetUnixFileMode(secret, UnixFileMode.UserRead | UnixFileMode.UserWrite);

        var outcome = await Agentid.RunAsync("bootstrap", "--secret-file", secret, "--operator", "operator-2", "--json");

        AssertRefused(outcome, "BOOTSTRAP_CLOSED");
    }

    [Fact]
    public async Task An_issued_credential_is_checked_in_either_form_through_a_pipe_and_from_a_file()
    {
        var did = await _registry.EnrolAsync("holder");
        var token = (await Agentid.RunAsync("issue", "--agent", "holder")).Fine().Output;
        var piped = (await Agentid.RunAsync(token, ["verify", "--audience", Audience, "--json"])).Fine().Json;
        Assert.Equal((did, "vc+jwt", "not stopped"), (piped.GetProperty("presented").GetProperty("did").GetString(), piped.GetProperty("form").GetString(), piped.GetProperty("status").GetString()));

        var file = Agentid.Write("credential.json", (await Agentid.RunAsync("issue", "--agent", "holder", "--embedded-proof")).Fine().Output);
        var read = (await Agentid.RunAsync("verify", file)).Fine().Output;
        Assert.Contains("embedded proof", read, StringComparison.Ordinal);
        Assert.Contains("status   not stopped", read, StringComparison.Ordinal);
        var changed = Agentid.Write("changed.json", File.ReadAllText(file).Replace("Research desk", "Finance desk", StringComparison.Ordinal));
        var refused = await Agentid.RunAsync("verify", changed, "--json");
        Assert.Equal((ExitCode.Refused, "CREDENTIAL_INVALID"), (refused.ExitCode, refused.Json.GetProperty("reason").GetString()));
    }

    [Fact]
    public async Task A_text_that_looks_like_a_DID_of_an_agent_is_none_to_any_verb()
    {
        var did = await _registry.EnrolAsync("plain");
        foreach (var hostile in new[] { did + "%00", did + "\0", did + " ", did.Replace("agents", "аgents", StringComparison.Ordinal), did.Replace("agents:", "agents:..:agents:", StringComparison.Ordinal), did.Replace("%3A", "%253A", StringComparison.Ordinal), "../../etc/passwd" })
        {
            foreach (var words in new[] { new[] { "agents", "show", hostile }, ["stop", hostile, "--reason", "test"], ["trail", hostile], ["chain", hostile] })
                Assert.InRange((await Agentid.RunAsync([.. words, "--json"])).ExitCode, ExitCode.Refused, ExitCode.Usage);
        }
        Assert.Equal("active", (await Agentid.RunAsync("agents", "show", did, "--json")).Fine().Json.GetProperty("state").GetString());
    }

    [Fact]
    public async Task What_is_erased_is_shown_as_erased_and_a_hold_keeps_it()
    {
        var did = await _registry.EnrolAsync("eraser");
        var report = Agentid.Write("report", "what it says");
        var entry = (await Agentid.RunAsync("record", report, "--agent", "eraser", "--json")).Fine().Json.GetProperty("statements")[0].GetProperty("ledger_index").GetUInt64();
        var request = report + ".erase";
        (await Agentid.RunAsync("erase", did, "--entries", $"{entry}", "--reason", "asked for", "--out", request)).Fine();
        var hold = (await Agentid.RunAsync("hold", "place", did, "--reason", "a court", "--json")).Fine().Json.GetProperty("ledger_index").GetUInt64();
        AssertRefused(await Agentid.RunAsync("approve", request, "--send", "--json"), "AGENT_HELD");
        (await Agentid.RunAsync("hold", "lift", did, "--hold", $"{hold}", "--reason", "over", "--out", report + ".lift")).Fine();
        Assert.True((await Agentid.RunAsync("approve", report + ".lift", "--json")).Fine().Json.GetProperty("complete").GetBoolean());
        (await Agentid.RunAsync("approve", report + ".lift", "--send")).Fine();

        var done = (await Agentid.RunAsync("approve", request, "--send", "--json")).Fine().Json;

        Assert.Equal(1, done.GetProperty("erased").GetInt32());
        AssertRefused(await Agentid.RunAsync("approve", request, "--send", "--json"), "ALREADY_ERASED");
        var erased = Assert.Single((await Agentid.RunAsync("trail", did, "--json")).Fine().Json.GetProperty("entries").EnumerateArray(), line => line.GetProperty("kind").GetString() == "erased");
        Assert.Equal(entry, erased.GetProperty("ledger_index").GetUInt64());
        Assert.Contains($"by entry {done.GetProperty("ledger_index").GetUInt64()}", erased.GetProperty("what").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stop_is_watched_until_it_is_enforced_and_a_time_that_is_over_is_no_success()
    {
        var did = await _registry.EnrolAsync("watched");
        (await Agentid.RunAsync("operators", "register", "--role", "enforcer", "--name", "silent gate", "--audience", Audience)).Fine();

        var hasty = await Agentid.RunAsync("stop", did, "--state", "frozen", "--reason", "odd calls", "--incident", "incident-7", "--watch", "--timeout", "0.5");
        Assert.Equal(1, hasty.ExitCode);
        Assert.Contains("silent gate SILENT", hasty.Output, StringComparison.Ordinal);
        Assert.Contains("ENFORCED was not reached", hasty.Output, StringComparison.Ordinal);
        (await Agentid.RunAsync("stop", did, "--state", "revoked", "--reason", "odd calls", "--watch", "--until", "recorded", "--json")).Fine();

        // It never heard of this process, so its lease is over one lease after the start of it.
        var watched = (await Agentid.RunAsync("propagation", "incident-7", "--watch")).Fine();
        Assert.Contains("silent gate lease over", watched.Output, StringComparison.Ordinal);
        var report = (await Agentid.RunAsync("propagation", "incident-7", "--json")).Fine().Json;
        Assert.Equal("ENFORCED", report.GetProperty("level").GetString());
        Assert.Equal("LEASE_OVER", report.GetProperty("stops")[0].GetProperty("enforcers")[0].GetProperty("progress").GetString());
        AssertRefused(await Agentid.RunAsync("propagation", "no-such-incident", "--json"), "STOP_UNKNOWN");
    }

    [Fact]
    public async Task Callers_are_registered_and_listed()
    {
        var registered = (await Agentid.RunAsync("operators", "register", "--role", "enforcer", "--name", "gate", "--audience", Audience, "--json")).Fine().Json;
        var listed = (await Agentid.RunAsync("operators", "list", "--json")).Fine().Json.GetProperty("callers").EnumerateArray().ToArray();
        var enforcers = (await Agentid.RunAsync("operators", "list", "--role", "enforcer")).Fine().Output;

        Assert.True(File.Exists(registered.GetProperty("key_file").GetString()));
        Assert.Equal(["operator", "enforcer"], listed.Select(caller => caller.GetProperty("role").GetString()));
        Assert.Contains("gate", enforcers, StringComparison.Ordinal);
        Assert.DoesNotContain("operator-1", enforcers, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_gateway_is_registered_by_its_client_certificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var file = Agentid.Write("gateway.pem", Pem(new CertificateRequest("CN=gateway", key, HashAlgorithmName.SHA256)));
        var registered = (await Agentid.RunAsync("operators", "register", "--role", "enforcer", "--name", "gateway", "--audience", Audience, "--certificate", file, "--json")).Fine().Json;
        Assert.True(Credentials.Keys.PublicKey.TryReadSubjectPublicKeyInfo(key.ExportSubjectPublicKeyInfo(), out var expected));
        Assert.Equal((expected.KeyId.ToString(), JsonValueKind.Null), (registered.GetProperty("caller").GetProperty("jkt").GetString(), registered.GetProperty("key_file").ValueKind));

        using var rsa = RSA.Create(2048);
        var other = Agentid.Write("rsa.pem", Pem(new CertificateRequest("CN=gateway", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)));
        foreach (var (words, problem) in new (string[], string)[]
        {
            (["--certificate", other], "neither P-256 nor Ed25519"),
            (["--certificate", Agentid.Write("no.pem", "nothing")], "holds no certificate"),
            (["--certificate", file + ".not"], "There is no file"),
            (["--certificate", file, "--public-key-file", file], "One of --public-key-file and --certificate"),
        })
        {
            var refused = await Agentid.RunAsync(["operators", "register", "--role", "enforcer", "--name", "other", "--audience", Audience, .. words]);
            Assert.Equal(ExitCode.Usage, refused.ExitCode);
            Assert.Contains(problem, refused.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_role_that_may_not_is_refused_by_name()
    {
        await Agentid.RunAsync("operators", "register", "--role", "auditor", "--name", "audit");
        var key = Path.Combine(Agentid.Home, "auditors", "audit.jwk");

        AssertRefused(await Agentid.RunAsync("rotate-issuer-key", "--key", key, "--json"), "NOT_PERMITTED");
    }

    [Fact]
    public async Task A_used_up_token_is_refused_by_name_and_the_first_agent_may_come_again()
    {
        var token = (await Agentid.RunAsync(
            "token", "create", "--sponsor", "Research desk", "--blueprint", "x/1", "--audience", Audience, "--allow", "tool:read:https://tools.example/*")).Fine().Output.Trim();

        var first = (await Agentid.RunAsync("enrol", "--name", "one", "--token", token, "--json")).Fine().Json;
        var again = (await Agentid.RunAsync("enrol", "--name", "one", "--token", token, "--json")).Fine().Json;

        Assert.Equal(first.GetProperty("did").GetString(), again.GetProperty("did").GetString());
        AssertRefused(await Agentid.RunAsync("enrol", "--name", "two", "--token", token, "--json"), "TOKEN_USED_UP");
    }

    [Fact]
    public async Task A_token_that_has_leaked_is_found_in_the_list_withdrawn_by_its_text_and_lets_nobody_in_any_more()
    {
        var made = (await Agentid.RunAsync(
            "token", "create", "--sponsor", "Research desk", "--blueprint", "x/1", "--audience", Audience, "--allow", "tool:read:https://tools.example/*", "--uses", "3", "--json")).Fine().Json;
        var (text, id) = (made.GetProperty("token").GetString()!, made.GetProperty("token_id").GetString()!);
        var did = (await Agentid.RunAsync("enrol", "--name", "one", "--token", text, "--json")).Fine().Json.GetProperty("did").GetString();
        Assert.Contains($"{id}  Research desk  x/1        1 of 3  ", (await Agentid.RunAsync("token", "list")).Fine().Output, StringComparison.Ordinal);

        var withdrawn = (await Agentid.RunAsync(text, ["token", "withdraw", "-", "--reason", "it was in a public file", "--json"])).Fine().Json;
        var again = (await Agentid.RunAsync("token", "withdraw", id, "--reason", "once more")).Fine().Output;

        Assert.Equal((id, "withdrawn", 0), (withdrawn.GetProperty("token_id").GetString(), withdrawn.GetProperty("state").GetString(), withdrawn.GetProperty("uses_left").GetInt32()));
        Assert.StartsWith($"withdrawn by entry {withdrawn.GetProperty("withdrawal").GetProperty("ledger_index")}, ", again, StringComparison.Ordinal);
        Assert.Contains($"1 agent came in with it before: agentid agents list --token {id}", again, StringComparison.Ordinal);
        AssertRefused(await Agentid.RunAsync("enrol", "--name", "two", "--token", text, "--json"), "TOKEN_EXPIRED");
        var listed = (await Agentid.RunAsync("agents", "list", "--token", id, "--json")).Fine().Json.GetProperty("agents");
        Assert.Equal([did], listed.EnumerateArray().Select(agent => agent.GetProperty("did").GetString()));
        Assert.Equal(0, (await Agentid.RunAsync("token", "list", "--json")).Fine().Json.GetProperty("tokens").GetArrayLength());
        var all = Assert.Single((await Agentid.RunAsync("token", "list", "--all", "--json")).Fine().Json.GetProperty("tokens").EnumerateArray());
        Assert.Equal("operator-1", all.GetProperty("withdrawal").GetProperty("by").GetString());
        AssertRefused(await Agentid.RunAsync("token", "withdraw", "00000000-0000-7000-8000-000000000000", "--reason", "x", "--json"), "ENTRY_UNKNOWN");
        Assert.Equal(ExitCode.Usage, (await Agentid.RunAsync("token", "withdraw", "that one", "--reason", "x")).ExitCode);
    }

    [Fact]
    public async Task Verify_answers_with_its_exit_code_until_the_agent_is_stopped()
    {
        (await Agentid.RunAsync("operators", "register", "--role", "enforcer", "--name", "gate", "--audience", Audience, "https://elsewhere.example")).Fine();
        var did = await _registry.EnrolAsync("reader");
        var credential = (await Agentid.RunAsync("issue", "--agent", "reader")).Fine().Output;

        var allowed = await VerifyAsync(credential, Audience);
        var elsewhere = await VerifyAsync(credential, "https://elsewhere.example");
        (await Agentid.RunAsync("stop", "reader", "--state", "revoked", "--reason", "a test")).Fine();
        var stopped = await VerifyAsync(credential, Audience);

        Assert.Equal("NONE", allowed.Fine().Json.GetProperty("reason").GetString());
        Assert.Equal(did, allowed.Json.GetProperty("presented").GetProperty("did").GetString());
        Assert.Equal((ExitCode.Refused, "AUDIENCE_MISMATCH"), (elsewhere.ExitCode, elsewhere.Json.GetProperty("reason").GetString()));
        Assert.Equal((ExitCode.Refused, "AGENT_REVOKED"), (stopped.ExitCode, stopped.Json.GetProperty("reason").GetString()));
    }

    [Fact]
    public async Task A_credential_is_narrowed_and_never_widened()
    {
        await _registry.EnrolAsync("reader");

        (await Agentid.RunAsync("issue", "--agent", "reader", "--allow", "tool:read:https://tools.example/weather", "--json")).Fine();

        AssertRefused(await Agentid.RunAsync("issue", "--agent", "reader", "--allow", "tool:write:https://tools.example/weather", "--json"), "ENVELOPE_TOO_WIDE");
        AssertRefused(await Agentid.RunAsync("issue", "--agent", "reader", "--audience", "https://elsewhere.example", "--json"), "AUDIENCE_NOT_ALLOWED");
    }

    [Fact]
    public async Task What_an_agent_passes_on_is_verified_with_its_chain_and_its_budget()
    {
        (await Agentid.RunAsync("operators", "register", "--role", "enforcer", "--name", "gate", "--audience", Audience)).Fine();
        var above = await _registry.EnrolAsync("leader", depth: 2);
        var below = await _registry.EnrolAsync("reader");
        var next = await _registry.EnrolAsync("helper");

        var first = (await Agentid.RunAsync("delegate", "reader", "--agent", "leader", "--allow", "tool:read:https://tools.example/weather", "--depth", "1", "--budget", "calls=3")).Fine().Output;
        var allowed = (await VerifyAsync(first, Audience, more: ["--spend", "calls=2"])).Fine().Json;
        var exceeded = await VerifyAsync(first, Audience, more: ["--spend", "calls=2"]);
        var file = Agentid.Write("passed-on", first);
        var second = (await Agentid.RunAsync("delegate", next, "--agent", "reader", "--credential", file, "--allow", "tool:read:https://tools.example/weather", "--lifetime", "60")).Fine().Output;
        var chain = (await VerifyAsync(second, Audience, agent: "helper")).Fine().Json.GetProperty("presented").GetProperty("chain");

        Assert.Equal(below, allowed.GetProperty("presented").GetProperty("did").GetString());
        Assert.Equal(1, allowed.GetProperty("left")[0].GetProperty("amount").GetInt32());
        Assert.Equal((ExitCode.Refused, "BUDGET_EXCEEDED"), (exceeded.ExitCode, exceeded.Json.GetProperty("reason").GetString()));
        Assert.Equal([below, above], chain.EnumerateArray().Select(superior => superior.GetProperty("did").GetString()!));
        Assert.Contains($"for      {above}, of sponsor '", (await Agentid.RunAsync("verify", Agentid.Write("second", second))).Fine().Output, StringComparison.Ordinal);
        AssertRefused(await Agentid.RunAsync("delegate", "leader", "--agent", "reader", "--credential", file, "--allow", "tool:read:https://tools.example/weather", "--json"), "DELEGATION_CYCLE");
        AssertRefused(await Agentid.RunAsync("delegate", "helper", "--agent", "leader", "--allow", "tool:write:https://tools.example/weather", "--json"), "ENVELOPE_TOO_WIDE");
    }

    [Fact]
    public async Task Recorded_hashes_stand_in_the_trail_and_in_the_log()
    {
        await _registry.EnrolAsync("reader");
        var file = Agentid.Write("notes.txt", "what was read");
        const string hashes = "0000000000000000000000000000000000000000000000000000000000000001\n0000000000000000000000000000000000000000000000000000000000000002  name\n";

        var recorded = (await Agentid.RunAsync("record", "--agent", "reader", file, "--json")).Fine().Json;
        var piped = (await Agentid.RunAsync(hashes, ["record", "--agent", "reader", "--stdin-hashes", "--per-statement", "1", "--json"])).Fine().Json;
        var trail = (await Agentid.RunAsync("trail", "reader", "--json")).Fine().Json;
        var index = recorded.GetProperty("statements")[0].GetProperty("ledger_index").GetUInt64();
        var proof = (await Agentid.RunAsync("prove", $"{index}", "--json")).Fine().Json;

        Assert.Equal(2, piped.GetProperty("statements").GetArrayLength());
        Assert.True(trail.GetProperty("checked").GetBoolean());
        Assert.Equal(3, trail.GetProperty("entries").EnumerateArray().Count(entry => entry.GetProperty("kind").GetString() == "activity"));
        Assert.Equal("proven", proof.GetProperty("verdict").GetString());
        Assert.Equal(recorded.GetProperty("statements")[0].GetProperty("leaf_hash").GetString(), proof.GetProperty("leaf_hash").GetString());
        Assert.Equal("activity", proof.GetProperty("class").GetString());
    }

    [Fact]
    public async Task A_file_whose_answer_was_lost_is_recorded_once_when_the_verb_is_run_again()
    {
        await _registry.EnrolAsync("reader");
        var file = Agentid.Write("notes.txt", "what was read");
        await LosingARecordAsync(1, async () => Assert.Equal(ExitCode.Unreachable, (await Agentid.RunAsync("record", "--agent", "reader", file)).ExitCode));

        var again = (await Agentid.RunAsync("record", "--agent", "reader", file, "--json")).Fine().Json;

        var entry = Assert.Single(again.GetProperty("statements").EnumerateArray()).GetProperty("ledger_index").GetUInt64();
        Assert.Equal(entry, again.GetProperty("settled").GetProperty("ledger_index").GetUInt64());
        Assert.Equal([entry], await FoundAsync(file));
    }

    [Fact]
    public async Task What_was_left_open_is_told_apart_from_what_is_recorded_behind_it()
    {
        await _registry.EnrolAsync("reader");
        var (first, second) = (Agentid.Write("first.txt", "one"), Agentid.Write("second.txt", "two"));
        await LosingARecordAsync(1, () => Agentid.RunAsync("record", "--agent", "reader", first));
        var text = (await Agentid.RunAsync("record", "--agent", "reader", second)).Fine().Output;
        Assert.Contains("left open by an earlier run", text, StringComparison.Ordinal);

        // The same content as another kind of statement is another statement.
        await LosingARecordAsync(1, () => Agentid.RunAsync("record", "--agent", "reader", first, "--kind", "intent"));
        var other = (await Agentid.RunAsync("record", "--agent", "reader", first, "--json")).Fine().Json;
        Assert.NotEqual(other.GetProperty("settled").GetProperty("ledger_index").GetUInt64(), Assert.Single(other.GetProperty("statements").EnumerateArray()).GetProperty("ledger_index").GetUInt64());
        Assert.Equal((3, 1), ((await FoundAsync(first)).Length, (await FoundAsync(second)).Length));
        Assert.Equal(System.Text.Json.JsonValueKind.Null, (await Agentid.RunAsync("record", "--agent", "reader", first, "--json")).Fine().Json.GetProperty("settled").ValueKind);
    }

    [Fact]
    public async Task Statements_that_were_recorded_before_an_answer_was_lost_are_told()
    {
        await _registry.EnrolAsync("reader");
        var (first, second) = (Agentid.Write("first.txt", "one"), Agentid.Write("second.txt", "two"));
        Outcome? lost = null;
        await LosingARecordAsync(2, async () => lost = await Agentid.RunAsync("record", "--agent", "reader", first, second, "--per-statement", "1", "--json"));

        Assert.Equal(ExitCode.Unreachable, lost!.ExitCode);
        var lines = lost.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => System.Text.Json.JsonDocument.Parse(line).RootElement).ToArray();
        Assert.Equal(await FoundAsync(first), lines[0].GetProperty("statements").EnumerateArray().Select(one => one.GetProperty("ledger_index").GetUInt64()));
        Assert.Equal(ExitCode.Unreachable, lines[1].GetProperty("exit_code").GetInt32());
        (await Agentid.RunAsync("record", "--agent", "reader", second)).Fine();
        Assert.Single(await FoundAsync(second));
    }

    [Fact]
    public async Task A_file_is_found_by_its_salts_until_it_is_erased()
    {
        var did = await _registry.EnrolAsync("finder");
        await _registry.EnrolAsync("stranger");
        var (report, other) = (Agentid.Write("found.txt", "what was done"), Agentid.Write("other.txt", "never recorded"));
        var entries = new List<ulong>();
        for (var i = 0; i < 2; i++)
            entries.Add((await Agentid.RunAsync("record", report, "--agent", "finder", "--json")).Fine().Json.GetProperty("statements")[0].GetProperty("ledger_index").GetUInt64());
        var salts = Path.Combine(Agentid.Home, "agents", "finder", "salts.jsonl");

        var found = (await Agentid.RunAsync("find", report, "--agent", "finder", "--json")).Fine().Json;
        Assert.Equal(entries, found.GetProperty("found").EnumerateArray().Select(one => one.GetProperty("ledger_index").GetUInt64()));
        Assert.All(found.GetProperty("found").EnumerateArray(), one => Assert.Equal((did, report, "activity"), (one.GetProperty("agent").GetString(), one.GetProperty("what").GetString(), one.GetProperty("class").GetString())));
        Assert.True(found.GetProperty("complete").GetBoolean());
        var commitment = found.GetProperty("found")[1].GetProperty("commitment").GetString()!;
        Assert.Contains($"{entries[0]}", (await Agentid.RunAsync("find", report, "--salts", salts)).Fine().Output, StringComparison.Ordinal);
        Assert.Equal(entries[1], (await Agentid.RunAsync("find", "--commitment", commitment, "--json")).Fine().Json.GetProperty("found")[0].GetProperty("ledger_index").GetUInt64());

        var foreign = await Agentid.RunAsync("find", "--commitment", commitment, "--agent", "stranger", "--json");
        Assert.Equal((ExitCode.Refused, 0, 1), (foreign.ExitCode, foreign.Json.GetProperty("found").GetArrayLength(), foreign.Json.GetProperty("not_found").GetArrayLength()));
        var unknown = await Agentid.RunAsync("find", report, other, "--agent", "finder");
        Assert.Equal(ExitCode.Refused, unknown.ExitCode);
        Assert.Contains("other.txt: no salt of it is kept", unknown.Output, StringComparison.Ordinal);

        (await Agentid.RunAsync("erase", did, "--entries", $"{entries[1]}", "--reason", "asked for", "--out", report + ".erase")).Fine();
        (await Agentid.RunAsync("approve", report + ".erase", "--send")).Fine();
        var after = await Agentid.RunAsync("find", report, "--agent", "finder");
        Assert.Equal(ExitCode.Refused, after.ExitCode);
        Assert.Contains($"not found by the commitment {commitment}", after.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Entries_are_listed_by_time()
    {
        var did = await _registry.EnrolAsync("timed");
        var entry = (await Agentid.RunAsync("record", Agentid.Write("timed.txt", "x"), "--agent", "timed", "--json")).Fine().Json.GetProperty("statements")[0];
        var (index, at) = (entry.GetProperty("ledger_index").GetUInt64(), entry.GetProperty("recorded_at").GetString()!);

        var listed = (await Agentid.RunAsync("entries", "--from", at, "--json")).Fine().Json.GetProperty("entries").EnumerateArray().First(one => one.GetProperty("kind").GetString() == "activity");
        Assert.Equal((index, at, did.Split(':')[^1]), (listed.GetProperty("ledger_index").GetUInt64(), listed.GetProperty("at").GetString(), listed.GetProperty("subjects")[0].GetString()));
        Assert.Equal(0, (await Agentid.RunAsync("entries", "--from", "2999-01-01T00:00:00Z", "--json")).Fine().Json.GetProperty("entries").GetArrayLength());
        var one = (await Agentid.RunAsync("entries", "--to", at, "--max", "1")).Fine().Output;
        Assert.Contains("genesis", one, StringComparison.Ordinal);
        Assert.Contains("--from-index 1", one, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_key_from_elsewhere_a_proof_is_self_consistent_only()
    {
        File.Delete(Path.Combine(Agentid.Home, "registry.json"));

        var outcome = await Agentid.RunAsync("prove", "0", "--json");

        Assert.Equal(ExitCode.Refused, outcome.ExitCode);
        Assert.Equal("self-consistent only", outcome.Json.GetProperty("verdict").GetString());
    }

    [Fact]
    public async Task A_proof_under_another_log_key_does_not_hold()
    {
        var outcome = await Agentid.RunAsync("prove", "0", "--log-key", "localhost:5000+52648c1e+AXqAilJvZZaMi+JqQR5uFbTTwDI0LU3eKZjo5QPq+85u", "--json");

        Assert.Equal(ExitCode.Refused, outcome.ExitCode);
        Assert.Contains("not signed by", outcome.Json.GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Agents_are_listed_and_shown_with_the_stop_that_is_in_force()
    {
        await _registry.EnrolAsync("reader");
        await _registry.EnrolAsync("clerk");

        var stop = (await Agentid.RunAsync("stop", "clerk", "--state", "frozen", "--reason", "a test", "--incident", "incident-7", "--json")).Fine().Json;
        var frozen = (await Agentid.RunAsync("agents", "list", "--state", "frozen", "--json")).Fine().Json.GetProperty("agents");
        var shown = (await Agentid.RunAsync("agents", "show", "clerk", "--json")).Fine().Json;
        var text = (await Agentid.RunAsync("agents", "show", "clerk")).Fine().Output;

        Assert.Equal("RECORDED", stop.GetProperty("level").GetString());
        Assert.Equal(shown.GetProperty("did").GetString(), Assert.Single(frozen.EnumerateArray()).GetProperty("did").GetString());
        Assert.Equal(stop.GetProperty("ledger_index").GetUInt64(), shown.GetProperty("stop").GetProperty("ledger_index").GetUInt64());
        Assert.Contains("frozen: a test", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_agent_that_nobody_enrolled_is_refused_by_name() =>
        AssertRefused(await Agentid.RunAsync("stop", "0192f0c1-7a00-7def-8123-456789abcdef", "--state", "frozen", "--reason", "r", "--json"), "AGENT_UNKNOWN");

    [Fact]
    public async Task The_key_for_credentials_is_replaced()
    {
        var rotated = (await Agentid.RunAsync("rotate-issuer-key", "--json")).Fine().Json;

        Assert.NotEqual(rotated.GetProperty("key_id").GetString(), rotated.GetProperty("retired_key_id").GetString());
    }

    private async Task<Outcome> VerifyAsync(string credential, string audience, string agent = "reader", params string[] more)
    {
        var proof = (await Agentid.RunAsync(credential, ["proof", "--agent", agent, "--url", Url, "--nonce", "nonce-1"])).Fine().Output.Trim();
        return await Agentid.RunAsync(credential, ["verify", "--proof", proof, "--url", Url, "--nonce", "nonce-1", "--audience", audience, "--json", .. more]);
    }

    private async Task LosingARecordAsync(int lost, Func<Task> run)
    {
        var direct = Agentid.Settings;
        using var relay = new LosingRelay(direct[1], "Ledger/Record", lost);
        Agentid.Settings = relay.Before(direct);
        await run();
        Agentid.Settings = direct;
    }

    private async Task<ulong[]> FoundAsync(string file) =>
        [.. (await Agentid.RunAsync("find", file, "--agent", "reader", "--json")).Fine().Json.GetProperty("found").EnumerateArray().Select(one => one.GetProperty("ledger_index").GetUInt64())];

    private static void AssertRefused(Outcome outcome, string reason)
    {
        Assert.Equal(ExitCode.Refused, outcome.ExitCode);
        Assert.Equal(reason, outcome.Json.GetProperty("error").GetProperty("reason").GetString());
    }

    private static string Pem(CertificateRequest request)
    {
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddMinutes(-5), now.AddHours(1));
        return certificate.ExportCertificatePem();
    }
}
