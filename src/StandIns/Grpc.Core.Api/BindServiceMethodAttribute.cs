using System.Diagnostics.CodeAnalysis;

namespace Grpc.Core;

/// <summary>On the base class of a generated service: which static method binds it. Servers read it by reflection.</summary>
/// <param name="bindType">The type that has the method.</param>
/// <param name="bindMethodName">The method's name.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = false, Inherited = true)]
public class BindServiceMethodAttribute([DynamicallyAccessedMembers(BindServiceMethodAttribute.Kept)] Type bindType, string bindMethodName) : Attribute
{
    // The server invokes the binding method by reflection, and reflection services read the descriptor property: trimming must keep both.
    private const DynamicallyAccessedMemberTypes Kept =
        DynamicallyAccessedMemberTypes.PublicMethods | DynamicallyAccessedMemberTypes.NonPublicMethods | DynamicallyAccessedMemberTypes.PublicProperties;

    /// <summary>The type that has the method.</summary>
    [DynamicallyAccessedMembers(Kept)]
    public Type BindType { get; } = bindType;

    /// <summary>The method's name.</summary>
    public string BindMethodName { get; } = bindMethodName;
}
