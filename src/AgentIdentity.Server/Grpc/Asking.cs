using System.Globalization;
using AgentIdentity.Credentials.Identifiers;
using AgentIdentity.Ledger;
using AgentIdentity.Registry;
using AgentIdentity.Registry.Questions;
using Google.Protobuf;
using Grpc.Core;
using Wire = AgentIdentity.Protocol.V1;

namespace AgentIdentity.Server.Grpc;

/// <summary>The moment and the page that a question is about.</summary>
/// <param name="AsOf">The moment; a later page keeps that of the first.</param>
/// <param name="From">Where the page begins.</param>
/// <param name="Size">Its members at most.</param>
/// <param name="About">What is asked, for which alone a token of its answer is good.</param>
internal sealed record Asking(AsOf AsOf, ulong From, int Size, string About)
{
    private const int PageUsual = 100;

    public Page Page => new((int)From, Size);

    public static Asking Read(RegistryNode registry, ServerCallContext context, IMessage request, Wire.Question? question)
    {
        question ??= new Wire.Question();
        var about = PageToken.About(context.Method, request);
        var size = FromWire.PageSize(question.PageSize, PageUsual, Page.SizeMax);
        if (question.PageToken.Length > 0)
            return Continue(registry, question.PageToken, size, about);
        var asOf = question.HasAtEntry ? registry.Responding.At(new LeafIndex(question.AtEntry)).OrRefuse() : registry.Responding.Now();
        return new Asking(asOf, 0, size, about);
    }

    public Wire.Answered Answer(RegistryNode registry, ulong? next) => new()
    {
        Entry = AsOf.Entry.Value,
        Time = AsOf.At,
        NextPageToken = next is { } from ? string.Create(CultureInfo.InvariantCulture, $"{AsOf.Entry.Value}.{(AsOf.IsNow ? AsOf.At : 0)}.{from}.{About}") : "",
        At = registry.At(),
    };

    // Entry, time when it was asked about now (else 0), place, and what is asked: the second page is about the moment of the first.
    private static Asking Continue(RegistryNode registry, string token, int size, string about)
    {
        if (token.Split('.') is not [var first, var second, var third, var fourth] || fourth != about || Number(first) is not { } entry || Number(second) is not { } time || Number(third) is not { } from || from > int.MaxValue)
            throw PageToken.Foreign();
        var asOf = registry.Responding.At(new LeafIndex(entry)).OrRefuse();
        return new Asking(time == 0 ? asOf : asOf with { At = (long)Math.Max(time, (ulong)asOf.At), IsNow = true }, from, size, about);
    }

    // Below 2^53, so that neither time nor place overflows.
    private static ulong? Number(string text) =>
        text.Length is > 0 and <= 15 && !text.AsSpan().ContainsAnyExceptInRange('0', '9') ? ulong.Parse(text, CultureInfo.InvariantCulture) : null;

    public static Asked Who(RegistryNode registry, CallState call, Wire.Asked? who) => who?.ByCase switch
    {
        Wire.Asked.ByOneofCase.Agent => new AskedAgent(registry.Agent(call, who.Agent).Id),
        Wire.Asked.ByOneofCase.Key => new AskedKey(FromWire.KeyId(who.Key)),
        Wire.Asked.ByOneofCase.Credential => new AskedCredential(SubjectId.TryParse(who.Credential, out var jti) ? jti : throw CallRefusedException.Malformed("A credential is named by its jti, a lower-case UUID with hyphens.")),
        Wire.Asked.ByOneofCase.Entry when who.Entry < registry.State.Position => new AskedEntry(new LeafIndex(who.Entry)),
        Wire.Asked.ByOneofCase.Entry => throw new CallRefusedException(Credentials.Refusal.EntryUnknown, "The ledger has no such entry yet."),
        _ => throw CallRefusedException.Malformed("Somebody is asked about by agent, key, credential or entry."),
    };
}
