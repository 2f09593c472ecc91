using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace AgentIdentity.Server.Telemetry;

/// <summary>Sends metrics and traces to a collector. Made only when a setting names one: nothing leaves the process otherwise.</summary>
internal sealed class OtlpExport : IDisposable
{
    private readonly MeterProvider _metrics;
    private readonly TracerProvider _traces;

    public OtlpExport(Uri collector)
    {
        void To(OtlpExporterOptions exporter) => exporter.Endpoint = collector;
        _metrics = Sdk.CreateMeterProviderBuilder().AddMeter(CallMetrics.Name).AddOtlpExporter(To).Build();
        // All calls: no caller decides whether what it did is seen.
        _traces = Sdk.CreateTracerProviderBuilder().AddSource(CallMetrics.Name).SetSampler(new AlwaysOnSampler()).AddOtlpExporter(To).Build();
    }

    public void Dispose()
    {
        _traces.Dispose();
        _metrics.Dispose();
    }
}
