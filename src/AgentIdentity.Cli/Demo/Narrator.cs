using System.Text.Json.Nodes;

namespace AgentIdentity.Cli.Demo;

/// <summary>Tells each step with the time that has passed: a line or two for people, one object for scripts.</summary>
internal sealed class Narrator(Invocation run)
{
    private readonly long _start = run.Clock.GetTimestamp();

    public TimeSpan Elapsed => run.Clock.GetElapsedTime(_start);

    public void Tell(string step, string sentence, JsonObject? details = null)
    {
        if (run.IsJson)
            run.Output.WriteLine(new JsonObject { ["step"] = step, ["ms"] = (long)Elapsed.TotalMilliseconds, ["text"] = sentence, ["details"] = details }.ToLine());
        else
            run.Text.WriteLine($"{Elapsed.TotalSeconds,5:0.0} s  {step,-9}  {sentence}");
    }
}
