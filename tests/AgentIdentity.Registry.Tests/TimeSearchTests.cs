using AgentIdentity.Credentials.Entries;
using AgentIdentity.Registry.Reading;
using AgentIdentity.Registry.Tests.Fixtures;

namespace AgentIdentity.Registry.Tests;

/// <summary>Entries by time: the ledger is its own index.</summary>
public sealed class TimeSearchTests
{
    [Fact]
    public void The_first_place_at_or_behind_a_time_is_found_for_every_time_and_length()
    {
        for (var length = 0; length < 40; length++)
        {
            // Some share a time, as the entries of one group do.
            var times = Enumerable.Range(0, length).Select(i => (long)(i / 3 * 10)).ToArray();
            for (long time = -5; time < 150; time += 5)
            {
                var expected = (ulong)times.Count(at => at < time);
                Assert.Equal(expected, TimeSearch.First(time, place => place < (ulong)times.Length ? times[place] : null));
            }
        }
    }

    [Fact]
    public async Task A_trail_and_the_whole_ledger_are_listed_from_one_time_to_another_in_pages()
    {
        await using var registry = await TestNode.FoundAsync();
        var agent = await registry.EnrollAsync();
        var recorded = new List<Recording.Recorded>();
        for (var i = 0; i < 10; i++)
        {
            registry.Clock.Advance(TimeSpan.FromSeconds(10));
            recorded.Add(await agent.RecordAsync());
        }
        var period = new Period(recorded[3].At, recorded[7].At);

        Assert.Equal(recorded[3..7].Select(one => one.Index), registry.Node.Reading.ListTrail(agent.Id, 0, 100, period).Entries.Select(entry => entry.Index));
        var listed = new List<ListedEntry>();
        for (ulong? from = 0; from is { } at;)
        {
            var page = registry.Node.Reading.ListEntries(at, 2, period);
            listed.AddRange(page.Entries);
            from = page.Next;
        }
        Assert.Equal(recorded[3..7].Select(one => one.Index), listed.Where(entry => entry.Kind == EntryKind.Activity).Select(entry => entry.Index));
        Assert.All(listed, entry => Assert.InRange(entry.At, period.From, period.To - 1));
        Assert.Empty(registry.Node.Reading.ListEntries(0, 10, new Period(recorded[9].At + 60_000, long.MaxValue)).Entries);
        Assert.Equal(agent.Id, listed.First(entry => entry.Kind == EntryKind.Activity).Subjects.Single());
    }
}
