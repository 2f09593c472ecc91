using System.CommandLine;
using AgentIdentity.Benchmarks.Load;
using AgentIdentity.Benchmarks.Questions;

// Answers how fast, and at what cost. Run by hand; docs/performance.md tells the figures and the machine they come from.
var name = new Argument<string>("name") { Description = $"A question about calls ({string.Join(", ", CallQuestion.Names)}), control, store, agents, ledger, heads, fsck, trail, find, credential, enforcer, watch, cascade, questions, status, integrity, soak, or calls for all of the first but the one over TLS." };
var seconds = new Option<int>("--seconds") { Description = "How long each window measures.", DefaultValueFactory = _ => 4 };
var rounds = new Option<int>("--rounds") { Description = "How many windows; their median is told.", DefaultValueFactory = _ => 3 };
rounds.Validators.Add(given =>
{
    if (given.GetValueOrDefault<int>() < 1)
        given.AddError("--rounds takes a number above 0: a median needs a window.");
});
var agents = new Option<int>("--agents") { Description = "How many agents the question about agents makes.", DefaultValueFactory = _ => 100_000 };
var asked = new Option<int>("--asked") { Description = "How often each question of responders is asked.", DefaultValueFactory = _ => 200 };
var entries = new Option<int>("--entries") { Description = "How many entries the question about the ledger appends.", DefaultValueFactory = _ => 10_000_000 };
var heads = new Option<int>("--heads") { Description = "How many subjects the question about heads makes.", DefaultValueFactory = _ => 1_000_000 };
var activities = new Option<int>("--activities") { Description = "How many activities the question about fsck records.", DefaultValueFactory = _ => 300_000 };
var statements = new Option<int>("--statements") { Description = "How many statements of 64 commitments the question about finding appends.", DefaultValueFactory = _ => 300_000 };
var enforcers = new Option<int>("--enforcers") { Description = "How many enforcers the question about the watch connects.", DefaultValueFactory = _ => 1000 };
var descendants = new Option<int>("--descendants") { Description = "How many agents the question about the cascade has below the one that is stopped.", DefaultValueFactory = _ => 10_000 };
var stops = new Option<int>("--stops") { Description = "How many stops those two questions measure.", DefaultValueFactory = _ => 100 };
var seed = new Option<int>("--seed") { Description = "For what is filled with chance bytes.", DefaultValueFactory = _ => 1 };
var command = new RootCommand("Benchmarks of AgentIdentity, each named by its question.") { name, seconds, rounds, agents, asked, entries, heads, activities, statements, enforcers, descendants, stops, seed };
command.SetAction(arguments =>
{
    var window = TimeSpan.FromSeconds(arguments.GetValue(seconds));
    return arguments.GetValue(name)! switch
    {
        "store" => StoreQuestion.AnswerAsync(window, arguments.GetValue(seed)),
        "ledger" => LedgerQuestion.AnswerAsync(arguments.GetValue(entries), arguments.GetValue(seed)),
        "heads" => HeadsQuestion.AnswerAsync(arguments.GetValue(heads), arguments.GetValue(seed)),
        "credential" => CredentialQuestion.AnswerAsync(window, arguments.GetValue(rounds)),
        "enforcer" => EnforcerQuestion.AnswerAsync(window, arguments.GetValue(rounds)),
        "trail" => TrailQuestion.AnswerAsync(),
        "find" => FindQuestion.AnswerAsync(arguments.GetValue(statements), arguments.GetValue(seed)),
        "agents" => AgentsQuestion.AnswerAsync(arguments.GetValue(agents)),
        "watch" => WatchQuestion.AnswerAsync(arguments.GetValue(enforcers), arguments.GetValue(stops)),
        "cascade" => CascadeQuestion.AnswerAsync(arguments.GetValue(descendants), arguments.GetValue(stops)),
        // A million agents and half a million entries, where the options do not say otherwise.
        "questions" => RespondersQuestion.AnswerAsync(
            arguments.GetResult(agents) is { Implicit: false } ? arguments.GetValue(agents) : 1_000_000, arguments.GetResult(entries) is { Implicit: false } ? arguments.GetValue(entries) : 500_000,
            arguments.GetValue(asked), arguments.GetValue(seed)),
        "status" => StatusQuestion.AnswerAsync(arguments.GetResult(agents) is { Implicit: false } ? arguments.GetValue(agents) : 1_000_000, arguments.GetValue(rounds), arguments.GetValue(seed)),
        "integrity" => IntegrityQuestion.AnswerAsync(window, arguments.GetValue(rounds)),
        "soak" => SoakQuestion.AnswerAsync(window, arguments.GetValue(rounds), arguments.GetValue(seed)),
        "fsck" => FsckQuestion.AnswerAsync(arguments.GetValue(activities), arguments.GetValue(rounds)),
        "calls" => LoadProcess.RunAsync(CallQuestion.Plain, window, arguments.GetValue(rounds)),
        var one => LoadProcess.RunAsync([one], window, arguments.GetValue(rounds)),
    };
});

// The load runs in a process of its own: this program again.
var load = new Command(LoadProcess.Verb) { Hidden = true };
var target = new Argument<string[]>("target");
load.Add(target);
load.SetAction(arguments => LoadProcess.LoadAsync(arguments.GetValue(target)!));
command.Add(load);
var respond = new Command(Responder.Verb) { Hidden = true };
var control = new Argument<string>("control");
respond.Add(control);
respond.SetAction(arguments => Responder.RunAsync(arguments.GetValue(control)!));
command.Add(respond);
var crowd = new Command(Crowd.Verb) { Hidden = true };
var members = new Argument<string[]>("members");
crowd.Add(members);
crowd.SetAction(arguments => Crowd.RunAsync(arguments.GetValue(members)!));
command.Add(crowd);
return await command.Parse(args).InvokeAsync();
