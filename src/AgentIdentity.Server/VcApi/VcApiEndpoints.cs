using System.Text.Json;
using AgentIdentity.Credentials.Json;
using AgentIdentity.Registry;
using AgentIdentity.Server.Grpc;
using AgentIdentity.Server.Hosting;

namespace AgentIdentity.Server.VcApi;

/// <summary>Two faces of the W3C VC API, for other people's test suites. Only a server that is started with --dev has them.</summary>
internal static class VcApiEndpoints
{
    /// <summary>Where the list is that the status entries of issued credentials name.</summary>
    public const string StatusListPath = "/credentials/status";

    private const int BodyBytesMax = 256 << 10;
    private const string ProblemType = "application/problem+json";

    public static void Map(IEndpointRouteBuilder routes, RegistryNode registry, TimeProvider clock)
    {
        var issuer = new VcIssuer(registry.Settings.Name, clock);
        var verifier = new VcVerifier(registry, clock);
        routes.ServiceProvider.GetRequiredService<IHostApplicationLifetime>().ApplicationStopped.Register(issuer.Dispose);
        Serve(routes, "/credentials/issue", "credential", (credential, options) =>
        {
            var (secured, problem) = issuer.Issue(credential, options);
            return problem is null ? Results.Text(secured, "application/json", statusCode: StatusCodes.Status201Created) : Problem(problem);
        });
        Serve(routes, "/credentials/verify", "verifiableCredential", (credential, options) =>
            verifier.Verify(credential, options) is { } problem ? Problem(problem) : Results.Json(new { verified = true }));
        routes.MapGet(StatusListPath, () => Results.Text(issuer.StatusList(), "application/json")).WithMetadata(new ServedOn(Listeners.Http));
    }

    private static void Serve(IEndpointRouteBuilder routes, string path, string member, Func<JsonElement, JsonElement?, IResult> answer) =>
        routes.MapPost(path, (Delegate)((HttpRequest request) => AnswerAsync(request, member, answer))).WithMetadata(new ServedOn(Listeners.Http));

    private static async Task<IResult> AnswerAsync(HttpRequest request, string member, Func<JsonElement, JsonElement?, IResult> answer)
    {
        if (!request.HasJsonContentType())
            return Problem(VcProblem.Parsing("The request is JSON."));
        if (await ReadAsync(request) is not { } body || !StrictJson.TryParse(body, out var document))
            return Problem(VcProblem.Parsing($"The request is one JSON text of at most {BodyBytesMax} bytes: UTF-8, no repeated member, nested at most {StrictJson.DepthMax} deep."));
        using (document)
        {
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty(member, out var credential))
                return Problem(VcProblem.Parsing($"The request is an object with the member {member}."));
            return answer(credential, document.RootElement.TryGetProperty("options", out var options) ? options : null);
        }
    }

    // Null when there is more than may be.
    private static async Task<byte[]?> ReadAsync(HttpRequest request)
    {
        var body = new byte[BodyBytesMax + 1];
        var length = await request.Body.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, request.HttpContext.RequestAborted);
        return length > BodyBytesMax ? null : body[..length];
    }

    private static IResult Problem(VcProblem problem) =>
        Results.Json(new { type = problem.Type, title = problem.Title, detail = problem.Detail, status = StatusCodes.Status400BadRequest, verified = false }, contentType: ProblemType, statusCode: StatusCodes.Status400BadRequest);
}
