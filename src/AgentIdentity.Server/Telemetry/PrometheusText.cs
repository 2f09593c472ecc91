using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Text;

namespace AgentIdentity.Server.Telemetry;

/// <summary>The meter's instruments in the text form that Prometheus reads (version 0.0.4).</summary>
/// <remarks>Series are bounded by the access table and the refusals: no label holds what a caller chose.</remarks>
internal sealed class PrometheusText : IDisposable
{
    // Seconds. A decision takes tens of microseconds, a durable write milliseconds, a wait for a checkpoint a second; a disk that stalls keeps all of them waiting for tens of seconds.
    private static readonly double[] Bounds = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60];

    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<Instrument, ConcurrentDictionary<Labels, Series>> _instruments = new();

    public PrometheusText(Meter meter)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter == meter)
                listener.EnableMeasurementEvents(instrument, _instruments.GetOrAdd(instrument, _ => new()));
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, state) => Take(instrument, value, tags, state));
        _listener.SetMeasurementEventCallback<double>(Take);
        _listener.Start();
    }

    public string Write()
    {
        _listener.RecordObservableInstruments();
        var text = new StringBuilder();
        foreach (var (instrument, series) in _instruments.OrderBy(pair => pair.Key.Name, StringComparer.Ordinal))
        {
            text.Append($"# HELP {instrument.Name} {instrument.Description}\n# TYPE {instrument.Name} {TypeOf(instrument)}\n");
            foreach (var (labels, one) in series.OrderBy(pair => pair.Key.ToString(), StringComparer.Ordinal))
                one.Write(text, instrument.Name, labels.ToString());
        }
        return text.ToString();
    }

    public void Dispose() => _listener.Dispose();

    private static void Take(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? state)
    {
        var series = ((ConcurrentDictionary<Labels, Series>)state!).GetOrAdd(Labels.Of(tags), static (_, instrument) => instrument switch
        {
            Histogram<double> => new Distribution(),
            Counter<long> => new Sum(),
            _ => new Last(),
        }, instrument);
        series.Take(value);
    }

    private static string TypeOf(Instrument instrument) => instrument switch
    {
        Histogram<double> => "histogram",
        Counter<long> or ObservableCounter<long> => "counter",
        _ => "gauge",
    };

    /// <summary>Up to two labels: as many as our instruments have.</summary>
    private readonly record struct Labels(string? Name1, string? Value1, string? Name2, string? Value2)
    {
        public static Labels Of(ReadOnlySpan<KeyValuePair<string, object?>> tags) => tags.Length switch
        {
            0 => default,
            1 => new Labels(tags[0].Key, (string?)tags[0].Value, null, null),
            2 => new Labels(tags[0].Key, (string?)tags[0].Value, tags[1].Key, (string?)tags[1].Value),
            _ => throw new InvalidOperationException($"An instrument has {tags.Length} labels."),
        };

        public override string ToString() => Name1 is null ? "" : Name2 is null ? $"{Name1}=\"{Value1}\"" : $"{Name1}=\"{Value1}\",{Name2}=\"{Value2}\"";
    }

    private abstract class Series
    {
        public abstract void Take(double value);

        public abstract void Write(StringBuilder text, string name, string labels);

        protected static string Braced(string labels) => labels.Length == 0 ? "" : $"{{{labels}}}";
    }

    private sealed class Last : Series
    {
        private double _value;

        public override void Take(double value) => Volatile.Write(ref _value, value);

        public override void Write(StringBuilder text, string name, string labels) => text.Append($"{name}{Braced(labels)} {Volatile.Read(ref _value):R}\n");
    }

    private sealed class Sum : Series
    {
        private long _sum;

        public override void Take(double value) => Interlocked.Add(ref _sum, (long)value);

        public override void Write(StringBuilder text, string name, string labels) => text.Append($"{name}{Braced(labels)} {Interlocked.Read(ref _sum)}\n");
    }

    private sealed class Distribution : Series
    {
        private readonly long[] _counts = new long[Bounds.Length + 1];

        // Nanoseconds, so that adding is one instruction and not a loop of compare-and-swap over a double.
        private long _sum;

        public override void Take(double value)
        {
            var place = Array.BinarySearch(Bounds, value);
            Interlocked.Increment(ref _counts[place < 0 ? ~place : place]);
            Interlocked.Add(ref _sum, (long)(value * 1e9));
        }

        public override void Write(StringBuilder text, string name, string labels)
        {
            long below = 0;
            for (var i = 0; i <= Bounds.Length; i++)
            {
                below += Interlocked.Read(ref _counts[i]);
                var bound = i < Bounds.Length ? Bounds[i].ToString("R") : "+Inf";
                text.Append($"{name}_bucket{{{labels},le=\"{bound}\"}} {below}\n");
            }
            text.Append($"{name}_sum{Braced(labels)} {Interlocked.Read(ref _sum) / 1e9:R}\n{name}_count{Braced(labels)} {below}\n");
        }
    }
}
