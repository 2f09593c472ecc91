using Google.Protobuf.Reflection;

namespace AgentIdentity.Server.Grpc;

/// <summary>Finds proto files by their name and by what they define.</summary>
internal sealed class DescriptorIndex
{
    private readonly Dictionary<string, FileDescriptor> byName;
    private readonly Dictionary<string, FileDescriptor> bySymbol;

    /// <param name="files">The files whose services are served; what they import is found too.</param>
    public DescriptorIndex(IEnumerable<FileDescriptor> files)
    {
        var served = files.ToList();
        Services = [.. served.SelectMany(file => file.Services).Select(service => service.FullName).Distinct().Order(StringComparer.Ordinal)];
        byName = served.SelectMany(WithImports).DistinctBy(file => file.Name).ToDictionary(file => file.Name);
        bySymbol = byName.Values.SelectMany(file => Symbols(file).Select(symbol => (symbol, file))).ToDictionary();
    }

    public IReadOnlyList<string> Services { get; }

    public FileDescriptor? FileNamed(string name) => byName.GetValueOrDefault(name);

    public FileDescriptor? FileDefining(string symbol) => bySymbol.GetValueOrDefault(symbol);

    /// <summary>A file after all that it imports, so that a reader can link each as it comes.</summary>
    public static IEnumerable<FileDescriptor> WithImports(FileDescriptor file) =>
        file.Dependencies.SelectMany(WithImports).Append(file).DistinctBy(found => found.Name);

    private static IEnumerable<string> Symbols(FileDescriptor file) =>
    [
        .. file.Services.SelectMany(service => service.Methods.Select(method => method.FullName).Prepend(service.FullName)),
        .. file.MessageTypes.SelectMany(Symbols),
        .. file.EnumTypes.Select(type => type.FullName),
    ];

    private static IEnumerable<string> Symbols(MessageDescriptor message) =>
        [message.FullName, .. message.NestedTypes.SelectMany(Symbols), .. message.EnumTypes.Select(type => type.FullName)];
}
