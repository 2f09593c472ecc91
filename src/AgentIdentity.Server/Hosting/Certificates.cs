using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using AgentIdentity.Server.Options;

namespace AgentIdentity.Server.Hosting;

/// <summary>The server's certificate, read again when its file has changed, so that renewing it needs no restart.</summary>
internal sealed class Certificates
{
    // How long a replaced file may go unnoticed.
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly string _certificatePath;
    private readonly string _keyPath;
    private readonly TimeProvider _clock;
    private readonly Action<string> _log;
    private readonly Action<string> _alarm;

    // Guarded by the lock.
    private readonly Lock _lock = new();
    private SslStreamCertificateContext _current;
    private (DateTime Certificate, DateTime Key) _writtenAt;
    private long _lookedAt;
    private bool _isEndTold;

    /// <exception cref="OptionsRefusedException">The files hold no certificate with its key.</exception>
    public Certificates(string certificatePath, string keyPath, TimeProvider clock, Action<string> log, Action<string> alarm)
    {
        (_certificatePath, _keyPath, _clock, _log, _alarm) = (certificatePath, keyPath, clock, log, alarm);
        try
        {
            _current = Load();
        }
        catch (Exception failure) when (IsOfTheFiles(failure))
        {
            throw new OptionsRefusedException($"--tls-cert {certificatePath} and --tls-key {keyPath} hold no certificate with its private key, PEM: {failure.Message}");
        }
        TellEnd();
    }

    public SslStreamCertificateContext Current
    {
        get
        {
            lock (_lock)
            {
                if (_clock.GetElapsedTime(_lookedAt) >= Interval)
                {
                    LookAgain();
                    TellEnd();
                }
                return _current;
            }
        }
    }

    private void LookAgain()
    {
        _lookedAt = _clock.GetTimestamp();
        try
        {
            if (WrittenAt() == _writtenAt)
                return;
            _current = Load();
            _log("The TLS certificate was read again.");
        }
        catch (Exception failure) when (IsOfTheFiles(failure))
        {
            // Certificate and key are replaced one after the other; until both fit, the old pair serves.
            _log($"The TLS certificate cannot be read again, and the one before stays in use: {failure.Message}");
        }
    }

    // Callers who check it go away without a word that comes here.
    private void TellEnd()
    {
        DateTimeOffset end = _current.TargetCertificate.NotAfter;
        if (_isEndTold || _clock.GetUtcNow() <= end)
            return;
        _isEndTold = true;
        _alarm($"The TLS certificate in {_certificatePath} ended at {end.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ}, and nobody who checks it connects any more: put a new one in its place, which is read within seconds.");
    }

    private SslStreamCertificateContext Load()
    {
        var writtenAt = WrittenAt();
        var certificate = X509Certificate2.CreateFromPemFile(_certificatePath, _keyPath);
        var chain = new X509Certificate2Collection();
        chain.ImportFromPemFile(_certificatePath);
        var context = SslStreamCertificateContext.Create(certificate, chain, offline: true);
        _writtenAt = writtenAt;
        _lookedAt = _clock.GetTimestamp();
        _isEndTold = false;
        return context;
    }

    // The last is what the class library says of a key that is another certificate's.
    private static bool IsOfTheFiles(Exception failure) => failure is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException;

    private (DateTime Certificate, DateTime Key) WrittenAt() => (WrittenAt(_certificatePath), WrittenAt(_keyPath));

    // Of the file behind all links: a link's own time stays when what it leads to is replaced, as Kubernetes replaces a secret.
    private static DateTime WrittenAt(string path) => (File.ResolveLinkTarget(path, returnFinalTarget: true) ?? new FileInfo(path)).LastWriteTimeUtc;
}
