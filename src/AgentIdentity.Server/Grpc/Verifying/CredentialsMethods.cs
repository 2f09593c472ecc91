using Grpc.Core;
using Wire = AgentIdentity.Protocol.V1;

namespace AgentIdentity.Server.Grpc.Verifying;

/// <summary>The service <c>agentidentity.v1.Credentials</c>: as it was generated, but for <c>Verify</c>, whose message is read as a <see cref="PresentedRequest"/>.</summary>
[BindServiceMethod(typeof(CredentialsMethods), nameof(Bind))]
internal abstract class CredentialsMethods
{
    private static readonly Marshaller<PresentedRequest> Reader = Marshallers.Create<PresentedRequest>(
        (_, _) => throw new NotSupportedException("A server reads requests."),
        context => PresentedRequest.Parser.ParseFrom(context.PayloadAsReadOnlySequence()));

    public abstract Task<Wire.IssueResponse> Issue(Wire.IssueRequest request, ServerCallContext context);

    public abstract Task<Wire.RenewResponse> Renew(Wire.RenewRequest request, ServerCallContext context);

    public abstract Task<Wire.DelegateResponse> Delegate(Wire.DelegateRequest request, ServerCallContext context);

    public abstract Task<Wire.VerifyResponse> Verify(PresentedRequest request, ServerCallContext context);

    /// <summary>Tells the gRPC layer which methods there are. It finds the handlers by their names and messages, and asks without a service.</summary>
    public static void Bind(ServiceBinderBase binder, CredentialsMethods? service) => Wire.Credentials.BindService(new Binder(binder), null);

    private sealed class Binder(ServiceBinderBase inner) : ServiceBinderBase
    {
        public override void AddMethod<TRequest, TResponse>(Method<TRequest, TResponse> method, UnaryServerMethod<TRequest, TResponse>? handler)
        {
            if (method is Method<Wire.VerifyRequest, Wire.VerifyResponse> verify)
                inner.AddMethod(new Method<PresentedRequest, Wire.VerifyResponse>(verify.Type, verify.ServiceName, verify.Name, Reader, verify.ResponseMarshaller), (UnaryServerMethod<PresentedRequest, Wire.VerifyResponse>?)null);
            else
                inner.AddMethod(method, handler);
        }
    }
}
