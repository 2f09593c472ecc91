using System.Runtime.InteropServices;

namespace AgentIdentity.Client.Enforcing;

/// <summary>A clock that nobody can set and that goes on while the machine sleeps: leases run on it. Those of the class library stop then.</summary>
internal abstract partial class BootClock
{
    /// <summary>The system's.</summary>
    public static BootClock System { get; } = OperatingSystem.IsWindows() ? new TickCount() : new PosixClock();

    /// <summary>Ms since some moment before the process started.</summary>
    public abstract long Milliseconds { get; }

    private sealed class TickCount : BootClock
    {
        // Windows counts the time that it slept here.
        public override long Milliseconds => Environment.TickCount64;
    }

    private sealed partial class PosixClock : BootClock
    {
        // CLOCK_BOOTTIME of Linux; what other systems call CLOCK_MONOTONIC (6 on macOS) counts sleep as well.
        private static readonly int Id = OperatingSystem.IsLinux() ? 7 : 6;

        public override long Milliseconds => GetTime(Id, out var time) == 0
            ? (time.Seconds * 1000) + (time.Nanoseconds / 1_000_000)
            : throw new InvalidOperationException($"The system has no clock {Id}, and no lease can be kept without one.");

        // It takes some 20 ns and never waits, so the garbage collector need not be told.
        [SuppressGCTransition]
        [LibraryImport("libc", EntryPoint = "clock_gettime")]
        private static partial int GetTime(int clock, out TimeSpec time);
    }

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct TimeSpec
    {
        public readonly long Seconds;
        public readonly long Nanoseconds;
    }
}
