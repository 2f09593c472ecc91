using System.Reflection;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace AgentIdentity.Ledger;

/// <summary>
/// The calls into the system's OpenSSL, libcrypto 3: Ed25519, which .NET 10 does not have, and two that cost more through the class library:
/// SHA-256 of short inputs (several times as much) and verifying with P-256 keys. Read <see cref="IsAvailable"/> before any call: reading it loads the library.
/// </summary>
internal static partial class LibCrypto
{
    private const string Name = "libcrypto";
    private const ulong InitNoAtExit = 0x0008_0000;

    /// <summary>EVP_PKEY_ED25519, the object number of the algorithm.</summary>
    internal const int KeyTypeEd25519 = 1087;

    private static readonly nint Library = Load();

    /// <summary>Whether the library was found.</summary>
    internal static bool IsAvailable => Library != 0;

    private static nint Load()
    {
        NativeLibrary.SetDllImportResolver(typeof(LibCrypto).Assembly, (name, _, _) => name == Name ? Library : 0);
        string[] fileNames = OperatingSystem.IsWindows() ? ["libcrypto-3-x64.dll", "libcrypto-3-arm64.dll", "libcrypto-3.dll"]
            : OperatingSystem.IsMacOS() ? ["libcrypto.3.dylib", "/opt/homebrew/opt/openssl@3/lib/libcrypto.3.dylib", "/usr/local/opt/openssl@3/lib/libcrypto.3.dylib"]
            : ["libcrypto.so.3"];
        foreach (var fileName in fileNames)
        {
            if (NativeLibrary.TryLoad(fileName, Assembly.GetExecutingAssembly(), null, out var library))
                return KeepUsableUntilExit(library);
        }
        return 0;
    }

    // Left to itself, OpenSSL frees its tables in an exit handler, under the feet of threads that still run then.
    // Whoever initialises it first decides; .NET's own layer decides the same.
    private static unsafe nint KeepUsableUntilExit(nint library)
    {
        var init = (delegate* unmanaged<ulong, nint, int>)NativeLibrary.GetExport(library, "OPENSSL_init_crypto");
        return init(InitNoAtExit, 0) == 1 ? library : 0;
    }

    /// <summary>SHA256_CTX, whose layout is part of OpenSSL's binary interface: 112 bytes, 4-aligned.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 112, Pack = 8)]
    internal struct Sha256Context;

    // Each of these takes well below a microsecond for the lengths that Sha256 passes, and neither blocks nor calls back,
    // which is what leaving out the switch of the garbage collector's mode demands.
    [LibraryImport(Name), SuppressGCTransition]
    internal static unsafe partial int SHA256_Init(Sha256Context* context);

    [LibraryImport(Name, EntryPoint = "SHA256_Update"), SuppressGCTransition]
    internal static unsafe partial int SHA256_UpdateShort(Sha256Context* context, byte* data, nuint length);

    [LibraryImport(Name)]
    internal static unsafe partial int SHA256_Update(Sha256Context* context, byte* data, nuint length);

    [LibraryImport(Name), SuppressGCTransition]
    internal static unsafe partial int SHA256_Final(byte* hash, Sha256Context* context);

    [LibraryImport(Name)]
    internal static partial EvpKey EVP_PKEY_new_raw_private_key(int type, nint engine, ReadOnlySpan<byte> key, nuint length);

    [LibraryImport(Name)]
    internal static partial EvpKey EVP_PKEY_new_raw_public_key(int type, nint engine, ReadOnlySpan<byte> key, nuint length);

    [LibraryImport(Name)]
    internal static partial int EVP_PKEY_get_raw_private_key(EvpKey key, Span<byte> bytes, ref nuint length);

    [LibraryImport(Name)]
    internal static partial int EVP_PKEY_get_raw_public_key(EvpKey key, Span<byte> bytes, ref nuint length);

    [LibraryImport(Name)]
    internal static partial void EVP_PKEY_free(nint key);

    [LibraryImport(Name)]
    internal static partial EvpKey EVP_PKEY_new();

    [LibraryImport(Name)]
    internal static partial int EVP_PKEY_copy_parameters(EvpKey to, EvpKey from);

    [LibraryImport(Name)]
    internal static partial int EVP_PKEY_set1_encoded_public_key(EvpKey key, ReadOnlySpan<byte> point, nuint length);

    [LibraryImport(Name)]
    internal static partial EvpKeyContext EVP_PKEY_CTX_new(EvpKey key, nint engine);

    [LibraryImport(Name)]
    internal static partial void EVP_PKEY_CTX_free(nint context);

    [LibraryImport(Name)]
    internal static partial int EVP_PKEY_verify_init(EvpKeyContext context);

    [LibraryImport(Name)]
    internal static partial int EVP_PKEY_verify(EvpKeyContext context, ReadOnlySpan<byte> signature, nuint signatureLength, ReadOnlySpan<byte> hash, nuint hashLength);

    /// <summary>Reads a DER SubjectPublicKeyInfo.</summary>
    internal static unsafe EvpKey ReadPublicKey(ReadOnlySpan<byte> der)
    {
        fixed (byte* start = der)
        {
            var at = start;
            return d2i_PUBKEY(0, &at, new CLong(der.Length));
        }
    }

    [LibraryImport(Name)]
    private static unsafe partial EvpKey d2i_PUBKEY(nint reused, byte** der, CLong length);

    [LibraryImport(Name)]
    internal static partial EvpDigestContext EVP_MD_CTX_new();

    [LibraryImport(Name)]
    internal static partial void EVP_MD_CTX_free(nint context);

    [LibraryImport(Name)]
    internal static partial int EVP_DigestSignInit(EvpDigestContext context, nint keyContext, nint digest, nint engine, EvpKey key);

    [LibraryImport(Name)]
    internal static partial int EVP_DigestSign(
        EvpDigestContext context, Span<byte> signature, ref nuint signatureLength, ReadOnlySpan<byte> message, nuint messageLength);

    [LibraryImport(Name)]
    internal static partial int EVP_DigestVerifyInit(EvpDigestContext context, nint keyContext, nint digest, nint engine, EvpKey key);

    [LibraryImport(Name)]
    internal static partial int EVP_DigestVerify(
        EvpDigestContext context, ReadOnlySpan<byte> signature, nuint signatureLength, ReadOnlySpan<byte> message, nuint messageLength);

    /// <summary>An EVP_PKEY. OpenSSL allows its use by several threads at once, and wipes a private key when it is freed.</summary>
    internal sealed class EvpKey() : SafeHandleZeroOrMinusOneIsInvalid(ownsHandle: true)
    {
        protected override bool ReleaseHandle()
        {
            EVP_PKEY_free(handle);
            return true;
        }
    }

    /// <summary>An EVP_MD_CTX: one signing or verification.</summary>
    internal sealed class EvpDigestContext() : SafeHandleZeroOrMinusOneIsInvalid(ownsHandle: true)
    {
        protected override bool ReleaseHandle()
        {
            EVP_MD_CTX_free(handle);
            return true;
        }
    }

    /// <summary>An EVP_PKEY_CTX: one verification.</summary>
    internal sealed class EvpKeyContext() : SafeHandleZeroOrMinusOneIsInvalid(ownsHandle: true)
    {
        protected override bool ReleaseHandle()
        {
            EVP_PKEY_CTX_free(handle);
            return true;
        }
    }
}
