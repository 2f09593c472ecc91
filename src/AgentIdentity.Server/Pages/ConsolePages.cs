using System.Net;
using System.Reflection;
using System.Text;
using AgentIdentity.Server.Grpc;
using AgentIdentity.Server.Hosting;

namespace AgentIdentity.Server.Pages;

/// <summary>The operators' page: three files, the same for everybody. It takes nothing and changes nothing; passkeys sign in the browser, and what is signed goes on as a file.</summary>
internal static class ConsolePages
{
    // The name that passkeys are bound to. Whoever comes under another name (a rebound one above all) is told this one.
    private const string Host = "localhost";

    private static readonly (string Name, string Value)[] Headers =
    [
        ("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"),
        ("Permissions-Policy", "publickey-credentials-get=(self), publickey-credentials-create=(self)"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Referrer-Policy", "no-referrer"),
        ("X-Content-Type-Options", "nosniff"),
        ("Cache-Control", "no-cache"),
    ];

    public static void Map(IEndpointRouteBuilder routes, string publicUrl)
    {
        routes.Serve("/", "text/html", Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(Read("index.html")).Replace("{{public-url}}", WebUtility.HtmlEncode(publicUrl), StringComparison.Ordinal)));
        routes.Serve("/console.css", "text/css", Read("console.css"));
        routes.Serve("/console.js", "text/javascript", Read("console.js"));
    }

    private static void Serve(this IEndpointRouteBuilder routes, string path, string type, byte[] content) =>
        routes.MapGet(path, context => AnswerAsync(context, type, content)).WithMetadata(new ServedOn(Listeners.Console));

    private static Task AnswerAsync(HttpContext context, string type, byte[] content)
    {
        foreach (var (name, value) in Headers)
            context.Response.Headers[name] = value;
        if (string.Equals(context.Request.Host.Host, Host, StringComparison.OrdinalIgnoreCase))
            return Results.Bytes(content, $"{type}; charset=utf-8").ExecuteAsync(context);
        var here = $"{context.Request.Scheme}://{Host}:{context.Connection.LocalPort}/";
        return Results.Text($"This page answers under the name {Host}, which passkeys are bound to: open {here}\n", "text/plain; charset=utf-8", statusCode: StatusCodes.Status421MisdirectedRequest).ExecuteAsync(context);
    }

    private static byte[] Read(string file)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"pages/{file}")!;
        var content = new byte[stream.Length];
        stream.ReadExactly(content);
        return content;
    }
}
