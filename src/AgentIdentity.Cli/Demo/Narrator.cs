using System.Text.Json.Nodes;

namespace AgentIdentity.Cli.Demo;

/// <summary>Tells each step with the time that has passed: a line or two for people, one object for scripts.</summary>
internal sealed class Narrator(Invocation run)
{
    private readonly long _start = run.Clock.GetTimestamp();

    public TimeSpan Elapsed => run.Clock.GetElapsedTime(_start);

    /// <summary>Whether all that was checked held.</summary>
    public bool HasPassed { get; private set; } = true;

    public void Tell(string step, string sentence, JsonObject? details = null)
    {
        if (run.IsJson)
            run.Output.WriteLine(Line(step, sentence, details).ToLine());
        else
            Write(step, sentence);
    }

    /// <summary>Tells whether something is as it must be.</summary>
    public void Check(string step, bool holds, string sentence, JsonObject? details = null)
    {
        HasPassed &= holds;
        if (!run.IsJson)
        {
            Write(step, $"{(holds ? "PASS" : "FAIL")}  {sentence}");
            return;
        }
        var line = Line(step, sentence, details);
        line["passed"] = holds;
        run.Output.WriteLine(line.ToLine());
    }

    private void Write(string step, string sentence) => run.Text.WriteLine($"{Elapsed.TotalSeconds,5:0.0} s  {step,-9}  {sentence}");

    private JsonObject Line(string step, string sentence, JsonObject? details) =>
        new() { ["step"] = step, ["ms"] = (long)Elapsed.TotalMilliseconds, ["text"] = sentence, ["details"] = details };
}
