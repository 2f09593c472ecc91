using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using AgentIdentity.Registry.Keys;

namespace AgentIdentity.Storage.Keys.Pkcs11;

/// <summary>
/// A module's function list (CK_FUNCTION_LIST of PKCS #11 v2.40): the calls that the registry's keys need, each of which throws by name when the module does not answer CKR_OK. Safe for all
/// threads, since the module is told to lock by the system's means.
/// </summary>
/// <remarks>A module is opened once for the process and stays, like any library: ended under one user's feet it would be ended for all.</remarks>
internal sealed unsafe class Module
{
    private const nuint LockByTheSystem = 2, SerialSession = 4, WritableSession = 2, User = 1;
    private const int TokenInfoSize = 512, TokenLabelSize = 32, FoundMax = 2;

    private static readonly ConcurrentDictionary<string, Lazy<Module>> Opened = new(StringComparer.Ordinal);

    private readonly string _name;
    private readonly nint* _functions;

    /// <summary>For a list that lies in memory.</summary>
    internal Module(string name, nint list)
    {
        _name = name;
        if (list == 0 || *(byte*)list is not (2 or 3))
            throw new KeysRefusedException($"{name} is no PKCS#11 module of version 2 or 3.");
        // The version's two bytes are padded to a pointer.
        _functions = (nint*)list + 1;
    }

    /// <summary>The module in a file.</summary>
    /// <exception cref="KeysRefusedException">It is none, or does not start.</exception>
    public static Module Open(string file) => Opened.GetOrAdd(Path.GetFullPath(file), static path => new Lazy<Module>(() => Load(path))).Value;

    private static Module Load(string path)
    {
        // On Windows unsigned long is narrower than a pointer, and structures are packed.
        if (OperatingSystem.IsWindows())
            throw new KeysRefusedException("Keys in a PKCS#11 token are served on Linux and macOS only.");
        if (!NativeLibrary.TryLoad(path, out var library))
            throw new KeysRefusedException($"The PKCS#11 module {path} cannot be loaded: name the token's library with --pkcs11-module.");
        if (!NativeLibrary.TryGetExport(library, "C_GetFunctionList", out var getList))
            throw new KeysRefusedException($"{path} is no PKCS#11 module: it has no C_GetFunctionList.");
        nint list = 0;
        var answer = (ReturnValue)((delegate* unmanaged<nint*, nuint>)getList)(&list);
        var module = new Module(path, answer == ReturnValue.CKR_OK ? list : 0);
        module.Initialize();
        return module;
    }

    /// <summary>The slot of the token with this label.</summary>
    public nuint FindSlot(string label)
    {
        nuint count = 0;
        var getSlots = (delegate* unmanaged<byte, nuint*, nuint*, nuint>)_functions[4];
        Require("C_GetSlotList", getSlots(1, null, &count));
        var slots = new nuint[count];
        fixed (nuint* first = slots)
            Require("C_GetSlotList", getSlots(1, first, &count));
        var found = slots.AsSpan(0, (int)Math.Min(count, (nuint)slots.Length)).ToArray().Where(slot => LabelOf(slot) == label).ToArray();
        return found.Length == 1
            ? found[0]
            : throw new KeysRefusedException($"{_name} has {(found.Length == 0 ? "no token" : "several tokens")} labelled '{label}': put it in, or name another with --pkcs11-token.");
    }

    public nuint OpenSession(nuint slot)
    {
        nuint session;
        Require("C_OpenSession", ((delegate* unmanaged<nuint, nuint, nint, nint, nuint*, nuint>)_functions[12])(slot, SerialSession | WritableSession, 0, 0, &session));
        return session;
    }

    /// <summary>Whatever the module answers: who closes a session has no use for it any more.</summary>
    public void CloseSession(nuint session) => ((delegate* unmanaged<nuint, nuint>)_functions[13])(session);

    public void Login(nuint session, ReadOnlySpan<byte> pin)
    {
        fixed (byte* letters = pin)
        {
            var answer = ((delegate* unmanaged<nuint, nuint, byte*, nuint, nuint>)_functions[18])(session, User, letters, (nuint)pin.Length);
            // All sessions of a process share one login.
            if ((ReturnValue)answer != ReturnValue.CKR_USER_ALREADY_LOGGED_IN)
                Require("C_Login", answer);
        }
    }

    public void Destroy(nuint session, nuint key) => Require("C_DestroyObject", ((delegate* unmanaged<nuint, nuint, nuint>)_functions[22])(session, key));

    public void Read(nuint session, nuint key, Template wanted) =>
        Require("C_GetAttributeValue", ((delegate* unmanaged<nuint, nuint, nint, nuint, nuint>)_functions[24])(session, key, wanted.Address, wanted.Count));

    public void Change(nuint session, nuint key, Template changed) =>
        Require("C_SetAttributeValue", ((delegate* unmanaged<nuint, nuint, nint, nuint, nuint>)_functions[25])(session, key, changed.Address, changed.Count));

    /// <summary>The objects that have these attributes, of which there should be one: two at most.</summary>
    public nuint[] Find(nuint session, Template wanted)
    {
        Require("C_FindObjectsInit", ((delegate* unmanaged<nuint, nint, nuint, nuint>)_functions[26])(session, wanted.Address, wanted.Count));
        var found = stackalloc nuint[FoundMax];
        nuint count = 0;
        var answer = ((delegate* unmanaged<nuint, nuint*, nuint, nuint*, nuint>)_functions[27])(session, found, FoundMax, &count);
        Require("C_FindObjectsFinal", ((delegate* unmanaged<nuint, nuint>)_functions[28])(session));
        Require("C_FindObjects", answer);
        return new ReadOnlySpan<nuint>(found, (int)Math.Min(count, FoundMax)).ToArray();
    }

    /// <summary>Signs, or computes a MAC, of just the length of <paramref name="signature"/>.</summary>
    public void Sign(nuint session, nuint key, nuint mechanism, ReadOnlySpan<byte> data, Span<byte> signature)
    {
        var length = (nuint)signature.Length;
        // Modules take no data that is nowhere, even if it has no length.
        byte nothing = 0;
        fixed (byte* input = data, output = signature)
        {
            var how = new Mechanism { Kind = mechanism };
            Require("C_SignInit", ((delegate* unmanaged<nuint, Mechanism*, nuint, nuint>)_functions[42])(session, &how, key));
            Require("C_Sign", ((delegate* unmanaged<nuint, byte*, nuint, byte*, nuint*, nuint>)_functions[43])(session, data.IsEmpty ? &nothing : input, (nuint)data.Length, output, &length));
        }
        if (length != (nuint)signature.Length)
            throw new KeysRefusedException($"{_name} answers C_Sign with {length} bytes, where {signature.Length} are expected.");
    }

    public nuint GenerateSecret(nuint session, nuint mechanism, Template secret)
    {
        nuint key;
        var how = new Mechanism { Kind = mechanism };
        Require("C_GenerateKey", ((delegate* unmanaged<nuint, Mechanism*, nint, nuint, nuint*, nuint>)_functions[58])(session, &how, secret.Address, secret.Count, &key));
        return key;
    }

    public (nuint Public, nuint Private) GeneratePair(nuint session, nuint mechanism, Template publicHalf, Template privateHalf)
    {
        nuint publicKey, privateKey;
        var how = new Mechanism { Kind = mechanism };
        Require("C_GenerateKeyPair", ((delegate* unmanaged<nuint, Mechanism*, nint, nuint, nint, nuint, nuint*, nuint*, nuint>)_functions[59])(
            session, &how, publicHalf.Address, publicHalf.Count, privateHalf.Address, privateHalf.Count, &publicKey, &privateKey));
        return (publicKey, privateKey);
    }

    private void Initialize()
    {
        var how = new InitializeArguments { Flags = LockByTheSystem };
        var answer = ((delegate* unmanaged<InitializeArguments*, nuint>)_functions[0])(&how);
        if ((ReturnValue)answer != ReturnValue.CKR_CRYPTOKI_ALREADY_INITIALIZED)
            Require("C_Initialize", answer);
    }

    private string LabelOf(nuint slot)
    {
        // It begins with the label, padded with blanks.
        var info = stackalloc byte[TokenInfoSize];
        var answer = ((delegate* unmanaged<nuint, byte*, nuint>)_functions[6])(slot, info);
        return (ReturnValue)answer == ReturnValue.CKR_OK ? System.Text.Encoding.UTF8.GetString(info, TokenLabelSize).TrimEnd(' ', '\0') : "";
    }

    private void Require(string function, nuint answer)
    {
        if ((ReturnValue)answer != ReturnValue.CKR_OK)
            throw new KeysRefusedException($"{_name} answers {function} with {(ReturnValue)answer}{Advice((ReturnValue)answer)}");
    }

    private static string Advice(ReturnValue answer) => answer switch
    {
        ReturnValue.CKR_PIN_INCORRECT => ": the PIN in the file of --pkcs11-pin-file is wrong; do not try often, or the token locks it.",
        ReturnValue.CKR_PIN_LOCKED => ": the PIN was wrong too often; the token's security officer sets a new one.",
        ReturnValue.CKR_DEVICE_REMOVED or ReturnValue.CKR_TOKEN_NOT_PRESENT or ReturnValue.CKR_SESSION_HANDLE_INVALID or ReturnValue.CKR_SESSION_CLOSED or ReturnValue.CKR_DEVICE_ERROR => ": the token is lost; bring it back and start the server again.",
        ReturnValue.CKR_MECHANISM_INVALID => ": the token cannot sign as the registry must (P-256, Ed25519, HMAC-SHA-512); use another, or key files.",
        _ => ".",
    };

    [StructLayout(LayoutKind.Sequential)]
    private struct Mechanism
    {
        public nuint Kind;
        public nint Parameter;
        public nuint ParameterLength;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct InitializeArguments
    {
        public nint CreateMutex, DestroyMutex, LockMutex, UnlockMutex;
        public nuint Flags;
        public nint Reserved;
    }
}
