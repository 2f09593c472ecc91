namespace AgentIdentity.Cli;

/// <summary>Lists that the registry gives page by page, read to the end.</summary>
internal static class Pages
{
    /// <param name="read">Answers a page, and the token of the next one; empty at the end. Given the token of the page, empty for the first.</param>
    /// <param name="report">Told how many there are so far.</param>
    public static async Task<List<T>> ReadAllAsync<T>(Func<string, Task<(IEnumerable<T> Items, string Next)>> read, Action<int> report)
    {
        var all = new List<T>();
        var token = "";
        do
        {
            var (items, next) = await read(token);
            all.AddRange(items);
            report(all.Count);
            token = next;
        }
        while (token.Length > 0);
        return all;
    }
}
