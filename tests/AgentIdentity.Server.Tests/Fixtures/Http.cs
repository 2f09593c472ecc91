namespace AgentIdentity.Server.Tests.Fixtures;

/// <summary>Plain HTTP towards a test registry.</summary>
public static class Http
{
    private static readonly HttpClient Client = new();

    public static Task<string> GetAsync(this TestRegistry registry, string path) => Client.GetStringAsync(new Uri(registry.HttpUrl + path));

    public static Task<HttpResponseMessage> RespondAsync(string url) => Client.GetAsync(new Uri(url));
}
