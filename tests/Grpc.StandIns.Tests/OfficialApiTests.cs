using Grpc.Core;
using Grpc.Net.Compression;

namespace Grpc.StandIns.Tests;

/// <summary>
/// The stand-ins offer what the official assemblies offer, to the last parameter's name. The lists were read, with the same code, from assemblies compiled from grpc/grpc-dotnet (commit 91c8faf2), of whose
/// interface these are facts; what is left out on purpose (src/StandIns/README.md) is not in them.
/// </summary>
public sealed class OfficialApiTests
{
    [Theory]
    [InlineData(typeof(Metadata))]
    [InlineData(typeof(ICompressionProvider))]
    public void The_public_surface_is_the_official_one(Type known)
    {
        var official = File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, $"{known.Assembly.GetName().Name}.official.txt"));
        var ours = ApiText.Of(known.Assembly).ToArray();
        Assert.Equal(("", ""), (string.Join('\n', official.Except(ours)), string.Join('\n', ours.Except(official))));
    }
}
