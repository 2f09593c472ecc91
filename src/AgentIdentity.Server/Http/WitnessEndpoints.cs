using AgentIdentity.Ledger;
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

    public static void Map(IEndpointRouteBuilder routes, LogWitness witness)
    {
        routes.MapPost("/witness/add-checkpoint", context => AddAsync(context, witness)).WithMetadata(new ServedOn(Listeners.Http));
        routes.MapGet("/witness/key", () => Results.Text(witness.Vkey + "\n", TextType)).WithMetadata(new ServedOn(Listeners.Http));
        routes.MapGet("/witness/{originHash}/checkpoint", (string originHash) => witness.LastOf(originHash) is { } note ? Results.Bytes(note, TextType) : Results.NotFound())
            .WithMetadata(new ServedOn(Listeners.Http));
    }

    private static async Task AddAsync(HttpContext context, LogWitness witness)
    {
        if (!witness.IsInService)
        {
            await AnswerAsync(context, StatusCodes.Status503ServiceUnavailable, TextType, "this witness is out of service\n");
            return;
        }
        var body = new byte[WitnessRequest.BytesMax + 1];
        var length = await context.Request.Body.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, context.RequestAborted);
        try
        {
            await AnswerAsync(context, witness.Add(body.AsSpan(0, length)));
        }
        catch (StoreFullException)
        {
            await AnswerAsync(context, StatusCodes.Status503ServiceUnavailable, TextType, "there is no room to remember it\n");
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
