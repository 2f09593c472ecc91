using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using SQLitePCL;

namespace AgentIdentity.Storage.Sqlite;

/// <summary>The SQLite that this process runs: the newer one of the system's and the one that came with the package.</summary>
/// <remarks>The package's is from 2021. The system's gets its security updates from the distribution, so it also wins a tie.</remarks>
internal sealed record SqliteLibrary(int Number, string Source, nint Handle)
{
    private const string BundledName = "e_sqlite3";

    /// <summary>Chosen and bound once, before the first connection.</summary>
    public static SqliteLibrary Current { get; } = Bind();

    /// <summary>"3.40.1 (libsqlite3.so.0)".</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Number / 1_000_000}.{Number / 1_000 % 1_000}.{Number % 1_000} ({Source})");

    private static SqliteLibrary Bind()
    {
        var provider = typeof(SQLite3Provider_e_sqlite3).Assembly;
        string[] names = [OperatingSystem.IsMacOS() ? "libsqlite3.dylib" : "libsqlite3.so.0", BundledName];
        var chosen = names.Select(name => TryLoad(name, provider)).OfType<SqliteLibrary>().MaxBy(library => library.Number)
            ?? throw new DllNotFoundException("SQLite was found neither in the system nor beside the program: install libsqlite3.");
        NativeLibrary.SetDllImportResolver(provider, (name, _, _) => name == BundledName ? chosen.Handle : 0);
        raw.SetProvider(new SQLite3Provider_e_sqlite3());
        return chosen;
    }

    private static SqliteLibrary? TryLoad(string name, Assembly provider)
    {
        if (!NativeLibrary.TryLoad(name, provider, null, out var handle))
            return null;
        // Several threads use the library, each on a connection of its own; a build without any locks cannot do that.
        return Ask(handle, "sqlite3_threadsafe") == 0 ? null : new SqliteLibrary(Ask(handle, "sqlite3_libversion_number"), name, handle);
    }

    private static int Ask(nint handle, string function) =>
        Marshal.GetDelegateForFunctionPointer<AnswerNumber>(NativeLibrary.GetExport(handle, function))();

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int AnswerNumber();
}
