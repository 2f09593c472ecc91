using AgentIdentity.Server.Options;

namespace AgentIdentity.Server.Maintenance;

/// <summary>What a verb was given on the command line; the folder may stand in the environment, as for the server.</summary>
internal sealed class VerbArguments
{
    private readonly List<KeyValuePair<string, string>> _given = [];
    private readonly Func<string, string?> _environment;

    /// <exception cref="OptionsRefusedException">An option is unknown, or lacks its value.</exception>
    public VerbArguments(Verb verb, IEnumerable<string> arguments, Func<string, string?> environment)
    {
        _environment = environment;
        using var rest = arguments.GetEnumerator();
        while (rest.MoveNext())
        {
            var equals = rest.Current.IndexOf('=', StringComparison.Ordinal);
            var name = equals < 0 ? rest.Current : rest.Current[..equals];
            if (verb.Switches.Contains(name) && equals < 0)
                _given.Add(new(name, "true"));
            else if (!verb.ValueOptions.Contains(name))
                throw new OptionsRefusedException($"{verb.Name} has no option {rest.Current}: {verb.Name} {verb.Usage}");
            else if (equals >= 0)
                _given.Add(new(name, rest.Current[(equals + 1)..]));
            else
                _given.Add(new(name, rest.MoveNext() ? rest.Current : throw new OptionsRefusedException($"{name} needs a value: {verb.Name} {verb.Usage}")));
        }
    }

    public bool Has(string name) => _given.Exists(option => option.Key == name);

    public IReadOnlyList<string> All(string name) => [.. _given.Where(option => option.Key == name).Select(option => option.Value)];

    public string? Find(string name) =>
        All(name) is [.., var last] ? last : _environment("AGENTIDENTITY_" + name[2..].Replace('-', '_').ToUpperInvariant()) is { Length: > 0 } value ? value : null;

    public string Require(string name) => Find(name) ?? throw new OptionsRefusedException($"{name} is missing.");
}
