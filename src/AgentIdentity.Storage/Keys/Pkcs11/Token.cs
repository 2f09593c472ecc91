using System.Collections.Concurrent;

namespace AgentIdentity.Storage.Keys.Pkcs11;

/// <summary>A token that its user has logged in to, and sessions with it, of which each serves one call at a time.</summary>
internal sealed class Token : IDisposable
{
    private readonly Module _module;
    private readonly nuint _slot;
    private const int SessionsMax = 8;

    private readonly ConcurrentBag<nuint> _idle = [];
    private readonly object _gate = new();
    private int _busy;

    // Stays open: the login ends with the last session.
    private readonly nuint _login;

    public Token(Module module, string label, ReadOnlySpan<byte> pin)
    {
        _module = module;
        _slot = module.FindSlot(label);
        _login = module.OpenSession(_slot);
        try
        {
            module.Login(_login, pin);
        }
        catch
        {
            module.CloseSession(_login);
            throw;
        }
    }

    /// <summary>Has a call made. A session in which one has failed is not used again: what state it is in only the module knows.</summary>
    public T Call<T>(Func<Module, nuint, T> call)
    {
        // Tokens have few sessions, and being refused one would end the registry: who comes when all are busy waits.
        Take();
        try
        {
            return CallInSession(call);
        }
        finally
        {
            Release();
        }
    }

    private T CallInSession<T>(Func<Module, nuint, T> call)
    {
        var session = _idle.TryTake(out var idle) ? idle : _module.OpenSession(_slot);
        try
        {
            var answer = call(_module, session);
            _idle.Add(session);
            return answer;
        }
        catch
        {
            _module.CloseSession(session);
            throw;
        }
    }

    private void Take()
    {
        lock (_gate)
        {
            while (_busy == SessionsMax)
                Monitor.Wait(_gate);
            _busy++;
        }
    }

    private void Release()
    {
        lock (_gate)
        {
            _busy--;
            Monitor.Pulse(_gate);
        }
    }

    /// <inheritdoc cref="Call{T}"/>
    public void Call(Action<Module, nuint> call) => Call((module, session) =>
    {
        call(module, session);
        return true;
    });

    public void Dispose()
    {
        while (_idle.TryTake(out var session))
            _module.CloseSession(session);
        _module.CloseSession(_login);
    }
}
