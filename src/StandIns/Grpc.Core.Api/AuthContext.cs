using System.Text;

namespace Grpc.Core;

/// <summary>What a transport knows about the peer of a call.</summary>
/// <param name="peerIdentityPropertyName">The property that identifies the peer; null when the peer did not show who it is.</param>
/// <param name="properties">All properties by name.</param>
public class AuthContext(string? peerIdentityPropertyName, Dictionary<string, List<AuthProperty>> properties)
{
    private readonly Dictionary<string, List<AuthProperty>> properties = properties ?? throw new ArgumentNullException(nameof(properties));

    /// <summary>Whether the peer showed who it is.</summary>
    public bool IsPeerAuthenticated => PeerIdentityPropertyName is not null;

    /// <summary>The property that identifies the peer; null when the peer did not show who it is.</summary>
    public string? PeerIdentityPropertyName { get; } = peerIdentityPropertyName;

    /// <summary>The properties that identify the peer.</summary>
    public IEnumerable<AuthProperty> PeerIdentity => PeerIdentityPropertyName is null ? [] : properties[PeerIdentityPropertyName];

    /// <summary>All properties.</summary>
    public IEnumerable<AuthProperty> Properties => properties.Values.SelectMany(values => values);

    /// <summary>The properties of a name.</summary>
    /// <param name="propertyName">The name.</param>
    /// <returns>The properties, or none.</returns>
    public IEnumerable<AuthProperty> FindPropertiesByName(string propertyName) => properties.TryGetValue(propertyName, out var found) ? found : [];
}

/// <summary>One fact about a peer; it never changes.</summary>
public class AuthProperty
{
    private readonly byte[] valueBytes;

    private AuthProperty(string name, byte[] valueBytes)
    {
        Name = name;
        this.valueBytes = valueBytes;
        Value = Encoding.UTF8.GetString(valueBytes);
    }

    /// <summary>The name.</summary>
    public string Name { get; }

    /// <summary>The value as UTF-8 text.</summary>
    public string Value { get; }

    /// <summary>A copy of the value's bytes.</summary>
    public byte[] ValueBytes => [.. valueBytes];

    /// <summary>A property.</summary>
    /// <param name="name">The name.</param>
    /// <param name="valueBytes">The value, copied.</param>
    /// <returns>The property.</returns>
    public static AuthProperty Create(string name, byte[] valueBytes)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(valueBytes);
        return new AuthProperty(name, [.. valueBytes]);
    }
}
