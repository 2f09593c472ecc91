using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using AgentIdentity.Ledger;

namespace AgentIdentity.Server.Tests.Kills;

/// <summary>A server as the witness that forked logs ask.</summary>
internal sealed class AskedProcess(string url, NoteVerifierKey key) : IDisposable
{
    private readonly HttpClient _http = new();

    /// <summary>Asks in the name of one history, on and on, until the server is gone.</summary>
    public async Task RaceAsync(ForkedLog log, int history, Random chance)
    {
        var known = default(TreeSize);
        while (true)
        {
            var next = new TreeSize(Math.Min(known.Value + (ulong)chance.Next(1, 4), ForkedLog.Raced));
            var (status, last) = await AskAsync(log, history, known, next);
            Assert.Contains(status, (HttpStatusCode[])[HttpStatusCode.OK, HttpStatusCode.Conflict, HttpStatusCode.UnprocessableEntity]);
            known = last ?? known;
        }
    }

    /// <summary>Asks once. Gives the size at which the witness stands then, if it says so.</summary>
    public async Task<(HttpStatusCode Status, TreeSize? Last)> AskAsync(ForkedLog log, int history, TreeSize old, TreeSize size)
    {
        var request = log.Request(history, old, size);
        using var response = await _http.PostAsync($"{url}/witness/add-checkpoint", new ByteArrayContent(request.ToArray()));
        var body = await response.Content.ReadAsStringAsync();
        if (response.StatusCode == HttpStatusCode.Conflict)
            return (response.StatusCode, new TreeSize(ulong.Parse(body, CultureInfo.InvariantCulture)));
        if (response.StatusCode != HttpStatusCode.OK)
            return (response.StatusCode, null);
        Assert.True(SignedNote.TryParse([.. request.Note.Text.Span, (byte)'\n', .. Encoding.UTF8.GetBytes(body)], out var note, out _));
        Assert.Equal(NoteRefusal.None, note.Verify(key));
        log.Cosigned.Enqueue(request.Checkpoint);
        return (response.StatusCode, size);
    }

    /// <summary>What the witness shows as the last that it has cosigned.</summary>
    public async Task<Checkpoint> LatestAsync(ForkedLog log)
    {
        var originHash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(log.Verifier.Name)));
        var shown = await _http.GetByteArrayAsync($"{url}/witness/{originHash}/checkpoint");
        Assert.True(SignedNote.TryParse(shown, out var note, out _));
        Assert.Equal(NoteRefusal.None, note.Verify(key));
        Assert.True(Checkpoint.TryOpen(shown, log.Verifier, out var checkpoint, out _));
        return checkpoint;
    }

    public void Dispose() => _http.Dispose();
}
