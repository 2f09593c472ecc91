using System.Runtime.InteropServices;
using System.Text;

namespace AgentIdentity.Storage.Keys.Pkcs11;

/// <summary>CK_ATTRIBUTE, where <c>unsigned long</c> is as wide as a pointer.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TokenAttribute
{
    public nuint Type;
    public nint Value;
    public nuint Length;
}

/// <summary>Attributes of an object in a token, in memory that stays where it is for as long as this lives.</summary>
internal sealed class Template
{
    // Numbers of PKCS #11.
    public const nuint Class = 0x0, Token = 0x1, Private = 0x2, Label = 0x3, KeyType = 0x100, Id = 0x102, Sensitive = 0x103, Sign = 0x108, Verify = 0x10a,
        ValueLength = 0x161, Extractable = 0x162, CurveParameters = 0x180, Point = 0x181;

    public const nuint PublicKeyClass = 2, PrivateKeyClass = 3, SecretKeyClass = 4;

    private readonly List<byte[]> _values = [];
    private TokenAttribute[] _attributes = [];

    public Template Add(nuint type, bool value) => Add(type, [value ? (byte)1 : (byte)0]);

    public Template Add(nuint type, string value) => Add(type, Encoding.ASCII.GetBytes(value));

    public Template Add(nuint type, nuint number) => Add(type, MemoryMarshal.AsBytes(new ReadOnlySpan<nuint>(in number)));

    public unsafe Template Add(nuint type, ReadOnlySpan<byte> value)
    {
        var pinned = GC.AllocateArray<byte>(value.Length, pinned: true);
        value.CopyTo(pinned);
        _values.Add(pinned);
        var attributes = GC.AllocateArray<TokenAttribute>(_values.Count, pinned: true);
        _attributes.CopyTo(attributes, 0);
        attributes[^1] = new TokenAttribute { Type = type, Value = (nint)Marshal.UnsafeAddrOfPinnedArrayElement(pinned, 0), Length = (nuint)value.Length };
        _attributes = attributes;
        return this;
    }

    public nint Address => Marshal.UnsafeAddrOfPinnedArrayElement(_attributes, 0);

    public nuint Count => (nuint)_attributes.Length;

    /// <summary>What a call has written into the attribute that was added at that place; null when it is not to be had, or does not fit.</summary>
    public byte[]? ValueAt(int place) => _attributes[place].Length <= (nuint)_values[place].Length ? _values[place][..(int)_attributes[place].Length] : null;
}
