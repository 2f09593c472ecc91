using System.Diagnostics;
using System.Text;
using AgentIdentity.Credentials.Dids;
using AgentIdentity.Credentials.Json;

namespace AgentIdentity.Benchmarks.Questions;

/// <summary>How many embedded proofs does a second of processor verify, here and in @digitalbazaar/vc (tests/interop/credentials), on the same document?</summary>
internal static class IntegrityQuestion
{
    private const string Scripts = "tests/interop/credentials";

    public static async Task AnswerAsync(TimeSpan window, int rounds)
    {
        var signed = await NodeAsync("sign");
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, signed);
        var utf8 = Encoding.UTF8.GetBytes(signed);
        for (var round = 0; round <= rounds; round++)
        {
            var ours = Measure(utf8, window);
            var theirs = double.Parse(await NodeAsync("measure", file, $"{window.TotalSeconds}"));
            // The first one warms up.
            if (round > 0)
                Console.WriteLine($"a second of processor verifies {ours:N0} here and {theirs:N0} with @digitalbazaar/vc: {ours / theirs:N1} times as many");
        }
        File.Delete(file);
    }

    private static double Measure(byte[] utf8, TimeSpan window)
    {
        var (watch, before) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime);
        var count = 0;
        for (; watch.Elapsed < window; count++)
            Verify(utf8);
        return count / (Environment.CpuUsage.TotalTime - before).TotalSeconds;
    }

    // All of it each time: the text parsed, the key read from the name of the method, both hashes, the signature.
    private static void Verify(byte[] utf8)
    {
        if (!StrictJson.TryParse(utf8, out var document))
            throw new InvalidOperationException("The document is not strict JSON.");
        using (document)
        {
            var proof = document.RootElement.GetProperty("proof");
            if (!Multikey.TryParseMethod(proof.GetProperty("verificationMethod").GetString()!, out var key)
                || IntegrityProof.Check(document.RootElement, proof, key, IntegrityProof.AssertionMethod, TimeProvider.System.GetUtcNow()) != IntegrityRefusal.None)
                throw new InvalidOperationException("The proof does not verify.");
        }
    }

    private static async Task<string> NodeAsync(params string[] words)
    {
        var start = new ProcessStartInfo("node", [Path.Combine(Scripts, "documents.mjs"), .. words]) { RedirectStandardOutput = true };
        using var node = Process.Start(start)!;
        var output = await node.StandardOutput.ReadToEndAsync();
        await node.WaitForExitAsync();
        return node.ExitCode == 0 ? output.Trim() : throw new InvalidOperationException($"{Scripts}/documents.mjs failed: run tests/install first, and this from the top of the repository.");
    }
}
