using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace AgentIdentity.AspNetCore;

/// <summary>A request that is being answered, and is cut off when its agent is stopped or the enforcer's lease ends.</summary>
/// <remarks>A server uses its request objects again: after the end of this one nothing may be cut any more, and the lock sees to it.</remarks>
internal sealed class RunningRequest(HttpContext context, ILogger logger) : IDisposable
{
    private readonly Lock _lock = new();
    private IDisposable? _watch;
    private bool _isOver;

    public void Begin(IVerifier verifier, Verdict verdict, AgentAction action)
    {
        var watch = verifier.Watch(verdict, action, Abort);
        lock (_lock)
            _watch = watch;
        context.Response.RegisterForDispose(this);
    }

    public void Dispose()
    {
        lock (_lock)
            _isOver = true;
        _watch?.Dispose();
    }

    private void Abort(string reason)
    {
        lock (_lock)
        {
            if (_isOver)
                return;
            logger.LogWarning("A running request was cut off: {Reason}", reason);
            context.Abort();
        }
    }
}
