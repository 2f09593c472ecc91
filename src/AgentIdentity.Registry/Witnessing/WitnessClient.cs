using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using AgentIdentity.Ledger;

namespace AgentIdentity.Registry.Witnessing;

/// <summary>What a witness said to a request: its cosignature, or the size that it has cosigned, or why neither.</summary>
internal readonly record struct WitnessReply(WitnessProblem Problem, NoteSignature? Cosignature = null, TreeSize? OldSize = null);

/// <summary>Speaks tlog-witness to one witness. Nothing that it says is believed before its key has signed it.</summary>
internal sealed class WitnessClient(NoteVerifierKey key, Uri url, HttpMessageInvoker http, TimeProvider clock)
{
    private const int AnswerBytesMax = SignedNote.BytesMax;

    /// <summary>How far the time in a cosignature may be from ours.</summary>
    private static readonly TimeSpan SkewMax = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Asks it to cosign.</summary>
    public Task<WitnessReply> AddAsync(WitnessRequest request, CancellationToken cancellation) => SendAsync(
        new HttpRequestMessage(HttpMethod.Post, At("add-checkpoint")) { Content = new ByteArrayContent(request.ToArray()) },
        (status, body) => status switch
        {
            HttpStatusCode.OK => Read(request, body),
            HttpStatusCode.Conflict => ReadSize(body),
            HttpStatusCode.NotFound => new WitnessReply(WitnessProblem.UnknownLog),
            HttpStatusCode.Forbidden => new WitnessReply(WitnessProblem.NotTrusted),
            HttpStatusCode.ServiceUnavailable => new WitnessReply(WitnessProblem.OutOfService),
            HttpStatusCode.UnprocessableEntity => new WitnessReply(WitnessProblem.Inconsistent),
            _ => new WitnessReply(WitnessProblem.BadAnswer),
        },
        cancellation);

    /// <summary>What it has cosigned last of a log, not verified; empty when it has cosigned nothing, null when it does not answer that.</summary>
    public async Task<string?> LatestAsync(string origin, CancellationToken cancellation)
    {
        string? latest = null;
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(origin)));
        await SendAsync(new HttpRequestMessage(HttpMethod.Get, At(hash + "/checkpoint")), (status, body) =>
        {
            latest = status switch { HttpStatusCode.OK => Encoding.UTF8.GetString(body), HttpStatusCode.NotFound => "", _ => null };
            return default;
        }, cancellation).ConfigureAwait(false);
        return latest;
    }

    /// <summary>Whether a note has its signature, of whatever time.</summary>
    public bool HasSigned(string note) => SignedNote.TryParse(Encoding.UTF8.GetBytes(note), out var signed, out _) && signed.Verify(key) == NoteRefusal.None;

    private Uri At(string path) => new(url.AbsoluteUri.TrimEnd('/') + "/" + path);

    private async Task<WitnessReply> SendAsync(HttpRequestMessage request, Func<HttpStatusCode, byte[], WitnessReply> read, CancellationToken cancellation)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(Patience);
        try
        {
            using (request)
            {
                using var response = await http.SendAsync(request, patience.Token).ConfigureAwait(false);
                return await ReadBodyAsync(response, patience.Token).ConfigureAwait(false) is { } body
                    ? read(response.StatusCode, body)
                    : new WitnessReply(WitnessProblem.BadAnswer);
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new WitnessReply(WitnessProblem.Slow);
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException)
        {
            return new WitnessReply(WitnessProblem.Unreachable);
        }
    }

    // Null when it is longer than any answer.
    private static async Task<byte[]?> ReadBodyAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
        var body = new byte[AnswerBytesMax + 1];
        var length = await stream.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, cancellation).ConfigureAwait(false);
        return length <= AnswerBytesMax ? body[..length] : null;
    }

    // The lines are signatures of the checkpoint that was sent; those of keys that the policy does not name are nobody's.
    private WitnessReply Read(WitnessRequest request, byte[] lines)
    {
        if (!SignedNote.TryParse([.. request.Note.Text.Span, (byte)'\n', .. lines], out var note, out _))
            return new WitnessReply(WitnessProblem.BadAnswer);
        var refusal = note.Verify(key);
        if (refusal != NoteRefusal.None)
            return new WitnessReply(refusal == NoteRefusal.NoKnownSignature ? WitnessProblem.WrongKey : WitnessProblem.BadSignature);
        var cosignature = note.By(key).Signatures[0];
        return Cosignature.TryReadTime(cosignature, out var time) && (time - clock.GetUtcNow()).Duration() <= SkewMax
            ? new WitnessReply(WitnessProblem.None, cosignature)
            : new WitnessReply(WitnessProblem.WrongTime);
    }

    private static WitnessReply ReadSize(byte[] body)
    {
        var text = Encoding.Latin1.GetString(body);
        return text.EndsWith('\n') && ulong.TryParse(text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var size) && size <= TreeSize.Max.Value
            ? new WitnessReply(WitnessProblem.WrongOldSize, OldSize: new TreeSize(size))
            : new WitnessReply(WitnessProblem.BadAnswer);
    }
}
