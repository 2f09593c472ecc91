using System.Collections.Concurrent;
using System.Security.Claims;
using AgentIdentity.AspNetCore;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

// A tool that lets agents read the weather and write notes. Its addresses, unless --urls says otherwise, are this machine's own.
const string usage = "usage: --registry URL --public-url URL --audience NAME --key FILE [--urls http://127.0.0.1:PORT] [--own-url URL] [--trust PEM] [--orders FOLDER]";

var builder = WebApplication.CreateBuilder(args);
builder.Logging.ClearProviders().AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace).SetMinimumLevel(LogLevel.Warning);
builder.WebHost.UseUrls(builder.Configuration["urls"] ?? "http://127.0.0.1:0");
string[] needed = ["registry", "public-url", "audience", "key"];
if (needed.Any(name => string.IsNullOrEmpty(builder.Configuration[name])))
{
    Console.Error.WriteLine(usage);
    return 2;
}

if (!File.Exists(builder.Configuration["key"]))
{
    Console.Error.WriteLine($"There is no key file {builder.Configuration["key"]}: agentid operators register --role enforcer makes one and registers it.");
    return 2;
}

builder.Services.AddAgentIdentity(options =>
{
    options.RegistryUrl = builder.Configuration["registry"]!;
    options.RegistryPublicUrl = builder.Configuration["public-url"]!;
    options.Audience = builder.Configuration["audience"]!;
    options.KeyFile = builder.Configuration["key"]!;
    options.OwnUrl = builder.Configuration["own-url"];
    options.TrustedCertificateFile = builder.Configuration["trust"];
    options.OrdersFolder = builder.Configuration["orders"];
});

await using var app = builder.Build();
app.UseAgentIdentity();

// Bounded: what agents write here is kept only to be shown again.
const int notesMax = 1000;
var notes = new ConcurrentQueue<Note>();
var audience = app.Configuration["audience"]!;

app.MapGet("/", () => "A sample tool. GET /weather, GET /notes, POST /notes\n");
app.MapGet("/weather", () => new { place = "here", sky = "clear", celsius = 21 }).RequireAgent("tool", "read", $"{audience}/weather");
app.MapGet("/notes", () => notes.ToArray()).RequireAgent("tool", "read", $"{audience}/notes");
app.MapPost("/notes", (NewNote note, ClaimsPrincipal agent) =>
{
    var written = new Note(agent.FindFirstValue(AgentIdentityDefaults.DidClaim)!, note.Text);
    notes.Enqueue(written);
    while (notes.Count > notesMax)
        notes.TryDequeue(out _);
    return Results.Created("/notes", written);
}).RequireAgent("tool", "write", $"{audience}/notes");

await app.StartAsync();
var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
Console.WriteLine($"ready http={new Uri(address).Authority}");
await app.WaitForShutdownAsync();
return 0;

internal sealed record NewNote(string Text);

internal sealed record Note(string Author, string Text);
