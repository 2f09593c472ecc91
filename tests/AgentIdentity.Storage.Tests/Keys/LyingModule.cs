using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using AgentIdentity.Storage.Keys.Pkcs11;
using AgentIdentity.Tests.Tokens;

namespace AgentIdentity.Storage.Tests.Keys;

/// <summary>SoftHSM2's function list with another C_Sign.</summary>
internal static unsafe class LyingModule
{
    // The version, and 68 functions.
    private const int Words = 69;
    private const int Sign = 1 + 43;

    /// <summary>Signs with zeros.</summary>
    public static Module OfZeros() => With((nint)(delegate* unmanaged[Cdecl]<nuint, byte*, nuint, byte*, nuint*, nuint>)&SignZeros);

    /// <summary>Says that there are more bytes than there is room for.</summary>
    public static Module OfTooManyBytes() => With((nint)(delegate* unmanaged[Cdecl]<nuint, byte*, nuint, byte*, nuint*, nuint>)&SignTooMuch);

    /// <summary>Was pulled out.</summary>
    public static Module Removed() => With((nint)(delegate* unmanaged[Cdecl]<nuint, byte*, nuint, byte*, nuint*, nuint>)&SayRemoved);

    /// <summary>Of a version that nobody knows.</summary>
    public static nint ListOfVersion(byte major)
    {
        var list = (nint*)NativeMemory.AllocZeroed(Words, (nuint)sizeof(nint));
        *(byte*)list = major;
        return (nint)list;
    }

    private static Module With(nint sign)
    {
        // Has it started.
        Module.Open(SoftToken.Module);
        var getList = (delegate* unmanaged[Cdecl]<nint*, nuint>)NativeLibrary.GetExport(NativeLibrary.Load(SoftToken.Module), "C_GetFunctionList");
        nint genuine;
        Assert.Equal((nuint)0, getList(&genuine));
        var list = (nint*)NativeMemory.Alloc(Words, (nuint)sizeof(nint));
        new ReadOnlySpan<nint>((void*)genuine, Words).CopyTo(new Span<nint>(list, Words));
        list[Sign] = sign;
        return new Module("a lying module", (nint)list);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nuint SignZeros(nuint session, byte* data, nuint length, byte* signature, nuint* signatureLength)
    {
        new Span<byte>(signature, (int)*signatureLength).Clear();
        return (nuint)ReturnValue.CKR_OK;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nuint SignTooMuch(nuint session, byte* data, nuint length, byte* signature, nuint* signatureLength)
    {
        *signatureLength = 1 << 20;
        return (nuint)ReturnValue.CKR_OK;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nuint SayRemoved(nuint session, byte* data, nuint length, byte* signature, nuint* signatureLength) => (nuint)ReturnValue.CKR_DEVICE_REMOVED;
}
