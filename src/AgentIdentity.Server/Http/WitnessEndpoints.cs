using AgentIdentity.Ledger;
using AgentIdentity.Registry;
using AgentIdentity.Registry.Sequencing;
using AgentIdentity.Registry.Witnessing;
using AgentIdentity.Server.Grpc;
using AgentIdentity.Server.Hosting;

namespace AgentIdentity.Server.Http;

/// <summary>This registry as a witness of others (C2SP tlog-witness): submission and monitoring prefix are both /witness.</summary>
internal static class WitnessEndpoints
{
    private const string TextType = "text/plain; charset=utf-8";
    private const string SizeType = "text/x.tlog.size";
    private const string NoRoom = "there is no room to remember it\n";

    // Nobody is known here: what strangers can take of memory and of the store is this much at a time, and no longer than that.
    private const int AtOnceMax = 4;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public static void Map(IEndpointRouteBuilder routes, RegistryNode registry)
    {
        var witness = registry.Witness;
        var slots = new SemaphoreSlim(AtOnceMax);
        if (witness.HasLogs)
            routes.MapPost("/witness/add-checkpoint", context => AddAsync(context, registry, slots)).WithMetadata(new ServedOn(Listeners.Http));
        routes.MapGet("/witness/key", () => registry.State.IsBootstrapped ? Key(witness) : Results.NotFound()).WithMetadata(new ServedOn(Listeners.Http));
        routes.MapGet("/witness/{originHash}/checkpoint", (string originHash) => witness.LastOf(originHash) is { } note ? Results.Bytes(note, TextType) : Results.NotFound())
            .WithMetadata(new ServedOn(Listeners.Http));
    }

    private static IResult Key(LogWitness witness)
    {
        try
        {
            return Results.Text(witness.Vkey + "\n", TextType);
        }
        catch (StoreFullException)
        {
            return Results.Text(NoRoom, TextType, statusCode: StatusCodes.Status503ServiceUnavailable);
        }
    }

    private static async Task AddAsync(HttpContext context, RegistryNode registry, SemaphoreSlim slots)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        patience.CancelAfter(Patience);
        if (!registry.State.IsBootstrapped || !registry.Witness.IsInService || !await slots.WaitAsync(Patience, context.RequestAborted))
        {
            await AnswerAsync(context, StatusCodes.Status503ServiceUnavailable, TextType, "this witness is out of service, or too many ask at once\n");
            return;
        }
        try
        {
            var body = new byte[WitnessRequest.BytesMax + 1];
            var length = await context.Request.Body.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, patience.Token);
            await AnswerAsync(context, registry.Witness.Add(body.AsSpan(0, length)));
        }
        catch (StoreFullException)
        {
            await AnswerAsync(context, StatusCodes.Status503ServiceUnavailable, TextType, NoRoom);
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested)
        {
            context.Abort();
        }
        finally
        {
            slots.Release();
        }
    }

    private static Task AnswerAsync(HttpContext context, WitnessAnswer answer) => answer switch
    {
        { Cosignature: { } cosignature } => AnswerAsync(context, StatusCodes.Status200OK, TextType, cosignature + "\n"),
        { Refusal: WitnessRefusal.OtherOldSize } => AnswerAsync(context, StatusCodes.Status409Conflict, SizeType, answer.Last + "\n"),
        _ => AnswerAsync(context, (int)answer.Refusal, TextType, Sentence(answer.Refusal)),
    };

    private static string Sentence(WitnessRefusal refusal) => refusal switch
    {
        WitnessRefusal.Malformed => "that is no request to cosign\n",
        WitnessRefusal.NotSigned => "no trusted key of this log has signed the checkpoint\n",
        WitnessRefusal.UnknownLog => "this witness does not watch that log\n",
        WitnessRefusal.Inconsistent => "the checkpoint does not go on from the one that was cosigned last\n",
        _ => throw new ArgumentOutOfRangeException(nameof(refusal), refusal, "A refusal without a sentence."),
    };

    private static Task AnswerAsync(HttpContext context, int status, string type, string text)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = type;
        return context.Response.WriteAsync(text);
    }
}
