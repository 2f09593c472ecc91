using System.Text.Json;
using System.Text.Json.Serialization;

namespace AgentIdentity.Client.Enforcing;

/// <summary>The enforcer's folder: one file, replaced as a whole. One process has it at a time.</summary>
internal sealed class EnforcerMemory : IDisposable
{
    private static readonly JsonSerializerOptions Form = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectRequiredConstructorParameters = true,
        RespectNullableAnnotations = true,
    };

    private readonly string _file;
    private readonly FileStream _turn;

    /// <exception cref="IOException">Another process has the folder.</exception>
    public EnforcerMemory(string folder)
    {
        Directory.CreateDirectory(folder);
        _file = Path.Combine(folder, "enforcer");
        _turn = new FileStream(_file + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
    }

    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public EnforcerState Read()
    {
        if (!File.Exists(_file))
            return new EnforcerState();
        try
        {
            return JsonSerializer.Deserialize<EnforcerState>(File.ReadAllBytes(_file), Form) ?? throw Damaged("it holds nothing.");
        }
        catch (JsonException problem)
        {
            throw Damaged(problem.Message);
        }
    }

    public InvalidDataException Damaged(string problem) => new($"{_file} is damaged: {problem} Remove it only if you know why it changed: the enforcer then forgets whom it refused, and whom it trusts.");

    /// <summary>Durable when it returns.</summary>
    public void Write(EnforcerState state) => DurableFile.Replace(_file, JsonSerializer.SerializeToUtf8Bytes(state, Form));

    public void Dispose() => _turn.Dispose();
}
